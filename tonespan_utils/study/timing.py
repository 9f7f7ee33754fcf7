"""How wrong are an aligner's times, and what would wrong times do to the study's answers?

Errors of the tone centre are measured where times are known. Then every centre is moved by a normal error of a known
standard deviation, and everything after it is done anew at the moved centres: windows and folds of the baseline, probes
and gradients of an encoder. That is the scale the aligner's errors are read against.

Conventions: ms; an error is positive where the aligned centre is late; added errors are independent between tokens, and
for every deviation they are the same draw, scaled; a centre stays within its audio. Measures: ``baseline_span``
(:func:`tonespan_utils.instrument.cue_width.optimal_span`) and ``r_com``, one per layer. Intervals resample utterances.

Notebook: notebooks/07_alignment
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import cue_width, gradient_energy, probes, spans
from tonespan_utils.params.profile import Params
from tonespan_utils.statistics import bootstrap, classifier, splits


def errors_ms(aligned: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Errors of aligned centres against tokens of known times and the same ``token_id``: columns token_id,
    utterance_id, tone, error_ms.

    Raises TonespanError where they share no token.
    """
    both = aligned.merge(reference[["token_id", "center_s"]], on="token_id", suffixes=("", "_known"))
    if both.empty:
        raise TonespanError("no aligned token has a known time; its errors cannot be measured")
    both["error_ms"] = 1000 * (both["center_s"] - both["center_s_known"])
    return both[["token_id", "utterance_id", "tone", "error_ms"]]


def error_row(errors: pd.DataFrame, *, n_known: int, n_resamples: int, level: float, seed: int) -> dict[str, float]:
    """Bias (median), median and 95th percentile of the size of errors with intervals, share over 40 ms, and coverage.

    ``n_known`` is how many tokens have a known time; no interval from under ``bootstrap.LEAST_TOKENS`` tokens or
    from one utterance.
    Notebook: notebooks/07_alignment
    """
    values, size = errors["error_ms"].to_numpy(), errors["error_ms"].abs().to_numpy()
    weights = bootstrap.resample_rows(errors["utterance_id"], n_resamples=n_resamples, seed=seed)
    n_clusters = errors["utterance_id"].nunique()
    order = np.argsort(size)
    reached = np.cumsum(weights[:, order], axis=1) / weights.sum(axis=1, keepdims=True)
    row = {"bias_ms": float(np.median(values))}
    for name, share in (("median_ms", 0.5), ("p95_ms", 0.95)):
        drawn = size[order][(reached >= share).argmax(axis=1)]
        low, high = bootstrap.percentile_interval(drawn, level=level, n_tokens=len(errors), n_clusters=n_clusters)
        stem = name.removesuffix("_ms")
        row |= {name: float(np.quantile(size, share)), f"{stem}_low_ms": low, f"{stem}_high_ms": high}
    return row | {"over_40_ms": float(np.mean(size > 40)), "n_tokens": len(errors), "n_known": n_known}


def moved(tokens: pd.DataFrame, corpus: Corpus, *, sd_ms: float, seed: int) -> pd.DataFrame:
    """The tokens with a normal error of ``sd_ms`` on each centre; the same draw, scaled, for every ``sd_ms``."""
    errors_s = np.random.default_rng(seed).standard_normal(len(tokens)) * sd_ms / 1000
    n_samples = corpus.utterances.set_index("utterance_id")["n_samples"]
    lengths_s = tokens["utterance_id"].map(n_samples) / SAMPLE_RATE
    return tokens.assign(center_s=np.clip(tokens["center_s"] + errors_s, 0.0, lengths_s))


def baseline_rows(params: Params, corpus: Corpus, language: str) -> pd.DataFrame:
    """The cue width of one language at every error of ``params.jitter``: rows of the table ``jitter``.

    Notebook: notebooks/07_alignment
    """
    b = params.baseline
    sampled = splits.sample_utterances(corpus.tokens, n_tokens=b.max_tokens, seed=params.seed)
    rows = []
    for sd_ms in params.jitter.sd_ms:
        tokens = moved(sampled, corpus, sd_ms=sd_ms, seed=params.seed)
        swept = cue_width.sweep_corpus(corpus, tokens, b, frontend=params.jitter.frontend, seed=params.seed)
        span = cue_width.optimal_span(
            swept, analysis_window_ms=b.analysis_window_ms, seed=params.seed, **params.bootstrap.model_dump()
        )
        rows.append(
            {
                "jitter_ms": sd_ms, "value_ms": span.span_ms, "ci_low_ms": span.span_low_ms,
                "ci_high_ms": span.span_high_ms, "null_ms": np.nan, "f1": span.peak_f1, "chance_f1": span.chance_f1,
                "n_tokens": len(tokens),
            }
        )  # fmt: skip
    about = {"measure": "baseline_span", "language": language, "condition": params.jitter.frontend, "layer": ""}
    return pd.DataFrame(rows).assign(**about)


