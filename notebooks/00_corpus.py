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
# # 0. Speech and its tones
#
# Everything that follows is asked of *tone tokens*: one syllable each, with its tone, its place in a recording and, above all,
# the **tone centre**, the middle of its syllable nucleus. This notebook makes or reads the speech that the profile names and lists
# its tokens.
#
# Where recordings come with text alone, text becomes syllables with tones, and a forced alignment says where they are. What cannot
# be trusted is left out, with its reason.
#
# The `demo` profile speaks to itself: an embedded **synthetic calibration corpus**. A synthesiser says legal syllables on a flat
# pitch, and a tone contour is laid on each nucleus *only within a planted width* around its centre. Since we put the cue there, we
# know how wide it is, and can see whether the instrument finds it. It is no evidence about the languages themselves.

# %% tags=["parameters"]
params_path = "demo"

# %%
import matplotlib.pyplot as plt
import pandas as pd

from tonespan_utils import languages
from tonespan_utils.alignment import aligners
from tonespan_utils.corpus import sides, sources, splitting
from tonespan_utils.instrument import f0
from tonespan_utils.paper.figures import tone_in_signal
from tonespan_utils.params import profile, tables
from tonespan_utils.plots import signal
from tonespan_utils.statistics import splits
from tonespan_utils.tone import text_to_tone

p = profile.load(params_path)
profile.describe_speech(p)

# %% [markdown]
# ## The tokens
#
# One row per token. Sentences, and speakers where they are known, do not cross from `train` to `test`. Where several speakers read
# the same sentences, some recordings fit neither side: nothing is trained or probed on those, and the baseline, whose folds are its
# own, uses them all the same.
#
# Recordings that somebody else made are brought to one loudness of active speech first (`speech.level`): log energies would take a
# microphone's gain for a difference between voices.

# %%
sources.prepare(p)
aligners.prepare(p)
corpora = {language: sources.load(p, language) for language in p.speech.tonal}
tokens = pd.concat([corpus.tokens for corpus in corpora.values()], ignore_index=True)
tables.write(p.results, "tokens", tokens)
tokens.head()

# %% [markdown]
# How many are there of each tone? Uneven counts are why scores are macro-averaged: each tone counts alike.

# %%
tokens.pivot_table(index="language", columns="tone", values="token_id", aggfunc="count").fillna(0).astype(int)

# %% [markdown]
# Speakers and recordings per split:

# %%
for language, corpus in corpora.items():
    print(f"{language}: {splitting.summary(corpus)}")
tokens.groupby(["language", "split"])[["speaker", "sentence_id", "utterance_id"]].nunique()

# %% [markdown]
# What was left out, and why. Some are tokens all the same: those with too little audio around them for one of the
# measurements, and those that are in no split:

# %%
around = {"min_side_ms": p.gradient.min_side_ms, "widest_window_ms": max(p.baseline.windows_ms)}
rejected = pd.concat(
    part.assign(language=language)
    for language, corpus in corpora.items()
    for part in (corpus.rejected, sides.left_out(corpus, **around), splitting.set_aside(corpus))
)
tables.write(p.results, "rejected", rejected)
rejected.groupby(["language", "reason"]).size()

# %% [markdown]
# ## From text to tone
#
# One recording of each language: what was written, and the syllables and tones that its spelling gives. No dictionary of the
# recordings' own is used.

# %%
chosen = {language: corpus.tokens["utterance_id"].iloc[0] for language, corpus in corpora.items()}
texts = {la: corpora[la].utterances.set_index("utterance_id").loc[name, "text"] for la, name in chosen.items()}
pd.DataFrame(
    {
        "text": texts,
        "syllables": {la: " ".join(s.ipa for s in text_to_tone.syllables(text, la)) for la, text in texts.items()},
        "tones": {la: " ".join(s.tone for s in text_to_tone.syllables(text, la)) for la, text in texts.items()},
    }
)

# %% [markdown]
# The same recordings: spectrogram and F0 (green, Praat), the edges of each token's syllable (blue) and its tone centre (dashed). Are
# the centres where the vowels are?

# %%
for language, utterance_id in chosen.items():
    corpus = corpora[language]
    samples, spoken = corpus.audio(utterance_id), corpus.tokens[corpus.tokens["utterance_id"] == utterance_id]
    track = f0.track(samples, floor_hz=p.f0.floor_hz, ceiling_hz=p.f0.ceiling_hz, step_ms=p.f0.step_ms)
    signal.spectrogram_with_tokens(samples, spoken, *track, title=languages.LANGUAGE_NAMES[language])
plt.show()

# %% [markdown]
# ## F0 by tone
#
# Praat follows the pitch. Contours are in semitones over the speaker's median, which takes the speaker out of them and leaves tones of
# isolated syllables in.

# %%
summaries = []
for language, corpus in corpora.items():
    chosen = splits.sample_utterances(corpus.tokens, n_tokens=p.f0.n_tokens, seed=p.seed)
    offsets, contours = f0.token_contours(
        corpus,
        chosen,
        window_ms=p.f0.window_ms,
        step_ms=p.f0.step_ms,
        floor_hz=p.f0.floor_hz,
        ceiling_hz=p.f0.ceiling_hz,
    )
    summaries.append(f0.summary(offsets, contours, chosen["tone"].to_numpy(dtype=str)).assign(language=language))
tables.write(p.results, "f0", pd.concat(summaries))

# %%
tone_in_signal.draw_f0_contours({"f0": tables.read(p.results, "f0")}, p)
plt.show()
