"""Fine-tuning: one condition with one seed, from a backbone's checkpoint to a scored model on disk.

:func:`run` is all a notebook needs. The parts: :mod:`.tasks` (what is learned and how it is scored), :mod:`.examples`
(utterances as features with targets), :mod:`.heads` (transformers' models on a checked encoder), :mod:`.head_first` (a
CTC head's first updates), :mod:`.training` (transformers' Trainer), :mod:`.penalty` (what looking far costs in
``narrow_asr``), :mod:`.deafness` (and hearing pitch in ``deaf_asr``), :mod:`.scores` (metrics with interval and null).

Every task of a profile starts from the same checkpoint and gets the same number of updates with the same schedule. The
convolutional front end stays as it was.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from transformers import Wav2Vec2FeatureExtractor

from tonespan_utils.corpus import labelled, level, sources
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders import checkpoints
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.finetune import deafness, head_first, tasks, training
from tonespan_utils.finetune.examples import Collate, Speech
from tonespan_utils.finetune.setting import Setting
from tonespan_utils.instrument import features
from tonespan_utils.params import conditions
from tonespan_utils.params.conditions import Condition
from tonespan_utils.params.profile import ROOT, Params
from tonespan_utils.params.sections import Finetune, SpanPenalty
from tonespan_utils.params.tables import COLUMNS
from tonespan_utils.statistics import splits

TONE_COLUMNS = COLUMNS["tone_predictions"]


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned model's scores (rows of ``finetune``), loss curve, and for tone its test tokens' predictions."""

    scores: pd.DataFrame
    curve: pd.DataFrame
    tone_predictions: pd.DataFrame
    folder: Path


def run(params: Params, name: str, *, seed: int) -> Tuned:
    """Train and score one condition with one seed, and keep the model in ``params.model_folder``.

    A public checkpoint (``finetune.public``) is checked against its backbone and kept where it is. Raises
    TonespanError for speech without the labels the task needs, a loss that is not finite, a public checkpoint whose
    encoder is its backbone's. Notebook: notebooks/02_finetune
    """
    condition = conditions.parse(name)
    if name in params.finetune.public:
        return _public(params, condition)
    start = checkpoints.load_condition(params, condition.starts_from, seed=seed)
    task = _task(params, condition, start, seed)
    collate, work = Collate(start), params.data / "training" / f"{condition.part}.seed{seed}"
    settings = _for_kind(params.finetune, task.kind)
    head_rate = settings.head_rate[task.kind]
    if condition.is_deaf:
        task.train = deafness.with_level_pitch(task.train, start, task.setting.speech[0], params.knee)
    if task.kind == "ctc":
        rate = settings.learning_rate * head_rate
        head_first.teach(task.model, task.train, collate, steps=settings.head_first_steps, rate=rate, seed=seed)
    curve = training.train(
        task.model, task.train, collate, settings, loss=task.loss, head_rate=head_rate, seed=seed, work=work,
        penalty=_penalty(params.finetune.span_penalty, condition),
        pitch_penalty=params.finetune.pitch_penalty if condition.is_deaf else None,
    )  # fmt: skip

    def predict(examples, pick):
        return training.predict(task.model, examples, collate, pick, batch_size=4 * params.finetune.batch_size)

    rows = [row for score in task.scores(predict) for row in score.rows()]
    rows.append({"metric": "train_loss", "value": training.final_loss(curve)})
    key = {"condition": name, "seed": seed}
    folder = params.model_folder(name, seed)
    _keep(task, start, folder)
    shutil.rmtree(work, ignore_errors=True)
    untaught = pd.DataFrame(columns=["token_id", "utterance_id"])
    tone_predictions = task.predicted if condition.objective == "tone" else untaught
    return Tuned(
        _scored(condition, rows, seed=seed, steps=params.finetune.steps),
        pd.DataFrame(curve, columns=["step", "loss"]).assign(**key),
        tone_predictions.assign(**key, language=condition.language).reindex(columns=TONE_COLUMNS),
        folder,
    )


def _penalty(penalty: SpanPenalty, condition: Condition) -> SpanPenalty | None:
    """What a condition pays for looking far; a wide one is paid for it: the same share with its sign turned."""
    if condition.is_wide:
        return penalty.model_copy(update={"weight": -penalty.weight})
    return penalty if condition.is_narrow else None


