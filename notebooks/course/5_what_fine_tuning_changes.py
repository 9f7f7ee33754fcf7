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
# # Lesson 5. What fine-tuning changes, and how to tell whether to believe it
#
# About 90 minutes, and an evening with a microphone. You need: lessons 1 to 4.
#
# Take a model that listens to tone over some span. Teach it a task, such as recognising emotions. Does it then listen further? The paper behind this project says
# so. Here you see it happen, in a few minutes and in miniature, and learn the questions that such a result has to survive.
#
# **When you are through, you can**
#
# - fine-tune a model on a task, and on a *control* that differs from it in one thing only;
# - check that it learned its task before reading anything into it;
# - compare two models on the same tokens, with an interval, and give a verdict;
# - say how many surprises to expect by chance;
# - measure a recording of your own.

# %% tags=["parameters"]
params_path = "course"

# %%
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import soundfile
from IPython.display import Audio, display

from tonespan_utils.audio import reading as audio
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import nucleus, sources
from tonespan_utils.corpus.synthetic import pitch, readings, rendering
from tonespan_utils.corpus.synthetic.spellers.speller import speller
from tonespan_utils.course import checks
from tonespan_utils.encoders import checkpoints
from tonespan_utils.finetune import conditions as finetune
from tonespan_utils.instrument import f0, features, gradient_energy, gradients, pooling, probes, spans
from tonespan_utils.params import profile
from tonespan_utils.plots import style
from tonespan_utils.statistics import bootstrap

p = profile.load(params_path)
sources.prepare(p)
corpus = sources.load(p, "th")
plt.style.use(style.STYLE)

# %% [markdown]
# ## 1. Two trainings
#
# Each of our synthetic utterances is spoken in one of four styles that stand for emotions: neutral, happy, sad, angry. They differ in height, range, speed and
# loudness, *over the whole utterance*. Hear one voice in all four:

# %%
people = corpus.utterances[corpus.utterances["speaker"] == corpus.utterances["speaker"].iloc[0]]
for emotion, utterances in people.groupby("emotion"):
    print(emotion)
    display(Audio(corpus.audio(utterances["utterance_id"].iloc[0]), rate=SAMPLE_RATE))

# %% [markdown]
# Two models start from the same `tonespan-wide` and get the same 60 updates on the same speech.
#
# - **emotion**: each utterance with its own label.
# - **shuffled_emotion**: the same labels, shuffled over the utterances. There is nothing to learn but noise. Whatever changes here, *any* training changes.
#
# (About a minute.)

# %%
conditions = ["mini/emotion", "mini/shuffled_emotion"]
trained = {condition: finetune.run(p, condition, seed=0) for condition in conditions}
scores = {condition: tuned.scores.set_index("metric")["value"] for condition, tuned in trained.items()}
pd.DataFrame(scores).T.round(2)

# %% [markdown]
# ## 2. First question: did it learn its task?
#
# `macro_f1` on test speakers, its 95 % interval, and its null: the same predictions held against shuffled references. A model that did not learn
# emotion says nothing about what emotion does to a model.
#
# **Exercise 1.** Read the table: which of the two learned to tell emotions?

# %% nbgrader={"grade": false, "grade_id": "did_it_learn", "locked": false, "schema_version": 3, "solution": true, "task": false}
did_it_learn = None  # "emotion", "shuffled_emotion", "both" or "neither"
### BEGIN SOLUTION
did_it_learn = "emotion"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "did_it_learn_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("did_it_learn", did_it_learn)

# %% [markdown]
# ## 3. The same measurement for all three
#
# Probes and gradients as in lessons 3 and 4, on the same thirty Thai test tokens for the untouched model (*vanilla*) and the two trained ones. (Half a minute.)

