"""One stream of sound to mono at 16 kHz, block by block: memory stays near that of the result, however long it is.

Conventions: channels are averaged before resampling; SoX's resampler (python-soxr) at high quality, whose delay is
compensated, gives the same samples block by block as at once. Power is about the mean of a block: a constant offset
is no sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from tonespan_utils.errors import TonespanError

SAMPLE_RATE = 16_000  # what wav2vec 2.0 style encoders were trained on
SILENCE_PEAK = 1e-4  # -80 dB re full scale: three steps of 16-bit audio, below the noise of any microphone
MIN_RATE, MAX_RATE = 4_000, 192_000  # Hz; below, F0's harmonics are gone, and beyond there is no recorder
CANCELLED = 0.1  # of the power that channels with nothing in common would have in their mean: equal ones, one reversed
FULL_SCALE = 100.0  # floats may pass 1; samples of 16 bits written as floats reach 32,768
BLOCK_SAMPLES = 2**20  # of all channels, decoded at a time: 4 MB as floats
MAX_SAMPLES = 2**32  # of all channels; as floats 16 GiB, beyond which a header lies or memory ends


class _Forward(soundfile.SoundFile):
    """Reads on from where it is: soundfile seeks after every read, which in mp3 and Ogg is not exact."""

    def seekable(self) -> bool:
        return False


class _Power:
    """What is summed up over the blocks of a stream: the peak of the mean, and power before and after averaging."""

    def __init__(self, n_channels: int) -> None:
        self.n_frames, self.peak, self.of_mean, self.of_channels = 0, 0.0, 0.0, np.zeros(n_channels)

    def add(self, block: np.ndarray, mono: np.ndarray) -> None:
        """One block (frame, channel) and its mean (frame,)."""
        self.n_frames += len(mono)
        self.peak = max(self.peak, float(mono.max()), -float(mono.min()))
        if len(self.of_channels) > 1:
            self.of_mean += mono.var(dtype=np.float64) * len(mono)
            self.of_channels += block.var(axis=0, dtype=np.float64) * len(mono)

    @property
    def is_cancelled(self) -> bool:
        """Whether the mean of the channels has much less power than unrelated channels would leave."""
        independent = self.of_channels.sum() / len(self.of_channels) ** 2
        is_silent = independent < SILENCE_PEAK**2 * max(1, self.n_frames)
        return len(self.of_channels) > 1 and not is_silent and self.of_mean < CANCELLED * independent


def append_mono(path: Path, stream: Path | BinaryIO, samples: bytearray) -> None:
    """Append the mean of the channels at 16 kHz, as the bytes of float32, and close the stream.

    Raises :class:`TonespanError`, naming ``path``, for what libsndfile cannot read, less sound than the header says, a
    rate or a length that no recording has, NaN, samples far beyond full scale, and channels that cancel each other.
    """
    try:
        with _Forward(stream) as file:
            _refuse_absurd(path, file)
            n_promised, power = file.frames, _append_blocks(path, file, samples)
    except (soundfile.LibsndfileError, OSError, MemoryError) as error:
        reason = str(error).rsplit(": ", 1)[-1].rstrip(".") or type(error).__name__
        raise TonespanError(f"{path}: damaged, or no audio file ({reason}); export it again as WAV or FLAC") from None
    finally:
        if not isinstance(stream, Path):
            stream.close()
    if power.n_frames < n_promised:
        raise TonespanError(f"{path}: truncated, {power.n_frames} of {n_promised} samples are there; copy it again")
    if power.peak > FULL_SCALE:
        raise TonespanError(f"{path}: samples up to {power.peak:.0f}, not 1; export it with full scale at 1")
    if power.is_cancelled:
        n_channels = len(power.of_channels)
        which = "left and right" if n_channels == 2 else f"its {n_channels} channels"
        raise TonespanError(f"{path}: {which} cancel each other; keep one channel")


def _append_blocks(path: Path, file: soundfile.SoundFile, samples: bytearray) -> _Power:
    is_resampled = file.samplerate != SAMPLE_RATE
    resampler = soxr.ResampleStream(file.samplerate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
    power = _Power(file.channels)
    for block in _blocks(file):
        mono = block.mean(axis=1, dtype=np.float32)
        if not np.isfinite(mono).all():
            raise TonespanError(f"{path}: NaN or infinite samples; export the recording again")
        power.add(block, mono)
        samples += (resampler.resample_chunk(mono) if is_resampled else mono).tobytes()
    if is_resampled and power.n_frames:
        samples += resampler.resample_chunk(np.empty(0, dtype=np.float32), last=True).tobytes()
    return power


def _blocks(file: soundfile.SoundFile) -> Iterator[np.ndarray]:
    """Blocks (frame, channel) up to as many frames as the header says."""
    step, n_left = max(1, BLOCK_SAMPLES // file.channels), file.frames
    while n_left > 0:
        block = file.read(min(step, n_left), dtype="float32", always_2d=True)
        if not len(block):
            return
        yield block
        n_left -= len(block)


def _refuse_absurd(path: Path, file: soundfile.SoundFile) -> None:
    if not MIN_RATE <= file.samplerate <= MAX_RATE:
        raise TonespanError(
            f"{path}: a sample rate of {file.samplerate} Hz; {MIN_RATE} to {MAX_RATE} are read: export it again"
        )
    if file.frames * file.channels > MAX_SAMPLES:
        raise TonespanError(
            f"{path}: {file.frames} samples of {file.channels} channels by its header; cut it into shorter files"
        )
