"""Any folder of recordings as a :class:`Corpus`: with a ``labels.csv``, with Praat TextGrids, or with both.

In place of ``labels.csv``, the metadata of Hugging Face's ``audiofolder`` with the same columns, whose splits are kept
(:mod:`tonespan_utils.corpus.audiofolder`).

``labels.csv``, a row per file: ``file`` (relative to the folder) and ``tone`` or ``text``; ``syllable`` (without its
tone) where the file is one isolated syllable; and where known ``speaker``, ``gender``, ``emotion``, ``language``.
Further columns are ignored. A row with one tone is an isolated syllable, whose nucleus is found by voicing. A row with
no tone, or with several (space separated), is an utterance without tokens: its syllables have no times.

TextGrids, named like the audio beside them: the syllables are the labelled intervals of one tier (``syllable`` by
default). The tone of an interval is the label of a tier ``tone`` at its middle; without that tier, the digit at the
end of its own label (``ma1``); without a digit, what the language's spelling says of a label of one syllable, so that
the tier ``words`` of the Montreal Forced Aligner serves Vietnamese as it is. The nucleus is what lies in it on a tier
``centre`` (as :func:`export` writes) or ``nucleus``, or the first run of vowels on a tier ``phones``; otherwise it is
found by voicing. Without ``labels.csv`` the speaker is the subfolder.

Conventions: times are seconds; ``align_score`` is 1 for given nuclei and the voiced fraction for found ones. A sentence
is a text, or the syllable without tone if isolated: held-out tokens are of unseen syllables. Sentences, and speakers
where there are several, go to train, dev and test (70, 10, 20 %) in the order of their hashes.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from tqdm.auto import tqdm

from tonespan_utils import tone as text_to_tone
from tonespan_utils.corpus import (
    SAMPLE_RATE,
    TOKEN_COLUMNS,
    UTTERANCE_COLUMNS,
    Corpus,
    audio,
    audiofolder,
    nucleus,
    textgrid,
)
from tonespan_utils.corpus.inside import refuse_outside
from tonespan_utils.corpus.nucleus import Nucleus, find_nucleus
from tonespan_utils.corpus.textgrid import Interval, Tiers
from tonespan_utils.errors import TonespanError

REQUIRED = ("file",)
OPTIONAL = ("tone", "text", "syllable", "speaker", "gender", "emotion", "language")
ISO_639 = re.compile(r"[a-z]{2,3}")
TONE_DIGIT = re.compile(r"(.*\D)(\d)")
NON_SPEECH = {"", "sil", "sp", "spn", "<eps>", "<sil>", "#"}  # what aligners write for silence and noise
VOWELS = set("iyɨʉɯuɪʏʊeøɘɵɤoəɛœɜɞʌɔæɐaɶɑɒɚɝ")
SYLLABIC = "\u0329\u030d"  # marks of a consonant that is a nucleus, as in Cantonese 唔
ARPABET_VOWEL = re.compile(r"[AEIOU][A-Z][0-2]?")
TEST_SHARE, DEV_SHARE = 0.2, 0.1
SLACK_S = 0.05  # an interval may end this much after its audio: aligners round up to whole frames
BATCH = 64  # files decoded ahead of the pitch tracker: bounds memory
PRINTED_ERRORS = 3
LONGEST_NAME = 50  # letters of a speaker in a folder's name; four bytes each and a hash stay under 255 bytes
NEEDS_ALIGNMENT = "several syllables, no times: needs alignment"
NO_TONE = "no tone label"
OUTSIDE = "ends after its audio"
SHARED = "its sentence belongs to the test split"
CROSSING = "its sentence and its speaker are in different splits"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A syllable with its tone, somewhere in a file; no end: to the end of the file. A nucleus, where it is given."""

    syllable: str
    ipa: str
    tone: str
    start_s: float = 0.0
    end_s: float | None = None
    nucleus: Nucleus | None = None


@dataclass(frozen=True)
class Recording:
    """A file, what is known of it, its syllables, and (item, reason) for what cannot become a token."""

    path: Path
    where: str
    utterance_id: str
    sentence_id: str
    text: str
    about: dict[str, str]  # speaker, gender, emotion
    spoken: list[Spoken]
    rejected: list[tuple[str, str]]


