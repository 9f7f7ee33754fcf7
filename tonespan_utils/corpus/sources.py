"""The speech that a profile names: built, fetched or read, then checked.

Utterances of a tonal language that come with text and no times get their tokens from a forced alignment, where the
profile names an aligner (``align.model``). It is made once, by ``aligners.prepare``, and lies under
``data/<profile>/alignment``.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from tonespan_utils import languages
from tonespan_utils.corpus import fleurs, level, pseudo_speakers, recordings
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.corpus.synthetic import pitch, synthesis
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.profile import ROOT, Params


def prepare(params: Params) -> None:
    """Build the embedded corpus or fetch FLEURS, so that :func:`load` can read it; recordings need no preparation."""
    if params.speech.source == "synthetic":
        synthesis.build(
            params.data / "speech",
            languages=params.speech.languages,
            planted_span_ms=params.synthetic.planted_span_ms,
            minutes=params.synthetic.minutes,
            n_speakers=params.synthetic.n_speakers,
            seed=params.seed,
            wander=pitch.Wander(**params.synthetic.movement),
            jobs=os.cpu_count() or 1,
            progress=_bars(params.synthetic.minutes * 60),
        )
    elif params.speech.source == "fleurs":
        _fleurs_root(params)


def load(params: Params, language: str) -> Corpus:
    """The corpus of one language of the profile. Raises TonespanError where it has no tokens, or too few of a tone."""
    corpus = as_given(params, language)
    if language in params.speech.tonal:
        corpus = _with_times(params, corpus, language)
        _check_tones(corpus.tokens, language, params.speech.min_examples)
    return corpus


def as_given(params: Params, language: str) -> Corpus:
    """The corpus of one language of the profile before alignment, at the level that the profile names."""
    corpus = _LOADERS[params.speech.source](params, language)
    is_made_here = params.speech.source == "synthetic"  # its levels are part of its styles
    return corpus if is_made_here else level.levelled(corpus, by=params.speech.level)


def untimed(corpus: Corpus) -> Corpus:
    """The part of a corpus that needs alignment: utterances with text, but without tokens or rejected syllables."""
    table = corpus.utterances
    items = set(corpus.rejected["item"])
    sought = {item.partition(", syllable ")[0] for item in items} - items
    has_times = table["utterance_id"].isin(corpus.tokens["utterance_id"]) | table["utterance_id"].isin(sought)
    return replace(corpus, utterances=table[~has_times & (table["text"] != "")].reset_index(drop=True))


def alignment_place(params: Params, language: str, spoken: Corpus) -> tuple[Path, str]:
    """The folder and the key of a language's stored alignment; the key depends on utterances, settings and code."""
    digest = hashlib.sha256(params.section("align").encode())
    digest.update(spoken.utterances.to_csv(index=False).encode())
    for name in spoken.utterances["utterance_id"]:
        digest.update(np.ascontiguousarray(spoken.audio(name)))
    for module in ALIGNING:
        digest.update((ROOT / "tonespan_utils" / module).read_bytes())
    return params.data / "alignment" / language, digest.hexdigest()[:16]


def _bars(wanted_s: float) -> Callable[[str, float, float], None]:
    """A progress bar per language, in seconds of speech made."""
    bars: dict[str, tqdm] = {}

    def show(language: str, made_s: float, _: float) -> None:
        if language not in bars:
            bars[language] = tqdm(total=round(wanted_s), desc=f"speaking {language}", unit="s")
        bars[language].update(min(round(made_s), round(wanted_s)) - bars[language].n)

    return show


def _fleurs_root(params: Params):
    speech = params.speech
    return fleurs.fetch(
        speech.root, languages=speech.languages, revision=speech.revision, cache_dir=params.data / "fleurs"
    )


def _with_times(params: Params, corpus: Corpus, language: str) -> Corpus:
    """The corpus with the tokens of its stored alignment, where the profile names an aligner."""
    spoken = untimed(corpus)
    if params.align.model is None or spoken.utterances.empty:
        return corpus
    parent, key = alignment_place(params, language, spoken)
    if not (parent / key).is_dir():
        raise TonespanError(
            f"{language}: {len(spoken.utterances)} utterances have no times yet; run notebook 00_corpus first"
        )
    tokens, rejected = _stored(parent / key, "tokens"), _stored(parent / key, "rejected")
    times = {name: tokens[name].astype(float) for name in ("start_s", "end_s", "center_s", "align_score")}
    others = corpus.rejected[~corpus.rejected["item"].isin(spoken.utterances["utterance_id"])]
    return replace(corpus, tokens=_joined(corpus.tokens, tokens.assign(**times)), rejected=_joined(others, rejected))


def _stored(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)


def _joined(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table for table in (first, second) if len(table)] or [first], ignore_index=True)


def _load_synthetic(params: Params, language: str) -> Corpus:
    return fleurs.load(params.data / "speech", language, cache_dir=params.data / "audio")


def _load_fleurs(params: Params, language: str) -> Corpus:
    corpus = fleurs.load(_fleurs_root(params), language, cache_dir=params.data / "audio")
    return pseudo_speakers.named(corpus, cache_dir=params.data / "voices") if params.speech.pseudo_speakers else corpus


def _load_recordings(params: Params, language: str) -> Corpus:
    folder = ROOT / params.speech.folders[language]
    corpus = recordings.load(
        folder, language=languages.code(language), tier=params.speech.tier, leave_out=params.align.leave_out,
        cache_dir=params.data / "audio" / language,
    )  # fmt: skip
    return corpus if language not in languages.CODES else _under_key(corpus, language)


def _under_key(corpus: Corpus, key: str) -> Corpus:
    """A corpus whose language goes by the key of the profile, and not by its code, which another corpus has."""
    tables = {"utterances": corpus.utterances.assign(language=key), "tokens": corpus.tokens.assign(language=key)}
    return replace(corpus, **tables)


# named, not imported: they lie above
ALIGNING = (
    "alignment/align.py",
    "alignment/aligners.py",
    "alignment/hmm.py",
    "alignment/labels.py",
    "alignment/spelling.py",
    "corpus/nucleus.py",
)

_LOADERS = {"synthetic": _load_synthetic, "fleurs": _load_fleurs, "recordings": _load_recordings}


def _check_tones(tokens: pd.DataFrame, language: str, min_examples: int) -> None:
    if tokens.empty:
        raise TonespanError(
            f"{language}: no tone tokens; text without times needs an aligner (align.model: own, mms_fa or a CTC "
            "checkpoint), or bring TextGrids or isolated syllables"
        )
    counts = tokens["tone"].value_counts()
    if len(counts) < 2:
        raise TonespanError(f"{language}: needs two or more tone classes, found {dict(counts)}")
    rare = counts[counts < min_examples]
    if len(rare):
        raise TonespanError(
            f"{language}: tone {rare.index[0]!r} has {rare.iloc[0]} example(s); at least {min_examples} are needed "
            "(remove it, or add recordings)"
        )
