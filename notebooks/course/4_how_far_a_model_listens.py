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
# # Lesson 4. How far does a model listen?
#
# About 90 minutes. You need: lessons 1 to 3, and what a derivative is.
#
# A probe reads the tone from *one* hidden vector, at the tone centre. But that vector has listened to its surroundings. How far? Nudge one sample
# of the recording: does the probe's score for the tone move? Where it moves, the model listens. This is the gradient, and from it
# comes the number this whole project is named after.
#
# **When you are through, you can**
#
# - compute the gradient of a small model by hand, and check a big one by nudging;
# - turn a gradient into energy over time, and energy into $r_\mathrm{com}$ and the effective span;
# - say what a span of 100 ms means for a box, a bell, an exponential, and a floor;
# - say what a model that listens to nothing in particular would give: the null, and why no span may be read without it.

# %% tags=["parameters"]
params_path = "course"

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Audio, display

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import sources
from tonespan_utils.course import checks
from tonespan_utils.encoders import checkpoints
from tonespan_utils.instrument import gradient_energy, gradients, probes, spans
from tonespan_utils.params import profile
from tonespan_utils.plots import curves, energy_maps, style

p = profile.load(params_path)
sources.prepare(p)
corpus = sources.load(p, "th")
encoder = checkpoints.load_condition(p, "mini/vanilla", seed=0)
plt.style.use(style.STYLE)

# %% [markdown]
# ## 1. The smallest model that listens
#
# A model with two *taps*: it adds three times the sample now and once the sample 10 ms ago,
#
# $$ y = 3 \, x_0 + 1 \, x_{-10\,\mathrm{ms}} $$
#
# Its gradient is what each sample is multiplied with: 3 and 1. The **energy** is the square of the gradient: 9 and 1. (The square, because a listener that
# reacts downwards listens as much as one that reacts upwards.) The **centre-of-mass radius** is the mean distance from the centre, weighted by
# energy:
#
# $$ r_\mathrm{com} = \frac{\sum_\tau |\tau| \, E(\tau)}{\sum_\tau E(\tau)} \qquad\text{and the effective span is}\qquad 2 \, r_\mathrm{com} $$
#
# **Exercise 1 (by hand).** What is $r_\mathrm{com}$ of the two-tap model, in ms?

# %% nbgrader={"grade": false, "grade_id": "two_tap_r_com_ms", "locked": false, "schema_version": 3, "solution": true, "task": false}
two_tap_r_com_ms = None  # in ms
### BEGIN SOLUTION
two_tap_r_com_ms = (9 * 0 + 1 * 10) / (9 + 1)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "two_tap_r_com_ms_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("two_tap_r_com_ms", two_tap_r_com_ms)

# %% [markdown]
# **Exercise 2.** Now for any energy at any offsets.


# %% nbgrader={"grade": false, "grade_id": "r_com_ms", "locked": false, "schema_version": 3, "solution": true, "task": false}
def r_com_ms(energy, offsets_ms):
    """Centre-of-mass radius in ms of energy (bin,) at offsets_ms (bin,) from the centre."""
    ### BEGIN SOLUTION
    return np.sum(np.abs(offsets_ms) * energy) / np.sum(energy)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "r_com_ms_check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.check("r_com_ms", r_com_ms)
### BEGIN HIDDEN TESTS
shape = np.random.default_rng(0).random(40)
times = np.linspace(-97.5, 97.5, 40)
assert abs(r_com_ms(7 * shape, times) - r_com_ms(shape, times)) < 1e-9  # loudness does not matter
assert abs(r_com_ms(shape[::-1], times) - r_com_ms(shape, times)) < 1e-9  # nor left and right
assert abs(r_com_ms(shape, 2 * times) - 2 * r_com_ms(shape, times)) < 1e-9
### END HIDDEN TESTS

# %% [markdown]
# ## 2. What does the number mean?
#
# A span is one number for a whole shape. So know your shapes. In the picture: a box 100 ms wide, a bell (standard deviation 50 ms), a two-sided
# exponential (constant 30 ms), and a box on a floor.

# %%
edges, offsets = spans.offset_bins(500, 1)
box = (np.abs(offsets) < 50) / 100
shapes = {
    "box, 100 ms": box,
    "bell, 50 ms": np.exp(-(offsets**2) / (2 * 50**2)) / (50 * np.sqrt(2 * np.pi)),
    "exponential, 30 ms": np.exp(-np.abs(offsets) / 30) / 60,
    "box on a floor": 0.9 * box + 0.1 / 1000,
}
figure, axes = plt.subplots(1, 4, figsize=(7, 1.8), sharey=True)
for axis, (name, energy) in zip(axes, shapes.items(), strict=True):
    axis.fill_between(offsets, 100 * energy, color="#0072B2", alpha=0.4, lw=0)
    axis.set(title=name, xlim=(-200, 200))
    axis.title.set_fontsize(7.5)