# %%
edges, offsets = spans.offset_bins(p.gradient.window_ms, p.gradient.bin_ms)
chosen = gradient_energy.eligible(corpus, n_tokens=p.gradient.n_tokens, min_side_ms=p.gradient.min_side_ms, seed=p.seed)
settings = p.bootstrap.model_dump() | {
    "seed": p.seed,
    "regularisation_c": p.probe.regularisation_c,
    "control_seeds": [0],
}
models, own_probes, measured, tone_f1 = {}, {}, {}, {}
for condition in ["mini/vanilla", *conditions]:
    models[condition] = encoder = checkpoints.load_condition(p, condition, seed=0)
    frames = features.of_corpus(encoder, corpus, cache_dir=p.data / "features")
    vectors = probes.hidden_vectors(encoder, corpus, corpus.tokens, features=frames)
    results = {layer: probes.probe_layer(vectors[layer], corpus.tokens, **settings) for layer in encoder.layers}
    own_probes[condition] = {layer: result.probe for layer, result in results.items()}
    tone_f1[condition] = {layer: result.macro_f1 for layer, result in results.items()}
    measured[condition] = gradient_energy.measure(
        encoder, own_probes[condition], corpus, chosen, edges, target="true", wrt="waveform"
    )
pd.DataFrame(tone_f1).round(2)

# %% [markdown]
# Do the probes still find tone everywhere? Then a difference in spans is a difference in *how* the model listens to tone, not in whether it does.

# %%
styles = {"mini/vanilla": ("#000000", "o"), "mini/emotion": ("#D55E00", "D"), "mini/shuffled_emotion": ("0.6", ".")}
figure, axis = plt.subplots(figsize=(6, 3))
for condition, (color, marker) in styles.items():
    result = measured[condition]
    pooled = [
        pooling.pooled_span(energy, result.null, result.utterances, edges, seed=p.seed, **p.bootstrap.model_dump())
        for energy in result.energy.values()
    ]
    axis.plot([span.span_ms for span in pooled], color=color, marker=marker, label=condition.removeprefix("mini/"))
    axis.fill_between(
        range(len(pooled)),
        [span.ci_low_ms for span in pooled],
        [span.ci_high_ms for span in pooled],
        color=color,
        alpha=0.12,
        lw=0,
    )
axis.axhline(pooled[0].null_span_ms, label="flat null", **style.NULL)
axis.set(
    xlabel="layer",
    ylabel="effective span (ms)",
    ylim=(0, None),
    xticks=range(len(pooled)),
    xticklabels=list(result.energy),
)
axis.legend(fontsize=6.5)
plt.show()

# %% [markdown]
# Emotion lifts the upper layers; the shuffled control stays with vanilla; the lowest layers do not move. Is it luck? The shaded intervals are those of each
# model *by itself*. But the models were measured on the *same* tokens, and a token with a long span in one tends to have a long one in the
# other. That can be used.

# %%
top = {name: 2 * spans.center_of_mass_radius(result.energy["final"], offsets) for name, result in measured.items()}
figure, axes = plt.subplots(1, 2, figsize=(6, 3), sharex=True, sharey=True)
for axis, condition in zip(axes, conditions, strict=True):
    axis.plot(top["mini/vanilla"], top[condition], "o", color=styles[condition][0])
    axis.axline((0, 0), slope=1, **style.NULL)
    axis.set(title=condition.removeprefix("mini/"), xlabel="span in vanilla (ms)", xlim=(0, 800), ylim=(0, 800))
axes[0].set(ylabel="span after training (ms)")
plt.show()

# %% [markdown]
# Each dot is a token, in the layer `final`. On the dotted line nothing has changed.
#
# ## 4. Paired differences
#
# **Exercise 2.** Draw tokens with putting back, *the same for both models*, and take the mean difference, after minus before. The draws are given: each row of `draws`
# holds the numbers of the drawn tokens, so `values[draws]` is (draw, token). Give back the 2.5 % and 97.5 % quantiles of the means.


