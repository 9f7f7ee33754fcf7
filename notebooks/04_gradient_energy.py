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
# # 4. How far around the tone centre does a layer look?
#
# The probe of layer l turns the hidden vector at the tone centre into one logit per tone. Move one sample of the input a little: by
# how much does the logit of the true tone move? That is the gradient; its square, summed over 10 ms bins of time from the tone
# centre, is the energy `E(tau)`. Its centre-of-mass radius is
#
# $$ r_\mathrm{com} = \frac{\sum_\tau |\tau|\, E(\tau)}{\sum_\tau E(\tau)} $$
#
# and the **effective span** is twice that. What the number is worth: a box of energy of width S has a span of S/2, and a map that is
# flat over +-W has a span of W. That flat map is the *null*: a span that reaches it says nothing.

# %% tags=["parameters"]
params_path = "demo"
condition = "mini/vanilla"

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from tonespan_utils import encoders, gradients, params, plots, probes, spans, tables
from tonespan_utils.corpus import sources

p = params.load(params_path)
g = p.gradient
encoder_name, task = condition.split("/", 1)
encoder = encoders.load(p.checkpoint(encoder_name), revision=p.encoders[encoder_name].revision)
edges, offsets = spans.offset_bins(g.window_ms, g.bin_ms)

# %% [markdown]
# ## Check it by hand
#
# A two-sided exponential of constant a has a span of 2a; a flat map over +-500 ms has one of 500.

# %%
for name, energy in {"exponential, a = 60": np.exp(-np.abs(offsets) / 60), "flat": np.ones_like(offsets)}.items():
    print(f"{name}: span {spans.effective_span(energy, offsets):.0f} ms")

# %% [markdown]
# ## Energy over layer and offset
#
# Test tokens with enough audio on both sides. Where the window reaches beyond the recording, the null is cut in the same way.

# %%
tables_of = {"energy": [], "energy_null": [], "spans": [], "radii": []}
resampling = p.bootstrap.model_dump() | {"seed": p.seed}
for language in p.speech.tonal:
    corpus = sources.load(p, language)
    own_probes = probes.load_probes(probes.path(p.results, condition, language))
    tokens = gradients.eligible(corpus, n_tokens=g.n_tokens, min_side_ms=g.min_side_ms, seed=p.seed)
    measured = gradients.measure(encoder, own_probes, corpus, tokens, edges, target=g.target, wrt=g.wrt)
    for layer, energy in measured.energy.items():
        pool = (energy, measured.null, measured.utterances, edges)
        span = spans.pooled_span(*pool, **resampling)
        key = {"condition": condition, "language": language, "layer": layer}
        tables_of["radii"] += [pd.DataFrame([key | row]) for row in spans.radius_table(*pool, **resampling)]
        tables_of["spans"].append(pd.DataFrame([key | spans.as_row(span)]))
        mean = spans.mean_energy(energy)
        tables_of["energy"].append(pd.DataFrame(key | {"offset_ms": offsets, "energy": mean}))
    null = {
        "condition": condition,
        "language": language,
        "offset_ms": offsets,
        "energy": spans.mean_energy(measured.null),
    }
    tables_of["energy_null"].append(pd.DataFrame(null))

# %%
stored = {name: pd.concat(parts, ignore_index=True) for name, parts in tables_of.items()}
for name, table in stored.items():
    tables.write(p.results, name, table, part=condition)
stored["spans"].pivot(index="layer", columns="language", values="span_ms").loc[encoder.layers].round(0)

# %% [markdown]
# Colours are multiples of the flat null, so that black means "less than everywhere else"; white ticks are at +-r_com.

# %%
figure, axes = plots.panels(p.speech.tonal, share_y=False)
for language, axis in axes.items():
    own = {name: table[table["language"] == language] for name, table in stored.items()}
    plots.energy_map(axis, own["energy"], own["energy_null"], own["spans"])
figure.supxlabel("time from tone centre (ms)")
figure.supylabel("layer")
plt.show()

# %% [markdown]
# ## Span by layer

# %%
figure, axes = plots.panels(p.speech.tonal)
for language, axis in axes.items():
    rows = stored["spans"][stored["spans"]["language"] == language]
    plots.spans_by_layer(axis, rows, None, color=plots.LANGUAGE_COLORS[language], label=condition)
figure.supxlabel("layer")
figure.supylabel("effective span 2 r_com (ms)")
plt.show()