axes[0].set(ylabel="energy (% per ms)")
figure.supxlabel("time from the centre (ms)", fontsize=8)
plt.show()

# %% [markdown]
# **Exercise 3 (by hand).** (a) In the box, $|\tau|$ takes every value from 0 to 50 ms alike. What is its mean, and so the span $2 r_\mathrm{com}$?
# (b) An exponential with constant $a$ has its mean at $a$. Span of $a$ = 30 ms? (c) For a bell, the mean of $|\tau|$ is $s \sqrt{2/\pi}$. Span of $s$ = 50 ms?

# %% nbgrader={"grade": false, "grade_id": "box_span_ms", "locked": false, "schema_version": 3, "solution": true, "task": false}
box_span_ms = None  # (a), in ms
### BEGIN SOLUTION
box_span_ms = 2 * (0 + 50) / 2
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "box_span_ms_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("box_span_ms", box_span_ms)

# %% nbgrader={"grade": false, "grade_id": "exponential_span_ms", "locked": false, "schema_version": 3, "solution": true, "task": false}
exponential_span_ms = None  # (b), in ms
### BEGIN SOLUTION
exponential_span_ms = 2 * 30
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "exponential_span_ms_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("exponential_span_ms", exponential_span_ms)

# %% nbgrader={"grade": false, "grade_id": "gaussian_span_ms", "locked": false, "schema_version": 3, "solution": true, "task": false}
gaussian_span_ms = None  # (c), in ms
### BEGIN SOLUTION
gaussian_span_ms = 2 * 50 * np.sqrt(2 / np.pi)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "gaussian_span_ms_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("gaussian_span_ms", gaussian_span_ms)

# %% [markdown]
# A model that listens to exactly the 100 ms of a cue, and to all of it alike, has a span of *50* ms. Bear it in mind when you compare spans with cue
# widths: the same number for two different things would be a coincidence.
#
# **The floor.** Gradients are never quite zero far out. A model that is flat over the whole window of $\pm 500$ ms has a span of 500 ms. This is
# **the null**: what one gets when there is nothing to be got. A little of it goes a long way, since far-out energy counts with its distance.
#
# **Exercise 4 (by hand).** Nine tenths of the energy in a box of 100 ms, one tenth spread evenly over $\pm 500$ ms. The span?

# %% nbgrader={"grade": false, "grade_id": "floor_span_ms", "locked": false, "schema_version": 3, "solution": true, "task": false}
floor_span_ms = None  # in ms
### BEGIN SOLUTION
floor_span_ms = 0.9 * 50 + 0.1 * 500  # r_com is a mean over energy, so spans mix as energies do
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "floor_span_ms_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("floor_span_ms", floor_span_ms)

# %% [markdown]
# Did the machine agree? And how do other windows, and other measures, take the floor? `r50` and `r90` are the radii that hold 50 and 90 % of the energy.

# %%
rows = {}
for window_ms in (300, 500, 1000):
    edges, offsets = spans.offset_bins(window_ms, 1)
    box = (np.abs(offsets) < 50) / 100
    energy = 0.9 * box + 0.1 / 1000  # the same floor, seen through another window
    rows[f"+-{window_ms} ms"] = {
        "span": float(spans.effective_span(energy, offsets)),
        "null": window_ms,
        "r50": float(spans.energy_radius(energy, edges, fraction=0.5)),
        "r90": float(spans.energy_radius(energy, edges, fraction=0.9)),
    }
pd.DataFrame(rows).T.round(0)

# %% [markdown]
# The span moves with the window; `r50` hardly does. Which is why this project writes the window, the null and the radii beside every span.
#
# **Exercise 5 (by hand; the hardest of this lesson).** A token stands near the start of its recording: there is audio only from 250 ms before the centre to 500 ms
# after. What is the span of a model that listens to all of it alike? (The mean of $|\tau|$ over 750 ms: add up the area on both sides.)

# %% nbgrader={"grade": false, "grade_id": "cut_null_span_ms", "locked": false, "schema_version": 3, "solution": true, "task": false}
cut_null_span_ms = None  # in ms
### BEGIN SOLUTION
cut_null_span_ms = 2 * (250**2 / 2 + 500**2 / 2) / 750
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "cut_null_span_ms_check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.check("cut_null_span_ms", cut_null_span_ms)

