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
# # 5. The explorer as a page
#
# Where single tokens can be seen and heard: sound, spectrogram and the energy of every layer, in one file that opens from disk
# without a kernel. Like the comparison it needs no model; the clips are cut from the speech once and kept. It is made beside the
# comparison, not after it. The same view with a kernel, for all tokens and for your own recordings, is `explorer`.

# %% tags=["parameters"]
params_path = "demo"

# %%
from tonespan_utils.paper.explorer import page
from tonespan_utils.params import profile, tables

p = profile.load(params_path)
tables.join_all(p)

# %%
page.write(p)
