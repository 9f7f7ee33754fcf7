"""Gradients against finite differences and plain autograd; which tokens and clips go together changes nothing."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from conftest import make_checkpoint

from tonespan_utils.encoders import backward, checkpoints
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import gradients, spans
from tonespan_utils.statistics.classifier import LinearClassifier

CENTERS, TONES = [0.2, 0.31], ["fall", "rise"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    loaded = checkpoints.load(make_checkpoint(tmp_path_factory.mktemp("x"), "xlsr"))
    loaded.model.double()  # finite differences need the precision
    return loaded


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(0).normal(0, 0.1, 8000)


def random_probes(encoder, layers):
    rng = np.random.default_rng(1)
    width = {layer: encoder.model.config.hidden_size for layer in layers} | {"cnn": encoder.model.config.conv_dim[-1]}
    return {
        layer: LinearClassifier(("fall", "rise"), rng.normal(size=(2, width[layer])), rng.normal(size=2))
        for layer in layers
    }


def logit(encoder, probe, prepared, layer, center_s, tone):
    with torch.no_grad():
        hidden = encoder.forward(prepared)[layer][0, encoder.frame_at(center_s, prepared.shape[1])]
    return probe.logits(hidden.numpy()[None])[0, probe.classes.index(tone)]


def prepare_double(encoder, samples):
    return encoder.prepare(samples).double()


@pytest.fixture(autouse=True)
def double_input(monkeypatch):
    plain = Encoder.prepare
    monkeypatch.setattr(Encoder, "prepare", lambda self, x: plain(self, x).to(next(self.model.parameters()).dtype))


@pytest.mark.parametrize("layer", ["cnn", "0", "2", "final"])
def test_gradient_equals_finite_differences(encoder, samples, layer):
    probes = random_probes(encoder, [layer])
    found = gradients.input_gradients(encoder, probes, samples, CENTERS, TONES)[layer]
    prepared = encoder.prepare(samples)
    rng = np.random.default_rng(2)
    for token, (center_s, tone) in enumerate(zip(CENTERS, TONES, strict=True)):
        direction = torch.as_tensor(rng.normal(size=samples.size))
        step = 1e-5
        up = logit(encoder, probes[layer], prepared + step * direction, layer, center_s, tone)
        down = logit(encoder, probes[layer], prepared - step * direction, layer, center_s, tone)
        slope = float(found[token] @ direction.numpy())
        assert slope == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-9)


def test_cnn_input_gradient_at_the_cnn_layer_is_the_probe_weight(encoder, samples):
    probes = random_probes(encoder, ["cnn", "1"])
    found = gradients.input_gradients(encoder, probes, samples, CENTERS, TONES, wrt="cnn")
    frame = encoder.frame_at(CENTERS[1], samples.size)
    assert np.allclose(found["cnn"][1, frame], probes["cnn"].weight[1])
    assert np.count_nonzero(found["cnn"][1].any(axis=1)) == 1
    assert found["1"].shape == found["cnn"].shape and np.count_nonzero(found["1"][1].any(axis=1)) > 1


def test_batch_size_changes_nothing_and_the_model_is_left_as_found(encoder, samples, monkeypatch):
    probes = random_probes(encoder, encoder.layers)
    before = {name: weight.clone() for name, weight in encoder.model.state_dict().items()}
    calls = []
    hook = encoder.model.encoder.layers[0].register_forward_hook(lambda *_: calls.append(1))
    given = samples.copy()
    together = gradients.input_gradients(encoder, probes, samples, CENTERS, TONES)
    monkeypatch.setattr(gradients, "MAX_STORED_VALUES", 1)
    monkeypatch.setattr(gradients, "CPU_CHUNK_VALUES", 1)
    apart = gradients.input_gradients(encoder, probes, samples, CENTERS, TONES)
    for layer in encoder.layers:
        assert np.allclose(together[layer], apart[layer], rtol=1e-9, atol=1e-12)
    assert all(torch.equal(weight, before[name]) for name, weight in encoder.model.state_dict().items())
    assert not encoder.model.training and not any(p.requires_grad for p in encoder.model.parameters())
    assert np.array_equal(given, samples)
    encoder.forward(encoder.prepare(samples))
    assert calls == [1] and len(encoder.model.encoder.layers[0]._forward_hooks) == 1
    hook.remove()


@pytest.mark.parametrize("wrt", ["waveform", "cnn"])
@pytest.mark.parametrize("family", ["xlsr", "wav2vec2", "hubert"])
def test_clips_of_one_length_come_together_as_they_would_alone(tmp_path, monkeypatch, family, wrt):
    loaded = checkpoints.load(make_checkpoint(tmp_path, family))
    loaded.model.double()
    rng, probes = np.random.default_rng(4), random_probes(loaded, loaded.layers)
    clips = rng.normal(0, 0.1, (5, 12000)) * rng.uniform(0.1, 3, (5, 1))
    centers, tones = rng.uniform(0.1, 0.65, (5, 2)), rng.choice(["fall", "rise"], (5, 2))
    asked = {"target": "margin", "wrt": wrt, "reach_s": 0.1}
    alone = [
        gradients.input_gradients(loaded, probes, *own, **asked) for own in zip(clips, centers, tones, strict=True)
    ]
    for most in (5, 2):  # all at once, and in parts of which the last is smaller
        monkeypatch.setattr(gradients, "together", lambda encoder, n_samples, most=most: most)
        found = gradients.input_gradients(loaded, probes, clips, centers, tones, **asked)
        for layer in loaded.layers:
            expected = np.stack([one[layer] for one in alone])
            assert found[layer].shape == expected.shape
            assert np.allclose(found[layer], expected, rtol=1e-9, atol=1e-12)


def test_how_many_clips_go_together(encoder, monkeypatch):
    frames = encoder.n_frames(8000)
    config = encoder.model.config
    each = frames * max(config.num_attention_heads * frames, config.intermediate_size)
    for values, expected in ((each - 1, 1), (3 * each, 3), (1000 * each, 40)):  # of half a second: 20 s at most
        monkeypatch.setattr(gradients, "CPU_CHUNK_VALUES", values)
        assert gradients.together(encoder, 8000) == expected
    assert gradients.together(encoder, 60 * 16000) == 1
    assert gradients.together(encoder, 300) >= 1, "without a frame"


@pytest.mark.parametrize("family", ["xlsr", "wav2vec2", "hubert"])
@pytest.mark.parametrize("center_s", [0.02, 0.4, 0.97])
def test_reach_spares_work_but_changes_nothing_within_it(tmp_path, family, center_s):
    loaded = checkpoints.load(make_checkpoint(tmp_path, family))
    loaded.model.double()
    long = np.random.default_rng(3).normal(0, 0.1, 16000)
    probes = random_probes(loaded, ["cnn", "2"])
    everywhere = gradients.input_gradients(loaded, probes, long, [center_s], ["rise"])
    near = gradients.input_gradients(loaded, probes, long, [center_s], ["rise"], reach_s=0.1)
    inside = np.abs(np.arange(16000) / 16000 - center_s) <= 0.1
    for layer in probes:
        assert np.allclose(near[layer][0, inside], everywhere[layer][0, inside], rtol=1e-9, atol=1e-15)
    if family == "xlsr" and center_s == 0.4:
        assert not near["2"][0, :1600].any() and everywhere["2"][0, :1600].any()


def plain_gradients(encoder, probes, samples, center_s, tone):
    """A forward and a backward pass of autograd per layer, straight from the definition."""
    for layer, probe in probes.items():
        source = encoder.prepare(samples).clone().requires_grad_(True)
        hidden = encoder.forward(source)[layer][0, encoder.frame_at(center_s, samples.size)]
        weight = torch.as_tensor(probe.weight[probe.classes.index(tone)], dtype=hidden.dtype)
        yield layer, torch.autograd.grad(hidden @ weight, source)[0][0].numpy()


@pytest.mark.parametrize("family", ["xlsr", "wav2vec2", "hubert"])
def test_single_precision_agrees_with_plain_autograd(tmp_path, family):
    loaded = checkpoints.load(make_checkpoint(tmp_path, family, num_hidden_layers=4))
    long = np.random.default_rng(3).normal(0, 0.1, 20007).astype(np.float32)
    probes, centers = random_probes(loaded, loaded.layers), [0.03, 0.6, 0.61]
    found = gradients.input_gradients(loaded, probes, long, centers, ["rise", "fall", "rise"])
    for token, tone in enumerate(["rise", "fall", "rise"]):
        for layer, expected in plain_gradients(loaded, probes, long, centers[token], tone):
            error = np.linalg.norm(found[layer][token] - expected) / np.linalg.norm(expected)
            assert found[layer].dtype == np.float32 and error < 1e-5


@pytest.mark.gpu
@pytest.mark.parametrize("family", ["xlsr", "wav2vec2", "hubert"])
def test_a_gpu_gives_what_the_processor_gives(tmp_path, family):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    long = np.random.default_rng(3).normal(0, 0.1, 20007).astype(np.float32)
    found = {}
    for device in ("cpu", "cuda"):
        loaded = checkpoints.load(make_checkpoint(tmp_path / device, family), device=device)
        probes = random_probes(loaded, loaded.layers)
        found[device] = gradients.input_gradients(loaded, probes, long, [0.6, 0.9], ["rise", "fall"], reach_s=0.2)
    for layer, expected in found["cpu"].items():
        assert np.linalg.norm(found["cuda"][layer] - expected) < 1e-5 * np.linalg.norm(expected)


def test_what_bfloat16_costs_is_measured(tmp_path, glide_corpus):
    loaded = checkpoints.load(make_checkpoint(tmp_path, "xlsr"))
    rough = checkpoints.cast(loaded, "bfloat16")
    assert checkpoints.cast(loaded, "float32") is loaded and loaded.model.dtype == torch.float32
    assert rough.model.dtype == torch.bfloat16 and rough.layers == loaded.layers
    probes, tokens = random_probes(loaded, ["0", "2"]), glide_corpus.tokens.head(3)
    edges, offsets = spans.offset_bins(200, 20)
    table = gradients.precision(loaded, rough, probes, glide_corpus, tokens, edges, target="true")
    errors, own, coarse = [], [], []
    for token in tokens.itertuples():
        asked = (probes, glide_corpus.audio(token.utterance_id), [token.center_s], [token.tone])
        exact, found = (gradients.input_gradients(one, *asked)["2"] for one in (loaded, rough))
        assert found.dtype == np.float32
        errors.append(np.linalg.norm(found - exact) / np.linalg.norm(exact))
        for kept, gradient in ((own, exact), (coarse, found)):
            binned = gradients.energy_over_offset(loaded, gradient, [token.center_s], edges)
            kept.append(spans.effective_span(binned, offsets)[0])
    row = table.set_index("layer").loc["2"]
    assert row["gradient_error"] == pytest.approx(np.median(errors)) and 1e-4 < row["gradient_error"] < 0.2
    assert row["span_ms"] == pytest.approx(np.mean(own)) and row["coarse_span_ms"] == pytest.approx(np.mean(coarse))
    assert abs(row["span_ms"] - row["coarse_span_ms"]) < 5
    itself = gradients.precision(loaded, loaded, probes, glide_corpus, tokens, edges, target="true")
    assert (itself["gradient_error"] == 0).all() and (itself["span_ms"] == itself["coarse_span_ms"]).all()


def test_out_of_memory_halves_the_chunk_says_so_and_goes_on(encoder, samples, monkeypatch):
    probes, pull = random_probes(encoder, encoder.layers), backward.StableBlock.pull
    expected = gradients.input_gradients(encoder, probes, samples, CENTERS, TONES)

    def small(self, g):
        if len(g) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return pull(self, g)

    monkeypatch.setattr(backward.StableBlock, "pull", small)
    with pytest.warns(UserWarning) as said:
        found = gradients.input_gradients(encoder, probes, samples, CENTERS, TONES)
    assert "out of memory with 2 passes under way; going on with 1" in str(said[0].message) + str(said[-1].message)
    assert all(np.allclose(found[layer], expected[layer], rtol=1e-9, atol=1e-12) for layer in probes)
    monkeypatch.setattr(backward.StableBlock, "pull", lambda self, g: pull(self, g.new_empty(2**50)))
    with pytest.raises(TonespanError, match="cut the utterance"), pytest.warns(UserWarning):
        gradients.input_gradients(encoder, probes, samples, CENTERS, TONES)


def test_fewer_clips_go_together_where_they_do_not_fit(encoder, monkeypatch):
    probes, trace = random_probes(encoder, ["1"]), backward.trace
    clips = np.random.default_rng(5).normal(0, 0.1, (4, 8000))
    asked = (probes, clips, [CENTERS] * 4, [TONES] * 4)
    expected = gradients.input_gradients(encoder, *asked)["1"]

    def small(encoder, waveforms):
        if len(waveforms) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return trace(encoder, waveforms)

    monkeypatch.setattr(backward, "trace", small)
    monkeypatch.setattr(gradients, "together", lambda encoder, n_samples: 4)
    with pytest.warns(UserWarning) as said:
        found = gradients.input_gradients(encoder, *asked)["1"]
    assert [str(one.message)[-15:] for one in said] == ["going on with 2", "going on with 1"]
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-12)
    monkeypatch.setattr(backward, "trace", lambda encoder, waveforms: trace(encoder, waveforms.new_empty(1, 2**50)))
    with (
        pytest.raises(TonespanError, match=r"an utterance of 0\.5 s; cut it shorter"),
        pytest.warns(UserWarning, match="out of memory"),
    ):
        gradients.input_gradients(encoder, *asked)


def test_weights_that_are_not_finite_name_the_layer(tmp_path, samples):
    loaded = checkpoints.load(make_checkpoint(tmp_path, "wav2vec2"))
    with torch.no_grad():
        loaded.model.encoder.layers[1].feed_forward.output_dense.weight[0, 0] = torch.nan
    probes = random_probes(loaded, loaded.layers)
    with pytest.raises(TonespanError, match="layer 2 holds NaN"):
        gradients.input_gradients(loaded, probes, samples, CENTERS, TONES)


def test_a_logit_that_moves_with_nothing_has_no_radius(encoder, samples):
    flat = LinearClassifier(("fall", "rise"), np.zeros((2, 32)), np.zeros(2))
    found = gradients.input_gradients(encoder, {"1": flat}, samples, CENTERS, TONES)["1"]
    assert not found.any()
    edges, offsets = spans.offset_bins(200, 10)
    energy = gradients.energy_over_offset(encoder, found, CENTERS, edges)
    assert np.isnan(spans.effective_span(energy, offsets)).all()


def test_a_clip_shorter_than_one_frame_is_refused(encoder):
    with pytest.raises(TonespanError, match="shorter than one frame"):
        gradients.input_gradients(encoder, random_probes(encoder, ["1"]), np.zeros(300), [0.01], ["rise"])


def test_targets_by_hand():
    probe = LinearClassifier(("a", "b", "c"), np.eye(3), np.array([0.0, 0.5, 0.0]))
    states = {"1": torch.tensor([[[0.0, 0.0, 0.0], [1.0, 5.0, 2.0]]])}

    def value(target, tone="a"):
        return gradients.read_out(states, {"1": probe}, [[1]], [[tone]], target=target).values(states)["1"].item()

    assert value("true") == 1 and value("predicted") == 5.5 and value("margin") == 1 - 5.5
    assert value("margin", "b") == 5.5 - 2, "the rival is the best of the others"
    with pytest.raises(TonespanError, match="not z"):
        value("true", "z")


def test_energy_is_the_squared_gradient_in_its_bin(encoder):
    edges, offsets = spans.offset_bins(100, 10)
    gradient = np.zeros((1, 8000))
    gradient[0, 3200 + 80] = 3.0  # 5 ms after a centre at 0.2 s
    energy = gradients.energy_over_offset(encoder, gradient, [0.2], edges)
    assert energy.sum() == 9.0 and energy[0, np.argmin(np.abs(offsets - 5))] == 9.0


def test_nan_gradients_are_refused(encoder):
    edges, _ = spans.offset_bins(100, 10)
    with pytest.raises(TonespanError, match="NaN"):
        gradients.energy_over_offset(encoder, np.full((1, 8000), np.nan), [0.2], edges)


def test_null_is_cut_with_the_audio():
    edges, offsets = spans.offset_bins(500, 10)
    null = gradients.null_energy(8000, [0.1], edges)[0]
    assert null[offsets < -100].sum() == 0 and null[offsets > 400].sum() == 0 and null.sum() == pytest.approx(1)


def test_eligible_tokens_have_audio_on_both_sides(glide_corpus):
    tokens = gradients.eligible(glide_corpus, n_tokens=5, min_side_ms=550, seed=0)
    length_s = (
        glide_corpus.utterances.set_index("utterance_id")["n_samples"].loc[tokens["utterance_id"]].to_numpy() / 16000
    )
    assert (tokens["split"] == "test").all() and len(tokens) == 5
    assert (np.minimum(tokens["center_s"], length_s - tokens["center_s"]) >= 0.55).all()
    with pytest.raises(TonespanError, match="min_side_ms"):
        gradients.eligible(glide_corpus, n_tokens=5, min_side_ms=5000, seed=0)


def test_measure_lines_up_energy_null_and_utterances(encoder, glide_corpus):
    edges, _ = spans.offset_bins(200, 20)
    tokens = gradients.eligible(glide_corpus, n_tokens=6, min_side_ms=100, seed=0)
    measured = gradients.measure(
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
    asked = (encoder, random_probes(encoder, ["1", "2"]), glide_corpus)
    how = {"target": "true", "wrt": "waveform"}
    measured, sizes, plain = [], [], gradients.gradients_and_chances

    def counted(encoder, probes, clips, *rest, **options):
        sizes.append(len(clips))
        return plain(encoder, probes, clips, *rest, **options)

    monkeypatch.setattr(gradients, "gradients_and_chances", counted)
    for most in (3, 1):
        monkeypatch.setattr(gradients, "together", lambda encoder, n_samples, most=most: most)
        measured.append(gradients.measure(*asked, tokens, edges, **how))
    assert max(sizes) == 3 and sizes[-lengths.size :] == [1] * lengths.size
    together, alone = measured
    assert list(together.tokens) == list(alone.tokens) == gradients.by_utterance(tokens)["token_id"].tolist()
    assert np.allclose(together.null, alone.null)
    for layer in ("1", "2"):
        assert np.allclose(together.energy[layer], alone.energy[layer], rtol=1e-9, atol=0)
        assert np.allclose(together.confidence[layer], alone.confidence[layer], rtol=1e-6, atol=0)


def test_confidence_is_the_probes_probability_of_the_named_tone(encoder, glide_corpus):
    tokens = glide_corpus.tokens[glide_corpus.tokens["split"] == "test"].head(9)
    probes = random_probes(encoder, encoder.layers)
    edges, _ = spans.offset_bins(200, 20)
    measured = gradients.measure(encoder, probes, glide_corpus, tokens, edges, target="margin", wrt="waveform")
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
    asked = (encoder, probes, samples[None], np.array([CENTERS[:2]]), tones)
    _, chances = gradients.gradients_and_chances(*asked, target="predicted", wrt="waveform", reach_s=np.inf)
    (sure,) = gradients.chance_of(chances["1"], probes["1"], tones)
    assert 0 < sure[0] < 1 and np.isnan(sure[1])


POOL_EDGES = np.arange(-100.0, 101.0, 20.0)
DRAWING = {"condition": "mini/gender", "n_resamples": 60, "level": 0.9, "seed": 4}


def measured_with(seed, n_utterances=4):
    """What one seed of training might give: two tokens an utterance, one of them without energy."""
    rng = np.random.default_rng(seed)
    energy = {layer: rng.random((2 * n_utterances, 10)) ** 3 for layer in ("1", "2")}
    energy["2"][3] = 0
    utterances = np.repeat([f"u{number}" for number in range(n_utterances)], 2)
    tokens = np.array([f"t{number}" for number in range(2 * n_utterances)])
    return gradients.Measured(energy, rng.uniform(0.5, 1, (2 * n_utterances, 10)), utterances, tokens, confidence={})


def slow_rows(measured, layer):
    """(seed, utterance, normalised energy, span) of every token that has energy, one after the other."""
    offsets = [(low + high) / 2 for low, high in pairwise(POOL_EDGES)]
    for seed, one in measured.items():
        for energy, utterance in zip(one.energy[layer], one.utterances, strict=True):
            if energy.sum() > 0:
                share = energy / energy.sum()
                yield seed, utterance, share, 2 * sum(abs(o) * e for o, e in zip(offsets, share, strict=True))


@pytest.mark.parametrize("layer", ["1", "2"])
def test_seeds_are_pooled_as_a_slow_loop_pools_them(layer):
    measured = {3: measured_with(3), 8: measured_with(8)}
    found = gradients.tabulate({"th": list(measured.values())}, [3, 8], POOL_EDGES, **DRAWING)
    rows = list(slow_rows(measured, layer))
    assert all((table["condition"] == "mini/gender").all() for table in found.values())
    of_layer = {key: table[table["layer"] == layer] for key, table in found.items() if "layer" in table}
    span = of_layer["spans"].iloc[0]
    assert span["span_ms"] == pytest.approx(np.mean([one for *_, one in rows])) and span["n_tokens"] == len(rows) // 2
    profile = np.mean([share for _, _, share, _ in rows], axis=0)
    assert of_layer["energy"]["energy"].to_numpy() == pytest.approx(profile)
    radius = of_layer["radii"].set_index("measure")["value_ms"]
    assert radius["span"] == pytest.approx(span["span_ms"]) and radius["r_com"] == pytest.approx(span["r_com_ms"])
    resampled = []
    utterances = np.random.default_rng(4).multinomial(4, [1 / 4] * 4, size=60)  # as resample_clusters documents
    seeds = np.random.default_rng(5).multinomial(2, [1 / 2] * 2, size=60)
    for drawn, trained in zip(utterances, seeds, strict=True):
        times = [drawn[int(utterance[1:])] * trained[[3, 8].index(seed)] for seed, utterance, *_ in rows]
        resampled.append(np.mean([one for (*_, one), n in zip(rows, times, strict=True) for _ in range(n)]))
    assert [span["ci_low_ms"], span["ci_high_ms"]] == pytest.approx(np.quantile(resampled, [0.05, 0.95]))


def test_every_token_has_its_radius_under_every_seed():
    measured = {3: measured_with(3), 8: measured_with(8)}
    table = gradients.tabulate({"th": list(measured.values())}, [3, 8], POOL_EDGES, **DRAWING)["token_spans"]
    assert table.groupby(["layer", "seed"]).size().tolist() == [8] * 4
    for layer in ("1", "2"):
        heard = table[(table["layer"] == layer) & table["r_com_ms"].notna()]
        slow = [(seed, utterance, one / 2) for seed, utterance, _, one in slow_rows(measured, layer)]
        assert list(zip(heard["seed"], heard["utterance_id"], strict=True)) == [(s, u) for s, u, _ in slow]
        assert heard["r_com_ms"].to_numpy() == pytest.approx([radius for *_, radius in slow])
    assert table[table["r_com_ms"].isna()]["token_id"].tolist() == ["t3", "t3"], "silence is listed, without a radius"


def test_the_same_measurement_under_two_seeds_is_no_more_evidence():
    once, found = measured_with(3), {}
    for n_seeds in (1, 2):
        found[n_seeds] = gradients.tabulate({"th": [once] * n_seeds}, list(range(n_seeds)), POOL_EDGES, **DRAWING)
    for name in ("spans", "energy", "energy_null", "radii"):
        one, two = (found[n_seeds][name].select_dtypes("number") for n_seeds in (1, 2))
        assert np.allclose(one, two, equal_nan=True), name
    assert len(found[2]["token_spans"]) == 2 * len(found[1]["token_spans"])


def test_languages_are_pooled_by_themselves():
    th, vi = measured_with(1), measured_with(2)
    both = gradients.tabulate({"th": [th], "vi": [vi]}, [0], POOL_EDGES, **DRAWING)
    alone = gradients.tabulate({"vi": [vi]}, [0], POOL_EDGES, **DRAWING)
    for name, table in both.items():
        own = table[table["language"] == "vi"].reset_index(drop=True)
        assert own.equals(alone[name]), name
