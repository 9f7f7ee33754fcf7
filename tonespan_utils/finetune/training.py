"""Updates: transformers' Trainer with a stated schedule, resumable, that stops where the loss stops being a number.

AdamW; the learning rate, ``head_rate`` times as high in the new head, rises linearly over ``warmup_share`` of the steps
and falls linearly to 0. Batches group utterances of like length. On a GPU in bfloat16 through accelerate; on a CPU in
float32. Everything random depends on the seed, and a training that was killed goes on from its last checkpoint to the
same weights.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback, TrainerState
from transformers.trainer_utils import get_last_checkpoint
from transformers.utils import logging as transformers_logging

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.errors import TonespanError
from tonespan_utils.finetune import deafness, heads
from tonespan_utils.finetune import penalty as penalties
from tonespan_utils.finetune.examples import Collate, Example
from tonespan_utils.params.sections import Finetune, SpanPenalty

KEPT_CHECKPOINTS = 2  # a kill while one is written leaves the other
POOL_BATCHES = 8  # sorted by length together: enough to spare padding, few enough to mix
BETAS = (0.9, 0.98)  # as wav2vec 2.0 is trained: some hundred updates are too few for a memory of a thousand
WEIGHT_DECAY = 0.01
CURVE_STEPS = 10  # updates between two points of the loss curve


class _Progress(TrainerCallback):
    """A bar of updates with the running loss."""

    def on_train_begin(self, args, state, control, **kwargs):
        self.bar = tqdm(total=state.max_steps, initial=state.global_step, desc="updates", unit="step", mininterval=2)

    def on_step_end(self, args, state, control, **kwargs):
        self.bar.update(1)

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and "loss" in logs:
            self.bar.set_postfix(loss=f"{float(logs['loss']):.3f}")

    def on_train_end(self, args, state, control, **kwargs):
        self.bar.close()


class _FiniteTrainer(Trainer):
    """Raises where a loss is not finite, before the update it would spoil; adds what is paid for looking far, or for
    hearing pitch.
    """

    def __init__(
        self, *args, work: Path, penalty: SpanPenalty | None, pitch_penalty: float | None, hop_ms: float, **kwargs
    ) -> None:
        super().__init__(*args, **kwargs)
        self.work, self.penalty, self.pitch_penalty, self.hop_ms = work, penalty, pitch_penalty, hop_ms
        self.model_accepts_loss_kwargs = False  # the batch's own mean, as every model here computes it

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        if self.pitch_penalty is not None:
            return self._deaf_loss(model, inputs, return_outputs, num_items_in_batch)
        if self.penalty is None:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        features = inputs["input_values"].requires_grad_(True)
        with penalties.differentiable_attention():
            loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
        # Drawn by the step's own number, so that a resumed training draws what it would have drawn.
        generator = torch.Generator().manual_seed(self.args.seed * 1_000_003 + self.state.global_step)
        n_frames = model._get_feat_extract_output_lengths(inputs["attention_mask"].sum(dim=1))
        drawn = penalties.draw(n_frames, outputs.logits.shape[-1], generator)
        reach_frames = self.penalty.span_ms / 2 / self.hop_ms
        share = penalties.share_beyond(outputs.logits, features, *drawn, reach_frames=reach_frames).mean()
        loss = loss + self.penalty.weight * share
        return (loss, outputs) if return_outputs else loss

    def _deaf_loss(self, model, inputs, return_outputs, num_items_in_batch):
        level_values, mask = inputs.pop("level_values"), inputs["attention_mask"]
        loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
        n_frames = model._get_feat_extract_output_lengths(mask.sum(dim=1))
        encoder = model.base_model.eval()  # the two must not differ in what is dropped or masked
        hidden = encoder(inputs["input_values"], attention_mask=mask, output_hidden_states=True).hidden_states[1:]
        with torch.no_grad():
            level = encoder(level_values, attention_mask=mask, output_hidden_states=True).hidden_states[1:]
        encoder.train()
        loss = loss + self.pitch_penalty * deafness.change(hidden, level, n_frames).mean()
        return (loss, outputs) if return_outputs else loss

    def training_step(self, *args, **kwargs) -> torch.Tensor:
        loss = super().training_step(*args, **kwargs)
        if not torch.isfinite(loss):
            last = get_last_checkpoint(str(self.work))
            kept = f"the last good checkpoint is {last}" if last else "no checkpoint had been reached"
            raise TonespanError(
                f"the loss is not a finite number at step {self.state.global_step}; {kept}; "
                "lower finetune.learning_rate or look at the audio"
            )
        return loss


def train(
    model: PreTrainedModel,
    examples: Sequence[Example],
    collate: Collate,
    settings: Finetune,
    *,
    loss: Callable | None,
    head_rate: float,
    seed: int,
    work: Path,
    penalty: SpanPenalty | None = None,
    pitch_penalty: float | None = None,
) -> list[dict[str, float]]:
    """Fine-tune ``model`` in place for ``settings.steps`` updates; its loss curve as rows of step and loss.

    With a ``penalty``, the loss has what :mod:`.penalty` says added; with a ``pitch_penalty``, so many times what
    :mod:`.deafness` says, for which the examples bring ``level_features``.
    Checkpoints lie in ``work`` and are taken up again by the same training (start, examples, settings and seed); those
    of another go. The caller removes the folder when the result is stored. Raises TonespanError where a loss is not
    finite, naming the step and the last good checkpoint.
    """
    lengths = np.array([len(example.features) for example in examples])
    order = batches(lengths, settings.steps, settings.batch_size, seed=seed)
    items = [examples[i].as_item() for i in order]
    _claim(work, _identity(model, examples, settings, head_rate, seed, penalty, pitch_penalty))
    _mask_no_more_than(model, int(lengths[order].reshape(settings.steps, -1).max(axis=1).min()))
    heads.take_features(model)
    try:
        trainer = _FiniteTrainer(
            model=model, args=_arguments(settings, seed, work), data_collator=collate, train_dataset=items,
            compute_loss_func=loss, callbacks=[_Progress()], work=work,
            penalty=penalty, pitch_penalty=pitch_penalty, hop_ms=1000 * collate.hop / SAMPLE_RATE,
            optimizers=(_optimizer(model, settings.learning_rate, head_rate), None),
        )  # fmt: skip
        _quietly(trainer, _usable_checkpoint(work))
    finally:
        heads.take_waveforms(model)
    model.eval()
    return [{"step": row["step"], "loss": row["loss"]} for row in trainer.state.log_history if "loss" in row]


def _arguments(settings: Finetune, seed: int, work: Path) -> TrainingArguments:
    on_gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(work), max_steps=settings.steps, per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate, lr_scheduler_type="linear",
        warmup_steps=round(settings.warmup_share * settings.steps),
        save_steps=settings.checkpoint_every, save_total_limit=KEPT_CHECKPOINTS,
        logging_steps=min(CURVE_STEPS, settings.steps),
        logging_nan_inf_filter=False, bf16=on_gpu and torch.cuda.is_bf16_supported(), use_cpu=not on_gpu,
        train_sampling_strategy="sequential", remove_unused_columns=False,
        dataloader_pin_memory=on_gpu, report_to=[], disable_tqdm=True, seed=seed,
    )  # fmt: skip


def _optimizer(model: PreTrainedModel, rate: float, head_rate: float) -> torch.optim.AdamW:
    """A new linear head starts from nothing and may learn faster than the encoder; a deep one must not."""
    encoder = {id(weight) for weight in model.base_model.parameters()}
    groups: dict[tuple[float, float], list] = {}
    for weight in model.parameters():
        if weight.requires_grad:
            decay = WEIGHT_DECAY if weight.ndim > 1 else 0.0  # biases and norms do not decay
            groups.setdefault((rate if id(weight) in encoder else head_rate * rate, decay), []).append(weight)
    parts = [{"params": held, "lr": lr, "weight_decay": decay} for (lr, decay), held in groups.items()]
    return torch.optim.AdamW(parts, lr=rate, betas=BETAS, fused=True)  # one pass over the weights


def batches(lengths: Sequence[int], steps: int, batch_size: int, *, seed: int) -> np.ndarray:
    """Which example comes when: (steps * batch_size,), whole batches, every example once an epoch.

    Laid out in advance, so that a resumed training meets the batches it would have met. Utterances of like length
    share a batch, which spares padding; which lengths come together and when is random. Those that do not fill a batch
    come with the next epoch's.
    """
    rng, lengths, laid_out = np.random.default_rng(seed), np.asarray(lengths), []
    waiting = np.empty(0, dtype=int)
    while len(laid_out) < steps:
        waiting = np.concatenate([waiting, rng.permutation(len(lengths))])
        whole = len(waiting) - len(waiting) % batch_size
        now, waiting = waiting[:whole], waiting[whole:]  # what is left over waits for the next epoch
        pools = np.array_split(now, max(1, whole // (POOL_BATCHES * batch_size)))
        order = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
        parts = order.reshape(-1, batch_size)
        laid_out += [parts[i] for i in rng.permutation(len(parts))]
    return np.concatenate(laid_out[:steps])


def _quietly(trainer: Trainer, checkpoint: str | None) -> None:
    trainer.remove_callback(PrinterCallback)  # of every log row; the bar and the returned curve say it once
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        trainer.train(resume_from_checkpoint=checkpoint)
    finally:
        transformers_logging.set_verbosity(level)


def _identity(
    model: PreTrainedModel,
    examples: Sequence[Example],
    settings: Finetune,
    head_rate: float,
    seed: int,
    penalty: SpanPenalty | None,
    pitch_penalty: float | None = None,
) -> str:
    """A hash of all that decides where the training ends."""
    schedule = [
        settings.steps,
        settings.batch_size,
        settings.learning_rate,
        head_rate,
        settings.warmup_share,
        seed,
        *([penalty.weight, penalty.span_ms] if penalty else []),
        *([] if pitch_penalty is None else [pitch_penalty]),
    ]
    digest = hashlib.sha256(repr(schedule).encode())
    for name, weight in model.state_dict().items():
        digest.update(name.encode() + weight.cpu().contiguous().numpy().tobytes())
    for example in examples:
        digest.update(example.utterance_id.encode() + np.asarray(example.target).tobytes())
        digest.update(np.ascontiguousarray(example.features))
        if example.level_features is not None:
            digest.update(np.ascontiguousarray(example.level_features))
    return digest.hexdigest()


def _claim(work: Path, identity: str) -> None:
    """Empty ``work`` of what another training left there."""
    owner = work / "training.sha256"
    if not owner.is_file() or owner.read_text(encoding="utf-8") != identity:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        owner.write_text(identity, encoding="utf-8")


def _mask_no_more_than(model: PreTrainedModel, n_frames: int) -> None:
    """Masks of transformers' SpecAugment may not be longer than a batch: clips of 200 ms have 9 frames, a mask 10."""
    model.config.mask_time_length = min(model.config.mask_time_length, n_frames)


