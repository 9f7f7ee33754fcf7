# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags
#     formats: ipynb,py:percent
#     notebook_metadata_filter: kernelspec,jupytext
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 6a. One planted span
#
# Speech is made in which the tone lives within a known width around the centre, and everything that claims to measure such a width is
# asked for it: the signal itself, through several front ends, and the encoder, as it is and after learning to recognise this very
# speech, through several estimators. Only the width of the tone contour differs between the runs of this notebook: sentences, voices and
# every random draw are shared. What the answers are worth is told in notebook 06.
#
# The speech is synthetic. It is no evidence about the language whose script it is written in.

# %% tags=["parameters"]
params_path = "demo"
span_ms = "140"

# %%
import pandas as pd

from tonespan_utils.corpus import sources
from tonespan_utils.encoders import checkpoints
from tonespan_utils.finetune import conditions
from tonespan_utils.instrument import behaviour, cue_width, front_ends, gradient_energy, probes, spans
from tonespan_utils.params import profile, tables
from tonespan_utils.statistics import splits
from tonespan_utils.study import calibration

p = profile.load(params_path)
v, true_ms = p.validity, float(span_ms)
own = calibration.planted(p, true_ms)
sources.prepare(own)
corpus = sources.load(own, v.language)
drawing = {"n_resamples": p.bootstrap.n_resamples, "seed": v.seed}
interval = drawing | {"level": p.bootstrap.level}
draws, scores = [], []

# %% [markdown]
# ## In the signal
#
# The cue width of notebook 01: log-Mel windows for every planted span; for some of them also MFCCs, linear bands and F0 alone, with two
# kinds of analysis window (Praat's pitch tracker has its own).

# %%
plain = ("logmel", "hann")
asked = [(frontend, shape) for frontend in ("logmel", "mfcc", "linear") for shape in v.analysis_windows] + [
    ("f0", "praat")
]
asked = asked if true_ms in v.robust_span_ms else [plain]
for frontend, shape in asked:
    swept = calibration.baseline_sweep(own, corpus, frontend=frontend, shape=shape)
    frame_ms = front_ends.frame_width_ms(frontend, analysis_window_ms=v.analysis_windows.get(shape, 0.0))
    widths = cue_width.span_resamples(swept, analysis_window_ms=frame_ms, **drawing)
    name = "acoustic" if (frontend, shape) == plain else f"acoustic_{frontend}_{shape}"
    draws.append(calibration.as_draws(name, "signal", "", true_ms, widths, len(corpus.tokens)))
    best = swept.predicted[cue_width.pooled_f1(swept).argmax()]
    scores.append(
        ({"condition": "signal", "layer": "", "metric": f"f1_{frontend}_{shape}"}, swept.tone, best, swept.utterance)
    )

# %% [markdown]
# What the sounds alone say about the tone, and what the commonest tone alone does: the floors under every F1 above.

# %%
tone, utterance = (corpus.tokens[column].to_numpy(dtype=str) for column in ("tone", "utterance_id"))
sounds = cue_width.segment_features(corpus.tokens)
floors = {
    "f1_segments": calibration.held_out(own, corpus, sounds),
    "f1_majority": cue_width.majority(corpus.tokens, n_folds=p.baseline.n_folds, seed=v.seed),
}
scores += [
    ({"condition": "signal", "layer": "", "metric": name}, tone, found, utterance) for name, found in floors.items()
]

# %% [markdown]
# ## In the encoder
#
# As it is, and after speech recognition on this corpus: the transcript carries the tone, so recognition has to find it. For one span
# also with a penalty on looking far. Probes read the tone of every layer; their gradients are squared and binned as in notebook 04.

# %%
edges, _ = spans.offset_bins(p.gradient.window_ms, p.gradient.bin_ms)
tokens = gradient_energy.eligible(corpus, n_tokens=v.n_tokens, min_side_ms=p.gradient.min_side_ms, seed=v.seed)
named = calibration.conditions_of(own, narrow=true_ms == v.sanity_span_ms)
loaded, trained, seed = {}, [], own.finetune.seeds[0]
for task, condition in named.items():
    if task != "vanilla":
        trained.append(conditions.run(own, condition, seed=seed).scores.assign(task=task))
    encoder = checkpoints.load_condition(own, condition, seed=seed)
    results = calibration.probe_layers(own, encoder, corpus, corpus.tokens)
    known = {layer: result.probe for layer, result in results.items()}
    probes.save_probes(known, probes.path(own.results, condition, v.language, seed=seed))
    loaded[task], rows = (encoder, known), corpus.tokens.iloc[splits.train_test(corpus.tokens)[1]]
    truth, utterance = (rows[column].to_numpy(dtype=str) for column in ("tone", "utterance_id"))
    about = {"condition": task, "metric": "f1_probe"}
    scores += [(about | {"layer": layer}, truth, result.predicted, utterance) for layer, result in results.items()]
    measured = gradient_energy.measure(
        encoder, known, corpus, tokens, edges, target=p.gradient.target, wrt=p.gradient.wrt
    )
    for layer, energy in measured.energy.items():
        for measure, widths in calibration.energy_draws(energy, measured.utterances, edges, **drawing).items():
            name = "gradient" if measure == "r_com" else f"gradient_{measure}"
            draws.append(calibration.as_draws(name, task, layer, true_ms, widths, len(tokens)))

# %% [markdown]
# ## Other ways to ask the same
#
# Of the top layer after speech recognition, with fewer tokens for those that ask the encoder hundreds of times: attributions and
# occlusion, whose energy is read like the gradient's, and two that change the speech beyond a width and watch the probe's F1, for which
# the width is where F1 has come 95 % of the way from chance to that of the untouched speech.

# %%
encoder, known = loaded["asr"]
top = encoder.layers[-1]
few = gradient_energy.eligible(corpus, n_tokens=v.n_slow_tokens, min_side_ms=p.gradient.min_side_ms, seed=v.seed)
for name in v.energy_estimators:
    energy = calibration.slow_energy(name, encoder, {top: known[top]}, corpus, few, edges)[top]
    utterances = gradient_energy.by_utterance(few)["utterance_id"].to_numpy()
    widths = calibration.energy_draws(energy, utterances, edges, **drawing)["r_com"]
    draws.append(calibration.as_draws(name, "asr", top, true_ms, widths, len(few)))

# %%
many = gradient_energy.eligible(corpus, n_tokens=v.n_behaviour_tokens, min_side_ms=p.gradient.min_side_ms, seed=v.seed)
for name in v.behavioural_estimators:
    curve = behaviour.f1_by_width(name, encoder, {top: known[top]}, corpus, many, v.half_widths_ms, **drawing)
    for (_, layer), widths in behaviour.saturation_draws(curve, level=p.bootstrap.level).items():
        draws.append(calibration.as_draws(name, "asr", layer, true_ms, widths, len(many)))

# %% [markdown]
# ## Kept

# %%
as_it_is = checkpoints.describe(own, named["vanilla"], loaded["vanilla"][0], seed=seed)
tables.write(p.results, "encoders", pd.DataFrame([as_it_is]), part=f"span{true_ms:g}")
table = pd.concat(draws, ignore_index=True)
tables.write(p.results, "calibration_draws", table, part=f"span{true_ms:g}")
table[table["draw"] == 0].drop(columns=["draw", "true_span_ms"]).round(1)

# %%
scored = calibration.score_table(scores, trained, true_ms, **interval)
tables.write(p.results, "calibration_scores", scored, part=f"span{true_ms:g}")
scored.round(3)
