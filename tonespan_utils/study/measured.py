"""How well one condition reads tone in one language, and how far around it looks, in every bootstrap draw.

What is measured, per condition and language, on test tokens
-------------------------------------------------------------
- ``f1``, ``span_ms``: macro-F1 and effective span (2 r_com) at the **best layer**, which is chosen without looking at
  what it is scored on: the test utterances are halved by speaker, the layer of best F1 in one half is scored on the
  other, both ways, and the two held-out halves are pooled. ``top_*``: the same at the top layer, with no choice.
- ``distance_ms``: ``|2 r_com - cue width|``, the paper's comparison. ``box_distance_ms``: ``|4 r_com - cue width|``:
  energy spread evenly over a width S has an effective span of S/2, so this compares width with width.
- ``best_depth``: layer number over number of layers, mean of the two choices. ``upper_*``: means over the blocks of
  relative depth ``claims.from_depth`` and more, which are stated beforehand.

Conventions: draws as in :mod:`tonespan_utils.study.draws`; the layer is chosen again in every draw. What is no finding
(``findings.why_no_span``) is said in ``note`` (at the best layer), ``top_note``, ``upper_note`` (of the mean) and
``layer_notes``: such spans are compared with nothing. There is no best layer where no layer, or
not the held-out one, is above chance. Fewer than ``bootstrap.LEAST_TOKENS`` tokens have no interval.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tonespan_utils.errors import TonespanError
from tonespan_utils.params.conditions import Condition
from tonespan_utils.statistics import bootstrap, classifier, findings, splits
from tonespan_utils.study.draws import Floats, draw_weights, interval
from tonespan_utils.study.tally import by_half, choose_layers, held_out, mean_over_seeds, tally

UPPER_HALF = 0.5  # relative depth


def relative_depth(layers: Sequence[str]) -> Floats:
    """Layer number over number of layers (layer,): ``cnn`` lies one step before layer 0, ``final`` at 1."""
    n_layers = max(int(layer) for layer in layers if layer.isdigit())
    number = {"cnn": -1, "final": n_layers}
    return np.array([number.get(layer, int(layer) if layer.isdigit() else 0) for layer in layers]) / n_layers


def halve(utterances: Sequence[str], tokens: pd.DataFrame, *, seed: int) -> NDArray[np.bool_]:
    """Which of ``utterances`` are in the first half (utterance,); whole speakers, or sentences where speakers are
    unknown, assigned at random so that the halves hold about as many tokens.
    """
    tokens_there = tokens[tokens["utterance_id"].isin(utterances)]
    unknown = set(utterances) - set(tokens_there["utterance_id"])
    if unknown:
        raise TonespanError(f"utterance {min(unknown)} is in the predictions and not in tokens.csv; run it all again")
    by = "speaker" if splits.knows_speakers(tokens_there) else "sentence_id"
    sizes = tokens_there.groupby(by).size()
    order = sizes.sample(frac=1, random_state=seed).sort_values(ascending=False, kind="stable")
    first, held = set(), [0, 0]
    for group, size in order.items():  # the largest first, each to the lighter half
        lighter = int(held[1] < held[0])
        held[lighter] += size
        first |= set() if lighter else {group}
    group_of = tokens_there.drop_duplicates("utterance_id").set_index("utterance_id")[by]
    return group_of.loc[list(utterances)].isin(first).to_numpy()


def _measures(sums: Sequence[Floats], seed_weights: Floats, cue_width_ms: float) -> dict[str, Floats]:
    """What a condition is compared by, (draw, ...), from ``sums``: confusion (draw, seed, ..., class, class), r_com
    and number of tokens (draw, seed, ...). The span is nan where no token has energy.
    """
    confusion, r_com_ms, n_measured = sums
    n = mean_over_seeds(n_measured, seed_weights)
    span_ms = 2 * np.divide(mean_over_seeds(r_com_ms, seed_weights), n, out=np.full_like(n, np.nan), where=n > 0)
    return {
        "f1": mean_over_seeds(classifier.macro_f1(confusion, confusion[0]), seed_weights),
        "chance_f1": mean_over_seeds(classifier.chance_f1(confusion, confusion[0]), seed_weights),
        "span_ms": span_ms,
        "distance_ms": np.abs(span_ms - cue_width_ms),
        "box_distance_ms": np.abs(2 * span_ms - cue_width_ms),
    }


def upper_and_lower(
    depth: Floats, layers: Sequence[str], *, from_depth: float = UPPER_HALF
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which layers (layer,) are blocks from a relative depth on, and which lie below. The front end and layer 0 are no
    blocks: what they lack would make any upper half look good.
    """
    block = np.array([layer.isdigit() and int(layer) > 0 for layer in layers])
    return block & (depth >= from_depth), block & (depth < from_depth)


