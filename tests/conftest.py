"""Small stand-ins shared by tests: a corpus of tones whose answer is known, and encoders with real configurations."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.params import profile
from tonespan_utils.params.tables import TOKEN_COLUMNS, UTTERANCE_COLUMNS

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"
LONGEST = ("workflow", "paper", "study", "course", "finetune", "alignment", "instrument")  # whose files take longest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folders of LONGEST first: two workers take a file at a time, and none may begin a long one at the end."""

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        return LONGEST.index(folder) if folder in LONGEST else len(LONGEST)

    items.sort(key=place)  # which leaves the tests of a file as they are


@pytest.fixture
def shared_data() -> Path:
    """Real recordings and pronunciations beside the repository; skips where they are missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no {SHARED_DATA}: real recordings are not part of the repository")
    return SHARED_DATA


def make_tokens(n_utterances: int = 24, per_utterance: int = 3, *, n_speakers: int = 8, seed: int = 0) -> pd.DataFrame:
    """Tokens of a made-up language: speakers, sentences and tones ``rise`` and ``fall``, 0.5 s apart."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n_utterances):
        speaker = number % n_speakers
        for index in range(per_utterance):
            center_s = 0.6 + 0.5 * index
            rows.append(
                {
                    "token_id": f"u{number}_{index}",
                    "utterance_id": f"u{number}",
                    "sentence_id": str(number),
                    "language": "th",
                    "split": "test" if speaker >= n_speakers - 2 else "train",
                    "speaker": f"s{speaker}",
                    "gender": "female",
                    "emotion": "",
                    "syllable": f"x{rng.integers(6)}",
                    "ipa": f"x{rng.integers(6)}",
                    "tone": str(rng.choice(["rise", "fall"])),
                    "start_s": center_s - 0.1,
                    "end_s": center_s + 0.1,
                    "center_s": center_s,
                    "align_score": 1.0,
                }
            )
    return pd.DataFrame(rows)[TOKEN_COLUMNS]


