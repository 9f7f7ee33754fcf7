"""How wrong are an aligner's times, and what would wrong times do to the study's answers?

Errors of the tone centre are measured where times are known. Then every centre is moved by a normal error of a known
standard deviation, and everything after it is done anew at the moved centres: windows and folds of the baseline, probes
and gradients of an encoder. That is the scale the aligner's errors are read against.

Conventions: ms; an error is positive where the aligned centre is late; put-on errors are independent between tokens and
the same draw, scaled, for every deviation; a centre stays within its audio. Measures: ``baseline_span``
(:func:`tonespan_utils.instrument.cue_width.optimal_span`) and ``r_com``, one per layer. Intervals resample utterances.

Notebook: notebooks/07_alignment
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import cue_width, gradient_energy, probes, spans
from tonespan_utils.params.profile import Params
from tonespan_utils.statistics import bootstrap, classifier, splits


def errors_ms(found: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Errors of aligned centres against known tokens of the same ``token_id``: token_id, utterance_id, tone, error_ms.

    Raises TonespanError where they share no token.
    """
    both = found.merge(known[["token_id", "center_s"]], on="token_id", suffixes=("", "_known"))
    if both.empty:
        raise TonespanError("no aligned token has a known time; its errors cannot be measured")
    both["error_ms"] = 1000 * (both["center_s"] - both["center_s_known"])
    return both[["token_id", "utterance_id", "tone", "error_ms"]]


def error_row(errors: pd.DataFrame, *, n_known: int, n_resamples: int, level: float, seed: int) -> dict[str, float]:
    """Bias (median), median and 95th percentile of the size of errors with intervals, share over 40 ms, and coverage.

    ``n_known`` is how many tokens there were to be found; fewer than ``spans.LEAST_TOKENS`` have no interval.
    Notebook: notebooks/07_alignment
    """
    values, size = errors["error_ms"].to_numpy(), errors["error_ms"].abs().to_numpy()
    weights = bootstrap.resample_rows(errors["utterance_id"], n_resamples=n_resamples, seed=seed)
    order = np.argsort(size)
    reached = np.cumsum(weights[:, order], axis=1) / weights.sum(axis=1, keepdims=True)
    row = {"bias_ms": float(np.median(values))}
    for name, share in (("median_ms", 0.5), ("p95_ms", 0.95)):
        drawn = size[order][(reached >= share).argmax(axis=1)]
        low, high = spans.quantile_interval(drawn, n_tokens=len(errors), level=level)
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
    own = splits.sample_utterances(corpus.tokens, n_tokens=b.max_tokens, seed=params.seed)
    rows = []
    for sd_ms in params.jitter.sd_ms:
        tokens = moved(own, corpus, sd_ms=sd_ms, seed=params.seed)
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
    vectors = probes.hidden_vectors(encoder, corpus, pd.concat(wrong, ignore_index=True))  # each utterance heard once
    found = []
    for number, (sd_ms, own) in enumerate(zip(params.jitter.sd_ms, wrong, strict=True)):
        rows = slice(number * len(tokens), (number + 1) * len(tokens))
        heard = {layer: values[rows] for layer, values in vectors.items()}
        fitted, f1 = _probes(heard, own, c=params.probe.regularisation_c)
        centers = own.set_index("token_id")["center_s"].reindex(exact["token_id"]).to_numpy()
        chosen = exact.assign(center_s=np.where(np.isnan(centers), exact["center_s"], centers))
        found.append(_measured(params, encoder, fitted, corpus, chosen, edges).assign(jitter_ms=sd_ms, **f1))
    about = {"measure": "r_com", "language": language, "condition": condition}
    return pd.concat(found, ignore_index=True).assign(**about)


def _probes(
    heard: dict[str, np.ndarray], tokens: pd.DataFrame, *, c: float
) -> tuple[dict[str, classifier.LinearClassifier], dict[str, Sequence[float]]]:
    """A probe per layer and, in the layers' order, its macro-F1 on the test split and that of chance."""
    train, test = splits.train_test(tokens)
    tone = tokens["tone"].to_numpy(dtype=str)
    fitted = {layer: classifier.fit(values[train], tone[train], regularisation_c=c) for layer, values in heard.items()}
    predicted = [probe.predict(heard[layer][test]) for layer, probe in fitted.items()]
    classes = np.unique(np.concatenate([tone, *predicted]))
    f1 = [float(classifier.macro_f1(classifier.confusion(tone[test], one, classes))) for one in predicted]
    chance = [float(classifier.chance_f1(classifier.confusion(tone[test], one, classes))) for one in predicted]
    return fitted, {"f1": f1, "chance_f1": chance}


def _measured(
    params: Params, encoder: Encoder, fitted: dict, corpus: Corpus, tokens: pd.DataFrame, edges: np.ndarray
) -> pd.DataFrame:
    """layer, value_ms, interval, null and n_tokens, layers in the probes' order."""
    measured = gradient_energy.measure(
        encoder, fitted, corpus, tokens, edges, target=params.gradient.target, wrt=params.gradient.wrt
    )
    resampling = params.bootstrap.model_dump() | {"seed": params.seed}
    # A single training stands in for the seeds of a fine-tuned condition.
    stored = gradient_energy.tabulate({"": [measured]}, [0], edges, condition="", **resampling)["radii"]
    r_com = stored[stored["measure"] == "r_com"].set_index("layer").loc[list(fitted)].reset_index()
    return r_com[["layer", "value_ms", "ci_low_ms", "ci_high_ms", "null_ms"]].assign(n_tokens=len(tokens))
