"""Export of a corpus as WAV and TextGrid, to look at in Praat, to correct, and to load again.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import soundfile
from tqdm.auto import tqdm

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import textgrid
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.errors import TonespanError

LONGEST_NAME = 50  # letters of a folder's or file's name; four bytes each, a hash and an ending stay under 255 bytes


def export(corpus: Corpus, folder: Path) -> None:
    """Write a corpus as WAV and TextGrid files, with a subfolder for each speaker.

    Raises :class:`TonespanError` where the folder cannot be written.
    """
    by_utterance = dict(list(corpus.tokens.groupby("utterance_id", sort=False)))
    written: set[Path] = set()
    for row in tqdm(corpus.utterances.itertuples(), total=len(corpus.utterances), desc="exporting", unit="utt"):
        if row.utterance_id not in by_utterance:
            continue
        samples = corpus.audio(row.utterance_id)
        stem = folder / _file_name(row.speaker or "unknown") / _stem(row.utterance_id)
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
    """A folder name for a speaker: the name itself, or its letters that a folder may have and a hash of the name."""
    plain = re.sub(r"[^\w. -]", "_", name)[:LONGEST_NAME]
    return plain if plain == name and _bare(name) == name else f"{_bare(plain)}-{_short_hash(name)}"


def _stem(utterance_id: str) -> str:
    """An identifier as the name of a file; where it is cut, a hash tells it from its like."""
    plain = re.sub(r"[^\w.-]", "_", utterance_id)
    return (
        plain if _bare(plain)[:LONGEST_NAME] == plain else f"{_bare(plain)[:LONGEST_NAME]}-{_short_hash(utterance_id)}"
    )


def _bare(name: str) -> str:
    """A name that is not hidden, no option of a program, and ends as a name may; ``_`` for nothing."""
    return name.lstrip(" .-").rstrip(" .") or "_"


def _short_hash(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:8]
