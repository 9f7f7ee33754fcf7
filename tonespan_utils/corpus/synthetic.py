"""The embedded corpus: synthetic speech whose tone cue has a known width, written in FLEURS' own layout.

It is a calibration corpus with a planted answer and no evidence about the languages themselves. Text is drawn as
legal syllables with the tone independent of the segments (:mod:`tonespan_utils.corpus.spellers`), spoken flat
by eSpeak NG (:mod:`tonespan_utils.corpus.espeak`), and given a pitch whose tone contour lives only within
+-span/2 of the nucleus centre (:mod:`tonespan_utils.corpus.pitch`).

Conventions
-----------
- Per language ``data/<folder>/{train,dev,test}.tsv`` and ``data/<folder>/audio/<split>.tar.gz`` as FLEURS has them;
  beside them ``utterances.csv``, ``syllables.csv`` and ``synthetic.json`` with what FLEURS has no column for.
- A sentence is read by one or two speakers of one split; splits share neither sentences nor speakers.
- English has words for syllables and no tone; its nucleus is that of the word's first syllable.
- Everything random hangs on (seed, language, sentence, reading): neither the order of work nor ``jobs`` changes a byte.
- A language folder appears whole or not at all; one whose parameters match is left as it is.
"""

from __future__ import annotations

import gzip
import io
import itertools
import json
import multiprocessing
import os
import shutil
import tarfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.io import wavfile
from scipy.signal import lfilter, resample_poly

from tonespan_utils.corpus import SAMPLE_RATE, espeak, pitch
from tonespan_utils.corpus.spellers import Frame, Speller, speller, write
from tonespan_utils.errors import TonespanError

FORMAT = 2  # raise when the same parameters would give other bytes: finished folders are then built anew
NOTE = "synthetic speech: calibration corpus with a planted answer"
FOLDERS = {"my": "my_mm", "th": "th_th", "lo": "lo_la", "vi": "vi_vn", "cmn": "cmn_hans_cn", "en": "en_us"}
SPLITS = ("train", "dev", "test")
SPLIT_CYCLE = ("train", "test", "dev", "train", "train", "test", "train", "train")  # of speaker pairs, and of sentences
MIN_SYLLABLES, MAX_SYLLABLES = 4, 9
RATE_WPM = 145  # syllables about 0.3 s apart, in every language alike: the rate must not give away the span
SOURCE_HZ = {"male": 155, "female": 212}  # eSpeak's flat pitch: near the target, so overlap-add has little to do
BASE_HZ = {"male": (145, 165), "female": (200, 225)}  # high for men: 25 ms windows blur harmonics under 120 Hz
VARIANTS = {  # eSpeak variant and a factor on all its formants; variants with an echo would smear tones
    "male": (
        ("m3", 1.0), ("Nguyen", 1.0), ("m6", 0.96), ("Alex", 1.0), ("Michael", 1.04), ("Mario", 0.97), ("m1", 1.0), ("ed", 1.0),
        ("m4", 1.0), ("paul", 1.0), ("max", 1.03), ("Denis", 1.0), ("m5", 0.98), ("pablo", 1.02), ("antonio", 0.97), ("robert", 1.0),
    ),
    "female": (
        ("linda", 1.0), ("steph", 1.0), ("f1", 0.97), ("Annie", 1.0), ("m3", 1.16), ("belinda", 0.97), ("Alex", 1.17), ("m6", 1.14),
        ("f2", 1.0), ("f3", 1.0), ("f5", 1.03), ("Andrea", 1.0), ("m4", 1.15), ("aunty", 0.98), ("max", 1.16), ("anika", 1.1),
    ),
}  # fmt: skip
LEVEL_DB = -24.0  # neutral speech, re full scale
ROOM_DB = LEVEL_DB - 30  # room noise: silence is never digital zero
PAD_S = (0.1, 0.25)  # silence before and after
BATCH = 32  # readings per turn of the pool

Progress = Callable[[str, float, float], None]  # language, seconds made, seconds wanted


@dataclass(frozen=True, slots=True)
class Style:
    """A way of speaking, as the literature on emotional prosody orders them (Scherer 2003)."""

    shift_st: float
    pitch_range: float
    rate: float
    gain_db: float
    tilt: float  # first-order filter 1 - tilt z^-1: positive is brighter


