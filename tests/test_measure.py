"""The library call: its example, what it shares with the study, and every kind of input that does not fit."""

import doctest

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from conftest import make_checkpoint
from transformers import ASTConfig, ASTModel, Wav2Vec2FeatureExtractor, Wav2Vec2Model

import tonespan_utils
from tonespan_utils import measure, measure_span
from tonespan_utils.corpus import segments as clips
from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import (
    gradient_energy,
    influence,
    margin_knee,
    margins,
    pitch_versions,
    pooling,
    probes,
    spans,
)
from tonespan_utils.params.knee import Knee
from tonespan_utils.params.profile import ROOT
from tonespan_utils.statistics.classifier import LinearClassifier

QUICK = {"n_resamples": 50, "bin_ms": 50.0, "regularisation_c": 0.1, "half_widths_ms": ()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("x"), "xlsr")


@pytest.fixture(scope="module")
def segments(glide_corpus):
    """Clips, centres, labels and speakers of the made-up corpus, as a user might hold them."""
    by_clip = [group for _, group in glide_corpus.tokens.groupby("utterance_id", sort=False)]
    audio = [glide_corpus.audio(group["utterance_id"].iloc[0]) for group in by_clip]
    return (
        audio,
        [group["center_s"].tolist() for group in by_clip],
        [group["tone"].tolist() for group in by_clip],
        [group["speaker"].iloc[0] for group in by_clip],
    )


@pytest.fixture(scope="module")
def measured(folder, segments):
    audio, centers, labels, speakers = segments
    return measure_span(folder, audio, centers, labels, groups=speakers, **QUICK)


def test_the_documented_example_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    result = doctest.testmod(measure, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted >= 9 and result.failed == 0


def test_it_is_the_study_s_own_measurement(folder, segments, glide_corpus, measured):
    audio, centers, labels, speakers = segments
    test = [speaker in ("s6", "s7") for speaker in speakers]  # the corpus' own split
    by_study_split = measure_span(folder, audio, centers, labels, groups=speakers, test=test, **QUICK)
    encoder = checkpoints.load(folder)
    vectors = probes.hidden_vectors(encoder, glide_corpus, glide_corpus.tokens)
    drawing = {"n_resamples": 50, "level": 0.95, "seed": 0}
    settings = drawing | {"regularisation_c": 0.1, "control_seeds": [0]}
    trained = {layer: probes.probe_layer(v, glide_corpus.tokens, **settings) for layer, v in vectors.items()}
    scores = by_study_split.layers.set_index("layer")
    assert scores["macro_f1"].to_dict() == {layer: result.macro_f1 for layer, result in trained.items()}
    edges, _ = spans.offset_bins(500, 50)
    tokens = gradient_energy.eligible(glide_corpus, n_tokens=200, min_side_ms=250, seed=0)
    by_layer = {layer: result.probe for layer, result in trained.items()}
    energy = gradient_energy.measure(encoder, by_layer, glide_corpus, tokens, edges, target="true", wrt="waveform")
    pooled = pooling.pooled_span(energy.energy["2"], energy.null, energy.utterances, edges, **drawing)
    assert scores.loc["2", "span_ms"] == pytest.approx(pooled.span_ms)
    assert scores.loc["2", "ci_low_ms"] == pytest.approx(pooled.ci_low_ms, rel=0.05)
    assert by_study_split.n_train + by_study_split.n_test == len(glide_corpus.tokens) and by_study_split.n_test == int(
        np.repeat(test, 3).sum()
    )


def test_the_result_is_whole_and_tells_itself(measured):
    assert measured.layers["layer"].tolist() == ["cnn", "0", "1", "2", "final"]
    assert np.allclose(measured.energy.sum(axis=1), 1) and measured.null.sum() == pytest.approx(1)
    assert measured.energy.columns.tolist() == measured.null.index.tolist()
    knows = measured.layers.set_index("layer")["knows"]
    failing = set(measured.signatures.query("signature == 'f1_at_chance'")["layer"])
    assert failing == set(knows.index[~knows.astype(bool)])
    said = repr(measured)
    assert all(f"\n{layer:>5} " in said for layer in ["cnn", "final"]) and "95% intervals" in said
    assert ("no finding" in said) == bool(failing)
    figure = measured.plot()
    assert [axis.get_xlabel() for axis in figure.axes[:3]] == ["layer", "layer", "time from centre (ms)"]
    assert {"span", "flat null"} <= {line.get_label() for line in figure.axes[1].lines}


def test_groups_are_never_on_both_sides(segments):
    corpus = clips.split(clips.corpus_of(*segments, 16000), None, probes_given=False, seed=3)
    sides = corpus.tokens.groupby("speaker")["split"].nunique()
    share = (corpus.tokens["split"] == "test").mean()
    assert (sides == 1).all() and 0.1 < share <= clips.TEST_SHARE
    alone = clips.split(clips.corpus_of(*segments[:3], None, 16000), None, probes_given=False, seed=3)
    assert (alone.tokens.groupby("utterance_id")["split"].nunique() == 1).all()


def test_a_model_object_gives_what_its_folder_gives_and_is_left_as_found(folder, segments, measured):
    audio, centers, labels, speakers = segments
    model = Wav2Vec2Model.from_pretrained(folder)
    model.train()
    model.encoder.layers[1].eval()
    modes = [module.training for module in model.modules()]
    same = measure_span(model, audio, centers, labels, groups=speakers, **QUICK)
    assert np.allclose(same.layers["span_ms"], measured.layers["span_ms"], rtol=1e-5)
    assert [module.training for module in model.modules()] == modes
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())
    given = measure_span(checkpoints.load(folder), audio, centers, labels, probes=same.probes, **QUICK)
    assert given.n_train == 0 and given.n_test == sum(map(len, centers))