def _mean_of(values: Floats, chosen: NDArray[np.bool_]) -> Floats:
    return values[:, chosen].mean(axis=1) if chosen.any() else np.full(len(values), np.nan)


def _upper_half(by_layer: Mapping[str, Floats], layers: Sequence[str], from_depth: float) -> dict[str, Floats]:
    """``upper_<measure>``: means over the blocks from ``from_depth`` on (draw,)."""
    upper, _ = upper_and_lower(relative_depth(layers), layers, from_depth=from_depth)
    return {f"upper_{name}": _mean_of(by_layer[name], upper) for name in ("f1", "chance_f1", "span_ms")}


@dataclass(frozen=True)
class Measured:
    """One condition in one language: ``draws`` (draw,) by measure, ``by_layer`` (draw, layer) by measure, and what
    they rest on. ``best_layer`` names both choices where they differ.

    ``note``, ``top_note``, ``upper_note`` and ``layer_notes`` (layer,) say why a span is no finding: at the best layer,
    at the top, in the mean over the upper half of the blocks, and in each; ``chance_note`` why there is no best layer,
    whatever ``best_layer`` names. Empty for a finding.
    """

    condition: Condition
    language: str
    layers: tuple[str, ...]
    best_layer: str
    top_layer: str
    draws: dict[str, Floats]
    by_layer: dict[str, Floats]
    n_tokens: int
    n_span_tokens: int
    n_utterances: int
    n_seeds: int
    note: str = ""
    chance_note: str = ""
    top_note: str = ""
    upper_note: str = ""
    layer_notes: tuple[str, ...] = ()

    @property
    def reads_tone(self) -> bool:
        """Whether F1 at the best layer is above chance."""
        return not self.chance_note

    def finding(self, measure_name: str) -> Floats:
        """The draws of a measure (draw,); all nan where it rests on a span, or a best layer, that is no finding."""
        note = self.top_note if measure_name.startswith("top_") else self.note
        note = {"f1": "", "top_f1": "", "best_depth": self.chance_note}.get(measure_name, note)
        draws = self.draws[measure_name]
        return np.full_like(draws, np.nan) if note else draws


