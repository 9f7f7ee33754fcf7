"""The speech a profile names, whatever its source: built, fetched or read, then checked.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pandas as pd
from tqdm.auto import tqdm

from tonespan_utils.corpus import Corpus, fleurs, recordings, synthetic
from tonespan_utils.errors import TonespanError
from tonespan_utils.params import ROOT, Params


def prepare(params: Params) -> None:
    """Build the embedded corpus or fetch FLEURS, so that :func:`load` finds it; nothing to do for recordings."""
    if params.speech.source == "synthetic":
        synthetic.build(
            params.data / "speech",
            languages=params.speech.languages,
            planted_span_ms=params.synthetic.planted_span_ms,
            minutes=params.synthetic.minutes,
            n_speakers=params.synthetic.n_speakers,
            seed=params.seed,
            jobs=os.cpu_count() or 1,
            progress=_bars(params.synthetic.minutes * 60),
        )
    elif params.speech.source == "fleurs":
        _fleurs_root(params)


def load(params: Params, language: str) -> Corpus:
    """One language of the profile's speech, its tone classes checked. Raises TonespanError in one line."""
    corpus = _LOADERS[params.speech.source](params, language)
    if language in params.speech.tonal:
        _check_tones(corpus.tokens, language, params.speech.min_examples)
    return corpus


def _bars(wanted_s: float) -> Callable[[str, float, float], None]:
    """A progress bar per language, in seconds of speech made."""
    bars: dict[str, tqdm] = {}

    def show(language: str, made_s: float, _: float) -> None:
        if language not in bars:
            bars[language] = tqdm(total=round(wanted_s), desc=f"speaking {language}", unit="s")
        bars[language].update(min(round(made_s), round(wanted_s)) - bars[language].n)

    return show


def describe(params: Params) -> str:
    """What the speech is, in words fit for a caption and for provenance."""
    if params.speech.source == "synthetic":
        return f"embedded synthetic speech with planted cue spans (seed {params.seed})"
    if params.speech.source == "fleurs":
        return f"FLEURS from {params.speech.root}" + (f" at {params.speech.revision}" if params.speech.revision else "")
    return "recordings: " + ", ".join(f"{k} from {v}" for k, v in params.speech.folders.items())


def _fleurs_root(params: Params):
    speech = params.speech
    return fleurs.fetch(
        speech.root, languages=speech.languages, revision=speech.revision, cache_dir=params.data / "fleurs"
    )


def _load_synthetic(params: Params, language: str) -> Corpus:
    return fleurs.load(params.data / "speech", language, cache_dir=params.data / "audio")


def _load_fleurs(params: Params, language: str) -> Corpus:
    return fleurs.load(_fleurs_root(params), language, cache_dir=params.data / "audio")


def _load_recordings(params: Params, language: str) -> Corpus:
    folder = ROOT / params.speech.folders[language]
    return recordings.load(
        folder, language=language, tier=params.speech.tier, cache_dir=params.data / "audio" / language
    )


_LOADERS = {"synthetic": _load_synthetic, "fleurs": _load_fleurs, "recordings": _load_recordings}


def _check_tones(tokens: pd.DataFrame, language: str, min_examples: int) -> None:
    if tokens.empty:
        raise TonespanError(
            f"{language}: no tone tokens; text without times needs forced alignment, which this version does not have "
            "(bring TextGrids, isolated syllables, or use the synthetic source)"
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
