"""Do conditions differ in how well tone is read and how far around it they look? Fair layers, paired differences.

What is measured, per condition and language, on test tokens
-------------------------------------------------------------
- ``f1``, ``span_ms``: macro-F1 and effective span (2 r_com) at the **best layer**, which is chosen without looking at
  what it is scored on: the test utterances are halved by speaker, the layer of best F1 in one half is scored on the
  other, both ways, and the two held-out halves are pooled. ``top_*``: the same at the top layer, with no choice.
- ``distance_ms``: ``|2 r_com - cue width|``, the paper's comparison. ``box_distance_ms``: ``|4 r_com - cue width|``:
  energy spread evenly over a width S has an effective span of S/2, so this compares width with width.
- ``best_depth``: layer number over number of layers, mean of the two choices. ``upper_*``: means over blocks of
  relative depth 0.5 and more, against the blocks below.

Intervals: a percentile bootstrap over utterances crossed with one over seeds (Owen & Eckles 2012): both are drawn
with replacement, and the layer is chosen again in every resample. All conditions of a language share the drawn
utterances, so differences are paired; seeds are independent trainings and are drawn per condition. Two or three
seeds say little of what a fourth would do: intervals over so few are too narrow. The cue width is taken as found; its
own interval stands beside it.

Conventions: a *draw* is an array (1 + resample,) whose first entry comes from the data as they are: statistics are
plain arithmetic on draws. What cannot be computed (an empty half, no energy) is nan, never 0.

What is no finding (``findings.why_no_span``) is said in ``note`` (at the best layer), ``top_note`` and ``layer_notes``:
such spans are compared with nothing, and are left out of the means ``upper_*`` of distances. There is no best layer
where no layer, or not the held-out one, is above chance. Fewer than ``spans.LEAST_TOKENS`` tokens have no interval.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import conditions, tables
from tonespan_utils.params.conditions import Condition
from tonespan_utils.params.roles import control_of, role_of
from tonespan_utils.statistics import bootstrap, classifier, findings, ranks, splits

Floats = NDArray[np.float64]

SEED_RESAMPLES = 200  # every one ranks all tokens of all layers anew, for each pair of trainings
BEST = ("f1", "span_ms", "distance_ms", "box_distance_ms")
CONTRASTED = (*BEST, *(f"top_{measure}" for measure in BEST))


def relative_depth(layers: Sequence[str]) -> Floats:
    """Layer number over number of layers (layer,): ``cnn`` lies one step before layer 0, ``final`` at 1."""
    n_layers = max(int(layer) for layer in layers if layer.isdigit())
    number = {"cnn": -1, "final": n_layers}
    return np.array([number.get(layer, int(layer) if layer.isdigit() else 0) for layer in layers]) / n_layers


def halve(utterances: Sequence[str], tokens: pd.DataFrame, *, seed: int) -> NDArray[np.bool_]:
    """Which of ``utterances`` are in the first half (utterance,); whole speakers, or sentences where speakers are
    unknown, dealt at random so that the halves hold about as many tokens.
    """
    own = tokens[tokens["utterance_id"].isin(utterances)]
    unknown = set(utterances) - set(own["utterance_id"])
    if unknown:
        raise TonespanError(f"utterance {min(unknown)} is in the predictions and not in tokens.csv; run it all again")
    by = "speaker" if splits.knows_speakers(own) else "sentence_id"
    sizes = own.groupby(by).size()
    order = sizes.sample(frac=1, random_state=seed).sort_values(ascending=False, kind="stable")
    first, held = set(), [0, 0]
    for group, size in order.items():  # the largest first, each to the lighter half
        lighter = int(held[1] < held[0])
        held[lighter] += size
        first |= set() if lighter else {group}
    group_of = own.drop_duplicates("utterance_id").set_index("utterance_id")[by]
    return group_of.loc[list(utterances)].isin(first).to_numpy()


@dataclass(frozen=True)
class Tally:
    """What a condition leaves on a language's utterances, summed per utterance: resampling is then a product.

    ``confusion`` (seed, layer, utterance, class, class); ``r_com_ms`` the sum over tokens and ``n_heard`` how many
    tokens had energy, both (seed, layer, utterance).
    """

    layers: tuple[str, ...]
    confusion: Floats
    r_com_ms: Floats
    n_heard: Floats


def tally(predictions: pd.DataFrame, token_spans: pd.DataFrame, utterances: Sequence[str]) -> Tally:
    """Sum one condition's rows of ``predictions`` and ``token_spans`` in one language over ``utterances``."""
    layers, seeds = tuple(dict.fromkeys(predictions["layer"])), np.unique(predictions["seed"])
    classes = np.unique(predictions[["tone", "predicted"]].to_numpy(dtype=str))
    keys = {"seed": seeds, "layer": layers, "utterance_id": utterances}
    heard = token_spans[
        token_spans["r_com_ms"].notna() & token_spans["seed"].isin(seeds) & token_spans["layer"].isin(layers)
    ]
    return Tally(
        layers,
        _sum_by(predictions, keys | {"tone": classes, "predicted": classes}),
        _sum_by(heard, keys, heard["r_com_ms"]),
        _sum_by(heard, keys),
    )


