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
# # 5. Every figure, from the stored tables
#
# No model and no audio are needed here: the tables of the earlier notebooks are read, every figure of the paper is drawn and
# saved (PDF, SVG, PNG, each carrying what made it), and the report is written.

# %% tags=["parameters"]
params_path = "demo"

# %%
from IPython.display import Markdown, display

from tonespan_utils import figures, params, report, tables

p = params.load(params_path)
tables.join_all(p)
loaded = figures.load_tables(p)

# %%
for name, recipe in figures.recipes(p).items():
    display(Markdown(f"## {recipe.title}"))
    display(figures.save(p, name, loaded))
    display(Markdown(recipe.caption(loaded, p)))

# %% [markdown]
# ## Span of the best layer against the cue width
#
# The layer where tone is read best, how far it looks, and how wide the cue is in the signal. The two spans are not in the same
# currency: an energy box of width S has an effective span of S/2.

# %%
comparison = figures.best_layer_spans(loaded, p)
comparison.round(2)

# %%
report.write(p, loaded)
