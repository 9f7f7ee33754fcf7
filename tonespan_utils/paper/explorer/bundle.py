"""Everything the explorer shows, as one JSON header and one block of bytes: read by ``js/bundle.js``.

Conventions of the bytes: arrays one after the other at multiples of eight, little endian, then gzip. Energy of single
tokens is uint8, a share of ``2 ** ((value - 255) / STEPS_PER_OCTAVE)``: within 1.8 % of what was stored, and 0 for
less than 1.5e-4 of the whole. It is drawn, never measured: every number that is shown travels as float32 from the
tables or from the stored float16 shares. Tokens under several seeds of training are means over them, as in ``spans``.

Notebook: notebooks/explorer
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import librosa
import matplotlib
import numpy as np
import pandas as pd

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import spans, token_energy
from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.explorer import clips as clip_store
from tonespan_utils.paper.explorer import fonts, pooled
from tonespan_utils.paper.explorer.clips import Clips
from tonespan_utils.params import conditions, profile, roles, tables
from tonespan_utils.params.profile import Params

VERSION = 2
STEPS_PER_OCTAVE = 20
ALIGN = 8


@dataclass
class Bundle:
    """A header and the arrays it names; ``packed()`` gives the bytes."""

    header: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def packed(self) -> tuple[dict[str, Any], bytes]:
        """The header, which then says where each array lies, and the compressed bytes."""
        places, parts, at = {}, [], 0
        for name, array in self.arrays.items():
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            places[name] = {"type": little.dtype.name, "shape": list(array.shape), "at": at}
            parts += [little.tobytes(), bytes(-little.nbytes % ALIGN)]
            at += little.nbytes + -little.nbytes % ALIGN
        return self.header | {"arrays": places}, gzip.compress(b"".join(parts), compresslevel=6, mtime=0)


def build(params: Params, *, n_tokens: int | None = None) -> Bundle:
    """The bundle of a finished run: all measured tokens, or about ``n_tokens``, as many of each language and tone.

    Raises TonespanError naming the first table or file that is missing or of another version.
    Notebook: notebooks/explorer
    """
    measured = [condition for condition in map(conditions.parse, params.conditions) if condition.is_measured]
    energy = {condition.name: token_energy.load(params.results, condition.name) for condition in measured}
    loaded = {name: tables.read(params.results, name) for name in _TABLES}
    tokens = loaded["tokens"].set_index("token_id")
    kept, everything = {}, []
    for language in params.speech.tonal:
        names = _common(energy, language, tokens.index)
        everything += names
        share = None if n_tokens is None else max(1, n_tokens // len(params.speech.tonal))
        kept[language] = _drawn(tokens.loc[names], share, seed=params.seed)
    clips = clip_store.stored(params, tokens.loc[everything].reset_index())
    row = {name: number for number, name in enumerate(everything)}
    shown = [name for names in kept.values() for name in names]
    bundle = Bundle(_about(params, loaded, kept, n_measured=len(everything)))
    bundle.header["fonts"] = fonts.covering(_letters(tokens.loc[everything]))
    bundle.arrays |= colormaps()
    add_clips(bundle, clips.take([row[name] for name in shown]), tokens.loc[shown], loaded["tokens"], params)
    for condition in measured:
        radii = tables.read_parts(params.results, "token_spans", parts=[condition.name])
        for language in conditions.measured_languages(condition, params.speech.tonal):
            measured_energy = energy[condition.name][language]
            add_block(bundle, condition.name, language, *_of_tokens(measured_energy, radii, language, kept[language]))
            layers, weight = measured_energy.layers, params.gradient.weight
            arrays, why_not = pooled.of_condition(loaded, condition.name, language, layers, weight=weight)
            number = len(bundle.header["blocks"]) - 1
            bundle.arrays |= {f"{number}.{name}": array for name, array in arrays.items()}
            bundle.header["blocks"][number] |= why_not
    return bundle


_TABLES = ("tokens", "baseline_spans", "baseline_notes", "baseline_windows", "random_spans", *pooled.OF_CONDITIONS)


def _letters(tokens: pd.DataFrame) -> set[str]:
    """Every letter of the labels that the explorer shows of them."""
    return {letter for name in ("syllable", "ipa", "tone", "speaker") for letter in "".join(map(str, tokens[name]))}


def add_clips(bundle: Bundle, clips: Clips, shown: pd.DataFrame, tokens: pd.DataFrame, params: Params) -> None:
    """Put sound, outline, spectrogram and F0 of the rows of ``shown`` (index token_id) into a bundle, and their labels.

    ``tokens`` names the syllables around them.
    """
    bundle.arrays |= {"outline": clips.outline, "mel": clips.mel, "f0": clips.f0, "sound": clips.sound}
    by_utterance = dict(list(tokens.groupby("utterance_id", sort=False)))
    starts = [0, *clips.sound_end[:-1].tolist()]
    columns = ("language", "tone", "syllable", "ipa", "speaker", "utterance_id")
    for number, (name, token) in enumerate(shown.iterrows()):
        around = by_utterance.get(token["utterance_id"], tokens.iloc[:0])
        bundle.header["tokens"].append(
            {"id": name, **{column: str(token[column]) for column in columns}}
            | {"side_ms": np.round(clips.side_ms[number], 1).tolist()}
            | {"sound": [starts[number], int(clips.sound_end[number])]}
            | {"syllables": _syllables(around, token, params.gradient.window_ms)}
        )


def add_block(
    bundle: Bundle, condition: str, language: str, layers: Sequence[str], arrays: dict[str, np.ndarray]
) -> None:
    """Put one condition in one language into a bundle: ``share`` (token, layer, bin) and ``r_com``, ``r90``,
    ``confidence`` (token, layer), tokens as in the header.
    """
    number = len(bundle.header["blocks"])
    label = roles.label_of(conditions.parse(condition), language)
    bundle.header["blocks"].append(
        {"condition": condition, "language": language, "label": label, "layers": list(layers)}
    )
    bundle.arrays[f"{number}.energy"] = quantised(arrays["share"])
    for name in ("r_com", "r90", "confidence"):
        bundle.arrays[f"{number}.{name}"] = arrays[name].astype(np.float32)


def quantised(share: np.ndarray) -> np.ndarray:
    """Energy shares as uint8, see above; nan becomes 0."""
    with np.errstate(divide="ignore"):
        octaves = np.log2(np.nan_to_num(share.astype(np.float64)))
    return np.clip(np.round(255 + STEPS_PER_OCTAVE * octaves), 0, 255).astype(np.uint8)


def common_header(params: Params) -> dict[str, Any]:
    """What every bundle says about itself."""
    mel = librosa.mel_frequencies(n_mels=clip_store.N_BANDS + 2, fmin=50, fmax=SAMPLE_RATE / 2)[1:-1]
    return {
        "version": VERSION,
        "window_ms": params.gradient.window_ms,
        "bin_ms": params.gradient.bin_ms,
        "steps_per_octave": STEPS_PER_OCTAVE,
        "outline_ms": clip_store.OUTLINE_MS,
        "hop_ms": clip_store.HOP_MS,
        "band_hz": np.round(mel, 1).tolist(),
        "tokens": [],
        "blocks": [],
    }


def _about(params: Params, loaded: dict[str, pd.DataFrame], kept: dict, *, n_measured: int) -> dict[str, Any]:
    cues = tables.select(loaded["baseline_spans"], frontend=params.baseline.frontends[0]).set_index("language")
    notes = tables.select(loaded["baseline_notes"], frontend=params.baseline.frontends[0])
    notes = notes.set_index("language")["reason"]
    planted = loaded["baseline_windows"].drop_duplicates("language").set_index("language")["planted_span_ms"]
    languages = [
        {
            "code": language,
            "name": LANGUAGE_NAMES[language],
            "tones": sorted({*loaded["tokens"].query("language == @language")["tone"]}),
            "cue_ms": _numbers(cues.loc[language, ["span_ms", "span_low_ms", "span_high_ms"]]),
            "no_cue": str(notes.get(language, "")),
            "planted_ms": None if pd.isna(planted[language]) else float(planted[language]),
        }
        for language in params.speech.tonal
    ]
    return common_header(params) | {
        "profile": params.profile,
        "speech": profile.describe_speech(params),
        "synthetic": params.speech.source == "synthetic",
        "target": params.gradient.target,
        "input": params.gradient.wrt,
        "level": params.bootstrap.level,
        "n_measured": n_measured,
        "n_shown": sum(map(len, kept.values())),
        "half_widths_ms": pooled.half_widths_ms(loaded),
        "languages": languages,
    }


def _numbers(values: pd.Series) -> list[float | None]:
    """As JSON has them: what is unknown is null, for nan ends the page's script."""
    return [None if pd.isna(value) else float(value) for value in values]