STYLES = {
    "neutral": Style(0.0, 1.0, 1.0, 0.0, 0.0),
    "happy": Style(2.0, 1.2, 1.04, 3.0, 0.2),
    "sad": Style(-1.5, 0.8, 0.9, -6.0, -0.4),
    "angry": Style(0.7, 1.1, 1.08, 7.0, 0.5),
}


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice: eSpeak variant, factor on its formants, base frequency, speed, and the split it belongs to."""

    name: str
    gender: str
    split: str
    variant: str
    formants: float
    base_hz: float
    rate: float


@dataclass(frozen=True, slots=True)
class Reading:
    """One sentence read by one speaker in one style; ``key`` seeds all that is random about it."""

    sentence_id: int
    syllables: tuple[tuple[Frame, str], ...]
    speaker: Speaker
    style: str
    key: tuple[int, ...]

    @property
    def file_name(self) -> str:
        """Name inside the archive, unique within a language."""
        return f"{self.sentence_id:05d}_{self.speaker.name}.wav"


def speakers(n_speakers: int) -> list[Speaker]:
    """Women and men by turns, spread evenly over base frequency and speed; raises for fewer than three of each."""
    if n_speakers < 6 or n_speakers % 2:
        raise TonespanError(
            f"n_speakers is {n_speakers}: use an even number from 6, so that each split has both genders"
        )
    return [_speaker(index) for index in range(n_speakers)]


def _speaker(index: int) -> Speaker:
    pair, gender = index // 2, ("female", "male")[index % 2]
    variant, formants = VARIANTS[gender][pair % len(VARIANTS[gender])]
    low, high = BASE_HZ[gender]
    base_hz = low * (high / low) ** ((0.5 + pair * 0.618) % 1)  # golden ratio: any first few lie well apart
    rate = 0.95 + 0.1 * ((0.25 + index * 0.618) % 1)
    again = 1 + 0.02 * (pair // len(VARIANTS[gender]))  # a variant used again gets another tract length
    name = f"{gender[0]}{pair:02d}"
    return Speaker(name, gender, SPLIT_CYCLE[pair % len(SPLIT_CYCLE)], variant, formants * again, base_hz, rate)


def draw_sentences(
    language: str, *, seed: int, n_sentences: int | None = None
) -> Iterator[tuple[tuple[Frame, str], ...]]:
    """Sentences as (frame, tone) pairs, without end by default: frame and tone are drawn apart, both uniformly.

    Mandarin has no two third tones in a row: sandhi would change the first.
    """
    spelling = speller(language)
    for index in itertools.islice(itertools.count(), n_sentences):
        yield _sentence(spelling, np.random.default_rng((seed, zlib.crc32(language.encode()), index)))


def _sentence(spelling: Speller, rng: np.random.Generator) -> tuple[tuple[Frame, str], ...]:
    n_syllables = int(rng.integers(MIN_SYLLABLES, MAX_SYLLABLES + 1))
    frames = [spelling.frames[i] for i in rng.integers(len(spelling.frames), size=n_syllables)]
    tones: list[str] = []
    for _ in frames:
        choice = [
            tone
            for tone in spelling.tones or ("",)
            if not (spelling.language == "cmn" and tone == "3" == "".join(tones[-1:]))
        ]
        tones.append(choice[rng.integers(len(choice))])
    return tuple(zip(frames, tones, strict=True))


def readings(language: str, *, n_speakers: int, seed: int) -> Iterator[Reading]:
    """Readings in the order of the corpus, without end: splits, speakers and styles all come round in turn."""
    cast = {split: [person for person in speakers(n_speakers) if person.split == split] for split in SPLITS}
    turns = {split: itertools.cycle(people) for split, people in cast.items()}
    styles = {person.name: itertools.cycle(STYLES) for people in cast.values() for person in people}
    for sentence_id, syllables in enumerate(draw_sentences(language, seed=seed)):
        split = SPLIT_CYCLE[sentence_id % len(SPLIT_CYCLE)]
        for take in range(1 + sentence_id // len(SPLIT_CYCLE) % 2):
            person = next(turns[split])
            key = (seed, zlib.crc32(language.encode()), sentence_id, 1 + take)
            yield Reading(sentence_id, syllables, person, next(styles[person.name]), key)


def render(reading: Reading, *, language: str, span_ms: float | None) -> tuple[np.ndarray, pd.DataFrame]:
    """One utterance: int16 samples at 16 kHz and its syllables' rows (all of ``syllables.csv``).

    The tone enters in one place only, the contour; every random draw comes before and without it.
    """
    rng = np.random.default_rng(reading.key)
    spelling, style, person = speller(language), STYLES[reading.style], reading.speaker
    spoken = _speak(reading, voice=spelling.voice)
    lead_s, trail_s = rng.uniform(*PAD_S, size=2)
    samples, rows = _lay_out(spoken, reading, lead_s=lead_s, trail_s=trail_s)
    samples = _level(lfilter([1, -style.tilt], [1], samples), LEVEL_DB + style.gain_db + rng.normal(0, 1))
    rows[["char_start", "char_end"]] = write(spelling, reading.syllables)[1]
    times_s = np.arange(0, len(samples) / SAMPLE_RATE, pitch.POINT_S)
    targets = _targets(rows, chao=spelling.chao)
    movement = pitch.base_line(times_s, targets, rng=rng)
    for target in targets if span_ms else ():
        movement += pitch.contour(times_s - target.center_s, target.chao, span_s=span_ms / 1000)
    level_st = style.shift_st + rng.normal(0, 0.3)
    pitch_hz = person.base_hz * 2 ** ((level_st + style.pitch_range * movement) / 12)
    samples = pitch.impose(samples, times_s, pitch_hz, source_hz=SOURCE_HZ[person.gender] * person.formants)
    return _to_int16(samples + _room(len(samples), rng)), rows


def _speak(reading: Reading, *, voice: str) -> espeak.Spoken:
    person = reading.speaker
    words = ["|".join(_stressed(frame)) for frame, _ in reading.syllables]
    # Formants move by playing the speech faster; eSpeak speaks that much slower, so that durations stay.
    rate_wpm = round(RATE_WPM * person.rate * STYLES[reading.style].rate / person.formants)
    pitch_hz = SOURCE_HZ[person.gender]
    return espeak.speak(words, voice=voice, variant=person.variant, rate_wpm=rate_wpm, pitch_hz=pitch_hz)


def _stressed(frame: Frame) -> list[str]:
    roles = [role for role, _ in frame.espeak]
    return [f"'{name}" if i == roles.index("nucleus") else name for i, (_, name) in enumerate(frame.espeak)]


def _lay_out(
    spoken: espeak.Spoken, reading: Reading, *, lead_s: float, trail_s: float
) -> tuple[np.ndarray, pd.DataFrame]:
    """Resample, shift the formants, put silence around; rows with times in the result."""
    ratio = espeak.SAMPLE_RATE * reading.speaker.formants / SAMPLE_RATE
    down = round(320 * ratio)  # 22,050 : 16,000 is 441 : 320
    speech = resample_poly(spoken.samples, 320, down)
    scale = 320 * espeak.SAMPLE_RATE / (down * SAMPLE_RATE)  # seconds of the result per second spoken
    rows = [
        _row(index, frame, tone, phones, scale=scale, lead_s=lead_s, file_name=reading.file_name)
        for index, ((frame, tone), phones) in enumerate(zip(reading.syllables, spoken.words, strict=True))
    ]
    n_lead, n_end = round(lead_s * SAMPLE_RATE), round((rows[-1]["end_s"] - lead_s) * SAMPLE_RATE)
    return np.pad(speech[:n_end], (n_lead, round(trail_s * SAMPLE_RATE))), pd.DataFrame(rows)


def _row(
    index: int, frame: Frame, tone: str, phones: Sequence[espeak.Phone], *, scale: float, lead_s: float, file_name: str
) -> dict:
    if len(phones) != len(frame.espeak):
        raise TonespanError(f"eSpeak NG made {len(phones)} phones of {len(frame.espeak)} in syllable {frame.ipa}")
    roles = [role for role, _ in frame.espeak]
    nucleus = phones[roles.index("nucleus")]
    times = {"start_s": phones[0].start_s, "end_s": phones[-1].end_s, "nucleus_start_s": nucleus.start_s,
             "nucleus_end_s": nucleus.end_s}  # fmt: skip
    names = {"onset": frame.onset, "nucleus": frame.nucleus, "coda": frame.coda, "tone": tone}
    seconds = {name: round(lead_s + time_s * scale, 5) for name, time_s in times.items()}
    return {"file_name": file_name, "index": index, "char_start": 0, "char_end": 0, **names, **seconds}


def _targets(rows: pd.DataFrame, *, chao: Mapping[str, str]) -> list[pitch.Target]:
    return [
        pitch.Target(
            row.nucleus_start_s, (row.nucleus_start_s + row.nucleus_end_s) / 2, pitch.onset_voicing(row.onset),
            chao.get(row.tone, ""),
        )
        for row in rows.itertuples()
    ]  # fmt: skip


def _level(samples: np.ndarray, level_db: float) -> np.ndarray:
    return samples * 10 ** (level_db / 20) / max(np.sqrt(np.mean(samples**2)), 1e-9)


def _room(n_samples: int, rng: np.random.Generator) -> np.ndarray:
    return _level(lfilter([1], [1, -0.9], rng.normal(size=n_samples)), ROOM_DB)  # low-pass, as rooms are


def _to_int16(samples: np.ndarray) -> np.ndarray:
    return np.clip(np.round(samples * 32_768), -32_768, 32_767).astype(np.int16)


def build(
    out_dir: Path,
    *,
    languages: Sequence[str],
    planted_span_ms: Mapping[str, float],
    minutes: float,
    n_speakers: int = 16,
    seed: int = 0,
    jobs: int = 1,
    progress: Progress | None = None,
) -> None:
    """Write at least ``minutes`` of speech per language under ``out_dir/data``; finished languages are left alone.

    ``planted_span_ms`` is per language; one without an entry gets no tone contour. Raises :class:`TonespanError` for an
    unknown language, and where a folder is in the way that this function did not make.
    """
    for language in languages:
        if language not in FOLDERS:
            raise TonespanError(f"no synthetic speech for language {language!r}; known: {', '.join(FOLDERS)}")
    speakers(n_speakers)
    recipes = {
        language: _recipe(
            language, span_ms=planted_span_ms.get(language), minutes=minutes, n_speakers=n_speakers, seed=seed
        )
        for language in languages
    }
    todo = [language for language in languages if not _is_finished(_folder(out_dir, language), recipes[language])]
    with ExitStack() as stack:
        pool = None
        if todo and jobs > 1 and _has_semaphores():
            pool = stack.enter_context(_pool(jobs))
        for language in todo:
            _build_language(_folder(out_dir, language), recipes[language], pool=pool, progress=progress)


def _has_semaphores() -> bool:
    """Whether processes can share work; not in a container without a /dev/shm that can be written."""
    try:
        multiprocessing.get_context("spawn").Lock()
    except OSError:
        return False
    return True


def _pool(jobs: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # a forked child would share the parent's threads' locks
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_end_with, initargs=(os.getpid(),))


def _end_with(parent: int) -> None:
    """Have a worker end when its parent was killed: workers keep each other's pipes open and would wait for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _folder(out_dir: Path, language: str) -> Path:
    return Path(out_dir) / "data" / FOLDERS[language]