def load(folder: Path | str, *, language: str | None = None, tier: str = "syllable", cache_dir: Path | str) -> Corpus:
    """The recordings of one language in ``folder``; decoded audio and found nuclei are kept under ``cache_dir``.

    ``language`` may be left out where ``labels.csv`` names exactly one. Left out and listed in ``rejected``: syllables
    without tone, times or voicing, and utterances whose sentence and speaker belong to different splits.

    Raises :class:`TonespanError` for an empty folder, missing columns, duplicate or missing files, an unknown
    language, a TextGrid without the tier, a tone with a single example, and files that cannot be read.
    """
    folder = Path(folder)
    rows = _rows(folder)
    language, rows = _of_language(rows, language, folder)
    refuse_outside(folder, ((row.where, path) for row in rows.itertuples() for path in _files(row.path)))
    recordings = [_recording(row, language, tier) for row in rows.itertuples()]
    _check_tones(recordings)
    recordings, splits, crossing = _given_splits(recordings, rows) or _split(recordings)
    clips = _Clips(recordings, _measured(recordings, Path(cache_dir), folder, f"{language} {tier}"))
    tokens, unvoiced = _tokens(recordings, splits, language, clips)
    rejected = [*crossing, *(item for recording in recordings for item in recording.rejected), *unvoiced]
    return Corpus(
        _utterances(recordings, splits, language, clips),
        tokens,
        clips.audio,
        pd.DataFrame(rejected, columns=["item", "reason"]),
    )


def export(corpus: Corpus, folder: Path) -> None:
    """Write a corpus as WAV and TextGrid, a subfolder a speaker: to look at in Praat, to correct, and to load again.

    Raises :class:`TonespanError` where the folder cannot be written.
    """
    by_utterance = dict(list(corpus.tokens.groupby("utterance_id", sort=False)))
    written: set[Path] = set()
    for row in tqdm(corpus.utterances.itertuples(), total=len(corpus.utterances), desc="exporting", unit="utt"):
        if row.utterance_id not in by_utterance:
            continue
        samples = corpus.audio(row.utterance_id)
        stem = folder / _file_name(row.speaker or "unknown") / re.sub(r"[^\w.-]", "_", row.utterance_id)
        stem = stem if stem not in written else stem.with_name(f"{stem.name}-{_short_hash(row.utterance_id)}")
        written.add(stem)
        duration_s = len(samples) / SAMPLE_RATE
        try:
            stem.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(f"{stem}.wav", samples, SAMPLE_RATE, subtype="FLOAT")
        except (OSError, soundfile.LibsndfileError) as error:
            raise TonespanError(f"{stem}.wav: cannot be written ({error})") from None
        tiers = textgrid.of_tokens(by_utterance[row.utterance_id], duration_s=duration_s)
        textgrid.write(f"{stem}.TextGrid", tiers, duration_s=duration_s)


def _file_name(name: str) -> str:
    """A name as it is where it can name a folder, else what of it can and a hash: no two become the same."""
    plain = re.sub(r"[^\w. -]", "_", name)[:LONGEST_NAME]
    return plain if plain == name and name.strip(" .") == name else f"{plain.strip(' .')}-{_short_hash(name)}"


def _short_hash(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:8]


# What there is


def _rows(folder: Path) -> pd.DataFrame:
    """What the folder lists, ``labels.csv`` first, else what is in it."""
    if os.path.lexists(folder / "labels.csv"):
        refuse_outside(folder, [(str(folder / "labels.csv"), folder / "labels.csv")])
        return _labels(folder)
    if listed := audiofolder.tables(folder):
        return _audiofolder(folder, listed)
    return _audio_with_grids(folder)


