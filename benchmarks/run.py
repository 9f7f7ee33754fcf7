"""Speed against the plain way of doing the same, in one process, in turns; prints ratios and writes results.json.

Times are of this process alone on one thread (CPU seconds), medians over rounds in which the ways take turns, so that a
machine whose speed drifts slows both. Accuracy stands beside every speed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tonespan_utils import classify, encoders, gradients
from tonespan_utils.classify import LinearClassifier
from tonespan_utils.params import ROOT

ROUNDS = 3
RESULTS = Path(__file__).with_name("results.json")


def in_turns(ours: Callable[[], object], plain: Callable[[], object]) -> tuple[float, float]:
    """Median CPU seconds of both after one warm-up of each."""
    spent = {ours: [], plain: []}
    for number in range(ROUNDS + 1):
        for way, times in spent.items():
            start = time.process_time()
            way()
            if number:
                times.append(time.process_time() - start)
    return median(spent[ours]), median(spent[plain])


def plain_gradients(encoder, probes, samples, center_s, tone) -> dict[str, np.ndarray]:
    """A forward and a backward pass per layer, straight from the definition."""
    found = {}
    for layer, probe in probes.items():
        source = encoder.prepare(samples).clone().requires_grad_(True)
        hidden = encoder.forward(source)[layer][0, encoder.frame_at(center_s, samples.size)]
        logit = hidden @ torch.as_tensor(probe.weight[probe.classes.index(tone)], dtype=hidden.dtype)
        (gradient,) = torch.autograd.grad(logit, source)
        found[layer] = gradient.numpy()
    return found


def benchmark_gradients() -> dict[str, float]:
    """All layers of the shipped encoder, one token in 3 s of speech-shaped noise, energy within +-500 ms."""
    encoder = encoders.load(ROOT / "models" / "tonespan-mini")
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 0.1, 48_000).astype(np.float32)
    widths = {layer: encoder.model.config.hidden_size for layer in encoder.layers}
    widths["cnn"] = encoder.model.config.conv_dim[-1]
    probes = {k: LinearClassifier(("a", "b"), rng.normal(size=(2, n)), np.zeros(2)) for k, n in widths.items()}
    ours = lambda: gradients.input_gradients(encoder, probes, samples, [1.5], ["a"], reach_s=0.5)  # noqa: E731
    plain = lambda: plain_gradients(encoder, probes, samples, 1.5, "a")  # noqa: E731
    inside = slice(16_000, 32_000)
    fast, slow = ours(), plain()
    error = max(
        np.linalg.norm(fast[k][0, inside] - slow[k][0, inside]) / np.linalg.norm(slow[k][0, inside]) for k in probes
    )
    ours_s, plain_s = in_turns(ours, plain)
    return {"ratio": plain_s / ours_s, "ours_s": ours_s, "plain_s": plain_s, "relative_error": float(error)}


def benchmark_classifier() -> dict[str, float]:
    """One fit of the sweep's size against scikit-learn's plain pipeline at its defaults."""
    rng = np.random.default_rng(0)
    labels = rng.integers(5, size=1500)
    features = rng.normal(size=(1500, 1600)).astype(np.float32)
    features[:, :50] += 0.4 * rng.normal(size=(5, 50)).astype(np.float32)[labels]
    train, test, names = slice(0, 1200), slice(1200, 1500), labels.astype(str)

    def plain():
        pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
        return pipeline.fit(features[train].astype(float), names[train])

    def ours():
        return classify.fit(features[train], names[train], regularisation_c=0.01)

    def score(model) -> float:
        counts = classify.confusion(names[test], model.predict(features[test]), np.unique(names))
        return float(classify.macro_f1(counts))

    ours_s, plain_s = in_turns(ours, plain)
    difference = abs(score(ours()) - score(plain()))
    return {"ratio": plain_s / ours_s, "ours_s": ours_s, "plain_s": plain_s, "f1_difference": difference}


def main() -> None:
    """Run every benchmark and write what they found."""
    torch.set_num_threads(1)
    results = {"gradients_vs_plain": benchmark_gradients(), "classifier_vs_sklearn": benchmark_classifier()}
    for name, found in results.items():
        print(name, ", ".join(f"{key} {value:.3g}" for key, value in found.items()))
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
