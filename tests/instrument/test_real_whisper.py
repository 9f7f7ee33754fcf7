"""OpenAI's Whisper base on real Mandarin syllables of types that no probe was trained on. Skips without them.

Prints its numbers; those in docs/your-encoder.md are from here.
"""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT, SHARED_DATA

from tonespan_utils.corpus import recordings
from tonespan_utils.encoders import checkpoints
from tonespan_utils.encoders.whisper import with_canvas
from tonespan_utils.instrument import gradient_energy, probes, spans

pytestmark = pytest.mark.slow
MODEL = ROOT.parent / "shared" / "models" / "whisper-base-encoder"
N_TYPES, CANVAS_S, N_GRADIENTS, N_LONG = 150, 2.0, 40, 4
F1, LAYERS = 0.95, ["1", "2", "3", "4"]
REGULARISATION_C = 0.01


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Four tones of some syllables of one speaker; every third syllable is held out, whatever its tone."""
    if not (MODEL.is_dir() and SHARED_DATA.is_dir()):
        pytest.skip("../shared is not there: real recordings and models are not part of the repository")
    source, folder = SHARED_DATA / "speech" / "cmn_syllables", tmp_path_factory.mktemp("syllables")
    labels = pd.read_csv(source / "labels.csv", dtype=str, keep_default_na=False)
    labels = labels[labels["tone"].isin(list("1234"))]
    types = sorted(labels["syllable"].unique())
    kept = labels[labels["syllable"].isin(types[:: len(types) // N_TYPES][:N_TYPES])]
    kept.to_csv(folder / "labels.csv", index=False)
    for name in kept["file"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)
    loaded = recordings.load(folder, language="cmn", cache_dir=folder / "cache")
    held_out = sorted(loaded.tokens["syllable"].unique())[::3]
    split = np.where(loaded.tokens["syllable"].isin(held_out), "test", "train")
    return type(loaded)(loaded.utterances, loaded.tokens.assign(split=split), loaded.audio, loaded.rejected)


@pytest.fixture(scope="module")
def whisper():
    return checkpoints.load(MODEL, device="cpu")


@pytest.fixture(scope="module")
def short(whisper):
    return with_canvas(whisper, CANVAS_S)


@pytest.fixture(scope="module")
def results(corpus, short):
    vectors = probes.hidden_vectors(short, corpus, corpus.tokens)
    how = {"regularisation_c": REGULARISATION_C, "control_seeds": [0], "n_resamples": 200, "level": 0.95, "seed": 0}
    return {layer: probes.probe_layer(values, corpus.tokens, **how) for layer, values in vectors.items()}


def test_tone_of_unseen_syllables_is_read_from_the_lower_layers(results):
    for layer, result in results.items():
        print(f"{layer:>5} F1 {result.macro_f1:.3f} ({result.ci_low:.3f} to {result.ci_high:.3f}), chance "
              f"{result.chance_f1:.2f}, {result.n_train} + {result.n_test} tokens")  # fmt: skip
    assert all(results[layer].macro_f1 >= F1 for layer in LAYERS)


def mean_spans(encoder, corpus, fitted, tokens, wrt):
    """Mean 2 r_com in ms by layer, and the mean null: without and with the weight of local power."""
    edges, offsets = spans.offset_bins(500, 10)
    both = gradient_energy.measure(encoder, fitted, corpus, tokens, edges, target="true", wrt=wrt)
    table = {}
    for weight in gradient_energy.WEIGHTS:
        measured = both.weighted_by(weight)
        widths = {layer: spans.effective_span(energy, offsets).mean() for layer, energy in measured.energy.items()}
        table[f"{wrt} {weight}"] = widths | {"null": spans.effective_span(measured.null, offsets).mean()}
    return pd.DataFrame(table)


def test_most_of_the_span_on_the_waveform_is_silence(corpus, short, results):
    fitted = {layer: result.probe for layer, result in results.items()}
    tokens = gradient_energy.eligible(corpus, n_tokens=N_GRADIENTS, min_side_ms=250, seed=0)
    table = pd.concat(
        [mean_spans(short, corpus, fitted, tokens, wrt) for wrt in ("waveform", "input_features")], axis=1
    )
    print(table.round(0).astype(int))
    upper = ["3", "4", "5", "6"]
    assert (table.loc[upper, "waveform none"] > 2 * table.loc[upper, "waveform power"]).all()
    assert table.loc["cnn", "waveform none"] < 40 and table.loc["cnn", "input_features none"] < 40
    assert table.loc["6", "waveform none"] > table.loc["null", "waveform none"]  # more silence than a flat map would
    assert (table.loc[LAYERS, "waveform power"] < table.loc["null", "waveform power"]).all()


def test_what_a_shorter_canvas_changes(corpus, whisper, short, results):
    """Printed: how far states at the centre and spans move when 30 s of canvas are cut to 2 s."""
    fitted = {layer: result.probe for layer, result in results.items()}
    tokens = gradient_energy.eligible(corpus, n_tokens=N_LONG, min_side_ms=250, seed=1)
    away, agree = {layer: [] for layer in fitted}, {layer: [] for layer in fitted}
    for token in tokens.itertuples():
        audio = corpus.audio(token.utterance_id)
        long, cut = (encoder.hidden_at(audio, [token.center_s]) for encoder in (whisper, short))
        for layer, probe in fitted.items():
            away[layer].append(np.linalg.norm(cut[layer] - long[layer]) / np.linalg.norm(long[layer]))
            agree[layer].append(probe.predict(cut[layer])[0] == probe.predict(long[layer])[0])
    both = [mean_spans(encoder, corpus, fitted, tokens, "waveform") for encoder in (whisper, short)]
    table = pd.DataFrame({"relative difference": {layer: np.mean(values) for layer, values in away.items()},
                          "same tone": {layer: np.mean(values) for layer, values in agree.items()},
                          "span 30 s": both[0]["waveform power"], "span 2 s": both[1]["waveform power"]})  # fmt: skip
    print(table.round(3))
    assert np.mean(away["cnn"]) < 1e-4 and np.mean(away["0"]) < 1e-4
    assert 0 < np.mean(away["1"]) < 0.5


def test_its_states_are_those_of_plain_transformers(corpus, whisper):
    from transformers import WhisperFeatureExtractor

    audio = corpus.audio(corpus.tokens["utterance_id"].iloc[0])
    given = WhisperFeatureExtractor.from_pretrained(MODEL)(audio, sampling_rate=16000, return_tensors="pt")
    with torch.no_grad():
        theirs = whisper.model(given.input_features, output_hidden_states=True)
        ours = whisper.forward(whisper.prepare(audio))
    for number, state in enumerate(theirs.hidden_states[:-1]):
        assert torch.allclose(ours[str(number)], state, rtol=1e-5, atol=1e-5)
    assert torch.allclose(ours["final"], theirs.last_hidden_state, rtol=1e-5, atol=1e-5)
