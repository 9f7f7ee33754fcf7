"""Speech for pre-training: clips of int16 samples with their F0 track, end to end in one folder per source.

Conventions: 16 kHz mono; F0 in semitones re 100 Hz every 10 ms, NaN where voiceless. A voice is named
``source/speaker``. No label is read; names only say which clips are of one voice.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from tonespan_utils.audio import reading as audio
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import splitting
from tonespan_utils.corpus.synthetic import readings, rendering, synthesis
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument.f0 import track

F0_STEP = 160  # samples between F0 values; clips are cut to whole steps so that tracks can be joined
F0_FLOOR_HZ, F0_CEILING_HZ, F0_REFERENCE_HZ = 75.0, 500.0, 100.0  # a low floor would smear pitch over a longer window
TRACK_STEP_MS = 10.0
SPANS_MS = (60.0, 240.0)  # reference cue widths; the demo's are inside, at none of its sentences
N_SPEAKERS = 48
N_WIDE, WIDE_SHARE = 120, 0.65  # voices of the wide cast, and what it says of the synthetic speech
WIDE_VARIANTS = {  # none with an echo or a whisper, none of the demo's test voices
    "male": (
        "Alex", "Andy", "Denis", "Diogo", "Gene", "Henrique", "Jacky", "Michael", "Mike", "Storm", "antonio", "boris",
        "ed", "gustave", "ian", "iven", "john", "m1", "m3", "m4", "m5", "m6", "m7", "marcelo", "max", "michel",
        "miguel", "norbert", "pedro", "quincy", "rob", "robert", "sandro", "victor",
    ),
    "female": (
        "Andrea", "Annie", "anika", "f1", "f2", "f5", "grandma", "linda", "shelby", "Alex", "m3", "m6", "m4", "max",
    ),
}  # fmt: skip
WIDE_LIFT = dict.fromkeys(("Alex", "m3", "m6", "m4", "max"), 1.16)  # men's variants made women's
SYNTHETIC_SHARE = 2.0  # of the crops, per language; the recordings' shares follow what they can teach about pitch
RECORDINGS = {"cmn_syllables": 2.0, "cmn_words": 2.0, "yue_syllables": 1.5, "yo_sentences": 0.5, "en_digits": 0.3}


@dataclass(frozen=True)
class Bank:
    """Clips end to end: ``samples`` int16, ``f0_st`` one value per F0_STEP, ``clips`` (clip, [voice, first, last])
    in steps.
    """

    samples: np.ndarray
    f0_st: np.ndarray
    clips: np.ndarray
    voices: tuple[str, ...]

    @property
    def hours(self) -> float:
        return len(self.f0_st) * F0_STEP / SAMPLE_RATE / 3600


def track_f0(samples: np.ndarray) -> np.ndarray:
    """F0 in semitones at the middle of every whole F0_STEP of ``samples``; NaN where voiceless: (step,)."""
    n_steps = samples.size // F0_STEP
    middles_s = (np.arange(n_steps) + 0.5) * F0_STEP / SAMPLE_RATE
    if samples.size < 4 * SAMPLE_RATE / F0_FLOOR_HZ:  # Praat wants three periods of the floor
        return np.full(n_steps, np.nan, dtype=np.float32)
    times_s, hz = track(samples, floor_hz=F0_FLOOR_HZ, ceiling_hz=F0_CEILING_HZ, step_ms=TRACK_STEP_MS)
    nearest = np.clip(np.rint((middles_s - times_s[0]) * 1000 / TRACK_STEP_MS).astype(int), 0, hz.size - 1)
    return (12 * np.log2(hz / F0_REFERENCE_HZ))[nearest].astype(np.float32)


def write_bank(folder: Path, clips: Iterable[tuple[str, np.ndarray]]) -> None:
    """Store (voice, samples float32) clips in ``folder``; it is complete once ``bank.json`` is there."""
    folder.mkdir(parents=True, exist_ok=True)
    voices: dict[str, int] = {}
    rows, step = [], 0
    with (folder / "samples.i16").open("wb") as samples_file, (folder / "f0.f32").open("wb") as f0_file:
        for voice, samples in clips:
            n_steps = samples.size // F0_STEP
            cut = samples[: n_steps * F0_STEP] / max(1.0, np.abs(samples).max())
            (cut * 32767).astype("<i2").tofile(samples_file)
            track_f0(cut).astype("<f4").tofile(f0_file)
            rows.append([voices.setdefault(voice, len(voices)), step, step + n_steps])
            step += n_steps
    np.save(folder / "clips.npy", np.array(rows))
    (folder / "bank.json").write_text(json.dumps({"voices": list(voices)}))


def read_bank(folder: Path) -> Bank:
    """What :func:`write_bank` stored; the samples stay on disk. Raises TonespanError where it is not complete."""
    if not (folder / "bank.json").is_file():
        raise TonespanError(f"{folder}: no complete bank of clips there; build it again")
    voices = tuple(json.loads((folder / "bank.json").read_text())["voices"])
    samples = np.memmap(folder / "samples.i16", dtype="<i2", mode="r")
    f0 = np.fromfile(folder / "f0.f32", dtype="<f4")
    return Bank(samples, f0, np.load(folder / "clips.npy"), voices)


def wide_cast(seed: int) -> list[readings.Speaker]:
    """Voices for pre-training alone: eSpeak variants that no test voice uses; tract, pitch and speed at random."""
    rng, people = np.random.default_rng(seed), []
    for index in range(N_WIDE):
        gender = ("female", "male")[index % 2]
        variants = WIDE_VARIANTS[gender]
        variant = variants[index // 2 % len(variants)]
        formants = (WIDE_LIFT.get(variant, 1.0) if gender == "female" else 1.0) * rng.uniform(0.92, 1.08)
        low, high = (readings.BASE_HZ[gender][0] * 0.9, readings.BASE_HZ[gender][1] * 1.1)
        base_hz, rate = low * (high / low) ** rng.random(), 0.88 + 0.24 * rng.random()
        people.append(readings.Speaker(f"w{index:03d}", gender, "train", variant, round(formants, 3), base_hz, rate))
    return people


def synthetic_clips(
    language: str, *, minutes: float, seed: int, cast: Sequence[readings.Speaker] = ()
) -> Iterator[tuple[str, np.ndarray]]:
    """(voice, samples) from the embedded corpus' generator, without the voices of its test split.

    The cue width is drawn from 60 to 240 ms for each sentence; ``cast`` speaks in place of the corpus' voices.
    """
    wanted, rng = minutes * 60 * SAMPLE_RATE, np.random.default_rng(seed)
    turns = itertools.cycle(cast)
    for reading in readings.readings(language, n_speakers=N_SPEAKERS, seed=seed):
        span_ms = rng.uniform(*SPANS_MS)
        if cast:
            reading = replace(reading, speaker=next(turns))
        elif reading.speaker.split == "test":
            continue
        samples, _ = rendering.render(reading, language=language, span_ms=span_ms)
        wanted -= samples.size
        yield f"{language}/{reading.speaker.name}", samples.astype(np.float32) / 32768
        if wanted <= 0:
            return


def recorded_clips(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """(voice, samples) of a folder with ``labels.csv``, without its held-out speaker and syllable types."""
    labels = pd.read_csv(folder / "labels.csv", dtype=str, keep_default_na=False)
    for row in labels[~held_out(labels)].itertuples():
        yield f"{folder.name}/{row.speaker}", audio.read(folder / row.file)


def held_out(labels: pd.DataFrame) -> pd.Series:
    """Rows of the test split that ``recordings`` makes: a fifth of the speakers, or of the syllable types or texts."""
    kinds = labels["syllable"].where(labels["syllable"] != "", labels["text"])
    names = labels["speaker"] if labels["speaker"].nunique() > 1 else kinds
    splits_of = splitting.assign_names(names)
    return names.map(splits_of) == "test"


def open_banks(
    folder: Path, *, recordings_root: Path, minutes: float, seed: int, wide: bool = False
) -> list[tuple[Bank, float]]:
    """Every bank with its share of the crops, built where it is not there; real speech only where its folder is.

    ``wide`` adds as much synthetic speech of the wide cast to that of the demo's cast.
    """
    makers = {name: (partial(synthetic_clips, name, minutes=minutes, seed=seed), 1.0) for name in synthesis.FOLDERS}
    if wide:
        people = wide_cast(seed + 1)
        makers = {name: (make, 1 - WIDE_SHARE) for name, (make, _) in makers.items()} | {
            f"{name}-wide": (partial(synthetic_clips, name, minutes=minutes, seed=seed + 1, cast=people), WIDE_SHARE)
            for name in synthesis.FOLDERS
        }
    makers = {name: (make, SYNTHETIC_SHARE * share) for name, (make, share) in makers.items()}
    makers |= {name: (partial(recorded_clips, recordings_root / name), share) for name, share in RECORDINGS.items()}
    banks = []
    for name, (make, share) in makers.items():
        if not (folder / name / "bank.json").is_file():
            if name in RECORDINGS and not (recordings_root / name).is_dir():
                print(f"{recordings_root / name}: not there; going on without it", flush=True)
                continue
            print(f"building {folder / name} ...", flush=True)
            write_bank(folder / name, make())
        banks.append((read_bank(folder / name), share))
    return banks
