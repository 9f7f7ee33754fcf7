"""Any folder of recordings as a :class:`Corpus`: with a ``labels.csv``, with Praat TextGrids, or with both.

The metadata of Hugging Face's ``audiofolder`` may stand in the place of ``labels.csv``: it has the same columns, and
its splits are kept (:mod:`tonespan_utils.corpus.audiofolder`).

``labels.csv`` has a row per file: ``file`` (relative to the folder) and ``tone`` or ``text``; ``syllable`` (without its
tone) where the file is one isolated syllable; and where they are known ``speaker``, ``gender``, ``emotion``,
``language`` and ``split`` (:func:`splitting.given`). Further columns are ignored. A row with one tone is an isolated
syllable, whose nucleus is found by level and phonation. A row with no tone, or with several (space separated), is an
utterance without tokens: its syllables have no times.

TextGrids are named like the audio beside them. The syllables are the labelled intervals of one tier (``syllable`` by
default); their tones come from a tier ``tone``, the end of the label (``ma1``), or the language's spelling, so that the
tier ``words`` of the Montreal Forced Aligner serves Vietnamese as it is (:mod:`tonespan_utils.corpus.grids` has the
rules). A nucleus that the grid does not mark is found in the sound. Without ``labels.csv`` the speaker is the
subfolder.

Values that look the same are the same: every value is brought to one form (:mod:`tonespan_utils.corpus.keys`), and file
names are matched in either Unicode form (:mod:`tonespan_utils.corpus.files`).

Conventions: times are seconds; ``align_score`` is 1 for given nuclei and the voiced fraction for those that are found.
The sentence of a recording is its text, or its syllable without the tone where it is isolated, so that test tokens are
of syllables that were not trained on. :mod:`tonespan_utils.corpus.splitting` assigns sentences and speakers to train,
dev and test.

A folder is read in this order: what it lists (:mod:`~tonespan_utils.corpus.listing`), the syllables of each file
(:mod:`~tonespan_utils.corpus.syllables`), samples and nuclei (:mod:`~tonespan_utils.corpus.clips`), splits, tables.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import listing, splitting, syllables
from tonespan_utils.corpus.clips import Clips, decoded_once
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.corpus.grid_tones import LEAVE_OUT
from tonespan_utils.corpus.grids import Spoken
from tonespan_utils.corpus.inside import refuse_outside
from tonespan_utils.corpus.nucleus import Nucleus
from tonespan_utils.corpus.syllables import Recording
from tonespan_utils.params.tables import TOKEN_COLUMNS, UTTERANCE_COLUMNS

SLACK_S = 0.05  # an interval may end this much after its audio: aligners round up to whole frames
OUTSIDE = "ends after its audio"


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
    rows = listing.of_folder(folder)
    language, rows = listing.of_language(rows, language, folder)
    refuse_outside(folder, ((row.where, path) for row in rows.itertuples() for path in listing.files_of(row.path)))
    recordings = [syllables.of_row(row, language, tier, leave_out) for row in rows.itertuples()]
    syllables.check_tones(recordings)
    clips = Clips(recordings, decoded_once(recordings, Path(cache_dir), folder, f"{language} {tier}"))
    is_usable = [recording.utterance_id not in clips.problems for recording in recordings]
    recordings, rows = list(itertools.compress(recordings, is_usable)), rows[is_usable]
    syllables.check_tones(recordings)  # of those that are left
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
    """All recordings and utterance id -> split; see :func:`splitting.assign_recordings`."""
    return list(recordings), splitting.assign_recordings(_to_split(recordings)), []


def _to_split(recordings: Sequence[Recording]) -> pd.DataFrame:
    """The table that splits are assigned by; an utterance that is still to be aligned counts as one token."""
    rows = [
        (recording.utterance_id, recording.sentence_id, recording.about["speaker"], max(1, len(recording.spoken)))
        for recording in recordings
    ]
    return pd.DataFrame(rows, columns=["utterance_id", "sentence_id", "speaker", "n_tokens"])


# Tables


def _utterances(recordings: Sequence[Recording], splits: dict[str, str], language: str, clips: Clips) -> pd.DataFrame:
    rows = [
        {
            "utterance_id": recording.utterance_id, "sentence_id": recording.sentence_id, "language": language,
            "split": splits[recording.utterance_id], **recording.about, "text": recording.text,
            "n_samples": clips.n_samples[recording.utterance_id],
        }
        for recording in recordings
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=UTTERANCE_COLUMNS)


def _tokens(
    recordings: Sequence[Recording], splits: dict[str, str], language: str, clips: Clips
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """TOKEN_COLUMNS, and (item, reason) for syllables without a nucleus in their audio."""
    rows, rejected = [], []
    for recording in recordings:
        duration_s = clips.n_samples[recording.utterance_id] / SAMPLE_RATE
        nuclei = iter(clips.nuclei[recording.utterance_id])
        common = {"utterance_id": recording.utterance_id, "sentence_id": recording.sentence_id, "language": language}
        common |= {"split": splits[recording.utterance_id], **recording.about}
        for index, spoken in enumerate(recording.spoken):
            place = spoken.nucleus or _as_nucleus(next(nuclei))
            if (spoken.end_s or 0) > duration_s + SLACK_S:
                place = OUTSIDE
            if isinstance(place, str):
                rejected.append((f"{recording.utterance_id}, syllable {index + 1} ({spoken.syllable})", place))
            else:
                token_id = f"{recording.utterance_id}-{index:02d}"
                rows.append({"token_id": token_id, **common, **_token(spoken, place, duration_s)})
    return pd.DataFrame(rows, columns=TOKEN_COLUMNS), rejected


def _as_nucleus(numbers: list[float] | str) -> Nucleus | str:
    return numbers if isinstance(numbers, str) else Nucleus(*numbers)


def _token(spoken: Spoken, place: Nucleus, duration_s: float) -> dict:
    """A token's own columns. An isolated syllable is given its nucleus' bounds: where its onset begins is not known."""
    is_timed = spoken.end_s is not None
    return {
        "syllable": spoken.syllable, "ipa": spoken.ipa, "tone": spoken.tone,
        "start_s": spoken.start_s if is_timed else place.start_s,
        "end_s": min(spoken.end_s, duration_s) if is_timed else place.end_s,
        "center_s": place.center_s, "align_score": place.voiced_fraction,
    }  # fmt: skip
