"""Text of the report: abstract and methods; every number is one of a table or of the parameters.

Conventions: spans and cue widths in ms, intervals in brackets behind their value, n is a number of tone tokens.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import pandas as pd

from tonespan_utils import languages
from tonespan_utils.params import conditions, profile, tables
from tonespan_utils.params.profile import Params
from tonespan_utils.plots import style
from tonespan_utils.statistics import findings


def abstract(loaded: dict[str, pd.DataFrame], params: Params) -> list[str]:
    """What was run and what came out, in paragraphs; every number is one of a table."""
    tokens, names = loaded["tokens"], languages.LANGUAGE_NAMES
    studied = tokens[tokens["language"].isin(params.speech.tonal)]
    parsed = [conditions.parse(name) for name in params.conditions]
    n_encoders = len({condition.backbone for condition in parsed})
    ran = (
        f"How wide is the tone cue in the signal, in which layers does a speech encoder keep tone, and how far around "
        f"the tone centre does it look? We asked {len(parsed)} conditions of {_count(n_encoders, 'encoder')} in "
        f"{_listed([names[language] for language in params.speech.tonal])}: {len(studied):,} tone tokens, "
        f"{(studied['split'] == 'test').sum():,} of them in the test split, of {profile.describe_speech(params)}."
    )
    cues, notes = (
        tables.select(loaded[name], frontend=params.baseline.frontends[0]).set_index("language")
        for name in ("baseline_spans", "baseline_notes")
    )
    widths = [
        f"{names[la]} {findings.cue_text(cues.loc[la], notes.loc[la, 'reason'])} (n = {notes.loc[la, 'n_tokens']:.0f})"
        for la in params.speech.tonal
    ]
    signal = f"In the signal, the cue is this wide: {'; '.join(widths)}."
    return [ran, signal, *(_of_encoder(loaded, name, params) for name in _backbones(params)), _verdicts(loaded)]


def _of_encoder(loaded: dict[str, pd.DataFrame], backbone: str, params: Params) -> str:
    """Where one encoder keeps tone, and what its span becomes after ASR in the language."""
    compared, names = loaded["comparison"].set_index(["condition", "language"]), languages.LANGUAGE_NAMES
    first = next(
        condition.name for condition in map(conditions.parse, params.conditions) if condition.backbone == backbone
    )
    before = compared.loc[first]
    kept = [
        f"{names[la]} {row.f1:.2f} {_layers(row.best_layer)} (n = {row.n_tokens:.0f})" for la, row in before.iterrows()
    ]
    there = [_span(names[la], row) for la, row in before.iterrows()]
    text = f"Macro-F1 of the probes of {first} at their best layer: {'; '.join(kept)}. The span 2 r_com there: "
    text += "; ".join(there)
    targets = [(la, f"{backbone}/asr-{la}") for la in before.index if (f"{backbone}/asr-{la}", la) in compared.index]
    if not targets:
        return text + "."
    after = [(names[la], compared.loc[(name, la)]) for la, name in targets]
    spans = [_span(name, row) for name, row in after]
    return f"{text}. After fine-tuning on ASR of the language: {'; '.join(spans)}."


def _layers(best: str) -> str:
    """``3`` or ``3, 4``, as the two halves of the test utterances chose, in words; that there is none for ``""``."""
    if not best:
        return "and no layer above chance"
    layers = best.split(", ")
    return f"at layer{'s' if len(layers) > 1 else ''} {_listed(layers)}"


def _verdicts(loaded: dict[str, pd.DataFrame]) -> str:
    counts = loaded["claims"]["verdict"].value_counts()
    verdicts = [f"{count} {verdict}" for verdict, count in counts.items()]
    return f"Of {counts.sum()} checks, a claim in one language or in all of them together each: {_listed(verdicts)}."


def methods(loaded: dict[str, pd.DataFrame], params: Params) -> list[tuple[str, str]]:
    """Methods in short, with the resolved parameters: heading and paragraph."""
    b, g, f = params.baseline, params.gradient, params.finetune
    front = _listed([style.FRONTEND_NAMES[name] for name in b.frontends])
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
            f"{_count(len(params.probe.control_seeds), 'draw')}.",
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
            f"({_count(len(params.random_weights.seeds), 'draw')}), with probes trained on its own hidden vectors "
            f"(at most {params.random_weights.max_tokens:,} tokens) and {params.random_weights.n_tokens} tokens per "
            "language. The probes are at chance or near it; the gradient of their logit is defined all the same.",
        ),
        (
            "Intervals",
            f"{params.bootstrap.level:.0%} percentile bootstrap over utterances, and seeds of training where there are "
            f"several, {params.bootstrap.n_resamples:,} resamples. Seed of all draws: {params.seed}.",
        ),
    ]
    if trained:
        seeds = _listed([str(seed) for seed in f.seeds])
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


def _backbones(params: Params) -> list[str]:
    return list(
        dict.fromkeys(
            condition.backbone for condition in map(conditions.parse, params.conditions) if condition.is_measured
        )
    )


def _span(name: str, row: pd.Series) -> str:
    """The span of a row of ``comparison``, or that it is no finding, and why."""
    if row.note:
        return f"{name} none ({row.note}, n = {row.n_span_tokens:.0f})"
    interval = findings.interval_text(row.span_ms, row.span_low_ms, row.span_high_ms, unit=" ms")
    return f"{name} {interval} (n = {row.n_span_tokens:.0f})"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
