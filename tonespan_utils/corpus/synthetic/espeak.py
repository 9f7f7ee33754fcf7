"""Speech on one flat pitch, with exact phone times, from phoneme mnemonics: eSpeak NG called through ctypes.

The library and its voices come in the wheel of ``espeakng-loader``. It is driven with ``[[mnemonics]]`` of a voice's
phoneme table, never with text, so that its own text analysis plays no part. Its intonation is switched off; pitch is
imposed afterwards (:mod:`tonespan_utils.corpus.synthetic.pitch`).

Conventions
-----------
- Samples are mono float32 at :data:`SAMPLE_RATE`; times are seconds from the first sample.
- A *word* is a string of mnemonics. The tonal languages pass one syllable a word, so that syllables stay separate.
- The library's state is global: a process can speak one utterance at a time.

Source: the public header ``speak_lib.h`` of eSpeak NG 1.52.
"""

from __future__ import annotations

import _ctypes
import ctypes
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tonespan_utils.errors import TonespanError

SAMPLE_RATE = 22_050  # eSpeak's own; what espeak_Initialize answers
MIN_RATE_WPM, MAX_RATE_WPM = 80, 450  # eSpeak's limits for words per minute

_SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT: samples go to the callback, nothing to a sound card
_PHONEME_EVENTS = 1  # espeak_Initialize option; without option 2 names are mnemonics, not IPA
_RATE = 1  # espeak_PARAMETER
_WORD, _PHONEME = 1, 7  # espeak_EVENT_TYPE
_UTF8, _MNEMONICS = 0x1, 0x100  # espeak_Synth flags: UTF-8 text, [[...]] holds mnemonics
_POSITION_CHARACTER = 1
_NOISE_SEED = 1  # breath and the like; 0 would mean the time of day

_lock = threading.Lock()


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", _Id),
    )  # fmt: skip


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone: eSpeak's name for it without stress marks, and its times in seconds."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Spoken:
    """Spoken words: float32 ``samples`` (n,) within +-1 at :data:`SAMPLE_RATE`, and the phones of each word."""

    samples: np.ndarray
    words: tuple[tuple[Phone, ...], ...]


class _Engine:
    """A freshly loaded library, and the samples and events its callback receives; a context that unloads it again.

    eSpeak keeps state between utterances (oscillator phase, random numbers) that no call of its own resets, so the
    second utterance of a process would differ from the same one spoken first. A fresh load costs about 6 ms.
    """

    def __enter__(self) -> _Engine:
        self.library, data_path = _load()
        rate = self.library.espeak_Initialize(_SYNCHRONOUS, 0, data_path.encode(), _PHONEME_EVENTS)
        if rate != SAMPLE_RATE:
            raise TonespanError(f"eSpeak NG did not start (answer {rate}): reinstall the package espeakng-loader")
        self.library.espeak_ng_SetRandSeed(_NOISE_SEED)
        self.chunks: list[np.ndarray] = []
        self.events: list[tuple[int, int, str]] = []
        self._callback = _Callback(self._receive)  # kept: ctypes does not hold a callback alive
        self.library.espeak_SetSynthCallback(self._callback)
        return self

    def __exit__(self, *_: object) -> None:
        self.library.espeak_Terminate()
        _ctypes.dlclose(self.library._handle)

    def _receive(self, samples, n_samples: int, events) -> int:
        if samples and n_samples > 0:
            self.chunks.append(np.ctypeslib.as_array(samples, shape=(n_samples,)).copy())
        for event in events:  # a list that ends with type 0
            if event.type == 0:
                return 0
            name = event.id.string.decode("utf-8", "replace") if event.type == _PHONEME else ""
            self.events.append((event.type, event.sample, name))
        return 0

    def say(self, text: str, *, voice: str, rate_wpm: int, pitch_hz: int) -> None:
        if self.library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise TonespanError(f"eSpeak NG has no voice {voice!r}")
        self.library.espeak_SetParameter(_RATE, rate_wpm, 0)
        self.library.espeak_ng_SetConstF0(pitch_hz)  # neither intonation nor flutter
        flags = _UTF8 | _MNEMONICS
        if self.library.espeak_Synth(text.encode(), 0, 0, _POSITION_CHARACTER, 0, flags, None, None) != 0:
            raise TonespanError(f"eSpeak NG could not speak {text!r} with voice {voice!r}")


def _load() -> tuple[ctypes.CDLL, str]:
    try:
        import espeakng_loader

        return ctypes.CDLL(espeakng_loader.get_library_path()), espeakng_loader.get_data_path()
    except (ImportError, OSError) as error:
        raise TonespanError(f"eSpeak NG is missing ({error}): install the package espeakng-loader") from error


def speak(words: Sequence[str], *, voice: str, variant: str = "", rate_wpm: int = 120, pitch_hz: int = 120) -> Spoken:
    """Speak ``words``, each a string of mnemonics of ``voice``, in one breath and all on ``pitch_hz``.

    ``variant`` names a speaker of eSpeak's ``voices/!v``. The same call gives the same samples, whatever was spoken
    before. Raises :class:`TonespanError` when the library is missing, a voice is unknown, a rate is out of range, or
    a word was not spoken as one word.
    """
    if not words or not all(word.strip() for word in words):
        raise TonespanError(f"nothing to speak: the list of words is empty or has an empty word: {list(words)}")
    if not MIN_RATE_WPM <= rate_wpm <= MAX_RATE_WPM:
        raise TonespanError(f"rate_wpm is {rate_wpm}: eSpeak NG speaks {MIN_RATE_WPM} to {MAX_RATE_WPM} words a minute")
    with _lock, _Engine() as engine:
        name = f"{voice}+{variant}" if variant else voice
        engine.say(f"[[{' '.join(words)}]]", voice=name, rate_wpm=rate_wpm, pitch_hz=pitch_hz)
    samples = np.concatenate(engine.chunks).astype(np.float32) / 32_768
    phones = _phones_by_word(engine.events, n_samples=len(samples))
    if len(phones) != len(words):
        raise TonespanError(f"eSpeak NG made {len(phones)} words of {len(words)}: {' '.join(words)}")
    return Spoken(samples, phones)


def _phones_by_word(events: Sequence[tuple[int, int, str]], *, n_samples: int) -> tuple[tuple[Phone, ...], ...]:
    """Phones of each word, without pauses; a phone ends where the next phone, pause or word starts."""
    words: list[list[Phone]] = []
    marks = [event for event in events if event[0] in (_WORD, _PHONEME)]
    for (kind, start, name), end in zip(marks, [mark[1] for mark in marks[1:]] + [n_samples], strict=True):
        if kind == _WORD:
            words.append([])
        elif words and not name.startswith(("_", "(")):  # "_:" and the like are pauses, "(en)" a change of voice
            words[-1].append(Phone(name.lstrip("',%="), start / SAMPLE_RATE, end / SAMPLE_RATE))
    return tuple(tuple(word) for word in words)
