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
# flat over +-W has a span of W. That flat map is the *null*: a span that reaches it says nothing. Nor does one that reaches the span of
# the same architecture with permuted weights (notebook 4b).

# %% tags=["parameters"]
params_path = "demo"
condition = "mini/vanilla"

# %%
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from tonespan_utils.corpus import sources
from tonespan_utils.encoders import checkpoints
from tonespan_utils.instrument import (
    gradient_energy,
    margin_tables,
    margins,
    pitch_versions,
    probes,
    spans,
    token_energy,
)
from tonespan_utils.params import conditions, profile, tables
from tonespan_utils.plots import curves, energy_maps, knee_curves, layout, style
from tonespan_utils.statistics import findings
from tonespan_utils.study import weighting

p = profile.load(params_path)
g, k = p.gradient, p.knee
languages = conditions.measured_languages(conditions.parse(condition), p.speech.tonal)
seeds = p.seeds(condition)
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
# Test tokens with enough audio on both sides, the same ones in every condition. Where the window reaches beyond the recording, the
# null is cut in the same way. A fine-tuned condition has an encoder, and probes, per seed.

# %%
measured_by_language, durations_s = {language: [] for language in languages}, {}
for seed in seeds:
    encoder = checkpoints.load_condition(p, condition, seed=seed)
    for language in languages:
        corpus = sources.load(p, language)
        trained_probes = probes.load_probes(probes.path(p.results, condition, language, seed=seed))
        tokens = gradient_energy.eligible(corpus, n_tokens=g.n_tokens, min_side_ms=g.min_side_ms, seed=p.seed)
        fast = checkpoints.cast(encoder, g.dtype)
        measured = gradient_energy.measure(
            fast, trained_probes, corpus, tokens, edges, target=g.target, wrt=g.wrt, power_window_ms=g.power_window_ms
        )
        measured_by_language[language].append(measured)
        durations_s[language] = gradient_energy.durations_s(tokens)

# %% [markdown]
# Gradients are computed in single precision unless `gradient.dtype` says otherwise; then ten tokens show what that costs.

# %%
if g.dtype != "float32":
    display(gradient_energy.precision(encoder, fast, trained_probes, corpus, tokens.head(10), edges, target=g.target))

# %% [markdown]
# ## Spans
#
# Pooled over tokens and seeds; intervals from resampling utterances and seeds. Of the weight that the parameters name.

# %%
resampling = p.bootstrap.model_dump() | {"seed": p.seed}
weighted = {
    language: [m.weighted_by(g.weight) for m in of_seeds] for language, of_seeds in measured_by_language.items()
}
stored = gradient_energy.tabulate(weighted, seeds, edges, condition=condition, **resampling)
for name, table in stored.items():
    tables.write(p.results, name, table, part=condition)
stored["spans"].pivot(index="layer", columns="language", values="span_ms").loc[encoder.layers].round(0)

# %% [markdown]
# Kept too, for the explorer: the energy of every single token, and how probable its probe finds the true tone.

# %%
token_energy.save(p.results, condition, weighted, seeds, edges)

# %% [markdown]
# ## Loudness
#
# Squared gradients are largest where the speech is quiet: `exponent` is b in energy ~ (local power)^b, with every token's and every
# offset's own mean taken out. Weighted by local power they are reactions to changes of one relative size. A span should not follow the
# duration of the syllable either; `duration_rho` is their rank correlation. Both weights come from the same backward pass.

# %%
weights = weighting.table(
    measured_by_language, durations_s, seeds, edges, condition=condition, reach_ms=g.min_side_ms, **resampling
)
tables.write(p.results, "span_weights", weights, part=condition)
shown = ["span_ms", "null_span_ms", "exponent", "duration_rho"]
weights.pivot(index="layer", columns=["language", "weight"], values=shown).loc[encoder.layers].round(2)

# %% [markdown]
# ## Where the layers look
#
# Colours are multiples of the flat null, so that black means "less than everywhere else"; white ticks are at +-r_com. Where the span is
# no finding (F1 not above chance, the span at its null, too few tokens) there are none, and the layer's name is grey.