def _sum_by(rows: pd.DataFrame, keys: Mapping[str, Sequence], weights: pd.Series | None = None) -> Floats:
    """Counts, or sums of ``weights``, over every combination of the values in ``keys``, in their order."""
    shape = tuple(len(values) for values in keys.values())
    codes = [pd.Categorical(rows[name], categories=list(values)).codes for name, values in keys.items()]
    cells = np.ravel_multi_index([code.astype(np.int64) for code in codes], shape) if len(rows) else np.array([], int)
    return np.bincount(cells, weights, minlength=int(np.prod(shape))).reshape(shape).astype(float)


def draw_weights(n: int, *, n_resamples: int, seed: int, key: str) -> Floats:
    """How often each of ``n`` units counts: (1 + resample, n), the first row once each. Same ``key``, same draws.

    A single unit can only be drawn again: every row is then 1, and adds nothing to an interval.
    """
    rng = np.random.default_rng([seed, zlib.crc32(key.encode())])
    resampled = rng.multinomial(n, np.full(n, 1 / n), size=n_resamples)
    return np.vstack([np.ones((1, n)), resampled])


def _by_half(sums: Floats, weights: Floats, first: NDArray[np.bool_]) -> Floats:
    """``sums`` (seed, layer, utterance, ...) of each half and draw: (half, draw, seed, layer, ...)."""
    return np.stack([np.tensordot(weights * half, sums, axes=(1, 2)) for half in (first, ~first)])


def _mean_over_seeds(values: Floats, weights: Floats) -> Floats:
    """(draw, seed, ...) under the drawn seeds (draw, seed): (draw, ...)."""
    return np.einsum("ds,ds...->d...", weights, values) / weights.sum(axis=1).reshape(-1, *[1] * (values.ndim - 2))


def choose_layers(confusion: Floats, seed_weights: Floats) -> NDArray[np.int64]:
    """The layer of best F1, mean over seeds, in each half and draw: (half, draw). The lowest of equals."""
    scores = [classifier.macro_f1(half, half[0]) for half in confusion]
    return np.stack([_mean_over_seeds(f1, seed_weights).argmax(axis=1) for f1 in scores])


def _held_out(sums: Floats, choice: NDArray[np.int64]) -> Floats:
    """Both halves of ``sums`` (half, draw, seed, layer, ...), each at the other's layer, pooled: (draw, seed, ...)."""
    rows = np.arange(sums.shape[1])
    return sum(sums[half][rows, :, choice[1 - half]] for half in (0, 1))


def _measures(sums: Sequence[Floats], seed_weights: Floats, cue_width_ms: float) -> dict[str, Floats]:
    """What a condition is compared by, (draw, ...), from ``sums``: confusion (draw, seed, ..., class, class), r_com
    and number of tokens (draw, seed, ...). The span is nan where no token has energy.
    """
    confusion, r_com_ms, n_heard = sums
    n = _mean_over_seeds(n_heard, seed_weights)
    span_ms = 2 * np.divide(_mean_over_seeds(r_com_ms, seed_weights), n, out=np.full_like(n, np.nan), where=n > 0)
    return {
        "f1": _mean_over_seeds(classifier.macro_f1(confusion, confusion[0]), seed_weights),
        "chance_f1": _mean_over_seeds(classifier.chance_f1(confusion, confusion[0]), seed_weights),
        "span_ms": span_ms,
        "distance_ms": np.abs(span_ms - cue_width_ms),
        "box_distance_ms": np.abs(2 * span_ms - cue_width_ms),
    }


def _upper_and_lower(depth: Floats, layers: Sequence[str]) -> tuple[NDArray, NDArray]:
    """Which layers are blocks of the upper half, and of the lower. The front end and layer 0 are no blocks: what
    they lack would make any upper half look good.
    """
    block = np.array([layer.isdigit() and int(layer) > 0 for layer in layers])
    return block & (depth >= 0.5), block & (depth < 0.5)


