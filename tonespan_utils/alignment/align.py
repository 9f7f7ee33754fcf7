"""Forced alignment: speech and its text become tone tokens with times.

An aligner scores every label in every frame of an utterance; the text, as labels in order with silence (blank) allowed
between any two, is laid over the frames by the best path (CTC topology, ``torchaudio.functional.forced_align``).
Three kinds of aligner:

- ``own``: trained here on nothing but the speech and its text (:mod:`tonespan_utils.alignment.hmm`);
- a Hugging Face CTC checkpoint, over characters, IPA or Latin letters, as fine-tuning leaves it too;
- ``mms_fa``: torchaudio's MMS_FA (Pratap et al. 2023; weights CC BY-NC) over romanised text.

Conventions
-----------
- Text becomes syllables by :mod:`tonespan_utils.tone`; no label holds a tone, so that a time cannot depend on one.
- The tone centre is the middle of the nucleus: that of its labels, without unvoiced edges, where labels are phones;
  one found by level and phonation inside the syllable where they are characters (:mod:`tonespan_utils.corpus.nucleus`).
- What is spoken but has no known sound (Latin words, digits in another script) is aligned with a star: any label.
- A frame stands for one hop around its middle; times are seconds; ``align_score`` is the mean probability of the
  syllable's labels over their frames, which ranks tokens and is comparable within one aligner only.
- CTC models spike: a label may be alone in a frame near its sound's end. What that costs is measured against known
  times (notebook 07_alignment); ``offset_ms`` moves all times back by a bias that was measured.

Notebook: notebooks/07_alignment
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torchaudio.functional import forced_align, merge_tokens
from tqdm.auto import tqdm

from tonespan_utils.alignment.labels import SPACE, Sign, Spell, write
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import nucleus
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.tables import TOKEN_COLUMNS
from tonespan_utils.tone import text_to_tone
from tonespan_utils.tone.parts import Syllable

MAX_GAP_S = 0.06  # of the unlabelled frames between two spikes, what a syllable may claim on each side
TOO_SHORT = "audio too short for its text"
NO_SYLLABLE = "no tonal syllable in its text"
NO_LABEL = "no character of its own"
LOW_SCORE = "low alignment score"


@dataclass(frozen=True)
class Frames:
    """Scores (frame, label), label 0 being blank; frame ``f`` is centred at ``first_s + hop_s f`` seconds.

    Scores are log probabilities, or log likelihoods up to a constant per frame.
    """

    scores: np.ndarray
    first_s: float
    hop_s: float

    def edge_s(self, frame: int) -> float:
        """Where a frame begins, in seconds; never before the audio does."""
        return max(0.0, self.first_s + self.hop_s * (frame - 0.5))


@dataclass(frozen=True)
class Aligner:
    """``vocabulary`` maps labels to columns of ``hear(samples).scores``; ``spell`` writes a syllable in labels."""

    name: str
    vocabulary: Mapping[str, int]
    spell: Spell
    hear: Callable[[np.ndarray], Frames]


class Aligned(NamedTuple):
    """Where a syllable is; the nucleus is None where the labels do not tell it."""

    start_s: float
    end_s: float
    nucleus: tuple[float, float] | None
    score: float


# Text


# Frames


def spans(scores: np.ndarray, labels: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """First and one-past-last frame of each label (label, 2), and its mean probability (label,), on the best path.

    ``scores`` (frame, label): label 0 is blank; one past the last label is the star, of probability 0 here.
    Equal neighbours have a blank between. Raises TonespanError, whose message is the reason alone, for fewer frames
    than labels and blanks that are needed.
    """
    wanted = torch.as_tensor(np.asarray(labels, dtype=np.int32))[None]
    repeats = int((wanted[0, 1:] == wanted[0, :-1]).sum())
    if len(scores) < wanted.numel() + repeats:
        raise TonespanError(TOO_SHORT)
    scored = np.ascontiguousarray(with_star(scores), dtype=np.float32)  # forced_align refuses other layouts
    path, _ = forced_align(torch.as_tensor(scored)[None], wanted)
    shares = torch.softmax(torch.as_tensor(np.asarray(scores, dtype=np.float32)), dim=-1)
    shares = torch.nn.functional.pad(shares, (0, 1))
    found = merge_tokens(path[0], shares[torch.arange(len(shares)), path[0].long()])
    return np.array([(span.start, span.end) for span in found]), np.array([span.score for span in found])


def with_star(scores: np.ndarray) -> np.ndarray:
    """One more column: any label but blank, each equally likely, so that a star does not outbid what is known."""
    spoken = scores[:, 1:]
    top = spoken.max(axis=1, keepdims=True)
    star = top + np.log(np.exp(spoken - top).mean(axis=1, keepdims=True))
    return np.concatenate([scores, star], axis=1)


def align(frames: Frames, signs: Sequence[Sign], vocabulary: Mapping[str, int]) -> dict[int, Aligned]:
    """Where each syllable of a written text is; one without labels of its own is left out.

    Raises TonespanError, whose message is the reason alone, for audio too short for its text.
    """
    star = frames.scores.shape[1]
    signs = [sign for sign in signs if sign.label != SPACE or SPACE in vocabulary]
    labels = [vocabulary.get(sign.label, star) for sign in signs]
    if not labels:
        return {}
    where, probability = spans(frames.scores, labels)
    rows: dict[int, list[int]] = {}
    for row, sign in enumerate(signs):
        rows.setdefault(sign.syllable, []).append(row)
    rows.pop(-1, None)
    return {index: _aligned(frames, signs, where, probability, own) for index, own in rows.items()}


def _aligned(
    frames: Frames, signs: Sequence[Sign], where: np.ndarray, probability: np.ndarray, own: list[int]
) -> Aligned:
    edges = [(frames.edge_s(first), frames.edge_s(end)) for first, end in where[own]]
    weights = np.diff(where[own], axis=1)[:, 0]
    score = float(np.average(probability[own], weights=weights))
    inside = [edge for edge, row in zip(edges, own, strict=True) if signs[row].is_nucleus]
    if inside:
        return Aligned(edges[0][0], edges[-1][1], (inside[0][0], inside[-1][1]), score)
    before = frames.edge_s(where[own[0] - 1][1]) if own[0] else 0.0
    after = frames.edge_s(where[own[-1] + 1][0]) if own[-1] + 1 < len(where) else np.inf
    start_s = max((before + edges[0][0]) / 2, edges[0][0] - MAX_GAP_S)
    return Aligned(start_s, min((edges[-1][1] + after) / 2, edges[-1][1] + MAX_GAP_S), None, score)


# A corpus


def tokens(
    corpus: Corpus,
    aligner: Aligner,
    *,
    language: str,
    min_score: float = 0.0,
    leave_out: Sequence[str] = (),
    offset_ms: float = 0.0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tone tokens of every utterance of a corpus (TOKEN_COLUMNS), and what was rejected (item, reason).

    ``leave_out`` names flags of :class:`tonespan_utils.tone.Syllable` whose tones are not to be trusted;
    ``offset_ms`` is the measured bias, which is subtracted. Notebook: notebooks/07_alignment
    """
    rows, rejected = [], []
    for utterance in tqdm(corpus.utterances.to_dict("records"), desc=f"aligning {language}", unit="utt", mininterval=2):
        name, samples = utterance["utterance_id"], corpus.audio(utterance["utterance_id"])
        try:
            found = _utterance(samples, utterance["text"], language, aligner)
        except TonespanError as error:
            rejected.append((name, str(error)))
            continue
        about = {column: utterance[column] for column in TOKEN_COLUMNS if column in utterance}
        place = _Places(samples, min_score=min_score, leave_out=leave_out, offset_s=offset_ms / 1000)
        for index, (syllable, aligned) in enumerate(found):
            written = utterance["text"][syllable.start : syllable.end] or syllable.ipa
            try:
                times = place(syllable, aligned)
            except TonespanError as error:
                rejected.append((f"{name}, syllable {index + 1} ({written})", str(error)))
                continue
            said = {"syllable": written, "ipa": syllable.ipa, "tone": syllable.tone}
            rows.append({**about, "token_id": f"{name}-{index:02d}", **said, **times})
    return pd.DataFrame(rows, columns=TOKEN_COLUMNS), pd.DataFrame(rejected, columns=["item", "reason"])


