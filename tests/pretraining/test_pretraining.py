"""Pre-training: targets against closed forms, a resumed run against an unbroken one, held-out speech against splits."""

from dataclasses import replace
from itertools import islice

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from scipy.fft import idct

from pretraining import __main__ as command
from pretraining import banks, contour, crops, model, monitor, objectives, spectra, training, units
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import recordings
from tonespan_utils.corpus.synthetic import readings
from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError

TRACKER_ST = 0.2  # Praat's error on a clean buzz, with room to spare


def buzz(hz: float, duration_s: float = 1.0) -> np.ndarray:
    """Ten harmonics of ``hz``: what a voice's source looks like."""
    times_s = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    return (sum(np.sin(2 * np.pi * hz * k * times_s) / k for k in range(1, 11)) / 4).astype(np.float32)


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> banks.Bank:
    folder = tmp_path_factory.mktemp("bank")
    banks.write_bank(folder, [("th/low", buzz(120)), ("th/high", buzz(220)), ("th/low", buzz(125, 0.4))])
    return banks.read_bank(folder)


def test_the_track_of_a_buzz_is_its_pitch():
    track = banks.track_f0(buzz(150))
    assert np.nanmedian(track) == pytest.approx(12 * np.log2(1.5), abs=TRACKER_ST)
    assert np.isnan(banks.track_f0(np.zeros(SAMPLE_RATE, np.float32))).all()
    assert np.isnan(banks.track_f0(buzz(150, 0.03))).all()  # shorter than Praat's window


def test_a_bank_gives_back_its_clips(bank):
    assert bank.voices == ("th/low", "th/high")
    assert bank.clips[:, 0].tolist() == [0, 1, 0]
    assert bank.hours == pytest.approx(2.4 / 3600, rel=0.01)
    np.testing.assert_allclose(bank.samples[:SAMPLE_RATE] / 32767, buzz(120), atol=1 / 32767)


def test_an_incomplete_bank_is_refused(tmp_path):
    with pytest.raises(TonespanError, match="no complete bank"):
        banks.read_bank(tmp_path)


def test_f0_follows_a_change_of_speed(bank):
    drawn = crops.Crops([(bank, 1.0)], crop_s=0.5, seed=0)
    for samples, f0 in (drawn.draw() for _ in range(6)):
        assert samples.size == drawn.n_samples
        tracked_st, expected_st = np.nanmedian(banks.track_f0(samples)), np.nanmedian(f0)
        assert tracked_st == pytest.approx(expected_st, abs=2 * TRACKER_ST)


def test_spectra_resolve_harmonics_and_do_not_hang_on_level():
    narrow = spectra.NarrowSpectra()
    hz = librosa.mel_frequencies(spectra.N_BANDS + 2, fmin=50, fmax=8000)[1:-1]
    loud = torch.from_numpy(buzz(150))[None]
    low = narrow(loud)[0][0, 5:-5].mean(dim=0)
    inner = hz[: len(low)]
    peaks = [inner[i] for i in range(1, len(low) - 1) if low[i] > max(low[i - 1], low[i + 1])]
    assert peaks == pytest.approx([150, 300, 450], abs=20)
    parts, quiet = narrow(loud), narrow(loud / 10)
    assert [part.shape for part in parts] == [(1, spectra.n_frames(SAMPLE_RATE), size) for size in narrow.sizes]
    assert sum(narrow.sizes) == spectra.N_BANDS
    for part, other in zip(parts, quiet, strict=True):
        torch.testing.assert_close(other, part, atol=1e-3, rtol=0)
        assert part.mean(dim=-1).abs().max() < 1e-4


@pytest.mark.parametrize("half_width_ms", [40.0, 120.0, 200.0])
def test_contour_is_the_track_around_the_frame(half_width_ms):
    f0 = np.linspace(-3, 3, 100)  # a glide, 6 st in a second
    target, weight = contour.contour_targets(f0, 49, half_width_ms=half_width_ms)
    reach, n_kept = round(half_width_ms / 10), contour.n_coefficients(half_width_ms)
    assert target.shape == (49, n_kept) and n_kept == pytest.approx(2 * half_width_ms / 30, abs=0.5)
    frame = 24
    middle = round((320 * frame + 199.5) / 160 - 0.5)
    track = idct(np.pad(target[frame], (0, 2 * reach + 1 - n_kept)), norm="ortho")
    np.testing.assert_allclose(track, f0[middle - reach : middle + reach + 1] - np.median(f0), atol=0.05)
    assert weight[frame] == 1
    assert weight[0] < 1  # half of its window lies before the crop


