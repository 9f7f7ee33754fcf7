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
# # Lesson 2. How wide is the cue?
#
# About 75 minutes. You need: lesson 1.
#
# A tone is not a point. Somewhere around the middle of the vowel there is a stretch of sound that tells it, and beyond it there is only
# more speech. How long is that stretch? We let a very simple listener answer: it sees a window around the tone centre, names the tone, and we
# widen the window until it gets no better.
#
# **When you are through, you can**
#
# - score a listener fairly when some tones are rare: macro-F1, and what guessing would give;
# - read a curve of score against window, and say what the measuring window adds to it;
# - find a leak between training and test, and see what it does;
# - make an interval by the bootstrap, by hand for three numbers and by machine for many.
#
# The speech is synthetic, and the answer was planted: 100 ms for Thai, 180 ms for Vietnamese. If our method is any good, it will say so.

# %% tags=["parameters"]
params_path = "course"

# %%
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Audio, display

from tonespan_utils import languages
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import sources
from tonespan_utils.course import checks
from tonespan_utils.instrument import cue_width, front_ends
from tonespan_utils.params import profile
from tonespan_utils.plots import style
from tonespan_utils.statistics import bootstrap, classifier, splits

p = profile.load(params_path)
sources.prepare(p)
corpora = {language: sources.load(p, language) for language in p.speech.tonal}
plt.style.use(style.STYLE)

# %% [markdown]
# ## 1. Be the listener
#
# One Thai token, cut to 20, 60, 100 and 300 ms around its centre, each cut three times in a row. From which cut on can you hear a
# *movement* of pitch, and when does more sound stop telling you more about the tone?

