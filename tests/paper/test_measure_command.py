"""``python -m tonespan_utils measure``: a table and a figure of one recording, and one line for what cannot be."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import make_checkpoint
from PIL import Image

from tonespan_utils.__main__ import main
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import textgrid
from tonespan_utils.corpus.textgrid import Interval
from tonespan_utils.corpus.vowels import Vowel
from tonespan_utils.encoders import checkpoints
from tonespan_utils.instrument import probes
from tonespan_utils.paper import recording
from tonespan_utils.params import profile
from tonespan_utils.statistics.classifier import LinearClassifier

LAYERS = ["cnn", "0", "1", "2", "final"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("encoder"), "xlsr")


def voices(seconds=1.5):
    """Two buzzes, around 0.4 and 1.1 s."""
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * k * 140 * time_s) / k for k in range(1, 15))
    is_voiced = ((time_s > 0.3) & (time_s < 0.5)) | ((time_s > 1.0) & (time_s < 1.2))
    return (0.2 * tone * is_voiced + 1e-4 * np.random.default_rng(0).normal(size=time_s.size)).astype(np.float32)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a recording and its grid; runs lie there too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path)
    soundfile.write("say.wav", voices(), SAMPLE_RATE)
    textgrid.write(
        "say.TextGrid", {"syllable": [Interval(0.25, 0.55, "ma4"), Interval(0.95, 1.25, "na1")]}, duration_s=1.5
    )
    return tmp_path


def rows_of(printed):
    """The lines of the table below its head."""
    lines = printed.splitlines()
    first = next(i for i, line in enumerate(lines) if line.split()[:1] == ["layer"])
    return [line.split() for line in lines[first + 1 : first + 1 + len(LAYERS)]]


def test_vowels_in_the_sound_and_the_whole_vector(folder, checkpoint, capsys):
    assert main(["measure", "say.wav", "--encoder", str(checkpoint)]) == 0
    said = capsys.readouterr().out
    assert "vowels found in the sound: 2, at 0.40 s, 1.10 s" in said and "whole hidden vector" in said
    rows = rows_of(said)
    assert [row[0] for row in rows] == LAYERS and all("tone" not in row for row in rows)
    assert float(rows[0][1]) <= 35, "a frame of the convolutions sees 25 ms, up to 10 ms from the centre"
    assert said.splitlines()[-1] == "say.spans.png"
    with Image.open(folder / "say.spans.png") as picture:
        assert min(picture.size) > 300
    assert sorted(path.name for path in folder.iterdir()) == ["say.TextGrid", "say.spans.png", "say.wav"]


@pytest.fixture
def run_with_probes(folder, checkpoint):
    """A run of demo that has probes of this encoder for Thai: they call everything 4, more surely in each layer."""
    params, encoder = profile.load("demo"), checkpoints.load(checkpoint)
    row = {
        "condition": "mini/vanilla",
        "encoder": "mini",
        "checkpoint": "x",
        "identity": encoder.identity,
        "n_layers": 2,
    }
    (params.results / "parts").mkdir(parents=True)
    pd.DataFrame([row | {"seed": 0}]).to_csv(params.results / "parts" / "encoders.mini--vanilla.csv", index=False)
    widths = dict.fromkeys(LAYERS, 32) | {"cnn": 16}
    rng = np.random.default_rng(2)
    readers = {
        layer: LinearClassifier(("1", "4"), 1e-3 * rng.normal(size=(2, width)), np.array([0.0, 1.0 + i]))
        for i, (layer, width) in enumerate(widths.items())
    }
    probes.save_probes(readers, probes.path(params.results, "mini/vanilla", "th", seed=0))
    return readers


def test_probes_of_a_run_name_the_tones_of_a_grid_s_vowels(run_with_probes, folder, checkpoint, capsys):
    arguments = ["measure", "say.wav", "say.TextGrid", "--encoder", str(checkpoint), "--language", "th"]
    assert main([*arguments, "--csv", "numbers.csv", "--figure", "fig.svg"]) == 0
    said = capsys.readouterr().out
    assert "vowels of the TextGrid: 2, at 0.40 s ma 4, 1.10 s na 1" in said and "probes of Thai of profile demo" in said
    numbers = pd.read_csv("numbers.csv", dtype={"predicted": str})
    assert (numbers["predicted"] == "4").all() and len(numbers) == 2 * len(LAYERS)
    expected = 1 / (1 + np.exp(-np.arange(1.0, 6.0)))  # two classes whose logits differ by the bias
    assert numbers.groupby("center_s")["probability"].apply(list).iloc[0] == pytest.approx(list(expected), abs=0.02)
    assert rows_of(said)[0][-4:] == ["4", f"{expected[0]:.2f}", "4", f"{expected[0]:.2f}"]
    assert (folder / "fig.svg").read_text().lstrip().startswith("<?xml")


def test_where_no_probe_is_stored_it_says_so(folder, checkpoint, capsys):
    assert main(["measure", "say.wav", "--encoder", str(checkpoint), "--language", "th"]) == 0
    assert "profile demo has no probes of this encoder for Thai, so no tone is named" in capsys.readouterr().out


def test_a_labelled_tone_is_what_is_differentiated(run_with_probes, checkpoint):
    """The logits of two classes differ in sign alone here, so energies of label and winner are compared by probes."""
    encoder = checkpoints.load(checkpoint)
    sharp = {layer: LinearClassifier(p.classes, p.weight, p.bias) for layer, p in run_with_probes.items()}
    by_label, by_winner = (
        recording.measure(encoder, voices(), [Vowel(0.4, "ma", tone)], sharp, name="x").energy for tone in ("1", "")
    )
    winner = recording.measure(encoder, voices(), [Vowel(0.4, "ma", "4")], sharp, name="x").energy
    assert not np.allclose(by_label, winner) and np.allclose(by_winner, winner)


def test_the_whole_vector_is_seen_by_the_gradient_of_every_direction(checkpoint):
    """Eight random directions of 16 channels, for the convolutions: within 25 ms, where the Jacobian is."""
    encoder = checkpoints.load(checkpoint)
    measured = recording.measure(encoder, voices(), [Vowel(0.4)], None, name="x")
    energy = measured.energy.loc["cnn"]
    assert energy.sum() == pytest.approx(1) and energy[np.abs(energy.index) > 30].sum() == 0
    assert measured.layers["n_tokens"].eq(1).all() and measured.layers["ci_low_ms"].isna().all()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["none.wav"], "none.wav: cannot be read (No such file or directory)"),
        (["say.TextGrid"], "say.TextGrid: not an audio file"),
        (["say.wav", "none.TextGrid"], "none.TextGrid: "),
        (["say.wav", "--figure", "x.gif"], "x.gif: a figure ends with .png, .pdf, .svg"),
        (["say.wav", "--language", "xx"], "no language 'xx'; there are: my, th"),
        (["say.wav", "--csv", "nowhere/x.csv"], "nowhere/x.csv: cannot be written"),
        (["long.wav"], "long.wav: 31 s long; cut a clip of at most 30 s"),
        (["edge.wav", "edge.TextGrid"], "edge.wav: no vowel with 0.05 s of audio on both sides"),
    ],
)
def test_what_cannot_be_measured_is_one_line(folder, checkpoint, arguments, problem, capsys):
    soundfile.write("long.wav", np.tile(voices(1.0), 31), SAMPLE_RATE)
    soundfile.write("edge.wav", voices(), SAMPLE_RATE)
    textgrid.write("edge.TextGrid", {"centre": [Interval(0.01, 0.03, "x")]}, duration_s=1.5)
    assert main(["measure", *arguments, "--encoder", str(checkpoint)]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"tonespan: {problem}")
    assert not list(folder.glob("*.png"))


def test_an_encoder_that_is_none_is_one_line(folder, capsys):
    assert main(["measure", "say.wav", "--encoder", str(folder)]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"tonespan: {folder}")
