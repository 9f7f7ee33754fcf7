"""Pre-training: targets against closed forms, a resumed run against an unbroken one, held-out speech against splits."""

from itertools import islice

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from scipy.fft import idct

from pretraining import banks, crops, model, monitor, targets, training, warps
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
    for samples, f0, _ in (drawn.draw() for _ in range(6)):
        assert samples.size == drawn.n_samples
        tracked_st, expected_st = np.nanmedian(banks.track_f0(samples)), np.nanmedian(f0)
        assert tracked_st == pytest.approx(expected_st, abs=2 * TRACKER_ST)


def test_periodicity_peaks_at_the_period_whatever_the_level():
    spectral = targets.SpectralTargets()
    loud = torch.from_numpy(buzz(150))[None]
    mel, periodicity = spectral(loud)
    frames = targets.n_frames(loud.shape[1])
    assert mel.shape == (1, frames, 40)
    peak = periodicity[0, 5:-5].mean(dim=0).argmax()
    hz = np.geomspace(*targets.LAG_HZ, targets.N_LAGS)
    # half the pitch is as periodic as the pitch itself: both answers are right
    assert min(abs(12 * np.log2(hz[peak] / candidate)) for candidate in (75, 150)) < 0.7
    quiet = spectral(loud / 100)[1]
    torch.testing.assert_close(quiet, periodicity, atol=1e-3, rtol=0)


def test_contour_is_the_track_around_the_frame():
    f0 = np.linspace(-3, 3, 100)  # a glide, 6 st in a second
    target, weight = targets.pitch_targets(f0, frames=49)
    frame = 24
    middle = round((320 * frame + 199.5) / 160 - 0.5)
    contour = idct(np.pad(target[frame, : targets.N_DCT], (0, 25 - targets.N_DCT)), norm="ortho")
    np.testing.assert_allclose(contour, f0[middle - 12 : middle + 13] - np.median(f0), atol=0.02)
    assert target[frame, targets.N_DCT] == pytest.approx(f0[middle])
    assert (weight[frame] == 1).all()
    assert weight[0, 0] < 1  # half of its window lies before the crop


def test_contour_ignores_the_speakers_level():
    f0 = np.sin(np.arange(100) / 9)
    low, high = targets.pitch_targets(f0, 49)[0], targets.pitch_targets(f0 + 7, 49)[0]
    np.testing.assert_allclose(high[:, : targets.N_DCT], low[:, : targets.N_DCT], atol=1e-5)
    np.testing.assert_allclose(high[:, targets.N_DCT] - low[:, targets.N_DCT], 7, atol=1e-5)


def test_speech_without_voice_teaches_voicing_alone():
    target, weight = targets.pitch_targets(np.full(100, np.nan), 49)
    assert not target.any()
    assert not weight[:, :-1].any() and (weight[:, -1] == 1).all()


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


def trainer(bank: banks.Bank) -> training.Trainer:
    return training.Trainer(
        model.Batches(crops.Crops([(bank, 1.0)], crop_s=0.4, seed=3), n_crops=2, seed=3), seed=3, n_units=8
    )


def test_a_resumed_run_takes_the_same_steps(bank, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SCALE_BATCHES", 2)
    unbroken, broken = trainer(bank), trainer(bank)
    broken.step(1e-3)
    broken.save(tmp_path / "checkpoint.pt")
    resumed = trainer(bank)
    resumed.load(tmp_path / "checkpoint.pt")
    unbroken.step(1e-3)
    assert resumed.step(1e-3) == unbroken.step(1e-3)
    assert resumed.done == 2


def test_a_loss_that_is_not_finite_stops_the_run(bank, monkeypatch):
    monkeypatch.setattr(training, "SCALE_BATCHES", 2)
    run = trainer(bank)
    with torch.no_grad():
        run.heads.top.bias.fill_(torch.nan)
    with pytest.raises(TonespanError, match="step 0"):
        run.step(1e-3)


def test_steps_lower_the_loss(bank, monkeypatch):
    monkeypatch.setattr(training, "SCALE_BATCHES", 2)
    run = trainer(bank)
    totals = [sum(model.LOSS_WEIGHT[name] * part for name, part in run.step(1e-3).items()) for _ in range(24)]
    assert np.mean(totals[-6:]) < np.mean(totals[:6])


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


def test_a_warp_of_one_changes_nothing_and_a_warp_moves_a_peak():
    mel = torch.zeros(1, 1, targets.N_MELS)
    mel[..., 20] = 1
    torch.testing.assert_close(warps.warped(mel, torch.tensor([1.0])), mel)
    warp = warps.MEL_HZ[20] / warps.MEL_HZ[15]  # band 15 is read where band 20 lies
    assert warps.warped(mel, torch.tensor([warp])).argmax() == 15


def vowels(tract: float, *, seed: int) -> np.ndarray:
    """Five vowels of a voice whose formants all lie ``tract`` times as high, in random order."""
    formants = [(300, 2300), (700, 1200), (500, 1800), (350, 900), (450, 1500)]
    rng, noise = np.random.default_rng(seed), np.random.default_rng(seed + 100)
    hz = np.fft.rfftfreq(SAMPLE_RATE // 5, 1 / SAMPLE_RATE)
    parts = []
    for first, second in (formants[i] for i in rng.integers(5, size=60)):
        gain = sum(1 / (1 + ((hz - tract * peak) / 80) ** 2) for peak in (first, second, 2700)) + 0.01
        spectrum = gain * np.exp(2j * np.pi * noise.random(hz.size))
        parts.append(np.fft.irfft(spectrum, SAMPLE_RATE // 5))
    return (np.concatenate(parts) / 20 / np.std(parts[0])).astype(np.float32)


def test_voices_with_long_tracts_get_smaller_warps(tmp_path, monkeypatch):
    monkeypatch.setattr(warps, "N_CLUSTERS", 6)  # three voices: with more, each voice would get clusters of its own
    tracts = {"short": 1.17, "middle": 1.0, "long": 0.86}
    banks.write_bank(tmp_path, [(f"th/{name}", vowels(tract, seed=3)) for name, tract in tracts.items()])
    fitted = warps.fit_warps(crops.Crops([(banks.read_bank(tmp_path), 1.0)], crop_s=0.5, seed=0), seed=0)
    assert fitted["long"] < fitted["middle"] < fitted["short"]
    assert fitted["short"] / fitted["long"] == pytest.approx(1.17 / 0.86, rel=0.12)


def test_a_second_stage_leaves_the_front_end_alone(bank, monkeypatch):
    monkeypatch.setattr(training, "SCALE_BATCHES", 2)
    first = model.new_encoder(0)
    before = {name: weight.clone() for name, weight in first.state_dict().items()}
    drawn = model.Batches(crops.Crops([(bank, 1.0)], crop_s=0.4, seed=3), n_crops=2, seed=3, warped=True)
    training.Trainer(drawn, seed=3, n_units=8, model=first).step(1e-3)
    moved = {name for name, weight in first.state_dict().items() if not torch.equal(weight, before[name])}
    assert moved and not any(name.startswith("feature_extractor") for name in moved)


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
