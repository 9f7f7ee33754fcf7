"""``measure_span`` takes every family: from a folder, in half precision on disk, and as a model in memory."""

import numpy as np
import pytest
import torch
import transformers
from family_checkpoints import FAMILIES, make_family
from phonation import syllable

from tonespan_utils import measure_span
from tonespan_utils.errors import TonespanError

QUICK = {"n_resamples": 50, "bin_ms": 50.0, "regularisation_c": 0.1, "half_widths_ms": (), "n_tokens": 6}
CANVAS = {"canvas_s": 1.2}  # of Whisper: as long as the clips


@pytest.fixture(scope="module")
def segments(glide_corpus):
    """The beginnings of the first 24 clips of the made-up corpus, with one token each."""
    tokens = glide_corpus.tokens.drop_duplicates("utterance_id").head(24)
    audio = [glide_corpus.audio(name)[:19200] for name in tokens["utterance_id"]]
    return audio, tokens["center_s"].tolist(), tokens["tone"].tolist()


def canvas(name):
    return CANVAS if name.startswith("whisper") else {}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_measured_the_same_from_a_folder_and_from_memory(tmp_path, segments, name):
    folder = make_family(tmp_path, name, half=True)
    from_folder = measure_span(folder, *segments, random_seeds=(0,), **QUICK, **canvas(name))
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).train()
    from_memory = measure_span(model, *segments, random_seeds=(), **QUICK, **canvas(name))
    layers = from_folder.layers
    assert layers["layer"].tolist()[:4] == ["cnn", "0", "1", "2"] and layers["n_tokens"].eq(6).all()
    assert (layers["span_ms"] > 0).all() and (layers["random_span_ms"] > 0).all()
    assert np.allclose(layers["span_ms"], from_memory.layers["span_ms"], rtol=1e-4)
    assert np.allclose(from_folder.energy.sum(axis=1), 1)
    assert model.training


def test_energy_of_whisper_s_bands_and_its_knees(tmp_path):
    folder = make_family(tmp_path, "whisper-base")
    spoken = [
        syllable(phonation="modal", contour=contour, onset="m", coda="n", seed=seed)
        for seed in range(6)
        for contour in ("falling", "rising")
    ]
    silence = np.zeros(6400)
    clips = [np.concatenate([silence, each.samples, silence]) for each in spoken]
    centers = [0.4 + (each.start_s + each.end_s) / 2 for each in spoken]
    how = {"canvas_s": 1.8, "random_seeds": (), "wrt": "input_features"} | QUICK | {"bin_ms": 10.0}
    measured = measure_span(
        folder, clips, centers, ["fall", "rise"] * 6, **how | {"half_widths_ms": (20.0, 40.0, 60.0, 90.0, 130.0)}
    )
    beyond = measured.energy.loc[:, np.abs(measured.energy.columns) > 40].sum(axis=1)
    assert beyond["cnn"] == 0 < beyond["1"]  # two convolutions reach two bands of 10 ms, a block the whole canvas
    assert measured.knees["layer"].tolist() == ["cnn", "0", "1", "2", "final"]
    assert measured.knees["n_tokens"].gt(0).all()


def test_what_a_family_cannot_be_asked_for_is_said_in_one_line(tmp_path, segments):
    folder = make_family(tmp_path, "wavlm-base")
    with pytest.raises(TonespanError, match="canvas_s is for Whisper"):
        measure_span(folder, *segments, canvas_s=2.0, **QUICK)
    with pytest.raises(TonespanError, match=r"no gradient with respect to 'log_mel'; .* has waveform, cnn"):
        measure_span(folder, *segments, wrt="log_mel", random_seeds=(), **QUICK)
    with pytest.raises(TonespanError, match=r"cnn of .* come every 20 ms: bin_ms must be at least that"):
        measure_span(folder, *segments, wrt="cnn", random_seeds=(), **QUICK | {"bin_ms": 10.0})
