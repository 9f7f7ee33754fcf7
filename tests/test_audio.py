from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tonespan_utils.corpus import SAMPLE_RATE
from tonespan_utils.corpus.audio import build_once, check_length, read
from tonespan_utils.errors import TonespanError

LOSSY_DELAY_S = 0.08  # an mp3 encoder pads either end with up to three frames
FORMATS = [(suffix, rate) for suffix in (".wav", ".flac", ".mp3", ".ogg") for rate in (8_000, 16_000, 22_050, 44_100)]
FORMATS += [(".opus", rate) for rate in (8_000, 16_000, 48_000)]  # Opus has no other rates


def sine(rate: int, *, seconds: float = 0.5, hz: float = 440.0) -> np.ndarray:
    return 0.4 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def store(path: Path, samples: np.ndarray, rate: int, **options) -> Path:
    if path.suffix == ".opus":
        options = {"format": "OGG", "subtype": "OPUS"}
    soundfile.write(path, samples, rate, **options)
    return path


def refuse(path: Path, *words: str) -> None:
    with pytest.raises(TonespanError) as error:
        read(path)
    message = str(error.value)
    assert "\n" not in message
    assert path.name in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(("suffix", "rate"), FORMATS)
def test_every_format_and_rate_becomes_mono_16_khz(tmp_path, suffix, rate):
    left = sine(rate)
    samples = read(store(tmp_path / f"a{suffix}", np.stack([left, 0 * left], axis=1), rate))
    assert samples.dtype == np.float32 and samples.ndim == 1
    assert abs(len(samples) / SAMPLE_RATE - 0.5) < LOSSY_DELAY_S
    middle = samples[2_000:6_000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert abs(np.argmax(spectrum) * SAMPLE_RATE / len(middle) - 440) < 8
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.2, rel=0.05)  # the mean of the two channels


def test_resampling_keeps_times(tmp_path):
    samples = np.zeros(48_000)
    samples[12_000] = 0.9
    assert np.argmax(read(store(tmp_path / "click.wav", samples, 48_000))) == 4_000


def test_float_wav_is_read_exactly(tmp_path):
    samples = np.random.default_rng(0).normal(0, 0.1, 5_000).astype(np.float32)
    np.testing.assert_array_equal(read(store(tmp_path / "a.wav", samples, SAMPLE_RATE, subtype="FLOAT")), samples)


def test_unusable_files_are_named(tmp_path):
    refuse(tmp_path / "missing.wav", "no such")
    (tmp_path / "empty.mp3").touch()
    refuse(tmp_path / "empty.mp3", "empty")
    for name in ("text.wav", "text.mp3", "text.opus", "text.flac"):
        (tmp_path / name).write_text("this is no sound\n" * 300)
        refuse(tmp_path / name, "damaged")
    (tmp_path / "notes.txt").write_text("x")
    refuse(tmp_path / "notes.txt", "not an audio file")
    refuse(store(tmp_path / "silent.wav", np.zeros(8_000), SAMPLE_RATE), "silent")
    refuse(store(tmp_path / "none.wav", np.zeros(0), SAMPLE_RATE), "no samples")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(tmp_path, value):
    samples = sine(SAMPLE_RATE)
    samples[77] = value
    refuse(store(tmp_path / "a.wav", samples, SAMPLE_RATE, subtype="FLOAT"), "NaN or infinite")


@settings(max_examples=40, deadline=None)
@given(suffix=st.sampled_from([".wav", ".flac", ".opus", ".ogg"]), share=st.floats(0, 1, exclude_max=True))
def test_no_cut_file_passes_for_a_whole_one(tmp_path_factory, suffix, share):
    folder = tmp_path_factory.mktemp("cut")
    whole = store(folder / f"whole{suffix}", sine(16_000), 16_000).read_bytes()
    (folder / f"cut{suffix}").write_bytes(whole[: int(share * len(whole))])
    refuse(folder / f"cut{suffix}")


def test_truncated_mp3(tmp_path):
    whole = store(tmp_path / "whole.mp3", sine(16_000, seconds=2), 16_000).read_bytes()
    (tmp_path / "cut.mp3").write_bytes(whole[: len(whole) // 2])
    refuse(tmp_path / "cut.mp3", "truncated")


def test_header_that_promises_more_than_there_is(tmp_path):
    data = bytearray(store(tmp_path / "a.wav", sine(16_000), 16_000).read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = (2 * 80_000).to_bytes(4, "little")
    (tmp_path / "liar.wav").write_bytes(data)
    with pytest.raises(TonespanError, match=r"liar\.wav: truncated, 16000 of 160000 bytes"):
        check_length(tmp_path / "liar.wav")


def test_a_cache_folder_is_built_once_and_replaced_when_its_key_changes(tmp_path):
    calls = []

    def build(folder: Path) -> None:
        calls.append(folder)
        (folder / "x").write_text(str(len(calls)))

    first = build_once(tmp_path / "cache", "a", build)
    assert build_once(tmp_path / "cache", "a", build) == first and (first / "x").read_text() == "1"
    second = build_once(tmp_path / "cache", "b", build)
    assert (second / "x").read_text() == "2" and not first.exists()


def test_an_interrupted_build_leaves_nothing_that_looks_finished(tmp_path):
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_once(tmp_path / "cache", "a", fail)
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []
    assert build_once(tmp_path / "cache", "a", lambda folder: None).is_dir()


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TonespanError, match="cannot write the cache"):
        build_once(tmp_path / "file" / "cache", "a", lambda folder: None)