def glide(
    tone: str, *, span_ms: float, seconds: float, center_s: float, middle_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """The frequency in Hz of a tone that rises or falls by half an octave within +-span/2, and where that is."""
    time_ms = (np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE - center_s) * 1000
    sign = {"rise": 0.5, "fall": -0.5}[tone]
    return middle_hz * 2 ** (sign * time_ms / span_ms), np.abs(time_ms) < span_ms / 2


@pytest.fixture(scope="session")
def glide_corpus() -> Corpus:
    """Sine glides in noise with a planted cue of 120 ms around each centre, at a pitch that says nothing of the
    tone.
    """
    tokens = make_tokens(n_utterances=48)
    audio = {}
    for number, (utterance_id, group) in enumerate(tokens.groupby("utterance_id", sort=False)):
        seconds, rng = 0.6 + 0.5 * len(group), np.random.default_rng(number)
        hz = np.full(round(seconds * SAMPLE_RATE), 1000.0)
        for token in group.itertuples():
            tone_hz, inside = glide(
                token.tone, span_ms=120, seconds=seconds, center_s=token.center_s, middle_hz=rng.uniform(700, 1400)
            )
            hz = np.where(inside, tone_hz, hz)
        noise = rng.normal(0, 0.3, hz.size)
        audio[utterance_id] = (0.3 * np.sin(2 * np.pi * np.cumsum(hz) / SAMPLE_RATE) + noise).astype(np.float32)
    lengths = tokens["utterance_id"].map(lambda u: audio[u].size)
    utterances = tokens.assign(text="", n_samples=lengths).drop_duplicates("utterance_id")
    return Corpus(utterances, tokens, audio.__getitem__, pd.DataFrame(columns=["item", "reason"]))


def make_speech(language: str = "th", *, n_utterances: int = 24, seconds: float = 0.8, seed: int = 0) -> Corpus:
    """Noise with a hum, whose pitch is the speaker's gender, and everything that a task may need: eight speakers (the
    last two of the test split), genders, emotions, transcripts, and two tone tokens an utterance.
    """
    rng = np.random.default_rng(seed)
    tokens = make_tokens(n_utterances, 2, seed=seed).assign(language=language)
    tokens["center_s"] = tokens.groupby("utterance_id").cumcount().map([0.25, 0.55].__getitem__)
    number = tokens["speaker"].str[1:].astype(int)
    tokens["gender"] = np.where(number % 2, "female", "male")
    tokens["emotion"] = np.where(tokens["sentence_id"].astype(int) // 8 % 2, "calm", "angry")
    tokens["utterance_id"] = language + "-" + tokens["utterance_id"]
    tokens["token_id"] = language + "-" + tokens["token_id"]
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    utterances = tokens.drop_duplicates("utterance_id").reset_index(drop=True)
    utterances["text"] = [" ".join(rng.choice(["กา", "มี", "ab", "é1"], size=2)) for _ in utterances.index]
    hum = {"female": np.sin(2 * np.pi * 220 * time_s), "male": np.sin(2 * np.pi * 110 * time_s)}
    audio = {
        row.utterance_id: (0.3 * hum[row.gender] + rng.normal(0, 0.1, time_s.size)).astype(np.float32)
        for row in utterances.itertuples()
    }
    utterances = utterances.assign(n_samples=time_s.size)[UTTERANCE_COLUMNS]
    return Corpus(utterances, tokens, audio.__getitem__, pd.DataFrame(columns=["item", "reason"]))


# Structure and training as the published config.json of the four public models has them; widths and depth are small.
POST_NORM = {"feat_extract_norm": "group", "conv_bias": False, "do_stable_layer_norm": False, "mask_time_prob": 0.05}
PRE_NORM = {"feat_extract_norm": "layer", "conv_bias": True, "do_stable_layer_norm": True, "mask_time_prob": 0.075}
FAMILIES = {
    "wav2vec2-base": POST_NORM
    | {"activation_dropout": 0.0, "final_dropout": 0.0, "layerdrop": 0.0, "freeze_feat_extract_train": True},
    "xlsr-300m": PRE_NORM | {"activation_dropout": 0.0, "final_dropout": 0.0, "layerdrop": 0.1},
    "mms-300m": PRE_NORM | {"activation_dropout": 0.0, "final_dropout": 0.0, "layerdrop": 0.1, "add_adapter": False},
    "mhubert-147": POST_NORM
    | {"activation_dropout": 0.1, "layerdrop": 0.1, "feat_proj_layer_norm": True, "conv_pos_batch_norm": False},
}
SHORT = {"wav2vec2": "wav2vec2-base", "xlsr": "xlsr-300m", "hubert": "mhubert-147"}  # where one of its kind will do
SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embeddings": 128,  # as published, like the groups
    "num_conv_pos_embedding_groups": 16,
    "feat_proj_dropout": 0.1,
    "hidden_dropout": 0.1,
    "attention_dropout": 0.1,
    "apply_spec_augment": True,
    "mask_time_length": 10,
    "mask_feature_prob": 0.0,
    "mask_feature_length": 10,
}


def make_checkpoint(
    folder: Path,
    family: str,
    *,
    seed: int = 0,
    safe: bool = True,
    scaled: bool = True,
    head: str = "Model",
    **overrides,
) -> Path:
    """A random checkpoint with a family's real configuration at small width, saved with its feature extractor.

    ``head`` is the end of a transformers class name: ``ForCTC`` puts a head on the encoder.
    """
    import torch
    import transformers

    family = SHORT.get(family, family)
    kind = "Hubert" if family == "mhubert-147" else "Wav2Vec2"
    config = getattr(transformers, f"{kind}Config")(**(SMALL | FAMILIES[family] | overrides))
    torch.manual_seed(seed)
    model = getattr(transformers, f"{kind}{head}")(config)
    for weight in model.parameters():  # as drawn, biases are 0 and norms 1: a mistake with them would not show
        weight.data += 0.02 * torch.randn_like(weight)
    model.save_pretrained(folder)
    if not safe:
        (folder / "model.safetensors").unlink()
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    # All four scale; only the layer-normed ones get an attention mask.
    extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=scaled, return_attention_mask="300m" in family)
    extractor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session", params=list(FAMILIES))
def checkpoint(request, tmp_path_factory) -> Path:
    """A small random checkpoint of each family in turn."""
    return make_checkpoint(tmp_path_factory.mktemp(request.param), request.param)


def run_notebook(name: str, **parameters: str) -> dict[str, object]:
    """Execute a notebook's code cells in this process, with its parameters replaced. Returns what it defined."""
    import jupytext

    notebook = jupytext.read(Path(__file__).parents[1] / "notebooks" / f"{name}.py")
    defined: dict[str, object] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, f"{name}, cell", "exec"), defined)
            defined |= parameters if "parameters" in cell.metadata.get("tags", []) else {}
    return defined


def command(*arguments: object, output: Path, **options: object) -> subprocess.CompletedProcess:
    """Run the command line with its results under ``output``."""
    environment = os.environ | {"TONESPAN_OUTPUT": str(output)}
    return subprocess.run(
        [sys.executable, "-m", "tonespan_utils", *map(str, arguments)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1200, **options,
    )  # fmt: skip


@pytest.fixture(scope="session")
def smoke(tmp_path_factory) -> Path:
    """The output root of one complete smoke run, made once for all workers of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    output = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "smoke"
    finished = output.with_suffix(".finished")
    with FileLock(output.with_suffix(".lock")):
        if not finished.exists():
            done = command("run", "smoke", output=output)
            assert done.returncode == 0, done.stdout + done.stderr
            finished.touch()
    return output


@pytest.fixture
def smoke_params(smoke, monkeypatch) -> profile.Params:
    """The parameters of the smoke run, whose folders are those of :func:`smoke`."""
    monkeypatch.setattr(profile, "OUTPUT_ROOT", smoke)
    return profile.load("smoke")