def measure(
    condition: Condition,
    language: str,
    predictions: pd.DataFrame,
    token_spans: pd.DataFrame,
    *,
    first_half: pd.Series,
    cue_width_ms: float,
    n_resamples: int,
    seed: int,
    level: float = 0.95,
    null_spans_ms: pd.Series | None = None,
    from_depth: float = UPPER_HALF,
) -> Measured:
    """Measure one condition in one language; ``first_half`` maps each utterance of the language to its half.

    ``null_spans_ms``, the span of a flat map by layer, and ``level`` decide what is a finding; a null that is not given
    is not asked for. Notebook: notebooks/05_rcom_comparison
    """
    counted = tally(predictions, token_spans, first_half.index)
    weights = draw_weights(len(first_half), n_resamples=n_resamples, seed=seed, key=language)
    seed_weights = draw_weights(len(counted.confusion), n_resamples=n_resamples, seed=seed, key=condition.name)
    counts = (counted.confusion, counted.r_com_ms, counted.n_measured)
    sums = [by_half(each, weights, first_half.to_numpy()) for each in counts]
    choice = choose_layers(sums[0], seed_weights)
    best = _measures([held_out(each, choice) for each in sums], seed_weights, cue_width_ms)
    best["best_depth"] = relative_depth(counted.layers)[choice].mean(axis=0)
    by_layer = _measures([each.sum(axis=0) for each in sums], seed_weights, cue_width_ms)
    top = _top(counted.layers)
    chosen = (sums[0].sum(axis=(2, 3, 4, 5)) > 0).all(axis=0)  # an empty half chooses nothing
    draws = {name: np.where(chosen, values, np.nan) for name, values in best.items()}
    draws |= {f"top_{name}": values[:, top] for name, values in by_layer.items()}
    n_tokens, n_span_tokens = predictions["token_id"].nunique(), token_spans["token_id"].nunique()
    for drawn_values in (draws, by_layer):
        _forget_intervals(drawn_values, n_utterances=len(first_half), n_tokens=n_tokens, n_span_tokens=n_span_tokens)
    nulls = pd.Series(null_spans_ms, dtype=float).reindex(counted.layers).to_numpy()
    notes = [
        _note({name: values[:, i] for name, values in by_layer.items()}, null_ms, level=level)
        for i, null_ms in enumerate(nulls)
    ]
    at_chance = chance_note(draws, by_layer, level=level)
    no_best = "" if chosen[0] and not at_chance else at_chance or "an empty half"
    note = no_best or _note(draws, np.nanmin(nulls) if np.isfinite(nulls).any() else np.nan, level=level)
    draws |= _upper_half(by_layer, counted.layers, from_depth)
    upper, _ = upper_and_lower(relative_depth(counted.layers), counted.layers, from_depth=from_depth)
    return Measured(
        condition=condition,
        language=language,
        layers=counted.layers,
        best_layer=", ".join(counted.layers[i] for i in np.unique(choice[:, 0])) if chosen[0] else "",
        top_layer=counted.layers[top],
        draws=draws,
        by_layer=by_layer,
        n_tokens=n_tokens,
        n_span_tokens=n_span_tokens,
        n_utterances=predictions["utterance_id"].nunique(),
        n_seeds=len(counted.confusion),
        note=note,
        chance_note=no_best,
        top_note=notes[top],
        upper_note=_note(
            {name.removeprefix("upper_"): values for name, values in draws.items() if name.startswith("upper_")},
            nulls[upper].mean() if upper.any() else np.nan,
            level=level,
        ),
        layer_notes=tuple(notes),
    )


def _forget_intervals(draws: dict[str, Floats], *, n_utterances: int, n_tokens: int, n_span_tokens: int) -> None:
    """Make the resamples of ``draws`` nan where there are too few tokens for an interval: of F1, or of spans. One
    utterance drawn again is itself: no interval, instead of one without width.
    """
    for name, values in draws.items():
        n = n_span_tokens if name.endswith("_ms") else n_tokens
        if n_utterances < 2 or n < bootstrap.LEAST_TOKENS:
            draws[name] = np.concatenate([values[:1], np.full_like(values[1:], np.nan)])


def _note(draws: Mapping[str, Floats], null_ms: float, *, level: float) -> str:
    """Why the span of ``draws`` (draw,) is no finding; empty where it is one."""
    above = interval(draws["f1"] - draws["chance_f1"], level=level)
    return findings.why_no_span(interval(draws["span_ms"], level=level), null_ms, above_chance_low=above.low)


def chance_note(best: Mapping[str, Floats], by_layer: Mapping[str, Floats], *, level: float) -> str:
    """Why there is no best layer: none is above chance, or the one chosen is not on the tokens it was not chosen on."""
    above = by_layer["f1"] - by_layer["chance_f1"]
    lows = [interval(above[:, i], level=level).low for i in range(above.shape[1])]
    if not any(low > 0 for low in lows):
        return findings.why_at_chance(np.nan)
    return findings.why_at_chance(interval(best["f1"] - best["chance_f1"], level=level).low)


def _top(layers: Sequence[str]) -> int:
    """The last block as ``hidden_states`` has it: a closing norm (``final``) is not one."""
    return max((i for i, layer in enumerate(layers) if layer.isdigit()), key=lambda i: int(layers[i]))
