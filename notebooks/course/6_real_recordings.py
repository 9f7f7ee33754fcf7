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
# # Lesson 6. Real recordings: the ruler, the knee, and when not to believe a span
#
# About 80 minutes. You need: lessons 1 to 4.
#
# In the first five lessons we knew the answer, since we had planted it. Of a real recording nobody knows it. So before we measure one, we
# ask what our instruments say of widths that we *do* know. That is calibration. Then comes a second instrument, which does not ask where the
# model is sensitive but what it *uses*. And then real speech, with all the ways in which a number can be worthless.
#
# **When you are through, you can**
#
# - calibrate an estimator: draw its answers over planted widths, read slope and intercept, and turn an answer back into a width;
# - say what the margin knee is, and find the knee of a curve;
# - measure recordings of a voice, yours or ours, with one call;
# - name four reasons not to believe a span, and check each of them.

# %% tags=["parameters"]
params_path = "course"

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Audio, display

from tonespan_utils import measure_span
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import sources
from tonespan_utils.course import checks, real_speech
from tonespan_utils.encoders import checkpoints
from tonespan_utils.params import profile
from tonespan_utils.plots import style
from tonespan_utils.study import calibration

p = profile.load(params_path)
encoder = checkpoints.load_condition(p, "mini/vanilla", seed=0)
plt.style.use(style.STYLE)

# %% [markdown]
# ## 1. A ruler
#
# Four small corpora of synthetic Lao: the same sentences, the same voices, the same random numbers. One thing differs: the tone lives within 90,
# 120, 150 or 180 ms. (They are made once; half a minute.)

# %%
corpora, rulers = {}, {}
for span_ms in (90.0, 120.0, 150.0, 180.0):
    planted = calibration.planted(p, span_ms)
    sources.prepare(planted)
    corpora[span_ms] = sources.load(planted, p.validity.language)
    rulers[span_ms] = real_speech.of_corpus(corpora[span_ms], n_tokens=300)
display(Audio(rulers[180.0].audio[0], rate=SAMPLE_RATE))
print(f"180 ms: tones {', '.join(rulers[180.0].tones[0])}")

# %% [markdown]
# `measure_span` is the whole of lessons 3 and 4 in one call: probes on some speakers, scores on others, gradients, spans with intervals and nulls. It also
# measures the *margin knee*, which section 2 is about. We ask it about each corpus.

# %%
settings = {"n_tokens": 12, "n_knee_tokens": 16, "n_resamples": 200, "random_seeds": (), "seed": p.seed}
settings["half_widths_ms"] = (15, 30, 45, 60, 80, 100, 130)  # of the pitch that is kept or taken away
measured = {
    span_ms: measure_span(encoder, clips.audio, clips.centers_s, clips.tones, groups=clips.groups, **settings)
    for span_ms, clips in rulers.items()
}
layer = "1"  # it knows most of the contour; the layers above rely on less of it
answers = pd.DataFrame(
    {
        span_ms: {
            "F1": result.layers.set_index("layer")["macro_f1"][layer],
            "span 2 r_com": result.layers.set_index("layer")["span_ms"][layer],
            "margin knee": result.knees.set_index("layer")["knee_ms"][layer],
        }
        for span_ms, result in measured.items()
    }
).T
answers.rename_axis("planted (ms)").round(2)

# %% [markdown]
# What a perfect instrument would say lies on the dotted line. An instrument with a slope of 1 and an intercept is as good: take the intercept off. An instrument
# whose slope is near 0 says the same of every cue: no correction helps it, because it does not measure the cue.

# %%
figure, axis = plt.subplots(figsize=(4.4, 3))
for name, color, marker in (("span 2 r_com", "#0072B2", "o"), ("margin knee", "#D55E00", "D")):
    axis.plot(answers.index, answers[name], color=color, marker=marker, label=f"{name}, layer {layer}")
axis.axline((90, 90), slope=1, **style.NULL)
axis.set(xlabel="planted width (ms)", ylabel="answer (ms)", xlim=(0, 200), ylim=(0, 320))
axis.legend()
plt.show()

