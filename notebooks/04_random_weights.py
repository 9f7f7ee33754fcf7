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
# # 4b. How far does an encoder look that knows nothing?
#
# A flat map is a null that no encoder would give: its convolutions let near samples move a frame more than far ones, whatever their
# weights. So the same architecture is measured with all its weights permuted, each tensor within itself, and its own probes. They are
# at chance; the gradient of their logit is defined all the same. A span that is no other than this one says nothing about learning.

# %% tags=["parameters"]
params_path = "demo"
encoder = "mini"

# %%
import matplotlib.pyplot as plt
import pandas as pd

from tonespan_utils.corpus import sources
from tonespan_utils.encoders import checkpoints
from tonespan_utils.instrument import gradient_energy, spans
from tonespan_utils.params import profile, tables
from tonespan_utils.plots import curves, layout, style
from tonespan_utils.statistics import splits
from tonespan_utils.study import random_null

p = profile.load(params_path)
g, r = p.gradient, p.random_weights
edges, _ = spans.offset_bins(g.window_ms, g.bin_ms)
intact = checkpoints.load_condition(p, f"{encoder}/vanilla", seed=0)

# %% [markdown]
# ## Spans of every layer
#
# Fewer tokens than in notebook 4, once per permutation; intervals resample utterances and permutations. `weight` says whether squared
# gradients are taken as they are or times the local power of the input.

# %%
settings = random_null.Settings(
    r.seeds, g.target, g.wrt, g.power_window_ms, p.probe.regularisation_c, seed=p.seed, **p.bootstrap.model_dump()
)
parts = []
for language in p.speech.tonal:
    corpus = sources.load(p, language)
    probed = splits.sample_utterances(splits.in_a_split(corpus.tokens), n_tokens=r.max_tokens, seed=p.seed)
    tokens = gradient_energy.eligible(corpus, n_tokens=r.n_tokens, min_side_ms=g.min_side_ms, seed=p.seed)
    of_language = random_null.spans_of_random(intact, corpus, probed, tokens, edges, settings)
    parts.append(of_language.assign(encoder=encoder, language=language))

# %%
random_spans = pd.concat(parts, ignore_index=True)
tables.write(p.results, "random_spans", random_spans, part=encoder)
random_spans.pivot(index="layer", columns=["weight", "language"], values="span_ms").loc[intact.layers].round(0)

# %% [markdown]
# Do the probes read tone there? Not where F1 minus chance may be 0.

# %%
random_spans.query("weight == 'none'").pivot(index="layer", columns="language", values="above_chance_low").round(2)

# %%
figure, axes = layout.panels(p.speech.tonal)
for language, axis in axes.items():
    rows = random_spans.query("weight == @g.weight and language == @language").reset_index(drop=True)
    curves.spans_by_layer(axis, rows, color=style.LANGUAGE_COLORS[language])
figure.supxlabel("layer")
figure.supylabel("effective span 2 r_com, weights permuted (ms)")
plt.show()
