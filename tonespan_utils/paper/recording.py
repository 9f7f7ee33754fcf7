"""One recording, measured: how far each layer of an encoder looks around its vowels, and which tones it makes of them.

With stored probes the energy is that of a tone's logit: the labelled tone, where the recording has labels that the
probes know, else the one that each layer predicts. Without probes it is that of the whole hidden vector
(:mod:`tonespan_utils.instrument.whole_vector`), which knows nothing of tone.

Conventions: those of :mod:`tonespan_utils.instrument.spans`. A vowel is a token, and the interval of a span resamples
vowels: it says how vowels of this recording differ, nothing of other recordings. Under
``bootstrap.LEAST_TOKENS`` vowels there is none. The recording is brought to the level of a corpus
(:mod:`tonespan_utils.corpus.level`).

Notebook: notebooks/explorer
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import level, segments
from tonespan_utils.corpus.vowels import Vowel
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import gradient_energy, gradients, pooling, probes, spans, whole_vector
from tonespan_utils.params.profile import Params
from tonespan_utils.plots import curves, energy_maps, layout, style
from tonespan_utils.statistics.classifier import LinearClassifier

WINDOW_MS, BIN_MS = 500.0, 10.0  # of the energy, as gradient.window_ms and bin_ms
MIN_SIDE_S = 0.05  # of audio on both sides of a centre: nearer, most of the window lies outside
NO_TONE = "none"  # stands for a label where there is none; nothing is trained on it
N_RESAMPLES, LEVEL = 1000, 0.95


@dataclass(frozen=True, eq=False)
class MeasuredRecording:
    """The result of :func:`measure`.

    ``layers``: one row per layer, bottom up: layer, r_com_ms, span_ms, ci_low_ms, ci_high_ms, r50_ms, r90_ms,
    null_span_ms, n_tokens. ``vowels``: one row per vowel and layer: center_s, label, tone (as labelled), layer,
    span_ms, null_span_ms, and, of the probes, predicted, probability (of what is predicted); the latter two are empty
    and nan without probes. ``energy`` (layer, offset in ms), rows sum to 1, and ``null`` (offset,): means over vowels.
    """

    name: str
    encoder: str
    samples: np.ndarray
    layers: pd.DataFrame
    vowels: pd.DataFrame
    energy: pd.DataFrame
    null: pd.Series
    has_probes: bool

    def plot(self) -> Figure:
        """The waveform with its vowels, and below it span by layer and the energy map."""
        with plt.style.context(style.STYLE):
            figure, axes = plt.subplot_mosaic(
                [["sound", "sound"], ["spans", "map"]], figsize=(style.FULL_WIDTH_IN, 4.2), height_ratios=[1, 2]
            )
            _draw_sound(axes["sound"], self.samples, self.vowels)
            curves.spans_by_layer(axes["spans"], self.layers, color="#0072B2")
            axes["spans"].set(xlabel="layer", ylabel="effective span 2 r_com (ms)")
            axes["spans"].set_title(f"of {self.of_what}", loc="left")
            axes["spans"].legend()
            rows = self.energy.rename_axis("offset_ms", axis=1).stack().rename("energy").reset_index()
            mesh = energy_maps.energy_map(axes["map"], rows, self.null.rename("energy").reset_index(), self.layers)
            energy_maps.null_colorbar(figure, mesh, axes["map"])
            for name in ("spans", "map"):
                layout.panel_count(axes[name], self.n_vowels, "vowel" if self.n_vowels == 1 else "vowels")
        axes["map"].set(xlabel="time from centre (ms)", ylabel="layer")
        return figure

    @property
    def n_vowels(self) -> int:
        return int(self.layers["n_tokens"].max())

    @property
    def of_what(self) -> str:
        """What was differentiated."""
        return "the tone" if self.has_probes else "the whole vector"


def measure(
    encoder: Encoder,
    samples: np.ndarray,
    vowels: Sequence[Vowel],
    layer_probes: Mapping[str, LinearClassifier] | None,
    *,
    name: str,
) -> MeasuredRecording:
    """How far every layer looks around the ``vowels`` of a recording, ``samples`` (n,) at 16 kHz.

    ``layer_probes``: layer -> probe of tones; None measures the whole vector. Raises TonespanError where no vowel has
    MIN_SIDE_S of audio on both sides.
    """
    seconds = len(samples) / SAMPLE_RATE
    kept = [vowel for vowel in vowels if MIN_SIDE_S <= vowel.center_s <= seconds - MIN_SIDE_S]
    if not kept:
        raise TonespanError(f"{name}: no vowel with {MIN_SIDE_S:g} s of audio on both sides; leave some silence around")
    corpus = segments.corpus_of(
        [samples], [[vowel.center_s for vowel in kept]], [[vowel.tone or NO_TONE for vowel in kept]], None, SAMPLE_RATE
    )
    corpus = level.levelled(corpus, by="recording")
    levelled = corpus.audio("clip 0")
    by_tone = layer_probes is not None
    if by_tone:
        readers = dict(layer_probes)
    else:
        vectors = probes.hidden_vectors(encoder, corpus, corpus.tokens.iloc[:1])
        readers = whole_vector.directions({layer: vector.shape[1] for layer, vector in vectors.items()})
    edges_ms, offsets_ms = spans.offset_bins(WINDOW_MS, BIN_MS)
    null = gradient_energy.null_energy(levelled.size, [vowel.center_s for vowel in kept], edges_ms)
    by_vowel = [
        _of_vowel(encoder, readers, levelled, vowel, edges_ms, by_tone=by_tone)
        for vowel in tqdm(kept, desc="vowels", unit="vowel", leave=False)
    ]
    energy = {layer: np.stack([bins[layer] for bins, _ in by_vowel]) for layer in readers}
    offsets = pd.Index(offsets_ms, name="offset_ms")
    return MeasuredRecording(
        name=name,
        encoder=encoder.name,
        samples=levelled,
        layers=_pooled(energy, null, edges_ms),
        vowels=_by_vowel(kept, energy, null, offsets_ms, [answers for _, answers in by_vowel]),
        energy=pd.DataFrame(
            {layer: pooling.mean_energy(bins) for layer, bins in energy.items()}, index=offsets
        ).T.rename_axis("layer"),
        null=pd.Series(pooling.mean_energy(null), index=offsets),
        has_probes=by_tone,
    )


def _pooled(energy: Mapping[str, np.ndarray], null: np.ndarray, edges_ms: np.ndarray) -> pd.DataFrame:
    """The table ``layers`` of the energy of all vowels, layer -> (vowel, bins)."""
    drawn = {"n_resamples": N_RESAMPLES, "level": LEVEL, "seed": 0}
    vowels = np.arange(len(null))
    pooled = {layer: pooling.pooled_span(bins, null, vowels, edges_ms, **drawn) for layer, bins in energy.items()}
    return pd.DataFrame([{"layer": layer} | pooling.as_row(span) for layer, span in pooled.items()])


def _by_vowel(
    vowels: Sequence[Vowel],
    energy: Mapping[str, np.ndarray],
    null: np.ndarray,
    offsets_ms: np.ndarray,
    answers: Sequence[Mapping[str, dict]],
) -> pd.DataFrame:
    """The table ``vowels``; ``answers``: of each vowel, layer -> predicted and probability."""
    null_ms = spans.effective_span(null, offsets_ms)
    spans_ms = {layer: spans.effective_span(bins, offsets_ms) for layer, bins in energy.items()}
    none = {"predicted": "", "probability": np.nan}
    return pd.DataFrame([
        vowel._asdict()
        | {"layer": layer, "span_ms": spans_ms[layer][i], "null_span_ms": null_ms[i]}
        | answers[i].get(layer, none)
        for i, vowel in enumerate(vowels)
        for layer in energy
    ])  # fmt: skip


def _of_vowel(
    encoder: Encoder,
    readers: Mapping[str, LinearClassifier],
    samples: np.ndarray,
    vowel: Vowel,
    edges_ms: np.ndarray,
    *,
    by_tone: bool,
) -> tuple[dict[str, np.ndarray], dict[str, dict]]:
    """Energy (bins,) of each layer, and what its probe makes of the vowel: layer -> predicted, probability."""
    is_labelled = all(vowel.tone in probe.classes for probe in readers.values())
    target = "true" if is_labelled or not by_tone else "predicted"
    tones = [vowel.tone] if by_tone else list(max((probe.classes for probe in readers.values()), key=len))
    centers_s = np.full((1, len(tones)), vowel.center_s)
    slopes, shares = gradients.gradients_and_probabilities(
        encoder, readers, samples[None], centers_s, np.array([tones]), target=target, wrt="waveform",
        reach_s=WINDOW_MS / 1000,
    )  # fmt: skip
    by_layer = gradient_energy.energy_of_layers(
        encoder, {layer: of_clip[0] for layer, of_clip in slopes.items()}, centers_s[0].tolist(), edges_ms
    )
    energy = {layer: bins.mean(axis=0) for layer, bins in by_layer.items()}
    if not by_tone:
        return energy, {}
    best = {layer: int(of_clip[0, 0].argmax()) for layer, of_clip in shares.items()}
    answers = {
        layer: {"predicted": readers[layer].classes[k], "probability": float(shares[layer][0, 0, k])}
        for layer, k in best.items()
    }
    return energy, answers


def stored_probes(params: Params, encoder: Encoder, language: str) -> dict[str, LinearClassifier] | None:
    """The probes of this very encoder in a language, as a run of a profile left them; None where there are none."""
    parts = sorted((params.results / "parts").glob("encoders.*.csv"))
    for part in parts:
        stored = pd.read_csv(part, dtype={"identity": str}).query("identity == @encoder.identity")
        for row in stored.itertuples():
            path = probes.path(params.results, row.condition, language, seed=row.seed)
            if path.is_file():
                return probes.load_probes(path)
    return None


def _draw_sound(axis: plt.Axes, samples: np.ndarray, vowels: pd.DataFrame) -> None:
    """The waveform with a line at each vowel, named by its label or its tone."""
    time_s = np.arange(samples.size) / SAMPLE_RATE
    axis.plot(time_s, samples, lw=0.4, color="0.4", rasterized=True)
    for row in vowels.drop_duplicates("center_s").itertuples():
        axis.axvline(row.center_s, color="#D55E00", lw=1)
        text = " ".join(filter(None, (row.label, row.tone)))
        axis.annotate(
            text, (row.center_s, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", parse_math=False
        )
    axis.set(xlabel="time (s)", yticks=[], xlim=(0, time_s[-1]))
