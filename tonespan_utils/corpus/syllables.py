"""A recording with its syllables: those of the TextGrid beside it, or the isolated syllable that its row names.

Conventions: times are seconds; an isolated syllable begins at 0 and has no end, and its sentence is its segments.

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
    """A file, what is known of it, its syllables, and (item, reason) for what cannot become a token."""

    path: Path
    where: str
    utterance_id: str
    sentence_id: str
    text: str
    about: dict[str, str]  # speaker, gender, emotion
    spoken: list[Spoken]
    rejected: list[tuple[str, str]]


def of_row(row, language: str, tier: str, leave_out: Sequence[str]) -> Recording:
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


def check_tones(recordings: Sequence[Recording]) -> None:
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
