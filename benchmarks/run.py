"""Speed against the plain way of doing the same, in one process, in turns; prints ratios and writes results.json.

Times are of this process alone on one thread (CPU seconds), the ways taking turns, so that a machine whose speed drifts
slows both. Where the plain way would take an hour it is measured on the stated subset and scaled. Accuracy stands
beside every speed. ``make benchmark`` takes some minutes and 6 GB.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import explorer_speed
import family_speed
import numpy as np
import pandas as pd
import text_speed
import torch
from captum.attr import Saliency
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from transformers import Wav2Vec2Config, Wav2Vec2Model

from tonespan_utils.encoders import checkpoints
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.instrument import cue_width, gradients, probes
from tonespan_utils.params.profile import ROOT
from tonespan_utils.statistics import classifier, splits
from tonespan_utils.statistics.classifier import LinearClassifier

RESULTS = Path(__file__).with_name("results.json")
TONES = ("a", "b", "c", "d", "e")
N_TOKENS = 10_000
WINDOWS_MS, HOP_MS, N_BANDS = list(range(20, 301, 20)), 10.0, 80
PLAIN_WINDOWS_MS = [40, 100, 160, 220, 280]  # every third: their mean width is that of all fifteen
PLAIN_LAYERS = ["0", "6", "12", "18", "24"]  # evenly spaced: the cost of a layer is linear in its depth
C_BASELINE, C_PROBE = 0.1, 0.01
CONTROL_SEEDS = [0, 1, 2]

Numbers = dict[str, float | str]


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def gemm_gflops() -> float:
    """The best of a few large single-precision matrix products: billions of operations a second."""
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    return max(2 * 2048**3 / cpu_s(lambda: a @ b) / 1e9 for _ in range(5))


def random_probes(encoder: Encoder, layers: list[str]) -> dict[str, LinearClassifier]:
    rng = np.random.default_rng(0)
    widths = {layer: encoder.model.config.hidden_size for layer in layers} | {"cnn": encoder.model.config.conv_dim[-1]}
    return {k: LinearClassifier(TONES, rng.normal(size=(5, widths[k])), np.zeros(5)) for k in layers}


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * 16_000)).astype(np.float32)


def saliency(encoder: Encoder, probe: LinearClassifier, layer: str, samples: np.ndarray, center_s: float) -> np.ndarray:
    """Captum's gradient of the first tone's logit at one layer (samples,); parameters frozen, as ours are.

    Hugging Face's model runs to its top whichever layer is asked for, as it does for whoever calls it.
    """
    weight = torch.as_tensor(probe.weight, dtype=torch.float32)
    frame = encoder.frame_at(center_s, samples.size)

    def logits(waveform: torch.Tensor) -> torch.Tensor:
        if layer == "cnn":
            hidden = encoder.features(waveform)
        elif layer == "final":
            hidden = encoder.model(waveform).last_hidden_state
        else:
            hidden = encoder.model(waveform, output_hidden_states=True).hidden_states[int(layer)]
        return hidden[:, frame] @ weight.T

    source = encoder.prepare(samples).requires_grad_(True)
    return Saliency(logits).attribute(source, target=0, abs=False)[0].detach().numpy()


def relative_error(computed: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(computed - expected) / np.linalg.norm(expected))


def needed_gflop(encoder: Encoder, n_samples: int) -> float:
    """Operations (two a multiply-add) of the matrix products that gradients of layers 0 to L of one token need.

    One way up; each convolution and the positional one once per layer on the way down; each block once per layer above
    it. A layer's own block is counted as free, for its cotangent is zero but at one frame. Elementwise work is free.
    """
    c = encoder.model.config
    convolutions, length, width = 0, n_samples, 1
    for kernel, stride, out in zip(c.conv_kernel, c.conv_stride, c.conv_dim, strict=True):
        length = (length - kernel) // stride + 1
        convolutions += length * kernel * width * out
        width = out
    hidden, taps = c.hidden_size, np.arange(length)[:, None] - np.arange(length)
    in_reach = ((taps >= -(c.num_conv_pos_embeddings // 2)) & (taps < c.num_conv_pos_embeddings // 2)).sum()
    bottom = convolutions + length * width * hidden + in_reach * hidden**2 // c.num_conv_pos_embedding_groups
    maps = length * (4 * hidden**2 + 2 * hidden * c.intermediate_size)
    up, down = maps + 2 * length**2 * hidden, maps + 4 * length**2 * hidden
    n = c.num_hidden_layers
    return 2 * (bottom * (1 + n + 1) + n * up + n * (n - 1) // 2 * down) / 1e9


def benchmark_large() -> dict[str, Numbers]:
    """The shape of XLS-R 300M, random weights: layers 0 to 24 of one token in the middle of 1 s."""
    torch.manual_seed(0)
    shape = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
    config = Wav2Vec2Config(**shape, do_stable_layer_norm=True, feat_extract_norm="layer", conv_bias=True)
    encoder = Encoder(Wav2Vec2Model(config).eval().requires_grad_(False), "xlsr-shape", "random", scale_input=True)
    layers, samples = [str(n) for n in range(25)], noise(1.0)
    drawn = random_probes(encoder, layers)
    ours = lambda: gradients.input_gradients(encoder, drawn, samples, [0.5], ["a"])  # noqa: E731
    gradient = ours()
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # before Captum adds its own
    ours_s, plain_s, errors, gflops = [], {}, [], [gemm_gflops()]
    for layer in PLAIN_LAYERS:
        expected = []
        plain = partial(saliency, encoder, drawn[layer], layer, samples, 0.5)
        plain_s[layer] = cpu_s(lambda plain=plain: expected.append(plain()))  # noqa: B023
        errors.append(relative_error(gradient[layer][0], expected[0]))
        ours_s.append(cpu_s(ours))
        gflops.append(gemm_gflops())
    captum_s = len(layers) * float(np.mean(list(plain_s.values())))
    gflop = needed_gflop(encoder, samples.size)
    return {
        "gradients_by_tokens": benchmark_tokens(encoder, drawn),
        "gradients_vs_captum": {
            "ratio": captum_s / median(ours_s),
            "ratio_at_floor": captum_s * max(gflops) / gflop,  # no exact single-precision way can be faster
            "ours_s": median(ours_s),
            "captum_s": captum_s,
            "relative_error": max(errors),
            "note": f"25 layers, 1 s, 1 token, 1 thread; Captum on layers {', '.join(PLAIN_LAYERS)}, scaled to 25",
        },
        "gradients_floor_fraction": {
            "value": gflop / max(gflops) / median(ours_s),
            "needed_gflop": gflop,
            "gemm_gflops": max(gflops),
            "note": "needed matrix products (needed_gflop in run.py) at the best 2048^3 product rate of this run",
        },
        "gradients_peak_gib": {"value": peak_gib, "note": "peak resident memory of the process, weights included"},
    }


def benchmark_tokens(encoder: Encoder, drawn: dict[str, LinearClassifier]) -> Numbers:
    """CPU seconds of 1, 2 and 4 tokens in one clip of 1 s, and of 4 clips with a token each, together and alone."""
    clips, centers = np.stack([noise(1.0, seed=i) for i in range(4)]), [0.35, 0.45, 0.55, 0.65]
    measured = partial(gradients.input_gradients, encoder, drawn)
    four = (clips, [[center] for center in centers], [["a"]] * 4)
    ways = {f"tokens_{n}_s": partial(measured, clips[0], centers[:n], ["a"] * n) for n in (1, 2, 4)}
    ways["clips_together_s"] = partial(measured, *four)
    ways["clips_alone_s"] = lambda: [measured(*clip) for clip in zip(*four, strict=True)]
    spent = [{name: cpu_s(way) for name, way in ways.items()} for _ in range(2)]
    return {name: min(seconds[name] for seconds in spent) for name in ways} | {
        "note": "25 layers of the XLS-R shape, 1 s clips, 1 thread, the faster of two runs"
    }


def benchmark_small() -> Numbers:
    """All layers of the shipped encoder, two tokens in 3 s, energy within +-500 ms, against Captum per layer."""
    encoder = checkpoints.load(ROOT / "models" / "tonespan-units")
    samples, centers = noise(3.0), [1.2, 1.7]
    drawn = random_probes(encoder, encoder.layers)
    ours = lambda: gradients.input_gradients(encoder, drawn, samples, centers, ["a", "a"], reach_s=0.5)  # noqa: E731
    plain = lambda: {  # noqa: E731
        layer: [saliency(encoder, probe, layer, samples, c) for c in centers] for layer, probe in drawn.items()
    }
    gradient, expected = ours(), plain()
    inside = [slice(round(16_000 * (c - 0.5)), round(16_000 * (c + 0.5))) for c in centers]
    errors = [relative_error(gradient[k][t, s], expected[k][t][s]) for k in drawn for t, s in enumerate(inside)]
    spent = np.median([[cpu_s(ours), cpu_s(plain)] for _ in range(5)], axis=0)
    return {"ratio": spent[1] / spent[0], "ours_s": spent[0], "captum_s": spent[1], "relative_error": max(errors)}


def tokens_like_speech() -> tuple[np.ndarray, pd.DataFrame]:
    """Correlated log-Mel-like features (token, frame, band) with a weak tone cue in 100 ms, and their tokens."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(N_TOKENS, 30, N_BANDS)).astype(np.float32)
    for frame in range(1, 30):
        features[:, frame] = 0.8 * features[:, frame - 1] + 0.6 * features[:, frame]
    for band in range(1, N_BANDS):
        features[:, :, band] = 0.9 * features[:, :, band - 1] + 0.44 * features[:, :, band]
    code = rng.integers(5, size=N_TOKENS)
    features[:, 10:20] += 0.02 * rng.normal(size=(5, 10, N_BANDS)).astype(np.float32)[code]
    utterance = (np.arange(N_TOKENS) // 5).astype(str)
    split = np.where(np.arange(N_TOKENS) < 0.8 * N_TOKENS, "train", "test")
    ipa = rng.integers(300, size=N_TOKENS).astype(str)
    columns = {"utterance_id": utterance, "sentence_id": utterance, "speaker": "", "split": split, "ipa": ipa}
    return features, pd.DataFrame(columns | {"tone": np.array(TONES)[code]})


def score(reference: np.ndarray, predicted: np.ndarray) -> float:
    return float(classifier.macro_f1(classifier.confusion(reference, predicted, np.array(TONES))))


def plain_fit(features: np.ndarray, labels: np.ndarray, regularisation_c: float):
    """scikit-learn's own way at its defaults, but for enough iterations; in the precision of the features."""
    model = LogisticRegression(C=regularisation_c, max_iter=1000)
    return make_pipeline(StandardScaler(), model).fit(features, labels)


def benchmark_baseline() -> Numbers:
    """15 windows and 5 folds of 10,000 tokens; scikit-learn on every third window of one fold, scaled."""
    features, tokens = tokens_like_speech()
    tone, swept = tokens["tone"].to_numpy(dtype=str), []
    settings = {"windows_ms": WINDOWS_MS, "hop_ms": HOP_MS, "regularisation_c": C_BASELINE, "n_folds": 5, "seed": 0}
    ours_s = cpu_s(lambda: swept.append(cue_width.sweep(features, tokens, **settings)))
    train, test = next(splits.folds(tokens, n_folds=5, seed=0))
    differences, plain_s, double_s = [], [], []
    for window_ms in PLAIN_WINDOWS_MS:
        half = window_ms // 20
        inputs, fitted = features[:, 15 - half : 15 + half].reshape(N_TOKENS, -1), []
        plain_s.append(cpu_s(lambda: fitted.append(plain_fit(inputs[train], tone[train], C_BASELINE))))  # noqa: B023
        double_s.append(cpu_s(lambda: plain_fit(inputs[train].astype(float), tone[train], C_BASELINE)))  # noqa: B023
        ours = swept[0].predicted[WINDOWS_MS.index(window_ms), test]
        differences.append(abs(score(tone[test], ours) - score(tone[test], fitted[0].predict(inputs[test]))))
    n_fits = 5 * len(WINDOWS_MS)
    return {
        "ratio": n_fits * float(np.mean(plain_s)) / ours_s,
        "ratio_to_double_precision": n_fits * float(np.mean(double_s)) / ours_s,
        "ours_s": ours_s,
        "sklearn_s": n_fits * float(np.mean(plain_s)),
        "f1_difference": max(differences),
        "note": f"10,000 tokens, 80 bands; scikit-learn on windows {PLAIN_WINDOWS_MS} ms of one fold, scaled",
    }


def benchmark_probes() -> Numbers:
    """Probe and three control tasks of 25 layers, 10,000 tokens x 1,024; two layers measured on both sides, scaled."""
    _, tokens = tokens_like_speech()
    train, test = splits.train_test(tokens)
    tone = tokens["tone"].to_numpy(dtype=str)
    settings = {"control_seeds": CONTROL_SEEDS, "n_resamples": 1000, "level": 0.95, "seed": 0}
    ours_s, plain_s, differences = [], [], []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        vectors = rng.normal(size=(N_TOKENS, 1024)) @ (
            rng.normal(size=(1024, 1024)) / np.arange(1, 1025)[:, None] ** 0.5
        )
        cue = rng.normal(size=(5, 1024)) * vectors.std()
        vectors = (vectors + 0.05 * cue[np.searchsorted(TONES, tone)]).astype(np.float32)
        results, fitted = [], []
        ours_s.append(
            cpu_s(lambda: results.append(probes.probe_layer(vectors, tokens, regularisation_c=C_PROBE, **settings)))  # noqa: B023
        )
        drawn = [tone, *(probes.control_labels(tokens, seed=s) for s in CONTROL_SEEDS)]
        plain_s.append(
            cpu_s(lambda: fitted.extend(plain_fit(vectors[train], labels[train], C_PROBE) for labels in drawn))  # noqa: B023
        )
        plain_f1 = [score(y[test], model.predict(vectors[test])) for y, model in zip(drawn, fitted, strict=True)]
        differences += [abs(results[0].macro_f1 - plain_f1[0]), abs(results[0].control_f1 - np.mean(plain_f1[1:]))]
    return {
        "ratio": sum(plain_s) / sum(ours_s),
        "ours_s": 25 * float(np.mean(ours_s)),
        "sklearn_s": 25 * float(np.mean(plain_s)),
        "f1_difference": float(max(differences)),
        "note": "probe and three control tasks a layer, 10,000 x 1,024; two layers measured, scaled to 25",
    }


def main() -> None:
    """Run every benchmark and write its numbers."""
    torch.set_num_threads(1)
    with threadpool_limits(1):
        results = benchmark_large()
        results["gradients_small_vs_captum"] = benchmark_small()
        results |= {f"gradients_of_{family}": numbers for family, numbers in family_speed.benchmark().items()}
        results["baseline_vs_sklearn"] = benchmark_baseline()
        results["probes_vs_sklearn"] = benchmark_probes()
        results["text_to_tone"] = text_speed.benchmark()
        results["explorer"] = explorer_speed.benchmark()
    for name, numbers in results.items():
        print(name, ", ".join(f"{key} {value:.3g}" for key, value in numbers.items() if key != "note"))
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
