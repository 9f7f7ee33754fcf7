"""How far away does attention look? The mean distance of each layer's and head's attention from the tone centre.

For a query frame q and attention weights ``a(q, k)`` of one head (softmax over key frames k, sum 1), the distance is

    d(q) = sum_k a(q, k) |t_k - t_q|

with frame centres t in ms (Vig & Belinkov 2019 for text, in tokens). The query is the frame at the tone centre. It
says where a layer takes its input from, whatever the probe reads: beside a gradient's ``r_com`` (also a mean distance,
but of what moves the tone logit) it tells a model that looks far from one whose tone is far. Attention even over the
clip is the null.

Conventions: layers are the blocks ``1`` to ``L``; distances in ms; weights within ``window_ms`` of the centre are
scaled to sum to 1, so that distances compare with an ``r_com`` in the same window.

Notebook: notebooks/06_validity
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders import backward
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import gradients
from tonespan_utils.statistics import bootstrap

Floats = NDArray[np.float64]
COLUMNS = ["layer", "head", "distance_ms", "ci_low_ms", "ci_high_ms", "null_ms", "n_tokens"]


def attention_weights(encoder: Encoder, samples: np.ndarray, centers_s: Sequence[float]) -> dict[str, Floats]:
    """What the frame at each centre attends to: layer -> (token, head, frame), rows sum to 1.

    ``samples`` (n,) is one utterance at 16 kHz. Raises TonespanError for blocks with adapters and other blocks whose
    attention is not kept, and where ``Encoder.frame_at`` does. Notebook: notebooks/06_validity
    """
    frames = [encoder.frame_at(center, samples.size) for center in centers_s]
    clip = gradients.trace(encoder, encoder.prepare(samples))
    if isinstance(clip, backward.PlainClips):
        raise TonespanError(f"{encoder.name}: attention is read from blocks like wav2vec 2.0's alone")
    by_layer = {}
    for number, block in enumerate(clip.blocks, start=1):
        if isinstance(block, backward.PlainBlock):
            raise TonespanError(f"layer {number} has an adapter; attention is read from plain blocks alone")
        weights = block.attention.weights[0][:, frames]  # (head, token, frame)
        by_layer[str(number)] = weights.transpose(0, 1).double().cpu().numpy()
    return by_layer


def attention_distance(
    encoder: Encoder, samples: np.ndarray, centers_s: Sequence[float], *, window_ms: float = np.inf
) -> dict[str, Floats]:
    """The mean distance in ms that the frame at each centre attends over: layer -> (token, head); see the module.

    A head with no weight inside the window has no distance (nan). Notebook: notebooks/06_validity
    """
    away = _distances_ms(encoder, samples.size, centers_s, window_ms)
    weights = attention_weights(encoder, samples, centers_s)
    return {layer: _mean_distance(attended, away[:, None]) for layer, attended in weights.items()}


def null_distance(encoder: Encoder, n_samples: int, centers_s: Sequence[float], *, window_ms: float = np.inf) -> Floats:
    """The distance in ms of attention that is even over the clip, within the window: (token,)."""
    away = _distances_ms(encoder, n_samples, centers_s, window_ms)
    return _mean_distance(np.ones_like(away), away)


def _distances_ms(encoder: Encoder, n_samples: int, centers_s: Sequence[float], window_ms: float) -> Floats:
    """How far each frame lies from that at each centre (token, frame); nan beyond the window."""
    times_ms = 1000 * encoder.frame_center_s(np.arange(encoder.n_frames(n_samples)))
    at = [encoder.frame_at(center, n_samples) for center in centers_s]
    away = np.abs(times_ms - times_ms[at][:, None])
    return np.where(away <= window_ms, away, np.nan)


def _mean_distance(weights: Floats, away: Floats) -> Floats:
    near = np.where(np.isnan(away), 0, weights)
    total = near.sum(axis=-1)
    distance = (near * np.nan_to_num(away)).sum(axis=-1)
    return np.divide(distance, total, out=np.full(total.shape, np.nan), where=total > 0)


def measure(
    encoder: Encoder,
    corpus: Corpus,
    tokens: pd.DataFrame,
    *,
    window_ms: float = np.inf,
    n_resamples: int,
    level: float,
    seed: int,
) -> pd.DataFrame:
    """The mean distance over ``tokens`` of each layer and head, with its bootstrap interval over utterances and null.

    Columns: ``layer, head, distance_ms, ci_low_ms, ci_high_ms, null_ms, n_tokens``; head ``mean`` is the mean of all.
    One utterance, or fewer than ``bootstrap.LEAST_TOKENS`` tokens, have no interval (nan).
    Notebook: notebooks/06_validity
    """
    distances: dict[str, list[Floats]] = {}
    null = []
    for utterance_id, group in tqdm(tokens.groupby("utterance_id", sort=False), desc="attention", unit="utt"):
        samples, centers = corpus.audio(utterance_id), group["center_s"].tolist()
        for layer, distance in attention_distance(encoder, samples, centers, window_ms=window_ms).items():
            distances.setdefault(layer, []).append(distance)
        null.append(null_distance(encoder, samples.size, centers, window_ms=window_ms))
    utterances = np.concatenate([[u] * len(g) for u, g in tokens.groupby("utterance_id", sort=False)])
    weights = bootstrap.resample_rows(utterances, n_resamples=n_resamples, seed=seed)
    rows = []
    for layer, parts in distances.items():
        by_head = np.concatenate(parts)  # (token, head)
        by_head = np.column_stack([by_head, by_head.mean(axis=1)])
        drawn = weights @ by_head / weights.sum(axis=1, keepdims=True)
        enough = {"n_tokens": len(by_head), "n_clusters": len(null)}
        low, high = np.transpose([bootstrap.percentile_interval(head, level=level, **enough) for head in drawn.T])
        heads = [*map(str, range(by_head.shape[1] - 1)), "mean"]
        about = {"layer": layer, "null_ms": np.concatenate(null).mean(), "n_tokens": len(by_head)}
        values = {"distance_ms": by_head.mean(axis=0), "ci_low_ms": low, "ci_high_ms": high}
        rows.append(pd.DataFrame(about | {"head": heads} | values))
    return pd.concat(rows, ignore_index=True)[COLUMNS]
