"""Small stand-ins for all that profile ``full`` needs: FLEURS, four public encoders, labelled speech; no results.

FLEURS' stand-in is synthetic speech in FLEURS' own files and nothing beside them: no speakers, no emotions, no times.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import yaml
from conftest import FAMILIES, make_checkpoint

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import fleurs as layout
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.corpus.synthetic import synthesis
from tonespan_utils.params import profile as params

TASKS = {  # every family, every task; full has every task for every family
    "wav2vec2-base": ["vanilla", "asr-my", "speaker"],
    "xlsr-300m": ["vanilla", "asr-cmn", "shuffled_asr-th", "tone-lo"],
    "mms-300m": ["vanilla", "gender", "asr-vi", "asr_tone-vi"],
    "mhubert-147": ["vanilla", "emotion", "shuffled_emotion", "emotion_tone-my"],
}
SIZES = {
    "baseline": {"windows_ms": [20, 100, 200, 300], "n_bands": 20, "n_folds": 2, "max_tokens": 200},
    "probe": {"control_seeds": [0], "max_tokens": 200},
    "gradient": {"n_tokens": 6, "bin_ms": 50.0},
    "bootstrap": {"n_resamples": 40},
    "f0": {"n_tokens": 20},
}
TRAINING = {"steps": 3, "batch_size": 4, "checkpoint_every": 2, "max_test_utterances": 12}
SEEDS = {"seeds": [0], "control_seeds": [0]}


def profile(folder: Path, *, tasks: dict[str, list[str]] = TASKS) -> Path:
    """A profile that is ``full`` but for its paths, sizes, seeds and the number of conditions; all it names is made."""
    tree = yaml.safe_load((params.PARAMS_DIR / "full.yaml").read_text())
    tree["profile"] = "standin"
    tree["speech"]["root"] = str(fleurs(folder / "fleurs"))
    for name, encoder in tree["encoders"].items():
        encoder["checkpoint"] = str(make_checkpoint(folder / "checkpoints" / name, name))
    tree["finetune"] |= TRAINING | SEEDS
    tree["finetune"]["corpora"] = {
        "emotion": str(labels_csv(folder / "emotion", ["angry", "calm", "sad"])),
        "speaker": str(audiofolder(folder / "speaker", [f"s{number}" for number in range(8)])),
    }
    for section, values in SIZES.items():
        tree[section] = tree.get(section, {}) | values
    tree["conditions"] = [f"{family}/{task}" for family in FAMILIES for task in tasks[family]]
    path = folder / "standin.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


def fleurs(root: Path) -> Path:
    """The six languages, half a minute each, in FLEURS' layout."""
    speech = params.load("full").speech
    spans = dict.fromkeys(speech.tonal, 120.0)
    synthesis.build(root, languages=speech.languages, planted_span_ms=spans, minutes=0.8, n_speakers=12, seed=3)
    for name in ("utterances.csv", "syllables.csv", "synthetic.json"):
        for beside in root.rglob(name):
            beside.unlink()
    return root


def embedded(folder: Path, language: str, *, span_ms: float) -> Corpus:
    """Three minutes of one language of the embedded corpus by twelve voices, with known speakers and times."""
    synthesis.build(folder, languages=[language], planted_span_ms={language: span_ms}, minutes=3, n_speakers=12, seed=7)
    return layout.load(folder, language, cache_dir=folder / "audio")


def labels_csv(folder: Path, classes: list[str]) -> Path:
    """Six speakers, each once in every class: a table ``labels.csv`` beside the audio."""
    folder.mkdir(parents=True)
    rows = [
        {"file": f"{speaker}_{name}.wav", "speaker": speaker, "emotion": name}
        for speaker in [f"p{number}" for number in range(6)] for name in classes
    ]  # fmt: skip
    for number, row in enumerate(rows):
        _noise(folder / row["file"], number)
    pd.DataFrame(rows).to_csv(folder / "labels.csv", index=False)
    return folder


def audiofolder(folder: Path, classes: list[str]) -> Path:
    """Hugging Face's layout: split folders, in each a folder a class with two files; test has the last two classes."""
    for number, name in enumerate(classes):
        split = "test" if name in classes[-2:] else "train"
        (folder / split / name).mkdir(parents=True)
        for take in range(2):
            _noise(folder / split / name / f"{take}.flac", 2 * number + take)
    return folder


def _noise(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    soundfile.write(path, 0.1 * rng.standard_normal(int(rng.uniform(0.8, 1.2) * SAMPLE_RATE)), SAMPLE_RATE)
