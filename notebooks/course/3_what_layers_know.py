# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,nbgrader
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
# # Lesson 3. What layers know
#
# About 75 minutes. You need: lessons 1 and 2.
#
# Speech models such as wav2vec 2.0, HuBERT and XLS-R learn from raw sound, without being told a word. What do they know about tone, and in
# which layer? We ask with *probes*. And we learn to distrust them, because a probe can be good for the wrong reason.
#
# **When you are through, you can**
#
# - say what a frame, a layer and a hidden vector are, and which frame belongs to a time;
# - train a probe per layer and read the curve;
# - judge it with a control task and an untrained model;
# - measure in bits how hard something is to learn;
# - choose a best layer without flattering it.
#
# The model is `tonespan-mini`, a small cousin of wav2vec 2.0 (3 million numbers; XLS-R has 300 million). Its teacher during training
# included a pitch track, so that it knows tone is no surprise. The question here is *where* and *how we know*.

# %% tags=["parameters"]
params_path = "course"

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import Audio, display

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import sources
from tonespan_utils.course import checks
from tonespan_utils.encoders import checkpoints
from tonespan_utils.instrument import probes
from tonespan_utils.params import profile
from tonespan_utils.plots import curves, style
from tonespan_utils.statistics import splits

p = profile.load(params_path)
sources.prepare(p)
corpus = sources.load(p, "vi")
tokens = corpus.tokens
encoder = checkpoints.load_condition(p, "mini/vanilla", seed=0)
plt.style.use(style.STYLE)

# %% [markdown]
# ## 1. From samples to frames
#
# A convolutional front end reads 400 samples (25 ms) and writes one vector; then it moves on by 320 samples (20 ms). So frame $f$ covers the samples
# $320 f$ to $320 f + 399$, and its middle is $320 f + 199.5$. At 16 samples a millisecond, frame 0 stands at 12.5 ms, frame 1 at 32.5 ms ...

# %%
utterance_id = tokens["utterance_id"].iloc[0]
samples = corpus.audio(utterance_id)
states = encoder.forward(encoder.prepare(samples))
display(Audio(samples, rate=SAMPLE_RATE))
pd.DataFrame({layer: {"frames": s.shape[1], "numbers per frame": s.shape[2]} for layer, s in states.items()})

# %% [markdown]
# `cnn` is what the front end writes, `0` what enters the first transformer block, `1` to `6` what the blocks write, `final` the top after its
# closing normalisation. From `0` on every frame can look at every other.
#
# **Exercise 1.** Which frame stands nearest to a given time? Frames are numbered from 0, and no frame stands before frame 0.


# %% nbgrader={"grade": false, "grade_id": "frame_at", "locked": false, "schema_version": 3, "solution": true, "task": false}
def frame_at(time_ms):
    """The number of the frame whose middle is nearest to a time in ms."""
    ### BEGIN SOLUTION
    return max(0, round((16 * time_ms - 199.5) / 320))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "frame_at_check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.check("frame_at", frame_at)
### BEGIN HIDDEN TESTS
for moment_ms in (63.0, 250.0, 777.0):
    assert frame_at(moment_ms) == encoder.frame_at(moment_ms / 1000, 32_000)
### END HIDDEN TESTS

# %% [markdown]
# ## 2. A probe is a question in one straight line
#
# Take the hidden vector at the tone centre, and let a *linear* classifier name the tone. If a straight line (in 192 dimensions) separates the
# tones, the layer has made tone explicit. If only a bent line would, the layer may "have" the tone, but has not laid it out.
#
# Two toys. On the left one straight line does it. On the right, no line does: each corner's neighbours belong to the other tone.

# %%
rng = np.random.default_rng(0)
corners = rng.integers(2, size=(200, 2)) * 2 - 1
cloud = corners + rng.normal(0, 0.25, (200, 2))
figure, axes = plt.subplots(1, 2, figsize=(6, 2.6))
for axis, kind, labels in ((axes[0], "linear", corners[:, 0]), (axes[1], "not linear", corners[:, 0] * corners[:, 1])):
    axis.scatter(*cloud.T, c=np.where(labels > 0, "#0072B2", "#D55E00"), s=8)
    axis.set(title=kind, xticks=[], yticks=[])
plt.show()

# %% [markdown]
# ## 3. A probe for every layer
#
# Vietnamese has six tones, and in this corpus the log-Mel listener of lesson 2 found them hard. Probes are trained on the training split and scored on
# other speakers saying other sentences.

# %%
vectors = probes.hidden_vectors(encoder, corpus, tokens)
settings = p.bootstrap.model_dump() | {"seed": p.seed, "regularisation_c": p.probe.regularisation_c}
settings["control_seeds"] = p.probe.control_seeds
results = {layer: probes.probe_layer(vectors[layer], tokens, **settings) for layer in encoder.layers}
table = pd.DataFrame({layer: vars(result) for layer, result in results.items()}).T
table = table[["macro_f1", "ci_low", "ci_high", "control_f1", "chance_f1"]].astype(float)
table.round(2)