# %% [markdown]
# ## 3. A real gradient
#
# First, probes for Thai, as in lesson 3. Then one token, its recording, and for layer 4 the gradient of the true tone's logit with respect to each
# of the samples.

# %%
vectors = probes.hidden_vectors(encoder, corpus, corpus.tokens)
settings = p.bootstrap.model_dump() | {
    "seed": p.seed,
    "regularisation_c": p.probe.regularisation_c,
    "control_seeds": [0],
}
own_probes = {layer: probes.probe_layer(vectors[layer], corpus.tokens, **settings).probe for layer in encoder.layers}
chosen = gradient_energy.eligible(corpus, n_tokens=p.gradient.n_tokens, min_side_ms=400, seed=p.seed)
token = chosen.iloc[0]
samples, center_s = corpus.audio(token["utterance_id"]), token["center_s"]
layer_gradients = gradients.input_gradients(encoder, own_probes, samples, [center_s], [token["tone"]])
display(Audio(samples, rate=SAMPLE_RATE))

# %%
from_centre_ms = 1000 * (np.arange(samples.size) / SAMPLE_RATE - center_s)
edges, offsets = spans.offset_bins(p.gradient.window_ms, p.gradient.bin_ms)
energy = gradient_energy.energy_over_offset(encoder, layer_gradients["4"], [center_s], edges)[0]
r_com = float(spans.center_of_mass_radius(energy, offsets))
figure, axes = plt.subplots(3, 1, figsize=(7, 4.4), sharex=True)
axes[0].plot(from_centre_ms, samples, color="0.4", linewidth=0.4)
axes[1].plot(from_centre_ms, layer_gradients["4"][0], color="#0072B2", linewidth=0.4)
axes[2].bar(offsets, 100 * spans.normalise(energy), width=10, color="#0072B2")
axes[2].axhline(100 / offsets.size, **style.NULL)
for axis, name in zip(axes, ("samples", "gradient", "energy (%)"), strict=True):
    axis.set(ylabel=name, xlim=(-500, 500))
    axis.axvspan(-r_com, r_com, color="#D55E00", alpha=0.15, lw=0)
axes[0].set_title(
    f"tone {token['tone']}, layer 4: r_com {r_com:.0f} ms (shaded), span {2 * r_com:.0f} ms; dotted: the null"
)
axes[2].set(xlabel="time from the tone centre (ms)")
plt.show()

# %% [markdown]
# Most of the energy lies in the syllable itself, but there are islands in the quiet stretches before and after it (where little sounds, a nudge is large against what is there), and far islands weigh heavily: this token's
# span is one of the longer ones. One token is an anecdote; section 5 takes thirty. Listen through the model's ears: only what lies within the shaded radius, three times.

