"""Block by block gives the samples of the whole, and memory stays near them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from tonespan_utils.audio import decoding
from tonespan_utils.audio.reading import SAMPLE_RATE, read
from tonespan_utils.errors import TonespanError

ROOT = Path(__file__).parents[2]
ENCODED = [("wav", "PCM_16"), ("flac", "PCM_16"), ("mp3", None), ("ogg", "VORBIS"), ("ogg", "OPUS")]


def noise(n_frames: int, n_channels: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (n_frames, n_channels))


def at_once(path: Path) -> np.ndarray:
    """The channels' mean of a whole file, resampled in one go."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1, dtype=np.float32)
    return mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE, quality="HQ")


@pytest.mark.parametrize("block", [1_000, 4_096, 50_000])
@pytest.mark.parametrize(("kind", "subtype"), ENCODED)
def test_blocks_change_nothing(tmp_path, monkeypatch, kind, subtype, block):
    path, rate = tmp_path / f"a.{kind}", 48_000 if subtype == "OPUS" else 44_100
    soundfile.write(path, noise(70_000, 2), rate, subtype=subtype)
    monkeypatch.setattr(decoding, "BLOCK_SAMPLES", block)
    np.testing.assert_allclose(read(path), at_once(path), atol=1e-6, rtol=0)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 48_000, 96_000])
def test_blocks_change_nothing_at_any_rate(tmp_path, monkeypatch, rate):
    soundfile.write(tmp_path / "a.wav", noise(30_001, 3), rate)
    monkeypatch.setattr(decoding, "BLOCK_SAMPLES", 2_000)
    np.testing.assert_allclose(read(tmp_path / "a.wav"), at_once(tmp_path / "a.wav"), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("at", "value", "problem"), [(65_000, np.nan, "NaN"), (65_000, 30_000, "samples up to 15000")])
def test_what_is_wrong_in_a_later_block_is_seen(tmp_path, monkeypatch, at, value, problem):
    samples = noise(70_000, 2)
    samples[at, 0] = value
    soundfile.write(tmp_path / "a.wav", samples, SAMPLE_RATE, subtype="FLOAT")
    monkeypatch.setattr(decoding, "BLOCK_SAMPLES", 10_000)
    with pytest.raises(TonespanError, match=problem):
        read(tmp_path / "a.wav")


MEASURE = """
import resource, sys
from tonespan_utils.audio.reading import read
peak_mb = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
read(sys.argv[1])
before = peak_mb()
samples = read(sys.argv[2])
print(peak_mb() - before, samples.nbytes / 2**20)
"""


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_memory_stays_near_that_of_the_result(tmp_path, kind):
    """Twelve minutes of stereo at 44.1 kHz: 44 MB at 16 kHz; all at once they took ten times that."""
    minute = noise(60 * 44_100, 2)
    soundfile.write(tmp_path / f"short.{kind}", minute, 44_100, subtype="PCM_16")
    with soundfile.SoundFile(tmp_path / f"long.{kind}", "w", 44_100, 2, subtype="PCM_16") as file:
        for _ in range(12):
            file.write(minute)
    command = [sys.executable, "-c", MEASURE, str(tmp_path / f"short.{kind}"), str(tmp_path / f"long.{kind}")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    more_mb, result_mb = (float(number) for number in done.stdout.split())
    assert result_mb == pytest.approx(43.9, abs=0.1) and more_mb < 1.5 * result_mb
