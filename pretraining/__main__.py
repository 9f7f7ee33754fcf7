"""The command: python -m pretraining --help"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path

import torch

from pretraining import training
from pretraining.banks import open_banks
from pretraining.crops import Crops
from pretraining.model import Batches, new_encoder
from pretraining.monitor import monitor_corpora
from pretraining.training import STAGES, Schedule, Stage, Trainer
from pretraining.warps import fit_warps
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.profile import ROOT


def main() -> None:
    """Train stage after stage; what is done is not done again."""
    parser = argparse.ArgumentParser(prog="pretraining", description="Pre-train tonespan-mini without labels.")
    steps = [stage.steps for stage in STAGES]
    parser.add_argument("--steps", type=int, nargs=len(STAGES), default=steps, help="updates of each stage")
    parser.add_argument("--crop-s", type=float, default=1.2, help="seconds per crop")
    parser.add_argument("--minutes", type=float, default=60.0, help="synthetic speech per language and cast")
    parser.add_argument("--every", type=int, default=1500, help="steps between probes, checkpoints and exports")
    parser.add_argument("--seed", type=int, default=71)
    parser.add_argument("--recordings", type=Path, default=ROOT.parent / "shared" / "data" / "speech")
    parser.add_argument("--out", type=Path, default=ROOT / "models" / "tonespan-mini", help="where the weights go")
    parser.add_argument("--work", type=Path, default=ROOT / "data" / "pretrain", help="clips and checkpoints")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for folder in (options.work, options.out):
        folder.mkdir(parents=True, exist_ok=True)
    before = None
    for number, (stage, steps) in enumerate(zip(STAGES, options.steps, strict=True)):
        stage = replace(stage, steps=steps)
        checkpoint = options.work / f"checkpoint-{stage.name}.pt"
        _train(stage, checkpoint, options, seed=options.seed + number, before=before)
        before = checkpoint


def _train(stage: Stage, checkpoint: Path, options: argparse.Namespace, *, seed: int, before: Path | None) -> None:
    """One stage, from the checkpoint of the one before or from nothing, gone on with where it was stopped."""
    crops = _crops(stage, options, seed=seed)
    model = None
    if before is not None:
        model = new_encoder(options.seed)
        model.load_state_dict(torch.load(before, weights_only=True)["model"])
    batches = Batches(crops, n_crops=stage.n_crops, seed=seed, warped=stage.warped)
    trainer = Trainer(batches, seed=seed, n_units=stage.n_units, model=model)
    if checkpoint.is_file():
        trainer.load(checkpoint)
        print(f"stage {stage.name}: going on from step {trainer.done}", flush=True)
    if trainer.done >= stage.steps:
        return
    monitors = monitor_corpora(options.recordings, options.work / "audio")
    schedule = Schedule(stage.steps, stage.peak_rate)
    training.run(trainer, schedule, monitors, every=options.every, stage=stage.name, out=options.out, path=checkpoint)


def _crops(stage: Stage, options: argparse.Namespace, *, seed: int) -> Crops:
    banks = open_banks(
        options.work, recordings_root=options.recordings, minutes=options.minutes, seed=options.seed, wide=stage.warped
    )
    crops = Crops(banks, crop_s=options.crop_s, seed=seed)
    if stage.warped:
        path = options.work / "warps.json"
        if not path.is_file():
            print("fitting a warp to each voice ...", flush=True)
            path.write_text(json.dumps(fit_warps(Crops(banks, crop_s=options.crop_s, seed=seed), seed=seed)))
        crops.warps = json.loads(path.read_text())
    return crops


if __name__ == "__main__":
    try:
        main()
    except TonespanError as error:
        raise SystemExit(f"error: {error}") from None