# %% nbgrader={"grade": false, "grade_id": "paired_interval", "locked": false, "schema_version": 3, "solution": true, "task": false}
def paired_interval(before, after, draws):
    """The 95 % interval [low, high] of the mean of after - before (token,), over draws (draw, token)."""
    ### BEGIN SOLUTION
    means = (after - before)[draws].mean(axis=1)
    return np.quantile(means, [0.025, 0.975])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "paired_interval_check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
checks.check("paired_interval", paired_interval)
### BEGIN HIDDEN TESTS
before, draws = np.arange(20.0) ** 2, np.random.default_rng(5).integers(20, size=(300, 20))
assert np.allclose(paired_interval(before, before + 4.0, draws), 4.0)  # the same change for all: no doubt at all
### END HIDDEN TESTS

# %% [markdown]
# The package does the same, and better in one respect: it draws whole utterances. Three comparisons, by layer: each training against vanilla, and emotion against its
# control.

# %%
comparisons = [
    ("mini/vanilla", "mini/emotion"),
    ("mini/vanilla", "mini/shuffled_emotion"),
    ("mini/shuffled_emotion", "mini/emotion"),
]
rows = []
for before, after in comparisons:
    for layer in encoder.layers:
        old, new = (2 * spans.center_of_mass_radius(measured[name].energy[layer], offsets) for name in (before, after))
        weights = bootstrap.resample_rows(measured[after].utterances, n_resamples=1000, seed=p.seed)
        low, high = np.quantile(weights @ (new - old) / weights.sum(axis=1), [0.025, 0.975])
        what = f"{after.removeprefix('mini/')} - {before.removeprefix('mini/')}"
        rows.append({"comparison": what, "layer": layer, "text": f"{np.mean(new - old):.0f} [{low:.0f}, {high:.0f}]"})
pd.DataFrame(rows).pivot(index="layer", columns="comparison", values="text").loc[encoder.layers]

# %% [markdown]
# Look at the control first. Its differences are small, but not all of its intervals contain 0: noise is no task, yet training on noise moves a model a little all the
# same. So 0 is the wrong yardstick for emotion. The column that answers the question is *emotion - shuffled_emotion*: same speech, same updates, the labels
# alone are different.
#
# ## 5. A verdict, and its price
#
# The claim: *training on this task makes spans longer*. From an interval one of three verdicts follows. **Supported**: the whole interval lies above 0. **Not supported**: the
# whole interval lies at or below 0. **Undecided**: it contains 0 and more. The third is an honest answer, and the commonest.
#
# **Exercise 3.** Write it.


# %% nbgrader={"grade": false, "grade_id": "verdict", "locked": false, "schema_version": 3, "solution": true, "task": false}
def verdict(low, high):
    """ "supported", "not supported" or "undecided", of the claim that a difference is greater than 0."""
    ### BEGIN SOLUTION
    if low > 0:
        return "supported"
    return "not supported" if high <= 0 else "undecided"
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "verdict_check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.check("verdict", verdict)
### BEGIN HIDDEN TESTS
assert verdict(0.0, 3.0) == "undecided"
assert verdict(-3.0, 0.0) == "not supported"
### END HIDDEN TESTS

# %% [markdown]
# **Exercise 4.** Now the price. Suppose a training changes nothing. An interval of 95 % then misses 0 in 5 % of cases: a *false alarm*. You look at $n$ layers, models and
# languages (take them for independent). What is the chance of at least one false alarm?


# %% nbgrader={"grade": false, "grade_id": "false_alarm", "locked": false, "schema_version": 3, "solution": true, "task": false}
def false_alarm(n_tests):
    """The chance of one or more false alarms in n independent tests at 5 % each."""
    ### BEGIN SOLUTION
    return 1 - 0.95**n_tests
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "false_alarm_check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.check("false_alarm", false_alarm)
### BEGIN HIDDEN TESTS
assert abs(false_alarm(60) - 0.954) < 0.001
### END HIDDEN TESTS

