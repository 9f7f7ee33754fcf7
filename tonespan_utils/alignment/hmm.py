"""A monophone hidden Markov model: an aligner that is trained here, on nothing but a corpus' speech and its text.

It is trained by the classical recipe of forced aligners (flat start, then Viterbi training: align, fit, repeat; Young
et al., The HTK Book). A label is a phone in its place in the syllable; a nucleus has two labels, so that a diphthong
may move. Each label emits MFCCs with their first and second differences from one Gaussian; all labels share a
covariance. Silence is the blank of :mod:`.align`, whose best path is the alignment. No encoder of the study takes part
in finding the times at which it is measured.

Boundaries are biased where models are fitted to their own alignments. The differences of frames beside a boundary see
both of its sides, and such frames come to belong to the phone before it, so that the boundary is some 15 ms late (known
times, synthetic speech). In the last passes frames within ``EDGE_FRAMES`` of a boundary are therefore aligned but not
learned from.

The bias that is left on the embedded corpus is a matter of definition: after nasals and approximants its vowel begins
where the transition ends, the aligner's where the sound changes most, some 30 ms earlier. Such centres are 10 to 18 ms
early; those after stops and fricatives are within 4 ms (medians, seed 7).

Conventions: features (frame, 39), frame ``f`` centred at ``f * HOP_S``, scaled by the training speech's deviations,
with the utterance's mean subtracted; training is deterministic.

Notebook: notebooks/07_alignment
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import librosa
import numpy as np
from tqdm.auto import tqdm

from tonespan_utils.alignment import align
from tonespan_utils.alignment.align import Aligner, Frames
from tonespan_utils.alignment.labels import SPACE, STAR, Sign
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.errors import TonespanError
from tonespan_utils.tone.parts import Syllable

HOP_S = 0.005  # half the bin of energy over offset
WINDOW_S = 0.02  # two periods of a low voice
DELTA_FRAMES = 9  # 45 ms
N_MFCC, N_MELS, LOW_HZ, HIGH_HZ = 13, 40, 60, 7600
NUCLEUS_LABELS = 2  # one: diphthongs lose a half to their neighbours (Burmese 95th percentile 45 ms instead of 25)
PASSES, FINE_PASSES = 10, 10
EDGE_FRAMES = 1  # 5 ms on each side; with 2 or 3 boundaries come late in some languages (another seed's corpus)
PRIOR_FRAMES = 5.0  # frames' weight of the overall mean in a label's: rare phones stay near it
RIDGE = 1e-3  # of the unit variance of a scaled feature
LOUD_SHARE = 0.35  # of the way from the 10th to the 95th percentile of level: above it, a first guess says, is speech


@dataclass(frozen=True)
class Hmm:
    """A trained model: the scores of the labels are ``features / scale @ weights.T + bias``, (frame, label)."""

    labels: tuple[str, ...]
    weights: np.ndarray  # (label + 1, feature), row 0 silence
    bias: np.ndarray  # (label + 1,)
    scale: np.ndarray  # (feature,)

    @property
    def vocabulary(self) -> dict[str, int]:
        return {label: number for number, label in enumerate(self.labels, 1)}

    def score_frames(self, samples: np.ndarray) -> Frames:
        """Log likelihoods of the labels in each frame (frame, label), up to a constant of the frame."""
        return Frames(features(samples) / self.scale @ self.weights.T + self.bias, 0.0, HOP_S)

    def aligner(self) -> Aligner:
        return Aligner("own", self.vocabulary, spell, self.score_frames)


def spell(syllable: Syllable, _: str) -> list[tuple[str, bool]]:
    """The labels of a syllable: its phones in their places, the nucleus as a first and a second half."""
    nucleus = [f"nucleus {syllable.nucleus} {half}" for half in range(NUCLEUS_LABELS)]
    labels = [(f"onset {syllable.onset}", False)] if syllable.onset else []
    labels += [(half, True) for half in nucleus] if syllable.nucleus else []
    return labels + ([(f"coda {syllable.coda}", False)] if syllable.coda else [])


def features(samples: np.ndarray) -> np.ndarray:
    """The MFCCs of an utterance and their first and second differences (frame, 39), its mean subtracted."""
    hop, window = round(HOP_S * SAMPLE_RATE), round(WINDOW_S * SAMPLE_RATE)
    energy = librosa.feature.melspectrogram(
        y=samples,
        sr=SAMPLE_RATE,
        n_fft=512,
        win_length=window,
        hop_length=hop,
        n_mels=N_MELS,
        fmin=LOW_HZ,
        fmax=HIGH_HZ,
    )
    still = librosa.feature.mfcc(S=librosa.power_to_db(energy, top_db=None), n_mfcc=N_MFCC)
    moving = [librosa.feature.delta(still, width=DELTA_FRAMES, order=order, mode="nearest") for order in (1, 2)]
    by_frame = np.concatenate([still, *moving]).T.astype(np.float32)
    return by_frame - by_frame.mean(axis=0)


def train(utterances: Iterable[tuple[np.ndarray, Sequence[Sign]]]) -> Hmm:
    """A model of the labels that occur in ``utterances``: pairs of samples and the signs that :func:`spell` writes.

    Utterances too short for their text are left out. Raises TonespanError where none is left.
    """
    pairs = [
        (features(samples), [sign.label for sign in signs if sign.label != SPACE]) for samples, signs in utterances
    ]
    pairs = [(frames, labels) for frames, labels in pairs if len(frames) > 2 * len(labels) > 0]
    if not pairs:
        raise TonespanError("no utterance is long enough for its text; an aligner cannot be trained")
    scale = np.maximum(np.std(np.concatenate([frames for frames, _ in pairs]), axis=0), 1e-6)
    names = tuple(sorted({label for _, labels in pairs for label in labels} - {STAR}))
    number = {name: index for index, name in enumerate(names, 1)}
    speech = [
        (frames / scale, np.array([number.get(label, len(names) + 1) for label in labels])) for frames, labels in pairs
    ]
    paths = [_flat(frames, labels) for frames, labels in speech]
    for turn in tqdm(range(PASSES + FINE_PASSES), desc="training an aligner", unit="pass"):
        weights, bias = _fit(speech, paths, len(names) + 1, edge=EDGE_FRAMES if turn >= PASSES else 0)
        paths = [_path(frames @ weights.T + bias, labels) for frames, labels in speech]
    return Hmm(names, weights, bias, scale)


def _flat(frames: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A first guess (frame,): the labels spread evenly over the loud frames, silence elsewhere."""
    low, high = np.percentile(frames[:, 0], [10, 95])
    loud = np.flatnonzero(frames[:, 0] > low + LOUD_SHARE * (high - low))
    loud = loud if len(loud) >= len(labels) else np.arange(len(frames))
    path = np.zeros(len(frames), dtype=int)
    path[loud] = labels[np.arange(len(loud)) * len(labels) // len(loud)]
    return path


def _path(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The label of each frame (frame,) on the best path, 0 where silent."""
    where, _ = align.label_frames(scores, labels)
    path = np.zeros(len(scores), dtype=int)
    for label, (first, end) in zip(labels, where, strict=True):
        path[first:end] = label
    return path


def _fit(
    speech: Sequence[tuple[np.ndarray, np.ndarray]], paths: Sequence[np.ndarray], n_labels: int, *, edge: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (label, feature) and bias (label,) of Gaussians with one covariance, from the frames' labels."""
    rows = np.concatenate([frames for frames, _ in speech]).astype(float)
    labels = np.concatenate(paths)
    learned = np.concatenate([away_from_edges(path, edge) for path in paths]) & (labels < n_labels)  # not from a star
    rows, labels = rows[learned], labels[learned]
    counts = np.bincount(labels, minlength=n_labels)
    sums = np.stack([np.bincount(labels, weights=column, minlength=n_labels) for column in rows.T], axis=1)
    means = (sums + PRIOR_FRAMES * rows.mean(axis=0)) / (counts + PRIOR_FRAMES)[:, None]
    spread = rows - means[labels]
    covariance = spread.T @ spread / len(rows) + RIDGE * np.eye(rows.shape[1])
    weights = np.linalg.solve(covariance, means.T).T
    return weights, -(weights * means).sum(axis=1) / 2


def away_from_edges(path: np.ndarray, edge: int) -> np.ndarray:
    """Whether each frame (frame,) is ``edge`` frames or more away from a change of label.

    A run of one label that is too short for this keeps its middle frame.
    """
    change = np.flatnonzero(np.diff(path)) + 1
    starts, ends = np.append(0, change), np.append(change, len(path))
    kept = np.zeros(len(path), dtype=bool)
    for first, end in zip(starts, ends, strict=True):
        left, right = first + edge * (first > 0), end - edge * (end < len(path))
        kept[left:right] = True
        if left >= right:
            kept[(first + end) // 2] = True
    return kept


def save(model: Hmm, file) -> None:
    """Write a model as ``.npz``."""
    np.savez(file, labels=np.array(model.labels), weights=model.weights, bias=model.bias, scale=model.scale)


def load(file) -> Hmm:
    """A model as :func:`save` wrote it."""
    with np.load(file) as stored:
        arrays = {name: stored[name] for name in ("weights", "bias", "scale")}
        return Hmm(tuple(stored["labels"].tolist()), **arrays)