# %% [markdown]
# **Exercise 1.** Fit the line: slope and intercept of what was measured over what was planted, by least squares (`np.polyfit`).


# %% nbgrader={"grade": false, "grade_id": "line_of_answers", "locked": false, "schema_version": 3, "solution": true, "task": false}
def line_of_answers(planted_ms, measured_ms):
    """The least-squares line of measured_ms (width,) over planted_ms (width,): (slope, intercept)."""
    ### BEGIN SOLUTION
    slope, intercept = np.polyfit(planted_ms, measured_ms, 1)
    return slope, intercept
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "line_of_answers_check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.check("line_of_answers", line_of_answers)
### BEGIN HIDDEN TESTS
assert np.allclose(line_of_answers(np.array([1.0, 2.0, 4.0]), np.array([5.0, 7.0, 11.0])), (2.0, 3.0))
### END HIDDEN TESTS

# %% [markdown]
# Three widths make a weak line: two numbers are fitted to three. The study plants five widths in one language and three in another, with intervals
# (`make validity`).
#
# **Exercise 2 (by hand).** An estimator has a slope of 0.8 and an intercept of 20 ms. On a new language it says 108 ms. How wide is the cue?

# %% nbgrader={"grade": false, "grade_id": "width_of_knee_ms", "locked": false, "schema_version": 3, "solution": true, "task": false}
width_of_knee_ms = None  # in ms
### BEGIN SOLUTION
width_of_knee_ms = (108 - 20) / 0.8
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "width_of_knee_ms_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("width_of_knee_ms", width_of_knee_ms)

# %% [markdown]
# ## 2. The margin knee
#
# A gradient says where a *small* change would move the answer. It does not say what the answer rests on. For that, take something away. Resynthesise each token
# with its pitch only within a half-width $h$ of the centre, and level beyond it; and see how far the probe still prefers the true tone. That is its
# **margin**: the logit of the true tone minus the mean of the others. As $h$ grows the margin rises, until all is there that the model uses. Where the rise ends, the
# curve has a *knee*.
#
# A made-up curve, without noise:

# %%
half_widths_ms = np.arange(0.0, 161.0, 10.0)
toy = 0.2 + 1.8 * np.minimum(half_widths_ms, 60) / 60
figure, axis = plt.subplots(figsize=(4.4, 2.4))
axis.plot(half_widths_ms, toy, color="#D55E00", marker="o")
axis.set(xlabel="pitch kept within +- h (ms)", ylabel="margin (logits)", ylim=(0, 2.4))
plt.show()

# %% [markdown]
# **Exercise 3 (by hand).** How wide is the stretch of pitch that this model uses? The knee is a *width*, as the planted one is.

# %% nbgrader={"grade": false, "grade_id": "knee_by_eye_ms", "locked": false, "schema_version": 3, "solution": true, "task": false}
knee_by_eye_ms = None  # in ms
### BEGIN SOLUTION
knee_by_eye_ms = 2 * 60
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "knee_by_eye_ms_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("knee_by_eye_ms", knee_by_eye_ms)

# %% [markdown]
# **Exercise 4.** Now a machine for it. Try each half-width inside the curve (not the first, not the last) as the meeting point of two straight lines, fit both by
# least squares, and keep the meeting point that leaves the smallest sum of squares. Give back the knee, a width.


# %% nbgrader={"grade": false, "grade_id": "knee_ms", "locked": false, "schema_version": 3, "solution": true, "task": false}
def knee_ms(half_widths_ms, margin):
    """Twice the half-width at which two lines that meet there fit margin (half-width,) best."""
    ### BEGIN SOLUTION
    left_over = []
    for meeting in half_widths_ms[1:-1]:
        offsets = half_widths_ms - meeting
        columns = np.column_stack([np.ones(offsets.size), np.minimum(offsets, 0), np.maximum(offsets, 0)])
        weights = np.linalg.lstsq(columns, margin, rcond=None)[0]
        left_over.append(np.square(margin - columns @ weights).sum())
    return 2 * half_widths_ms[1:-1][np.argmin(left_over)]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "knee_ms_check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
