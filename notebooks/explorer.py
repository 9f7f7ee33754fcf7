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
# # Explore: how far does each layer look?
#
# Choose a condition with its language, and a layer, and see where the energy of its input gradient lies around the tone centre. Everything is
# read from the stored tables of a finished run (`make paper`), so changing a choice is immediate.

# %% tags=["parameters"]
params_path = "demo"

# %%
from ipywidgets import interact

from tonespan_utils import figures, params

p = params.load(params_path)
loaded = figures.load_tables(p)

# %% [markdown]
# Solid lines are +-r_com, dashed ones hold 90 % of the energy, and the dotted line is a model that looks everywhere alike.

# %%
measured = loaded["spans"][["condition", "language"]].drop_duplicates()
interact(
    lambda where, layer: figures.draw_energy_profile(loaded, condition=where[0], language=where[1], layer=layer),
    where={f"{row.condition} on {row.language}": (row.condition, row.language) for row in measured.itertuples()},
    layer=list(dict.fromkeys(loaded["spans"]["layer"])),
)
