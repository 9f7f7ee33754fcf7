"""Text of the report: methods; every number is one of the parameters. The abstract is :mod:`.abstract`.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import pandas as pd

from tonespan_utils.params import conditions
from tonespan_utils.params.profile import Params
from tonespan_utils.plots import style


def methods(loaded: dict[str, pd.DataFrame], params: Params) -> list[tuple[str, str]]:
    """Methods in short, with the resolved parameters: heading and paragraph."""
    b, g, f = params.baseline, params.gradient, params.finetune
    front = listed([style.FRONTEND_NAMES[name] for name in b.frontends])
    trained = any(conditions.parse(name).is_trained for name in params.conditions)
    paragraphs = [
        (
            "Signal",
            f"Logistic regression (C = {b.regularisation_c:g}) on {front} in windows of {b.windows_ms[0]:g} to "
            f"{b.windows_ms[-1]:g} ms around the tone centre, frames of {b.analysis_window_ms:g} ms every "
            f"{b.hop_ms:g} ms, folds of up to {b.n_folds} groups that share no sentence and no known speaker, at most "
            f"{b.max_tokens:,} tokens per language.",
        ),
        (
            "Probes",
            f"One linear probe per layer (C = {params.probe.regularisation_c:g}) on the frozen vector at the tone "
            f"centre, at most {params.probe.max_tokens:,} tokens; control: a random tone per syllable type, "
            f"{count(len(params.probe.control_seeds), 'draw')}.",
        ),
        (
            "Gradients",
            f"Square of the gradient of the {g.target} tone's logit with respect to the {g.wrt}{_weight(params)}, in "
            f"bins of {g.bin_ms:g} ms over ±{g.window_ms:g} ms; {g.n_tokens} test tokens per language with "
            f"{g.min_side_ms:g} ms of audio on either side. r_com is the centre of mass of |offset|, the span 2 r_com.",
        ),
        (
            "Random weights",
            f"The other null of a span: the same encoder, the values of every weight tensor permuted within it "
            f"({count(len(params.random_weights.seeds), 'draw')}), with probes trained on its own hidden vectors "
            f"(at most {params.random_weights.max_tokens:,} tokens) and {params.random_weights.n_tokens} tokens per "
            "language. The probes are at chance or near it; the gradient of their logit is defined all the same.",
        ),
        (
            "Intervals",
            f"{params.bootstrap.level:.0%} percentile bootstrap over utterances, and seeds of training where there are "
            f"several, {params.bootstrap.n_resamples:,} resamples. Seed of all draws: {params.seed}.",
        ),
        (
            "Claims",
            f"Judged on the mean over the blocks from relative depth {params.claims.from_depth:g} on, paired over "
            "tokens, with trainings as a random effect whose variance is pooled over conditions (t intervals, "
            f"Satterthwaite); two one-sided tests against {params.claims.smallest_ms:g} ms, "
            f"{params.claims.smallest_f1:g} of F1 and {params.claims.smallest_influence:g} of influence; Holm's "
            "correction over all tested claims of the board.",
        ),
    ]
    if trained:
        seeds = listed([str(seed) for seed in f.seeds])
        crops = f"{f.batch_size * f.task_batch['xvector']} crops of {f.xvector_crop_ms:g} ms"
        fine = (
            f"{f.steps:,} updates of {f.batch_size} utterances (speaker: {crops}) for every task, peak learning rate "
            f"{f.learning_rate:g}, seeds {seeds}; before them {f.head_first_steps:,} of a recogniser's head alone; "
            "the convolutional front end stays as it was."
        )
        paragraphs.insert(2, ("Fine-tuning", fine))
    return paragraphs


def _weight(params: Params) -> str:
    """What squared gradients are multiplied by, if by anything."""
    g = params.gradient
    return f", times the input's local power over {g.power_window_ms:g} ms" if g.weight == "power" else ""


def count(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")


def listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
