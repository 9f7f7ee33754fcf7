"""Any folder of recordings as a :class:`Corpus`: with a ``labels.csv``, with Praat TextGrids, or with both.

In place of ``labels.csv``, the metadata of Hugging Face's ``audiofolder`` with the same columns, whose splits are kept
(:mod:`tonespan_utils.corpus.audiofolder`).

``labels.csv``, a row per file: ``file`` (relative to the folder) and ``tone`` or ``text``; ``syllable`` (without its
tone) where the file is one isolated syllable; and where known ``speaker``, ``gender``, ``emotion``, ``language``, and
``split`` (:func:`splitting.given`). Further columns are ignored. A row with one tone is an isolated syllable, whose
nucleus is found by voicing. A row with no tone, or with several (space separated), is an utterance without tokens: its
syllables have no times.

TextGrids, named like the audio beside them: the syllables are the labelled intervals of one tier (``syllable`` by
default), their tones from a tier ``tone``, the end of the label (``ma1``), or the language's spelling, so that the tier
``words`` of the Montreal Forced Aligner serves Vietnamese as it is (:mod:`tonespan_utils.corpus.grids` has the rules).
A nucleus that the grid does not mark is found by voicing. Without ``labels.csv`` the speaker is the subfolder.

What looks the same is the same: every value is brought to one form (:mod:`tonespan_utils.corpus.keys`), and file names
are matched in either Unicode form (:mod:`tonespan_utils.corpus.files`).

Conventions: times are seconds; ``align_score`` is 1 for given nuclei and the voiced fraction for found ones. A sentence
is a text, or the syllable without tone if isolated: held-out tokens are of unseen syllables. How sentences and
speakers go to train, dev and test: :mod:`tonespan_utils.corpus.splitting`.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from tqdm.auto import tqdm

from tonespan_utils.audio import reading as audio
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import audiofolder, files, grids, keys, nucleus, splitting, textgrid
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.corpus.grids import LEAVE_OUT, NO_TONE, Spoken
from tonespan_utils.corpus.inside import refuse_outside
from tonespan_utils.corpus.nucleus import Nucleus, find_nucleus
from tonespan_utils.corpus.splitting import CROSSING as CROSSING  # what a reader of ``rejected`` looks for here
from tonespan_utils.corpus.splitting import deal as deal
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.tables import TOKEN_COLUMNS, UTTERANCE_COLUMNS

REQUIRED = ("file",)
OPTIONAL = ("tone", "text", "syllable", "speaker", "gender", "emotion", "language")
ISO_639 = re.compile(r"[a-z]{2,3}")
SLACK_S = 0.05  # an interval may end this much after its audio: aligners round up to whole frames
BATCH, BATCH_BYTES = 64, 2**26  # files, and bytes of them, decoded ahead of the pitch tracker: bounds memory
PRINTED_ERRORS = 3
OTHER_ANNOTATIONS = (".eaf", ".json", ".lab", ".ctm", ".trs", ".antx", ".srt")
LONGEST_NAME = 50  # letters of a speaker in a folder's name; four bytes each and a hash stay under 255 bytes
NEEDS_ALIGNMENT = "several syllables, no times: needs alignment"
OUTSIDE = "ends after its audio"


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


def load(
    folder: Path | str,
    *,
    language: str | None = None,
    tier: str = "syllable",
    leave_out: Sequence[str] = LEAVE_OUT,
    cache_dir: Path | str,
) -> Corpus:
    """The recordings of one language in ``folder``; decoded audio and found nuclei are kept under ``cache_dir``.

    ``language`` may be left out where ``labels.csv`` names exactly one. ``leave_out`` names the flags of
    :class:`tonespan_utils.tone.Syllable` whose tones are not to be trusted, as in alignment. Left out and listed in
    ``rejected``: files that are silent, damaged or of no kind that is read; syllables without tone, times or voicing;
    and recordings outside of test whose sentence or speaker is in a test split that the metadata names. Recordings that
    fit no split are kept, as ``splitting.NEITHER``.

    Raises :class:`TonespanError` for an empty folder, missing columns, duplicate or missing files, files outside of the
    folder, an unknown language, a TextGrid without the tier or of another length than its audio, a tone with a single
    example, and where no file at all can be read.
    """
    folder = Path(folder)
    rows = _rows(folder)
    language, rows = _of_language(rows, language, folder)
    refuse_outside(folder, ((row.where, path) for row in rows.itertuples() for path in _files(row.path)))
    recordings = [_recording(row, language, tier, leave_out) for row in rows.itertuples()]
    _check_tones(recordings)
    clips = _Clips(recordings, _measured(recordings, Path(cache_dir), folder, f"{language} {tier}"))
    is_usable = [recording.utterance_id not in clips.problems for recording in recordings]
    recordings, rows = list(itertools.compress(recordings, is_usable)), rows[is_usable]
    _check_tones(recordings)  # of those that are left
    recordings, splits, leaks = _given_splits(recordings, rows) or _split(recordings)
    tokens, unvoiced = _tokens(recordings, splits, language, clips)
    unclear = [item for recording in recordings for item in recording.rejected]
    rejected = [*clips.problems.items(), *leaks, *unclear, *unvoiced]
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
    rows["file"] = [files.composed(audiofolder.below(path, folder).as_posix()) for path in rows["path"]]
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
    rows = files.table(path)
    if missing := [name for name in REQUIRED if name not in rows]:
        raise TonespanError(f"{path}: no column {missing[0]!r}; it needs {', '.join(REQUIRED)}")
    if not {"tone", "text"} & set(rows):
        raise TonespanError(f"{path}: no column 'tone', nor 'text' to be aligned")
    if rows.empty:
        raise TonespanError(f"{path}: no rows")
    rows = rows.reindex(columns=[*REQUIRED, *OPTIONAL, "split"], fill_value="")
    rows["where"] = [f"{path}, row {number}" for number in range(2, len(rows) + 2)]  # as an editor counts them
    rows = files.of_corpus(rows, folder, column="file")
    _check_files(rows)
    return rows


def _check_files(rows: pd.DataFrame) -> None:
    for row in rows.itertuples():
        if not row.path.is_file():
            raise TonespanError(f"{row.where}: no such audio file {row.file!r}")
    place = pd.Series([os.path.normpath(path) for path in rows["path"]], rows.index, dtype=object)
    for _, same in rows[place.duplicated(keep=False)].groupby(place, sort=False):
        again = same["where"].iloc[1].rsplit(" ", 1)[-1]
        raise TonespanError(f"{same['where'].iloc[0]}: {same['file'].iloc[0]} is listed again in row {again}")


def _audio_with_grids(folder: Path) -> pd.DataFrame:
    """A row, as in ``labels.csv``, for every audio file under a folder; at least one needs a TextGrid."""
    if not folder.is_dir():
        raise TonespanError(f"{folder}: no such folder")
    paths = files.below(folder, audio.SUFFIXES)
    if not any(grids.beside(path) for path in paths):
        raise TonespanError(f"{folder}: neither a labels.csv nor audio with TextGrids of the same name{_hint(folder)}")
    parents = [path.parent.relative_to(folder) for path in paths]
    rows = {
        "file": [files.composed(path.relative_to(folder).as_posix()) for path in paths],
        "speaker": keys.one_case(
            keys.name(parent.name) for parent in parents
        ),  # the layout the Montreal Forced Aligner asks for
        "where": [str(path) for path in paths],
        "path": paths,
    }
    return pd.DataFrame(rows).reindex(columns=[*REQUIRED, *OPTIONAL, "where", "path"], fill_value="")


def _hint(folder: Path) -> str:
    """What to do with annotations of other programs, where they are what is there."""
    if others := files.below(folder, OTHER_ANNOTATIONS):
        return f"; export {others[0].name} from its program as a Praat TextGrid"
    return ""


def _files(path: Path) -> list[Path]:
    """An audio file, and its TextGrid where there is one."""
    grid = grids.beside(path)
    return [path, grid] if grid else [path]


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


def _recording(row, language: str, tier: str, leave_out: Sequence[str]) -> Recording:
    """One row with its syllables, from its TextGrid if there is one."""
    if grid := grids.beside(row.path):
        spoken, rejected = grids.read(grid, row.path, tier=tier, language=language, leave_out=leave_out)
    else:
        spoken, rejected = _isolated(row)
    text = row.text or " ".join(one.syllable for one in spoken)
    is_isolated = not grid and len(spoken) == 1
    return Recording(
        path=row.path, where=row.where, utterance_id=f"{language}-{row.file}",
        sentence_id=spoken[0].syllable if is_isolated else text or row.file, text=text,
        about={"speaker": row.speaker, "gender": row.gender, "emotion": row.emotion},
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
    """The splits that the metadata names, without what would leak into test; None where it sets nothing apart."""
    names = splitting.given(rows["split"].tolist(), rows["where"].tolist()) if "split" in rows else None
    if names is None:
        return None
    table = _to_split(recordings).assign(split=names)
    leaks = splitting.leaks(table)
    kept = [recording for recording in recordings if recording.utterance_id not in leaks]
    return kept, dict(zip(table["utterance_id"], names, strict=True)), list(leaks.items())


def _split(recordings: Sequence[Recording]) -> tuple[list[Recording], dict[str, str], list[tuple[str, str]]]:
    """Everything stays, and utterance id -> split; see :func:`splitting.dealt`."""
    return list(recordings), splitting.dealt(_to_split(recordings)), []


def _to_split(recordings: Sequence[Recording]) -> pd.DataFrame:
    """What splits go by; an utterance that is still to be aligned counts as one token."""
    rows = [
        (recording.utterance_id, recording.sentence_id, recording.about["speaker"], max(1, len(recording.spoken)))
        for recording in recordings
    ]
    return pd.DataFrame(rows, columns=["utterance_id", "sentence_id", "speaker", "n_tokens"])


# Samples and nuclei, computed once


def _measured(recordings: Sequence[Recording], cache_dir: Path, folder: Path, selection: str) -> Path:
    """Folder with ``samples.f32``, all files one after the other, and ``clips.json``: see :func:`_measure`.

    One such folder is kept per speech folder and ``selection``, what was chosen from it.
    """
    inputs = [[str(one.path), _state(one.path), _spans(one)] for one in recordings]
    code = [audio.code_version(), Path(nucleus.__file__).read_text(encoding="utf-8")]
    key = sha256(json.dumps([inputs, code]).encode()).hexdigest()[:16]
    place = sha256(f"{folder.resolve()} {selection}".encode()).hexdigest()[:8]
    return audio.build_once(
        cache_dir / f"{folder.name}-{place}", key, lambda target: _measure(recordings, target, folder.name)
    )


def _state(path: Path) -> list[int]:
    state = path.stat()
    return [state.st_size, state.st_mtime_ns, state.st_mode]  # a file that may be read now is worth another try


def _spans(recording: Recording) -> list[tuple[float, float | None]]:
    return [(spoken.start_s, spoken.end_s) for spoken in recording.spoken if spoken.nucleus is None]


def _measure(recordings: Sequence[Recording], target: Path, name: str) -> None:
    """Decode every file and find the nuclei that are not given: a list of numbers each, or the reason why not.

    A file that cannot be used has its ``problem`` and no samples. Raises :class:`TonespanError` where none can.
    """
    clips = []
    with (target / "samples.f32").open("wb") as file:
        progress = tqdm(_decoded(recordings), total=len(recordings), desc=f"reading {name}", unit="file")
        for recording, samples in progress:
            if isinstance(samples, TonespanError):
                reason = str(samples).removeprefix(f"{recording.path}: ")
                clips.append({"n_samples": 0, "nuclei": [], "problem": reason})
                continue
            samples.tofile(file)
            nuclei = [_nucleus(samples, *span) for span in _spans(recording)]
            clips.append({"n_samples": len(samples), "nuclei": nuclei})
    if all("problem" in clip for clip in clips):
        names = [str(recording.path) for recording in recordings[:PRINTED_ERRORS]]
        shown = "; ".join(f"{path}: {clip['problem']}" for path, clip in zip(names, clips, strict=False))
        raise TonespanError(f"none of {len(recordings)} files can be used: {shown}")
    (target / "clips.json").write_text(json.dumps(clips), encoding="utf-8")


def _decoded(recordings: Sequence[Recording]) -> Iterator[tuple[Recording, np.ndarray | TonespanError]]:
    """Samples in order, decoded in threads: the decoders work outside of Python's lock, Praat does not."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for batch in _batches(recordings):
            yield from zip(batch, pool.map(_read_or_error, [recording.path for recording in batch]), strict=True)


def _batches(recordings: Sequence[Recording]) -> Iterator[list[Recording]]:
    """At most BATCH recordings, and BATCH_BYTES of files where that is more than one."""
    batch, n_bytes = [], 0
    for recording in recordings:
        size = recording.path.stat().st_size
        if batch and (len(batch) == BATCH or n_bytes + size > BATCH_BYTES):
            yield batch
            batch, n_bytes = [], 0
        batch.append(recording)
        n_bytes += size
    if batch:
        yield batch


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
    """Access to what :func:`_measure` wrote, by utterance id; ``problems`` are those of files that cannot be used."""

    def __init__(self, recordings: Sequence[Recording], folder: Path) -> None:
        clips = json.loads((folder / "clips.json").read_text(encoding="utf-8"))
        ids = [recording.utterance_id for recording in recordings]
        self.n_samples = dict(zip(ids, (clip["n_samples"] for clip in clips), strict=True))
        self.nuclei = dict(zip(ids, (clip["nuclei"] for clip in clips), strict=True))
        self.problems = {name: clip["problem"] for name, clip in zip(ids, clips, strict=True) if "problem" in clip}
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