def test_a_contour_knows_nothing_beyond_its_half_width():
    f0 = np.sin(np.arange(100) / 9)
    target, _ = contour.contour_targets(f0, 49, half_width_ms=40.0)
    changed = f0.copy()
    centre = round((320 * 24 + 199.5) / 160 - 0.5)
    changed[centre + 5 :] = -changed[centre + 5 :]
    changed += np.median(f0) - np.median(changed)
    shift = changed[0] - f0[0]
    other, _ = contour.contour_targets(changed - shift, 49, half_width_ms=40.0)
    moved = (target[24] - other[24])[1:]  # the first coefficient is the level, which the crop's median moves
    np.testing.assert_allclose(moved, 0, atol=1e-5)


def test_contour_ignores_the_speakers_level():
    f0 = np.sin(np.arange(100) / 9)
    low, high = (contour.contour_targets(track, 49, half_width_ms=120.0)[0] for track in (f0, f0 + 7))
    np.testing.assert_allclose(high, low, atol=1e-5)


def test_speech_without_voice_teaches_no_contour():
    target, weight = contour.contour_targets(np.full(100, np.nan), 49, half_width_ms=40.0)
    assert not target.any() and not weight.any()


def test_units_of_spectra_tell_pitch_apart_in_the_lowest_part():
    teacher = units.SpectralUnits()
    speech = [torch.from_numpy(np.stack([buzz(hz) for hz in np.geomspace(90, 280, 8) * step])) for step in (1, 1.03)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(units, "N_UNITS", 12)
        teacher.centres = torch.zeros(12, spectra.N_BANDS)
        teacher.fit(speech, seed=0)
    labels = teacher(speech[0])
    assert labels.shape == (8, spectra.n_frames(SAMPLE_RATE), teacher.n_books)
    lowest = labels[:, 10:-10, 0]
    assert all(len(set(row.tolist())) == 1 for row in lowest), "a still sound is one unit"
    assert len(set(lowest[:, 0].tolist())) >= 6, "pitches two semitones and more apart are different units"


def test_units_of_a_layer_are_the_nearest_clusters_of_the_middle_block():
    teacher = model.new_encoder(0).eval()
    layer = units.LayerUnits(teacher)
    speech = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 5 * SAMPLE_RATE)).astype(np.float32))
    layer.fit([speech], seed=0)
    with torch.no_grad():
        hidden = teacher(crops.normalised(speech), output_hidden_states=True).hidden_states[3]
    torch.testing.assert_close(layer._hidden(speech), hidden, atol=1e-5, rtol=1e-4)
    standard = (hidden - hidden.flatten(0, 1).mean(0)) / hidden.flatten(0, 1).std(0)
    distances = (standard[:, :, None] - layer.centres).square().sum(-1)
    chosen = distances.gather(-1, layer(speech))[..., 0]
    torch.testing.assert_close(chosen, distances.min(dim=-1).values, atol=1e-2, rtol=1e-4)


def test_masks_are_spans_of_about_the_share_asked_for():
    mask = model.span_mask(200, 99, share=0.2, span=5, rng=np.random.default_rng(0)).numpy()
    assert mask.mean() == pytest.approx(0.2, abs=0.03)
    starts = np.diff(mask.astype(int), axis=1) == 1
    assert all(mask[crop, start + 1 : start + 6].all() for crop, start in zip(*np.nonzero(starts), strict=True))


def test_the_rate_rises_stays_and_falls():
    schedule = training.Schedule(steps=1000, peak_rate=1.0)
    assert schedule.rate(0) == pytest.approx(1 / training.WARM_UP_STEPS)
    assert schedule.rate(500) == 1.0
    assert schedule.rate(1000) == 0.0
    assert 0 < schedule.rate(900) < 1


