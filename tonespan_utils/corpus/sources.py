"""The speech a profile names, whatever its source: built, fetched or read, then checked.

Utterances of a tonal language that come with text and no times are aligned (``align.model``,
:mod:`tonespan_utils.align`), once: the tokens are kept under ``data/<profile>/alignment``.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from tonespan_utils import align, aligners, hmm
from tonespan_utils.corpus import Corpus, fleurs, nucleus, pseudo_speakers, recordings, synthetic
from tonespan_utils.corpus.audio import build_once
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
        corpus = _with_times(params, corpus, language)
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


def _with_times(params: Params, corpus: Corpus, language: str) -> Corpus:
    """The corpus with what has text and no times aligned, where the profile names an aligner."""
    untimed = _untimed(corpus)
    if params.align.model is None or untimed.utterances.empty:
        return corpus
    folder = build_once(
        params.data / "alignment" / language,
        _alignment_key(params, untimed),
        lambda folder: _align(params, untimed, language, folder),
    )
    tokens, rejected = _stored(folder, "tokens"), _stored(folder, "rejected")
    columns = {name: tokens[name].astype(float) for name in ("start_s", "end_s", "center_s", "align_score")}
    others = corpus.rejected[~corpus.rejected["item"].isin(untimed.utterances["utterance_id"])]
    return replace(
        corpus,
        tokens=_joined(corpus.tokens, tokens.assign(**columns)),
        rejected=_joined(others, rejected),
    )


def _untimed(corpus: Corpus) -> Corpus:
    """The utterances with text, no tokens, and no syllable that was looked for in vain."""
    table = corpus.utterances
    sought = set(corpus.rejected["item"].str.partition(", syllable ")[0]) - set(corpus.rejected["item"])
    has_times = table["utterance_id"].isin(corpus.tokens["utterance_id"]) | table["utterance_id"].isin(sought)
    return replace(corpus, utterances=table[~has_times & (table["text"] != "")].reset_index(drop=True))


def _alignment_key(params: Params, untimed: Corpus) -> str:
    """Changes with the utterances, the settings, and the code that finds times."""
    digest = hashlib.sha256(params.section("align").encode())
    digest.update(untimed.utterances.to_csv(index=False).encode())
    for name in untimed.utterances["utterance_id"]:
        digest.update(untimed.audio(name).tobytes())
    for module in (align, aligners, hmm, nucleus):
        digest.update(Path(module.__file__).read_bytes())
    return digest.hexdigest()[:16]


def _align(params: Params, untimed: Corpus, language: str, folder: Path) -> None:
    settings = params.align
    aligner = aligners.load(settings, untimed, language)
    tokens, rejected = align.tokens(
        untimed, aligner, language=language, min_score=settings.min_score, leave_out=settings.leave_out,
        offset_ms=settings.offset_ms,
    )  # fmt: skip
    tokens.to_csv(folder / "tokens.csv", index=False)
    rejected.to_csv(folder / "rejected.csv", index=False)
    about = {"aligner": aligner.name, "n_labels": len(aligner.vocabulary), "offset_ms": settings.offset_ms}
    (folder / "aligner.json").write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


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
    return recordings.load(
        folder, language=language, tier=params.speech.tier, cache_dir=params.data / "audio" / language
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
