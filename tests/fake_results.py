"""A results folder made of dice: every table that notebook 05 reads, with known effects planted per condition.

Target ASR looks as wide as the cue and reads tone best; Mandarin ASR comes next; English ASR changes nothing;
emotion, gender and speaker look far and lose tone; shuffled controls are vanilla. Nothing here is a result.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import yaml

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.instrument import spans, token_energy
from tonespan_utils.instrument.gradient_energy import Measured
from tonespan_utils.paper.explorer import clips
from tonespan_utils.params import conditions, roles, tables
from tonespan_utils.params import profile as params
from tonespan_utils.params.conditions import Condition
from tonespan_utils.study import claims, comparison, questions, token_values
from tonespan_utils.study.measured import relative_depth

TONAL = ["my", "th", "lo", "vi"]
CUES_MS = {"my": 100.0, "th": 100.0, "lo": 180.0, "vi": 180.0}
LAYERS = ["cnn", "0", "1", "2", "3", "4"]
ACCURACY = {"target_asr": 0.95, "mandarin_asr": 0.8, "emotion": 0.35, "gender": 0.35, "speaker": 0.35}  # else vanilla's
VANILLA_ACCURACY = 0.7
OFF_CUE_MS = {"target_asr": 5, "mandarin_asr": 40, "emotion": 160, "gender": 140, "speaker": 150}
VANILLA_OFF_CUE_MS = 90
TONES = np.array(["high", "low", "mid"])
DEMO = [
    "vanilla", *(f"asr-{la}" for la in (*TONAL, "cmn", "en")), "emotion", "gender", "speaker",
    *(f"shuffled_asr-{la}" for la in TONAL), "shuffled_emotion",
    *(f"{task}-{la}" for task in ("tone", "asr_tone", "emotion_tone") for la in TONAL),
]  # fmt: skip


def profile(
    tmp_path, tasks=DEMO, *, backbones=("mini",), n_resamples=60, tonal=TONAL, other=("cmn", "en"), folders=None
) -> str:
    """The path of a profile with these conditions; tables and figures go under ``params.OUTPUT_ROOT``.

    ``folders`` of recordings, language -> path, in place of synthetic speech.
    """
    recorded = {"source": "recordings", "folders": folders} if folders else {}
    tree = {
        "profile": "fake",
        "speech": {"tonal": list(tonal), "other": list(other)} | recorded,
        "encoders": {backbone: {"checkpoint": "models/mini", "revision": None} for backbone in backbones},
        "conditions": [f"{backbone}/{task}" for backbone in backbones for task in tasks],
        "bootstrap": {"n_resamples": n_resamples},
    }
    path = tmp_path / "fake.yaml"
    path.write_text(yaml.safe_dump(tree))
    return str(path)


def tokens(language: str, *, n_utterances: int = 24, per_utterance: int = 6) -> pd.DataFrame:
    """Test tokens of four speakers."""
    rng = np.random.default_rng([*map(ord, language)])
    n = n_utterances * per_utterance
    utterance = np.repeat(np.arange(n_utterances), per_utterance)
    columns = dict.fromkeys(tables.COLUMNS["tokens"], "") | {"start_s": 0.4, "end_s": 0.6, "center_s": 0.5}
    return pd.DataFrame(columns | {"align_score": 1.0, "language": language, "split": "test"}, index=range(n)).assign(
        token_id=[f"{language}{u}_{i}" for i, u in enumerate(utterance)],
        utterance_id=[f"{language}{u}" for u in utterance],
        sentence_id=[str(u) for u in utterance],
        speaker=[f"s{u % 4}" for u in utterance],
        tone=rng.choice(TONES, n),
    )


def predictions(condition: Condition, test_tokens: pd.DataFrame, *, seeds=(0, 1)) -> pd.DataFrame:
    """Probe predictions: right more often in higher layers, as ACCURACY has it at the top."""
    language, parts = test_tokens["language"].iloc[0], []
    best = ACCURACY.get(roles.role_of(condition, language), VANILLA_ACCURACY)
    rng = np.random.default_rng([*map(ord, condition.name + language)])
    for seed in seeds:
        for layer, depth in zip(LAYERS, relative_depth(LAYERS), strict=True):
            right = rng.random(len(test_tokens)) < 1 / 3 + (best - 1 / 3) * max(depth, 0)
            predicted = np.where(right, test_tokens["tone"], rng.choice(TONES, len(test_tokens)))
            keys = test_tokens[["language", "token_id", "utterance_id", "tone"]]
            parts.append(keys.assign(condition=condition.name, seed=seed, layer=layer, predicted=predicted))
    return pd.concat(parts, ignore_index=True)[tables.COLUMNS["predictions"]]


def token_spans(condition: Condition, test_tokens: pd.DataFrame, *, seeds=(0, 1)) -> pd.DataFrame:
    """Spans that near the cue width, off by OFF_CUE_MS, as layers rise; half of the tokens."""
    language, parts = test_tokens["language"].iloc[0], []
    off_ms = OFF_CUE_MS.get(roles.role_of(condition, language), VANILLA_OFF_CUE_MS)
    rng = np.random.default_rng([*map(ord, condition.name + language)])
    half = test_tokens.iloc[::2]
    for seed in seeds:
        for layer, depth in zip(LAYERS, relative_depth(LAYERS), strict=True):
            span_ms = CUES_MS.get(language, 100) + off_ms + 60 * (1 - max(depth, 0)) + rng.normal(0, 15, len(half))
            keys = half[["language", "token_id", "utterance_id"]]
            parts.append(keys.assign(condition=condition.name, seed=seed, layer=layer, r_com_ms=span_ms / 2))
    return pd.concat(parts, ignore_index=True)[tables.COLUMNS["token_spans"]]


def write(p: params.Params) -> None:
    """Every part and table that notebook 05 reads, for all conditions of ``p``."""
    by_language = {language: tokens(language) for language in p.speech.tonal}
    tables.write(p.results, "tokens", pd.concat(by_language.values(), ignore_index=True))
    _write_signal_tables(p)
    for condition in map(conditions.parse, p.conditions):
        languages = conditions.measured_languages(condition, p.speech.tonal)
        for part in tables.trained_parts(p, [condition]):
            _write_trained(p, condition, by_language, part=part, seed=int(part.rpartition("seed")[2]))
        if not condition.is_measured:
            continue
        probed = pd.concat([predictions(condition, by_language[la]) for la in languages])
        radii = pd.concat([token_spans(condition, by_language[la]) for la in languages])
        tables.write(p.results, "predictions", probed, part=condition.name)
        tables.write(p.results, "token_spans", radii, part=condition.name)
        _write_token_energy(p, condition, radii)
        _write_layer_tables(p, condition, {language: by_language[language] for language in languages})
    for language, rows in by_language.items():
        left_out = rows[["language", "token_id", "utterance_id"]].head(1).assign(reason="creak")
        tables.write(p.results, "knee_left_out", left_out, part=language)
    write_clips(p, pd.concat(by_language.values(), ignore_index=True))
    for encoder in tables.encoders(p):
        tables.write(p.results, "random_spans", random_spans(encoder, p.speech.tonal), part=encoder)


def random_spans(encoder: str, languages: list[str]) -> pd.DataFrame:
    """Permuted weights look as far in every layer, 200 ms, and know nothing."""
    rows = [
        (encoder, la, layer, depth, weight, 200.0, 180.0, 220.0, 450.0)
        for la in languages for layer, depth in zip(LAYERS, relative_depth(LAYERS), strict=True)
        for weight in ("none", "power")
    ]  # fmt: skip
    score = {"f1": 0.3, "f1_low": 0.2, "f1_high": 0.4, "chance_f1": 0.33, "above_chance_low": -0.1}
    counts = {"n_tokens": 40, "n_test": 72, "n_seeds": 2}
    return pd.DataFrame(rows, columns=tables.COLUMNS["random_spans"][:9]).assign(**score, **counts)


def _write_token_energy(p: params.Params, condition: Condition, radii: pd.DataFrame) -> None:
    """Rough two-sided exponentials with the tokens' radii as constants; confidence falls from token to token."""
    edges, offsets = spans.offset_bins(p.gradient.window_ms, p.gradient.bin_ms)
    measured, rng = {}, np.random.default_rng(0)
    for language, rows in radii.groupby("language", sort=False):
        names = rows["token_id"].unique()
        by_seed = [
            of_seed.pivot(index="token_id", columns="layer", values="r_com_ms") for _, of_seed in rows.groupby("seed")
        ]
        wide = [table.loc[names, LAYERS].clip(lower=10) for table in by_seed]
        rough = rng.normal(0, 0.7, (len(names), offsets.size))
        sure = np.linspace(0.98, 0.3, len(names))[:, None] * np.linspace(0.6, 1, len(LAYERS))
        measured[language] = [
            measured_as({layer: np.exp(rough - np.abs(offsets) / table[[layer]].to_numpy()) for layer in LAYERS},
                        names, dict(zip(LAYERS, sure.T, strict=True)))
            for table in wide
        ]  # fmt: skip
    token_energy.save(p.results, condition.name, measured, [0, 1], edges)


