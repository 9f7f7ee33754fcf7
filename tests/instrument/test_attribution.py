"""Attributions against Captum and brute force."""

import warnings
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients, Saliency
from gradient_parts import CENTERS, TONES, double_encoder, prepare_in_the_model_s_precision, random_probes

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import attribution, behaviour, gradient_energy, gradients, spans
from tonespan_utils.params import sections

CLASSES = ("fall", "rise", "level")
EDGES, OFFSETS = spans.offset_bins(120, 20)


@pytest.fixture(scope="module", params=["xlsr", "wav2vec2"])
def encoder(request, tmp_path_factory):
    return double_encoder(tmp_path_factory.mktemp("x"), request.param)


@pytest.fixture(autouse=True)
def double_input(monkeypatch):
    prepare_in_the_model_s_precision(monkeypatch)


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(0).normal(0, 0.1, 8000)


@pytest.fixture(scope="module")
def probes(encoder):
    return random_probes(encoder, ["0", "2", "cnn"], CLASSES)


def scalar(encoder, probe, layer, center_s, tone, n_samples):
    """The logit of one token as a plain function of prepared waveforms (batch, n): (batch,)."""
    frame = encoder.frame_at(center_s, n_samples)
    weight = torch.as_tensor(probe.weight[probe.classes.index(tone)])
    bias = float(probe.bias[probe.classes.index(tone)])
    return lambda waveform: encoder.forward(waveform)[layer][:, frame] @ weight + bias


def by_token(encoder, probes, samples, attribute):
    """``attribute(function, prepared (1, n))`` for every layer and token, binned by hand: layer -> (token, bins)."""
    prepared = encoder.prepare(samples)
    offsets = [np.arange(samples.size) / SAMPLE_RATE * 1000 - center * 1000 for center in CENTERS]
    energy = {}
    for layer, probe in probes.items():
        energy[layer] = np.zeros((2, OFFSETS.size))
        for token, (center_s, tone) in enumerate(zip(CENTERS, TONES, strict=True)):
            function = scalar(encoder, probe, layer, center_s, tone, samples.size)
            slopes = attribute(function, prepared.clone().requires_grad_(True))[0].detach().numpy()
            for number, (low, high) in enumerate(pairwise(EDGES)):
                inside = (offsets[token] >= low) & (offsets[token] < high)
                energy[layer][token, number] = np.square(slopes[inside]).sum()
    return energy


def check(actual, expected, rtol=1e-6):
    assert list(actual) == list(expected)
    for layer, energy in expected.items():
        assert energy.max() > 0 and np.allclose(actual[layer], energy, rtol=rtol, atol=1e-9 * energy.max()), layer


def measured(name, encoder, probes, samples, **options):
    return attribution.energy(name, encoder, probes, samples, CENTERS, TONES, edges_ms=EDGES, **options)


def test_gradient_is_what_the_study_measures(encoder, probes, samples):
    gradient = gradients.input_gradients(encoder, probes, samples, CENTERS, TONES)
    expected = {k: gradient_energy.energy_over_offset(encoder, g, CENTERS, EDGES) for k, g in gradient.items()}
    check(measured("gradient", encoder, probes, samples), expected)
    by_captum = by_token(encoder, probes, samples, lambda f, x: Saliency(f).attribute(x, abs=False))
    check(measured("gradient", encoder, probes, samples), by_captum)


def test_gradient_x_input_equals_captum(encoder, probes, samples):
    expected = by_token(encoder, probes, samples, lambda f, x: InputXGradient(f).attribute(x))
    check(measured("gradient_x_input", encoder, probes, samples), expected)


def test_smoothgrad_is_captum_s_saliency_averaged_over_the_same_noise(encoder, probes, samples):
    noise = np.random.default_rng(7).normal(size=(3, samples.size))

    def average(function, x):
        noisy = [x.detach() + 0.2 * x.detach().std() * torch.as_tensor(draw) for draw in noise]
        return torch.stack([Saliency(function).attribute(y.requires_grad_(True), abs=False) for y in noisy]).mean(0)

    energy = measured("smoothgrad", encoder, probes, samples, n_draws=3, noise=0.2, seed=7)
    check(energy, by_token(encoder, probes, samples, average))