def test_files_and_other_sample_rates_are_read(tmp_path, folder, segments):
    audio, centers, labels, speakers = (part[:16] for part in segments)
    paths = [tmp_path / f"{number}.wav" for number in range(len(audio))]
    for path, clip in zip(paths, audio, strict=True):
        soundfile.write(path, 0.3 * clip, 16000, subtype="FLOAT")
    quick = QUICK | {"groups": speakers}
    files = measure_span(folder, paths, centers, labels, **quick)
    arrays = measure_span(folder, [0.3 * clip for clip in audio], centers, labels, **quick)
    assert np.allclose(files.layers["span_ms"], arrays.layers["span_ms"], rtol=1e-3)
    integers = [np.round(0.3 * clip * 32767).astype(np.int16) for clip in audio]
    assert np.allclose(measure_span(folder, integers, centers, labels, **quick).layers["span_ms"],
                       arrays.layers["span_ms"], rtol=0.05)  # fmt: skip
    half = clips.samples_of("clip", np.zeros(4000, dtype=np.float32), 8000)
    assert half.size == 8000


def call(folder, segments, **changed):
    audio, centers, labels, speakers = (list(part[:20]) for part in segments)
    given = {"model": folder, "audio": audio, "centers": centers, "labels": labels, "groups": speakers} | changed
    return measure_span(**QUICK | given)


