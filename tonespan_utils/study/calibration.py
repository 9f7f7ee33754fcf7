"""What is a span worth? Every estimator on corpora whose cue width was planted, and the line through its answers.

Synthetic corpora of one language share sentences, voices and every random draw; only the width of the tone contour
differs. Each estimator gives one width per corpus; against the planted widths its answers have a *slope* (0: it knows
nothing of the cue's width; 1: it grows with it), a *bias* (mean of answer minus truth) and a scatter. An estimator that
has slope b and intercept a turns a measured span s into a cue width of (s - a) / b.

Conventions: spans in ms. A *draw* is an index whose 0 is the data as they are and whose others are bootstrap resamples
over utterances. The corpora share their utterances, so one draw takes the same utterances in all of them. The slope has
two intervals: over these draws, and Student's t over the residuals of the line, which also holds what a training or a
corpus adds; a verdict needs both.

Source: Osborne (1991) for calibration lines.

Notebook: notebooks/06_validity
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student
from tqdm.auto import tqdm

from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.instrument import attribution, cue_width, features, probes, spans
from tonespan_utils.instrument.probes import ProbeResult
from tonespan_utils.params import profile
from tonespan_utils.params.profile import Params
from tonespan_utils.statistics import bootstrap
from tonespan_utils.statistics.classifier import LinearClassifier

Floats = NDArray[np.float64]
FOLLOWS, AGAINST, FLAT, UNDECIDED = "follows the cue", "falls with the cue", "does not follow", "undecided"
FLAT_SLOPE = 0.1  # a slope whose intervals stay under this is called flat: 180 ms of cue would move it by 18


def planted(given: Params, span_ms: float, *, language: str | None = None) -> Params:
    """The parameters of one calibration corpus: a profile of its own under the given one's folders.

    ``language`` is ``validity.language`` by default. Its conditions are the encoder as it is and after plain and
    span-penalised ASR; all else is as given.
    """
    v, tree = given.validity, given.model_dump(mode="json")
    encoder, language = v.encoder or next(iter(given.encoders)), language or v.language
    tree["seed"] = v.seed
    tree["encoders"] = {encoder: tree["encoders"][encoder]}
    tree["speech"] |= {"source": "synthetic", "root": None, "folders": {}, "tonal": [language], "other": []}
    tree["synthetic"] |= {
        "minutes": v.minutes,
        "n_speakers": v.n_speakers,
        "planted_span_ms": {language: float(span_ms)},
    }
    tree["conditions"] = [f"{encoder}/{task}" for task in ("vanilla", f"asr-{language}", f"narrow_asr-{language}")]
    tree["finetune"] |= {"public": {}, "corpora": {}}
    planted = profile.validate(tree, Path(given.profile))
    return planted.model_copy(update={"profile": f"{given.profile}/validity/{v.corpus_name(language, span_ms)}"})


def conditions_of(planted: Params, *, narrow: bool) -> dict[str, str]:
    """The conditions of :func:`planted` by task: ``vanilla``, ``asr`` and, if asked for, ``narrow_asr``."""
    named = {name.partition("/")[2].partition("-")[0]: name for name in planted.conditions}
    return named if narrow else {task: name for task, name in named.items() if task != "narrow_asr"}


# One corpus


def energy_draws(
    energy: ArrayLike, utterances: ArrayLike, edges_ms: ArrayLike, *, n_resamples: int, seed: int
) -> dict[str, Floats]:
    """Widths of ``energy`` (token, bins) in every draw: ``r_com`` (the span 2 r_com) and ``r90`` (2 r90): (draw,).

    Tokens without energy are left out, as in ``pooling.pooled_span``. No token gives nan.
    """
    share = spans.normalise(energy)
    has_energy = ~np.isnan(share).any(axis=1)
    share, edges = share[has_energy], np.asarray(edges_ms, dtype=np.float64)
    if not len(share):
        return dict.fromkeys(("r_com", "r90"), np.full(1 + n_resamples, np.nan))
    weights = bootstrap.resample_rows(np.asarray(utterances)[has_energy], n_resamples=n_resamples, seed=seed)
    pools = bootstrap.data_first(weights) @ share
    offsets = (edges[:-1] + edges[1:]) / 2
    return {
        "r_com": spans.effective_span(pools, offsets),
        "r90": 2 * spans.energy_radius(pools, edges, fraction=0.9),
    }


def slow_energy(
    name: str, encoder: Encoder, fitted: Mapping[str, LinearClassifier], corpus: Corpus, tokens: pd.DataFrame,
    edges_ms: np.ndarray,
) -> dict[str, Floats]:  # fmt: skip
    """The energy of ``tokens`` by one of ``estimators.ENERGY``: layer -> (token, bins), in the order of ``tokens``
    grouped by utterance.
    """
    parts: dict[str, list[Floats]] = {layer: [] for layer in fitted}
    for utterance_id, group in tqdm(tokens.groupby("utterance_id", sort=False), desc=name, unit="utt"):
        of_tokens = (corpus.audio(utterance_id), group["center_s"].tolist(), group["tone"].tolist())
        for layer, energy in attribution.energy(name, encoder, fitted, *of_tokens, edges_ms=edges_ms).items():
            parts[layer].append(energy)
    return {layer: np.concatenate(of_utterances) for layer, of_utterances in parts.items()}


def as_draws(
    estimator: str, condition: str, layer: str, span_ms: float, widths_ms: Floats, n_tokens: int
) -> pd.DataFrame:
    """Widths (draw,) as rows of the table ``calibration_draws``."""
    about = {"estimator": estimator, "condition": condition, "layer": layer, "true_span_ms": span_ms}
    return pd.DataFrame(about | {"draw": np.arange(len(widths_ms)), "width_ms": widths_ms, "n_tokens": n_tokens})


def vectors(planted: Params, encoder: Encoder, corpus: Corpus, tokens: pd.DataFrame) -> dict[str, NDArray[np.float32]]:
    """Hidden vectors at the centres of ``tokens``: layer -> (token, hidden); ``cnn`` features are kept on disk."""
    cached = features.of_corpus(encoder, corpus, cache_dir=planted.data / "features")
    return probes.hidden_vectors(encoder, corpus, tokens, features=cached)


def probe_layers(
    planted: Params, encoder: Encoder, corpus: Corpus, tokens: pd.DataFrame, *, layers: Sequence[str] | None = None
) -> dict[str, ProbeResult]:
    """The probes of an encoder on ``tokens``, as in notebook 03: layer -> result, all layers by default."""
    by_layer = vectors(planted, encoder, corpus, tokens)
    probe, drawn = planted.probe, planted.bootstrap
    return {
        layer: probes.probe_layer(
            by_layer[layer], tokens, regularisation_c=probe.regularisation_c, control_seeds=probe.control_seeds,
            n_resamples=drawn.n_resamples, level=drawn.level, seed=planted.seed,
        )
        for layer in layers or encoder.layers
    }  # fmt: skip


def baseline_sweep(
    planted: Params, corpus: Corpus, *, frontend: str = "logmel", shape: str = "hann"
) -> cue_width.Sweep:
    """The sweep of notebook 01 on a calibration corpus, over ``validity.windows_ms``, by one front end."""
    v = planted.validity
    baseline = planted.baseline.model_copy(
        update={"windows_ms": v.windows_ms, "analysis_window_ms": v.analysis_windows.get(shape, 0.0)}
    )
    return cue_width.sweep_corpus(corpus, corpus.tokens, baseline, frontend=frontend, shape=shape, seed=planted.seed)


def held_out(planted: Params, corpus: Corpus, values: NDArray) -> NDArray:
    """Cross-validated tones (token,) from any ``values`` (token, feature), on the folds of the sweep."""
    baseline = planted.baseline
    return cue_width.held_out(
        values, corpus.tokens, seed=planted.seed, n_folds=baseline.n_folds, regularisation_c=baseline.regularisation_c
    )


Scored = tuple[Mapping[str, str], NDArray, NDArray, NDArray]  # what it is; truth, answers and utterances (token,)


def score_table(
    scored: Sequence[Scored], trained: Sequence[pd.DataFrame], span_ms: float, *, n_resamples: int, level: float,
    seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Macro-F1 of each of ``scored`` and the error rates of trainings (tables ``finetune`` with a column ``task``), as
    the table ``calibration_scores``.
    """
    rows = []
    for about, truth, answers, utterances in scored:
        score = probes.score_answers(truth, answers, utterances, n_resamples=n_resamples, level=level, seed=seed)
        f1 = {"value": score.macro_f1, "ci_low": score.ci_low, "ci_high": score.ci_high, "null": score.chance_f1}
        rows.append(dict(about) | f1 | {"n_tokens": len(truth)})
    for rows_of_training in trained:
        value = rows_of_training.set_index("metric")["value"]
        rate = {"value": value["cer"], "ci_low": value["cer_ci_low"], "ci_high": value["cer_ci_high"]}
        about = {"condition": rows_of_training["task"].iloc[0], "layer": "", "metric": "cer", "n_tokens": 0}
        rows.append(about | rate | {"null": value["cer_null"]})
    return pd.DataFrame(rows).assign(true_span_ms=span_ms)


