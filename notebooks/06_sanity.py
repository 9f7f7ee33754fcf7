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
# # 6b. Does a span mean what it says?
#
# Checks that could have failed, on synthetic speech of one reference span (notebook 6a) and the encoders trained there: the encoder as
# it is (*vanilla*) and after speech recognition (*asr*). Each row has a value, its interval over utterances, its null and a verdict.

# %% tags=["parameters"]
params_path = "demo"

# %%
import pandas as pd

from tonespan_utils.params import profile, tables
from tonespan_utils.study import sanity, sanity_checks, sanity_subjects

p = profile.load(params_path)
checked = sanity_subjects.load(p)
print(*checked.encoders, "with layers", *checked.layers, "on", len(checked.tokens), "tokens")

# %% [markdown]
# ## Randomised weights
#
# From the top down, the values of every tensor change places, and probes are **fitted anew** after each step, so that each question is
# put to what the encoder then knows. Two things are asked of the encoder with all its weights permuted: is its map as wide as a flat
# one, and is it another than that of the intact encoder, of the same tokens? If it is narrower than flat, then this is how far the
# architecture looks with nothing learned, and the null to hold a span against.

# %%
randomised = sanity_checks.randomised_weights(checked)
pd.DataFrame(randomised).drop(columns="check").round(2)

# %% [markdown]
# ## Shuffled labels, selectivity, description length
#
# A probe of shuffled tones must stay at chance. Selectivity is F1 minus the F1 of the control task (a random tone per syllable type).
# The online code sends the tones to someone who has the vectors: compression is the uniform code over it, beside that of the control
# task.

# %%
fitted = sanity_subjects.probe_all(checked)
labels = sanity_checks.shuffled_labels(checked, fitted)
codes = sanity_checks.description_length(checked)
pd.DataFrame(labels + codes).groupby(["condition", "statistic"], sort=False)["value"].agg(["min", "max"]).round(2)

# %% [markdown]
# ## Tone-free speech
#
# The same sentences and voices without any tone contour; the labels are the tones that were not spoken. Whatever names them there did
# not read them in the pitch.

# %%
tone_free = sanity_checks.tone_free_speech(checked)
pd.DataFrame(tone_free).drop(columns="check").round(2)

# %% [markdown]
# ## Edges and durations
#
# Does a token's r_com only say how near the recording's edge it lies, or how long its syllable is? And does the duration alone give the
# tone away?

# %%
measured = sanity_subjects.gradient_of_all(checked, fitted)
confounds = sanity_checks.confounds(checked, measured)
pd.DataFrame(confounds).drop(columns="check").round(2)

# %% [markdown]
# ## How far attention looks
#
# The mean distance of each head's attention from the frame at the tone centre, and of all heads of a layer, beside the gradient's r_com,
# which is a mean distance too but of what moves the tone logit. The null is attention that is even over the window.

# %%
distances = sanity_checks.attention_distance(checked, measured)
pd.DataFrame(distances).pivot_table(index="statistic", columns=["condition", "layer"], values="value").round(0)

# %% [markdown]
# ## Do other estimators say the same?
#
# After speech recognition, every estimator of energy measures the same tokens in every layer. Do they rank tokens alike, within a layer,
# and do they rank the layers alike? The null permutes the tokens, or the layers, of one side; its upper end has to be passed.

# %%
agreement = sanity_checks.agreement_of_estimators(checked, fitted["asr"])
pd.DataFrame(agreement).drop(columns=["check", "condition", "layer"]).round(2)

# %% [markdown]
# ## Kept

# %%
sane = pd.DataFrame(randomised + labels + codes + tone_free + confounds + distances + agreement)
tables.write(p.results, "sanity", sane)
sane.groupby(["check", "verdict"]).size().unstack(fill_value=0)

# %%
sane[sane["verdict"].isin([sanity.FAILED, sanity.UNDECIDED])].round(3)