# %% [markdown]
# With twenty looks it is 64 %. So: say beforehand where you will look, or count the looks. One layer that stands out by a hair is no discovery; five neighbouring
# layers by 70 ms and more, against the control, are another matter.
#
# ## 6. What would you still ask?
#
# **Exercise 5 (in words; your teacher reads it).** You review a paper with the first figure of section 3, and only the black and the orange line. List what must be
# there before you believe "emotion training makes models listen further". For each, say which part of this lesson answers it, and name two doubts
# that this lesson leaves open.

# %% [markdown] nbgrader={"grade": true, "grade_id": "review", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# That the model learned emotion (score, interval, null: section 2). That the change comes from the task and not from training as such (shuffled labels: grey
# line). That the probes still find tone, so that the gradients speak of tone (table of section 3). That the difference is tested on the same tokens, in pairs, resampling utterances
# (section 4), with a stated rule and a count of looks (section 5). The null of the span, and its window. Open: one seed, so we do not know
# how another draw of the training would come out; one language, synthetic speech, one small encoder; "emotions" that are
# built into the whole utterance, so that listening long is what the task rewards; whether longer spans matter for anything; and whether the layer was chosen
# before or after seeing the figure.
# ### END SOLUTION

# %% [markdown]
# ## 7. Your own voice
#
# Last, something no synthesiser has said. Record one syllable with a tone: any recorder, a quiet room, a hand's breadth from the microphone; one clear
# vowel; half a second of silence before and after; saved as wav, flac, mp3, ogg or opus (telephones write m4a: convert it, or use Praat's *Record mono sound*).
# Upload it beside this notebook and write its name below. Without a tone language, say *paa* as a question and as an answer. (Begin with p, t or k: after m or l the
# machine takes the consonant for a part of the vowel.)
#
# With `None`, a synthetic syllable stands in, so that everything below can be tried out.

# %%
my_recording = None  # for example "my_paa.wav"
my_center_s = None  # the middle of the vowel in seconds, if the machine gets it wrong

# %%
spare = p.data / "recordings" / "paa.wav"
if my_recording is None:
    spare.parent.mkdir(parents=True, exist_ok=True)
    paa = next(frame for frame in speller("th").frames if frame.ipa == "paː")
    reading = replace(next(readings.readings("th", n_speakers=16, seed=p.seed)), syllables=((paa, "F"),))
    clear = pitch.Wander(**p.synthetic.movement)
    said, _ = rendering.render(reading, language="th", span_ms=100.0, wander=clear)
    soundfile.write(spare, said, SAMPLE_RATE)
samples = audio.read(Path(my_recording) if my_recording else spare)
vowel = nucleus.find_nucleus(samples)  # the longest loud voiced stretch
center_s = my_center_s or vowel.center_s
times_s, hz = f0.track(samples, floor_hz=110, ceiling_hz=500, step_ms=5)
figure, (top_axis, bottom_axis) = plt.subplots(2, 1, figsize=(7, 3), sharex=True)
top_axis.plot(np.arange(samples.size) / SAMPLE_RATE, samples, color="0.4", linewidth=0.4)
bottom_axis.plot(times_s, hz, ".", color="#0072B2", markersize=3)
for axis in (top_axis, bottom_axis):
    axis.axvspan(vowel.start_s, vowel.end_s, color="#D55E00", alpha=0.15, lw=0)
    axis.axvline(center_s, color="#D55E00")
bottom_axis.set(xlabel="time (s)", ylabel="F0 (Hz)")
plt.show()
display(Audio(samples, rate=SAMPLE_RATE))