# All corpora


@dataclass(frozen=True)
class Line:
    """The line of an estimator's answers over the planted widths, with the two intervals of its slope."""

    slope: float
    slope_low: float
    slope_high: float
    slope_t_low: float
    slope_t_high: float
    intercept_ms: float
    bias_ms: float
    bias_low_ms: float
    bias_high_ms: float
    worst_error_ms: float
    rmse_ms: float
    n_spans: int

    @property
    def verdict(self) -> str:
        """Both intervals decide together; nan, as of an estimator that gave no width, decides nothing."""
        low, high = min(self.slope_low, self.slope_t_low), max(self.slope_high, self.slope_t_high)
        if low > 0:
            return FOLLOWS
        if high < 0:
            return AGAINST
        return FLAT if max(abs(low), abs(high)) < FLAT_SLOPE else UNDECIDED


def fit_line(true_ms: ArrayLike, widths_ms: ArrayLike, *, level: float) -> Line:
    """Ordinary least squares of ``widths_ms`` (draw, span) on ``true_ms`` (span,), the first draw being the data.

    Raises ValueError for fewer than three spans. A width that is not finite leaves its draw undefined; in the data
    themselves it gives nan.
    """
    true, widths = np.asarray(true_ms, dtype=np.float64), np.asarray(widths_ms, dtype=np.float64)
    if len(true) < 3:
        raise ValueError(f"a line with an interval needs three spans; there are {len(true)}")
    n = len(true)
    if not np.isfinite(widths[0]).all():
        return Line(*(np.nan,) * 11, n_spans=n)
    finite = np.isfinite(widths).all(axis=1)
    centred = true - true.mean()
    scatter = np.square(centred).sum()
    slopes, biases = np.full((2, len(widths)), np.nan)
    slopes[finite] = (widths[finite] @ centred) / scatter
    biases[finite] = (widths[finite] - true).mean(axis=1)
    intercept = widths[0].mean() - slopes[0] * true.mean()
    residuals = widths[0] - intercept - slopes[0] * true
    error = np.sqrt(np.square(residuals).sum() / (n - 2) / scatter)
    reach = float(student.ppf((1 + level) / 2, n - 2)) * error
    misses = widths[0] - true
    slope_low, slope_high = bootstrap.percentile_interval(slopes[1:], level=level)
    bias_low, bias_high = bootstrap.percentile_interval(biases[1:], level=level)
    return Line(
        slope=float(slopes[0]), slope_low=slope_low, slope_high=slope_high,
        slope_t_low=float(slopes[0] - reach), slope_t_high=float(slopes[0] + reach), intercept_ms=float(intercept),
        bias_ms=float(misses.mean()), bias_low_ms=bias_low, bias_high_ms=bias_high,
        worst_error_ms=float(np.abs(misses).max()), rmse_ms=float(np.sqrt(np.square(misses).mean())), n_spans=n,
    )  # fmt: skip


