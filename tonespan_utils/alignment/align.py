"""Forced alignment: speech and its text become tone tokens with times.

An aligner scores every label in every frame of an utterance. The text is a sequence of labels, with silence (blank)
allowed between any two; the best path gives each label its frames (CTC topology,
``torchaudio.functional.forced_align``). Three kinds of aligner:

- ``own``: trained here on nothing but the corpus' speech and text (:mod:`tonespan_utils.alignment.hmm`);
- a Hugging Face CTC checkpoint, over characters, IPA or Latin letters, as fine-tuning leaves it too;
- ``mms_fa``: torchaudio's MMS_FA (Pratap et al. 2023; weights CC BY-NC) over romanised text.

Conventions
-----------
- Text becomes syllables by :mod:`tonespan_utils.tone`; no label holds a tone, so that a time cannot depend on one.
- The tone centre is the middle of the syllable nucleus. Where labels are phones, the nucleus is its labels without
  unvoiced edges; where they are characters, level and phonation inside the syllable give it
  (:mod:`tonespan_utils.corpus.nucleus`).
- What is spoken but has no known sound (Latin words, digits in another script) is aligned with a star: any label.
- A frame stands for one hop around its middle; times are seconds; ``align_score`` is the mean probability of the
  syllable's labels over their frames. It ranks tokens, and can be compared within one aligner only.
- CTC models spike: a label often has a single frame, near its sound's end. The errors this causes are measured against
  known times (notebook 07_alignment); ``offset_ms`` subtracts a measured bias from all times.

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
    """The scores of every label in every frame of an utterance: (frame, label), where label 0 is blank.

    Scores are log probabilities, or log likelihoods up to a constant per frame. Frame ``f`` is centred at
    ``first_s + hop_s * f`` seconds.
    """

    scores: np.ndarray
    first_s: float
    hop_s: float

    def edge_s(self, frame: int) -> float:
        """Where a frame begins, in seconds; never before the audio does."""
        return max(0.0, self.first_s + self.hop_s * (frame - 0.5))


@dataclass(frozen=True)
class Aligner:
    """A model that scores labels, and how text is written in them.

    ``vocabulary`` maps labels to columns of ``score_frames(samples).scores``, ``samples`` being float32 (samples,) at
    16 kHz; ``spell`` writes a syllable in labels.
    """

    name: str
    vocabulary: Mapping[str, int]
    spell: Spell
    score_frames: Callable[[np.ndarray], Frames]


class Aligned(NamedTuple):
    """Edges and nucleus of a syllable, in seconds, and its score; the nucleus is None where no label marks it."""

    start_s: float
    end_s: float
    nucleus: tuple[float, float] | None
    score: float


# Labels to frames


def label_frames(scores: np.ndarray, labels: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The frames of each label on the best path: first and one past the last (label, 2), and mean probability (label,).

    ``scores`` is (frame, label): label 0 is blank; one past the last label is the star, of probability 0 here.
    Equal neighbours have a blank between them. Raises TonespanError, whose message is the reason alone, where there are
    fewer frames than labels and blanks need.
    """
    wanted = torch.as_tensor(np.asarray(labels, dtype=np.int32))[None]
    repeats = int((wanted[0, 1:] == wanted[0, :-1]).sum())
    if len(scores) < wanted.numel() + repeats:
        raise TonespanError(TOO_SHORT)
    scored = np.ascontiguousarray(with_star(scores), dtype=np.float32)  # forced_align refuses other layouts
    path, _ = forced_align(torch.as_tensor(scored)[None], wanted)
    shares = torch.softmax(torch.as_tensor(np.asarray(scores, dtype=np.float32)), dim=-1)
    shares = torch.nn.functional.pad(shares, (0, 1))
    runs = merge_tokens(path[0], shares[torch.arange(len(shares)), path[0].long()])  # without blanks
    return np.array([(run.start, run.end) for run in runs]), np.array([run.score for run in runs])


def with_star(scores: np.ndarray) -> np.ndarray:
    """The scores (frame, label) with a last column for the star: the mean probability of the labels other than blank.

    A star then never scores higher than the best label.
    """
    spoken = scores[:, 1:]
    top = spoken.max(axis=1, keepdims=True)
    star = top + np.log(np.exp(spoken - top).mean(axis=1, keepdims=True))
    return np.concatenate([scores, star], axis=1)


def align(frames: Frames, signs: Sequence[Sign], vocabulary: Mapping[str, int]) -> dict[int, Aligned]:
    """Place and score of each syllable of a text, by its index; a syllable without any label but stars is left out.

    Raises TonespanError, whose message is the reason alone, for audio too short for its text.
    """
    star = frames.scores.shape[1]
    signs = [sign for sign in signs if sign.label != SPACE or SPACE in vocabulary]
    labels = [vocabulary.get(sign.label, star) for sign in signs]
    if not labels:
        return {}
    where, probability = label_frames(frames.scores, labels)
    by_syllable: dict[int, list[int]] = {}
    for row, sign in enumerate(signs):
        by_syllable.setdefault(sign.syllable, []).append(row)
    by_syllable.pop(-1, None)
    return {index: _aligned(frames, signs, where, probability, rows) for index, rows in by_syllable.items()}


def _aligned(
    frames: Frames, signs: Sequence[Sign], where: np.ndarray, probability: np.ndarray, rows: list[int]
) -> Aligned:
    """The syllable whose signs are ``rows``; characters share the blank frames beside them with their neighbours."""
    edges = [(frames.edge_s(first), frames.edge_s(end)) for first, end in where[rows]]
    weights = np.diff(where[rows], axis=1)[:, 0]
    score = float(np.average(probability[rows], weights=weights))
    inside = [edge for edge, row in zip(edges, rows, strict=True) if signs[row].is_nucleus]
    if inside:
        return Aligned(edges[0][0], edges[-1][1], (inside[0][0], inside[-1][1]), score)
    before = frames.edge_s(where[rows[0] - 1][1]) if rows[0] else 0.0
    after = frames.edge_s(where[rows[-1] + 1][0]) if rows[-1] + 1 < len(where) else np.inf
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
    """The tone tokens of every utterance of a corpus (TOKEN_COLUMNS), and what was rejected (item, reason).

    ``leave_out`` names flags of :class:`tonespan_utils.tone.Syllable` whose tones are not to be trusted;
    ``offset_ms`` is the measured bias, which is subtracted. Notebook: notebooks/07_alignment
    """
    rows, rejected = [], []
    for utterance in tqdm(corpus.utterances.to_dict("records"), desc=f"aligning {language}", unit="utt", mininterval=2):
        name, samples = utterance["utterance_id"], corpus.audio(utterance["utterance_id"])
        try:
            syllables = _utterance(samples, utterance["text"], language, aligner)
        except TonespanError as error:
            rejected.append((name, str(error)))
            continue
        about = {column: utterance[column] for column in TOKEN_COLUMNS if column in utterance}
        place = _Places(samples, min_score=min_score, leave_out=leave_out, offset_s=offset_ms / 1000)
        for index, (syllable, aligned) in enumerate(syllables):
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
    """The syllables of an utterance and where they are; None for one without any label but stars."""
    if why := text_to_tone.wrong_encoding(text, language):
        raise TonespanError(why)
    parts = text_to_tone.parse(text, language)
    syllables = [part for part in parts if isinstance(part, Syllable)]
    if not syllables:
        raise TonespanError(NO_SYLLABLE)
    where = align(aligner.score_frames(samples), write(text, parts, aligner.spell), aligner.vocabulary)
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