def measured_as(energy: dict[str, np.ndarray], names: np.ndarray, confidence: dict[str, np.ndarray]) -> Measured:
    """Energy of tokens that are utterances of their own, in speech that is as loud everywhere."""
    even = np.ones_like(next(iter(energy.values())))
    return Measured(energy, even / even.shape[1], names, names, confidence, energy, even)


def write_clips(p: params.Params, tokens: pd.DataFrame) -> None:
    """Clips of the measured tokens: harmonic glides in noise, the same eight over and over."""
    time_s = np.arange(round(1.1 * SAMPLE_RATE)) / SAMPLE_RATE
    rng = np.random.default_rng(0)
    made = []
    for number in range(8):
        phase = 2 * np.pi * np.cumsum(120 + 10 * number + 30 * np.tanh(20 * (time_s - 0.5))) / SAMPLE_RATE
        voice = sum(np.sin(n * phase) / n for n in range(1, 20)) * np.exp(-(((time_s - 0.5) / 0.2) ** 2))
        samples = (0.2 * voice + 0.002 * rng.standard_normal(time_s.size)).astype(np.float32)
        made.append(clips.of_utterance(samples, [0.5], [str(number)], p))
    measured = [name for name in p.conditions if conditions.parse(name).is_measured]
    by_language = {la: energy for c in reversed(measured) for la, energy in token_energy.load(p.results, c).items()}
    names = [name for la in p.speech.tonal for name in by_language[la].token_ids]
    of_tokens = clips.join(made).take([number % 8 for number in range(len(names))])
    stored = dataclasses.replace(of_tokens, token_ids=np.array(names))
    clips.save(p.results / "clips.npz", stored, p, tokens.set_index("token_id").loc[names].reset_index())


