"""What every single token says of a measure: one column of values whose mean over tokens is the measure.

Span, F1, distance and influence are analysed by the same code (:mod:`tonespan_utils.statistics.estimates`), since each
is a table of values (token, seed) per layer:

- ``span_ms``: twice the token's r_com.
- ``f1``: what the token adds to macro-F1 (``classifier.f1_of_tokens``).
- ``distance_ms``: ``|span - cue width|`` of the layer's mean span, the paper's; ``box_distance_ms``: ``|2 span - cue
  width|``. A token's value is its span's signed distance, with the sign of the mean's: linear but where the mean lies
  on the cue width itself.
- ``influence``: what pitch beyond a half-width does to the margin, as a share of what all of it does (table
  ``influence_tokens``); the half-width is the smallest measured one that leaves out the cue and a frame more: half the
  cue width plus FRAME_MS.

Layers are stated beforehand: ``upper`` are the blocks from a relative depth on (``claims.from_depth``), ``lower`` the
blocks below. The best layer is reported beside them, and is none where several cannot be told apart
(:func:`best_layers`).

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import conditions, tables
from tonespan_utils.params.conditions import Condition
from tonespan_utils.statistics import classifier, estimates
from tonespan_utils.statistics.estimates import Sample, Seeds
from tonespan_utils.study.measured import relative_depth, upper_and_lower

FRAME_MS = 20.0  # of a wav2vec 2.0 style encoder
INFLUENCE = "influence_tokens"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Values:
    """A measure's values (layer, token, seed), nan where there is none, of ``tokens`` in ``utterances`` (token,)."""

    layers: tuple[str, ...]
    tokens: NDArray[np.str_]
    utterances: NDArray[np.str_]
    values: Floats

    def mean(self, layers: Sequence[str]) -> Floats | None:
        """The mean over ``layers`` (token, seed); None where one was not measured."""
        if not layers or not set(layers) <= set(self.layers):
            return None
        return self.values[[self.layers.index(layer) for layer in layers]].mean(axis=0)


@dataclass(frozen=True)
class TokenValues:
    """One condition in one language: values by measure; ``layers`` from the bottom up."""

    condition: Condition
    language: str
    layers: tuple[str, ...]
    by_measure: Mapping[str, Values]

    def mean(self, measure: str, layers: Sequence[str]) -> Floats | None:
        """The values of a measure, the mean over ``layers`` (token, seed); None where it was not measured."""
        return self.by_measure[measure].mean(layers) if measure in self.by_measure else None

    def sample(self, measure: str, layers: Sequence[str], *, minus: Sequence[str] = ()) -> Sample | None:
        """The mean over ``layers``, less that over other layers where these are given; None where it is not
        measured.
        """
        values = self.mean(measure, layers)
        below = self.mean(measure, minus) if minus else 0.0
        if values is None or below is None:
            return None
        name, is_trained = self.condition.name, self.condition.is_trained
        utterances, floor = self.by_measure[measure].utterances, floor_of(measure, len(values))
        return estimates.of_tokens(values - below, utterances, condition=name, is_trained=is_trained, floor=floor)


def floor_of(measure: str, n_tokens: int) -> float:
    """The variance that is always there: of F1, that of one wrong token more, so that no mistake at all is not
    certainty (Agresti & Min 2005).
    """
    return 1 / n_tokens**2 if measure == "f1" and n_tokens else 0.0


Study = Mapping[tuple[str, str], TokenValues]  # (condition, language)


def collect(
    predictions: pd.DataFrame,
    token_spans: pd.DataFrame | None = None,
    cue_widths_ms: Mapping[str, float] | None = None,
    *,
    influence: pd.DataFrame | None = None,
) -> dict[tuple[str, str], TokenValues]:
    """The token values of every condition in every language; F1 alone without ``token_spans``.

    ``influence``: the table ``influence_tokens`` with utterance_id, where it has been measured. Notebook:
    notebooks/05_rcom_comparison
    """
    keys = ["condition", "language"]
    spans = {} if token_spans is None else dict(iter(token_spans.groupby(keys)))
    cue_widths_ms = {} if cue_widths_ms is None else cue_widths_ms
    influences = {} if influence is None else dict(iter(influence.groupby(keys)))
    return {
        key: _of_condition(rows, spans.get(key), influences.get(key), cue_ms=cue_widths_ms.get(key[1], np.nan))
        for key, rows in predictions.groupby(keys, sort=False)
    }


