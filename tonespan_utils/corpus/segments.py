"""A corpus made of clips, centres and labels that a user gives to ``measure_span``.

Conventions: a clip is one utterance, named ``clip 0``, ``clip 1`` and so on; audio is float32 (samples,) at 16 kHz;
centres are in seconds from the start of their clip; groups are speakers or sessions.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import soxr

from tonespan_utils.audio import reading as audio_files
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import keys
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.tables import TOKEN_COLUMNS, UTTERANCE_COLUMNS

TEST_SHARE = 0.3  # of the tokens, by whole groups


def corpus_of(
    audio: Sequence[np.ndarray | str | Path],
    centers: Sequence[float | Sequence[float]],
    labels: Sequence[str | Sequence[str]],
    groups: Sequence[str] | None,
    sample_rate: int,
) -> Corpus:
    """The corpus of some clips, one utterance each, with a token for each centre and its label.

    ``centers`` and ``labels`` have one entry, or a sequence, per clip. Raises TonespanError where they do not match.
    """
    clips = {f"clip {i}": samples_of(f"clip {i}", given, sample_rate) for i, given in enumerate(audio)}
    speakers = [""] * len(clips) if groups is None else group_names(groups)
    rows = []
    for (name, _), speaker, clip_centers, tones in zip(clips.items(), speakers, centers, labels, strict=True):
        clip_centers, tones = np.atleast_1d(np.asarray(clip_centers, dtype=float)), label_names(name, tones)
        if clip_centers.shape != tones.shape:
            raise TonespanError(f"{name}: {clip_centers.size} centers and {tones.size} labels")
        about = {"utterance_id": name, "sentence_id": name, "speaker": speaker}
        rows += [
            about | {"token_id": f"{name} token {i}", "center_s": center, "tone": tone}
            for i, (center, tone) in enumerate(zip(clip_centers.tolist(), tones.tolist(), strict=True))
        ]
    if not rows:
        raise TonespanError("no centers are given")
    tokens = pd.DataFrame(rows).reindex(columns=TOKEN_COLUMNS).fillna({"split": "train"})
    utterances = tokens.drop_duplicates("utterance_id").reindex(columns=UTTERANCE_COLUMNS)
    utterances["n_samples"] = [clips[name].size for name in utterances["utterance_id"]]
    return Corpus(utterances, tokens, clips.__getitem__, pd.DataFrame(columns=["item", "reason"]))


def group_names(groups: Sequence[str]) -> list[str]:
    """The clips' groups in one form (:mod:`.keys`), so that no person is trained on and scored in two spellings."""
    names = [keys.name(group) for group in groups]
    if "" in names:
        raise TonespanError(f"clip {names.index('')}: its group is missing; name it, or leave the clip out")
    return keys.one_case(names)


def label_names(clip: str, labels: str | Sequence[str]) -> np.ndarray:
    """A clip's labels in one form: (token,). Raises TonespanError for a missing label."""
    names = [keys.label(label) for label in np.atleast_1d(np.asarray(labels, dtype=object)).ravel()]
    if "" in names:
        raise TonespanError(f"{clip}: the label of its token {names.index('')} is missing; leave that token out")
    return np.array(names, dtype=object)


def check_lengths(n_clips: int, **per_clip: Sequence | None) -> None:
    """Raise TonespanError for an argument, by its name, that has not one entry per clip."""
    for name, values in per_clip.items():
        if values is not None and len(values) != n_clips:
            raise TonespanError(f"{n_clips} clips of audio and {len(values)} {name}; give one entry per clip")


def samples_of(name: str, given: np.ndarray | str | Path, sample_rate: int) -> np.ndarray:
    """A clip as float32 (samples,) at 16 kHz; integers are taken as fractions of their type's full scale."""
    if isinstance(given, str | Path):
        return audio_files.read(given)
    samples = np.asarray(given)
    if samples.ndim != 1 or samples.size == 0:
        raise TonespanError(f"{name}: audio of shape {samples.shape}; give one channel, (samples,)")
    if np.issubdtype(samples.dtype, np.integer):
        samples = samples / np.iinfo(samples.dtype).max
    if not np.isfinite(samples).all():
        raise TonespanError(f"{name}: audio holds NaN or infinite samples")
    samples = samples.astype(np.float32)
    return samples if sample_rate == SAMPLE_RATE else soxr.resample(samples, sample_rate, SAMPLE_RATE, quality="HQ")


def split(corpus: Corpus, test: Sequence[bool] | None, *, probes_given: bool, seed: int) -> Corpus:
    """The corpus with the split of each token.

    The test split is the clips whose ``test`` is true; without ``test`` it is all clips where probes are given, else
    some whole groups. Raises TonespanError where no clip is left to train on or to score, or a group is on both sides.
    """
    tokens = corpus.tokens.copy()
    clip = tokens["utterance_id"].str.removeprefix("clip ").astype(int).to_numpy()
    if test is not None:
        is_test = np.asarray(test, dtype=bool)[clip]
    else:
        is_test = np.ones(len(tokens), dtype=bool) if probes_given else _some_groups(tokens, seed=seed)
    if not is_test.any() or (is_test.all() and not probes_given):
        raise TonespanError(
            "there must be clips to train on and clips to score: give more groups, or name the clips in test"
        )
    tokens["split"] = np.where(is_test, "test", "train")
    shared = set(tokens["speaker"][is_test]) & set(tokens["speaker"][~is_test]) - {""}
    if shared and not probes_given:
        raise TonespanError(
            f"group {min(shared)!r} is on both sides of test; its tokens would be trained on and scored"
        )
    return Corpus(corpus.utterances, tokens, corpus.audio, corpus.rejected)


def _some_groups(tokens: pd.DataFrame, *, seed: int) -> np.ndarray:
    """Whether a token is scored (token,): whole groups, or clips, in random order up to TEST_SHARE of the tokens."""
    group = tokens["speaker"].where(tokens["speaker"] != "", tokens["utterance_id"])
    order = np.random.default_rng(seed).permutation(group.unique())
    reached = group.value_counts().loc[order].cumsum()
    chosen = reached.index[: max(1, int((reached <= TEST_SHARE * len(tokens)).sum()))]
    return group.isin(chosen).to_numpy()
