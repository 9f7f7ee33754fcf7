"""Controls of the claims board itself: does it call what is there, and leave uncalled what is not?

Positive: an effect was made on purpose, and the board has to call it, *supported*.

- ``narrow penalty``, ``wide penalty``: ASR that pays for looking far, and for looking near, against plain ASR.
- ``deaf to pitch``: ASR that pays for hearing pitch, against plain ASR.
- ``tone lost``: vanilla's own predictions, given to other tokens at random: all that an encoder deaf to pitch can know
  of tone is how often each occurs.
- ``pitch teacher``: the encoder whose teacher saw little of the pitch against the one whose teacher saw much.
- ``planted effect``: twice the smallest effect that matters, added to one of two trainings of one condition.

Negative: nothing is there, and whatever the board calls, *supported* or *contradicted*, is false.

- ``two seeds``: two trainings of one condition, each held to be a condition of its own. What they have in common with
  the others is the pool of seed variance, from which they are left out.
- ``shuffled names``: a condition and vanilla, with their names exchanged in each utterance at random, N_SHUFFLES times.
- ``shuffled labels``: trainings on shuffled labels that pass for having learned their task.

Conventions: measures are those of the claims, over the same layers; a control without what it needs is asked 0 times.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tonespan_utils.params import conditions, tables
from tonespan_utils.params.claims import Claims
from tonespan_utils.params.roles import role_of
from tonespan_utils.statistics import estimates
from tonespan_utils.statistics.estimates import Estimate, Sample, Seeds
from tonespan_utils.study import learned, questions, token_values, verdicts
from tonespan_utils.study.token_values import Summary, TokenValues

N_SHUFFLES = 20
FALSE_ALARMS = (verdicts.SUPPORTED, verdicts.CONTRADICTED)


def table(
    values: token_values.Study,
    predictions: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    params: Claims,
    level: float,
    seed: int,
) -> pd.DataFrame:
    """The table ``controls``: how often each control was asked, and how often it was called.

    ``predictions`` and ``scores``: the tables ``predictions`` and ``finetune``. Notebook: notebooks/05_rcom_comparison
    """
    smallest = {"span_ms": params.smallest_ms, "f1": params.smallest_f1}
    rows: list[tuple[str, str, str, bool]] = []  # kind, control, measure, called
    for backbone in questions.backbones(values):
        of_encoder = questions.of_backbone(values, backbone)
        summary = token_values.summarise(of_encoder, from_depth=params.from_depth)
        rows += list(_made_on_purpose(of_encoder, summary, smallest, level))
        rows += list(_two_seeds(of_encoder, summary, smallest, params.from_depth, level))
        rows += list(_shuffled_names(of_encoder, smallest, params.from_depth, level, seed))
    rows += list(_tone_lost(values, predictions, params, level, seed))
    rows += list(_pitch_teachers(values, params, level))
    rows += list(_shuffled_labels(scores))
    return _counted(pd.DataFrame(rows, columns=["kind", "control", "measure", "called"]))


ASKED = [
    ("positive", "narrow penalty", "span_ms"), ("positive", "wide penalty", "span_ms"),
    ("positive", "deaf to pitch", "f1"),
    ("positive", "tone lost", "f1"), ("positive", "pitch teacher", "span_ms"),
    ("positive", "planted effect", "span_ms"), ("positive", "planted effect", "f1"),
    ("negative", "two seeds", "span_ms"), ("negative", "two seeds", "f1"),
    ("negative", "shuffled names", "span_ms"), ("negative", "shuffled names", "f1"),
    ("negative", "shuffled labels", "score"),
]  # fmt: skip


def _counted(rows: pd.DataFrame) -> pd.DataFrame:
    keys = ["kind", "control", "measure"]
    counted = rows.groupby(keys)["called"].agg(["size", "sum"]).reindex(pd.MultiIndex.from_tuples(ASKED, names=keys))
    counted = counted.fillna(0).astype(int).set_axis(["n_asked", "n_called"], axis=1).reset_index()
    shares = counted["n_called"] / counted["n_asked"].where(counted["n_asked"] > 0)
    return counted.assign(share=shares)[tables.COLUMNS["controls"]]


def _made_on_purpose(
    values: Mapping[tuple[str, str], TokenValues], summary: Summary, smallest: Mapping[str, float], level: float
) -> Iterator[tuple[str, str, str, bool]]:
    by_role = {(role_of(each.condition, language), language): name for (name, language), each in values.items()}
    wanted = (
        ("narrow penalty", "narrow_asr", "target_asr", "span_ms", "<"),
        ("wide penalty", "wide_asr", "target_asr", "span_ms", ">"),
        ("deaf to pitch", "deaf_asr", "target_asr", "f1", "<"),
    )
    for control, changed, plain, measure, relation in wanted:
        samples = summary.samples.get(measure, {})
        for role, language in by_role:
            pair = [(by_role.get((each, language)), language) for each in (changed, plain)]
            if role == changed and all(key in samples for key in pair):
                difference = samples[pair[0]].estimate - samples[pair[1]].estimate
                verdict = _verdict(difference, summary.seeds[measure], relation, smallest[measure], level)
                yield "positive", control, measure, verdict == verdicts.SUPPORTED


def _verdict(difference: Estimate, seeds: Seeds, relation: str, smallest: float, level: float) -> str:
    return verdicts.decide([difference], seeds, relation=relation, bound=0, smallest=smallest, level=level).verdict


def _two_seeds(
    values: Mapping[tuple[str, str], TokenValues], summary: Summary, smallest: Mapping[str, float], from_depth: float,
    level: float,
) -> Iterator[tuple[str, str, str, bool]]:  # fmt: skip
    for measure, effect in smallest.items():
        for (name, _language), of_condition in values.items():
            pair = _trainings_apart(of_condition, measure, from_depth)
            others = [each for (other, _), each in summary.samples.get(measure, {}).items() if other != name]
            seeds = estimates.pool([*others, *pair])
            if len(pair) < 2 or not seeds.df:
                continue
            difference = pair[0].estimate - pair[1].estimate
            verdict = _verdict(difference, seeds, ">", effect, level)
            yield "negative", "two seeds", measure, verdict in FALSE_ALARMS
            planted = Estimate(
                difference.value + 2 * effect, difference.clusters, difference.trainings, difference.n_tokens,
                difference.n_seeds, difference.floor,
            )  # fmt: skip
            called = _verdict(planted, seeds, ">", effect, level) == verdicts.SUPPORTED
            yield "positive", "planted effect", measure, called


def _trainings_apart(values: TokenValues, measure: str, from_depth: float) -> list[Sample]:
    """The first two trainings of a condition, each as if it were a condition; none where there are fewer."""
    upper, _ = token_values.halves(values.layers, from_depth)
    by_seed = values.mean(measure, upper)
    if not values.condition.is_trained or by_seed is None or by_seed.shape[1] < 2:
        return []
    utterances, floor = values.by_measure[measure].utterances, token_values.floor_of(measure, len(by_seed))
    apart = [
        estimates.of_tokens(
            by_seed[:, [seed]],
            utterances,
            condition=f"{values.condition.name} seed {seed}",
            is_trained=True,
            floor=floor,
        )
        for seed in (0, 1)
    ]
    return [each for each in apart if each is not None]


def _shuffled_names(
    values: Mapping[tuple[str, str], TokenValues], smallest: Mapping[str, float], from_depth: float, level: float,
    seed: int,
) -> Iterator[tuple[str, str, str, bool]]:  # fmt: skip
    rng = np.random.default_rng(seed)
    vanilla = {language: each for (_, language), each in values.items() if not each.condition.is_trained}
    for measure, effect in smallest.items():
        for (_, language), of_condition in values.items():
            if not of_condition.condition.is_trained or language not in vanilla:
                continue
            apart, utterances = _apart(of_condition, vanilla[language], measure, from_depth)
            for _ in range(N_SHUFFLES if len(apart) else 0):
                verdict = _verdict(_exchanged(apart, utterances, rng), Seeds(), ">", effect, level)
                yield "negative", "shuffled names", measure, verdict in FALSE_ALARMS


def _apart(
    first: TokenValues, second: TokenValues, measure: str, from_depth: float
) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """The differences of the tokens that two conditions share (token,), and their utterances."""
    upper, _ = token_values.halves(first.layers, from_depth)
    pair = [each.mean(measure, upper) for each in (first, second)]
    if any(each is None for each in pair):
        return np.array([]), np.array([], dtype=str)
    both = [each.by_measure[measure] for each in (first, second)]
    _, mine, others = np.intersect1d(both[0].tokens, both[1].tokens, return_indices=True)
    apart = pair[0].mean(axis=1)[mine] - pair[1].mean(axis=1)[others]
    return apart[~np.isnan(apart)], both[0].utterances[mine][~np.isnan(apart)]


def _exchanged(apart: NDArray[np.float64], utterances: NDArray[np.str_], rng: np.random.Generator) -> Estimate:
    """The mean of differences (token,) whose sign was drawn for each utterance."""
    names, utterance = np.unique(utterances, return_inverse=True)
    signs = rng.choice([-1.0, 1.0], names.size)[utterance]
    return estimates.of_tokens((apart * signs)[:, None], utterances, condition="", is_trained=False).estimate


def _pitch_teachers(values: token_values.Study, params: Claims, level: float) -> Iterator[tuple[str, str, str, bool]]:
    if params.narrow_encoder is None or params.wide_encoder is None:
        return
    both = [
        token_values.summarise(questions.of_backbone(values, name), from_depth=params.from_depth).samples["span_ms"]
        for name in (params.narrow_encoder, params.wide_encoder)
    ]
    names = [f"{name}/vanilla" for name in (params.narrow_encoder, params.wide_encoder)]
    for language in dict.fromkeys(language for _, language in values):
        keys = [(name, language) for name in names]
        if all(key in samples for key, samples in zip(keys, both, strict=True)):
            difference = both[0][keys[0]].estimate - both[1][keys[1]].estimate
            verdict = _verdict(difference, Seeds(), "<", params.smallest_ms, level)
            yield "positive", "pitch teacher", "span_ms", verdict == verdicts.SUPPORTED


def _tone_lost(
    values: token_values.Study, predictions: pd.DataFrame, params: Claims, level: float, seed: int
) -> Iterator[tuple[str, str, str, bool]]:
    rng = np.random.default_rng(seed)
    vanilla = predictions[predictions["condition"].str.endswith("/vanilla")]
    order = vanilla.groupby(["condition", "language", "seed", "layer"], sort=False)["predicted"]
    lost = token_values.collect(vanilla.assign(predicted=order.transform(rng.permutation)))
    for key, without in lost.items():
        upper, _ = token_values.halves(without.layers, params.from_depth)
        pair = [each.sample("f1", upper) for each in (without, values[key])]
        if all(pair):
            difference = pair[0].estimate - pair[1].estimate
            verdict = _verdict(difference, Seeds(), "<", params.smallest_f1, level)
            yield "positive", "tone lost", "f1", verdict == verdicts.SUPPORTED


def _shuffled_labels(scores: pd.DataFrame) -> Iterator[tuple[str, str, str, bool]]:
    shuffled = scores["condition"].map(lambda name: conditions.parse(name).is_shuffled).astype(bool)
    for _, rows in scores[shuffled].groupby(["condition", "seed"], sort=False):
        yield "negative", "shuffled labels", "score", not learned.reason(rows.set_index("metric")["value"])
