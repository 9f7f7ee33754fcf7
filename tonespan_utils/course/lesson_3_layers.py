"""Exercises of lesson 3: the frame of a time, selectivity, code length, and choosing a layer fairly.

Conventions: times in ms, frames of 400 samples every 320 at 16 kHz, code lengths in bits.

Notebook: notebooks/course/3_what_layers_know
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.course.exercises import Exercise

HOP, RECEPTIVE = 320, 400  # samples: the frames of a wav2vec 2.0 style encoder
_HALVES = [
    ({"1": 0.80, "2": 0.90, "3": 0.85}, {"1": 0.82, "2": 0.84, "3": 0.88}),
    ({"cnn": 0.31, "0": 0.52, "1": 0.50}, {"cnn": 0.35, "0": 0.47, "1": 0.55}),
]


def _frame_at(time_ms: float) -> int:
    return max(0, round((time_ms * SAMPLE_RATE / 1000 - (RECEPTIVE - 1) / 2) / HOP))


def _codelength_bits(labels: str) -> float:
    """Bits of a sequence of two labels, each coded with what Laplace's rule expects from those before it."""
    bits, seen = 0.0, {"H": 1, "T": 1}
    for label in labels:
        bits -= math.log2(seen[label] / sum(seen.values()))
        seen[label] += 1
    return bits


def _fair_bits(labels: str) -> float:
    return float(len(labels))


def _hindsight_bits(labels: str) -> float:
    """The mistake: as if the share of heads had been known before the first toss."""
    shares = [labels.count(side) / len(labels) for side in "HT"]
    return -len(labels) * sum(share * math.log2(share) for share in shares if share)


def _honest_best(choose_on: Mapping[str, float], report_on: Mapping[str, float]) -> tuple[str, float]:
    best = max(choose_on, key=choose_on.__getitem__)
    return best, report_on[best]


EXERCISES: dict[str, Exercise] = {
    "frame_at": Exercise(
        _frame_at,
        {
            "frames start at 320 f, but their centres lie 199.5 samples later": lambda t: round(t / 20),
            "round to the nearest frame, do not cut off": lambda t: max(
                0, int((t * SAMPLE_RATE / 1000 - (RECEPTIVE - 1) / 2) / HOP)),
            "that gives a fraction of a frame; round it": lambda t: max(
                0.0, (t * SAMPLE_RATE / 1000 - (RECEPTIVE - 1) / 2) / HOP),
        },
        "solve 320 f + 199.5 = 16 t for f, round, and never go below 0",
        [(12.46875,), (100.0,), (111.0,), (503.0,), (0.0,)],
    ),
    "selectivity": Exercise(
        0.30,
        {
            "probe minus chance tells whether anything was learned; selectivity takes the control task": 0.50,
            "the probe's own F1 says nothing about what it memorised": 0.70,
            "the other way round": -0.30,
        },
        "probe F1 minus control F1",
    ),
    "three_heads_bits": Exercise(
        2.0,
        {
            "one bit each is the price of a coin known to be fair; this code learns: 1/2, then 2/3, then 3/4": 3.0,
            "the first toss costs a bit: nobody knew the coin yet": 0.0,
            "that is the probability; bits are minus its logarithm to the base 2": 0.25,
        },
        "multiply 1/2 * 2/3 * 3/4 and take -log2",
    ),
    "codelength_bits": Exercise(
        _codelength_bits,
        {
            "each toss at one bit: this code never learns": _fair_bits,
            "that uses the share of heads in the whole sequence, which nobody knew at the first toss": _hindsight_bits,
            "natural logarithm: that counts nats; bits need np.log2": lambda s: _codelength_bits(s) * math.log(2),
        },
        "before each toss p(side) = (how often it came so far + 1) / (tosses so far + 2); add up -log2 p",
        [("HHH",), ("HTHT",), ("HHHHHHHT",), ("T",)],
    ),
    "honest_best": Exercise(
        _honest_best,
        {
            "chosen and reported on the same half: the winner's luck is reported too": lambda a, b: _honest_best(a, a),
            "the reported half must not choose": lambda a, b: _honest_best(b, b),
        },
        "the layer with the highest score in the first dictionary, and that layer's score in the second",
        _HALVES,
    ),
}  # fmt: skip
