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
# # 5. The conditions compared, the claims checked, and every figure
#
# No model and no audio are needed here: the tables of the earlier notebooks are read, conditions are compared with intervals on
# their differences, each key result of the paper gets a verdict, every figure is drawn and saved (PDF, SVG, PNG, each carrying what
# made it), and the report is written.

# %% tags=["parameters"]
params_path = "demo"

# %%
from IPython.display import Markdown, display

from tonespan_utils.paper import report
from tonespan_utils.paper.figures import store
from tonespan_utils.params import conditions, profile, tables
from tonespan_utils.study import checks, claim_tables, claims, comparison, controls, learned, quality_flags, questions
from tonespan_utils.study import token_values as values_of

p = profile.load(params_path)
parsed = [conditions.parse(name) for name in p.conditions]
measured = [condition.name for condition in parsed if condition.is_measured]
taught_tone = [condition for condition in parsed if not condition.is_measured]
tables.join_all(p)
scores = tables.read(p.results, "finetune")
scores.query("metric != 'train_loss'").pivot_table(index="metric", columns="condition", values="value").round(2)

# %% [markdown]
# ## A fair best layer
#
# The layer with the best F1 looks good partly by luck. So the test utterances are halved by speaker: one half chooses the layer, the
# other is scored, both ways. Two distances follow from the span at that layer: `|2 r_com - cue width|` as in the paper, and, because
# energy spread evenly over a width S has a span of S/2, `|4 r_com - cue width|`.

# %%
tokens, baseline = tables.read(p.results, "tokens"), tables.read(p.results, "baseline_spans")
cues = baseline[baseline["frontend"] == p.baseline.frontends[0]]
predictions = tables.read_parts(p.results, "predictions", parts=measured)
token_spans = tables.read_parts(p.results, "token_spans", parts=measured)
n_resamples, level, seed = p.bootstrap.n_resamples, p.bootstrap.level, p.seed
cue_widths_ms = cues.set_index("language")["span_ms"]
span_table = tables.read(p.results, "spans")
study = comparison.study(
    predictions, token_spans, tokens, cue_widths_ms, n_resamples=n_resamples, seed=seed, level=level,
    span_table=span_table, from_depth=p.claims.from_depth,
)  # fmt: skip

# %%
compared = comparison.comparison_table(study, span_table, cues, level=level)
tables.write(p.results, "comparison", compared)
tables.write(p.results, "layer_curves", comparison.layer_table(study, level=level))
shown = ["condition", "language", "best_layer", "f1", "chance_f1", "span_ms", "cue_width_ms", "distance_ms"]
compared[[*shown, "distance_low_ms", "distance_high_ms", "box_distance_ms", "null_span_ms", "n_tokens", "note"]].round(
    2
)

# %% [markdown]
# ## Where a span is no finding
#
# Quality flags, computed for every result: a probe whose F1 is not above chance, energy as even as its null, a span far over the cue
# width, a jump from one layer to the next, too few tokens for the interval. Where the probe knows nothing the figures draw its span
# hollow, and blank cells are good.

# %%
signs = quality_flags.table(study, span_table, cues, level=level)
tables.write(p.results, "signatures", signs)
quality_flags.board(signs)

# %% [markdown]
# ## Paired differences
#
# Two conditions are measured on the same utterances: what they share drops out of their difference, whose interval is then narrower than those of
# the two alone. Seeds are drawn too, for each condition on its own.

# %%
contrasts = comparison.contrast_table(study, level=level)
tables.write(p.results, "contrasts", contrasts)
contrasts[contrasts["measure"].isin(["f1", "span_ms", "distance_ms"])].round(2)

# %% [markdown]
# ## Do two trainings look alike?
#
# Spearman's rho of r_com between two seeds of one condition: of the same tokens within a layer (mean over layers), and of the layers'
# means. The null shuffles one side. Where the seeds disagree about which tokens need a wide view, only the mean is a finding.