def _audiofolder(folder: Path, listed: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows, as in ``labels.csv``, of Hugging Face's metadata; ``transcription`` serves as ``text``."""
    rows = pd.concat(listed, ignore_index=True)
    if "text" not in rows and "transcription" in rows:
        rows = rows.rename(columns={"transcription": "text"})
    rows["file"] = [audiofolder.below(path, folder).as_posix() for path in rows["path"]]
    rows["where"] = [f"{folder}, metadata of {name}" for name in rows["file"]]
    rows = rows.reindex(columns=[*REQUIRED, *OPTIONAL, "split", "where", "path"]).astype({"path": object})
    rows = rows.fillna("")
    _check_files(rows)
    return rows


def _labels(folder: Path) -> pd.DataFrame:
    """Rows of ``labels.csv`` as strings, every column there, with ``path`` and ``where``; files checked to exist."""
    path = folder / "labels.csv"
    if not path.is_file():
        raise TonespanError(f"{path}: no plain file")  # a FIFO would be waited for
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError) as error:  # pandas' parser errors and decoding errors are ValueErrors
        raise TonespanError(f"{path}: not readable as CSV in UTF-8 ({str(error).strip()})") from None
    if missing := [name for name in REQUIRED if name not in rows]:
        raise TonespanError(f"{path}: no column {missing[0]!r}; it needs {', '.join(REQUIRED)}")
    if not {"tone", "text"} & set(rows):
        raise TonespanError(f"{path}: no column 'tone', nor 'text' to be aligned")
    if rows.empty:
        raise TonespanError(f"{path}: no rows")
    rows = rows.reindex(columns=[*REQUIRED, *OPTIONAL], fill_value="").apply(lambda column: column.str.strip())
    rows["where"] = [f"{path}, row {number}" for number in range(2, len(rows) + 2)]  # as an editor counts them
    rows["path"] = [folder / name for name in rows["file"]]
    _check_files(rows)
    return rows


def _check_files(rows: pd.DataFrame) -> None:
    for row in rows.itertuples():
        if not row.path.is_file():
            raise TonespanError(f"{row.where}: no such audio file {row.file!r}")
    for _, same in rows[rows.duplicated("file", keep=False)].groupby("file", sort=False):
        again = same["where"].iloc[1].rsplit(" ", 1)[-1]
        raise TonespanError(f"{same['where'].iloc[0]}: {same['file'].iloc[0]} is listed again in row {again}")


def _audio_with_grids(folder: Path) -> pd.DataFrame:
    """A row, as in ``labels.csv``, for every audio file under a folder; at least one needs a TextGrid."""
    if not folder.is_dir():
        raise TonespanError(f"{folder}: no such folder")
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in audio.SUFFIXES]
    if not any(_grid(path) for path in paths):
        raise TonespanError(f"{folder}: neither a labels.csv nor audio with TextGrids of the same name")
    parents = [path.parent.relative_to(folder) for path in paths]
    rows = {
        "file": [path.relative_to(folder).as_posix() for path in paths],
        "speaker": [parent.name for parent in parents],  # the layout the Montreal Forced Aligner asks for
        "where": [str(path) for path in paths],
        "path": paths,
    }
    return pd.DataFrame(rows).reindex(columns=[*REQUIRED, *OPTIONAL, "where", "path"], fill_value="")


def _files(path: Path) -> list[Path]:
    """An audio file, and its TextGrid where there is one."""
    grid = _grid(path)
    return [path, grid] if grid else [path]


def _grid(path: Path) -> Path | None:
    """The TextGrid of the same name beside an audio file."""
    grid = path.with_suffix(".TextGrid")
    return grid if grid.is_file() else None


def _of_language(rows: pd.DataFrame, language: str | None, folder: Path) -> tuple[str, pd.DataFrame]:
    there = sorted(set(rows["language"]) - {""})
    if language is None:
        if len(there) != 1:
            raise TonespanError(f"{folder}: say which language to read (an ISO 639 code); labelled: {there or 'none'}")
        language = there[0]
    if not ISO_639.fullmatch(language):
        raise TonespanError(f"{folder}: {language!r} is no ISO 639 code of a language, as in 'cmn' or 'yue'")
    if there and language not in there:
        raise TonespanError(f"{folder}: no recordings in language {language!r}; there are {', '.join(there)}")
    return language, rows[rows["language"].isin(["", language])] if there else rows


# What is said


def _recording(row, language: str, tier: str) -> Recording:
    """One row with its syllables, from its TextGrid if there is one."""
    grid = _grid(row.path)
    spoken, rejected = _from_grid(grid, tier, language) if grid else _isolated(row)
    text = row.text or " ".join(one.syllable for one in spoken)
    is_isolated = not grid and len(spoken) == 1
    return Recording(
        path=row.path, where=row.where, utterance_id=f"{language}-{row.file}",
        sentence_id=spoken[0].syllable if is_isolated else text or row.file, text=text,
        about={"speaker": row.speaker, "gender": row.gender.lower(), "emotion": row.emotion},
        spoken=spoken, rejected=[(f"{language}-{row.file}{item}", reason) for item, reason in rejected],
    )  # fmt: skip