checks.check("knee_ms", knee_ms)
### BEGIN HIDDEN TESTS
steps = np.arange(0.0, 101.0, 10.0)
assert knee_ms(steps, 5 - 3 * np.minimum(steps, 40)) == 80.0  # a curve that falls has a knee too
assert knee_ms(steps, 7 * np.minimum(steps, 30) + 2) == knee_ms(steps, np.minimum(steps, 30)) == 60.0
### END HIDDEN TESTS

# %% [markdown]
# The package does the same to two curves at once (pitch kept within $\pm h$, and pitch taken away within $\pm h$), begins at the steep part, and says *no knee* where the curve does not
# bend. Why not simply take the steepest place or the highest? Because a curve with noise has its steepest step and its highest value anywhere.
#
# ## 3. A real voice
#
# Now recordings. Write the folder of your own: audio and a `labels.csv` with the columns `file,tone,syllable,speaker`, one isolated syllable per file, some dozens for each tone (see
# `docs/your-corpus.md`). With `None`, Mandarin syllables of one speaker are taken where the repository has them beside it; if not, synthetic speech stands in, and the line below says so.

# %%
my_folder = None  # for example "my_recordings"

# %%
clips = real_speech.clips(my_folder, corpora[120.0], seed=p.seed)
tones = [tone for of_clip in clips.tones for tone in of_clip]
print(clips.source)
pd.Series(tones).value_counts().rename_axis("tone").to_frame("tokens").T

# %%
seen = []
for clip, of_clip in zip(clips.audio, clips.tones, strict=True):
    if of_clip[0] not in seen:
        seen.append(of_clip[0])
        print(of_clip[0])
        display(Audio(clip, rate=SAMPLE_RATE))

# %% [markdown]
# One call, as above. With one speaker the probe is tested on *syllables* that it was not trained on, and that is all it can be tested on: nothing here says anything about another
# voice. This time we also ask the same encoder with its weights shuffled (`random_seeds`).

# %%
settings = {"n_tokens": 16, "n_resamples": 200, "min_side_ms": 150.0, "seed": p.seed}
knee_settings = {"n_knee_tokens": 16, "half_widths_ms": (15, 30, 45, 60, 80, 100, 130)}
real = measure_span(
    encoder,
    clips.audio,
    clips.centers_s,
    clips.tones,
    groups=clips.groups,
    random_seeds=(0,),
    **settings,
    **knee_settings,
)
real

# %%
real.plot()
plt.show()

# %% [markdown]
# ## 4. When not to believe a span
#
# Four questions, in this order.
#
# **Does the probe know the tone?** If F1 is not above chance, the gradient is that of a guess. A guess has a gradient, a span, even a narrow interval.
#
# **Is the span under its null?** A map that is flat over the window has the largest span there is. The random encoder is the other null: it has no knowledge at all, and a span all the same.
#
# **Is the centre where you think?** Let us move all centres by 120 ms, and do everything again.
#
# **Are the labels right?** Let us shuffle the tones over the clips, and do everything again.

# %%
late = real_speech.moved(clips.centers_s, clips.audio, 0.12)
shuffled = real_speech.shuffled(clips.tones, seed=p.seed)
spoiled = {"as it should be": real}
for name, centers_s, labels in (
    ("centres 120 ms late", late, clips.tones),
    ("tones shuffled", clips.centers_s, shuffled),
):
    spoiled[name] = measure_span(
        encoder, clips.audio, centers_s, labels, groups=clips.groups, random_seeds=(), half_widths_ms=(), **settings
    )
rows = {
    name: result.layers.set_index("layer").loc[layer, ["macro_f1", "chance_f1", "span_ms", "null_span_ms", "note"]]
    for name, result in spoiled.items()
}
pd.DataFrame(rows).T

# %% [markdown]
# Look at the spans alone: would you have noticed? With shuffled tones there is a span all the same, in ms. F1 gives it away, and the note says so. With wrong centres compare F1 first: how much of
# the tone is still there, 120 ms late? And what would you have thought of its span, had you seen it alone?
#
# **Exercise 5.** Write down the first two questions as a rule. `above_chance_low` is the lower end of the interval of F1 minus chance, `high_ms` the upper end of that of the span.


