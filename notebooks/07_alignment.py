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
# # 7. How wrong are aligned times, and would it matter?
#
# Speech from FLEURS has no times: a forced alignment has to find each tone centre, and errors of 20 to 60 ms, as large as the effect
# under study, are reported for phones. So two questions. How far off is the aligner, where times are known? And how much error
# would change the study's answers?
#
# The `demo` profile's speech is **synthetic**, and its times are known exactly. The aligner is given its text alone.

# %% tags=["parameters"]
params_path = "demo"
condition = ""

# %%
import pandas as pd
from IPython.display import display

from tonespan_utils.alignment import align, aligners
from tonespan_utils.corpus import sources
from tonespan_utils.encoders import checkpoints
from tonespan_utils.paper import report
from tonespan_utils.paper.figures import alignment, store
from tonespan_utils.params import profile, tables
from tonespan_utils.study import timing

p = profile.load(params_path)
condition = condition or p.conditions[0]
knows_times = p.speech.source == "synthetic"
resampling = p.bootstrap.model_dump() | {"seed": p.seed}
corpora = {language: sources.load(p, language) for language in p.speech.tonal}

# %% [markdown]
# ## Errors against known times
#
# An aligner of one's own: a hidden Markov model of phones, trained on the train split and its text, from a flat start. The known times
# are only used to score it. The test split holds other sentences by other speakers.

# %%
rows, errors = [], {}
for language, corpus in corpora.items() if knows_times else ():
    aligner = aligners.from_speech(corpus, language, max_minutes=p.align.train_minutes)
    aligned, rejected = align.tokens(corpus, aligner, language=language, min_score=p.align.min_score)
    errors[language] = timing.errors_ms(aligned, corpus.tokens)
    for split in ("all", "train", "test"):
        reference = corpus.tokens[corpus.tokens["split"].eq(split) | (split == "all")]
        part = errors[language][errors[language]["token_id"].isin(reference["token_id"])]
        about = {"aligner": aligner.name, "language": language, "split": split}
        rows.append(about | timing.error_row(part, n_known=len(reference), **resampling))

# %% [markdown]
# A speech recogniser with CTC over characters is an aligner too, where the profile has trained one. It was taught what comes, not when: its
# labels are spikes, somewhere in their sound or behind it. Its nuclei are then looked for by voicing.

# %%
for language, corpus in corpora.items() if knows_times else ():
    folder = p.model_folder(f"{condition.partition('/')[0]}/asr-{language}", 0)
    if folder.is_dir():
        recogniser = aligners.from_checkpoint(str(folder), corpus.utterances["text"].tolist(), language)
        aligned, rejected = align.tokens(corpus, recogniser, language=language, min_score=p.align.min_score)
        reference = corpus.tokens[corpus.tokens["split"] == "test"]
        part = timing.errors_ms(aligned, reference)
        about = {"aligner": recogniser.name.rpartition("/")[2], "language": language, "split": "test"}
        rows.append(about | timing.error_row(part, n_known=len(reference), **resampling))

# %% [markdown]
# Bias is the median error, late is positive. The median and the 95th percentile are of its size, with intervals from drawing
# utterances anew.

# %%
scored = pd.DataFrame(rows, columns=tables.COLUMNS["alignment"])
tables.write(p.results, "alignment", scored)
scored.round(1)

# %%
encoder = checkpoints.load_condition(p, condition, seed=0)
checkpoints_used = {condition: encoder.identity}
drawn = [encoder.layers[len(encoder.layers) // 2], encoder.layers[-1]]
recipes = alignment.recipes(drawn, times_known=knows_times)
loaded = {"alignment": scored, "tokens": pd.concat([corpus.tokens for corpus in corpora.values()])}
if knows_times:
    every_error = pd.concat([rows.assign(language=language) for language, rows in errors.items()])
    in_test = loaded["tokens"].loc[loaded["tokens"]["split"] == "test", "token_id"]
    loaded["errors"] = every_error[every_error["token_id"].isin(in_test)]
record = alignment.record(p, "alignment", recipes["alignment"], loaded, checkpoints=checkpoints_used)
display(store.save_recipe(p, "alignment", recipes["alignment"], loaded, record))
print(record["caption"])

# %% [markdown]
# ## What would wrong centres do?
#
# Every centre is moved by a normal error; the baseline, the probes and the gradients are done anew. The baseline's window has to
# grow to catch a cue that is not where it is said to be; `r_com` is a property of the model, and need not.

# %%
moved = []
for language, corpus in corpora.items():
    moved.append(timing.baseline_rows(p, corpus, language))
    moved.append(timing.r_com_rows(p, encoder, corpus, language, condition=condition))
jitter = pd.concat(moved, ignore_index=True)
tables.write(p.results, "jitter", jitter)
jitter.pivot_table(index=["measure", "layer"], columns=["language", "jitter_ms"], values="value_ms").round(0)

# %% [markdown]
# With the errors goes tone itself: the scores of baseline and top layer.

# %%
top = encoder.layers[-1]
shown = jitter[jitter["layer"].isin(["", top])]
shown.pivot_table(index=["measure", "language"], columns="jitter_ms", values=["f1", "chance_f1"]).round(2)

# %% [markdown]
# The cue width of the baseline, and `2 r_com` of a middle and of the top layer; dotted is what a model that looks everywhere alike
# would give.

# %%
loaded |= {"jitter": jitter}
record = alignment.record(p, "jitter", recipes["jitter"], loaded, checkpoints=checkpoints_used)
display(store.save_recipe(p, "jitter", recipes["jitter"], loaded, record))
print(record["caption"])

# %%
report.write_again(p)
