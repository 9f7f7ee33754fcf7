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
# # 6. What is a span worth, and does it mean what it says?
#
# Before a number is believed it is asked about something already known. Notebook 6a planted tone cues of several widths and asked every
# estimator for them; notebook 6b made checks that could have failed. Here their answers are put together: no model and no audio needed.
#
# The speech is synthetic, and so is the answer. What is learned is about the instrument, not about any language.

# %% tags=["parameters"]
params_path = "demo"

# %%
from IPython.display import Markdown, display

from tonespan_utils.paper import report
from tonespan_utils.paper.figures import store, validity
from tonespan_utils.params import profile, tables
from tonespan_utils.study import calibration, crossed_languages

p = profile.load(params_path)
v = p.validity
parts = [v.corpus_name(v.language, span_ms) for span_ms in v.planted_span_ms]
draws = tables.read_parts(p.results, "calibration_draws", parts=parts)
tables.join_parts(p.results, "calibration_scores", parts=parts)
calibrated = calibration.calibration_table(draws, level=p.bootstrap.level)
tables.write(p.results, "calibration", calibrated)
calibrated.pivot(index=["estimator", "condition", "layer"], columns="true_span_ms", values="estimated_span_ms").round(0)

# %% [markdown]
# ## The line through the answers
#
# `slope` says how the answer grows with the planted width, `bias_ms` by how much it misses on average. A box of energy of width S has
# 2 r_com = S / 2: a gradient that lay evenly over the cue would have slope 0.5 and no intercept.

# %%
lines = calibration.line_table(draws, level=p.bootstrap.level)
tables.write(p.results, "calibration_lines", lines)
lines.drop(columns="n_spans").round(2)

# %% [markdown]
# ## Is the acoustic baseline within 15 ms of every planted width?

# %%
acoustic = calibrated[calibrated["estimator"] == "acoustic"]
acoustic.assign(error_ms=acoustic["estimated_span_ms"] - acoustic["true_span_ms"]).round(1)

# %% [markdown]
# ## Is it the width, or the language?
#
# The same widths in another language, whose sounds, tones and voiced stretches differ. Per estimator: the slope over the widths that both
# languages have, in this one and in the main one, and the shift, by how much the answers lie higher at equal width. What
# answers to the width alone has equal slopes and a shift of 0.

# %%
others = {
    language: tables.read_parts(
        p.results, "calibration_draws", parts=[v.corpus_name(language, span_ms) for span_ms in spans_ms]
    )
    for language, spans_ms in v.crossed_span_ms.items()
}
crossed = crossed_languages.crossed_table(draws, others, level=p.bootstrap.level)
tables.write(p.results, "calibration_languages", crossed)
crossed.round(2)

# %% [markdown]
# ## Figures

# %%
loaded = store.load_validity(p) | {"encoders": tables.read_parts(p.results, "encoders", parts=parts)}
for name, recipe in validity.recipes(p).items():
    display(Markdown(f"### {recipe.title}"))
    display(store.save(p, name, loaded))
    display(Markdown(recipe.caption(loaded, p)))

# %% [markdown]
# ## Verdicts of the sanity checks

# %%
loaded["sanity"].groupby(["check", "condition", "verdict"]).size().unstack(fill_value=0)

# %%
report.write_again(p)
