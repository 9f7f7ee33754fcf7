"""The same tokens spoken many times over, with more and more of their pitch: convolutional features, made once.

Of each token a clip of up to ``context_ms`` on both sides of its centre is resynthesised with its whole pitch, with
none, and for every half-width h with pitch only inside +-h (``keep``) and only outside it (``flatten``). The
convolutional front end runs on these clips; its features are stored. Fine-tuning leaves the front end as it was, so
every condition, language and seed of an encoder starts from the same file.

Tokens are left out, and listed with the reason, where the voice does not allow this: creak and breath whose pitch
Praat does not track near the centre, and voices that still have their pitch there when it was taken away.

Conventions: versions come in the order of :func:`names`; features are float32 (frame, channel); the file is named by
the weights of the front end, the audio, the tokens and the settings, so that none can be mistaken for another.

Notebook: notebooks/04_flattened_pitch
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tonespan_utils.audio.reading import SAMPLE_RATE, build_once
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import chunks, features, resynthesis
from tonespan_utils.params.knee import Knee

NEAR_S = 0.02  # of the centre: where a pitch has to be tracked, and gone when it was taken away
LEVEL_ST = 1.0  # semitones from the median: what still counts as gone; Praat's own steps at an edge are smaller
UNTRACKED = "no steady pitch near the centre (creak, breath or no voice)"
UNALTERED = "the pitch near the centre does not follow the resynthesis (creak or doubled periods)"
FILES = ("cnn.npy", "reasons.json")
WHOLE, LEVEL, KEEP, FLATTEN = "whole", "level", "keep", "flatten"


def names(half_widths_ms: Sequence[float]) -> list[tuple[str, float]]:
    """(kind, half-width in ms) of every version, in order: ``whole``, ``level``, all ``keep``, all ``flatten``."""
    return [(WHOLE, np.inf), (LEVEL, 0.0), *((kind, width) for kind in (KEEP, FLATTEN) for width in half_widths_ms)]


@dataclass(frozen=True, eq=False)
class Versions:
    """The ``cnn`` features of all versions of some tokens.

    ``tokens``: rows of the corpus' table, without those left out, with the columns ``frame`` (that of the centre,
    within the clip), ``n_frames`` of the clip, and ``start``, the first of its frames in ``stored`` (frame, channel),
    where version follows version. ``left_out``: ``token_id, utterance_id, reason``.
    """

    tokens: pd.DataFrame
    half_widths_ms: list[float]
    stored: NDArray[np.float32]
    left_out: pd.DataFrame

    def of_token(self, start: int, n_frames: int) -> NDArray[np.float32]:
        """The features (version, frame, channel) of one token."""
        n_versions = len(names(self.half_widths_ms))
        return self.stored[start : start + n_versions * n_frames].reshape(n_versions, n_frames, -1)


def of_corpus(
    encoder: Encoder, corpus: Corpus, tokens: pd.DataFrame, given: Knee, *, cache_dir: Path | None = None
) -> Versions:
    """The versions of ``tokens``, from the cache or into it; without ``cache_dir`` they stay in memory.

    Raises TonespanError where the cache cannot be written, or is damaged. Notebook: notebooks/04_flattened_pitch
    """
    placed = _placed(encoder, corpus, tokens, given)
    shape = (int(placed["n_frames"].sum()) * len(names(given.half_widths_ms)), encoder.feature_width)
    if cache_dir is None:
        stored = np.zeros(shape, dtype=np.float32)
        reasons = _fill(stored, encoder, corpus, placed, given)
        return _without_left_out(placed, reasons, stored, given)

    def build(folder: Path) -> None:
        stored = np.lib.format.open_memmap(folder / "cnn.npy", mode="w+", dtype=np.float32, shape=shape)
        reasons = _fill(stored, encoder, corpus, placed, given)
        stored.flush()
        (folder / "reasons.json").write_text(json.dumps(reasons), encoding="utf-8")

    parent, key = cache_dir / features.front_end_identity(encoder), _identity(corpus, placed, given)
    if (parent / key).is_dir() and not all((parent / key / name).is_file() for name in FILES):
        shutil.rmtree(parent / key)  # a file that was damaged has been set aside
    folder = build_once(parent, key, build)
    try:
        reasons = json.loads((folder / "reasons.json").read_text(encoding="utf-8"))
        # Read as needed. "c": what is written to an array stays out of the file.
        stored = np.load(folder / "cnn.npy", mmap_mode="c")
    except (OSError, ValueError) as error:
        raise TonespanError(f"{folder}: damaged ({error}); remove this folder and run again") from None
    return _without_left_out(placed, reasons, stored, given)


def clip_around(encoder: Encoder, n_samples: int, center_s: float, context_ms: float) -> slice:
    """The samples within some ``context_ms`` of a centre; it begins with a frame of the whole recording."""
    reach = round(context_ms / 1000 * SAMPLE_RATE)
    start = max(0, (round(center_s * SAMPLE_RATE) - reach) // encoder.hop * encoder.hop)
    return slice(start, min(n_samples, start + 2 * reach + encoder.receptive))


def _placed(encoder: Encoder, corpus: Corpus, tokens: pd.DataFrame, given: Knee) -> pd.DataFrame:
    """``tokens`` utterance by utterance, with ``clip_start`` and ``clip_end`` in samples, and what Versions adds."""
    tokens = pd.concat([group for _, group in tokens.groupby("utterance_id", sort=False)])
    n_samples = corpus.utterances.set_index("utterance_id")["n_samples"]
    clips = [
        clip_around(encoder, int(n_samples[token.utterance_id]), token.center_s, given.context_ms)
        for token in tokens.itertuples()
    ]
    starts = np.array([clip.start for clip in clips])
    centers = tokens["center_s"].to_numpy() - starts / SAMPLE_RATE
    lengths = [clip.stop - clip.start for clip in clips]
    n_frames = np.array([encoder.n_frames(length) for length in lengths])
    return tokens.assign(
        clip_start=starts,
        clip_end=[clip.stop for clip in clips],
        frame=[encoder.frame_at(center, length) for center, length in zip(centers, lengths, strict=True)],
        n_frames=n_frames,
        start=(np.cumsum(n_frames) - n_frames) * len(names(given.half_widths_ms)),
    )


def _fill(
    stored: NDArray[np.float32], encoder: Encoder, corpus: Corpus, placed: pd.DataFrame, given: Knee
) -> list[str]:
    """Write the features of all versions into ``stored``; why each token is left out, or "" (token,)."""
    reasons: dict[str, str] = {}
    groups = placed.groupby("utterance_id", sort=False)
    for utterance_id, group in tqdm(groups, desc="pitch flattened", unit="utt"):
        samples = corpus.audio(utterance_id)
        tracked = resynthesis.track(samples, floor_hz=given.floor_hz, ceiling_hz=given.ceiling_hz)
        for token in group.itertuples():
            clip = samples[token.clip_start : token.clip_end]
            start_s, end_s = token.clip_start / SAMPLE_RATE, token.clip_end / SAMPLE_RATE
            spoken, reasons[token.token_id] = speak(clip, token.center_s - start_s, tracked.part(start_s, end_s), given)
            if spoken is not None:
                cnn = _features(encoder, spoken)
                stored[token.start : token.start + len(cnn)] = cnn
    return [reasons[token_id] for token_id in placed["token_id"]]


def speak(
    clip: np.ndarray, center_s: float, tracked: resynthesis.PitchTrack, given: Knee
) -> tuple[NDArray[np.float32] | None, str]:
    """All versions of a clip (version, samples) in the order of :func:`names`; or None, and why there are none."""
    if not tracked.voiced_near(center_s, NEAR_S):
        return None, UNTRACKED
    bounds = {"floor_hz": given.floor_hz, "ceiling_hz": given.ceiling_hz}
    say = resynthesis.resynthesiser(clip, tracked, method=given.method, **bounds)
    level = say(center_s, 0.0, "inside")
    if not _is_level(resynthesis.track(level, **bounds), center_s, tracked.median_hz):
        return None, UNALTERED
    kept = [say(center_s, width_ms, "inside") for width_ms in given.half_widths_ms]
    flattened = [say(center_s, width_ms, "outside") for width_ms in given.half_widths_ms]
    return np.stack([say(center_s, np.inf, "inside"), level, *kept, *flattened]), ""


def _is_level(tracked: resynthesis.PitchTrack, center_s: float, median_hz: float) -> bool:
    near = np.abs(tracked.times_s - center_s) <= NEAR_S
    off_st = 12 * np.abs(np.log2(tracked.hz[near] / median_hz))
    return tracked.voiced_near(center_s, NEAR_S) and bool((off_st <= LEVEL_ST).all())


@torch.no_grad()
def _features(encoder: Encoder, clips: NDArray[np.float32]) -> NDArray[np.float32]:
    """The ``cnn`` features of clips (clip, samples): (all frames, channel)."""
    size = max(1, int(chunks.BATCH_S * SAMPLE_RATE) // clips.shape[1])
    parts = [encoder.features(encoder.prepare(clips[i : i + size])) for i in range(0, len(clips), size)]
    return torch.cat(parts).flatten(0, 1).float().cpu().numpy()


def _without_left_out(
    placed: pd.DataFrame, reasons: Sequence[str], stored: NDArray[np.float32], given: Knee
) -> Versions:
    reason = np.array(reasons)
    kept = reason == ""
    left_out = placed.loc[~kept, ["token_id", "utterance_id"]].assign(reason=reason[~kept])
    return Versions(placed[kept], list(given.half_widths_ms), stored, left_out)


def _identity(corpus: Corpus, placed: pd.DataFrame, given: Knee) -> str:
    """A hash of the settings, the tokens and the audio of their utterances."""
    used = given.model_dump(mode="json", exclude={"n_tokens"})  # the tokens themselves say which are used
    digest = hashlib.sha256(json.dumps(used, sort_keys=True).encode())
    for utterance_id, group in placed.groupby("utterance_id", sort=False):
        digest.update(f"{utterance_id} {group[['token_id', 'center_s']].to_csv(index=False)}".encode())
        digest.update(corpus.audio(utterance_id).tobytes())
    return digest.hexdigest()[:16]