# %%
tokens = corpora["th"].tokens
token = tokens[(tokens["tone"] == "F") & (tokens["gender"] == "female") & (tokens["center_s"] > 0.3)].iloc[0]
samples, center = corpora["th"].audio(token["utterance_id"]), round(token["center_s"] * SAMPLE_RATE)
for window_ms in (20, 60, 100, 300):
    half = window_ms * SAMPLE_RATE // 2000
    cut = samples[center - half : center + half] * np.hanning(2 * half) ** 0.25  # soft edges, or they would click
    print(f"{window_ms} ms")
    display(Audio(np.tile(np.pad(cut, (0, SAMPLE_RATE // 2)), 3), rate=SAMPLE_RATE))
print("it was a", token["tone"])

# %% [markdown]
# ## 2. A fair score
#
# Before there is a listener, there must be a score. Write down what was said (rows) and what was predicted (columns): the *confusion
# matrix*. For two tones, ten tokens of *rise* and two of *fall*:
#
# |          | predicted rise | predicted fall |
# |---|---|---|
# | **rise** | 8 | 2 |
# | **fall** | 1 | 1 |
#
# For each tone, **recall** is the share of its tokens that were predicted so (row: 8 of 10), **precision** the share of what was predicted so that
# was so (column: 8 of 9). F1 is their harmonic mean, which comes to
#
# $$ F_1 = \frac{2 \cdot \text{hits}}{\text{row sum} + \text{column sum}} $$
#
# so 16/19 for *rise* and 2/5 for *fall*. **Macro-F1** is the plain mean over tones, here 0.62: every tone counts alike, however rare.
# Accuracy would be 9/12 = 0.75, and a listener who always says *rise* would have 0.83.
#
# **Exercise 1.** Write macro-F1 for any number of tones. (Every tone occurs here, as row or as column.)


# %% nbgrader={"grade": false, "grade_id": "macro_f1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def macro_f1(counts):
    """Macro-F1 of a confusion matrix (said, predicted)."""
    ### BEGIN SOLUTION
    hits, rows, columns = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    return np.mean(2 * hits / (rows + columns))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "macro_f1_check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
checks.check("macro_f1", macro_f1)
### BEGIN HIDDEN TESTS
assert macro_f1(np.eye(4)) == 1.0
assert abs(macro_f1(np.ones((5, 5))) - 0.2) < 1e-9
### END HIDDEN TESTS

# %% [markdown]
# **Exercise 2 (by hand).** Five tones, equally frequent. (a) A listener guesses, each tone equally often. What is its macro-F1? (b) Another
# always says M. And its macro-F1? Not the same! Which is why "chance" has to be worked out, and not assumed.

# %% nbgrader={"grade": false, "grade_id": "guessing_f1", "locked": false, "schema_version": 3, "solution": true, "task": false}
guessing_f1 = None  # (a)
### BEGIN SOLUTION
guessing_f1 = 1 / 5  # every tone: precision 1/5, recall 1/5
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "guessing_f1_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("guessing_f1", guessing_f1)

# %% nbgrader={"grade": false, "grade_id": "always_mid_f1", "locked": false, "schema_version": 3, "solution": true, "task": false}
always_mid_f1 = None  # (b)
### BEGIN SOLUTION
always_mid_f1 = (2 * 0.2 * 1 / (0.2 + 1)) / 5  # M: precision 1/5, recall 1; four times 0
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "always_mid_f1_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("always_mid_f1", always_mid_f1)

# %% [markdown]
# ## 3. What the machine sees
#
# Every 10 ms, one *frame*: the energies in 80 bands of the ear's own frequency scale (mel), in logarithms, computed from 25 ms of
# sound. A window of 100 ms is ten such frames. Here are the frames of the token you heard, 300 ms wide:

# %%
settings = {
    "frontend": "logmel",
    "hop_ms": p.baseline.hop_ms,
    "analysis_window_ms": p.baseline.analysis_window_ms,
    "n_bands": p.baseline.n_bands,
    "n_mfcc": p.baseline.n_mfcc,
}
row = tokens[tokens["token_id"] == token["token_id"]]
frames = front_ends.token_features(corpora["th"], row, max_window_ms=300, **settings)[0]
figure, axis = plt.subplots(figsize=(7, 2.4))
axis.imshow(frames.T, origin="lower", aspect="auto", extent=(-150, 150, 0, 80), cmap="magma")
axis.axvline(-50, color="white", linestyle="--")
axis.axvline(50, color="white", linestyle="--")
axis.set(xlabel="time from tone centre (ms)", ylabel="mel band", title="log-Mel frames; dashed: the planted 100 ms")
axis.grid(False)
plt.show()

# %% [markdown]
# The lower bands are narrow enough to show harmonics; they bend between the dashed lines. The listener is a *logistic regression*: it weighs every
# number in the window, adds up, and the tone with the largest sum wins. Nothing cleverer, on purpose: whatever it can
# use is plainly there.
#
# ## 4. Who may be tested
#
# A listener that is tested on what it was trained on has not shown anything. So tokens are divided into four *folds*; each fold is
# tested by a listener trained on the other three. But dividing *tokens* is not enough: if a voice, or a sentence, is in training and in test,
# the listener may know the voice instead of the tone. We divide whole speakers, and drop sentences that would cross.
#
# **Exercise 3.** Write the check that every study should run: how many different speakers are in both tables?


# %% nbgrader={"grade": false, "grade_id": "shared_speakers", "locked": false, "schema_version": 3, "solution": true, "task": false}
def shared_speakers(train, test):
    """How many speakers two tables of tokens share (column "speaker")."""
    ### BEGIN SOLUTION
    return len(set(train["speaker"]) & set(test["speaker"]))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "shared_speakers_check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.check("shared_speakers", shared_speakers)
### BEGIN HIDDEN TESTS
for fold_train, fold_test in splits.folds(tokens, n_folds=4, seed=0):
    assert shared_speakers(tokens.iloc[fold_train], tokens.iloc[fold_test]) == 0
assert shared_speakers(tokens, tokens) == tokens["speaker"].nunique()
### END HIDDEN TESTS

# %% [markdown]
# ## 5. The sweep
#
# Both languages, 15 windows from 20 to 300 ms, four folds. (Half a minute.)

# %%
sweep_settings = {
    "windows_ms": p.baseline.windows_ms,
    "hop_ms": p.baseline.hop_ms,
    "regularisation_c": p.baseline.regularisation_c,
    "n_folds": p.baseline.n_folds,
    "seed": p.seed,
}
features, sweeps = {}, {}
for language, corpus in corpora.items():
    features[language] = front_ends.token_features(corpus, corpus.tokens, max_window_ms=300, **settings)
    sweeps[language] = cue_width.sweep(features[language], corpus.tokens, **sweep_settings)

# %%
figure, axis = plt.subplots(figsize=(6, 3))
for language, swept in sweeps.items():
    scores = swept.fold_f1().groupby("window_ms")["macro_f1"].agg(["mean", "sem"])
    color = style.LANGUAGE_COLORS[language]
    axis.plot(scores.index, scores["mean"], marker="o", color=color, label=languages.LANGUAGE_NAMES[language])
    axis.fill_between(
        scores.index, scores["mean"] - scores["sem"], scores["mean"] + scores["sem"], color=color, alpha=0.15
    )
    axis.axvline(p.synthetic.planted_span_ms[language], color=color, linestyle=":")
axis.set(xlabel="window (ms)", ylabel="macro-F1", ylim=(0, 1), title="dotted: the planted width")
axis.legend()
plt.show()

# %% [markdown]
# Each curve rises while the window takes in more of the cue, and sinks slowly afterwards: more numbers to weigh, and nothing more to
# learn from them. It peaks near the planted width, but not on it. Why beyond it? A frame is 25 ms wide. With its centre 12.5 ms *outside* the
# cue, its edge still touches it; and so on the other side. The peak therefore sits one analysis window beyond the cue, give or take: near
# its top the curve is flat, and a few lucky tokens move the peak by a step or two.
#
# **Exercise 4 (by hand).** In another language the curve peaks at a window of 140 ms. How wide is the cue, read off the peak?
#
# The study reads the curve where it *bends*: two straight lines that meet are fitted to all fifteen points. The bend comes half an analysis
# window beyond the cue (on speech with planted cues, where one can look), and it keeps stiller than the peak. Section 7 shows how much stiller.

# %% nbgrader={"grade": false, "grade_id": "cue_from_peak_ms", "locked": false, "schema_version": 3, "solution": true, "task": false}
cue_from_peak_ms = None  # in ms
### BEGIN SOLUTION
cue_from_peak_ms = 140 - 25
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "cue_from_peak_ms_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("cue_from_peak_ms", cue_from_peak_ms)

# %% [markdown]
# ## 6. Now do it wrong
#
# The same sweep on Vietnamese, but tokens are divided one by one, so that the voices and sentences of the test are known from training. (We
# pretend that every token is a sentence of its own and that nobody knows the speakers.)

# %%
careless = corpora["vi"].tokens.assign(speaker="", sentence_id=corpora["vi"].tokens["token_id"])
leaky = cue_width.sweep(features["vi"], careless, **sweep_settings)
for name, swept in {"whole speakers": sweeps["vi"], "token by token": leaky}.items():
    best = swept.fold_f1().groupby("window_ms")["macro_f1"].mean()
    print(f"{name}: best macro-F1 {best.max():.2f} at {best.idxmax():.0f} ms")

# %% [markdown]
# The careless number is higher, and it promises what no new speaker will keep. Nothing in it looks wrong; only the list of speakers tells.
#
# ## 7. How sure are we? The bootstrap
#
# The peak says 95 ms for Thai (or thereabouts). Had other sentences been recorded, it would say something else. How different? We cannot record again, but
# we can *draw again*: from our utterances take as many as there are, each time putting the drawn one back. Some come twice,
# some not at all. Compute the answer for the draw. Repeat. The spread of the answers is our uncertainty (Efron 1979).
#
# **Exercise 5 (by hand).** The data are three numbers: 1, 2, 3. (a) How many different draws of three are there, with putting back, and in
# order? (b) In which share of them is the mean exactly 2?

# %% nbgrader={"grade": false, "grade_id": "n_resamples_of_three", "locked": false, "schema_version": 3, "solution": true, "task": false}
n_resamples_of_three = None  # (a)
### BEGIN SOLUTION
n_resamples_of_three = 3**3
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "n_resamples_of_three_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("n_resamples_of_three", n_resamples_of_three)

# %% nbgrader={"grade": false, "grade_id": "share_of_middle_mean", "locked": false, "schema_version": 3, "solution": true, "task": false}
share_of_middle_mean = None  # (b), a fraction such as 1 / 3
### BEGIN SOLUTION
share_of_middle_mean = 7 / 27  # (1, 2, 3) in its six orders, and (2, 2, 2)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "share_of_middle_mean_check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.check("share_of_middle_mean", share_of_middle_mean)

# %% [markdown]
# **Exercise 6.** For few numbers all draws can be listed: `itertools.product(values, repeat=n)` does it. Give back the means of all draws,
# sorted.


# %% nbgrader={"grade": false, "grade_id": "bootstrap_means", "locked": false, "schema_version": 3, "solution": true, "task": false}
def bootstrap_means(values):
    """The sorted means of all draws of len(values) from values, with putting back."""
    ### BEGIN SOLUTION
    return sorted(np.mean(drawn) for drawn in itertools.product(values, repeat=len(values)))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "bootstrap_means_check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
checks.check("bootstrap_means", bootstrap_means)
### BEGIN HIDDEN TESTS
assert len(bootstrap_means([1.0, 5.0, 2.0, 2.0])) == 4**4
assert set(bootstrap_means([2.0, 2.0])) == {2.0}
### END HIDDEN TESTS

# %% [markdown]
# With hundreds of utterances nobody lists all draws; a thousand at random will do. The middle 95 % of the answers are the *95 % interval*. Note
# *what* is drawn: whole utterances, not tokens. Tokens of one utterance share voice, room and mood; drawn apart, they would pretend to be
# more independent evidence than they are.

# %%
resampling = p.bootstrap.model_dump() | {"analysis_window_ms": p.baseline.analysis_window_ms, "seed": p.seed}
cues = {language: cue_width.optimal_span(swept, **resampling) for language, swept in sweeps.items()}
columns = ["span_ms", "span_low_ms", "span_high_ms", "peak_f1", "chance_f1"]
table = pd.DataFrame({language: vars(cue) for language, cue in cues.items()}).T[columns]
table.insert(0, "planted_ms", pd.Series(dict(p.synthetic.planted_span_ms)))
table.round(2)

# %% [markdown]
# Where do the answers fall, draw by draw? Left from the peak, less a whole analysis window; right from the bend, less half of one, as in the table.

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 2.4), sharey=True)
for language, swept in sweeps.items():
    counts = [classifier.confusion_by_cluster(swept.tone, predicted, swept.utterance) for predicted in swept.predicted]
    draws = bootstrap.resample_clusters(len(counts[0]), n_resamples=1000, seed=p.seed)
    f1 = np.stack([classifier.f1_resamples(by_cluster, draws) for by_cluster in counts])  # (window, draw)
    peaks = swept.windows_ms[f1.argmax(axis=0)] - p.baseline.analysis_window_ms
    bends = cue_width.knee_ms(swept.windows_ms, f1) - p.baseline.analysis_window_ms / 2
    color, name = style.LANGUAGE_COLORS[language], languages.LANGUAGE_NAMES[language]
    for axis, answers in zip(axes, (peaks, bends), strict=True):
        axis.hist(answers, bins=np.arange(-15, 296, 10), color=color, alpha=0.6, label=name)
        axis.axvline(p.synthetic.planted_span_ms[language], color=color, linestyle=":")
axes[0].set(title="from the peak", xlabel="cue width (ms)", ylabel="draws of 1000", xlim=(0, 300))
axes[1].set(title="from the bend", xlabel="cue width (ms)", xlim=(0, 300))
axes[1].legend()
plt.show()

# %% [markdown]
# **Exercise 7 (in words; your teacher reads it).** The windows come in steps of 20 ms, and the interval of a language may contain the planted
# value or just miss it. What does this method find out about a language, and what can it not find out? Name one thing that would make
# its answer too wide in *real* speech though the cue is narrow, and how you would notice.

# %% [markdown] nbgrader={"grade": true, "grade_id": "what_the_sweep_says", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# It finds how far around the centre spectral frames help a linear listener to name the tone, to within a step of 20 ms; a
# cue that only a cleverer listener could use, or one that is not in the log-Mel bands, stays unseen. In real speech neighbouring
# syllables tell about a tone too: tones assimilate to their neighbours, some sequences are more frequent, and word and sentence context
# predict the tone. A wide window contains this context, and the answer grows wider than the tone's own cue. One would notice by
# permuting: cut syllables out of context, balance the neighbours as in this corpus, or see whether a window that leaves the
# centre *out* still names the tone.
# ### END SOLUTION

# %% [markdown]
# ## What to take along
#
# A score needs a null, a peak needs an interval, an instrument adds its own width, and a leak looks like a success. With the cue width known,
# we can ask in lesson 4 whether a neural network looks as wide.
#
# **Further reading**
#
# - C. J. van Rijsbergen (1979). *Information Retrieval*, 2nd ed. Butterworths. Where F comes from.
# - S. S. Stevens, J. Volkmann & E. B. Newman (1937). A scale for the measurement of the psychological magnitude pitch. *Journal of the Acoustical
#   Society of America* 8, 185-190. The mel.
# - S. B. Davis & P. Mermelstein (1980). Comparison of parametric representations for monosyllabic word recognition in continuously spoken
#   sentences. *IEEE Transactions on Acoustics, Speech, and Signal Processing* 28, 357-366.
# - B. Efron (1979). Bootstrap methods: another look at the jackknife. *Annals of Statistics* 7, 1-26.
# - B. Efron & R. J. Tibshirani (1993). *An Introduction to the Bootstrap*. Chapman & Hall. Chapters 1-6 and 13.