# %% [markdown]
# Is the shaded stretch your vowel, and the line its middle? If not, read the middle off the picture and write it into `my_center_s`: a wrong centre gives a wrong tone.
#
# **Exercise 6.** Put together what you have learned in five lessons. Write `measure`, which takes samples and a centre, and gives back a dictionary:
#
# - `"f0_hz"`: the median F0 of the voiced frames within 50 ms of the centre (`f0.track` with floor 60, ceiling 500, step 10 ms; `np.nanmedian`);
# - `"tone"`: what the probe of the layer `final` of the vanilla model predicts at the centre (`encoder.hidden_at`, `probe.predict`);
# - `"span_ms"`: layer -> span of that tone's logit, from energy in 10 ms bins over +-500 ms (`gradients.input_gradients`, `gradient_energy.energy_over_offset`,
#   `spans.effective_span`).


# %% nbgrader={"grade": false, "grade_id": "measure", "locked": false, "schema_version": 3, "solution": true, "task": false}
def measure(samples, center_s):
    """F0, tone and spans of one syllable in samples (n,) at 16 kHz, with its centre at center_s."""
    encoder, layer_probes = models["mini/vanilla"], own_probes["mini/vanilla"]
    edges, offsets = spans.offset_bins(500, 10)
    ### BEGIN SOLUTION
    times_s, hz = f0.track(samples, floor_hz=60, ceiling_hz=500, step_ms=10)
    near = np.abs(times_s - center_s) <= 0.05
    tone = str(layer_probes["final"].predict(encoder.hidden_at(samples, [center_s])["final"])[0])
    maps = gradients.input_gradients(encoder, layer_probes, samples, [center_s], [tone])
    energy = {layer: gradient_energy.energy_over_offset(encoder, g, [center_s], edges)[0] for layer, g in maps.items()}
    span_ms = {layer: float(spans.effective_span(shares, offsets)) for layer, shares in energy.items()}
    return {"f0_hz": float(np.nanmedian(hz[near])), "tone": tone, "span_ms": span_ms}
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "measure_check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
checks.check_measured(measure(samples, center_s), models["mini/vanilla"], own_probes["mini/vanilla"], samples, center_s)
### BEGIN HIDDEN TESTS
example = corpus.audio(chosen["utterance_id"].iloc[0]), float(chosen["center_s"].iloc[0])
checks.check_measured(measure(*example), models["mini/vanilla"], own_probes["mini/vanilla"], *example)
### END HIDDEN TESTS

# %% [markdown]
# **Exercise 7 (in words; your teacher reads it).** Which tone did the model predict in *your* recording, and how wide did it look, against which null? The probe knows synthetic Thai
# only. What would you need before you could say anything about your language?

# %% [markdown] nbgrader={"grade": true, "grade_id": "my_recording_says", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# An answer names the file, its F0, the tone that the probe predicts, the span of a layer with the null of *this* recording (with less than 500 ms on a side, the null is under 500), and does
# not take the tone for a finding: the probe was trained on five synthetic Thai tones and has to call everything one of them. To say something about a language one
# would need recordings of several speakers with labelled tones and nuclei (a labels.csv or TextGrids, see docs/your-corpus.md), probes trained on some
# of the speakers and tested on others, chance, a control task and the untrained model, the acoustic cue width on the same recordings, and intervals over utterances
# and speakers.
# ### END SOLUTION

# %% [markdown]
# ## What to take along
#
# A finding is a difference that survives its control, its null, its interval, and the count of looks. The whole study of this repository is these lessons, at length:
# `make paper`.
#
# **Further reading**
#
# - J. Adebayo et al. (2018). Sanity checks for saliency maps. *NeurIPS*. Shuffled labels as a test of explanations.
# - K. R. Scherer (2003). Vocal communication of emotion: a review of research paradigms. *Speech Communication* 40, 227-256.
# - A. C. Cameron, J. B. Gelbach & D. L. Miller (2008). Bootstrap-based improvements for inference with clustered errors. *Review of Economics and Statistics* 90(3), 414-427.
# - A. Gelman & E. Loken (2014). The statistical crisis in science. *American Scientist* 102(6), 460-465. The garden of forking paths.
# - S.-w. Yang et al. (2021). SUPERB: Speech processing Universal PERformance Benchmark. *Interspeech*. What these models are fine-tuned for.