# %% [markdown]
# What does a probe see? Each dot is a test token; across, how much more the probe believes in *sắc* (rising) than in *huyền* (falling).

# %%
test = splits.train_test(tokens)[1]
truth = tokens["tone"].to_numpy(dtype=str)[test]
figure, axes = plt.subplots(1, 2, figsize=(7, 2.4), sharey=True)
for axis, layer in zip(axes, ("cnn", "4"), strict=True):
    probe = results[layer].probe
    logits = probe.logits(vectors[layer][test])
    belief = logits[:, probe.classes.index("sac")] - logits[:, probe.classes.index("huyen")]
    for height, tone in enumerate(probe.classes):
        jitter = np.random.default_rng(1).normal(0, 0.08, (truth == tone).sum())
        axis.plot(belief[truth == tone], height + jitter, ".", alpha=0.6)
    axis.axvline(0, color="0.6")
    axis.set(
        title=f"layer {layer}", xlabel="logit of sac minus logit of huyen", yticks=range(6), yticklabels=probe.classes
    )
plt.show()

# %% [markdown]
# A token that layer `cnn` gets wrong and layer `4` gets right. What can 25 ms tell of a tone that needs 180?

# %%
wrong_then_right = (results["cnn"].predicted != truth) & (results["4"].predicted == truth)
chosen = tokens.iloc[test[np.flatnonzero(wrong_then_right)[0]]]
start, end = (round(chosen[edge] * SAMPLE_RATE) for edge in ("start_s", "end_s"))
where = np.flatnonzero(wrong_then_right)[0]
print(
    f"said {chosen['tone']}; layer cnn predicts {results['cnn'].predicted[where]}, layer 4 predicts {results['4'].predicted[where]}"
)
display(Audio(corpus.audio(chosen["utterance_id"])[start:end], rate=SAMPLE_RATE))

# %% [markdown]
# ## 4. For the right reason? Two controls
#
# **The control task** (Hewitt & Liang 2019). Suppose some syllable occurred mostly with one tone. Then a probe could recognise the *syllable* and
# remember the tone. How well can it remember? Give every syllable type one tone *at random*, train the same probe on that, and
# score it. What it learns there, it learned by heart. **Selectivity** is F1 minus control F1.
#
# **The untrained model.** Same architecture, random numbers. Random layers mix the signal in many ways, and a linear probe can pick what
# it needs. What a probe finds there, training has not put there.

# %%
torch.manual_seed(p.seed)
untrained = replace(encoder, model=type(encoder.model)(encoder.model.config).eval().requires_grad_(False))
random_vectors = probes.hidden_vectors(untrained, corpus, tokens)
random = {layer: probes.probe_layer(random_vectors[layer], tokens, **settings) for layer in encoder.layers}

# %%
figure, axis = plt.subplots(figsize=(6, 3))
curves.f1_by_layer(axis, table.reset_index(names="layer"), table, color="#CC79A7", label="trained")
axis.plot([random[layer].macro_f1 for layer in encoder.layers], color="0.2", marker="s", label="untrained")
axis.set(xlabel="layer", ylabel="macro-F1", ylim=(0, 1))
axis.legend(loc="center right")
plt.show()

# %% [markdown]
# **Exercise 2 (by hand).** In some layer a probe reaches 0.70, its control task 0.40, and chance is 0.20. How selective is it?

# %% nbgrader={"grade": false, "grade_id": "selectivity", "locked": false, "schema_version": 3, "solution": true, "task": false}
selectivity = None
### BEGIN SOLUTION
selectivity = 0.70 - 0.40
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "selectivity_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("selectivity", selectivity)

# %% [markdown]
# ## 5. How hard was it? Bits
#
# F1 says how good a probe is at the end. It does not say how much data it took to get there. *Minimum description length* does: send the
# labels one by one to a friend, each coded with what the ones before have taught you. Whoever learns fast pays little (Voita & Titov 2020).
#
# The smallest toy is a coin. Nobody knows it. Laplace's rule: after $n$ tosses with $k$ heads, expect heads with probability
# $(k + 1) / (n + 2)$. A toss that was expected with probability $q$ costs $-\log_2 q$ bits. So the first toss costs $-\log_2 \frac12 = 1$ bit.
#
# **Exercise 3 (by hand).** What do three heads in a row cost, in bits?

# %% nbgrader={"grade": false, "grade_id": "three_heads_bits", "locked": false, "schema_version": 3, "solution": true, "task": false}
three_heads_bits = None
### BEGIN SOLUTION
three_heads_bits = -np.log2(1 / 2 * 2 / 3 * 3 / 4)  # 1/4: two bits
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "three_heads_bits_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("three_heads_bits", three_heads_bits)

# %% [markdown]
# **Exercise 4.** Now any sequence, as a string such as `"HTHH"`.


