"""Does a span mean what it says? Checks that could have failed, each with its null and a verdict.

- **Randomised weights** (Adebayo et al. 2018): from the top block down, every tensor's own values are dealt to other
  places, which keeps their size and loses what was learned. With everything dealt the probe must be at chance; its
  map tells how wide this architecture looks when it knows nothing, a null of its own beside the flat map, and a span
  that says something about learning must differ from it.
- **Shuffled labels**: a probe of tones dealt at random must know nothing.
- **Description length** (Voita & Titov 2020): bits a token to send the tones to someone who has the vectors, coded
  online in growing blocks by the study's own probe. It counts how hard the tone is to read, not only whether.
- **Tone-free speech**: the same sentences and voices without a tone contour must leave every probe at chance.
- **Confounds**: the rank correlation of a token's r_com with its distance to the edge of the recording and with the
  syllable's duration.

Conventions: a row is what the table ``sanity`` holds: check, condition, layer, statistic, value, ci_low, ci_high, null,
verdict. Verdicts: PASSED, FAILED, UNDECIDED, or SHOWN where nothing is asked of the value.

Notebook: notebooks/06_sanity
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from tonespan_utils import classify, spans, splits
from tonespan_utils.encoders import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.spans import Interval

Floats = NDArray[np.float64]
PASSED, FAILED, UNDECIDED, SHOWN = "passed", "failed", "undecided", "shown"
PORTIONS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0)  # of the tokens, about as Voita & Titov cut them


def row(check: str, condition: str, layer: str, statistic: str, found: Interval, null: float, verdict: str) -> dict:
    """One row of the table ``sanity``."""
    about = {"check": check, "condition": condition, "layer": layer, "statistic": statistic}
    return about | {
        "value": found.value, "ci_low": found.low, "ci_high": found.high, "null": null, "verdict": verdict,
    }  # fmt: skip


def at_most(found: Interval, null: float) -> str:
    """Whether a value is no more than its null: FAILED where its whole interval is above."""
    return FAILED if found.low > null else PASSED


def above(found: Interval, null: float) -> str:
    """Whether a value is more than its null: UNDECIDED where its interval holds the null."""
    return PASSED if found.low > null else FAILED if found.high < null else UNDECIDED


def apart(found: Interval, null: float) -> str:
    """Whether a value is another than its null, on either side: UNDECIDED where its interval holds the null."""
    return PASSED if found.low > null or found.high < null else UNDECIDED


def reaches(found: Interval, null: float) -> str:
    """Whether a value is at least its null: FAILED where its whole interval is below."""
    return FAILED if found.high < null else PASSED


# Randomised weights


def parts(encoder: Encoder) -> list[str]:
    """What is randomised one after the other, top down: blocks, then what lies between them and the convolutions, then
    these.
    """
    blocks = [f"block {number}" for number in range(encoder.model.config.num_hidden_layers, 0, -1)]
    return [*blocks, "positions", "convolutions"]


def _part_of(name: str) -> str:
    """The part that a weight of transformers' model belongs to."""
    if name.startswith("feature_extractor."):
        return "convolutions"
    if name.startswith("encoder.layers."):
        return f"block {int(name.split('.')[2]) + 1}"
    return "positions"


