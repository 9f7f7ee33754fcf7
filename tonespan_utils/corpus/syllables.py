"""Recordings with their syllables: those of the TextGrid beside the audio, or the isolated syllable that a row names.

Conventions: times are seconds; an isolated syllable begins at 0 and has no end; its sentence is the syllable without
its tone.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tonespan_utils.corpus import grids
from tonespan_utils.corpus.grid_tones import NO_TONE
from tonespan_utils.corpus.grids import Spoken
from tonespan_utils.errors import TonespanError

NEEDS_ALIGNMENT = "several syllables, no times: needs alignment"


@dataclass(frozen=True)
class Recording:
    """An audio file, its speaker and text, its syllables, and (item, reason) for syllables that cannot be tokens.

    ``where`` is the row or file that lists it, for messages.
    """

    path: Path
    where: str
    utterance_id: str
    sentence_id: str
    text: str
    about: dict[str, str]  # speaker, gender, emotion
    spoken: list[Spoken]
    rejected: list[tuple[str, str]]


def of_row(row, language: str, tier: str, leave_out: Sequence[str]) -> Recording:
    """The recording of one row of the listing, its syllables from its TextGrid if there is one."""
    if grid := grids.beside(row.path):
        spoken, rejected = grids.read(grid, row.path, tier=tier, language=language, leave_out=leave_out)
    else:
        spoken, rejected = _isolated(row)
    text = row.text or " ".join(part.syllable for part in spoken)
    is_isolated = not grid and len(spoken) == 1
    return Recording(
        path=row.path, where=row.where, utterance_id=f"{language}-{row.file}",
        sentence_id=spoken[0].syllable if is_isolated else text or row.file, text=text,
        about={"speaker": row.speaker, "gender": row.gender, "emotion": row.emotion},
        spoken=spoken, rejected=[(f"{language}-{row.file}{item}", reason) for item, reason in rejected],
    )  # fmt: skip


def _isolated(row) -> tuple[list[Spoken], list[tuple[str, str]]]:
    """The one syllable of a file without times; only a reason where there is none, or where there are several."""
    if not row.tone:
        return [], [("", NO_TONE)]
    if len(row.tone.split()) > 1 or len(row.syllable.split()) > 1:
        return [], [("", NEEDS_ALIGNMENT)]
    if not row.syllable:
        raise TonespanError(f"{row.where}: an isolated syllable needs its column 'syllable' (without the tone)")
    syllable = row.syllable.removesuffix(row.tone) or row.syllable
    return [Spoken(syllable, syllable, row.tone)], []


def check_tones(recordings: Sequence[Recording]) -> None:
    """Raise TonespanError for a tone with a single example: it can be in train or in test, never in both."""
    first: dict[str, str] = {}
    counts: dict[str, int] = {}
    for recording in recordings:
        for spoken in recording.spoken:
            counts[spoken.tone] = counts.get(spoken.tone, 0) + 1
            first.setdefault(spoken.tone, f"{recording.where}, at {spoken.start_s:.3f} s")
    for tone, count in counts.items():
        if count == 1:
            raise TonespanError(f"{first[tone]}: the only example of tone {tone!r}; remove it or record more")