def _isolated(row) -> tuple[list[Spoken], list[tuple[str, str]]]:
    """The one syllable of a file without times; nothing but a reason where there are none or several."""
    if not row.tone:
        return [], [("", NO_TONE)]
    if len(row.tone.split()) > 1 or len(row.syllable.split()) > 1:
        return [], [("", NEEDS_ALIGNMENT)]
    if not row.syllable:
        raise TonespanError(f"{row.where}: an isolated syllable needs its column 'syllable' (without the tone)")
    syllable = row.syllable.removesuffix(row.tone) or row.syllable
    return [Spoken(syllable, syllable, row.tone)], []


def _from_grid(path: Path, tier: str, language: str) -> tuple[list[Spoken], list[tuple[str, str]]]:
    tiers = textgrid.read(path)
    spoken, rejected = [], []
    for interval in textgrid.tier(tiers, tier, path=path):
        if interval.label.strip().lower() in NON_SPEECH:
            continue
        syllable, ipa, tone = _tone(interval, tiers, language)
        if tone:
            given = _given_nucleus(interval, tiers)
            spoken.append(Spoken(syllable, ipa, tone, interval.start_s, interval.end_s, given))
        else:
            rejected.append((f", {interval.label!r} at {interval.start_s:.3f} s", NO_TONE))
    return spoken, rejected


def _tone(interval: Interval, tiers: Tiers, language: str) -> tuple[str, str, str]:
    """Syllable, its segments, and its tone, by the convention above; no tone where there is none to be had."""
    label = interval.label.strip()
    if "tone" in tiers:
        before = bisect_right(tiers["tone"], interval.center_s, key=lambda other: other.start_s)
        return label, label, tiers["tone"][before - 1].label.strip() if before else ""
    if match := TONE_DIGIT.fullmatch(label):
        return match[1], match[1], match[2]
    parsed = text_to_tone.syllables(label, language) if language in text_to_tone.MODULES else []
    return (label, parsed[0].ipa, parsed[0].tone) if len(parsed) == 1 else (label, label, "")


def _given_nucleus(interval: Interval, tiers: Tiers) -> Nucleus | None:
    """The nucleus a TextGrid marks inside a syllable."""
    if marked := next((tiers[name] for name in ("centre", "nucleus") if name in tiers), None):
        run = [part for part in _inside(marked, interval) if part.label.strip()][:1]
    else:
        run = _first_run_of_vowels(_inside(tiers.get("phones", []), interval))
    if not run:
        return None
    return Nucleus(run[0].start_s, run[-1].end_s, (run[0].start_s + run[-1].end_s) / 2, 1.0)


def _inside(parts: Sequence[Interval], interval: Interval) -> Sequence[Interval]:
    """The parts whose middle lies in an interval; tiers are in order."""
    first, last = (bisect_left(parts, edge_s, key=lambda part: part.center_s) for edge_s in interval[:2])
    return parts[first:last]


def _first_run_of_vowels(phones: Sequence[Interval]) -> list[Interval]:
    run: list[Interval] = []
    for phone in phones:
        if _is_vowel(phone.label.strip()):
            run.append(phone)
        elif run:
            break
    return run


def _is_vowel(phone: str) -> bool:
    """Whether an IPA (any diacritics, tone letters) or ARPABET phone is the nucleus of a syllable."""
    letters = unicodedata.normalize("NFD", phone)
    return letters[:1] in VOWELS or any(mark in letters for mark in SYLLABIC) or bool(ARPABET_VOWEL.fullmatch(phone))


def _check_tones(recordings: Sequence[Recording]) -> None:
    """A tone heard once can be in training or in testing, never in both."""
    first: dict[str, str] = {}
    counts: dict[str, int] = {}
    for recording in recordings:
        for spoken in recording.spoken:
            counts[spoken.tone] = counts.get(spoken.tone, 0) + 1
            first.setdefault(spoken.tone, f"{recording.where}, at {spoken.start_s:.3f} s")
    for tone, count in counts.items():
        if count == 1:
            raise TonespanError(f"{first[tone]}: the only example of tone {tone!r}; remove it or record more")


# Splits


