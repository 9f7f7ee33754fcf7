"""How much context does a probe need? Its macro-F1 when speech far from the tone centre is changed.

*Far* is further than a stated half-width. A gradient says what the model would react to; these say what it needs:

- ``context_truncation``: the audio is cut to that width.
- ``pitch_flattening``: pitch outside that width is levelled with Praat's overlap-add (:mod:`resynthesis`), all else
  stays.

The margin of the probe, which moves where F1 saturates, is asked in the same way by :mod:`margin_knee`.

Conventions: widths in ms, half-widths where the name says so. Of *draws*, number 0 is the data as they are and the
others are bootstrap resamples of utterances, as in ``comparison``.

Notebook: notebooks/06_validity
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import chunks, resynthesis
from tonespan_utils.statistics import bootstrap, classifier
from tonespan_utils.statistics.classifier import LinearClassifier

Floats = NDArray[np.float64]
Probes = Mapping[str, LinearClassifier]


def f1_by_width(
    name: str,
    encoder: Encoder,
    probes: Probes,
    corpus: Corpus,
    tokens: pd.DataFrame,
    widths_ms: Sequence[float],
    *,
    n_resamples: int,
    seed: int,
    floor_hz: float = 75.0,
    ceiling_hz: float = 500.0,
) -> pd.DataFrame:
    """The probes' macro-F1 on ``tokens`` when speech beyond each half-width of ``widths_ms`` is changed.

    One row per layer, half-width and draw: ``estimator, layer, half_width_ms, draw, macro_f1, chance_f1, n_tokens``.
    ``half_width_ms`` inf is the reference: the whole utterance (for ``pitch_flattening`` with its own pitch, through
    the same overlap-add). Chance is that of the same predictions shuffled over the tokens. ``floor_hz`` and
    ``ceiling_hz`` bound the pitch that is flattened. Use test tokens. Raises TonespanError for a name not in BEHAVIOUR
    and for widths the encoder has no frame for.
    Notebook: notebooks/06_validity
    """
    if name not in BEHAVIOUR:
        raise TonespanError(f"no behavioural estimator {name!r}; there are: {', '.join(BEHAVIOUR)}")
    widths = [*sorted({float(width) for width in widths_ms} - {np.inf}), np.inf]
    change = BEHAVIOUR[name]
    if change is pitch_flattening:
        change = partial(pitch_flattening, floor_hz=floor_hz, ceiling_hz=ceiling_hz)
    predicted = _predict(change, encoder, probes, corpus, tokens, widths)
    tone, utterances = tokens["tone"].to_numpy(dtype=str), tokens["utterance_id"].to_numpy()
    n_utterances = np.unique(utterances).size
    resampled = bootstrap.resample_clusters(n_utterances, n_resamples=n_resamples, seed=seed)
    draws = bootstrap.data_first(resampled)
    rows = []
    for layer, by_width in predicted.items():
        for width, answers in zip(widths, by_width, strict=True):
            counts = classifier.confusion_by_cluster(tone, answers, utterances)
            values = {"macro_f1": classifier.f1_resamples(counts, draws)}
            values |= {"chance_f1": classifier.chance_resamples(counts, draws)}
            about = {"estimator": name, "layer": layer, "half_width_ms": width, "n_tokens": len(tokens)}
            rows.append(pd.DataFrame(about | {"draw": np.arange(len(draws))} | values))
    return pd.concat(rows, ignore_index=True)[WIDTH_COLUMNS]


WIDTH_COLUMNS = ["estimator", "layer", "half_width_ms", "draw", "macro_f1", "chance_f1", "n_tokens"]


def saturation_span(table: pd.DataFrame, *, share: float = 0.95, level: float = 0.95) -> pd.DataFrame:
    """The width at which F1 has come ``share`` of the way from chance to that of the whole utterance.

    ``table`` is what :func:`f1_by_width` gave. One row per estimator and layer: ``estimator, layer, span_ms,
    ci_low_ms, ci_high_ms, whole_f1, chance_f1, n_tokens``; the span is twice the half-width, linear between widths.
    Below the narrowest width it is that width; not reached by the widest it is inf; and nan where F1 on the whole
    utterance is not above chance (the interval of their difference contains 0).
    """
    rows = []
    for (name, layer), widths_ms in saturation_draws(table, share=share, level=level).items():
        of_layer = table[(table["estimator"] == name) & (table["layer"] == layer)]
        whole = of_layer[np.isinf(of_layer["half_width_ms"]) & (of_layer["draw"] == 0)].iloc[0]
        low, high = bootstrap.percentile_interval(widths_ms[1:], level=level, n_tokens=whole["n_tokens"])
        rows.append({
            "estimator": name, "layer": layer, "span_ms": widths_ms[0], "ci_low_ms": low, "ci_high_ms": high,
            "whole_f1": whole["macro_f1"], "chance_f1": whole["chance_f1"], "n_tokens": whole["n_tokens"],
        })  # fmt: skip
    return pd.DataFrame(rows)


def saturation_draws(table: pd.DataFrame, *, share: float = 0.95, level: float = 0.95) -> dict[tuple[str, str], Floats]:
    """The width of :func:`saturation_span` in every draw: (estimator, layer) -> (draw,), the data as they are first."""
    drawn = {}
    for key, of_layer in table.groupby(["estimator", "layer"], sort=False):
        f1 = of_layer.pivot(index="draw", columns="half_width_ms", values="macro_f1").sort_index(axis=1)
        chance = of_layer[np.isinf(of_layer["half_width_ms"])].set_index("draw")["chance_f1"]
        whole = f1[np.inf]
        widths = 2 * f1.columns[:-1].to_numpy()
        needed = (chance + share * (whole - chance)).to_numpy()
        reached_ms = np.array(
            [_reach(widths, row, goal) for row, goal in zip(f1.to_numpy()[:, :-1], needed, strict=True)]
        )
        above = (whole - chance).to_numpy()
        if bootstrap.percentile_interval(above[1:], level=level)[0] <= 0:
            reached_ms[:] = np.nan
        drawn[key] = reached_ms
    return drawn


def _reach(widths: Floats, f1: Floats, goal: float) -> float:
    """The first width at which ``f1`` reaches ``goal``, linear between widths; inf when none does."""
    reached = f1 >= goal
    if not reached.any():
        return np.inf
    after = int(np.argmax(reached))
    if after == 0:
        return float(widths[0])
    return float(np.interp(goal, f1[after - 1 : after + 1], widths[after - 1 : after + 1]))


Changed = Iterator[tuple[int, int, Tensor, int]]  # row of the token, number of the width, waveform (n,), centre frame


def _predict(
    change: Callable[..., Changed],
    encoder: Encoder,
    probes: Probes,
    corpus: Corpus,
    tokens: pd.DataFrame,
    widths_ms: Sequence[float],
) -> dict[str, NDArray[np.str_]]:
    """What each probe predicts of each token at each width: layer -> (width, token). Equal lengths go in together."""
    predicted = {layer: np.empty((len(widths_ms), len(tokens)), dtype=object) for layer in probes}
    waiting: dict[int, list[tuple[int, int, Tensor, int]]] = {}

    @torch.no_grad()
    def predict(batch: list[tuple[int, int, Tensor, int]], part: slice) -> None:
        rows, widths, waveforms, frames = (list(column) for column in zip(*batch[part], strict=True))
        states = encoder.forward(torch.stack(waveforms))
        for layer, probe in probes.items():
            hidden = states[layer][range(len(rows)), frames]
            predicted[layer][widths, rows] = probe.predict(hidden.float().cpu().numpy())

    position = pd.Series(np.arange(len(tokens)), index=tokens.index)
    for utterance_id, group in tqdm(tokens.groupby("utterance_id", sort=False), desc="speech changed", unit="utt"):
        rows = position[group.index].to_numpy()
        samples = corpus.audio(utterance_id)
        try:
            changed = list(change(encoder, samples, rows, group["center_s"].tolist(), widths_ms))
        except TonespanError as error:
            raise TonespanError(f"utterance {utterance_id}: {error}") from None
        for version in changed:
            batch = waiting.setdefault(version[2].numel(), [])
            batch.append(version)
            if len(batch) * version[2].numel() >= chunks.BATCH_S * SAMPLE_RATE:
                chunks.in_chunks(partial(predict, batch), len(batch), len(batch))
                del waiting[version[2].numel()]
    for batch in waiting.values():
        chunks.in_chunks(partial(predict, batch), len(batch), len(batch))
    return {layer: answers.astype(str) for layer, answers in predicted.items()}


def context_truncation(
    encoder: Encoder,
    samples: np.ndarray,
    rows: Sequence[int],
    centers_s: Sequence[float],
    widths_ms: Sequence[float],
) -> Changed:
    """The prepared utterance cut to +-width around each centre, the centre frame staying the same samples."""
    prepared = encoder.prepare(samples)[0]
    least_ms = 1000 * encoder.receptive / SAMPLE_RATE / 2
    if min(widths_ms) < least_ms:
        raise TonespanError(
            f"half-widths must be at least {least_ms:g} ms: one frame of this encoder covers twice that"
        )
    for row, center_s in zip(rows, centers_s, strict=True):
        frame = encoder.frame_at(center_s, samples.size)
        middle = encoder.hop * frame + encoder.receptive / 2
        for number, width_ms in enumerate(widths_ms):
            width = min(width_ms / 1000 * SAMPLE_RATE, samples.size)
            # Whole frames on the left, so that the frame at the centre falls on the same samples.
            n_left = min(frame, int((width - encoder.receptive / 2) // encoder.hop))
            end = int(min(samples.size, middle + width))
            yield row, number, prepared[encoder.hop * (frame - n_left) : end], n_left


def pitch_flattening(
    encoder: Encoder,
    samples: np.ndarray,
    rows: Sequence[int],
    centers_s: Sequence[float],
    widths_ms: Sequence[float],
    *,
    floor_hz: float = 75.0,
    ceiling_hz: float = 500.0,
) -> Changed:
    """The utterance with its pitch at its own median outside +-width of each centre, then prepared."""
    tracked = resynthesis.track(samples, floor_hz=floor_hz, ceiling_hz=ceiling_hz)
    speak = resynthesis.resynthesiser(samples, tracked, floor_hz=floor_hz, ceiling_hz=ceiling_hz)
    for row, center_s in zip(rows, centers_s, strict=True):
        frame = encoder.frame_at(center_s, samples.size)
        for number, width_ms in enumerate(widths_ms):
            yield row, number, encoder.prepare(speak(center_s, width_ms, "inside"))[0], frame


BEHAVIOUR: dict[str, Callable[..., Changed]] = {
    "context_truncation": context_truncation,
    "pitch_flattening": pitch_flattening,
}