def r_com_rows(params: Params, encoder: Encoder, corpus: Corpus, language: str, *, condition: str) -> pd.DataFrame:
    """``r_com`` of every layer at every error, with probes trained at the moved centres: rows of the table ``jitter``.

    Notebook: notebooks/07_alignment
    """
    g = params.gradient
    edges, _ = spans.offset_bins(g.window_ms, g.bin_ms)
    spoken = splits.in_a_split(corpus.tokens)
    tokens = splits.sample_utterances(spoken, n_tokens=params.probe.max_tokens, seed=params.seed)
    exact = gradient_energy.eligible(corpus, n_tokens=g.n_tokens, min_side_ms=g.min_side_ms, seed=params.seed)
    wrong = [moved(tokens, corpus, sd_ms=sd_ms, seed=params.seed) for sd_ms in params.jitter.sd_ms]
    vectors = probes.hidden_vectors(encoder, corpus, pd.concat(wrong, ignore_index=True))  # each utterance runs once
    parts = []
    for number, (sd_ms, moved_tokens) in enumerate(zip(params.jitter.sd_ms, wrong, strict=True)):
        rows = slice(number * len(tokens), (number + 1) * len(tokens))
        fitted, f1 = _fit_and_score({layer: v[rows] for layer, v in vectors.items()}, moved_tokens, params)
        centers = moved_tokens.set_index("token_id")["center_s"].reindex(exact["token_id"]).to_numpy()
        measured_at = exact.assign(center_s=np.where(np.isnan(centers), exact["center_s"], centers))
        parts.append(
            _r_com_of_layers(params, encoder, fitted, corpus, measured_at, edges).assign(jitter_ms=sd_ms, **f1)
        )
    about = {"measure": "r_com", "language": language, "condition": condition}
    return pd.concat(parts, ignore_index=True).assign(**about)


def _fit_and_score(
    vectors: dict[str, np.ndarray], tokens: pd.DataFrame, params: Params
) -> tuple[dict[str, classifier.LinearClassifier], dict[str, list[float]]]:
    """A probe per layer, fitted on the training split of ``tokens`` with ``vectors`` (token, hidden); and ``f1`` and
    ``chance_f1`` on the test split, (layer,) each.
    """
    train, test = splits.train_test(tokens)
    tones, c = tokens["tone"].to_numpy(dtype=str)[train], params.probe.regularisation_c
    fitted = {layer: classifier.fit(values[train], tones, regularisation_c=c) for layer, values in vectors.items()}
    resampling = params.bootstrap.model_dump() | {"seed": params.seed}
    scores = [probes.score(fitted[layer], vectors[layer][test], tokens.iloc[test], **resampling) for layer in fitted]
    return fitted, {"f1": [score.macro_f1 for score in scores], "chance_f1": [score.chance_f1 for score in scores]}


def _r_com_of_layers(
    params: Params, encoder: Encoder, fitted: dict, corpus: Corpus, tokens: pd.DataFrame, edges: np.ndarray
) -> pd.DataFrame:
    """layer, value_ms, interval, null and n_tokens, layers in the probes' order."""
    measured = gradient_energy.measure(
        encoder, fitted, corpus, tokens, edges, target=params.gradient.target, wrt=params.gradient.wrt,
        power_window_ms=params.gradient.power_window_ms,
    ).weighted_by(params.gradient.weight)  # fmt: skip
    resampling = params.bootstrap.model_dump() | {"seed": params.seed}
    # A single training stands in for the seeds of a fine-tuned condition.
    stored = gradient_energy.tabulate({"": [measured]}, [0], edges, condition="", **resampling)["radii"]
    r_com = stored[stored["measure"] == "r_com"].set_index("layer").loc[list(fitted)].reset_index()
    return r_com[["layer", "value_ms", "ci_low_ms", "ci_high_ms", "null_ms"]].assign(n_tokens=len(tokens))
