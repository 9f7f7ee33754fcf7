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
# # 2. Fine-tune one condition
#
# What does a task do to the way an encoder listens? Every condition starts from the same checkpoint and gets the same number of
# updates with the same learning-rate schedule; only the task differs:
#
# - **asr**: write down what is said, in the characters of the language's own script (CTC). Tone is written, so the model has to tell tones apart.
#   Letters are learned in the order of speech (Thai แม่ as มแ่) and Vietnamese tone marks as labels of their own, since CTC emits
#   one label at a time; errors are counted in the text as it is written. Mandarin, whose script
#   has more characters than a small corpus can teach, may be written as sounds and tones (`finetune.phonetic`). The new head first learns alone
#   (`finetune.head_first_steps`), so that it does not spoil the encoder while it knows nothing.
# - **emotion**, **gender**: one label per utterance, from the mean over its frames.
# - **speaker**: x-vectors with an angular margin, learned from crops (`finetune.xvector_crop_ms`); scored on whole utterances by
#   verification, same person or not, on people who are not in the training split: the cosine of two x-vectors in the space of the training
#   speakers' linear discriminants.
# - **narrow_asr**: ASR that also pays for looking further than a given span: at random frames, for the share of input-gradient energy
#   beyond it (`finetune.span_penalty`). **wide_asr** is rewarded for the same. **deaf_asr** pays for hearing pitch: for what changes in its
#   hidden vectors when the pitch of the utterance is flattened (`finetune.pitch_penalty`). What these three do is known beforehand.
# - **shuffled**: the same speech and the same number of updates, but shuffled labels. What changes here, any training changes.
# - **tone**: the tone at each centre frame, by changing the whole encoder; to be held against a probe that may change nothing.
#
# The convolutional front end is left as it was, as usual since wav2vec 2.0, so its features are computed once and kept.

# %% tags=["parameters"]
params_path = "demo"
condition = "mini/gender"
seed = "0"

# %%
import matplotlib.pyplot as plt

from tonespan_utils.finetune import conditions
from tonespan_utils.params import profile, tables
from tonespan_utils.plots import training

p = profile.load(params_path)
p.finetune

# %% [markdown]
# ## Training
#
# On train and dev, by transformers' own model, head and Trainer. A killed training goes on from its last checkpoint. Nothing is
# chosen on the way: the weights after the last update are the result.

# %%
tuned = conditions.run(p, condition, seed=int(seed))

# %%
if len(tuned.curve):
    training.loss_curve(tuned.curve, title=f"{condition}, seed {seed}")
    plt.show()

# %% [markdown]
# ## Does the model do its task?
#
# On the test split: other sentences and, where known, other speakers. Beside each score its bootstrap interval over utterances and
# its null, the same answers scored against shuffled references. A model that does not do its task says nothing about what
# the task does.
#
# Does a recogniser hear tone, or does it get by on sounds? `tone_error_rate` is the share of wrong tones among the syllables whose
# sounds it wrote right; `minimal_pair_error`, how often it finds a text likelier that differs from the true one in a single tone.

# %%
part = f"{condition}.seed{seed}"
tables.write(p.results, "finetune_curves", tuned.curve, part=part)
tables.write(p.results, "tone_predictions", tuned.tone_predictions, part=part)
tables.write(p.results, "finetune", tuned.scores, part=part)
tuned.scores[["metric", "value"]].round(3)
