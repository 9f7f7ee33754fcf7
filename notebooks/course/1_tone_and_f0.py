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
# # Lesson 1. Tone and F0
#
# About 75 minutes. You need: some phonetics (syllable, vowel, voicing), Python as far as functions and lists.
#
# **When you are through, you can**
#
# - say what F0 is, read it off a waveform, and have a computer find it;
# - say why pitch is drawn in semitones, and turn Hz into them;
# - draw the tones of a language as contours, and say what in them is tone and what is something else;
# - say how wide the window is through which a pitch tracker looks. That question will stay with us for six lessons.
#
# **How the exercises work.** Where you read *Exercise*, replace `None`, or write the body of the function. The cell below it checks
# your answer. When it is not right yet, it asks you something to think about; a second wrong answer gets a pointer too, a third the
# formula. Do the ones *by hand* with a pencil. A number may be rounded, and written as `125`, `1000 / 8` or `"125 Hz"`; a word in any
# letter case.
#
# > **What you will hear is synthetic.** A synthesiser says legal Thai and Vietnamese syllables on a flat pitch; then a tone is laid on
# > each vowel, *only within a planted width* around its centre: 100 ms for Thai, 180 ms for Vietnamese. This is a ruler, not evidence
# > about Thai or Vietnamese: since we know the answer, we can see whether a method finds it. Real recordings come in lessons 5 and 6, and some of
# > them are yours.

# %% tags=["parameters"]
params_path = "course"

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Audio, display

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import sources
from tonespan_utils.corpus.synthetic import pitch, readings, rendering
from tonespan_utils.corpus.synthetic.spellers.speller import speller
from tonespan_utils.course import checks
from tonespan_utils.instrument import f0
from tonespan_utils.params import profile
from tonespan_utils.plots import layout, signal
from tonespan_utils.plots.style import STYLE

p = profile.load(params_path)
sources.prepare(p)  # some minutes of speech, made once
corpora = {language: sources.load(p, language) for language in p.speech.tonal}
plt.style.use(STYLE)

# %% [markdown]
# ## 1. One syllable, five tones
#
# Thai has five tones: mid (M), low (L), falling (F), high (H), rising (R). Here is one voice saying *maa* in each. Everything but the
# tone is the same, to the last random number. In Thai script these would be five different words.

# %%
clear = pitch.Wander(**p.synthetic.movement)  # how the pitch moves in this course
voice = next(readings.readings("th", n_speakers=16, seed=p.seed))
maa = next(frame for frame in speller("th").frames if frame.ipa == "maː")
said = {}
for tone in "MLFHR":
    reading = replace(voice, syllables=((maa, tone),))
    samples, syllables = rendering.render(reading, language="th", span_ms=100.0, wander=clear)
    said[tone] = samples / 32768
    print(f"{tone} (mid low falling high rising)", maa.spelling[tone])
    display(Audio(said[tone], rate=SAMPLE_RATE))

# %% [markdown]
# Close your eyes and play them in any order. Which two are hardest to tell apart? Now look. Above: the spectrogram of the falling tone.
# The fine horizontal stripes are harmonics; when pitch moves they move together, the higher the more. Below: the pitch of all five, as Praat
# tracks it. The grey band is the planted width: outside it the five are one and the same.

# %%
center_s = float(syllables[["nucleus_start_s", "nucleus_end_s"]].iloc[0].mean())
figure, (top, bottom) = plt.subplots(2, 1, figsize=(7, 4.4), sharex=True)
top.specgram(said["F"] + 1e-6, NFFT=512, Fs=SAMPLE_RATE, noverlap=480, cmap="magma", vmin=-120)
top.set(ylim=(0, 3000), ylabel="frequency (Hz)", title="falling")
top.grid(False)
for tone, samples in said.items():
    times_s, hz = f0.track(samples, floor_hz=130, ceiling_hz=500, step_ms=5)
    bottom.plot(times_s, hz, label=tone)
bottom.axvspan(center_s - 0.05, center_s + 0.05, color="0.85", zorder=0)
bottom.set(xlabel="time (s)", ylabel="F0 (Hz)", title="all five")
bottom.legend(ncols=5)
plt.show()