# %% nbgrader={"grade": false, "grade_id": "believe", "locked": false, "schema_version": 3, "solution": true, "task": false}
def believe(above_chance_low, high_ms, null_ms):
    """ "finding" where the probe knows the tone and the span lies under its null for sure, else "no finding"."""
    ### BEGIN SOLUTION
    if above_chance_low > 0 and high_ms < null_ms:
        return "finding"
    return "no finding"
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "believe_check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.check("believe", believe)
### BEGIN HIDDEN TESTS
assert believe(0.0, 100.0, 500.0) == "no finding"
assert believe(0.1, 500.0, 500.0) == "no finding"
### END HIDDEN TESTS

# %% [markdown]
# The rule knows two of the four questions. A wrong centre, a wrong label, one speaker, a recording shorter than the window: those a person has to ask. And one more, which the ruler of section 1 answers: does
# *this* number follow the cue at all?

# %%
knees = real.knees.set_index("layer")
knee_ms = knees["knee_ms"][layer]
print(f"layer {layer}: " + (f"no knee ({knees['note'][layer]})" if pd.isna(knee_ms) else f"knee {knee_ms:.0f} ms"))
with_knee = answers["margin knee"].dropna()  # a width without a knee says nothing
slope, intercept = np.polyfit(with_knee.index, with_knee, 1) if len(with_knee) > 1 else (np.nan, np.nan)
print(f"the ruler: slope {slope:.2f}, intercept {intercept:.0f} ms")
if pd.notna(knee_ms):
    print(f"as a width: {(knee_ms - intercept) / slope:.0f} ms")
length_ms = np.median([1000 * len(clip) / SAMPLE_RATE for clip in clips.audio])
print(f"median length of a clip: {length_ms:.0f} ms")

# %% [markdown]
# **Exercise 6 (in words; your teacher reads it).** Write the sentence of a paper that reports one number of section 3, with its interval, its null, how many speakers, and the layer. Then: a friend wants to turn this knee into "the width of
# the Mandarin tone cue" by the ruler of section 1. Give two reasons why this may fail, though the ruler is good.

# %% [markdown] nbgrader={"grade": true, "grade_id": "report_a_recording", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# The sentence names the layer, the F1 with its chance, the span or knee with its interval, both nulls (flat map, shuffled weights), the number of tokens and of speakers, and that the test syllables were not in
# training: "In layer 4, a probe on isolated Mandarin syllables of one speaker (F1 ..., chance ...; unseen syllables) has a margin knee of ... ms [..., ...]; n = ... tokens." Why the ruler may fail: it was made with synthetic
# speech, in which the tone has sharp edges and nothing but pitch carries it, while a real tone has duration, loudness and voice quality too, which no flattened pitch takes away; isolated real syllables are
# longer than the ruler's, so a contour of 300 ms is outside of the range of 90 to 180 ms that was calibrated; the line rests on four widths, and its slope has an uncertainty of its own; the layer was chosen by us; and a knee says what this model uses, which may be less than what there is.
# One speaker says nothing about Mandarin.
# ### END SOLUTION

# %% [markdown]
# ## What to take along
#
# Calibrate before you measure. A number that does not follow the cue is not made better by an interval. And of every span ask: does the probe know, is it under its null, is the centre right, are the labels
# right, how many speakers?
#
# **Further reading**
#
# - C. Osborne (1991). Statistical calibration: a review. *International Statistical Review* 59(3), 309-336. The line, and how to go back.
# - E. Moulines & F. Charpentier (1990). Pitch-synchronous waveform processing techniques for text-to-speech synthesis using diphones. *Speech Communication* 9, 453-467. How pitch is taken away.
# - J. Adebayo et al. (2018). Sanity checks for saliency maps. *NeurIPS*. Shuffled weights and labels.
# - Y. Xu (1997). Contextual tonal variations in Mandarin. *Journal of Phonetics* 25, 61-83. What isolated syllables do not show.
