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

LONGEST_NAME = 50  # letters of a speaker in a folder's name; four bytes each and a hash stay under 255 bytes


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
    """A folder name for a speaker: the name itself, or its letters that a folder may have and a hash of the name."""
    plain = re.sub(r"[^\w. -]", "_", name)[:LONGEST_NAME]
    return plain if plain == name and name.strip(" .") == name else f"{plain.strip(' .')}-{_short_hash(name)}"


def _short_hash(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:8]