# %% [markdown]
# Next, hear what the planted width does. The same falling tone, spread over 60, 100 and 180 ms:

# %%
for span_ms in (60.0, 100.0, 180.0):
    reading = replace(voice, syllables=((maa, "F"),))
    samples, _ = rendering.render(reading, language="th", span_ms=span_ms, wander=clear)
    print(f"{span_ms:.0f} ms")
    display(Audio(samples / 32768, rate=SAMPLE_RATE))

# %% [markdown]
# ## 2. What F0 is
#
# In a voiced sound the vocal folds open and close again and again, and each time gives one *period* of the waveform. **F0, the
# fundamental frequency, is the number of periods per second.** Pitch is what we hear of it.
#
# Below is a made-up voice: five harmonics, each weaker than the one below it. Find a landmark that comes back, and count.

# %%
time_ms = np.arange(0, 24, 1000 / SAMPLE_RATE)
trace = sum(np.sin(2 * np.pi * k * 0.125 * time_ms + k) / k for k in range(1, 6))
figure, axis = plt.subplots(figsize=(7, 1.8))
axis.plot(time_ms, trace, color="0.2")
axis.set(xlabel="time (ms)", ylabel="amplitude", xticks=range(0, 25, 4))
plt.show()

# %% [markdown]
# **Exercise 1 (by hand).** What is the F0 of this trace, in Hz?

# %% nbgrader={"grade": false, "grade_id": "f0_of_trace", "locked": false, "schema_version": 3, "solution": true, "task": false}
f0_of_trace = None  # in Hz
### BEGIN SOLUTION
f0_of_trace = 3 / 0.024  # three periods in 24 ms
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "f0_of_trace_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("f0_of_trace", f0_of_trace)

# %% [markdown]
# ## 3. How a computer finds it
#
# Shift the sound against itself. Shifted by one whole period, it fits itself again: the sum of products
#
# $$ r(\ell) = \sum_t x_t \, x_{t + \ell} $$
#
# is large. So look for the shift $\ell$ (the *lag*, in samples) with the largest $r$, and F0 is the sample rate over that lag. Two fences
# are needed. Without a shortest lag, lag 0 would win: nothing fits a sound better than the sound itself. Without a longest, two periods
# would do as well as one. So we say how high pitch may be (*ceiling*, gives the shortest lag) and how low (*floor*, the longest).

# %%
vowel = said["M"][round((center_s - 0.03) * SAMPLE_RATE) : round((center_s + 0.03) * SAMPLE_RATE)]
lags = np.arange(20, 330)
fits = [np.dot(vowel[: vowel.size - 330], vowel[lag : lag + vowel.size - 330]) for lag in lags]
figure, axis = plt.subplots(figsize=(7, 1.9))
axis.plot(lags, fits, color="#0072B2")
axis.set(xlabel="lag (samples)", ylabel="r(lag)", title="a vowel against itself")
plt.show()

# %% [markdown]
# Three tall peaks: at one period, at two, at three, and all nearly as high. (The ripples between them are the vowel's first formant.) Remember it when a pitch tracker one day tells you that a
# woman speaks at 106 Hz: *octave errors* are the commonest mistake of pitch trackers. Praat's remedy (Boersma 1993) is to correct for the
# window and to make lower pitches pay a little.
#
# **Exercise 2.** Write the tracker for one stretch of sound. Lags run from `ceil(SAMPLE_RATE / ceiling_hz)` to
# `floor(SAMPLE_RATE / floor_hz)`. Use as many products for each lag (`n` of them), so that long lags are not at a disadvantage.


# %% nbgrader={"grade": false, "grade_id": "f0_by_autocorrelation", "locked": false, "schema_version": 3, "solution": true, "task": false}
def f0_by_autocorrelation(samples, floor_hz, ceiling_hz):
    """F0 in Hz of voiced samples (n,) at 16 kHz."""
    shortest = int(np.ceil(SAMPLE_RATE / ceiling_hz))
    longest = int(np.floor(SAMPLE_RATE / floor_hz))
    n = samples.size - longest
    ### BEGIN SOLUTION
    lags = range(shortest, longest + 1)
    fits = [np.dot(samples[:n], samples[lag : lag + n]) for lag in lags]
    return SAMPLE_RATE / lags[int(np.argmax(fits))]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "f0_by_autocorrelation_check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