# %%
inside = samples[np.abs(from_centre_ms) <= r_com]
display(Audio(np.tile(np.pad(inside, (0, SAMPLE_RATE // 2)), 3), rate=SAMPLE_RATE))

# %% [markdown]
# ## 4. Do you believe the gradient?
#
# A wrong gradient makes a lovely picture, too. There is a test that needs no trust: *nudge*. Add a little to one sample, subtract a little, and see
# by how much the answer moved:
#
# $$ \frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2 h} $$
#
# Both sides, up and down, because then the curvature of $f$ cancels.
#
# **Exercise 6.** Write it for a function `f` of a short array.


# %% nbgrader={"grade": false, "grade_id": "finite_difference", "locked": false, "schema_version": 3, "solution": true, "task": false}
def finite_difference(f, x, step):
    """The gradient of f at x (n,), one number for each x[i], by nudging up and down by step."""
    ### BEGIN SOLUTION
    gradient = np.empty(x.size)
    for i in range(x.size):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        gradient[i] = (f(up) - f(down)) / (2 * step)
    return gradient
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "finite_difference_check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
checks.check("finite_difference", finite_difference)
### BEGIN HIDDEN TESTS
assert np.allclose(finite_difference(lambda x: float(x @ [1.0, -2.0, 0.5]), np.zeros(3), 0.1), [1.0, -2.0, 0.5])
kept = np.array([1.0, 2.0])
finite_difference(lambda x: float(x.sum()), kept, 0.1)
assert (kept == [1.0, 2.0]).all()  # the input is left as it was
### END HIDDEN TESTS

# %% [markdown]
# The big model has tens of thousands of samples to nudge. But a direction can be nudged as a whole: along the gradient itself the logit must move by the
# gradient's squared length. We ask the network, not the formula:

# %%
prepared = encoder.prepare(samples)
frame, tone = encoder.frame_at(center_s, samples.size), own_probes["4"].classes.index(token["tone"])
direction = layer_gradients["4"][0] / np.linalg.norm(layer_gradients["4"][0])
step = 0.03  # small against the length of the recording, large against rounding
logits = []
for sign in (1, -1):
    nudged = prepared + sign * step * prepared.new_tensor(direction)
    hidden = encoder.forward(nudged)["4"][0, frame].numpy()
    logits.append(float(own_probes["4"].logits(hidden[None])[0, tone]))
print(f"by nudging:  {(logits[0] - logits[1]) / (2 * step):.4f}")
print(f"by gradient: {np.linalg.norm(layer_gradients['4'][0]):.4f}")

# %% [markdown]
# ## 5. All layers, many tokens
#
# Thirty test tokens. Each token's energy is scaled to 1 before they are averaged, so that a loud one does not speak for all.

# %%
measured = gradient_energy.measure(encoder, own_probes, corpus, chosen, edges, target="true", wrt="waveform")
tabulated = gradient_energy.tabulate(
    {"th": [measured]}, [0], edges, condition="mini/vanilla", seed=p.seed, **p.bootstrap.model_dump()
)
columns = ["layer", "span_ms", "ci_low_ms", "ci_high_ms", "r50_ms", "r90_ms", "null_span_ms"]
tabulated["spans"][columns].set_index("layer").round(0)

# %%
figure, axes = plt.subplots(1, 2, figsize=(7, 2.8), width_ratios=(3, 2))
mesh = energy_maps.energy_map(axes[0], tabulated["energy"], tabulated["energy_null"], tabulated["spans"])
figure.colorbar(mesh, ax=axes[0], label="energy, log2 of multiples of the null")
axes[0].set(xlabel="time from the tone centre (ms)", ylabel="layer", title="white ticks: r_com")
curves.spans_by_layer(axes[1], tabulated["spans"], color=style.LANGUAGE_COLORS["th"])
axes[1].axhline(100, color="0.3", linestyle="--", label="planted cue")
axes[1].set(xlabel="layer", ylabel="effective span (ms)")
axes[1].legend(fontsize=6.5)
plt.show()

# %% [markdown]
# `cnn` cannot look further than its 25 ms, and it does not: a good sign for the instrument. Layer `0` could look 640 ms wide (its positional
# convolution spans 32 frames) and looks about 100. The blocks above could look at everything, and look less than 200 wide,
# far under the null of 500.
#
# **Exercise 7 (in words; your teacher reads it).** In the upper layers the span is nearly twice the planted cue of 100 ms. A newspaper writes: "AI
# listens to twice as much as it needs." Give two reasons why this does not follow, using exercises 3 and 4, and say what you would look at to decide.

# %% [markdown] nbgrader={"grade": true, "grade_id": "twice_as_much", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# First, a span is no width: a model that listened to exactly the 100 ms would have a span of 50 ms, one that weighs the edges of the cue most would have
# up to 100. So the comparison of the two numbers means nothing without the shape. Second, the span is a mean that a low floor
# drags out: with a tenth of the energy spread over the whole window, 50 becomes 95, although nine tenths lie in the cue. To decide, look
# at the profile itself against the null, at r50 (here around 70 ms: half of the energy lies within +-70 ms) and r90, and at
# another window; calibrate by planting cues of other widths and seeing how the span follows. And listening wider may be useful: a
# pitch needs a reference, and the surroundings give one.
# ### END SOLUTION

# %% [markdown]
# ## What to take along
#
# Energy is a squared gradient; the span is twice its mean distance; it comes with a window, a null, and a shape. Never quote it alone. In lesson 5 we change the model
# and ask whether the span changes, and whether we should believe it.
#
# **Further reading**
#
# - K. Simonyan, A. Vedaldi & A. Zisserman (2014). Deep inside convolutional networks: visualising image classification models and saliency maps.
#   *ICLR Workshop*. The gradient as a picture.
# - W. Luo, Y. Li, R. Urtasun & R. Zemel (2016). Understanding the effective receptive field in deep convolutional neural networks. *NeurIPS*. What a
#   network could see, and what it looks at.
# - M. Sundararajan, A. Taly & Q. Yan (2017). Axiomatic attribution for deep networks. *ICML*.
# - J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt & B. Kim (2018). Sanity checks for saliency maps. *NeurIPS*. Read this one.