def _recipe(language: str, *, span_ms: float | None, minutes: float, n_speakers: int, seed: int) -> dict:
    packages = ("espeakng-loader", "praat-parselmouth", "numpy", "scipy")
    return {
        "note": NOTE, "format": FORMAT, "language": language, "planted_span_ms": span_ms, "minutes": minutes,
        "n_speakers": n_speakers, "seed": seed, "wander": asdict(pitch.Wander()),
        "versions": {name: version(name) for name in packages},
    }  # fmt: skip


def _is_finished(folder: Path, recipe: dict) -> bool:
    if not folder.exists():
        return False
    record = folder / "synthetic.json"
    if not record.exists():
        raise TonespanError(f"{folder} is in the way and is no synthetic corpus: choose another folder or move it")
    return json.loads(record.read_text(encoding="utf-8")) == recipe


def _build_language(folder: Path, recipe: dict, *, pool: ProcessPoolExecutor | None, progress: Progress | None) -> None:
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "audio").mkdir(parents=True)
    _write(partial, _recordings(recipe, pool=pool, progress=progress), speller(recipe["language"]))
    (partial / "synthetic.json").write_text(json.dumps(recipe, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _recordings(
    recipe: dict, *, pool: ProcessPoolExecutor | None, progress: Progress | None
) -> Iterator[tuple[Reading, np.ndarray, pd.DataFrame]]:
    """Rendered readings in the corpus' order until there are enough minutes of them."""
    language, wanted_s, done_s = recipe["language"], recipe["minutes"] * 60, 0.0
    plan = readings(language, n_speakers=recipe["n_speakers"], seed=recipe["seed"])
    work = ((reading, language, recipe["planted_span_ms"]) for reading in plan)
    while done_s < wanted_s:
        batch = list(itertools.islice(work, BATCH))
        for (reading, *_), (samples, rows) in zip(batch, (pool.map if pool else map)(_render, batch), strict=True):
            yield reading, samples, rows
            done_s += len(samples) / SAMPLE_RATE
            if progress:
                progress(language, min(done_s, wanted_s), wanted_s)
            if done_s >= wanted_s:
                break


def _render(work: tuple[Reading, str, float | None]) -> tuple[np.ndarray, pd.DataFrame]:
    reading, language, span_ms = work
    return render(reading, language=language, span_ms=span_ms)


def _write(folder: Path, recordings: Iterator[tuple[Reading, np.ndarray, pd.DataFrame]], spelling: Speller) -> None:
    utterances, syllables = [], []
    with ExitStack() as stack:
        archives = {split: stack.enter_context(_archive(folder / "audio" / f"{split}.tar.gz")) for split in SPLITS}
        for reading, samples, rows in recordings:
            _add(archives[reading.speaker.split], reading, samples)
            utterances.append(_utterance(reading, len(samples), spelling))
            syllables.append(rows)
    table = pd.DataFrame(utterances)
    for split in SPLITS:
        _write_tsv(folder / f"{split}.tsv", table[table["split"] == split])
    table.drop(columns=["text", "n_samples"]).to_csv(folder / "utterances.csv", index=False)
    pd.concat(syllables).to_csv(folder / "syllables.csv", index=False)


def _utterance(reading: Reading, n_samples: int, spelling: Speller) -> dict:
    person = reading.speaker
    return {
        "file_name": reading.file_name, "sentence_id": reading.sentence_id, "split": person.split,
        "speaker": person.name, "gender": person.gender, "emotion": reading.style,
        "rate": round(person.rate * STYLES[reading.style].rate, 3), "base_f0_hz": round(person.base_hz, 1),
        "text": write(spelling, reading.syllables)[0], "n_samples": n_samples,
    }  # fmt: skip


def _write_tsv(path: Path, table: pd.DataFrame) -> None:
    lines = [
        f"{row.sentence_id}\t{row.file_name}\t{row.text}\t{row.text}\t{' '.join(row.text.replace(' ', '|'))} |"
        f"\t{row.n_samples}\t{row.gender.upper()}\n"
        for row in table.itertuples()
    ]
    path.write_text("".join(lines), encoding="utf-8")


@contextmanager
def _archive(path: Path) -> Iterator[tarfile.TarFile]:
    """A gzipped tar whose bytes depend on its members alone: no clock, no file name, no owner."""
    with (
        open(path, "wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=raw, mtime=0) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        yield archive


def _add(archive: tarfile.TarFile, reading: Reading, samples: np.ndarray) -> None:
    wav = io.BytesIO()
    wavfile.write(wav, SAMPLE_RATE, samples.astype(np.float32) / 32_768)
    member = tarfile.TarInfo(f"{reading.speaker.split}/{reading.file_name}")
    member.size = wav.getbuffer().nbytes
    wav.seek(0)
    archive.addfile(member, wav)