BAD = {
    "fewer centres": (lambda s: {"centers": s[1][:19]}, "20 clips of audio and 19 centers"),
    "labels that do not match": (lambda s: {"labels": [["rise"]] * 20}, "clip 0: 3 centers and 1 labels"),
    "centre outside": (lambda s: {"centers": [[0.6, 1.1, 99.0]] * 20}, "clip 0: tone centre 99.000 s lies outside"),
    "centre before": (lambda s: {"centers": [[-0.1, 1.1, 1.6]] * 20}, "clip 0: tone centre -0.100 s lies outside"),
    "one class": (lambda s: {"labels": [["rise"] * 3] * 20}, "two or more tone classes"),
    "NaN samples": (lambda s: {"audio": [np.full(40000, np.nan), *s[0][1:20]]}, "clip 0: audio holds NaN"),
    "two channels": (lambda s: {"audio": [np.zeros((2, 40000)), *s[0][1:20]]}, r"clip 0: audio of shape \(2, 40000\)"),
    "empty": (lambda s: {"audio": [np.zeros(0), *s[0][1:20]]}, "clip 0: audio of shape"),
    "no clips": (lambda s: {"audio": [], "centers": [], "labels": [], "groups": []}, "no centers are given"),
    "one speaker": (lambda s: {"groups": ["s"] * 20}, "give more groups"),
    "test leaks": (lambda s: {"test": [True] + [False] * 19}, "group 's0' is on both sides of test"),
    "unseen label": (
        lambda s: {"labels": [["dip"] * 3, *s[2][1:20]], "groups": None, "test": [True] * 5 + [False] * 15},
        "label 'dip' is scored, but the probe of layer cnn knows only fall, rise",
    ),
    "a probe for no layer": (
        lambda s: {"probes": {"77": LinearClassifier(("a", "b"), np.zeros((2, 4)), np.zeros(2))}}, "layer '77'"
    ),
    "at the very edge": (
        lambda s: {"audio": [clip[:3200] for clip in s[0][:20]], "centers": [[0.0]] * 20,
                   "labels": [["rise"], ["fall"]] * 10},
        "min_side_ms",
    ),
    "shorter than a frame": (
        lambda s: {"audio": [clip[:300] for clip in s[0][:20]], "centers": [[0.01]] * 20,
                   "labels": [["rise"], ["fall"]] * 10},
        "clip 0: audio of 300 samples is shorter than one frame",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_input_that_does_not_fit_is_named_in_one_line(folder, segments, name):
    change, message = BAD[name]
    with pytest.raises(TonespanError, match=message) as raised:
        call(folder, segments, **change(segments))
    assert "\n" not in str(raised.value)


def test_tokens_at_the_edge_are_measured_when_asked_for(folder, segments):
    audio, _, _, speakers = (part[:20] for part in segments)
    centers = [[0.0, clip.size / 16000] for clip in audio]
    labels = [["rise", "fall"]] * 20
    measured = measure_span(folder, audio, centers, labels, groups=speakers, min_side_ms=0.0, **QUICK)
    assert np.isfinite(measured.layers["span_ms"]).all() and measured.layers["null_span_ms"].between(490, 510).all()


def test_a_logit_that_moves_with_nothing_is_said_to_have_no_span(folder, segments):
    flat = {"1": LinearClassifier(("fall", "rise"), np.zeros((2, 32)), np.zeros(2))}
    measured = call(folder, segments, probes=flat)
    assert measured.layers["span_ms"].isna().all() and measured.layers["n_tokens"].tolist() == [0]
    assert set(measured.signatures["signature"]) == {"f1_at_chance", "few_tokens", "no_interval"} and "nan" in repr(
        measured
    )
    assert measured.plot().axes


def test_encoders_that_do_not_fit_are_named(tmp_path, folder, segments):
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    with pytest.raises(TonespanError, match=r"ASTModel is no encoder of this study; .*wavlm, .*sew, .* and whisper$"):
        call(ASTModel(ASTConfig(**small)), segments)
    with pytest.raises(TonespanError, match=r"call model\.float\(\)"):
        call(Wav2Vec2Model.from_pretrained(folder).bfloat16(), segments)
    other = make_checkpoint(tmp_path, "xlsr")
    Wav2Vec2FeatureExtractor(sampling_rate=8000).save_pretrained(other)
    with pytest.raises(TonespanError, match="speech at 8000 Hz"):
        call(other, segments)
    broken = Wav2Vec2Model.from_pretrained(folder)
    with torch.no_grad():
        broken.encoder.layers[1].feed_forward.output_dense.weight[0, 0] = torch.nan
    with pytest.raises(TonespanError, match="layer 2 holds NaN"):
        call(broken, segments)


def test_another_hop_is_measured_in_the_same_units(tmp_path, segments):
    coarse = make_checkpoint(tmp_path, "xlsr", conv_stride=[5, 2, 2, 2, 2, 2, 4], conv_kernel=[10, 3, 3, 3, 3, 2, 4])
    audio, centers, labels, speakers = (part[:20] for part in segments)
    measured = measure_span(coarse, audio, centers, labels, groups=speakers, **QUICK | {"bin_ms": 5.0})
    assert checkpoints.load(coarse).hop == 640
    width = measured.layers.set_index("layer")["span_ms"]
    assert 10 < width["cnn"] < 50, "a frame of 45 ms, whatever its hop"
    assert measured.layers["null_span_ms"].between(450, 510).all()


def test_the_package_itself_stays_light():
    assert tonespan_utils.__all__ == ["measure_span"]
    with pytest.raises(AttributeError, match="no attribute 'measure_spam'"):
        _ = tonespan_utils.measure_spam


def test_groups_and_labels_are_in_one_form():
    assert clips.group_names(["Thế", "The\u0302\u0301", "Thế\u00a0"]) == ["Thế"] * 3
    assert clips.label_names("clip 0", [1.0, "1", "１", "sa\u0306\u0301c "]).tolist() == ["1", "1", "1", "sắc"]


@pytest.mark.parametrize("missing", [float("nan"), None, "", "nan", pd.NA])
def test_missing_groups_and_labels_are_named(missing):
    with pytest.raises(TonespanError, match="clip 1: its group is missing"):
        clips.group_names(["a", missing])
    with pytest.raises(TonespanError, match="clip 7: the label of its token 1 is missing"):
        clips.label_names("clip 7", ["a", missing])


def test_clips_are_brought_to_one_loudness_as_recordings_of_a_corpus_are(tmp_path, segments):
    unscaled = make_checkpoint(tmp_path, "xlsr", scaled=False)  # takes the waveform as it is
    audio, centers, labels, speakers = (part[:20] for part in segments)
    uneven = [clip * (8.0 if number % 2 else 0.5) for number, clip in enumerate(audio)]

    def spans_of(clips_given, loudness):
        quick = QUICK | {"loudness": loudness}
        return measure_span(unscaled, clips_given, centers, labels, groups=speakers, **quick).layers["span_ms"]

    levelled = spans_of(audio, "recording")
    assert np.allclose(levelled, spans_of(uneven, "recording"), rtol=1e-4)
    assert not np.allclose(spans_of(audio, "none"), spans_of(uneven, "none"), rtol=1e-3)
    with pytest.raises(TonespanError, match="no loudness 'clip'; there are: recording, speaker, none"):
        spans_of(audio, "clip")


def voiced_clips(n, *, seed=0):
    """Half a second of a harmonic voice whose pitch rises or falls within +-60 ms of the middle, with labels."""
    rng, time_s = np.random.default_rng(seed), np.arange(8000) / 16000 - 0.25
    labels = [str(rng.choice(["rise", "fall"])) for _ in range(n)]
    octaves = {"rise": np.clip(time_s, -0.06, 0.06) / 0.12, "fall": -np.clip(time_s, -0.06, 0.06) / 0.12}
    phases = [2 * np.pi * np.cumsum(rng.uniform(120, 200) * 2 ** octaves[label]) / 16000 for label in labels]
    return [0.1 * sum(np.sin(k * phase) / k for k in range(1, 9)) for phase in phases], [0.25] * n, labels


def test_the_knees_are_those_of_the_study(folder):
    audio, centers, labels = voiced_clips(40)
    widths = (20.0, 40.0, 60.0, 90.0, 130.0)
    quick = QUICK | {"half_widths_ms": widths, "min_side_ms": 100.0, "loudness": "none"}
    measured = measure_span(folder, audio, centers, labels, **quick)
    assert measured.knees["layer"].tolist() == measured.layers["layer"].tolist()
    assert measured.influence.groupby("layer").size().eq(5).all() and measured.left_out.empty
    encoder = checkpoints.load(folder)
    corpus = clips.split(clips.corpus_of(audio, centers, labels, None, 16000), None, probes_given=False, seed=0)
    tokens = gradient_energy.eligible(corpus, n_tokens=40, min_side_ms=100, seed=0)
    given = Knee(half_widths_ms=list(widths), n_tokens=40, context_ms=500.0, method="level_restored", floor_hz=75.0,
                 ceiling_hz=500.0)  # fmt: skip
    versions = pitch_versions.of_corpus(encoder, corpus, tokens, given)
    margins_measured = margins.measure(encoder, measured.probes, versions)
    drawing = {"n_resamples": 50, "level": 0.95, "seed": 0}
    pd.testing.assert_frame_equal(measured.influence, influence.table(margins_measured, **drawing))
    for row in measured.knees.itertuples():
        knee = margin_knee.of_layer(margins_measured, row.layer, above_chance_low=1.0, **drawing)
        assert row.n_tokens == knee.n_tokens == len(tokens)
        assert row.note == "F1 not above chance" or (row.note, repr(row.knee_ms)) == (knee.note, repr(knee.knee_ms))
    assert "margin knee (ms)" in repr(measured)
    assert "margin knee" in {line.get_label() for line in measured.plot().axes[1].lines}


def test_voices_without_pitch_are_left_out_of_the_knees_and_said(folder, segments):
    measured = call(folder, segments, half_widths_ms=(20.0, 40.0, 60.0, 90.0, 130.0))
    assert measured.knees["knee_ms"].isna().all() and len(measured.left_out) > 0, "noise around 1000 Hz has no pitch"
    assert f"their pitch cannot be taken away: {len(measured.left_out)}" in repr(measured)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"half_widths_ms": (20, 10, 30, 40, 50)}, "half_widths_ms must increase"),
        ({"half_widths_ms": (20, 30)}, "at least 5 items"),
        ({"half_widths_ms": (20, 40, 60, 80, 900)}, "smaller than context_ms"),
        ({"half_widths_ms": (20, 40, 60, 80, 90), "pitch_range_hz": (500, 75)}, "floor_hz must be under ceiling_hz"),
    ],
)
def test_settings_of_the_knee_that_do_not_fit_are_named_in_one_line(folder, segments, given, message):
    with pytest.raises(TonespanError, match=message) as raised:
        call(folder, segments, **given)
    assert "\n" not in str(raised.value)