KEYS = ["estimator", "condition", "layer"]


def calibration_table(draws: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """The answers to every planted width, of the table ``calibration_draws``, with their intervals."""
    rows = []
    for key, answer in draws.groupby([*KEYS, "true_span_ms"], sort=False):
        width, n_tokens = answer.sort_values("draw")["width_ms"].to_numpy(), answer["n_tokens"].iloc[0]
        low, high = bootstrap.percentile_interval(width[1:], level=level, n_tokens=n_tokens)
        about = dict(zip([*KEYS, "true_span_ms"], key, strict=True))
        rows.append(about | {"estimated_span_ms": width[0], "ci_low_ms": low, "ci_high_ms": high, "n_tokens": n_tokens})
    return pd.DataFrame(rows)


def line_table(draws: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """One line per estimator, condition and layer that answered three planted widths or more."""
    rows = []
    for key, answers in draws.groupby(KEYS, sort=False):
        wide = answers.pivot(index="draw", columns="true_span_ms", values="width_ms").sort_index()
        if wide.shape[1] >= 3:
            line = fit_line(wide.columns.to_numpy(), wide.to_numpy(), level=level)
            rows.append(dict(zip(KEYS, key, strict=True)) | vars(line) | {"verdict": line.verdict})
    return pd.DataFrame(rows)