checks.check("f0_by_autocorrelation", f0_by_autocorrelation)
### BEGIN HIDDEN TESTS
tone = np.sin(2 * np.pi * 250 * np.arange(1600) / SAMPLE_RATE)
assert abs(f0_by_autocorrelation(tone, 200, 500) - 250) < 3
assert f0_by_autocorrelation(3 * tone, 200, 500) == f0_by_autocorrelation(tone, 200, 500)
### END HIDDEN TESTS

# %% [markdown]
# **A tracker has a width, too.** To be sure of a period it has to see a few of them: Praat looks at *three periods of the floor* at once. Pitch
# that moves faster than this window is smeared.
#
# **Exercise 3 (by hand).** The floor is 75 Hz. How many ms does Praat look at, at once?

# %% nbgrader={"grade": false, "grade_id": "praat_window_ms", "locked": false, "schema_version": 3, "solution": true, "task": false}
praat_window_ms = None  # in ms
### BEGIN SOLUTION
praat_window_ms = 3 * 1000 / 75
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "praat_window_ms_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("praat_window_ms", praat_window_ms)

# %% [markdown]
# See it: the same falling tone of the same woman, through three windows.

# %%
figure, axes = plt.subplots(1, 3, figsize=(7, 2.2), sharey=True)
for axis, floor_hz in zip(axes, (50, 90, 130), strict=True):
    times_s, hz = f0.track(said["F"], floor_hz=floor_hz, ceiling_hz=500, step_ms=5)
    axis.plot(1000 * (times_s - center_s), hz, ".", markersize=3, color="#0072B2")
    axis.axvspan(-50, 50, color="0.9", zorder=0)
    axis.set(title=f"floor {floor_hz} Hz: {3000 / floor_hz:.0f} ms", xlim=(-200, 200), ylim=(0, 280))
axes[0].set(ylabel="F0 (Hz)")
figure.supxlabel("time from tone centre (ms)", fontsize=8)
plt.show()

# %% [markdown]
# Only the narrow window follows the fall. The wide ones hold so much of it that no single period fits, so they call it unvoiced, and
# beside it they fall for two periods in place of one: octave errors, at half of her 190 Hz. Yet a narrow window is no free lunch: set
# the floor to 130 Hz for a man, and his low tones are gone, since he goes down to 100. So the fences are set to the voice. From here on:
# 130 to 500 Hz for women, 85 to 350 Hz for men.

# %% [markdown]
# ## 4. Why semitones
#
# A man and a woman say the same tones. In Hz her contours lie higher, *and they move more*: pitch is heard in ratios, not in
# differences. On a logarithmic scale the same movement has the same size at every height. Musicians' semitones are such a scale:
#
# $$ \mathrm{st} = 12 \, \log_2 \frac{f}{f_\mathrm{ref}} $$
#
# An octave, twice the frequency, is 12 semitones. The reference is the speaker's own median: then 0 is "the middle of *this* voice".
# Below, falling (orange) and rising (blue), her solid, him dashed, spread over 180 ms.

# %%
people = {
    reading.speaker.name: reading
    for reading, _ in zip(readings.readings("th", n_speakers=16, seed=p.seed), range(24), strict=False)
}
figure, axes = plt.subplots(1, 2, figsize=(7, 2.4))
for name, style, floor_hz in (("f00", "-", 130), ("m00", "--", 85)):
    for tone, color in (("F", "#D55E00"), ("R", "#0072B2")):
        reading = replace(people[name], syllables=((maa, tone),), style="neutral")
        samples, rows = rendering.render(reading, language="th", span_ms=180.0, wander=clear)
        times_s, hz = f0.track(samples / 32768, floor_hz=floor_hz, ceiling_hz=500, step_ms=5)
        from_centre_ms = 1000 * (times_s - rows[["nucleus_start_s", "nucleus_end_s"]].iloc[0].mean())
        axes[0].plot(from_centre_ms, hz, style, color=color, label=f"{name} {tone}")
        axes[1].plot(from_centre_ms, 12 * np.log2(hz / np.nanmedian(hz)), style, color=color)