def _of_condition(
    predicted: pd.DataFrame, spans: pd.DataFrame | None, influence: pd.DataFrame | None, *, cue_ms: float
) -> TokenValues:
    name, language = predicted[["condition", "language"]].iloc[0]
    by_measure = {"f1": _f1(predicted, language)}
    if spans is not None:
        r_com = _of_rows(spans, "r_com_ms", language)
        by_measure["span_ms"] = replace(r_com, values=2 * r_com.values)
        by_measure["distance_ms"] = _distances(by_measure["span_ms"], 2 * r_com.values - cue_ms)
        by_measure["box_distance_ms"] = _distances(by_measure["span_ms"], 4 * r_com.values - cue_ms)
    if influence is not None:
        beyond = influence[influence["half_width_ms"] == half_width_ms(influence["half_width_ms"], cue_ms)]
        by_measure["influence"] = _of_rows(beyond, "influence", language)
    return TokenValues(conditions.parse(name), language, tuple(dict.fromkeys(predicted["layer"])), by_measure)


def _of_rows(rows: pd.DataFrame, column: str, language: str) -> Values:
    """A column of a table with layer, seed, token_id, utterance_id. Utterances bear their language's name, for two
    languages may number them alike.
    """
    layers, seeds = tuple(dict.fromkeys(rows["layer"])), np.unique(rows["seed"])
    utterance_of = rows.drop_duplicates("token_id").set_index("token_id")["utterance_id"].astype(str).sort_index()
    values = np.full((len(layers), len(utterance_of), len(seeds)), np.nan)
    layer = pd.Categorical(rows["layer"], categories=list(layers)).codes
    token = utterance_of.index.get_indexer(rows["token_id"])
    values[layer, token, np.searchsorted(seeds, rows["seed"])] = rows[column]
    utterances = np.array([f"{language}/{name}" for name in utterance_of])
    return Values(layers, utterance_of.index.to_numpy(dtype=str), utterances, values)


def _f1(predicted: pd.DataFrame, language: str) -> Values:
    classes = np.unique(predicted[["tone", "predicted"]].to_numpy(dtype=str))
    coded = predicted.assign(
        **{
            f"{name}_code": np.searchsorted(classes, predicted[name].to_numpy(dtype=str))
            for name in ("tone", "predicted")
        }
    )
    tone, named = (_of_rows(coded, f"{name}_code", language) for name in ("tone", "predicted"))
    values = np.full_like(tone.values, np.nan)
    for layer, seed in np.ndindex(values.shape[0], values.shape[2]):
        there = ~np.isnan(named.values[layer, :, seed])
        cells = tone.values[layer, there, seed].astype(int), named.values[layer, there, seed].astype(int)
        counts = np.zeros((classes.size, classes.size))
        np.add.at(counts, cells, 1)
        values[layer, there, seed] = classifier.f1_of_tokens(counts)[cells]
    return replace(tone, values=values)


def _distances(spans: Values, signed: Floats) -> Values:
    """Values whose mean is the distance of each layer's mean span: ``signed`` (layer, token, seed) distances with the
    sign of their mean over the tokens that every seed has.
    """
    complete = np.where(np.isnan(signed).any(axis=2, keepdims=True), np.nan, signed)
    with np.errstate(all="ignore"):
        n = np.maximum((~np.isnan(complete)).sum(axis=(1, 2), keepdims=True), 1)
        sign = np.sign(np.nansum(complete, axis=(1, 2), keepdims=True) / n)
    return replace(spans, values=signed * sign)


