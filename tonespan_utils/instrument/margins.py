"""The margin of a tone token: how far the probe's logit of the true tone lies above the mean of its other logits.

It is read at the frame of the tone centre from every version of a token (:mod:`pitch_versions`): with its pitch whole,
level, kept only within a half-width, flattened only within it. Where F1 saturates, the margin still moves.

Conventions: margins in logits, (token, version) by layer, versions in the order of ``pitch_versions.names``.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.encoders.batches import alike
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import chunks, pitch_versions
from tonespan_utils.instrument.pitch_versions import Versions
from tonespan_utils.statistics.classifier import LinearClassifier

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Margins:
    """Margins of some tokens, layer -> (token, version); ``tokens`` are the rows of their table."""

    by_layer: dict[str, Floats]
    tokens: pd.DataFrame
    half_widths_ms: list[float]

    def whole(self, layer: str) -> Floats:
        """The margin with the whole pitch (token,)."""
        return self.by_layer[layer][:, 0]

    def level(self, layer: str) -> Floats:
        """The margin without any pitch movement (token,)."""
        return self.by_layer[layer][:, 1]

    def keep(self, layer: str) -> Floats:
        """The margin with pitch only within each half-width (token, half-width)."""
        return self.by_layer[layer][:, 2 : 2 + len(self.half_widths_ms)]

    def flatten(self, layer: str) -> Floats:
        """The margin with pitch only beyond each half-width (token, half-width)."""
        return self.by_layer[layer][:, 2 + len(self.half_widths_ms) :]


@torch.no_grad()
def measure(encoder: Encoder, probes: Mapping[str, LinearClassifier], versions: Versions) -> Margins:
    """The margins of every layer with a probe. Clips of one length go through the encoder together.

    Raises TonespanError for a tone that a probe was not trained on and for hidden states that are not finite.
    Notebook: notebooks/04_gradient_energy
    """
    readouts = {layer: margin_readout(probe, versions.tokens["tone"]) for layer, probe in probes.items()}
    n_versions = len(pitch_versions.names(versions.half_widths_ms))
    by_layer = {layer: np.empty((len(versions.tokens), n_versions)) for layer in probes}
    starts, frames = (versions.tokens[name].to_numpy() for name in ("start", "frame"))
    lengths = dict(enumerate(versions.tokens["n_frames"].tolist()))

    def read(batch: list[int], n_frames: int, part: slice) -> None:
        rows = np.array(batch)[part]
        cnn = np.concatenate([versions.of_token(start, n_frames) for start in starts[rows]])
        states = torch.from_numpy(cnn).to(encoder.model.device, encoder.model.dtype)
        at = np.repeat(frames[rows], n_versions)
        for layer, state in {"cnn": states, **encoder.forward_from_cnn(states)}.items():
            if layer in probes:
                hidden = state[np.arange(len(at)), at].double().cpu().numpy().reshape(len(rows), n_versions, -1)
                by_layer[layer][rows] = _read(hidden, *(weights[rows] for weights in readouts[layer]))

    with tqdm(total=len(lengths), desc="margins", unit="token") as bar:
        for batch in alike(lengths, lambda n_frames: tokens_together(encoder, n_frames * n_versions)):
            chunks.in_chunks(partial(read, batch, lengths[batch[0]]), len(batch), len(batch))
            bar.update(len(batch))
    for layer, values in by_layer.items():
        if not np.isfinite(values).all():
            raise TonespanError(f"layer {layer} holds NaN or infinite values; are the checkpoint's weights finite?")
    return Margins(by_layer, versions.tokens, versions.half_widths_ms)


def tokens_together(encoder: Encoder, frames_each: int) -> int:
    """How many tokens go through together, at ``frames_each`` frames of all their versions."""
    return max(1, round(chunks.BATCH_S * SAMPLE_RATE / encoder.hop) // frames_each)


def margin_readout(probe: LinearClassifier, tones: pd.Series) -> tuple[Floats, Floats]:
    """The weight (token, hidden) and bias (token,) whose product with a hidden vector is the margin of each tone.

    Raises TonespanError for a tone that the probe does not know, and for a probe of a single tone.
    """
    unknown = sorted(set(tones) - set(probe.classes))
    if unknown or len(probe.classes) < 2:
        raise TonespanError(f"the probe knows the tones {', '.join(probe.classes)}, not {', '.join(unknown) or 'two'}")
    place = np.array([probe.classes.index(tone) for tone in tones], dtype=int)
    n_classes = len(probe.classes)
    signs = np.full((len(place), n_classes), -1 / (n_classes - 1))
    signs[np.arange(len(place)), place] = 1.0
    return signs @ np.asarray(probe.weight, dtype=np.float64), signs @ np.asarray(probe.bias, dtype=np.float64)


def _read(hidden: Floats, weight: Floats, bias: Floats) -> Floats:
    """Margins (token, version) of hidden vectors (token, version, hidden)."""
    return np.einsum("tvh,th->tv", hidden, weight) + bias[:, None]
