"""Energy in bins against plain sums, which tokens are measured, and their tables against a slow loop."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from conftest import make_checkpoint
from gradient_parts import CENTERS, double_encoder, logit, prepare_in_the_model_s_precision, random_probes

from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import chunks, gradient_energy, gradients, readouts, spans
from tonespan_utils.statistics.classifier import LinearClassifier

POOL_EDGES = np.arange(-100.0, 101.0, 20.0)
DRAWING = {"condition": "mini/gender", "n_resamples": 60, "level": 0.9, "seed": 4}


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(0).normal(0, 0.1, 8000)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return double_encoder(tmp_path_factory.mktemp("x"), "xlsr")


@pytest.fixture(autouse=True)
def double_input(monkeypatch):
    prepare_in_the_model_s_precision(monkeypatch)


def test_what_bfloat16_costs_is_measured(tmp_path, glide_corpus):
    loaded = checkpoints.load(make_checkpoint(tmp_path, "xlsr"))
    rough = checkpoints.cast(loaded, "bfloat16")
    assert checkpoints.cast(loaded, "float32") is loaded and loaded.model.dtype == torch.float32
    assert rough.model.dtype == torch.bfloat16 and rough.layers == loaded.layers
    probes, tokens = random_probes(loaded, ["0", "2"]), glide_corpus.tokens.head(3)
    edges, offsets = spans.offset_bins(200, 20)
    table = gradient_energy.precision(loaded, rough, probes, glide_corpus, tokens, edges, target="true")
    errors, single, coarse = [], [], []
    for token in tokens.itertuples():
        inputs = (probes, glide_corpus.audio(token.utterance_id), [token.center_s], [token.tone])
        exact, coarse_gradient = (gradients.input_gradients(version, *inputs)["2"] for version in (loaded, rough))
        assert coarse_gradient.dtype == np.float32
        errors.append(np.linalg.norm(coarse_gradient - exact) / np.linalg.norm(exact))
        for kept, gradient in ((single, exact), (coarse, coarse_gradient)):
            binned = gradient_energy.energy_over_offset(loaded, gradient, [token.center_s], edges)
            kept.append(spans.effective_span(binned, offsets)[0])
    row = table.set_index("layer").loc["2"]
    assert row["gradient_error"] == pytest.approx(np.median(errors)) and 1e-4 < row["gradient_error"] < 0.2
    assert row["span_ms"] == pytest.approx(np.mean(single)) and row["coarse_span_ms"] == pytest.approx(np.mean(coarse))
    assert abs(row["span_ms"] - row["coarse_span_ms"]) < 5
    itself = gradient_energy.precision(loaded, loaded, probes, glide_corpus, tokens, edges, target="true")
    assert (itself["gradient_error"] == 0).all() and (itself["span_ms"] == itself["coarse_span_ms"]).all()


def test_energy_is_the_squared_gradient_in_its_bin(encoder):
    edges, offsets = spans.offset_bins(100, 10)
    gradient = np.zeros((1, 8000))
    gradient[0, 3200 + 80] = 3.0  # 5 ms after a centre at 0.2 s
    energy = gradient_energy.energy_over_offset(encoder, gradient, [0.2], edges)
    assert energy.sum() == 9.0 and energy[0, np.argmin(np.abs(offsets - 5))] == 9.0


def test_nan_gradients_are_refused(encoder):
    edges, _ = spans.offset_bins(100, 10)
    with pytest.raises(TonespanError, match="NaN"):
        gradient_energy.energy_over_offset(encoder, np.full((1, 8000), np.nan), [0.2], edges)


def test_null_is_cut_with_the_audio():
    edges, offsets = spans.offset_bins(500, 10)
    null = gradient_energy.null_energy(8000, [0.1], edges)[0]
    assert null[offsets < -100].sum() == 0 and null[offsets > 400].sum() == 0 and null.sum() == pytest.approx(1)


def test_eligible_tokens_have_audio_on_both_sides(glide_corpus):
    tokens = gradient_energy.eligible(glide_corpus, n_tokens=5, min_side_ms=550, seed=0)
    length_s = (
        glide_corpus.utterances.set_index("utterance_id")["n_samples"].loc[tokens["utterance_id"]].to_numpy() / 16000
    )
    assert (tokens["split"] == "test").all() and len(tokens) == 5
    assert (np.minimum(tokens["center_s"], length_s - tokens["center_s"]) >= 0.55).all()
    with pytest.raises(TonespanError, match="min_side_ms"):
        gradient_energy.eligible(glide_corpus, n_tokens=5, min_side_ms=5000, seed=0)


def test_measure_lines_up_energy_null_and_utterances(encoder, glide_corpus):
    edges, _ = spans.offset_bins(200, 20)
    tokens = gradient_energy.eligible(glide_corpus, n_tokens=6, min_side_ms=100, seed=0)
    measured = gradient_energy.measure(
        encoder, {"1": LinearClassifier(("fall", "rise"), np.ones((2, 32)), np.zeros(2))}, glide_corpus, tokens, edges,
        target="true", wrt="waveform",
    )  # fmt: skip
    assert measured.energy["1"].shape == measured.null.shape == (len(tokens), 20)
    assert list(measured.utterances) == tokens["utterance_id"].tolist()


def test_measured_together_or_alone_a_token_keeps_its_place(encoder, glide_corpus, monkeypatch):
    edges, _ = spans.offset_bins(200, 20)
    tokens = glide_corpus.tokens[glide_corpus.tokens["split"] == "test"].sample(24, random_state=0)
    lengths = tokens.groupby("utterance_id")["token_id"].size()
    assert lengths.nunique() > 1 and lengths.duplicated().any(), "some with as many tokens as others"
    inputs = (encoder, random_probes(encoder, ["1", "2"]), glide_corpus)
    how = {"target": "true", "wrt": "waveform"}
    measured, sizes, plain = [], [], gradients.gradients_and_probabilities

    def counted(encoder, probes, clips, *rest, **options):
        sizes.append(len(clips))
        return plain(encoder, probes, clips, *rest, **options)

    monkeypatch.setattr(gradients, "gradients_and_probabilities", counted)
    for most in (3, 1):
        monkeypatch.setattr(chunks, "together", lambda encoder, n_samples, most=most: most)
        measured.append(gradient_energy.measure(*inputs, tokens, edges, **how))
    assert max(sizes) == 3 and sizes[-lengths.size :] == [1] * lengths.size
    together, alone = measured
    assert list(together.tokens) == list(alone.tokens) == gradient_energy.by_utterance(tokens)["token_id"].tolist()
    assert np.allclose(together.null, alone.null)
    for layer in ("1", "2"):
        assert np.allclose(together.energy[layer], alone.energy[layer], rtol=1e-9, atol=0)
        assert np.allclose(together.confidence[layer], alone.confidence[layer], rtol=1e-6, atol=0)


def test_confidence_is_the_probes_probability_of_the_named_tone(encoder, glide_corpus):
    tokens = glide_corpus.tokens[glide_corpus.tokens["split"] == "test"].head(9)
    probes = random_probes(encoder, encoder.layers)
    edges, _ = spans.offset_bins(200, 20)
    measured = gradient_energy.measure(encoder, probes, glide_corpus, tokens, edges, target="margin", wrt="waveform")
    other = {"rise": "fall", "fall": "rise"}
    for layer, probe in probes.items():
        expected = []
        for token in tokens.set_index("token_id").loc[measured.tokens].itertuples():
            at = (encoder, probe, encoder.prepare(glide_corpus.audio(token.utterance_id)), layer, token.center_s)
            expected.append(1 / (1 + np.exp(logit(*at, other[token.tone]) - logit(*at, token.tone))))
        np.testing.assert_allclose(measured.confidence[layer], expected, rtol=1e-5)


def test_no_confidence_in_a_tone_the_probe_does_not_know(encoder, samples):
    probes = random_probes(encoder, ["1"])
    tones = np.array([["rise", "dip"]])
    inputs = (encoder, probes, samples[None], np.array([CENTERS[:2]]), tones)
    _, chances = gradients.gradients_and_probabilities(*inputs, target="predicted", wrt="waveform", reach_s=np.inf)
    (sure,) = readouts.probability_of(chances["1"], probes["1"], tones)
    assert 0 < sure[0] < 1 and np.isnan(sure[1])


def measured_with(seed, n_utterances=6):
    """What one seed of training might give: two tokens an utterance, one of them without energy."""
    rng = np.random.default_rng(seed)
    energy = {layer: rng.random((2 * n_utterances, 10)) ** 3 for layer in ("1", "2")}
    energy["2"][3] = 0
    utterances = np.repeat([f"u{number}" for number in range(n_utterances)], 2)
    tokens = np.array([f"t{number}" for number in range(2 * n_utterances)])
    null = rng.uniform(0.5, 1, (2 * n_utterances, 10))
    return gradient_energy.Measured(energy, null, utterances, tokens, confidence={}, weighted_energy={}, power=null)


def slow_rows(measured, layer):
    """(seed, utterance, normalised energy, span) of every token that has energy, one after the other."""
    offsets = [(low + high) / 2 for low, high in pairwise(POOL_EDGES)]
    for seed, of_seed in measured.items():
        for energy, utterance in zip(of_seed.energy[layer], of_seed.utterances, strict=True):
            if energy.sum() > 0:
                share = energy / energy.sum()
                yield seed, utterance, share, 2 * sum(abs(o) * e for o, e in zip(offsets, share, strict=True))


@pytest.mark.parametrize("layer", ["1", "2"])
def test_seeds_are_pooled_as_a_slow_loop_pools_them(layer):
    measured = {3: measured_with(3), 8: measured_with(8)}
    tabulated = gradient_energy.tabulate({"th": list(measured.values())}, [3, 8], POOL_EDGES, **DRAWING)
    rows = list(slow_rows(measured, layer))
    assert all((table["condition"] == "mini/gender").all() for table in tabulated.values())
    of_layer = {key: table[table["layer"] == layer] for key, table in tabulated.items() if "layer" in table}
    span = of_layer["spans"].iloc[0]
    assert (
        span["span_ms"] == pytest.approx(np.mean([width for *_, width in rows])) and span["n_tokens"] == len(rows) // 2
    )
    profile = np.mean([share for _, _, share, _ in rows], axis=0)
    assert of_layer["energy"]["energy"].to_numpy() == pytest.approx(profile)
    radius = of_layer["radii"].set_index("measure")["value_ms"]
    assert radius["span"] == pytest.approx(span["span_ms"]) and radius["r_com"] == pytest.approx(span["r_com_ms"])
    resampled = []
    utterances = np.random.default_rng(4).multinomial(6, [1 / 6] * 6, size=60)  # as resample_clusters documents
    seeds = np.random.default_rng(5).multinomial(2, [1 / 2] * 2, size=60)
    for drawn, trained in zip(utterances, seeds, strict=True):
        times = [drawn[int(utterance[1:])] * trained[[3, 8].index(seed)] for seed, utterance, *_ in rows]
        resampled.append(np.mean([width for (*_, width), n in zip(rows, times, strict=True) for _ in range(n)]))
    assert [span["ci_low_ms"], span["ci_high_ms"]] == pytest.approx(np.quantile(resampled, [0.05, 0.95]))


def test_every_token_has_its_radius_under_every_seed():
    measured = {3: measured_with(3), 8: measured_with(8)}
    table = gradient_energy.tabulate({"th": list(measured.values())}, [3, 8], POOL_EDGES, **DRAWING)["token_spans"]
    assert table.groupby(["layer", "seed"]).size().tolist() == [12] * 4
    for layer in ("1", "2"):
        with_energy = table[(table["layer"] == layer) & table["r_com_ms"].notna()]
        slow = [(seed, utterance, width / 2) for seed, utterance, _, width in slow_rows(measured, layer)]
        assert list(zip(with_energy["seed"], with_energy["utterance_id"], strict=True)) == [(s, u) for s, u, _ in slow]
        assert with_energy["r_com_ms"].to_numpy() == pytest.approx([radius for *_, radius in slow])
    assert table[table["r_com_ms"].isna()]["token_id"].tolist() == ["t3", "t3"], "silence is listed, without a radius"


def test_the_same_measurement_under_two_seeds_is_no_more_evidence():
    once, tables = measured_with(3), {}
    for n_seeds in (1, 2):
        tables[n_seeds] = gradient_energy.tabulate(
            {"th": [once] * n_seeds}, list(range(n_seeds)), POOL_EDGES, **DRAWING
        )
    for name in ("spans", "energy", "energy_null", "radii"):
        single, double = (tables[n_seeds][name].select_dtypes("number") for n_seeds in (1, 2))
        assert np.allclose(single, double, equal_nan=True), name
    assert len(tables[2]["token_spans"]) == 2 * len(tables[1]["token_spans"])


def test_languages_are_pooled_by_themselves():
    th, vi = measured_with(1), measured_with(2)
    both = gradient_energy.tabulate({"th": [th], "vi": [vi]}, [0], POOL_EDGES, **DRAWING)
    alone = gradient_energy.tabulate({"vi": [vi]}, [0], POOL_EDGES, **DRAWING)
    for name, table in both.items():
        rows = table[table["language"] == "vi"].reset_index(drop=True)
        assert rows.equals(alone[name]), name