def _for_kind(settings: Finetune, kind: str) -> Finetune:
    """The settings with the learning rate and batch of a kind of head: a rate that CTC needs is too high for a
    classifier.
    """
    rate, size = settings.learning_rate * settings.task_rate[kind], settings.batch_size * settings.task_batch[kind]
    return settings.model_copy(update={"learning_rate": rate, "batch_size": size})


def _task(params: Params, condition: Condition, encoder: Encoder, seed: int):
    corpora = _corpora(params, condition)
    tokens = None
    if condition.objective == "tone":
        # the probe's tokens, so that both are scored on the same ones
        spoken = splits.in_a_split(corpora[0].tokens)
        tokens = splits.sample_utterances(spoken, n_tokens=params.probe.max_tokens, seed=params.seed)
    setting = Setting(
        encoder=encoder,
        speech=[Speech(c, features.of_corpus(encoder, c, cache_dir=params.data / "features")) for c in corpora],
        seed=seed,
        shuffled=condition.is_shuffled,
        clip_ms=params.finetune.clip_ms,
        crop_ms=params.finetune.xvector_crop_ms,
        max_test_utterances=params.finetune.max_test_utterances,
        level=params.bootstrap.level,
        phonetic=params.finetune.phonetic,
    )
    return tasks.build(condition.objective, setting, tokens=tokens)


def _corpora(params: Params, condition: Condition) -> list[Corpus]:
    """The speech a condition is trained on: a folder of its own, one language of the profile, or all of them."""
    folder = params.finetune.corpora.get(condition.objective)
    if folder and not condition.language:
        return [level.levelled(labelled.load(ROOT / folder, label=condition.objective), by=params.speech.level)]
    languages = [condition.language] if condition.language else params.speech.languages
    return [sources.load(params, language) for language in languages]


def _keep(task, start: Encoder, folder: Path) -> None:
    """The model as a Hugging Face checkpoint, moved into place when it is complete."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    task.model.save_pretrained(partial)
    Wav2Vec2FeatureExtractor(do_normalize=start.scale_input, return_attention_mask=True).save_pretrained(partial)
    task.save(partial)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)


def _public(params: Params, condition: Condition) -> Tuned:
    """A public fine-tuned checkpoint in place of training: only checked, since its data and scores are not ours."""
    backbone = checkpoints.load_condition(params, condition.starts_from, seed=0)
    tuned = checkpoints.load_condition(params, condition.name, seed=0)
    refuse_frozen(tuned, backbone)
    change = {"metric": "relative_weight_change", "value": weight_change(tuned, backbone)}
    return Tuned(
        _scored(condition, [change], seed=0, steps=0),
        pd.DataFrame(columns=COLUMNS["finetune_curves"]),
        pd.DataFrame(columns=TONE_COLUMNS),
        Path(tuned.name),
    )


def _scored(condition: Condition, rows: list[dict[str, object]], *, seed: int, steps: int) -> pd.DataFrame:
    """Metrics and values as rows of the table ``finetune``."""
    about = {"condition": condition.name, "backbone": condition.backbone, "task": condition.task}
    return pd.DataFrame(rows).assign(**about, language=condition.language or "all", steps=steps, seed=seed)


def refuse_frozen(tuned: Encoder, backbone: Encoder) -> None:
    """Raise TonespanError where a "fine-tuned" encoder is its backbone's: its spans could only equal vanilla's."""
    if weight_change(tuned, backbone) == 0:
        raise TonespanError(
            f"{tuned.name}: its encoder is that of {backbone.name}, unchanged: a head was trained on a frozen encoder, "
            "as SUPERB does, so its spans equal vanilla's and it is no fine-tuned condition"
        )


def weight_change(tuned: Encoder, backbone: Encoder) -> float:
    """Norm of the change of the transformer's weights over their norm. Raises TonespanError for another shape."""
    after, before = tuned.model.encoder.state_dict(), backbone.model.encoder.state_dict()
    if {k: v.shape for k, v in after.items()} != {k: v.shape for k, v in before.items()}:
        raise TonespanError(f"{tuned.name}: not fine-tuned from {backbone.name}, whose encoder has another shape")
    moved = sum(float(torch.sum((after[name] - weight).double() ** 2)) for name, weight in before.items())
    return (moved / sum(float(torch.sum(weight.double() ** 2)) for weight in before.values())) ** 0.5