# %% nbgrader={"grade": false, "grade_id": "codelength_bits", "locked": false, "schema_version": 3, "solution": true, "task": false}
def codelength_bits(tosses):
    """Bits to send a string of H and T, each coded by Laplace's rule from those before it."""
    ### BEGIN SOLUTION
    bits = 0.0
    for n, toss in enumerate(tosses):
        bits -= np.log2((tosses[:n].count(toss) + 1) / (n + 2))
    return bits
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "codelength_bits_check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
checks.check("codelength_bits", codelength_bits)
### BEGIN HIDDEN TESTS
assert abs(codelength_bits("HTTH") - codelength_bits("TTHH")) < 1e-9
assert codelength_bits("H" * 60) < 6 < codelength_bits("HT" * 10)
### END HIDDEN TESTS

# %% [markdown]
# Twenty tosses of a fair coin cost a bit more than twenty bits: the code has to find out that there is nothing to find out. Sixty heads
# cost less than six. A probe on a good layer is like the second sender; on a poor one, like the first.
#
# How fast do *our* probes learn? Three layers, trained on ever more training utterances:

# %%
train = splits.train_test(tokens)[0]
names = np.random.default_rng(p.seed).permutation(tokens.iloc[train]["utterance_id"].unique())
curve = {layer: [] for layer in ("cnn", "0", "4")}
sizes = (10, 20, 40, len(names))
for n in sizes:
    kept = tokens["utterance_id"].isin(names[:n]).to_numpy() | (tokens["split"] == "test").to_numpy()
    for layer, scores in curve.items():
        scores.append(probes.probe_layer(vectors[layer][kept], tokens[kept], **settings).macro_f1)
pd.DataFrame(curve, index=pd.Index(sizes, name="training utterances")).round(2)

# %% [markdown]
# ## 6. Choosing without flattering
#
# Nine layers were scored; the best is the best *partly by luck*, and its score on the tokens that chose it is too good. The remedy: choose on
# one half of the test utterances, report on the other.
#
# **Exercise 5.** Write it: two dictionaries, layer -> F1, one for each half.


# %% nbgrader={"grade": false, "grade_id": "honest_best", "locked": false, "schema_version": 3, "solution": true, "task": false}
def honest_best(choose_on, report_on):
    """The layer that is best on one half, and its score on the other: (layer, score)."""
    ### BEGIN SOLUTION
    layer = max(choose_on, key=choose_on.get)
    return layer, report_on[layer]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "honest_best_check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.check("honest_best", honest_best)
### BEGIN HIDDEN TESTS
assert honest_best({"a": 0.1, "b": 0.2}, {"a": 0.9, "b": 0.3}) == ("b", 0.3)
### END HIDDEN TESTS

# %% [markdown]
# How much does flattery matter? Where layers differ little and tokens are few, a lot. Suppose nine layers are in truth *equally* good (F1 0.50), each
# measured with an error of 0.03:

# %%
measured = 0.50 + np.random.default_rng(p.seed).normal(0, 0.03, size=(10_000, 2, 9))  # (study, half, layer)
best = measured[:, 0].argmax(axis=1)
print(f"flattering: {measured[:, 0].max(axis=1).mean():.3f}")
print(f"honest:     {measured[np.arange(10_000), 1, best].mean():.3f}")

# %% [markdown]
# **Exercise 6 (in words; your teacher reads it).** Write the paragraph of a paper that reports the figure of section 4: what
# the trained layers know about tone, against which controls, with which uncertainty. Then one sentence on what the figure does *not* show.

# %% [markdown] nbgrader={"grade": true, "grade_id": "report_the_layers", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# A linear probe on the convolutional features at the tone centre reaches a macro-F1 of about 0.3, twice chance (0.16); from layer 0 on it is near
# 0.8, and 0.87 (interval about 0.82 to 0.91) in the middle layers, on speakers and sentences not seen in training. The control task stays near 0.2 in every
# layer, so the probes do not memorise syllables, and an untrained encoder of the same shape stays far below the trained one, so the knowledge
# comes from training. Which of the layers 2 to 6 is best cannot be said: their intervals overlap. The figure does not show
# that the model *uses* tone for anything, nor how wide it looks; and, the speech being synthetic and the teacher a pitch track, nothing about
# Vietnamese or about models trained otherwise.
# ### END SOLUTION

# %% [markdown]
# ## What to take along
#
# A probe's score is three numbers: score, control, chance; and better four, with the untrained model. In the next lesson we turn the probe
# around: on which part of the sound does it depend?
#
# **Further reading**
#
# - G. Alain & Y. Bengio (2017). Understanding intermediate layers using linear classifier probes. *ICLR Workshop*.
# - J. Hewitt & P. Liang (2019). Designing and interpreting probes with control tasks. *EMNLP-IJCNLP*.
# - E. Voita & I. Titov (2020). Information-theoretic probing with minimum description length. *EMNLP*.
# - Y. Belinkov (2022). Probing classifiers: promises, shortcomings, and advances. *Computational Linguistics* 48(1), 207-219.
# - A. Baevski, Y. Zhou, A. Mohamed & M. Auli (2020). wav2vec 2.0: a framework for self-supervised learning of speech representations. *NeurIPS*.
# - A. Pasad, J.-C. Chou & K. Livescu (2021). Layer-wise analysis of a self-supervised speech representation model. *ASRU*.