axes[0].set(ylabel="Hz")
axes[1].set(ylabel="semitones over the median")
axes[0].legend(fontsize=6.5)
for axis in axes:
    axis.set(xlim=(-120, 120), xlabel="time from tone centre (ms)")
plt.show()

# %% [markdown]
# **Exercise 4 (by hand).** From 200 Hz up to 300 Hz: how many semitones? (A musician will tell you: a fifth. Which is seven, and a
# bit.)

# %% nbgrader={"grade": false, "grade_id": "fifth_st", "locked": false, "schema_version": 3, "solution": true, "task": false}
fifth_st = None  # in semitones, two decimals
### BEGIN SOLUTION
fifth_st = 12 * np.log2(300 / 200)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "fifth_st_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("fifth_st", fifth_st)

# %% [markdown]
# **Exercise 5.** Now as a function.


# %% nbgrader={"grade": false, "grade_id": "semitones", "locked": false, "schema_version": 3, "solution": true, "task": false}
def semitones(f0_hz, reference_hz):
    """How far f0_hz lies above reference_hz, in semitones; negative below it."""
    ### BEGIN SOLUTION
    return 12 * np.log2(f0_hz / reference_hz)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "semitones_check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.check("semitones", semitones)
### BEGIN HIDDEN TESTS
assert abs(semitones(440.0, 110.0) - 24) < 1e-9
assert abs(semitones(110.0, 130.0) + semitones(130.0, 110.0)) < 1e-9
### END HIDDEN TESTS

# %% [markdown]
# ## 5. The tones of a language
#
# Enough single syllables: a sentence. Each orange line is a *tone centre*, the middle of a vowel. It is the point around which all
# of this course turns.

# %%
corpus = corpora["th"]
utterance_id = corpus.tokens["utterance_id"].iloc[0]
sentence = corpus.audio(utterance_id)
signal.waveform_with_tokens(sentence, corpus.tokens[corpus.tokens["utterance_id"] == utterance_id])
display(Audio(sentence, rate=SAMPLE_RATE))

# %% [markdown]
# Now take all syllables of a language, measure the pitch from 150 ms before to 150 ms after each centre, in semitones over the
# speaker's median, and draw, for each tone, the median and the middle half of the tokens.

# %%
fences_hz = {"female": (130, 500), "male": (85, 350)}
contours, tones = {}, {}
for language, corpus in corpora.items():
    parts = dict(list(corpus.tokens.groupby("gender")))
    by_gender = []
    for gender, tokens in parts.items():
        floor_hz, ceiling_hz = fences_hz[gender]
        settings = {"window_ms": 300, "step_ms": 10, "floor_hz": floor_hz, "ceiling_hz": ceiling_hz}
        offsets_ms, measured = f0.token_contours(corpus, tokens, **settings)
        by_gender.append(measured)
    contours[language] = np.concatenate(by_gender)
    tones[language] = np.concatenate([tokens["tone"].to_numpy(dtype=str) for tokens in parts.values()])

# %%
figure, axes = layout.panels(list(corpora))
for language, axis in axes.items():
    signal.f0_contours(axis, f0.summary(offsets_ms, contours[language], tones[language]))
layout.label_axes(figure, x="time from tone centre (ms)", y="F0 (semitones)")
plt.show()

# %% [markdown]
# Linguists write tones as digits from 1 (low) to 5 (high), after Chao (1930): Thai M is 33, L 21, F 51, H 45, R 114. Compare the
# digits with the contours on the left. Note how wide the bands are: each syllable also carries an accent, the voice falls over
# a sentence (*declination*), consonants push it up or down. All of that is pitch, and none of it is tone.
#
# **Exercise 6.** At its centre a Thai token lies 6 semitones under the speaker's median; within the next 50 ms it climbs by 7. Which
# tone is it, most likely?

