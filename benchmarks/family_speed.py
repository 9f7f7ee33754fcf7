"""Gradients of all layers, three families at their published base width: ours, Captum, and plain autograd in a batch.

The plain ways run Hugging Face's own model: Captum once per layer; autograd once up with a graph and once down with
the logits of all layers as a batch of cotangents (``is_grads_batched``). Random weights, one token in the middle of a
second of noise, one thread, CPU seconds, ways in turns. Part of ``make benchmark``; ``python
benchmarks/family_speed.py`` prints this part alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from captum.attr import Saliency
from threadpoolctl import threadpool_limits
from torch import Tensor
from transformers import PreTrainedConfig, Wav2Vec2Config, WavLMConfig, WhisperConfig

from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.encoders.families import FAMILIES
from tonespan_utils.encoders.whisper import WhisperEncoder, with_canvas
from tonespan_utils.instrument import gradients
from tonespan_utils.statistics.classifier import LinearClassifier

N_LAYERS, SECONDS, ROUNDS, CANVAS_S = 6, 1.0, 3, 2.0  # the cost of a block is the same in each
CENTER_S, TONES = 0.5, ("a", "b", "c", "d", "e")
BASE = {"num_hidden_layers": N_LAYERS, "hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
WHISPER = {"encoder_layers": N_LAYERS, "d_model": 512, "encoder_attention_heads": 8, "encoder_ffn_dim": 2048}
CONFIGURATIONS: dict[str, PreTrainedConfig] = {
    "wav2vec2": Wav2Vec2Config(**BASE),
    "wavlm": WavLMConfig(**BASE),
    "whisper": WhisperConfig(**WHISPER),
}


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def random_encoder(family: str) -> Encoder:
    """An encoder of a family with random weights; Whisper on a canvas of CANVAS_S."""
    torch.manual_seed(0)
    named = FAMILIES[family]
    model = named.model(CONFIGURATIONS[family]).eval().requires_grad_(False)
    encoder = named.encoder(model, family, "random", scale_input=family != "whisper")
    return with_canvas(encoder, CANVAS_S if family == "whisper" else None)


def random_probes(encoder: Encoder) -> dict[str, LinearClassifier]:
    rng, width = np.random.default_rng(0), encoder.model.config.hidden_size
    layers = [layer for layer in encoder.layers if layer not in ("cnn", "final")]
    return {
        layer: LinearClassifier(TONES, rng.normal(size=(len(TONES), width)), np.zeros(len(TONES))) for layer in layers
    }


def hidden_states(encoder: Encoder, waveform: Tensor) -> dict[str, Tensor]:
    """Layers ``0`` and up: Hugging Face's own, but for Whisper's canvas, which its model refuses when it is short."""
    if isinstance(encoder, WhisperEncoder):
        return encoder.forward(waveform)
    states = encoder.model(waveform, output_hidden_states=True).hidden_states
    return {str(number): state for number, state in enumerate(states)}


def by_captum(encoder: Encoder, probes: dict[str, LinearClassifier], samples: np.ndarray) -> dict[str, np.ndarray]:
    """The gradient of the first tone's logit: layer -> (samples,), one pass up and down per layer."""
    frame, attributed = encoder.frame_at(CENTER_S, samples.size), {}
    for layer, probe in probes.items():
        weight = torch.as_tensor(probe.weight, dtype=torch.float32)

        def logits(waveform: Tensor, layer: str = layer, weight: Tensor = weight) -> Tensor:
            return hidden_states(encoder, waveform)[layer][:, frame] @ weight.T

        source = encoder.prepare(samples).requires_grad_(True)
        attributed[layer] = Saliency(logits).attribute(source, target=0, abs=False)[0].detach().numpy()
    return attributed


def by_batched_autograd(
    encoder: Encoder, probes: dict[str, LinearClassifier], samples: np.ndarray
) -> dict[str, np.ndarray]:
    """The same with one pass up and one batched pass down for all layers."""
    frame, source = encoder.frame_at(CENTER_S, samples.size), encoder.prepare(samples).requires_grad_(True)
    states = hidden_states(encoder, source)
    logits = torch.stack([
        states[layer][0, frame] @ torch.as_tensor(probe.weight[0], dtype=torch.float32)
        for layer, probe in probes.items()
    ])  # fmt: skip
    (slopes,) = torch.autograd.grad(logits, source, torch.eye(len(logits)), is_grads_batched=True)
    return dict(zip(probes, slopes[:, 0].numpy(), strict=True))


def relative_error(computed: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(computed - expected) / np.linalg.norm(expected))


def of_family(family: str) -> dict[str, float | str]:
    """Ratios and errors of one family."""
    encoder, samples = random_encoder(family), np.random.default_rng(0).normal(0, 0.1, round(SECONDS * 16_000))
    probes, samples = random_probes(encoder), samples.astype(np.float32)
    ways: dict[str, Callable[[], dict[str, np.ndarray]]] = {
        "ours": lambda: {
            layer: by_token[0]
            for layer, by_token in gradients.input_gradients(encoder, probes, samples, [CENTER_S], ["a"]).items()
        },
        "captum": lambda: by_captum(encoder, probes, samples),
        "batched": lambda: by_batched_autograd(encoder, probes, samples),
    }
    computed = {name: way() for name, way in ways.items()}  # once, to warm up and to compare
    spent = {name: median(times) for name, times in zip(ways, _in_turns(list(ways.values())), strict=True)}
    errors = [
        relative_error(computed["ours"][layer], computed[way][layer])
        for way in ("captum", "batched")
        for layer in probes
    ]
    return {
        "ratio_to_captum": spent["captum"] / spent["ours"],
        "ratio_to_batched_autograd": spent["batched"] / spent["ours"],
        "relative_error": max(errors),
        "ours_s": spent["ours"],
        "note": f"layers 0 to {N_LAYERS} at base width, one token in {SECONDS:g} s, one thread, median of {ROUNDS}"
        + (f", canvas of {CANVAS_S:g} s" if family == "whisper" else ""),
    }


def _in_turns(ways: list[Callable[[], object]]) -> list[list[float]]:
    """CPU seconds of each way: (way, round), the ways taking turns."""
    return [list(times) for times in zip(*([cpu_s(way) for way in ways] for _ in range(ROUNDS)), strict=True)]


def benchmark() -> dict[str, dict[str, float | str]]:
    """Every family's ratios and errors."""
    return {family: of_family(family) for family in CONFIGURATIONS}


def main() -> None:
    """Print them."""
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for family, numbers in benchmark().items():
            print(family, ", ".join(f"{key} {value:.3g}" for key, value in numbers.items() if key != "note"))


if __name__ == "__main__":
    main()
