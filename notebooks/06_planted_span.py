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
# # 6a. One planted width
#
# Speech is made in which the tone lives within a known width around the centre, and everything that claims to measure such a width is
# asked for it: the signal itself, through several front ends, and the encoder, as it is and after learning to recognise this very
# speech, through several estimators. Only the width of the tone contour differs between the runs of this notebook: sentences, voices and
# every random draw are shared. What the answers are worth is said in notebook 06.
#
# The speech is synthetic. It is no evidence about the language whose script it is written in.

# %% tags=["parameters"]
params_path = "demo"
span_ms = "140"

# %%
import pandas as pd

from tonespan_utils.encoders import checkpoints
from tonespan_utils.finetune import conditions
from tonespan_utils.params import profile, tables
from tonespan_utils.study import calibration, planted_span

p = profile.load(params_path)
study = planted_span.make(p, float(span_ms))
part = f"span{study.span_ms:g}"
print(len(study.corpus.utterances), "utterances,", len(study.corpus.tokens), "tokens")

# %% [markdown]
# ## In the signal
#
# The cue width of notebook 01: log-Mel windows for every planted width; for some of them also MFCCs, linear bands and F0 alone, with two
# kinds of analysis window (Praat's pitch tracker has its own).

# %%
draws, scores = planted_span.cue_widths(study)

# %% [markdown]
# What the sounds alone say about the tone, and what the commonest tone alone does: the floors under every F1 above.

# %%
scores += planted_span.floors(study)

# %% [markdown]
# ## In the encoder
#
# As it is, and after speech recognition on this corpus: the transcript carries the tone, so recognition has to read it. For one span
# also with a penalty on looking far.

# %%
seed, trained, encoders = study.planted.finetune.seeds[0], [], {}
for task, condition in study.conditions.items():
    if task != "vanilla":
        trained.append(conditions.run(study.planted, condition, seed=seed).scores.assign(task=task))
    encoders[task] = checkpoints.load_condition(study.planted, condition, seed=seed)

# %% [markdown]
# Probes read the tone of every layer; their gradients are squared and binned, and their margins are watched while pitch is taken away, as
# in notebook 04.

# %%
fitted = {}
for task, encoder in encoders.items():
    fitted[task], of_probes = planted_span.probe_encoder(study, task, encoder)
    scores += of_probes
    draws += planted_span.gradient_spans(study, task, encoder, fitted[task])
    draws += planted_span.margin_knees(study, task, encoder, fitted[task], of_probes)

# %% [markdown]
# ## Other ways to ask the same
#
# Of the top layer after speech recognition, with fewer tokens for those that ask the encoder hundreds of times: attributions and
# occlusion, whose energy is read like the gradient's, and two that change the speech beyond a width and watch the probe's F1, for which
# the width is where F1 has come 95 % of the way from chance to that of the untouched speech.

# %%
draws += planted_span.energy_spans(study, encoders["asr"], fitted["asr"])
draws += planted_span.behavioural_spans(study, encoders["asr"], fitted["asr"])

# %% [markdown]
# ## Kept

# %%
vanilla = checkpoints.describe(study.planted, study.conditions["vanilla"], encoders["vanilla"], seed=seed)
tables.write(p.results, "encoders", pd.DataFrame([vanilla]), part=part)
table = pd.concat(draws, ignore_index=True)
tables.write(p.results, "calibration_draws", table, part=part)
table[table["draw"] == 0].drop(columns=["draw", "true_span_ms"]).round(1)

# %%
resampling = study.resampling | {"level": p.bootstrap.level}
scored = calibration.score_table(scores, trained, study.span_ms, **resampling)
tables.write(p.results, "calibration_scores", scored, part=part)
scored.round(3)