def half_width_ms(measured_ms: pd.Series, cue_ms: float) -> float:
    """The smallest measured half-width that leaves out the cue and a frame more; nan where there is none."""
    beyond = measured_ms[measured_ms >= cue_ms / 2 + FRAME_MS]
    return float(beyond.min())


def read_influence(results: Path, tokens: pd.DataFrame) -> pd.DataFrame | None:
    """The table ``influence_tokens`` with each token's utterance; None where it has not been measured. Raises
    TonespanError for a table of another version, or with tokens that are not in ``tokens``.
    """
    path = results / f"{INFLUENCE}.csv"
    if not path.is_file():
        return None
    table = tables.read(results, INFLUENCE)
    utterance_of = tokens.astype({"token_id": str}).set_index("token_id")["utterance_id"].astype(str)
    unknown = set(table["token_id"]) - set(utterance_of.index)
    if unknown:
        raise TonespanError(f"{path}: token {min(unknown)} is not in tokens.csv; run it all again")
    return table.assign(utterance_id=table["token_id"].map(utterance_of))


@dataclass(frozen=True)
class Summary:
    """What claims are made of: an estimate per measure, condition and language, and the seeds of each measure."""

    samples: Mapping[str, Mapping[tuple[str, str], Sample]]
    seeds: Mapping[str, Seeds]


def summarise(study: Study, *, from_depth: float) -> Summary:
    """Every measure of the conditions of one encoder over the layers that are stated beforehand.

    ``upper_minus_lower_<measure>`` is the mean over the upper blocks less that over the lower ones, and
    ``best_upper_minus_lower_f1`` the highest F1 of a block of each half, less the other's.
    """
    samples: dict[str, dict[tuple[str, str], Sample]] = {}
    for key, values in study.items():
        for measure, measured in _of_halves(values, from_depth):
            if measured is not None:
                samples.setdefault(measure, {})[key] = measured
    return Summary(samples, {measure: estimates.pool(list(each.values())) for measure, each in samples.items()})


def _of_halves(values: TokenValues, from_depth: float) -> Iterator[tuple[str, Sample | None]]:
    upper, lower = halves(values.layers, from_depth)
    for measure in values.by_measure:
        yield measure, values.sample(measure, upper)
    for measure in ("f1", "distance_ms", "box_distance_ms"):
        yield f"upper_minus_lower_{measure}", values.sample(measure, upper, minus=lower) if lower else None
    if upper and lower:
        best = [max(half, key=lambda layer: _f1_of_layer(values, layer)) for half in (upper, lower)]
        yield "best_upper_minus_lower_f1", values.sample("f1", best[:1], minus=best[1:])


def _f1_of_layer(values: TokenValues, layer: str) -> float:
    return float(np.nanmean(values.mean("f1", [layer])))


def halves(layers: Sequence[str], from_depth: float) -> tuple[list[str], list[str]]:
    """The blocks of relative depth ``from_depth`` and more, and those below: names, bottom up."""
    chosen = upper_and_lower(relative_depth(layers), layers, from_depth=from_depth)
    return tuple([layer for layer, there in zip(layers, half, strict=True) if there] for half in chosen)


def best_layers(values: TokenValues, seeds: Seeds, *, level: float, n_draws: int, seed: int) -> list[str]:
    """The layers that may be the best: none of the others is above them by more than a simultaneous band of the
    differences to the highest (multiple comparisons with the best; Hsu 1996). With one, it is identified.
    """
    highest = max(values.layers, key=lambda layer: _f1_of_layer(values, layer))
    others = [layer for layer in values.layers if layer != highest]
    apart = [values.sample("f1", [highest], minus=[layer]) for layer in others]
    there = [each.estimate for each in apart if each is not None]
    if not there:
        return [highest]
    factor = estimates.band_factor(there, [seeds] * len(there), level=level, n_draws=n_draws, seed=seed)
    reach = {
        layer: factor * np.sqrt(estimates.variance(each, seeds)[0]) for layer, each in zip(others, there, strict=True)
    }
    tied = {layer for layer, each in zip(others, there, strict=True) if not each.value > reach[layer]}
    return [layer for layer in values.layers if layer == highest or layer in tied]