# %%
scores = {name: tables.read_parts(p.results, name, parts=[condition]) for name in ("probe_f1", "probe_chance")}
unknown = {}
for language in languages:
    rows = [tables.select(table, language=language) for table in (stored["spans"], *scores.values())]
    unknown[language] = [layer for layer, reason in findings.why_no_spans(*rows).items() if reason]
figure, axes = layout.panels(languages, share_y=False)
for language, axis in axes.items():
    of_language = {name: table[table["language"] == language] for name, table in stored.items()}
    maps = [of_language[name] for name in ("energy", "energy_null", "spans")]
    energy_maps.energy_map(axis, *maps, hollow=unknown[language])
figure.supxlabel("time from tone centre (ms)")
figure.supylabel("layer")
plt.show()

# %% [markdown]
# ## Span by layer
#
# Open markers: no finding. Dash-dotted: the same encoder with permuted weights (notebook 4b), with its interval.

# %%
random_spans = tables.read_parts(p.results, "random_spans", parts=[conditions.parse(condition).backbone])
figure, axes = layout.panels(languages)
for language, axis in axes.items():
    rows = stored["spans"][stored["spans"]["language"] == language]
    null = tables.select(random_spans, language=language, weight=g.weight)
    curves.spans_by_layer(axis, rows, random=null, hollow=unknown[language], color=style.LANGUAGE_COLORS[language])
figure.supxlabel("layer")
figure.supylabel("effective span 2 r_com (ms)")
plt.show()

# %% [markdown]
# ## What does the layer use? The margin knee
#
# The gradient says what a layer would react to. What it uses shows when pitch is taken away (notebook 04a): the **margin**, the probe's
# logit of the true tone minus the mean of its other logits, with pitch kept only within +-h of the centre (it rises with h), and with
# pitch flattened only there (it falls). Two lines that meet are fitted to both curves; twice the h where they meet is the **margin
# knee**, a width like that of the cue. No knee where the probe does not know the tone, or where the curves do not bend.
#
# **Influence beyond +-h** is how much the pitch out there moves the margin of each token, up or down, over the mean margin: the knee
# cannot lie beyond the cue, but a layer may listen to more than it needs.

# %%
margins_by_seed = {}
for seed in seeds:
    encoder = checkpoints.load_condition(p, condition, seed=seed)
    for language in languages:
        corpus = sources.load(p, language)
        trained_probes = probes.load_probes(probes.path(p.results, condition, language, seed=seed))
        tokens = gradient_energy.eligible(corpus, n_tokens=k.n_tokens, min_side_ms=g.min_side_ms, seed=p.seed)
        folder = margin_tables.cache_dir(p.results, language)
        versions = pitch_versions.of_corpus(encoder, corpus, tokens, k, cache_dir=folder)
        margins_by_seed[language, seed] = margins.measure(encoder, trained_probes, versions)

# %%
predictions = tables.read_parts(p.results, "predictions", parts=[condition])
kept = margin_tables.tabulate(margins_by_seed, predictions, condition=condition, **resampling)
for name, table in kept.items():
    tables.write(p.results, name, table, part=condition)
knees = kept["margin_knee"].assign(seed=kept["margin_knee"]["seed"].astype(str))
knees.pivot(index="layer", columns=["language", "seed"], values="knee_ms").loc[encoder.layers].round(0)

# %% [markdown]
# The curves of the top layer, first seed: kept (solid) and flattened (dashed).

# %%
figure, axes = layout.panels(languages, share_y=False)
for language, axis in axes.items():
    of_seed = {
        name: table[(table["language"] == language) & (table["seed"] == seeds[0])] for name, table in kept.items()
    }
    top = {name: table[table["layer"] == encoder.layers[-1]] for name, table in of_seed.items()}
    knee_curves.margin_curves(
        axis, top["margin_curves"], top["margin_knee"].iloc[0], color=style.LANGUAGE_COLORS[language]
    )
figure.supxlabel("half-width around the tone centre (ms)")
figure.supylabel("margin (logits)")
plt.show()
