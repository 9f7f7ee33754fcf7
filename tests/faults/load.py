"""One heavy task in a process of its own, so that its peak of memory is its own: ``python load.py NAME FOLDER``.

Prints one line of JSON: seconds, peak memory in MB, and what the task counted.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what only some tasks import, in them: torch alone is 680 MB

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import labelled, level, recordings, textgrid
from tonespan_utils.corpus.textgrid import Interval
from tonespan_utils.params import profile as params
from tonespan_utils.params import tables

N_CLIPS, N_SPEAKERS, N_TONES, N_SYLLABLES = 50_000, 40, 5, 400
N_HOURS, SYLLABLE_S = 3, 0.5
N_TOKENS = 10_000
ONSETS, VOWELS = "ptkbdgmnlfsh", "aeiou"


def hum(seconds: float) -> np.ndarray:
    """A voiced sound whose pitch falls: float32 (samples,)."""
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(150 - 30 * (time_s % 1)) / SAMPLE_RATE
    return (0.2 * sum(np.sin(n * phase) / n for n in range(1, 6))).astype(np.float32)


def syllable_name(number: int) -> str:
    """A syllable of its own for each number, without digits: those that end one are taken for its tone."""
    onset, vowel = ONSETS[number % len(ONSETS)], VOWELS[number // len(ONSETS) % len(VOWELS)]
    return onset + vowel * (1 + number // (len(ONSETS) * len(VOWELS)))


def make_clips(folder: Path) -> None:
    """Fifty thousand names of five recordings."""
    for number in range(5):
        soundfile.write(folder / f"voice{number}.wav", hum(0.3 + 0.02 * number), SAMPLE_RATE, subtype="PCM_16")
    lines = ["file,text,syllable,tone,speaker,gender,emotion,language"]
    for number in range(N_CLIPS):
        name = f"s{number % N_SPEAKERS}/{number}.wav"
        (folder / name).parent.mkdir(exist_ok=True)
        os.link(folder / f"voice{number % 5}.wav", folder / name)
        tone, syllable = number // N_SPEAKERS % N_TONES, number // (N_SPEAKERS * N_TONES) % N_SYLLABLES
        lines.append(f"{name},,{syllable_name(syllable)},{tone},p{number % N_SPEAKERS},female,calm,cmn")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


def clips(folder: Path) -> dict:
    speech = folder / "speech"
    corpus = recordings.load(speech, cache_dir=folder / "cache")
    splits = corpus.utterances["split"].value_counts().to_dict()
    return {"tokens": len(corpus.tokens), "rejected": len(corpus.rejected), "splits": splits}


def labels(folder: Path) -> dict:
    corpus = labelled.load(folder / "speech", label="emotion")
    return {"utterances": len(corpus.utterances), "rejected": len(corpus.rejected)}


def make_recording(folder: Path) -> None:
    """Three hours of stereo at 44.1 kHz, with a syllable every half second."""
    minute = np.repeat(np.interp(np.arange(60 * 44100) / 44100, np.arange(60 * SAMPLE_RATE) / SAMPLE_RATE, hum(60)), 2)
    with soundfile.SoundFile(folder / "long.flac", "w", 44100, 2, subtype="PCM_16") as file:
        for _ in range(60 * N_HOURS):
            file.write(minute.reshape(-1, 2))
    edges = np.arange(0, 3600 * N_HOURS + SYLLABLE_S, SYLLABLE_S)
    labels = [f"{ONSETS[n // N_TONES % len(ONSETS)]}a{n % N_TONES}" for n in range(len(edges) - 1)]
    spoken = [Interval(a, b, label) for (a, b), label in zip(itertools.pairwise(edges), labels, strict=True)]
    textgrid.write(folder / "long.TextGrid", {"syllable": spoken}, duration_s=3600.0 * N_HOURS)


def recording(folder: Path) -> dict:
    corpus = recordings.load(folder / "speech", language="cmn", cache_dir=folder / "cache")
    row = corpus.utterances.iloc[0]
    even = level.levelled(corpus, by="recording")  # as every measurement gets it
    return {
        "tokens": len(corpus.tokens),
        "rejected": len(corpus.rejected),
        "length_s": int(row["n_samples"]) / SAMPLE_RATE,
        "peak": float(np.abs(even.audio(row["utterance_id"])[: 60 * SAMPLE_RATE]).max()),
    }


def make_results(folder: Path) -> None:
    """The tables of a run that measured ten thousand tokens in two languages."""
    import fake_results

    path = fake_results.profile(folder, ["vanilla", "asr-th", "emotion"], tonal=["th", "vi"], other=[])
    params.OUTPUT_ROOT = folder
    few = fake_results.tokens
    fake_results.tokens = lambda language: few(language, n_utterances=N_TOKENS // 5, per_utterance=5)
    p = params.load(path)
    fake_results.write(p)
    tables.join_all(p)


def results(folder: Path) -> dict:
    """Notebook 05, the report and the explorer's page from such tables."""
    from conftest import run_notebook

    from tonespan_utils.paper import provenance
    from tonespan_utils.paper.explorer import bundle

    provenance.FORMATS = ("png",)
    params.OUTPUT_ROOT = folder
    path, numbers, start = str(folder / "fake.yaml"), {}, time.monotonic()
    for name in ("05_rcom_comparison", "05_explorer_page"):
        run_notebook(name, params_path=path)
        numbers[f"{name}_s"] = round(time.monotonic() - start)
    p = params.load(path)
    header, packed = bundle.build(p).packed()
    sizes = {name: (p.figures / f"{name}.html").stat().st_size for name in ("index", "explorer")}
    return numbers | {
        "measured": header["n_measured"],
        "shown": header["n_shown"],
        "notebook_bytes": len(packed),
        **sizes,
    }


MAKE = {"clips": make_clips, "labels": make_clips, "recording": make_recording, "results": make_results}
TASKS = {"clips": clips, "labels": labels, "recording": recording, "results": results}

if __name__ == "__main__":
    name, folder = sys.argv[1], Path(sys.argv[2])
    if sys.argv[3:] == ["make"]:
        MAKE[name](folder if name == "results" else folder / "speech")
    else:
        start = time.monotonic()
        numbers = TASKS[name](folder)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": round(time.monotonic() - start), "peak_mb": round(peak_mb), **numbers}))
