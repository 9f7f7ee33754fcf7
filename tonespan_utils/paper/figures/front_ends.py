"""Figure: the cue width through other front ends and analysis windows, on speech whose cue width is known (ms).

Notebook: notebooks/06_validity
"""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from tonespan_utils.paper.figures.validity_parts import Tables
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import layout, style

FRONTENDS = {f"{frontend}_{shape}": (frontend, shape) for frontend in ("logmel", "mfcc", "linear")
             for shape in ("hann", "rectangular")} | {"f0_praat": ("f0", "praat")}  # fmt: skip


def draw_robust(loaded: Tables, params: Params) -> Figure:
    """Cue width by front end and analysis window, a panel per planted width, F1 at the peak beside it."""
    spans_ms = params.validity.robust_span_ms
    figure, axes = plt.subplots(1, len(spans_ms), figsize=(style.width_in(), 2.9), sharey=True, squeeze=False)
    for axis, span_ms in zip(axes[0], spans_ms, strict=True):
        answers = select(loaded["calibration"], true_span_ms=span_ms).set_index("estimator")
        scores = select(loaded["calibration_scores"], true_span_ms=span_ms, condition="signal").set_index("metric")
        for height, (name, _) in enumerate(FRONTENDS.items()):
            row = answers.loc["acoustic" if name == "logmel_hann" else f"acoustic_{name}"]
            axis.plot([row["ci_low_ms"], row["ci_high_ms"]], [height, height], color="#0072B2", linewidth=1.2)
            axis.plot(row["estimated_span_ms"], height, "o", color="#0072B2")
            f1 = scores.loc[f"f1_{name}", "value"]
            axis.annotate(f"F1 {f1:.2f}", (1.0, height), xycoords=("axes fraction", "data"), fontsize=6.5, va="center",
                          ha="right")  # fmt: skip
        layout.named_rows(axis, [_frontend_name(*pair, params) for pair in FRONTENDS.values()])
        axis.axvline(span_ms, color="black", linestyle="--", linewidth=0.9)
        axis.set(xlabel="cue width (ms)", title=f"planted {span_ms:g} ms", xlim=(0, max(spans_ms) * 1.9))
    return figure


def _frontend_name(frontend: str, shape: str, params: Params) -> str:
    named = style.FRONTEND_NAMES[frontend]
    return named if frontend == "f0" else f"{named}, {shape} {params.validity.analysis_windows[shape]:g} ms"


def caption_robust(loaded: Tables, params: Params) -> str:
    scores = loaded["calibration_scores"]
    floors = {
        name: scores[scores["metric"] == metric][["value", "null"]].max()
        for name, metric in (("sounds", "f1_segments"), ("majority", "f1_majority"))
    }
    return (
        "The cue width by front end and analysis window, with the planted width dashed; bars: "
        f"{params.bootstrap.level:.0%} intervals over utterances; at the right, F1 at the best window. The floors, "
        f"over all corpora: F1 from the sounds of the syllable alone is at most {floors['sounds']['value']:.2f} "
        f"(chance {floors['sounds']['null']:.2f}), from always answering the commonest tone "
        f"{floors['majority']['value']:.2f}. A curve that is near its ceiling early, as F0 alone can be, bends where "
        "enough of the cue is seen, which is narrower than the cue."
    )
