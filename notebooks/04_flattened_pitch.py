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
# # 4a. The same tokens with more and more of their pitch
#
# How much of the pitch around a tone centre does a layer use? Take pitch away and see what becomes of the probe's margin: that is asked
# in notebook 04, of every condition and seed. What it needs is made here, once for all of them: each token resynthesised with its whole
# pitch, with a level pitch, and for every half-width h with pitch only inside +-h and only outside it; and the convolutional features
# of these clips, for fine-tuning leaves the convolutional front end as it was.

# %% tags=["parameters"]
params_path = "demo"
language = "th"

# %%
import matplotlib.pyplot as plt
import numpy as np

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import sources
from tonespan_utils.encoders import checkpoints
from tonespan_utils.instrument import gradient_energy, margin_tables, pitch_versions, resynthesis
from tonespan_utils.params import profile, tables

p = profile.load(params_path)
k = p.knee
corpus = sources.load(p, language)
tokens = gradient_energy.eligible(corpus, n_tokens=k.n_tokens, min_side_ms=p.gradient.min_side_ms, seed=p.seed)

# %% [markdown]
# ## Check it by ear, or by eye
#
# The pitch of one token: whole, level, kept only within +-50 ms, flattened only within it.

# %%
token = tokens.iloc[0]
samples = corpus.audio(token["utterance_id"])
bounds = {"floor_hz": k.floor_hz, "ceiling_hz": k.ceiling_hz}
tracked = resynthesis.track(samples, **bounds)
speak = resynthesis.resynthesiser(samples, tracked, method=k.method, **bounds)
shown = {"whole": (np.inf, "inside"), "level": (0, "inside"), "keep 50": (50, "inside"), "flatten 50": (50, "outside")}
figure, axis = plt.subplots(figsize=(5, 2.4))
for name, (half_width_ms, side) in shown.items():
    version = resynthesis.track(speak(token["center_s"], half_width_ms, side), **bounds)
    offsets_ms = 1000 * (version.times_s - token["center_s"])
    axis.plot(offsets_ms[np.abs(offsets_ms) < 300], version.hz[np.abs(offsets_ms) < 300], ".", label=name)
axis.set(xlabel="time from tone centre (ms)", ylabel="pitch (Hz)")
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# ## All of them
#
# Left out, and listed, are tokens whose voice does not allow it: creak, breath, or a pitch that stays when it is taken away. They are the
# same for every encoder.

# %%
for backbone in p.encoders:
    encoder = checkpoints.load_condition(p, f"{backbone}/vanilla", seed=0)
    folder = margin_tables.cache_dir(p.results, language)
    versions = pitch_versions.of_corpus(encoder, corpus, tokens, k, cache_dir=folder)
    n_seconds = versions.tokens["n_frames"].sum() * encoder.hop / SAMPLE_RATE
    print(f"{backbone}: {len(versions.tokens)} of {len(tokens)} tokens, {n_seconds:.0f} s of speech in each version")

# %%
left_out = versions.left_out.assign(language=language)
tables.write(p.results, "knee_left_out", left_out, part=language)
left_out.merge(tokens[["token_id", "tone"]], on="token_id").groupby(["tone", "reason"]).size()