def _utterance(
    samples: np.ndarray, text: str, language: str, aligner: Aligner
) -> list[tuple[Syllable, Aligned | None]]:
    if why := text_to_tone.wrong_encoding(text, language):
        raise TonespanError(why)
    parts = text_to_tone.parse(text, language)
    syllables = [part for part in parts if isinstance(part, Syllable)]
    if not syllables:
        raise TonespanError(NO_SYLLABLE)
    where = align(aligner.hear(samples), write(text, parts, aligner.spell), aligner.vocabulary)
    return [(syllable, where.get(index)) for index, syllable in enumerate(syllables)]


class _Places:
    """Times and score of an utterance's syllables, or why one of them cannot be a token."""

    def __init__(self, samples: np.ndarray, *, min_score: float, leave_out: Sequence[str], offset_s: float) -> None:
        self.samples, self.min_score, self.leave_out, self.offset_s = samples, min_score, leave_out, offset_s
        self.times_s, self.is_voiced = nucleus.sonorance(samples)

    def __call__(self, syllable: Syllable, aligned: Aligned | None) -> dict[str, float]:
        """start_s, end_s, center_s and align_score; raises TonespanError with the reason alone."""
        if aligned is None:
            raise TonespanError(NO_LABEL)
        if distrusted := [flag for flag in syllable.flags if flag in self.leave_out]:
            raise TonespanError(f"its tone is {distrusted[0]}")
        if aligned.score < self.min_score:
            raise TonespanError(LOW_SCORE)
        edges = {"start_s": aligned.start_s, "end_s": aligned.end_s, "center_s": self._center_s(aligned)}
        duration_s = len(self.samples) / SAMPLE_RATE
        moved = {name: min(max(0.0, time_s - self.offset_s), duration_s) for name, time_s in edges.items()}
        return {**moved, "align_score": aligned.score}

    def _center_s(self, aligned: Aligned) -> float:
        if aligned.nucleus is None:
            return nucleus.find_nucleus(self.samples, start_s=aligned.start_s, end_s=aligned.end_s).center_s
        edges = nucleus.trimmed(*aligned.nucleus, times_s=self.times_s, is_voiced=self.is_voiced)
        return sum(edges) / 2