def _given_splits(
    recordings: Sequence[Recording], rows: pd.DataFrame
) -> tuple[list[Recording], dict[str, str], list[tuple[str, str]]] | None:
    """The splits that the metadata names, where it names any: train where it says nothing; None where it never does."""
    if "split" not in rows or not (rows["split"] != "").any():
        return None
    names = [audiofolder.SPLIT_NAMES.get(split or "train") for split in rows["split"]]
    if None in names:
        strange = rows["split"].iloc[names.index(None)]
        raise TonespanError(f"no split is called {strange!r}; use {', '.join(audiofolder.SPLIT_NAMES)}")
    splits = {one.utterance_id: split for one, split in zip(recordings, names, strict=True)}
    in_test = {one.sentence_id for one in recordings if splits[one.utterance_id] == "test"}
    leaks = [one for one in recordings if splits[one.utterance_id] != "test" and one.sentence_id in in_test]
    left_out = {one.utterance_id for one in leaks}
    kept = [one for one in recordings if one.utterance_id not in left_out]
    return kept, splits, [(one.utterance_id, SHARED) for one in leaks]


def _split(recordings: Sequence[Recording]) -> tuple[list[Recording], dict[str, str], list[tuple[str, str]]]:
    """What stays, utterance id -> split, and what was left out since its sentence and speaker are in different splits.

    Speakers are dealt first. A sentence read in one split only belongs there; those shared are dealt like speakers.
    """
    speaker_of = {recording.utterance_id: recording.about["speaker"] for recording in recordings}
    names = set(speaker_of.values())
    by_speaker = deal(names) if len(names) > 1 else {}
    readers: dict[str, set[str]] = {}
    for recording in recordings:
        readers.setdefault(recording.sentence_id, set()).add(by_speaker.get(recording.about["speaker"], ""))
    shared = deal({sentence for sentence, found in readers.items() if len(found) > 1 or not by_speaker})
    by_sentence = {sentence: shared.get(sentence, next(iter(found))) for sentence, found in readers.items()}
    kept, splits, crossing = [], {}, []
    for recording in recordings:
        split = by_sentence[recording.sentence_id]
        if by_speaker.get(recording.about["speaker"], split) == split:
            kept.append(recording)
            splits[recording.utterance_id] = split
        else:
            crossing.append((recording.utterance_id, CROSSING))
    return kept, splits, crossing


def deal(names: set[str]) -> dict[str, str]:
    """Split of each name, by the order of their hashes: test first, then dev from three names on, the rest train."""
    order = sorted(names, key=lambda name: sha256(name.encode()).hexdigest())
    n_test = max(1, round(TEST_SHARE * len(order))) if len(order) > 1 else 0
    n_dev = max(1, round(DEV_SHARE * len(order))) if len(order) > 2 else 0
    n_train = len(order) - n_test - n_dev
    return dict(zip(order, ["test"] * n_test + ["dev"] * n_dev + ["train"] * n_train, strict=True))


# Samples and nuclei, computed once


def _measured(recordings: Sequence[Recording], cache_dir: Path, folder: Path, selection: str) -> Path:
    """Folder with ``samples.f32``, all files one after the other, and ``clips.json``: see :func:`_measure`.

    One such folder is kept per speech folder and ``selection``, what was chosen from it.
    """
    inputs = [[str(one.path), _state(one.path), _spans(one)] for one in recordings]
    code = [Path(module.__file__).read_text(encoding="utf-8") for module in (audio, *audio.containers.MODULES, nucleus)]
    key = sha256(json.dumps([inputs, code]).encode()).hexdigest()[:16]
    place = sha256(f"{folder.resolve()} {selection}".encode()).hexdigest()[:8]
    return audio.build_once(
        cache_dir / f"{folder.name}-{place}", key, lambda target: _measure(recordings, target, folder.name)
    )


def _state(path: Path) -> list[int]:
    return [path.stat().st_size, path.stat().st_mtime_ns]


def _spans(recording: Recording) -> list[tuple[float, float | None]]:
    return [(spoken.start_s, spoken.end_s) for spoken in recording.spoken if spoken.nucleus is None]


def _measure(recordings: Sequence[Recording], target: Path, name: str) -> None:
    """Decode every file and find the nuclei that are not given: a list of numbers each, or the reason why not."""
    clips, unreadable = [], []
    with (target / "samples.f32").open("wb") as file:
        progress = tqdm(_decoded(recordings), total=len(recordings), desc=f"reading {name}", unit="file")
        for recording, samples in progress:
            if isinstance(samples, TonespanError):
                unreadable.append(str(samples))
                continue
            samples.tofile(file)
            nuclei = [_nucleus(samples, *span) for span in _spans(recording)]
            clips.append({"n_samples": len(samples), "nuclei": nuclei})
    if unreadable:
        shown = "; ".join(unreadable[:PRINTED_ERRORS])
        raise TonespanError(f"{len(unreadable)} of {len(recordings)} files cannot be used: {shown}")
    (target / "clips.json").write_text(json.dumps(clips), encoding="utf-8")


