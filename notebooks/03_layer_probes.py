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
# # 3. Where does the encoder keep tone?
#
# Freeze the encoder, let it read whole utterances, take the hidden vector of the frame nearest to each tone centre, and train a
# linear probe to name the tone: one probe per layer. What a *linear* map can read, the layer makes explicit.
#
# A probe can also memorise: "this syllable usually has that tone". The **control task** measures it. Every syllable type gets one
# random tone, and the same probe learns that instead. F1 minus control F1 is the probe's *selectivity*.
#
# Layers: `cnn` is the convolutional front end (25 ms per frame), `0` the input of the first transformer block, `1` and up the block
# outputs; `final`, where a model has it, is the top layer after its closing normalisation.

# %% tags=["parameters"]
params_path = "demo"
condition = "mini/vanilla"

# %%
import matplotlib.pyplot as plt
import pandas as pd

from tonespan_utils import encoders, params, plots, probes, splits, tables
from tonespan_utils.corpus import sources

p = params.load(params_path)
encoder_name, task = condition.split("/", 1)
encoder = encoders.load(p.checkpoint(encoder_name), revision=p.encoders[encoder_name].revision)
print(condition, encoder.identity, *encoder.layers)

# %% [markdown]
# ## Probes
#
# Trained on the train and dev splits, scored on the test split: other sentences and, where known, other speakers.

# %%
results = {}
for language in p.speech.tonal:
    corpus = sources.load(p, language)
    tokens = splits.sample_utterances(corpus.tokens, n_tokens=p.probe.max_tokens, seed=p.seed)
    vectors = probes.hidden_vectors(encoder, corpus, tokens)
    for layer in encoder.layers:
        results[language, layer] = probes.probe_layer(
            vectors[layer],
            tokens,
            regularisation_c=p.probe.regularisation_c,
            control_seeds=p.probe.control_seeds,
            n_resamples=p.bootstrap.n_resamples,
            level=p.bootstrap.level,
            seed=p.seed,
        )

# %%
found = pd.DataFrame([{"language": la, "layer": layer, **vars(r)} for (la, layer), r in results.items()])
found = found.assign(condition=condition, seed=p.seed)
tables.write(p.results, "probe_f1", found[tables.COLUMNS["probe_f1"]], part=condition)
tables.write(p.results, "probe_chance", found[tables.COLUMNS["probe_chance"]], part=condition)
identity = {
    "condition": condition,
    "encoder": encoder_name,
    "checkpoint": p.encoders[encoder_name].checkpoint,
    "identity": encoder.identity,
    "n_layers": encoder.model.config.num_hidden_layers,
}
tables.write(p.results, "encoders", pd.DataFrame([identity]), part=condition)
found.pivot(index="layer", columns="language", values="macro_f1").loc[encoder.layers].round(3)

# %% [markdown]
# The probes themselves are kept: the next notebook differentiates them.

# %%
for language in p.speech.tonal:
    own = {layer: results[language, layer].probe for layer in encoder.layers}
    probes.save_probes(own, probes.path(p.results, condition, language))

# %% [markdown]
# ## F1 by layer
#
# Dashed is the control task, dotted is chance.

# %%
figure, axes = plots.panels(p.speech.tonal)
for language, axis in axes.items():
    rows = found[found["language"] == language]
    plots.f1_by_layer(axis, rows, rows, color=plots.LANGUAGE_COLORS[language], label=condition)
    axis.set(xlabel="layer", ylabel="macro-F1", ylim=(0, 1))
plt.show()