def _common(energy: dict[str, dict[str, token_energy.TokenEnergy]], language: str, stored: pd.Index) -> list[str]:
    """The tokens every condition measured in a language. Raises TonespanError where one measured others."""
    names: list[str] | None = None
    for condition, by_language in energy.items():
        if language not in by_language:
            continue
        measured = by_language[language].token_ids
        names = measured if names is None else names
        if sorted(measured) != sorted(names) or not set(measured) <= set(stored):
            raise TonespanError(f"{condition} measured other {language} tokens than the rest; run `make paper` again")
    if names is None:
        raise TonespanError(f"no condition was measured in {language}; add a vanilla condition and run `make paper`")
    return names


def _drawn(tokens: pd.DataFrame, n: int | None, *, seed: int) -> list[str]:
    """Names of ``n`` tokens, drawn at random and as evenly over tones as they last; in the order of the corpus."""
    if n is None or n >= len(tokens):
        return tokens.index.sort_values().tolist()
    mixed = tokens.sample(frac=1, random_state=seed)
    turn = mixed.groupby("tone", sort=True).cumcount()
    return mixed.assign(turn=turn).sort_values(["turn", "tone"]).index[:n].sort_values().tolist()


def _of_tokens(
    energy: token_energy.TokenEnergy, radii: pd.DataFrame, language: str, names: list[str]
) -> tuple[list[str], dict[str, np.ndarray]]:
    rows = [energy.token_ids.index(name) for name in names]
    share = energy.share[:, rows].astype(np.float64).mean(axis=0)
    of_language = radii[radii["language"] == language]
    r_com = of_language.pivot_table(index="token_id", columns="layer", values="r_com_ms", aggfunc="mean", dropna=False)
    return energy.layers, {
        "share": share,
        "r_com": r_com.loc[names, energy.layers].to_numpy(),
        "r90": spans.energy_radius(share, energy.edges_ms, fraction=0.9),
        "confidence": energy.confidence[:, rows].mean(axis=0),
    }


def _syllables(around: pd.DataFrame, token: pd.Series, window_ms: float) -> list[list[Any]]:
    """Start and end in ms from the centre, syllable, its IPA and tone of all that lies in the window."""
    syllables = []
    for other in around.itertuples():
        start, end = (1000 * (at - token["center_s"]) for at in (other.start_s, other.end_s))
        if end > -window_ms and start < window_ms:
            syllables.append([round(start, 1), round(end, 1), other.syllable, other.ipa, other.tone])
    return syllables


def colormaps() -> dict[str, np.ndarray]:
    """Colour tables, uint8 (256, 3), perceptually even, and alike to colour-blind eyes: ``viridis`` for energy, and
    ``diverging`` for differences, from red (more under B) over white to blue (more under A).
    """
    grid = np.linspace(0, 1, 256)
    chosen = {"viridis": "viridis", "diverging": "RdBu"}
    return {name: np.round(255 * matplotlib.colormaps[of](grid)[:, :3]).astype(np.uint8) for name, of in chosen.items()}
