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
# One tone token at a time: what it sounds like, and where the energy of its input gradient lies, layer by layer, on the same time
# axis. Everything is read from a finished run (`make paper`) once, so every change is immediate. Arrow keys step through tokens and
# layers, the space bar plays; drag for a range of time, turn the wheel to zoom. `docs/explorer.md` says what each mark and button is.
#
# Solid lines are at +-r_com, dotted ones hold 90 % of the energy, and the fine dotted curve is a model that looks everywhere alike;
# the shaded band is the cue width that the acoustic baseline found. Listen to the part inside the span: is the tone still there?
#
# *Measure my recording* takes an audio file of yours and the time of a tone centre in it, and asks the chosen condition's stored
# probes how far they look. A probe trained on this profile's speech may say nothing sensible about other speech.

# %% tags=["parameters"]
params_path = "demo"

# %%
from tonespan_utils.paper.explorer import widget

widget.show(params_path)