def _mean_of(values: Floats, chosen: NDArray[np.bool_]) -> Floats:
    return values[:, chosen].mean(axis=1) if chosen.any() else np.full(len(values), np.nan)


def _halves_of_depth(by_layer: Mapping[str, Floats], layers: Sequence[str], notes: Sequence[str]) -> dict[str, Floats]:
    """``upper_<measure>`` and ``upper_minus_lower_<measure>``: means over the layers of each half (draw,); of
    distances, over those whose span is a finding (an empty note).
    """
    upper, lower = _upper_and_lower(relative_depth(layers), layers)
    is_finding = np.array([not note for note in notes])
    draws = {}
    for name in ("f1", "distance_ms", "box_distance_ms"):
        counted = np.ones_like(is_finding) if name == "f1" else is_finding
        draws[f"upper_{name}"] = _mean_of(by_layer[name], upper & counted)
        draws[f"upper_minus_lower_{name}"] = draws[f"upper_{name}"] - _mean_of(by_layer[name], lower & counted)
    return draws


@dataclass(frozen=True)
class Measured:
    """One condition in one language: ``draws`` (draw,) by measure, ``by_layer`` (draw, layer) by measure, and what
    they rest on. ``best_layer`` names both choices where they differ.

    ``note``, ``top_note`` and ``layer_notes`` (layer,) say why a span is no finding: at the best layer, at the top, and
    in each; ``chance_note`` why there is no best layer, whatever ``best_layer`` names. Empty for a finding.
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
) -> Measured:
    """Measure one condition in one language; ``first_half`` maps each utterance of the language to its half.

    ``null_spans_ms``, the span of a flat map by layer, and ``level`` decide what is a finding; a null that is not given
    is not asked for. Notebook: notebooks/05_rcom_comparison
    """
    counted, drawn = tally(predictions, token_spans, first_half.index), {"n_resamples": n_resamples, "seed": seed}
    weights = draw_weights(len(first_half), key=language, **drawn)
    seed_weights = draw_weights(len(counted.confusion), key=condition.name, **drawn)
    counts = (counted.confusion, counted.r_com_ms, counted.n_heard)
    sums = [_by_half(each, weights, first_half.to_numpy()) for each in counts]
    choice = choose_layers(sums[0], seed_weights)
    best = _measures([_held_out(each, choice) for each in sums], seed_weights, cue_width_ms)
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
    chance_note = _chance_note(draws, by_layer, level=level)
    chance_note = "" if chosen[0] and not chance_note else chance_note or "an empty half"
    note = chance_note or _note(draws, np.nanmin(nulls) if np.isfinite(nulls).any() else np.nan, level=level)
    draws |= _halves_of_depth(by_layer, counted.layers, notes)
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
        chance_note=chance_note,
        top_note=notes[top],
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


def _chance_note(best: Mapping[str, Floats], by_layer: Mapping[str, Floats], *, level: float) -> str:
    """Why there is no best layer: none is above chance, or the one chosen is not on the tokens it was not chosen on."""
    above = by_layer["f1"] - by_layer["chance_f1"]
    lows = [interval(above[:, i], level=level).low for i in range(above.shape[1])]
    if not any(low > 0 for low in lows):
        return findings.why_at_chance(np.nan)
    return findings.why_at_chance(interval(best["f1"] - best["chance_f1"], level=level).low)


def _top(layers: Sequence[str]) -> int:
    """The last block as ``hidden_states`` has it: a closing norm (``final``) is not one."""
    return max((i for i, layer in enumerate(layers) if layer.isdigit()), key=lambda i: int(layers[i]))


Study = dict[tuple[str, str], Measured]  # (condition, language) -> what was measured


def study(
    predictions: pd.DataFrame,
    token_spans: pd.DataFrame,
    tokens: pd.DataFrame,
    cue_widths_ms: Mapping[str, float],
    *,
    n_resamples: int,
    seed: int,
    level: float = 0.95,
    span_table: pd.DataFrame | None = None,
) -> Study:
    """Every condition in every language it was probed in.

    ``span_table``, the table ``spans``, has the spans of flat maps; with ``level``, they say what is a finding.
    Notebook: notebooks/05_rcom_comparison
    """
    keys, flat = ["condition", "language", "layer"], {}
    if span_table is not None:
        flat = {k: s.droplevel(keys[:2]) for k, s in span_table.set_index(keys)["null_span_ms"].groupby(keys[:2])}
    found: Study = {}
    for language, rows in predictions.groupby("language", sort=False):
        radii = token_spans[token_spans["language"] == language]
        first_half = _halves(pd.concat([rows["utterance_id"], radii["utterance_id"]]), tokens, language, seed=seed)
        for name, own in rows.groupby("condition", sort=False):
            found[name, language] = measure(
                conditions.parse(name), language, own, radii[radii["condition"] == name],
                first_half=first_half, cue_width_ms=cue_widths_ms[language], n_resamples=n_resamples, seed=seed,
                level=level, null_spans_ms=flat.get((name, language)),
            )  # fmt: skip
    return found


def _halves(utterance_ids: pd.Series, tokens: pd.DataFrame, language: str, *, seed: int) -> pd.Series:
    utterances = np.unique(utterance_ids.to_numpy(dtype=str))
    return pd.Series(halve(utterances, tokens[tokens["language"] == language], seed=seed), index=utterances)


def interval(draws: Floats, *, level: float) -> bootstrap.Interval:
    """The value on the data and its percentile interval (draw,) -> one; no bounds where resamples are undefined."""
    tail = (1 - level) / 2
    known = draws[1:][~np.isnan(draws[1:])]
    # Mostly undefined resamples: what is left is a selection, and no interval.
    few = known.size < max(1, 0.5 * (draws.size - 1))
    low, high = (np.nan, np.nan) if few or np.isnan(draws[0]) else np.quantile(known, [tail, 1 - tail])
    return bootstrap.Interval(float(draws[0]), float(low), float(high))


def _with_bounds(name: str, draws: Floats, level: float) -> dict[str, float]:
    """A measure as three columns: ``span_ms``, ``span_low_ms``, ``span_high_ms``."""
    stem, unit = (name.removesuffix("_ms"), "_ms") if name.endswith("_ms") else (name, "")
    found = interval(draws, level=level)
    return {name: found.value, f"{stem}_low{unit}": found.low, f"{stem}_high{unit}": found.high}


def comparison_table(found: Study, span_table: pd.DataFrame, cues: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """The table ``comparison``: one row per condition and language; ``note`` and ``top_note`` say why its spans are no
    finding, and there is no best layer where none is above chance.

    ``span_table``: the table ``spans``, for the span of a flat map; ``cues``: rows of ``baseline_spans`` of the
    front end in use. Notebook: notebooks/05_rcom_comparison
    """
    cues = cues.set_index("language")
    null_spans_ms = span_table.groupby(["condition", "language"])["null_span_ms"].last()  # the same in every layer
    rows = []
    for (name, language), one in found.items():
        row = {"condition": name, "language": language, "top_layer": one.top_layer}
        row |= {"best_layer": "" if one.chance_note else one.best_layer}
        row |= _with_bounds("best_depth", one.finding("best_depth"), level)
        for measure_name in CONTRASTED:
            row |= _with_bounds(measure_name, one.draws[measure_name], level)
        row |= {key: float(one.draws[key][0]) for key in ("chance_f1", "top_chance_f1")}
        cue = cues.loc[language]
        row |= {"note": one.note, "top_note": one.top_note}
        row |= {"null_span_ms": null_spans_ms.loc[name, language], "cue_width_ms": cue["span_ms"]}
        row |= {"cue_low_ms": cue["span_low_ms"], "cue_high_ms": cue["span_high_ms"]}
        rows.append(row | {key: getattr(one, key) for key in ("n_tokens", "n_span_tokens", "n_utterances", "n_seeds")})
    return pd.DataFrame(rows, columns=tables.COLUMNS["comparison"])


def layer_table(found: Study, *, level: float) -> pd.DataFrame:
    """The table ``layer_curves``: F1 and span of every layer with their intervals, over seeds and utterances."""
    rows = []
    for (name, language), one in found.items():
        for i, (layer, depth) in enumerate(zip(one.layers, relative_depth(one.layers), strict=True)):
            row = {"condition": name, "language": language, "layer": layer, "depth": depth}
            row |= {"n_tokens": one.n_tokens, "n_span_tokens": one.n_span_tokens}
            row |= _with_bounds("f1", one.by_layer["f1"][:, i], level)
            rows.append(row | _with_bounds("span_ms", one.by_layer["span_ms"][:, i], level))
    return pd.DataFrame(rows, columns=tables.COLUMNS["layer_curves"])


def pairs(names: Sequence[str], language: str) -> list[tuple[str, str]]:
    """The differences worth asking for among one language's conditions: each minus vanilla, target ASR minus each
    other, Mandarin minus English ASR, each task minus its shuffled control; only ever within one backbone.
    """
    wanted = []
    for backbone in dict.fromkeys(name.partition("/")[0] for name in names):
        own = [conditions.parse(name) for name in names if name.partition("/")[0] == backbone]
        by_role = {role_of(condition, language): condition.name for condition in own}
        plain = [condition.name for condition in own if not condition.is_shuffled]
        wanted += [(condition.name, by_role.get("vanilla")) for condition in own]
        wanted += [(by_role.get("target_asr"), name) for name in plain]
        wanted += [(by_role.get("mandarin_asr"), by_role.get("english_asr"))]
        wanted += [(name, control_of(name)) for name in plain]
    return [(a, b) for a, b in dict.fromkeys(wanted) if a != b and {a, b} <= set(names)]


def contrast_table(found: Study, *, level: float) -> pd.DataFrame:
    """The table ``contrasts``: paired differences of every measure for the pairs of each language; empty where a span
    of either is no finding.
    """
    rows = []
    for language in dict.fromkeys(language for _, language in found):
        for a, b in pairs([name for name, where in found if where == language], language):
            one, other = found[a, language], found[b, language]
            for name in CONTRASTED:
                difference = interval(one.finding(name) - other.finding(name), level=level)
                counted = "n_tokens" if name.endswith("f1") else "n_span_tokens"
                rows.append({
                    "language": language, "condition_a": a, "condition_b": b, "measure": name,
                    "difference": difference.value, "ci_low": difference.low, "ci_high": difference.high,
                    "n_tokens": min(getattr(one, counted), getattr(other, counted)),
                    "n_seeds": min(one.n_seeds, other.n_seeds),
                })  # fmt: skip
    return pd.DataFrame(rows, columns=tables.COLUMNS["contrasts"])


def probe_vs_finetuned(
    predictions: pd.DataFrame,
    tone_predictions: pd.DataFrame,
    tokens: pd.DataFrame,
    *,
    n_resamples: int,
    level: float,
    seed: int,
) -> pd.DataFrame:
    """The table ``probe_vs_finetuned``: a probe on the frozen encoder beside the same encoder taught tone.

    ``difference`` is fine-tuned minus probe, paired over the test tokens that both have; ``layer`` is ``best``
    (chosen on the other half) or ``top``. Notebook: notebooks/05_rcom_comparison
    """
    rows = []
    for (tuned_name, language), tuned in tone_predictions.groupby(["condition", "language"], sort=False):
        tuned_condition = conditions.parse(tuned_name)
        name = tuned_condition.starts_from
        own = predictions[(predictions["condition"] == name) & (predictions["language"] == language)]
        own, tuned = own[own["token_id"].isin(tuned["token_id"])], tuned[tuned["token_id"].isin(own["token_id"])]
        if own.empty:
            continue
        first_half = _halves(own["utterance_id"], tokens, language, seed=seed)
        drawn = {"first_half": first_half, "cue_width_ms": np.nan, "n_resamples": n_resamples, "seed": seed}
        drawn |= {"level": level}
        silent = pd.DataFrame(columns=["seed", "layer", "token_id", "utterance_id", "r_com_ms"])  # only F1 is asked for
        probe = measure(conditions.parse(name), language, own, silent, **drawn)
        whole = measure(tuned_condition, language, tuned.assign(layer="1"), silent, **drawn)
        for layer, prefix in (("best", ""), ("top", "top_")):
            probe_f1, tuned_f1 = probe.draws[f"{prefix}f1"], whole.draws["top_f1"]
            difference = interval(tuned_f1 - probe_f1, level=level)
            rows.append({
                "condition": name, "finetuned_condition": tuned_name, "language": language, "layer": layer,
                "probe_f1": probe_f1[0], "finetuned_f1": tuned_f1[0], "chance_f1": probe.draws[f"{prefix}chance_f1"][0],
                "difference": difference.value, "ci_low": difference.low, "ci_high": difference.high,
                "n_tokens": probe.n_tokens, "n_seeds": min(probe.n_seeds, whole.n_seeds),
            })  # fmt: skip
    return pd.DataFrame(rows, columns=tables.COLUMNS["probe_vs_finetuned"])


def seed_agreement(token_spans: pd.DataFrame, *, level: float, seed: int) -> pd.DataFrame:
    """Whether two trainings of one condition rank tokens, and layers, alike: the table ``seed_agreement``.

    ``token_spans`` is that table; what was trained once has no rows. Notebook: notebooks/05_rcom_comparison
    """
    drawn, columns = {"n_resamples": SEED_RESAMPLES, "level": level, "seed": seed}, tables.COLUMNS["seed_agreement"]
    found = [
        ranks.agreement(rows, by="seed", **drawn).assign(condition=condition, language=language)
        for (condition, language), rows in token_spans.groupby(["condition", "language"], sort=False)
        if rows["seed"].nunique() > 1
    ]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)