# %%
agreed = comparison.seed_agreement(token_spans, level=level, seed=seed)
tables.write(p.results, "seed_agreement", agreed)
agreed.drop(columns=["a", "b"]).round(2)

# %% [markdown]
# ## A probe, or fine-tuning on tone?
#
# The same encoder, once read by a linear probe and once taught to name the tone itself, on the same test tokens.

# %%
tone_predictions = tables.read_parts(p.results, "tone_predictions", parts=tables.trained_parts(p, taught_tone))
both = comparison.probe_vs_finetuned(
    predictions, tone_predictions, tokens, n_resamples=n_resamples, level=level, seed=seed
)
tables.write(p.results, "probe_vs_finetuned", both)
both.round(2)

# %% [markdown]
# ## Is there one best layer?
#
# Where F1 hardly changes from layer to layer, "the best" is a matter of luck, while spans differ twofold. Here are the layers that no other
# one surpasses for certain (multiple comparisons with the best). With more than one, the best layer is not identified. Claims, therefore,
# are about layers that were stated beforehand: the mean over the upper half of the blocks (`claims.from_depth`).

# %%
token_values = values_of.collect(
    predictions, token_spans, cue_widths_ms, influence=values_of.read_influence(p.results, tokens)
)
upper_spans = claim_tables.upper_table(study, token_values, span_table, p.claims, level=level)
tables.write(p.results, "upper_spans", upper_spans)
display(upper_spans.round(2))
best_layers = claim_tables.best_layer_table(token_values, level=level, seed=seed)
tables.write(p.results, "best_layers", best_layers)
best_layers

# %% [markdown]
# ## The paper's claims
#
# Each is one statistic, paired over tokens, with trainings as a random effect whose variance is pooled over conditions. The whole interval
# agrees: *supported*. None of it does: *contradicted*. Surely below the smallest effect that matters (`claims.smallest_ms`,
# `claims.smallest_f1`): *too small to matter*. Else: *undecided*. *Not tested*: something is missing or no finding, or a model has not
# learned its task. Where the answer was planted, the verdict is *by construction*, which counts as no support. A star: it does not stand
# once the number of claims is allowed for (Holm).

# %%
not_learned = learned.why_not(scores)
posed = questions.ask(
    study, token_values, cue_widths_ms, p.speech.tonal, not_learned=not_learned, params=p.claims
)  # fmt: skip
checked = claims.check(
    posed, cues, p.speech.tonal, speech=profile.describe_speech(p), synthetic=p.speech.source == "synthetic", level=level
)  # fmt: skip
tables.write(p.results, "claims", checked)
display(claims.board(checked, checks.statements(p.claims)))
print(claims.tally(checked), f"undecided: {claims.undecided_share(checked):.0%} of what is tested")
checked.drop(columns="statement").round(2)

# %% [markdown]
# Every layer, with a band that holds all of them at once; and how many tokens and trainings each claim takes.

# %%
tables.write(p.results, "claim_layers", claim_tables.layer_table(posed, study, token_values, level=level, seed=seed))
power = claim_tables.power_table(posed, p.claims, level=level)
tables.write(p.results, "power", power)
power.round(2)

# %% [markdown]
# ## Is the board itself to be believed?
#
# It has to call what was made on purpose, and may call nothing where there is nothing: two trainings of one condition, or names shuffled.

# %%
checked_controls = controls.table(
    token_values, predictions, scores, params=p.claims, level=level, seed=seed
)  # fmt: skip
tables.write(p.results, "controls", checked_controls)
checked_controls.round(3)

# %% [markdown]
# ## Figures and report

# %%
loaded = store.load_tables(p)
for name, recipe in store.recipes(p).items():
    display(Markdown(f"### {recipe.title}"))
    display(store.save(p, name, loaded))
    display(Markdown(recipe.caption(loaded, p)))

# %% [markdown]
# The report opens from disk, and leads to the explorer's page (`05_explorer_page`).

# %%
report.write(p, loaded)
