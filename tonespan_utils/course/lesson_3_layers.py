"""Exercises of lesson 3: the frame of a time, selectivity, code length, and choosing a layer fairly.

Conventions: times in ms, frames of 400 samples every 320 at 16 kHz, code lengths in bits.

Notebook: notebooks/course/3_what_layers_know
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.course.exercises import Exercise, Hints

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
        Hints(
            "at which time does the middle of frame 0 stand, and how far is it to the next?",
            "time in samples, less where frame 0 has its middle, in steps of 320; and frames are whole",
            "max(0, round((16 * time_ms - 199.5) / 320))",
        ),
        {
            "where does frame 0 begin, and where is its middle?": lambda t: round(t / 20),
            "which frame is nearest, the one before the time or the one after it? Cutting off takes the one before.":
                lambda t: max(0, int((t * SAMPLE_RATE / 1000 - (RECEPTIVE - 1) / 2) / HOP)),
            "are there fractions of a frame?": lambda t: max(
                0.0, (t * SAMPLE_RATE / 1000 - (RECEPTIVE - 1) / 2) / HOP),
        },
        [(12.46875,), (100.0,), (111.0,), (503.0,), (0.0,)],
    ),
    "selectivity": Exercise(
        0.30,
        Hints(
            "what did the probe learn by heart, and which of the three numbers says so?",
            "two of the three numbers are needed: the probe's, and that of labels that can only be memorised",
            "the probe's F1 minus the control task's F1",
        ),
        {
            "you took chance away; does chance say how well the probe can memorise?": 0.50,
            "how much of it could be memory?": 0.70,
            "which of the two is taken away from which?": -0.30,
        },
    ),
    "three_heads_bits": Exercise(
        2.0,
        Hints(
            "with which probability does Laplace's rule expect heads at the first toss, at the second, at the third?",
            "the tosses cost -log2 of 1/2, of 2/3, and of 3/4; costs add up",
            "-log2(1/2 * 2/3 * 3/4)",
        ),
        {
            "who said that the coin is fair? What does the second head cost, after one head?": 3.0,
            "was heads certain at the first toss?": 0.0,
            "that is how probable three heads are; how many bits is it?": 0.25,
        },
        unit="bits",
    ),
    "codelength_bits": Exercise(
        _codelength_bits,
        Hints(
            "what does the sender know before each toss, and how probable is this toss then?",
            "count in tosses[:n] how often this side came before toss n; add up what each toss costs",
            "add up -np.log2((tosses[:n].count(toss) + 1) / (n + 2))",
        ),
        {
            "does this code learn anything from what came before?": _fair_bits,
            "who knew the share of heads at the first toss?": _hindsight_bits,
            "is that in bits? Which logarithm counts halvings?": lambda s: _codelength_bits(s) * math.log(2),
        },
        [("HHH",), ("HTHT",), ("HHHHHHHT",), ("T",)],
    ),
    "honest_best": Exercise(
        _honest_best,
        Hints(
            "which half may choose, and which half may report?",
            "the largest value of the first dictionary names a layer; look up this layer in the second",
            "layer = max(choose_on, key=choose_on.get); (layer, report_on[layer])",
        ),
        {
            "does the half that chose report its own luck?": lambda a, b: _honest_best(a, a),
            "which half did you let choose?": lambda a, b: _honest_best(b, b),
        },
        _HALVES,
    ),
}  # fmt: skip
