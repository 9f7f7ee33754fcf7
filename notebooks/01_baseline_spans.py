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
# # 1. How wide is the tone cue in the signal?
#
# Take a window of W ms around the tone centre, describe it by spectral frames, and let a logistic regression name the tone. Widen
# the window: as long as it takes in more of the cue, the score rises; beyond the cue, it only takes in more of what is not tone.
# Where the curve bends, less what the analysis window adds, is the **cue width**, and the yardstick for the models.
#
# *Where it bends.* Two lines that meet are fitted to the whole curve; their meeting point is the knee. The peak, which depends on a few
# windows alone, is kept beside it.
#
# *What the analysis window adds.* A frame of 25 ms begins to see the cue, or what follows it, half a window before its centre. On
# synthetic speech, whose cue width is planted and therefore known (notebook 06), the knee lies that much beyond the cue, so
# `span_ms` is the knee minus half an analysis window.

# %% tags=["parameters"]
params_path = "demo"

# %%
import matplotlib.pyplot as plt
import pandas as pd

from tonespan_utils.corpus import sources
from tonespan_utils.instrument import confusions, cue_width, front_ends
from tonespan_utils.paper.figures import store
from tonespan_utils.params import profile, tables
from tonespan_utils.statistics import splits

p = profile.load(params_path)
b = p.baseline

# %% [markdown]
# ## The sweep
#
# Folds are made of whole speakers where speakers are known, of whole sentences (for isolated syllables: syllable types) where they
# are not; a training token never shares either with a test token. Every token is predicted once, by a model that has not seen it.
# Two speakers make two folds. Where all speakers read the same sentences, a test part is some speakers' reading of some sentences.

# %%
sweeps, folds, sounds = {}, {}, []
for language in p.speech.tonal:
    corpus = sources.load(p, language)
    tokens = splits.sample_utterances(corpus.tokens, n_tokens=b.max_tokens, seed=p.seed)
    folds[language] = splits.summary(tokens, n_folds=b.n_folds, seed=p.seed)
    by_sounds = confusions.by_sounds(tokens, b, **p.bootstrap.model_dump(), seed=p.seed)
    sounds.append(by_sounds.assign(language=language))
    for frontend in b.frontends:
        sweeps[language, frontend] = cue_width.sweep_corpus(corpus, tokens, b, frontend=frontend, seed=p.seed)

# %% [markdown]
# What the folds came to. A tone that some fold does not learn, for only the speakers it is tested on say it, counts as an error there.

# %%
pd.DataFrame(folds).T

# %% [markdown]
# ## F1 against window, and the cue width
#
# The interval comes from resampling utterances: where would the curve bend if other utterances had been recorded? Chance is the F1
# expected of the same predictions shuffled over the tokens. Beside the peak stands the *saturation* window: the smallest whose F1 is within one standard
# error of the peak's.
#
# Two things must hold, or there is **no cue width**, and `reason` says why. F1 must be above chance: the lower end of its interval at the
# peak above the upper end of what shuffled predictions reach in any window. And the curve must bend: F1 rises above that of the smallest
# window, and two lines fit the curve better than a straight one, both in the bootstrap over utterances; the bend lies within the windows.

# %%
f1 = pd.concat([swept.fold_f1().assign(language=la, frontend=fe) for (la, fe), swept in sweeps.items()])
tables.write(p.results, "baseline_f1", f1)
widths = {
    key: cue_width.optimal_span(
        swept,
        analysis_window_ms=front_ends.frame_width_ms(key[1], analysis_window_ms=b.analysis_window_ms),
        n_resamples=p.bootstrap.n_resamples,
        level=p.bootstrap.level,
        seed=p.seed,
    )
    for key, swept in sweeps.items()
}

# %%
rows = pd.DataFrame([{"language": la, "frontend": fe, **vars(width)} for (la, fe), width in widths.items()])
tables.write(p.results, "baseline_spans", rows[tables.COLUMNS["baseline_spans"]])
tables.write(p.results, "baseline_notes", rows[tables.COLUMNS["baseline_notes"]])
planted = p.synthetic.planted_span_ms if p.speech.source == "synthetic" else {}
windows = rows.assign(analysis_window_ms=b.analysis_window_ms, planted_span_ms=rows["language"].map(dict(planted)))
tables.write(p.results, "baseline_windows", windows[tables.COLUMNS["baseline_windows"]])
rows.round(3)

# %%
names = ("baseline_f1", "baseline_notes", "baseline_spans", "baseline_windows")
store.draw_baseline_f1({name: tables.read(p.results, name) for name in names}, p)
plt.show()

# %% [markdown]
# ## What else tells the tones apart, and which are confused
#
# *Sounds*: a logistic regression that knows which syllable is said, and nothing of how. What it reads above chance is no pitch. *Commonest
# tone*: no reading at all. Then every front end's errors in its best window, as shares of each tone's tokens.

# %%
tables.write(p.results, "baseline_sounds", pd.concat(sounds))
errors = [confusions.of_sweep(swept).assign(language=la, frontend=fe) for (la, fe), swept in sweeps.items()]
tables.write(p.results, "baseline_confusions", pd.concat(errors))
pd.concat(sounds).set_index(["language", "reader"]).round(3)

# %%
first = pd.concat(errors).query("frontend == @b.frontends[0]")
first.pivot_table(index=["language", "tone"], columns="predicted", values="share").round(2)