def trainer(bank: banks.Bank, *, contour_ms: float | None = 40.0) -> training.Trainer:
    batches = model.Batches(crops.Crops([(bank, 1.0)], crop_s=0.4, seed=3), n_crops=2, seed=3, contour_ms=contour_ms)
    return training.Trainer(model.new_encoder(3), units.SpectralUnits(), batches, seed=3)


@pytest.fixture
def quick(monkeypatch):
    """Clusters from a few batches."""
    monkeypatch.setattr(training, "FITTING_BATCHES", 8)


def test_a_resumed_run_takes_the_same_steps(bank, tmp_path, quick):
    unbroken, broken = trainer(bank), trainer(bank)
    broken.step(1e-3)
    broken.save(tmp_path / "checkpoint.pt")
    resumed = trainer(bank)
    resumed.units.centres.zero_()  # as stored, not as found again
    resumed.load(tmp_path / "checkpoint.pt")
    unbroken.step(1e-3)
    assert resumed.step(1e-3) == unbroken.step(1e-3)
    assert resumed.done == 2


def test_curves_of_a_run_that_was_stopped_have_each_step_once(tmp_path):
    path = tmp_path / "stage.curves.csv"
    for step, loss in ((0, 1.0), (500, 0.9), (1000, 0.8), (500, 0.91), (1000, 0.81)):  # stopped, on from 0
        training._add_to_curves(path, {"stage": "units", "step": step, "loss_hidden": loss})
    curves = pd.read_csv(path)
    assert curves["step"].tolist() == [0, 500, 1000] and curves["loss_hidden"].tolist() == [1.0, 0.91, 0.81]


def test_a_loss_that_is_not_finite_stops_the_run(bank, quick):
    run = trainer(bank)
    with torch.no_grad():
        run.heads.units.bias.fill_(torch.nan)
    with pytest.raises(TonespanError, match="step 0"):
        run.step(1e-3)


@pytest.mark.parametrize("contour_ms", [None, 40.0])
def test_steps_lower_the_loss(bank, quick, contour_ms):
    run = trainer(bank, contour_ms=contour_ms)
    parts = [run.step(1e-3) for _ in range(24)]
    assert set(parts[0]) == {"hidden", "visible"} | ({"contour"} if contour_ms else set())
    totals = [sum(part.values()) for part in parts]
    assert np.mean(totals[-6:]) < np.mean(totals[:6])


def test_without_a_contour_no_track_is_read(bank, quick):
    """The objective without a pitch teacher takes the same steps whatever the F0 track says."""
    other = banks.Bank(bank.samples, np.full_like(bank.f0_st, 3.0), bank.clips, bank.voices)
    steps = [trainer(speech, contour_ms=None).step(1e-3) for speech in (bank, other)]
    assert steps[0] == steps[1]


def test_a_batch_without_a_hidden_frame_has_a_loss(bank, quick):
    run = trainer(bank, contour_ms=None)
    mask = torch.zeros(2, run.frames, dtype=torch.bool)
    parts = model.losses(run.model, run.heads, run.batches.draw(), run.units, run.scale, mask)
    assert parts["hidden"].item() == 0 and 0.5 < parts["visible"].item() < 2


def test_only_named_objectives_teach_pitch():
    taught = {name: [stage.contour_ms for stage in stages] for name, stages in objectives.OBJECTIVES.items()}
    assert set(taught["units"]) == {None}
    assert taught["narrow"][-1] < 100 < taught["wide"][-1]
    assert taught["narrow"][:-1] == taught["wide"][:-1] == taught["units"]


def test_an_exported_encoder_loads_like_any_other(tmp_path):
    exported = model.new_encoder(0).eval()
    training.export(exported, tmp_path)
    encoder = checkpoints.load(tmp_path)
    assert encoder.scale_input
    assert not (tmp_path / ".partial").exists()
    samples = buzz(150)
    expected = exported(encoder.prepare(samples)).last_hidden_state
    torch.testing.assert_close(encoder.forward(encoder.prepare(samples))["final"], expected, atol=1e-5, rtol=0)


def test_generated_speech_has_no_voice_of_the_test_split():
    voices = {voice for voice, _ in islice(banks.synthetic_clips("th", minutes=0.3, seed=1), 20)}
    of_split = {person.name: person.split for person in readings.speakers(banks.N_SPEAKERS)}
    assert voices and all(of_split[voice.removeprefix("th/")] != "test" for voice in voices)