# %% nbgrader={"grade": false, "grade_id": "tone_of_contour", "locked": false, "schema_version": 3, "solution": true, "task": false}
tone_of_contour = None  # "M", "L", "F", "H" or "R"
### BEGIN SOLUTION
tone_of_contour = "R"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "tone_of_contour_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("tone_of_contour", tone_of_contour)

# %% [markdown]
# **Exercise 7.** Write a number for what a contour *does*: the last voiced value minus the first voiced one. Trackers write `nan` ("not a
# number") where there is no voice; every calculation with `nan` gives `nan`, so take them out first.


# %% nbgrader={"grade": false, "grade_id": "movement_st", "locked": false, "schema_version": 3, "solution": true, "task": false}
def movement_st(offsets_ms, contour_st):
    """Semitones from the first to the last voiced value of a contour (offset,); nan is unvoiced."""
    ### BEGIN SOLUTION
    voiced = contour_st[~np.isnan(contour_st)]
    return voiced[-1] - voiced[0]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "movement_st_check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.check("movement_st", movement_st)
### BEGIN HIDDEN TESTS
rising = np.array([np.nan, 1.0, 2.0, 5.0, np.nan])
assert movement_st(np.arange(5), rising) == 4.0
assert movement_st(np.arange(5), rising[::-1]) == -4.0
### END HIDDEN TESTS

# %% [markdown]
# ## 6. Height or movement?
#
# Every dot is a Thai token: how high it is at its centre, and how far it moves within the middle 80 ms.

# %%
at = {offset: contours["th"][:, np.argmin(np.abs(offsets_ms - offset))] for offset in (-40, 0, 40)}
figure, axis = plt.subplots(figsize=(5.2, 3.2))
for tone, color in zip("MLFHR", ("#0072B2", "#009E73", "#D55E00", "#CC79A7", "#B8860B"), strict=True):
    is_tone = tones["th"] == tone
    axis.plot(at[0][is_tone], at[40][is_tone] - at[-40][is_tone], ".", color=color, label=tone, alpha=0.6)
axis.set(
    ylim=(-13, 13),
    xlabel="height at the centre (semitones over the speaker's median)",
    ylabel="movement over 80 ms (semitones)",
)
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2)
plt.show()

# %% [markdown]
# **Exercise 8 (in words; your teacher reads it).** Which tones does *movement* tell apart in this figure, and which does *height*? Why do
# the clouds of L, M and H lie so long and flat? And think of your own language or one you have studied: would the answer be the same in real
# speech? What would you have to record to find out?

# %% [markdown] nbgrader={"grade": true, "grade_id": "height_or_movement", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Movement picks out R (it climbs) and F (it falls). L, M and H move little; they differ in height, and their clouds run into one
# another. They are long and flat because each syllable also carries an accent, which moves height and not movement: a mid
# tone with a strong accent lies as high as a high tone without. That was built in. In real speech height depends on sentence, emphasis and
# speaker as well, but often does more of the work than here; and voice quality helps, as in northern Vietnamese or Burmese. To find
# out: several speakers, the same syllables in all tones, in different places of different sentences, so that neither
# speaker, nor syllable, nor declination can stand in for tone.
# ### END SOLUTION

# %% [markdown]
# ## What to take along
#
# F0 is periods per second; semitones make speakers comparable; tone is only a part of what moves pitch. And every instrument that measures
# pitch looks through a window with a width. In lesson 2 we ask how wide the tone cue itself is.
#
# **Further reading**
#
# - Y. R. Chao (1930). A system of "tone-letters". *Le Maître Phonétique* 45, 24-27. Where the digits come from.
# - A. S. Abramson (1962). *The Vowels and Tones of Standard Thai: Acoustical Measurements and Experiments*. Indiana University.
# - P. Boersma (1993). Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled sound.
#   *Proceedings of the Institute of Phonetic Sciences* (Amsterdam) 17, 97-110. The tracker you used.
# - Y. Xu (1997). Contextual tonal variations in Mandarin. *Journal of Phonetics* 25, 61-83. What neighbours do to a tone.
# - M. Yip (2002). *Tone*. Cambridge University Press. The textbook.
# - M. Brunelle (2009). Tone perception in Northern and Southern Vietnamese. *Journal of Phonetics* 37, 79-96. Pitch is not all.