def dealt(encoder: Encoder, randomised: Sequence[str], *, seed: int) -> Encoder:
    """A copy of an encoder in which the values of every tensor of the ``randomised`` parts change places.

    The closing norm of a stable-layer-norm encoder goes with ``positions``. The encoder itself stays as it is. Raises
    TonespanError for a part that is none of :func:`parts`.
    """
    if unknown := set(randomised) - set(parts(encoder)):
        raise TonespanError(f"no part {sorted(unknown)[0]!r} of an encoder; there are: {', '.join(parts(encoder))}")
    model, rng = copy.deepcopy(encoder.model), np.random.default_rng(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            if _part_of(name) in randomised and weight.numel() > 1:
                order = torch.from_numpy(rng.permutation(weight.numel())).to(weight.device)
                weight.copy_(weight.flatten()[order].reshape(weight.shape))
    return replace(encoder, model=model, identity=f"{encoder.identity} dealt {len(randomised)} seed {seed}")


def cascade(encoder: Encoder, n_steps: int) -> list[list[str]]:
    """``n_steps`` growing lists of :func:`parts`, the first empty, the last all of them; equal steps in between."""
    names = parts(encoder)
    ends = np.unique(np.round(np.linspace(0, len(names), n_steps)).astype(int))
    return [names[:end] for end in ends]


# Labels


def shuffled_training(tokens: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """The tokens with the tones of the training split dealt at random among themselves; test tones stay."""
    train, _ = splits.train_test(tokens)
    tone = tokens["tone"].to_numpy(copy=True)
    tone[train] = np.random.default_rng(seed).permutation(tone[train])
    return tokens.assign(tone=tone)


@dataclass(frozen=True)
class Codelength:
    """``bits`` (token,) that each token of ``order`` cost, and what each costs when all classes are alike."""

    bits: Floats
    order: NDArray[np.int64]
    uniform: float

    @property
    def compression(self) -> float:
        """Uniform code over online code: 1 where nothing was learned, the more the easier."""
        return float(self.uniform / self.bits.mean())


def online_codelength(
    vectors: ArrayLike, labels: ArrayLike, groups: ArrayLike, *, regularisation_c: float, seed: int
) -> Codelength:
    """Voita & Titov's online code of ``labels`` (token,) given ``vectors`` (token, feature).

    Tokens come in random order, whole ``groups`` (token,) together. The first block is sent uniformly; each further one
    with the probe's probabilities after all before it, mixed with one imaginary token of every class, (n p + 1) / (n +
    K), so that a class that was not met yet can be sent. Raises TonespanError for fewer than two classes.
    """
    vectors, labels = np.asarray(vectors), np.asarray(labels, dtype=str)
    classes, codes = np.unique(labels, return_inverse=True)
    if classes.size < 2:
        raise TonespanError(f"a code needs two or more classes; there is only {classes.tolist()}")
    order = _grouped_order(groups, seed)
    n, uniform = len(order), float(np.log2(classes.size))
    ends = np.unique(np.round(np.array(PORTIONS) * n).astype(int))
    ends = ends[ends > 0]
    bits = np.full(n, uniform)
    for start, end in pairwise(ends):
        known, block = order[:start], order[start:end]
        if np.unique(labels[known]).size < 2:
            continue  # nothing to learn from yet: sent uniformly
        model = classify.fit(vectors[known], labels[known], regularisation_c=regularisation_c)
        chances = np.zeros((len(block), classes.size))
        chances[:, np.searchsorted(classes, model.classes)] = _softmax(model.logits(vectors[block]))
        mixed = (start * chances + 1) / (start + classes.size)
        bits[start:end] = -np.log2(mixed[np.arange(len(block)), codes[block]])
    return Codelength(bits, order, uniform)


def _grouped_order(groups: ArrayLike, seed: int) -> NDArray[np.int64]:
    _, which = np.unique(np.asarray(groups), return_inverse=True)
    place = np.random.default_rng(seed).permutation(which.max() + 1)
    return np.argsort(place[which], kind="stable")


def _softmax(logits: Floats) -> Floats:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def mean_interval(
    values: ArrayLike,
    clusters: ArrayLike,
    seeds: ArrayLike | None = None,
    *,
    n_resamples: int,
    level: float,
    seed: int,
) -> Interval:
    """The mean of ``values`` (n,) and its percentile interval from resampling ``clusters`` and ``seeds`` (n,).

    Values that are nan are left out; none left gives nan.
    """
    values = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(values)
    if not known.any():
        return Interval(np.nan, np.nan, np.nan)
    values, clusters = values[known], np.asarray(clusters)[known]
    seeds = None if seeds is None else np.asarray(seeds)[known]
    weights = spans.resample_rows(clusters, seeds, n_resamples=n_resamples, seed=seed)
    low, high = np.nanquantile(weights @ values / weights.sum(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(values.mean()), float(low), float(high))


# Confounds


def rank_correlation(
    x: ArrayLike, y: ArrayLike, clusters: ArrayLike, *, n_resamples: int, level: float, seed: int
) -> Interval:
    """Spearman's rho of ``x`` and ``y`` (n,) and its percentile interval from resampling ``clusters`` (n,).

    Pairs with a nan are left out; fewer than three, or one side constant, give nan.
    """
    x, y, clusters = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64), np.asarray(clusters)
    whole = ~(np.isnan(x) | np.isnan(y))
    x, y, clusters = x[whole], y[whole], clusters[whole]
    if x.size < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Interval(np.nan, np.nan, np.nan)
    names, which = np.unique(clusters, return_inverse=True)
    members = [np.flatnonzero(which == one) for one in range(names.size)]
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(n_resamples):
        rows = np.concatenate([members[one] for one in rng.integers(names.size, size=names.size)])
        drawn.append(_rho(x[rows], y[rows]))
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(_rho(x, y), float(low), float(high))


def _rho(x: Floats, y: Floats) -> float:
    a, b = (rankdata(side) - (len(side) + 1) / 2 for side in (x, y))
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size > 0 else np.nan


def holds_zero(found: Interval) -> str:
    """PASSED where the interval of a correlation holds 0: no confound was found."""
    return PASSED if found.low <= 0 <= found.high else FAILED