def test_the_wide_cast_has_no_test_voice():
    tested = {person.variant for person in readings.speakers(32) if person.split == "test"}
    people = banks.wide_cast(1)
    assert tested and not tested & {person.variant for person in people}
    assert {person.gender for person in people} == {"female", "male"}
    voices = {voice for voice, _ in islice(banks.synthetic_clips("vi", minutes=0.3, seed=1, cast=people), 20)}
    assert voices <= {f"vi/{person.name}" for person in people}


def small_command(monkeypatch, tmp_path, *arguments):
    """The command on stages of two updates, one bank, and no monitor."""
    stages = {name: replace(objectives.OBJECTIVES["narrow"][i], steps=2) for i, name in enumerate("abc")}
    chain = {"units": (stages["a"], stages["b"]), "narrow": tuple(stages.values())}
    monkeypatch.setattr(command, "OBJECTIVES", chain)
    monkeypatch.setattr(command, "monitor_corpora", lambda *_: {})
    monkeypatch.setattr(command, "open_banks", lambda folder, **_: [(banks.read_bank(folder / "th"), 1.0)])
    places = ["--work", str(tmp_path), "--out", str(tmp_path / "models"), "--threads", "1", "--crop-s", "0.4"]
    monkeypatch.setattr("sys.argv", ["pretraining", *places, "--crops", "2", *arguments])
    command.main()


def test_the_command_goes_on_from_the_stage_before_and_ships_weights_with_their_curves(
    tmp_path, monkeypatch, quick, capsys
):
    banks.write_bank(tmp_path / "pool" / "th", [("th/low", buzz(120)), ("th/high", buzz(220))])
    small_command(monkeypatch, tmp_path, "--objective", "units")
    stored = {path.name for path in (tmp_path / "models" / "tonespan-units").iterdir()}
    assert stored == {"config.json", "preprocessor_config.json", "model.safetensors", "curves.csv"}
    first = (tmp_path / "spectra.pt").stat().st_mtime_ns
    small_command(monkeypatch, tmp_path, "--objective", "narrow")
    assert (tmp_path / "spectra.pt").stat().st_mtime_ns == first, "what is done is not done again"
    curves = pd.read_csv(tmp_path / "models" / "tonespan-narrow" / "curves.csv")
    assert curves[["stage", "step"]].to_numpy().tolist() == [
        ["spectra", 0], ["spectra", 2], ["layer", 0], ["layer", 2], ["narrow", 0], ["narrow", 2],
    ]  # fmt: skip
    taught = torch.load(tmp_path / "narrow.pt", weights_only=True)["units"]
    before = torch.load(tmp_path / "layer.pt", weights_only=True)["model"]
    name = "encoder.layers.0.attention.k_proj.weight"
    assert torch.equal(taught[f"teacher.{name}"], before[name]), "units of the encoder it went on from"
    assert "spectra" in capsys.readouterr().out


def test_the_monitor_has_test_voices_alone():
    corpus = monitor.synthetic_corpus("vi", span_ms=180, n_tokens=30, seed=1)
    assert len(corpus.tokens) >= 30
    voices = {person.name for person in readings.speakers(16) if person.split == "test"}
    assert set(corpus.tokens["speaker"]) <= voices


def test_held_out_recordings_are_the_test_split(tmp_path):
    kinds = ["ma", "ba", "ta", "ka", "na", "la", "sa", "fa", "pa", "ga"]
    rows = [(f"{kind}{tone}.wav", f"{kind}{tone}", kind, tone, "one", "", "cmn") for kind in kinds for tone in "14"]
    columns = ["file", "text", "syllable", "tone", "speaker", "gender", "language"]
    labels = pd.DataFrame(rows, columns=columns)
    labels.to_csv(tmp_path / "labels.csv", index=False)
    for file in labels["file"]:
        soundfile.write(tmp_path / file, buzz(150, 0.3), SAMPLE_RATE)
    corpus = recordings.load(tmp_path, language="cmn", cache_dir=tmp_path / "cache")
    tested = set(corpus.utterances.loc[corpus.utterances["split"] == "test", "sentence_id"])
    assert tested and tested == set(labels.loc[banks.held_out(labels), "syllable"])