def _write_trained(
    p: params.Params, condition: Condition, by_language: dict[str, pd.DataFrame], *, part: str, seed: int
) -> None:
    scores = _scores(condition).query("seed == @seed")
    curve = pd.DataFrame({"condition": condition.name, "seed": seed, "step": [10, 20], "loss": [2.0, 1.0]})
    tables.write(p.results, "finetune", scores, part=part)
    tables.write(p.results, "finetune_curves", curve, part=part)
    if not condition.is_measured:
        predicted = predictions(condition, by_language[condition.language]).query("layer == '4' and seed == @seed")
        tables.write(p.results, "tone_predictions", predicted.drop(columns="layer"), part=part)


def _write_signal_tables(p: params.Params) -> None:
    rejected = pd.DataFrame(columns=tables.COLUMNS["rejected"])
    f0 = [
        (la, tone, at, level, level - 1, level + 1, 9)
        for la in p.speech.tonal for level, tone in enumerate(TONES) for at in (-50.0, 0.0, 50.0)
    ]  # fmt: skip
    front = p.baseline.frontends[0]
    f1 = [(la, front, w, fold, 0.4 + 0.01 * fold) for la in p.speech.tonal for w in (20.0, 100.0) for fold in (0, 1)]
    cue = {la: CUES_MS.get(la, 100.0) for la in p.speech.tonal}
    spans = [(la, front, ms, ms - 10, ms + 10, 0.6, 0.33) for la, ms in cue.items()]
    windows = [(la, front, ms + 12.5, ms + 25, ms, 25.0, ms) for la, ms in cue.items()]
    notes = [(la, front, 144, 0.55, 0.65, 0.4, "") for la in cue]
    rows = {"f0": f0, "baseline_f1": f1, "baseline_spans": spans, "baseline_notes": notes, "baseline_windows": windows}
    for name, table in {"rejected": rejected, **rows}.items():
        tables.write(p.results, name, pd.DataFrame(table, columns=tables.COLUMNS[name]))


