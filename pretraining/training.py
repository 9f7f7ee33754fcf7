"""The loop of one stage: learning rate, checkpoints that hold everything, curves, and the exported encoder."""

from __future__ import annotations

import copy
import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2Model

from pretraining.model import LOSS_WEIGHT, Batches, Heads, contour_scale, losses, span_mask
from pretraining.monitor import probe_f1
from pretraining.spectra import n_frames
from pretraining.units import LayerUnits, SpectralUnits
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.errors import TonespanError

MASK_SHARE, MASK_SPAN = 0.35, 5  # frames: 100 ms; wider masks hide whole tones, which no context can give back
WARM_UP_STEPS, FALL = 200, 0.25
FITTING_BATCHES = 150  # that the clusters are found in
FOR_FINE_TUNING = {"apply_spec_augment": False}  # some hundred updates learn faster from speech that is whole


@dataclass(frozen=True)
class Schedule:
    """Steps in all, and the learning rate's course: a short rise, a plateau, a fall to 0 over the last ``FALL``.

    The plateau needs no end in sight: a run that is resumed with more steps goes on as if it had been planned so.
    """

    steps: int
    peak_rate: float

    def rate(self, step: int) -> float:
        left = (self.steps - step) / max(1.0, FALL * self.steps)
        return self.peak_rate * min(1.0, (step + 1) / WARM_UP_STEPS, max(0.0, left))


class Trainer:
    """Encoder, heads, units, optimiser and data, whose whole state goes into one file and comes back from it."""

    def __init__(self, model: Wav2Vec2Model, units: SpectralUnits | LayerUnits, batches: Batches, *, seed: int) -> None:
        """Train ``model`` to predict ``units``, whose clusters are found in the first batches."""
        self.model, self.units, self.batches = model.train(), units.eval(), batches
        torch.manual_seed(seed)
        self.heads = Heads(model.config, n_books=units.n_books, contour_ms=batches.contour_ms)
        self.parameters = [*self.model.parameters(), *self.heads.parameters()]
        self.optimizer = torch.optim.AdamW(self.parameters, betas=(0.9, 0.98), weight_decay=0.01)
        self.rng = np.random.default_rng(seed)
        self.frames = n_frames(batches.crops.n_samples)
        speech = [batches.draw() for _ in range(FITTING_BATCHES)]
        units.fit([batch.clean for batch in speech], seed=seed)
        self.scale = None if batches.contour_ms is None else contour_scale(speech)
        self.done, self.seconds = 0, 0.0

    def step(self, rate: float) -> dict[str, float]:
        """One update; the parts of its loss. Raises TonespanError where the loss is not finite."""
        began = time.monotonic()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        mask = span_mask(self.batches.n_crops, self.frames, share=MASK_SHARE, span=MASK_SPAN, rng=self.rng)
        parts = losses(self.model, self.heads, self.batches.draw(), self.units, self.scale, mask)
        loss = sum(LOSS_WEIGHT[name] * part for name, part in parts.items())
        if not torch.isfinite(loss):
            raise TonespanError(f"the loss is not finite at step {self.done}; the last checkpoint is kept")
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.done += 1
        self.seconds += time.monotonic() - began
        return {name: part.item() for name, part in parts.items()}

    @property
    def hours(self) -> float:
        """Hours of speech seen so far in this stage."""
        return self.done * self.batches.n_crops * self.batches.crops.n_samples / SAMPLE_RATE / 3600

    def save(self, path: Path) -> None:
        """Everything the run needs to go on, in one file that is whole or absent."""
        state = {
            "model": self.model.state_dict(),
            "heads": self.heads.state_dict(),
            "units": self.units.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scale": self.scale,
            "random": [json.dumps(rng.bit_generator.state) for rng in (self.rng, self.batches.crops.rng)],
            "generator": self.batches.generator.get_state(),
            "done": self.done,
            "seconds": self.seconds,
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, path)

    def load(self, path: Path) -> None:
        """Go on from what :meth:`save` wrote."""
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.heads.load_state_dict(state["heads"])
        self.units.load_state_dict(state["units"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scale = state["scale"]
        for rng, stored in zip((self.rng, self.batches.crops.rng), state["random"], strict=True):
            rng.bit_generator.state = json.loads(stored)
        self.batches.generator.set_state(state["generator"])
        self.done, self.seconds = state["done"], state["seconds"]


def export(model: Wav2Vec2Model, folder: Path) -> None:
    """The encoder as a Hugging Face checkpoint; each file is replaced in one move."""
    partial = folder / ".partial"
    exported = copy.deepcopy(model)
    exported.config.update(FOR_FINE_TUNING)
    exported.save_pretrained(partial)
    Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True).save_pretrained(partial)
    for path in partial.iterdir():
        path.chmod(0o644)
        os.replace(path, folder / path.name)
    partial.rmdir()


def run(
    trainer: Trainer, schedule: Schedule, monitors: dict[str, Corpus], *, every: int, stage: str, path: Path
) -> None:
    """Train to the end of the schedule; every ``every`` steps store ``path`` and add a row to the curves beside it.

    The weights after the last step are the ones that stay. Long work reports to the terminal as it goes.
    """
    mean: dict[str, float] = {}
    if trainer.done == 0:
        _report(trainer, mean, monitors, stage=stage, path=path)
    while trainer.done < schedule.steps:
        for name, part in trainer.step(schedule.rate(trainer.done)).items():
            mean[name] = 0.98 * mean.get(name, part) + 0.02 * part
        if trainer.done % 50 == 0:
            shown = " ".join(f"{name} {value:.3f}" for name, value in mean.items())
            print(f"step {trainer.done} of {schedule.steps}, {trainer.seconds:.0f} s: {shown}", flush=True)
        if trainer.done % every == 0 or trainer.done == schedule.steps:
            _report(trainer, mean, monitors, stage=stage, path=path)
            trainer.save(path)


def curves_path(checkpoint: Path) -> Path:
    """The curves of the stage that a checkpoint belongs to."""
    return checkpoint.with_suffix(".curves.csv")


def _report(trainer: Trainer, mean: dict[str, float], monitors: dict[str, Corpus], *, stage: str, path: Path) -> None:
    """Print the probes' F1, and add it with the losses to the curves."""
    row: dict[str, float | str] = {
        "stage": stage,
        "step": trainer.done,
        "hours": round(trainer.hours, 3),
        "seconds": round(trainer.seconds),
    }
    row |= {f"loss_{name}": round(mean.get(name, math.nan), 4) for name in LOSS_WEIGHT}
    for name, corpus in monitors.items():
        f1 = probe_f1(trainer.model, corpus)
        row |= {f"f1_{name}_{layer}": round(value, 4) for layer, value in f1.items()}
        best = max(f1, key=f1.__getitem__)
        print(f"step {trainer.done}: {name} macro-F1 {f1[best]:.3f} in layer {best}", flush=True)
    _add_to_curves(curves_path(path), row)


def _add_to_curves(path: Path, row: dict[str, float | str]) -> None:
    """Add a row; rows from this step on, of a run that was stopped before its checkpoint, give way to it."""
    before = pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=list(row))
    kept = before[before["step"] < row["step"]].to_dict("records")
    partial = path.with_suffix(".partial")
    pd.DataFrame([*kept, row]).to_csv(partial, index=False)
    os.replace(partial, path)
