"""Measure one's own recording with the stored probes: how far does each layer look around a tone centre in it?

The whole recording goes into the encoder, as utterances of the study do, so it has to be short. A tone that is not
named is the one that each layer's own probe predicts.

Notebook: notebooks/explorer
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from tonespan_utils import languages
from tonespan_utils.audio import reading
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.encoders import checkpoints
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import gradient_energy, gradients, probes, readouts, spans
from tonespan_utils.paper.explorer import bundle, clips
from tonespan_utils.paper.explorer.bundle import Bundle
from tonespan_utils.params.gradient_sections import Gradient
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import TOKEN_COLUMNS
from tonespan_utils.statistics.classifier import LinearClassifier

MAX_S = 30.0  # attention over a minute of audio takes gigabytes, and no utterance of the study is longer
MIN_SIDE_S = 0.05


def recording(
    params: Params,
    content: bytes,
    name: str,
    *,
    conditions: Sequence[str],
    language: str,
    center_s: float,
    tone: str = "",
) -> Bundle:
    """A bundle of one token: the recording ``content`` of a file called ``name``, measured under ``conditions``.

    ``tone`` is the labelled one; empty: what each probe predicts. Raises TonespanError for what is not audio, is
    silent, too long or too short, for a centre outside it, and where probes or models are missing.
    Notebook: notebooks/explorer
    """
    samples = decode(content, name)
    _check_center(samples, center_s, name)
    made = Bundle(bundle.common_header(params))
    row = dict.fromkeys(TOKEN_COLUMNS, "") | {"token_id": name, "utterance_id": name, "language": language}
    row |= {"syllable": "my recording", "tone": tone or "?", "center_s": center_s}
    token = pd.DataFrame([row])
    cut = clips.of_utterance(samples, [center_s], [name], params)
    bundle.add_clips(made, cut, token.set_index("token_id"), token.iloc[:0], params)
    for condition in conditions:
        bundle.add_block(made, condition, language, *_measure(params, condition, language, samples, center_s, tone))
    return made


def decode(content: bytes, name: str) -> np.ndarray:
    """Samples (n,) at 16 kHz of an audio file's content. Raises TonespanError in one line that names the file."""
    suffix = Path(name).suffix.lower()
    with tempfile.TemporaryDirectory(prefix="tonespan-") as folder:
        path = Path(folder) / f"recording{suffix}"
        path.write_bytes(content)
        try:
            _check_length(path)
            return reading.read(path)
        except TonespanError as error:
            raise TonespanError(str(error).replace(str(path), name or "the file")) from None


def _check_length(path: Path) -> None:
    """From the header alone: an hour of audio is not decoded to learn that it is too long."""
    try:
        seconds = soundfile.info(path).duration
    except (soundfile.LibsndfileError, OSError):
        return  # no audio, or damaged: the reader says which
    if seconds > MAX_S:
        length = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} s"
        raise TonespanError(f"{path}: {length} long; cut a clip of at most {MAX_S:.0f} s around the syllable")


def _check_center(samples: np.ndarray, center_s: float, name: str) -> None:
    length_s = samples.size / SAMPLE_RATE
    if not MIN_SIDE_S <= center_s <= length_s - MIN_SIDE_S:
        raise TonespanError(
            f"{name}: the tone centre {center_s:.2f} s must lie {MIN_SIDE_S:g} s inside the {length_s:.2f} s of audio"
        )


def _measure(
    params: Params, condition: str, language: str, samples: np.ndarray, center_s: float, tone: str
) -> tuple[list[str], dict[str, np.ndarray]]:
    """Layers and arrays of one condition, means over its seeds of training, as ``bundle.add_block`` takes them."""
    edges_ms, offsets_ms = spans.offset_bins(params.gradient.window_ms, params.gradient.bin_ms)
    shares, probabilities, layers = [], [], []
    for seed in params.seeds(condition):
        stored = probes.path(params.results, condition, language, seed=seed)
        if not stored.is_file():
            raise TonespanError(
                f"no probes of {condition} in {languages.LANGUAGE_NAMES[language]} ({stored} is missing); "
                f"run `make paper PROFILE={params.profile}`"
            )
        by_layer, encoder = probes.load_probes(stored), checkpoints.load_condition(params, condition, seed=seed)
        layers = list(by_layer)
        share, probability = _share_and_probability(
            encoder, by_layer, samples, center_s, tone, edges_ms, gradient=params.gradient
        )
        shares.append(share)
        probabilities.append(probability)
    share = np.mean(shares, axis=0)[None]
    return layers, {
        "share": share,
        "r_com": spans.center_of_mass_radius(share, offsets_ms),
        "r90": spans.energy_radius(share, edges_ms, fraction=0.9),
        "confidence": np.mean(probabilities, axis=0)[None],
    }


def _share_and_probability(
    encoder: Encoder,
    layer_probes: dict[str, LinearClassifier],
    samples: np.ndarray,
    center_s: float,
    tone: str,
    edges_ms: np.ndarray,
    *,
    gradient: Gradient,
) -> tuple[np.ndarray, np.ndarray]:
    """Energy shares (layer, bin) and the probability (layer,) of the tone, or of the likeliest where none is named."""
    tones, target = np.array([[tone]]), "true" if tone else "predicted"
    by_layer, chances = gradients.gradients_and_probabilities(
        encoder, layer_probes, samples[None], np.array([[center_s]]), tones, target=target,
        wrt=gradient.wrt,
        reach_s=float(np.abs(edges_ms).max()) / 1000,
    )  # fmt: skip
    power = None
    if gradient.weight == "power":
        power = gradient_energy.power_of_input(encoder, samples, window_ms=gradient.power_window_ms)
    of_token = {layer: slopes[0] for layer, slopes in by_layer.items()}
    energy = gradient_energy.energy_of_layers(encoder, of_token, [center_s], edges_ms, power=power, wrt=gradient.wrt)
    probability = [
        (readouts.probability_of(chances[layer], probe, tones) if tone else chances[layer].max(axis=-1)).item()
        for layer, probe in layer_probes.items()
    ]
    return spans.normalise(np.concatenate([energy[layer] for layer in layer_probes])), np.array(probability)