def _scores(condition: Condition) -> pd.DataFrame:
    metric = {"asr": "cer", "gender": "accuracy", "speaker": "eer"}.get(condition.objective, "macro_f1")
    null = 0.5 if condition.is_shuffled else 0.9 if metric in ("cer", "eer") else 0.2
    values = {
        metric: 0.5,
        f"{metric}_ci_low": 0.45,
        f"{metric}_ci_high": 0.56,
        f"{metric}_null": null,
        "train_loss": 1.0,
    }
    keys = {name: getattr(condition, name) for name in ("backbone", "task", "language")} | {"steps": 100}
    rows = [
        keys | {"condition": condition.name, "metric": name, "value": value + 0.02 * seed, "seed": seed}
        for seed in (0, 1) for name, value in values.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _write_layer_tables(p: params.Params, condition: Condition, languages: dict[str, pd.DataFrame]) -> None:
    offsets = np.arange(-495.0, 500, 10)
    layers = pd.DataFrame([(condition.name, la, layer) for la in languages for layer in LAYERS],
                          columns=["condition", "language", "layer"])  # fmt: skip
    probe = {"macro_f1": 0.5, "control_f1": 0.36, "ci_low": 0.4, "ci_high": 0.6, "n_train": 99, "n_test": 72}
    bounds = {"ci_low_ms": 150.0, "ci_high_ms": 170.0}
    span = {"r_com_ms": 80.0, "span_ms": 160.0, "r50_ms": 60.0, "r90_ms": 200.0, "null_span_ms": 450.0, "n_tokens": 36}
    radius = {"measure": "span", "value_ms": 160.0, "null_ms": 450.0}
    bell = np.exp(-np.abs(offsets) / 80)
    energy = layers.merge(pd.DataFrame({"offset_ms": offsets, "energy": bell / bell.sum()}), how="cross")
    flat = layers[["condition", "language"]].drop_duplicates()
    seeded = pd.concat([layers.assign(seed=seed) for seed in (0, 1)])
    identity = {"condition": condition.name, "encoder": condition.backbone, "checkpoint": "x", "identity": "sha256:0"}
    stored = {
        "probe_f1": seeded.assign(**probe),
        "probe_chance": seeded.assign(chance_f1=0.33),
        "spans": layers.assign(**span, **bounds),
        "radii": layers.assign(**radius, **bounds),
        "span_weights": span_weights(layers),
        "energy": energy,
        "energy_null": flat.merge(pd.DataFrame({"offset_ms": offsets, "energy": 1 / offsets.size}), how="cross"),
        "encoders": pd.DataFrame([identity | {"n_layers": 4, "seed": 0}]),
        **_margins(seeded, languages),
    }
    for name, table in stored.items():
        tables.write(p.results, name, table, part=condition.name)


def _margins(seeded: pd.DataFrame, languages: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables of margins: a knee at the cue in every layer but ``cnn``, which has none; of two tokens a language."""
    encoder = seeded["condition"].iloc[0].partition("/")[0]
    cue_ms = seeded["language"].map(lambda language: CUES_MS.get(language, 100.0))
    knee_ms = cue_ms.where(seeded["layer"] != "cnn")
    note = np.where(seeded["layer"] == "cnn", "F1 not above chance", "")
    knee = {"encoder": encoder, "knee_ms": knee_ms, "ci_low_ms": knee_ms - 9, "ci_high_ms": knee_ms + 9, "n_tokens": 24}
    widths = pd.DataFrame({"half_width_ms": [0.0, 30.0, 60.0, 90.0, 120.0], "gain": [0.0, 1.2, 2.4, 2.9, 3.0]})
    keep = seeded.merge(widths, how="cross")
    sides = {"keep": keep["gain"], "flatten": 3 - keep["gain"]}
    curves = pd.concat([keep.assign(curve=name, margin=value) for name, value in sides.items()])
    beyond = keep[keep["half_width_ms"] > 0].assign(influence=0.1)
    two = pd.concat([rows[["language", "token_id"]].iloc[[0, 12]] for rows in languages.values()])
    return {
        "margin_knee": seeded.assign(**knee, note=note),
        "margin_curves": curves.assign(ci_low=curves["margin"] - 0.2, ci_high=curves["margin"] + 0.2).drop(
            columns="gain"
        ),
        "influence": beyond.assign(ci_low=0.05, ci_high=0.15, n_tokens=24).drop(columns="gain"),
        "influence_tokens": beyond.merge(two).assign(encoder=encoder).drop(columns="gain"),
    }


def span_weights(layers: pd.DataFrame) -> pd.DataFrame:
    """Energy goes as power to the -0.6, and as duration; weighted, hardly as either. None at ``cnn``: few bins."""
    plain = {"weight": "none", "span_ms": 160.0, "exponent": -0.6, "duration_rho": -0.4}
    weighted = {"weight": "power", "span_ms": 80.0, "exponent": 0.35, "duration_rho": -0.05}
    counted = {"null_span_ms": 450.0, "n_tokens": 36}
    table = pd.concat([layers.assign(**plain, **counted), layers.assign(**weighted, **counted)], ignore_index=True)
    table.loc[table["layer"] == "cnn", "exponent"] = np.nan
    for name, low, high, reach in (
        ("span_ms", "ci_low_ms", "ci_high_ms", 10), ("exponent", "exponent_low", "exponent_high", 0.05),
        ("duration_rho", "duration_rho_low", "duration_rho_high", 0.2),
    ):  # fmt: skip
        table[low], table[high] = table[name] - reach, table[name] + reach
    return table


@dataclasses.dataclass(frozen=True)
class MadeUp:
    """A made-up study: what was measured, token by token too, and the cue widths."""

    study: comparison.Study
    values: token_values.Study
    predictions: pd.DataFrame
    cues: pd.DataFrame

    def check(self, languages, *, synthetic=False, not_learned=None) -> pd.DataFrame:
        """The table ``claims`` of it."""
        cues_ms = self.cues.set_index("language")["span_ms"]
        posed = questions.ask(self.study, self.values, cues_ms, languages, not_learned=not_learned or {}, params=CLAIMS)
        return claims.check(posed, self.cues, languages, speech="made-up speech", synthetic=synthetic, level=0.9)


CLAIMS = params.load("smoke").claims


def make_study(tasks, *, languages=("th",), cues=None):
    """Conditions of one encoder, measured on made-up tokens with the effects that fake_results plants."""
    by_language = {language: tokens(language) for language in languages}
    parsed = [conditions.parse(f"mini/{task}") for task in tasks]
    pairs = [(c, la) for c in parsed for la in conditions.measured_languages(c, languages)]
    probed = pd.concat([predictions(c, by_language[la]) for c, la in pairs])
    spans = pd.concat([token_spans(c, by_language[la]) for c, la in pairs])
    if cues is None:
        cues = pd.DataFrame(
            [(la, CUES_MS[la], CUES_MS[la] - 10, CUES_MS[la] + 10) for la in languages],
            columns=["language", "span_ms", "span_low_ms", "span_high_ms"],
        )
    measured = comparison.study(probed, spans, pd.concat(by_language.values()), CUES_MS, n_resamples=100, seed=1)
    return MadeUp(measured, token_values.collect(probed, spans, CUES_MS), probed, cues)