def _decoded(recordings: Sequence[Recording]) -> Iterator[tuple[Recording, np.ndarray | TonespanError]]:
    """Samples in order, decoded in threads: the decoders work outside of Python's lock, Praat does not."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(recordings), BATCH):
            batch = recordings[start : start + BATCH]
            yield from zip(batch, pool.map(_read_or_error, [one.path for one in batch]), strict=True)


def _read_or_error(path: Path) -> np.ndarray | TonespanError:
    try:
        return audio.read(path)
    except TonespanError as error:
        return error


def _nucleus(samples: np.ndarray, start_s: float, end_s: float | None) -> list[float] | str:
    try:
        found = find_nucleus(samples, start_s=start_s, end_s=end_s)
    except TonespanError as error:
        return str(error)
    return [found.start_s, found.end_s, found.center_s, found.voiced_fraction]


class _Clips:
    """Access to what :func:`_measure` wrote, by utterance id."""

    def __init__(self, recordings: Sequence[Recording], folder: Path) -> None:
        clips = json.loads((folder / "clips.json").read_text(encoding="utf-8"))
        ids = [recording.utterance_id for recording in recordings]
        self.n_samples = dict(zip(ids, (clip["n_samples"] for clip in clips), strict=True))
        self.nuclei = dict(zip(ids, (clip["nuclei"] for clip in clips), strict=True))
        self._ends = dict(zip(ids, np.cumsum([clip["n_samples"] for clip in clips]).tolist(), strict=True))
        self._path = folder / "samples.f32"

    def audio(self, utterance_id: str) -> np.ndarray:
        """Samples of an utterance: float32 (samples,) at 16 kHz."""
        n_samples = self.n_samples[utterance_id]
        offset = (self._ends[utterance_id] - n_samples) * np.dtype(np.float32).itemsize
        return np.fromfile(self._path, dtype=np.float32, count=n_samples, offset=offset)


# Tables


def _utterances(recordings: Sequence[Recording], splits: dict[str, str], language: str, clips: _Clips) -> pd.DataFrame:
    rows = [
        {
            "utterance_id": one.utterance_id, "sentence_id": one.sentence_id, "language": language,
            "split": splits[one.utterance_id], **one.about, "text": one.text,
            "n_samples": clips.n_samples[one.utterance_id],
        }
        for one in recordings
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=UTTERANCE_COLUMNS)


def _tokens(
    recordings: Sequence[Recording], splits: dict[str, str], language: str, clips: _Clips
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """TOKEN_COLUMNS, and (item, reason) for syllables without a nucleus in their audio."""
    rows, rejected = [], []
    for one in recordings:
        duration_s = clips.n_samples[one.utterance_id] / SAMPLE_RATE
        found = iter(clips.nuclei[one.utterance_id])
        common = {"utterance_id": one.utterance_id, "sentence_id": one.sentence_id, "language": language}
        common |= {"split": splits[one.utterance_id], **one.about}
        for index, spoken in enumerate(one.spoken):
            place = spoken.nucleus or _as_nucleus(next(found))
            if (spoken.end_s or 0) > duration_s + SLACK_S:
                place = OUTSIDE
            if isinstance(place, str):
                rejected.append((f"{one.utterance_id}, syllable {index + 1} ({spoken.syllable})", place))
            else:
                token_id = f"{one.utterance_id}-{index:02d}"
                rows.append({"token_id": token_id, **common, **_token(spoken, place, duration_s)})
    return pd.DataFrame(rows, columns=TOKEN_COLUMNS), rejected


def _as_nucleus(found: list[float] | str) -> Nucleus | str:
    return found if isinstance(found, str) else Nucleus(*found)


def _token(spoken: Spoken, place: Nucleus, duration_s: float) -> dict:
    """A token's own columns. An isolated syllable is given its nucleus' bounds: where its onset begins is not known."""
    is_timed = spoken.end_s is not None
    return {
        "syllable": spoken.syllable, "ipa": spoken.ipa, "tone": spoken.tone,
        "start_s": spoken.start_s if is_timed else place.start_s,
        "end_s": min(spoken.end_s, duration_s) if is_timed else place.end_s,
        "center_s": place.center_s, "align_score": place.voiced_fraction,
    }  # fmt: skip
