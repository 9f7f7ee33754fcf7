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

from tonespan_utils.corpus import sources
from tonespan_utils.encoders import checkpoints
from tonespan_utils.instrument import features, probes
from tonespan_utils.params import conditions, profile, tables
from tonespan_utils.plots import curves, layout, style
from tonespan_utils.statistics import splits

p = profile.load(params_path)
parsed = conditions.parse(condition)
languages = conditions.measured_languages(parsed, p.speech.tonal)
seeds = p.seeds(condition)
print(condition, "on", *languages, "with seeds", *seeds)

# %% [markdown]
# ## Probes
#
# Trained on the train and dev splits, scored on the test split: other sentences and, where known, other speakers. A fine-tuned
# condition has an encoder per seed.

# %%
settings = p.bootstrap.model_dump() | {"seed": p.seed, "regularisation_c": p.probe.regularisation_c}
results, test_tokens, identities = {}, {}, []
for seed in seeds:
    encoder = checkpoints.load_condition(p, condition, seed=seed)
    identities.append(checkpoints.describe(p, condition, encoder, seed=seed))
    for language in languages:
        corpus = sources.load(p, language)
        spoken = splits.in_a_split(corpus.tokens)
        tokens = splits.sample_utterances(spoken, n_tokens=p.probe.max_tokens, seed=p.seed)
        test_tokens[language] = tokens.iloc[splits.train_test(tokens)[1]]
        takes_all = encoder.longest_s == float("inf")  # Whisper's canvas is made anew around each token
        cnn_features = features.of_corpus(encoder, corpus, cache_dir=p.data / "features") if takes_all else None
        vectors = probes.hidden_vectors(encoder, corpus, tokens, features=cnn_features)
        for layer in encoder.layers:
            results[seed, language, layer] = probes.probe_layer(
                vectors[layer], tokens, control_seeds=p.probe.control_seeds, **settings
            )

# %%
keys = ["seed", "language", "layer"]
scores = pd.DataFrame([dict(zip(keys, key, strict=True)) | vars(result) for key, result in results.items()])
scores = scores.assign(condition=condition)
scores.groupby(["layer", "language"], sort=False)["macro_f1"].mean().unstack().round(3)

# %% [markdown]
# Kept: the scores, what was predicted for each test token, which encoder it was, and the probes themselves, which the next
# notebook differentiates.

# %%
predictions = [
    test_tokens[language][["token_id", "utterance_id", "tone"]].assign(
        predicted=result.predicted, seed=seed, language=language, layer=layer
    )
    for (seed, language, layer), result in results.items()
]
tables.write(p.results, "predictions", pd.concat(predictions).assign(condition=condition), part=condition)
tables.write(p.results, "encoders", pd.DataFrame(identities), part=condition)
for name in ("probe_chance", "probe_f1"):
    tables.write(p.results, name, scores[tables.COLUMNS[name]], part=condition)

# %%
for seed in seeds:
    for language in languages:
        of_language = {layer: results[seed, language, layer].probe for layer in encoder.layers}
        probes.save_probes(of_language, probes.path(p.results, condition, language, seed=seed))

# %% [markdown]
# ## F1 by layer
#
# Of the first seed. Dashed is the control task, dotted is chance.

# %%
figure, axes = layout.panels(languages)
for language, axis in axes.items():
    rows = scores[(scores["language"] == language) & (scores["seed"] == seeds[0])]
    curves.f1_by_layer(axis, rows, rows, color=style.LANGUAGE_COLORS[language], label=condition)
    axis.set(xlabel="layer", ylabel="macro-F1", ylim=(0, 1))
plt.show()
