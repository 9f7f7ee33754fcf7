"""The command: python -m pretraining --help"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pandas as pd
import torch
from transformers import Wav2Vec2Model

from pretraining import training
from pretraining.banks import open_banks
from pretraining.crops import Crops
from pretraining.model import Batches, new_encoder
from pretraining.monitor import monitor_corpora
from pretraining.objectives import OBJECTIVES, Stage
from pretraining.training import Schedule, Trainer
from pretraining.units import LayerUnits, SpectralUnits
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.profile import ROOT


def main() -> None:
    """Train the encoders of the objectives named, stage after stage; what is done is not done again."""
    parser = argparse.ArgumentParser(prog="pretraining", description="Pre-train the small encoders without labels.")
    parser.add_argument(
        "--objective", nargs="+", choices=OBJECTIVES, default=list(OBJECTIVES), help="default: each of them"
    )
    parser.add_argument("--crops", type=int, default=4, help="crops of one update")
    parser.add_argument("--crop-s", type=float, default=1.2, help="seconds per crop")
    parser.add_argument("--minutes", type=float, default=15.0, help="synthetic speech per language and cast")
    parser.add_argument("--every", type=int, default=1000, help="updates between probes and checkpoints")
    parser.add_argument("--seed", type=int, default=91)
    parser.add_argument("--recordings", type=Path, default=ROOT.parent / "shared" / "data" / "speech")
    parser.add_argument("--out", type=Path, default=ROOT / "models", help="where folders of weights go")
    parser.add_argument("--work", type=Path, default=ROOT / "data" / "pretrain", help="clips and checkpoints")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    for objective in options.objective:
        model = None
        for number, stage in enumerate(OBJECTIVES[objective]):
            model = _train(stage, options, seed=options.seed + number, before=model)
        _ship(model, OBJECTIVES[objective], options.work, options.out / f"tonespan-{objective}")


def _checkpoint(work: Path, stage: Stage) -> Path:
    return work / f"{stage.name}.pt"


def _train(stage: Stage, options: argparse.Namespace, *, seed: int, before: Wav2Vec2Model | None) -> Wav2Vec2Model:
    """The encoder after a stage, which goes on from that of the stage before, or from where it was stopped."""
    path = _checkpoint(options.work, stage)
    model = new_encoder(options.seed)
    if before is not None:
        model.load_state_dict(before.state_dict())
    if _steps_done(path) >= stage.steps:
        model.load_state_dict(torch.load(path, weights_only=True)["model"])
        return model
    banks = open_banks(
        options.work / "pool", recordings_root=options.recordings, minutes=options.minutes, seed=options.seed
    )
    crops = Crops(banks, crop_s=options.crop_s, seed=seed)
    batches = Batches(crops, n_crops=options.crops, seed=seed, contour_ms=stage.contour_ms)
    trainer = Trainer(model, SpectralUnits() if before is None else LayerUnits(before), batches, seed=seed)
    if path.is_file():
        trainer.load(path)
    print(f"stage {stage.name}: from step {trainer.done}", flush=True)
    monitors = monitor_corpora(options.recordings, options.work / "audio")
    schedule = Schedule(stage.steps, stage.peak_rate)
    training.run(trainer, schedule, monitors, every=options.every, stage=stage.name, path=path)
    return trainer.model


def _steps_done(path: Path) -> int:
    return torch.load(path, weights_only=True)["done"] if path.is_file() else 0


def _ship(model: Wav2Vec2Model, stages: tuple[Stage, ...], work: Path, folder: Path) -> None:
    """Weights, configuration and the curves of all stages into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    training.export(model, folder)
    curves = [pd.read_csv(training.curves_path(_checkpoint(work, stage))) for stage in stages]
    pd.concat(curves).to_csv(folder / "curves.csv", index=False)
    print(f"{folder}: written", flush=True)


if __name__ == "__main__":
    try:
        main()
    except TonespanError as error:
        raise SystemExit(f"error: {error}") from None
