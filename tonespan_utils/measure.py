"""One call for someone else's model and segments: how far does each layer look, and does it know the labels at all?

Tones that rise or fall around the middle of a second of noise, for an encoder in a folder (a hub id, or a transformers
model that is loaded already, will do as well):

>>> import numpy as np
>>> rng, time_s = np.random.default_rng(0), np.arange(16000) / 16000 - 0.5
>>> tones = ["rise", "fall"] * 40
>>> octaves = {"rise": np.clip(time_s, -0.06, 0.06) / 0.12, "fall": np.clip(-time_s, -0.06, 0.06) / 0.12}
>>> clips = [np.sin(2 * np.pi * np.cumsum(rng.uniform(150, 250) * 2 ** octaves[tone]) / 16000) for tone in tones]
>>> clips = [clip + rng.normal(0, 0.1, 16000) for clip in clips]

>>> from tonespan_utils import measure_span
>>> measured = measure_span("models/tonespan-wide", clips, [0.5] * 80, tones)
>>> figure = measured.plot()

>>> measured.layers.query("knows")["span_ms"].between(30, 120).tolist()[1:]  # a box of the planted 120 ms gives 60
[True, True, True, True, True, True, True, True]
>>> knees = measured.knees.set_index("layer")["knee_ms"]  # the glide; lower layers use the levels beside it too
>>> knees[["6", "final"]].between(100, 140).tolist()
[True, True]

It does what notebooks 03 and 04 do, with the same functions: one linear probe per layer on the hidden vector at each
centre, trained on some speakers (or clips) and scored on others; the energy of the gradient of its logit around the
centres of the scored tokens; spans with their intervals and null; quality flags; margin knees, and the influence of
pitch beyond each half-width.

Conventions: those of ``probes``, ``gradients`` and ``spans``; a clip is one utterance, times count from its start.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from transformers import PreTrainedModel

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import level as loudness_of
from tonespan_utils.corpus import sides
from tonespan_utils.corpus.segments import check_lengths, corpus_of, split
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.encoders.given import as_encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import gradient_energy, margin_tables, spans
from tonespan_utils.instrument import probes as layer_probes
from tonespan_utils.plots import curves, energy_maps, knee_curves, layout, style
from tonespan_utils.statistics import findings
from tonespan_utils.statistics.bootstrap import Interval
from tonespan_utils.statistics.classifier import LinearClassifier
from tonespan_utils.study import quality_flags, random_null, weighting

LOUDNESS = ("recording", "speaker", "none")  # as speech.level of a profile
HALF_WIDTHS_MS = (10.0, 20.0, 30.0, 45.0, 60.0, 75.0, 90.0, 110.0, 130.0, 160.0, 200.0)  # those of a profile


@dataclass(frozen=True, eq=False, repr=False)
class MeasuredSpans:
    """The result of :func:`measure_span`.

    ``layers``: one row per layer, bottom up: layer, macro_f1, f1_low, f1_high, chance_f1, r_com_ms, span_ms, ci_low_ms,
    ci_high_ms, r50_ms, r90_ms, null_span_ms, n_tokens, random_span_ms, random_low_ms, random_high_ms (the same encoder
    with permuted weights; nan where it was not asked for), knows (whether F1 is above chance), note (why the span is no
    finding, as ``findings.why_no_span`` has it; empty for a finding). ``weights``: spans, exponents on local power and
    the duration confound under both weights of energy, as in the table ``span_weights`` (segments have no duration: no
    confound). ``radii``: every measure of ``spans.radius_table``. ``energy``: layer by offset in ms, rows sum to 1;
    ``null``: the flat map by offset. ``signatures``: quality flags (layer, signature, detail). ``probes``: layer ->
    classifier. ``n_train`` is 0 for given probes. ``n_short``: how many scored tokens had too little audio on a side to
    be measured.

    ``knees``: one row per layer, as ``margin_knee.table`` has it: layer, knee_ms, ci_low_ms, ci_high_ms, n_tokens,
    note. ``influence``: layer, half_width_ms, influence, ci_low, ci_high, n_tokens. ``left_out``: tokens whose pitch
    could not be taken away (token_id, utterance_id, reason). All empty where no half-widths were given.
    """

    model: str
    layers: pd.DataFrame
    weights: pd.DataFrame
    radii: pd.DataFrame
    energy: pd.DataFrame
    null: pd.Series
    signatures: pd.DataFrame
    probes: dict[str, LinearClassifier]
    n_train: int
    n_test: int
    level: float
    n_short: int = 0
    knees: pd.DataFrame = field(default_factory=pd.DataFrame)
    influence: pd.DataFrame = field(default_factory=pd.DataFrame)
    left_out: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __repr__(self) -> str:
        shown = pd.DataFrame({
            "layer": self.layers["layer"],
            "macro-F1": [_interval(*row) for row in self.layers[["macro_f1", "f1_low", "f1_high"]].to_numpy()],
            "chance": self.layers["chance_f1"].map("{:.2f}".format),
            "n scored": self.n_test,
            "span 2 r_com (ms)": [
                _interval(*row, digits=0) + (f"  (no finding: {note})" if note else "")
                for *row, note in self.layers[["span_ms", "ci_low_ms", "ci_high_ms", "note"]].to_numpy()
            ],
            "null": self.layers["null_span_ms"].map("{:.0f}".format),
            "random": self.layers["random_span_ms"].map("{:.0f}".format),
            "n": self.layers["n_tokens"],
        })  # fmt: skip
        if not self.knees.empty:
            shown["margin knee (ms)"] = [
                _interval(*row, digits=0) + (f"  ({note})" if note else "")
                for *row, note in self.knees[["knee_ms", "ci_low_ms", "ci_high_ms", "note"]].to_numpy()
            ]
        trained = f"probes trained on {self.n_train} tokens" if self.n_train else "given probes"
        lines = [
            f"{self.model}: {trained}, scored on {self.n_test}, gradients of {self.layers['n_tokens'].max()}; "
            f"{self.level:.0%} intervals",
            shown.to_string(index=False),
        ]
        lines += [f"left out of the gradients for want of audio on a side: {self.n_short}"] if self.n_short else []
        if len(self.left_out):
            lines.append(f"left out of the knees, for their pitch cannot be taken away: {len(self.left_out)}")
        signs = self.signatures.groupby("signature", sort=False)["layer"].agg(", ".join)
        lines += [f"{quality_flags.NAMES[sign]}: {layers}" for sign, layers in signs.items()]
        return "\n".join(lines)

    def plot(self) -> Figure:
        """F1 and span by layer, and the energy map; spans that are no finding are open, without ticks in the map; both
        nulls, a flat map and permuted weights, are drawn.
        """
        unknown = set(self.layers.loc[self.layers["note"] != "", "layer"])
        with plt.style.context(style.STYLE):
            figure, (scores, widths, energies) = plt.subplots(
                1, 3, figsize=(style.FULL_WIDTH_IN, 2.6), width_ratios=[1, 1, 1.3]
            )
            curves.f1_with_chance(scores, self.layers)
            layout.panel_count(scores, self.n_test)
            for axis in (widths, energies):
                layout.panel_count(axis, self.layers["n_tokens"].max())
            curves.spans_by_layer(widths, self.layers, hollow=unknown, random=self._random, color="#0072B2")
            if not self.knees.empty:
                knee_curves.knees_by_layer(widths, self.knees)
            widths.set(xlabel="layer", ylabel="effective span 2 r_com, margin knee (ms)")
            widths.legend()
            rows = self.energy.rename_axis("offset_ms", axis=1).stack().rename("energy").reset_index()
            null = self.null.rename("energy").reset_index()
            mesh = energy_maps.energy_map(energies, rows, null, self.layers, hollow=unknown, random=self._random)
            energy_maps.null_colorbar(figure, mesh, energies)
        energies.set(xlabel="time from centre (ms)", ylabel="layer")
        return figure

    @property
    def _random(self) -> pd.DataFrame | None:
        """The layers with permuted weights, as ``curves.random_curve`` takes them; None where there are none."""
        names = {"random_span_ms": "span_ms", "random_low_ms": "ci_low_ms", "random_high_ms": "ci_high_ms"}
        rows = self.layers[["layer", *names]].rename(columns=names)
        return None if rows["span_ms"].isna().all() else rows


def _interval(value: float, low: float, high: float, *, digits: int = 2) -> str:
    return findings.interval_text(value, low, high, digits=digits)


def measure_span(
    model: PreTrainedModel | Encoder | str | Path,
    audio: Sequence[np.ndarray | str | Path],
    centers: Sequence[float | Sequence[float]],
    labels: Sequence[str | Sequence[str]],
    *,
    groups: Sequence[str] | None = None,
    test: Sequence[bool] | None = None,
    probes: Mapping[str, LinearClassifier] | None = None,
    sample_rate: int = SAMPLE_RATE,
    scale_input: bool | None = None,
    cue_width_ms: float = np.nan,
    target: str = "true",
    wrt: str = "waveform",
    canvas_s: float | None = None,
    weight: gradient_energy.Weight = "none",
    power_window_ms: float = 25.0,
    random_seeds: Sequence[int] = (0,),
    window_ms: float = 500.0,
    bin_ms: float = 10.0,
    min_side_ms: float = 250.0,
    n_tokens: int = 200,
    regularisation_c: float = 0.01,
    half_widths_ms: Sequence[float] = HALF_WIDTHS_MS,
    n_knee_tokens: int = 40,
    pitch_range_hz: tuple[float, float] = (75.0, 500.0),
    loudness: str = "recording",
    n_resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> MeasuredSpans:
    """How far around the ``centers`` of someone's own segments does each layer of ``model`` look?

    ``model``: a transformers model of a family in ``encoders.families`` (with or without a head; left as found), a hub
    id, a checkpoint folder, or an ``Encoder``. ``audio``: clips, as arrays (samples,) at ``sample_rate`` or as files.
    ``centers`` (s) and ``labels``: per clip one value, or one for each of its tokens. Labels and groups are brought to
    one form (:mod:`tonespan_utils.corpus.keys`), and none may be missing.

    ``groups`` names each clip's speaker (or session); none is trained on and scored. Without them every clip is its own
    group: then speakers leak, unless ``test`` says which clips are scored. ``probes`` (layer -> classifier) are used
    as they are, on all tokens or those of ``test``. ``cue_width_ms``: how wide the cue in the signal is, if known.
    ``scale_input``: whether the model wants zero mean and unit variance; by default what its folder says, and yes for a
    bare model. Up to ``n_tokens`` scored tokens with ``min_side_ms`` of audio on both sides are measured.

    Clips are brought to one loudness as the recordings of a corpus are (``speech.level``, :mod:`corpus.level`):
    ``loudness`` is ``recording`` (each clip), ``speaker`` (each of ``groups`` as a whole) or ``none``.

    Of ``n_knee_tokens`` of them the pitch between ``pitch_range_hz`` is taken away within and beyond each of
    ``half_widths_ms``, with their level restored: the margin knee and influence. ``half_widths_ms=()`` leaves it out.

    ``weight``: ``none``, squared gradients as they are, or ``power``, times the local power of the input (a mean over
    ``power_window_ms``); the result has both in ``weights``. ``random_seeds``: of permutations of the encoder's
    weights, whose spans are the other null; each costs about what the measurement does, and ``()`` measures none.
    ``wrt``: one of ``Encoder.inputs``, as ``input_features`` for Whisper's log-Mel bands; ``canvas_s``: its canvas.

    Raises TonespanError in one line for input that does not fit together. Notebook: notebooks/04_gradient_energy
    """
    with as_encoder(model, scale_input, canvas_s=canvas_s) as encoder:
        check_lengths(len(audio), centers=centers, labels=labels, groups=groups, test=test)
        if loudness not in LOUDNESS:
            raise TonespanError(f"no loudness {loudness!r}; there are: {', '.join(LOUDNESS)}")
        corpus = loudness_of.levelled(corpus_of(audio, centers, labels, groups, sample_rate), by=loudness)
        corpus = split(corpus, test, probes_given=probes is not None, seed=seed)
        vectors = layer_probes.hidden_vectors(encoder, corpus, corpus.tokens)
        chosen = {layer: vectors[layer] for layer in (probes or encoder.layers) if _is_layer(layer, encoder)}
        trained, scores = layer_probes.of_segments(
            chosen,
            corpus.tokens,
            probes,
            regularisation_c=regularisation_c,
            n_resamples=n_resamples,
            level=level,
            seed=seed,
        )
        edges, _ = spans.offset_bins(window_ms, bin_ms)
        tokens = gradient_energy.eligible(corpus, n_tokens=n_tokens, min_side_ms=min_side_ms, seed=seed)
        how = {"target": target, "wrt": wrt, "power_window_ms": power_window_ms}
        both = gradient_energy.measure(encoder, trained, corpus, tokens, edges, **how)
        measured = both.weighted_by(weight)
        resampling = {"n_resamples": n_resamples, "level": level, "seed": seed}
        permuted = random_null.Settings(random_seeds, regularisation_c=regularisation_c, **how, **resampling)
        random = random_null.beside_segments(
            encoder, corpus, tokens, edges, permuted, layers=list(trained), weight=weight
        )
        without_pitch = {}
        if len(half_widths_ms):
            without_pitch = margin_tables.of_segments(
                encoder, trained, corpus,
                gradient_energy.eligible(corpus, n_tokens=n_knee_tokens, min_side_ms=min_side_ms, seed=seed),
                margin_tables.settings(half_widths_ms, n_knee_tokens, pitch_range_hz),
                above_chance=scores.set_index("layer")["above_chance_low"].to_dict(),
                n_resamples=n_resamples, level=level, seed=seed,
            )  # fmt: skip
    is_test = corpus.tokens["split"] == "test"
    tables = gradient_energy.tabulate({"": [measured]}, [0], edges, condition="", **resampling)
    weights = weighting.table(
        {"": [both]}, {"": gradient_energy.durations_s(tokens)}, [0], edges, condition="", reach_ms=min_side_ms,
        **resampling,
    )  # fmt: skip
    layers = scores.merge(tables["spans"].drop(columns=["condition", "language"]), on="layer")
    layers = layers.merge(random, on="layer")
    layers["knows"] = layers["above_chance_low"] > 0
    layers["note"] = [
        findings.why_no_span(
            Interval(row.span_ms, row.ci_low_ms, row.ci_high_ms),
            row.null_span_ms,
            above_chance_low=row.above_chance_low,
        )
        for row in layers.itertuples()
    ]
    energy = tables["energy"].pivot(index="layer", columns="offset_ms", values="energy").loc[layers["layer"]]
    return MeasuredSpans(
        model=encoder.name,
        layers=layers.rename(columns={"f1": "macro_f1"}).drop(columns="above_chance_low"),
        weights=weights.drop(columns=["condition", "language"]),
        radii=tables["radii"].drop(columns=["condition", "language"]),
        energy=energy,
        null=tables["energy_null"].set_index("offset_ms")["energy"],
        signatures=quality_flags.of_layers(layers, cue_width_ms=cue_width_ms),
        probes=trained,
        n_train=0 if probes is not None else int((~is_test).sum()),
        n_test=int(is_test.sum()),
        level=level,
        n_short=int((sides.shortest_ms(corpus, corpus.tokens[is_test]) < min_side_ms).sum()),
        **without_pitch,
    )


def _is_layer(layer: str, encoder: Encoder) -> bool:
    if layer not in encoder.layers:
        raise TonespanError(f"a probe is given for layer {layer!r}; the encoder's are {', '.join(encoder.layers)}")
    return True