def test_integrated_gradients_equal_captum(encoder, probes, samples):
    expected = by_token(
        encoder, probes, samples, lambda f, x: IntegratedGradients(f).attribute(x, n_steps=8, method="gausslegendre")
    )
    with pytest.warns(UserWarning, match="integrated gradients explain"):
        energy = measured(
            "integrated_gradients", encoder, probes, samples, n_steps=8, max_steps=8, tolerance=0, power=1
        )
    check(energy, expected)


def test_integrated_gradients_add_up_or_say_so(encoder, probes, samples):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        integrated = attribution.integrated_gradients(
            encoder, probes, samples, CENTERS, TONES, n_steps=8, max_steps=64, tolerance=0.01
        )
    prepared, silence = encoder.prepare(samples), torch.zeros(1, samples.size, dtype=torch.float64)
    for layer, probe in probes.items():
        for token, (center_s, tone) in enumerate(zip(CENTERS, TONES, strict=True)):
            function = scalar(encoder, probe, layer, center_s, tone, samples.size)
            bias = float(probe.bias[probe.classes.index(tone)])
            ends = [function(x).item() - bias for x in (prepared, silence)]
            gap = abs(integrated.attributions[layer][token].sum() - (ends[0] - ends[1])) / (abs(ends[0]) + abs(ends[1]))
            assert integrated.gap[layer][token] == pytest.approx(gap, abs=1e-9) and gap <= 0.01
    assert integrated.n_steps > 8, "the first try was too coarse for this input"


def occluded(encoder, probes, samples, target, **options):
    utterance = attribution.Utterance(encoder, probes, samples, CENTERS, TONES, target)
    return attribution.occlusion(utterance, edges_ms=EDGES, **options)


@pytest.mark.parametrize("mask_ms", [None, 50.0])
def test_occlusion_by_brute_force(encoder, probes, samples, mask_ms):
    options = {} if mask_ms is None else {"mask_ms": mask_ms}
    drops = occluded(encoder, probes, samples, "true", **options)
    prepared = encoder.prepare(samples)
    for layer, probe in probes.items():
        for token, (center_s, tone) in enumerate(zip(CENTERS, TONES, strict=True)):
            function = scalar(encoder, probe, layer, center_s, tone, samples.size)
            for number, (low, high) in enumerate(pairwise(EDGES)):
                width = high - low if mask_ms is None else mask_ms
                offset = np.arange(samples.size) / 16 - center_s * 1000 - (low + high) / 2
                masked = prepared.clone()
                masked[0, (offset >= -width / 2) & (offset < width / 2)] = 0
                drop = (function(prepared) - function(masked)).item()
                assert drops[layer][token, number] == pytest.approx(drop, abs=1e-9)
    energy = measured("occlusion", encoder, probes, samples, **options)
    assert all(np.array_equal(energy[layer], np.square(drops[layer])) for layer in probes)


def test_bins_beyond_the_audio_hold_nothing(encoder, probes):
    short = np.random.default_rng(5).normal(0, 0.1, 3000)
    for name in attribution.ENERGY:
        options = {"tolerance": np.inf, "n_steps": 2} if name == "integrated_gradients" else {}
        by_layer = attribution.energy(name, encoder, probes, short, [0.02], ["rise"], edges_ms=EDGES, **options)
        for energy in by_layer.values():
            assert not energy[0, OFFSETS < -20].any() and energy.min() >= 0


def test_parameters_name_every_estimator():
    assert {"gradient", *get_args(sections.EnergyEstimator)} == set(attribution.ENERGY)
    assert set(get_args(sections.BehaviouralEstimator)) == set(behaviour.BEHAVIOUR)


def test_unknown_names_list_the_known_ones(encoder, probes, samples):
    with pytest.raises(TonespanError, match="gradient_x_input"):
        measured("lime", encoder, probes, samples)


def test_margin_keeps_the_rival_of_the_unchanged_input(encoder, probes, samples):
    prepared = encoder.prepare(samples)
    drops = occluded(encoder, probes, samples, "margin")
    for layer, probe in probes.items():
        logits = [scalar(encoder, probe, layer, CENTERS[0], tone, samples.size) for tone in CLASSES]
        best = max((1, 2), key=lambda number: logits[number](prepared).item())
        offset = np.arange(samples.size) / 16 - CENTERS[0] * 1000
        masked = prepared.clone()
        masked[0, (offset >= 0) & (offset < 20)] = 0
        drop = [(logits[number](prepared) - logits[number](masked)).item() for number in (0, best)]
        assert drops[layer][0, np.argmin(np.abs(OFFSETS - 10))] == pytest.approx(drop[0] - drop[1], abs=1e-9)