def _usable_checkpoint(work: Path) -> str | None:
    """The newest complete checkpoint; one whose last-written file is missing or broken was cut short and goes."""
    while last := get_last_checkpoint(str(work)):
        try:
            TrainerState.load_from_json(str(Path(last) / "trainer_state.json"))
            return last
        except (OSError, ValueError):
            shutil.rmtree(last)
    return None


@torch.no_grad()
def predict(
    model: PreTrainedModel, examples: Sequence[Example], collate: Collate, pick: Callable, *, batch_size: int
) -> list[np.ndarray]:
    """``pick(outputs)`` of each example, in order: frames cut to the example's own, or one vector."""
    outputs_of: list[np.ndarray | None] = [None] * len(examples)
    order = np.argsort([len(example.features) for example in examples], kind="stable")
    heads.take_features(model.eval())
    try:
        for start in tqdm(range(0, len(order), batch_size), desc="predicting", unit="batch", mininterval=2):
            rows = order[start : start + batch_size]
            batch = collate([examples[row].as_item() for row in rows])
            outputs = model(*(batch[name].to(model.device) for name in ("input_values", "attention_mask")))
            for row, values in zip(rows, pick(outputs).float().cpu().numpy(), strict=True):
                outputs_of[row] = values[: len(examples[row].features)] if values.ndim == 2 else values
    finally:
        heads.take_waveforms(model)
    return outputs_of


def final_loss(curve: Sequence[dict[str, float]]) -> float:
    """The mean loss over the last tenth of the curve; nan where there is none."""
    tail = [row["loss"] for row in curve[-max(1, len(curve) // 10) :]]
    return float(np.mean(tail)) if tail else math.nan
