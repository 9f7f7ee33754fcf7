"""The level of active speech in a recording, and corpora whose recordings or speakers are made equally loud.

Log energies depend on the gain of a microphone: with two voices 11 dB apart, a baseline that learns on one of them
fails on the other. Encoders that scale their input to unit variance do not depend on it; the baseline does, and so do
encoders that take the waveform as it is. So the gain is evened out where audio is read, for all of them alike.

The level is that of active speech, in the manner of ITU-T P.56: the mean power of the frames within ``MARGIN_DB`` of
the loudest. Two rules make it robust for files from anywhere. The loudest level is the one that is reached for
``PEAK_S`` in all, and louder frames count as that much, so that a click of a few ms changes little. This time is
counted in seconds, not as a share of the file, so that silence before and after changes nothing.

Conventions: levels are in dB re full scale; a gain is one number per recording, so times do not change. Levelled
samples are float, and may exceed 1 where there is a click. A recording that is silent throughout keeps its gain.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus

TARGET_DB = -24.0  # of active speech; that of the embedded corpus (synthetic.LEVEL_DB)
MARGIN_DB = 15.9  # below the loudest, speech is taken for pause: the margin of ITU-T P.56
PEAK_S = 0.1  # longer than any click, shorter than any syllable's loud part
BLOCK = SAMPLE_RATE // 200  # samples, 5 ms: frames begin this far apart
BLOCKS_A_FRAME = 5  # 25 ms: two periods of the lowest pitch
SILENCE_DB = -100.0  # under the last bit of 16-bit audio: nothing to make louder


def levelled(corpus: Corpus, *, by: str) -> Corpus:
    """The corpus with every recording's active speech at ``TARGET_DB``; times and tables stay.

    ``by`` is ``recording``; or ``speaker``: one gain for all recordings of a speaker, from the median of their levels
    (recordings without a speaker are levelled one by one); or ``none``. Notebook: notebooks/00_corpus
    """
    if by == "none":
        return corpus
    if by == "recording":
        return replace(corpus, audio=lambda name: with_gain(samples := corpus.audio(name), gain_db(samples)))
    gains = _SpeakerGains(corpus)
    # the gain first, for it reads recordings too
    return replace(corpus, audio=lambda name: with_gain(gain_db=gains[name], samples=corpus.audio(name)))


def active_db(samples: np.ndarray) -> float:
    """The level of active speech (samples,) at 16 kHz, in dB re full scale; -inf for silence or no samples.

    A constant offset is not sound: the mean of every frame is taken out.
    """
    power = _frame_power(np.asarray(samples))
    if not power.size or not power.max():
        return -np.inf
    n_peak = min(len(power), round(PEAK_S * SAMPLE_RATE / BLOCK))
    peak = np.partition(power, -n_peak)[-n_peak] or power.max()  # less than PEAK_S of sound in all: what there is
    active = power[power >= peak * 10 ** (-MARGIN_DB / 10)]
    return float(10 * np.log10(np.minimum(active, peak).mean()))


def gain_db(samples: np.ndarray) -> float:
    """The gain in dB that brings a recording's active speech to ``TARGET_DB``; 0 for one that is silent."""
    level_db = active_db(samples)
    return TARGET_DB - level_db if level_db > SILENCE_DB else 0.0


def with_gain(samples: np.ndarray, gain_db: float) -> np.ndarray:
    """The same samples ``gain_db`` louder, changed in place: three hours are 690 MB, which need not be there twice."""
    samples *= np.float32(10 ** (gain_db / 20))
    return samples


def _frame_power(samples: np.ndarray) -> np.ndarray:
    """Variance (frame,) of frames of 25 ms, one every 5 ms; a recording shorter than a frame is one frame."""
    n_blocks = len(samples) // BLOCK
    if n_blocks < BLOCKS_A_FRAME:
        return np.var(samples, keepdims=True, dtype=np.float64) if samples.size else np.empty(0)
    blocks = samples[: n_blocks * BLOCK].reshape(n_blocks, BLOCK)
    totals = blocks.sum(axis=1, dtype=np.float64), np.einsum("ij,ij->i", blocks, blocks, dtype=np.float64)
    mean, square = (np.convolve(total, np.ones(BLOCKS_A_FRAME), "valid") / (BLOCK * BLOCKS_A_FRAME) for total in totals)
    return np.maximum(square - mean**2, 0.0)


class _SpeakerGains(Mapping[str, float]):
    """The gain in dB of each utterance: that of its speaker, measured when it is first needed."""

    def __init__(self, corpus: Corpus) -> None:
        self._audio: Callable[[str], np.ndarray] = corpus.audio
        self._speaker = dict(zip(corpus.utterances["utterance_id"], corpus.utterances["speaker"], strict=True))
        self._gains: dict[str, float] = {}

    def __getitem__(self, name: str) -> float:
        if name not in self._gains:
            self._gains |= self._of_speaker(name)
        return self._gains[name]

    def __iter__(self):
        return iter(self._speaker)

    def __len__(self) -> int:
        return len(self._speaker)

    def _of_speaker(self, name: str) -> dict[str, float]:
        speaker = self._speaker[name]
        names = [other for other, whose in self._speaker.items() if whose == speaker] if speaker else [name]
        levels_db = [active_db(self._audio(other)) for other in names]
        spoken = [level_db for level_db in levels_db if level_db > SILENCE_DB]
        return dict.fromkeys(names, TARGET_DB - float(np.median(spoken)) if spoken else 0.0)
