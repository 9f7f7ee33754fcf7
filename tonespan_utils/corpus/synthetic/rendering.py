"""The sound of one reading: spoken flat by eSpeak NG, laid out in time, given its pitch, its level and room noise.

Conventions: int16 samples at 16 kHz; times are seconds. The tone enters in one place only, the pitch contour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.signal import lfilter, resample_poly

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.synthetic import espeak, pitch
from tonespan_utils.corpus.synthetic.readings import STYLES, Reading
from tonespan_utils.corpus.synthetic.spellers.speller import Frame, speller, write
from tonespan_utils.errors import TonespanError

RATE_WPM = 145  # syllables about 0.3 s apart, in every language alike: the rate must not give away the span
SOURCE_HZ = {"male": 155, "female": 212}  # eSpeak's flat pitch: near the target, so overlap-add has little to do
LEVEL_DB = -24.0  # neutral speech, re full scale
ROOM_DB = LEVEL_DB - 30  # room noise: silence is never digital zero
PAD_S = (0.1, 0.25)  # silence before and after


def render(reading: Reading, *, language: str, span_ms: float | None) -> tuple[np.ndarray, pd.DataFrame]:
    """One utterance: int16 samples at 16 kHz and its syllables' rows (all of ``syllables.csv``).

    The tone enters in one place only, the contour; every random draw comes before and without it.
    """
    rng = np.random.default_rng(reading.key)
    spelling, style, person = speller(language), STYLES[reading.style], reading.speaker
    spoken = _speak(reading, voice=spelling.voice)
    lead_s, trail_s = rng.uniform(*PAD_S, size=2)
    samples, rows = _lay_out(spoken, reading, lead_s=lead_s, trail_s=trail_s)
    samples = _level(lfilter([1, -style.tilt], [1], samples), LEVEL_DB + style.gain_db + rng.normal(0, 1))
    rows[["char_start", "char_end"]] = write(spelling, reading.syllables)[1]
    times_s = np.arange(0, len(samples) / SAMPLE_RATE, pitch.POINT_S)
    targets = _targets(rows, chao=spelling.chao)
    movement = pitch.base_line(times_s, targets, rng=rng)
    for target in targets if span_ms else ():
        movement += pitch.contour(times_s - target.center_s, target.chao, span_s=span_ms / 1000)
    level_st = style.shift_st + rng.normal(0, 0.3)
    pitch_hz = person.base_hz * 2 ** ((level_st + style.pitch_range * movement) / 12)
    samples = pitch.impose(samples, times_s, pitch_hz, source_hz=SOURCE_HZ[person.gender] * person.formants)
    return _to_int16(samples + _room(len(samples), rng)), rows


def _speak(reading: Reading, *, voice: str) -> espeak.Spoken:
    person = reading.speaker
    words = ["|".join(_stressed(frame)) for frame, _ in reading.syllables]
    # Formants move by playing the speech faster; eSpeak speaks that much slower, so that durations stay.
    rate_wpm = round(RATE_WPM * person.rate * STYLES[reading.style].rate / person.formants)
    pitch_hz = SOURCE_HZ[person.gender]
    return espeak.speak(words, voice=voice, variant=person.variant, rate_wpm=rate_wpm, pitch_hz=pitch_hz)


def _stressed(frame: Frame) -> list[str]:
    roles = [role for role, _ in frame.espeak]
    return [f"'{name}" if i == roles.index("nucleus") else name for i, (_, name) in enumerate(frame.espeak)]


def _lay_out(
    spoken: espeak.Spoken, reading: Reading, *, lead_s: float, trail_s: float
) -> tuple[np.ndarray, pd.DataFrame]:
    """Samples, resampled with the formants shifted and silence around, and the syllables' rows with times in them."""
    ratio = espeak.SAMPLE_RATE * reading.speaker.formants / SAMPLE_RATE
    down = round(320 * ratio)  # 22,050 : 16,000 is 441 : 320
    speech = resample_poly(spoken.samples, 320, down)
    scale = 320 * espeak.SAMPLE_RATE / (down * SAMPLE_RATE)  # seconds of the result per second spoken
    rows = [
        _row(index, frame, tone, phones, scale=scale, lead_s=lead_s, file_name=reading.file_name)
        for index, ((frame, tone), phones) in enumerate(zip(reading.syllables, spoken.words, strict=True))
    ]
    n_lead, n_end = round(lead_s * SAMPLE_RATE), round((rows[-1]["end_s"] - lead_s) * SAMPLE_RATE)
    return np.pad(speech[:n_end], (n_lead, round(trail_s * SAMPLE_RATE))), pd.DataFrame(rows)


def _row(
    index: int, frame: Frame, tone: str, phones: Sequence[espeak.Phone], *, scale: float, lead_s: float, file_name: str
) -> dict:
    if len(phones) != len(frame.espeak):
        raise TonespanError(f"eSpeak NG made {len(phones)} phones of {len(frame.espeak)} in syllable {frame.ipa}")
    roles = [role for role, _ in frame.espeak]
    nucleus = phones[roles.index("nucleus")]
    times = {"start_s": phones[0].start_s, "end_s": phones[-1].end_s, "nucleus_start_s": nucleus.start_s,
             "nucleus_end_s": nucleus.end_s}  # fmt: skip
    names = {"onset": frame.onset, "nucleus": frame.nucleus, "coda": frame.coda, "tone": tone}
    seconds = {name: round(lead_s + time_s * scale, 5) for name, time_s in times.items()}
    return {"file_name": file_name, "index": index, "char_start": 0, "char_end": 0, **names, **seconds}


def _targets(rows: pd.DataFrame, *, chao: Mapping[str, str]) -> list[pitch.Target]:
    return [
        pitch.Target(
            row.nucleus_start_s, (row.nucleus_start_s + row.nucleus_end_s) / 2, pitch.onset_voicing(row.onset),
            chao.get(row.tone, ""),
        )
        for row in rows.itertuples()
    ]  # fmt: skip


def _level(samples: np.ndarray, level_db: float) -> np.ndarray:
    return samples * 10 ** (level_db / 20) / max(np.sqrt(np.mean(samples**2)), 1e-9)


def _room(n_samples: int, rng: np.random.Generator) -> np.ndarray:
    return _level(lfilter([1], [1, -0.9], rng.normal(size=n_samples)), ROOM_DB)  # low-pass, as rooms are


def _to_int16(samples: np.ndarray) -> np.ndarray:
    return np.clip(np.round(samples * 32_768), -32_768, 32_767).astype(np.int16)
