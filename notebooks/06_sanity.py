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
# # 6b. Does a span mean what it says?
#
# Checks that could have failed, on the speech of one planted span (notebook 6a) and the encoders trained there: the encoder as it is
# (*vanilla*) and after speech recognition (*asr*). Each row has a value, its interval over utterances, its null and a verdict.

# %% tags=["parameters"]
params_path = "demo"

# %%
import numpy as np
import pandas as pd

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import sources
from tonespan_utils.encoders import checkpoints, randomised
from tonespan_utils.instrument import attention, gradient_energy, pooling, probes, spans
from tonespan_utils.params import profile, tables
from tonespan_utils.statistics import ranks
from tonespan_utils.statistics.bootstrap import Interval
from tonespan_utils.study import calibration, sanity

p = profile.load(params_path)
v = p.validity

# %%
own = calibration.planted(p, v.sanity_span_ms)
named = calibration.conditions_of(own, narrow=False)
corpus = sources.load(own, v.language)
loaded = {task: checkpoints.load_condition(own, name, seed=own.finetune.seeds[0]) for task, name in named.items()}
layers = loaded["asr"].layers
top = layers[-1]
interval = p.bootstrap.model_dump() | {"seed": v.seed}
edges, offsets = spans.offset_bins(p.gradient.window_ms, p.gradient.bin_ms)
tokens = gradient_energy.eligible(corpus, n_tokens=v.n_tokens, min_side_ms=p.gradient.min_side_ms, seed=v.seed)
rows = []

# %% [markdown]
# ## Randomised weights
#
# From the top down, the values of every tensor change places, and probes are **fitted anew** after each step, so that each question is
# put to what the encoder then knows. Two things are asked of the encoder with everything dealt: is its map as wide as a flat one, and
# is it another than that of the intact encoder? If it is narrower than flat, then this is how far the architecture looks with nothing
# learned, and the null to hold a span against.

# %%
radii = []
for task, encoder in loaded.items():
    for lost in randomised.cascade(encoder, v.n_cascade_steps):
        everything = len(lost) == len(randomised.parts(encoder))
        for seed in v.random_seeds if everything else v.random_seeds[:1]:
            other = randomised.permuted(encoder, lost, seed=seed)
            result = calibration.probe_layers(own, other, corpus, corpus.tokens, layers=[top])[top]
            measured = gradient_energy.measure(
                other, {top: result.probe}, corpus, tokens, edges, target=p.gradient.target, wrt=p.gradient.wrt
            )
            span = pooling.pooled_span(measured.energy[top], measured.null, measured.utterances, edges, **interval)
            found, f1 = Interval(span.span_ms, span.ci_low_ms, span.ci_high_ms), result.interval
            step = f"{len(lost)} of {len(randomised.parts(encoder))} parts" + (f", seed {seed}" if everything else "")
            asked = (
                (sanity.reaches(found, span.null_span_ms), sanity.at_most(f1, result.chance_f1))
                if everything
                else (sanity.SHOWN,) * 2
            )
            rows.append(
                sanity.row("randomised weights", task, top, f"span_ms, {step}", found, span.null_span_ms, asked[0])
            )
            rows.append(sanity.row("randomised weights", task, top, f"f1, {step}", f1, result.chance_f1, asked[1]))
            radius = spans.center_of_mass_radius(measured.energy[top], offsets)
            about = {"task": task, "parts": len(lost), "seed": seed, "utterance_id": measured.utterances}
            radii.append(pd.DataFrame(about | {"token_id": measured.tokens, "span_ms": 2 * radius}))

# %% [markdown]
# The same tokens, intact and with everything dealt; utterances and draws of the weights are resampled together.

# %%
widths = pd.concat(radii)
for task, own_widths in widths.groupby("task", sort=False):
    intact = own_widths[own_widths["parts"] == 0].set_index("token_id")["span_ms"]
    dealt = own_widths[own_widths["parts"] == own_widths["parts"].max()]
    difference = intact.loc[dealt["token_id"]].to_numpy() - dealt["span_ms"].to_numpy()
    found = sanity.mean_interval(difference, dealt["utterance_id"], dealt["seed"], **interval)
    statistic = "difference in span_ms, intact minus all dealt"
    rows.append(sanity.row("randomised weights", task, top, statistic, found, 0.0, sanity.apart(found, 0.0)))

# %% [markdown]
# ## Shuffled labels, selectivity, description length
#
# A probe of tones dealt at random must stay at chance. Selectivity is F1 minus the F1 of the control task (a random tone per syllable
# type). The online code sends the tones to someone who has the vectors: compression is the uniform code over it, beside that of the
# control task.

# %%
true_probes = {task: calibration.probe_layers(own, encoder, corpus, corpus.tokens) for task, encoder in loaded.items()}
for task, encoder in loaded.items():
    shuffled = sanity.shuffled_training(corpus.tokens, seed=v.seed)
    for layer, result in calibration.probe_layers(own, encoder, corpus, shuffled).items():
        f1 = result.interval
        rows.append(
            sanity.row("shuffled labels", task, layer, "f1", f1, result.chance_f1, sanity.at_most(f1, result.chance_f1))
        )
    for layer, result in true_probes[task].items():
        gain = Interval(result.selectivity, result.ci_low - result.control_f1, result.ci_high - result.control_f1)
        rows.append(sanity.row("selectivity", task, layer, "f1 minus control f1", gain, 0.0, sanity.above(gain, 0.0)))

# %%
utterances = corpus.tokens["utterance_id"].to_numpy()
tone = corpus.tokens["tone"].to_numpy(dtype=str)
control = probes.control_labels(corpus.tokens, seed=v.seed)
coding = {"regularisation_c": p.probe.regularisation_c, "seed": v.seed}
for task, encoder in loaded.items():
    vectors = calibration.vectors(own, encoder, corpus, corpus.tokens)
    for layer in layers:
        codes = {
            name: sanity.online_codelength(vectors[layer], labels, utterances, **coding)
            for name, labels in (("tone", tone), ("control", control))
        }
        bits = sanity.mean_interval(codes["tone"].bits, utterances[codes["tone"].order], **interval)
        other_bits = sanity.mean_interval(codes["control"].bits, utterances[codes["control"].order], **interval)
        uniform = codes["tone"].uniform
        shorter = sanity.above(Interval(-bits.value, -bits.high, -bits.low), -min(uniform, other_bits.low))
        rows.append(sanity.row("description length", task, layer, "bits per token", bits, uniform, shorter))
        rows.append(
            sanity.row("description length", task, layer, "bits per token, control", other_bits, uniform, sanity.SHOWN)
        )

# %% [markdown]
# ## Tone-free speech
#
# The same sentences and voices without any tone contour; the labels are the tones that were not spoken. Whatever finds them there did not
# find them in the pitch.

# %%
flat = calibration.planted(p, 0.0)
sources.prepare(flat)
silent = sources.load(flat, v.language)
for task, encoder in loaded.items():
    for layer, result in calibration.probe_layers(flat, encoder, silent, silent.tokens).items():
        f1 = result.interval
        rows.append(
            sanity.row(
                "tone-free speech", task, layer, "f1", f1, result.chance_f1, sanity.at_most(f1, result.chance_f1)
            )
        )
heard = calibration.baseline_sweep(flat, silent)
truth, best, spoken = heard.tone, heard.predicted[-1], heard.utterance
scored = probes.score_answers(truth, best, spoken, **interval)
f1, chance = scored.interval, scored.chance_f1
rows.append(
    sanity.row(
        "tone-free speech", "signal", "", f"f1, {heard.windows_ms[-1]:g} ms", f1, chance, sanity.at_most(f1, chance)
    )
)

# %% [markdown]
# ## Edges and durations
#
# Does a token's r_com only say how near the recording's edge it lies, or how long its syllable is? And does the duration alone give the
# tone away?

# %%
grouped = gradient_energy.by_utterance(tokens)
length_s = grouped["utterance_id"].map(corpus.utterances.set_index("utterance_id")["n_samples"]) / SAMPLE_RATE
confounds = {
    "distance to the edge": np.minimum(grouped["center_s"], length_s - grouped["center_s"]).to_numpy(),
    "syllable duration": (grouped["end_s"] - grouped["start_s"]).to_numpy(),
}
by_layer = {}
for task, encoder in loaded.items():
    known = {layer: result.probe for layer, result in true_probes[task].items()}
    measured = gradient_energy.measure(
        encoder, known, corpus, tokens, edges, target=p.gradient.target, wrt=p.gradient.wrt
    )
    for layer, energy in measured.energy.items():
        radius = spans.center_of_mass_radius(energy, offsets)
        by_layer[task, layer] = sanity.mean_interval(radius, measured.utterances, **interval)
        for name, values in confounds.items():
            rho = sanity.rank_correlation(radius, values, measured.utterances, **interval)
            rows.append(
                sanity.row("confounds", task, layer, f"rho of r_com and {name}", rho, 0.0, sanity.holds_zero(rho))
            )

# %%
duration = (corpus.tokens["end_s"] - corpus.tokens["start_s"]).to_numpy(dtype=np.float32)[:, None]
guessed = calibration.held_out(own, corpus, duration)
scored = probes.score_answers(tone, guessed, utterances, **interval)
f1, chance = scored.interval, scored.chance_f1
rows.append(sanity.row("confounds", "signal", "", "f1 from duration alone", f1, chance, sanity.at_most(f1, chance)))

# %% [markdown]
# ## How far attention looks
#
# The mean distance of each head's attention from the frame at the tone centre, and of all heads of a layer, beside the gradient's r_com,
# which is a mean distance too but of what moves the tone logit. The null is attention that is even over the window.

# %%
for task, encoder in loaded.items():
    away = attention.measure(encoder, corpus, tokens, window_ms=p.gradient.window_ms, **interval)
    for one in away.itertuples():
        found = Interval(one.distance_ms, one.ci_low_ms, one.ci_high_ms)
        verdict = (
            sanity.SHOWN
            if one.head != "mean"
            else sanity.at_most(Interval(found.high, found.high, found.high), one.null_ms)
        )
        rows.append(
            sanity.row("attention", task, one.layer, f"distance_ms, head {one.head}", found, one.null_ms, verdict)
        )
    for layer in layers:
        null = measured.null @ np.abs(offsets)
        rows.append(
            sanity.row("attention", task, layer, "r_com_ms", by_layer[task, layer], float(null.mean()), sanity.SHOWN)
        )

# %% [markdown]
# ## Do other estimators say the same?
#
# After speech recognition, every estimator of energy measures the same tokens in every layer. Do they rank tokens alike, within a layer,
# and do they rank the layers alike? The null deals the tokens, or the layers, of one side at random; its upper end has to be passed.

# %%
few = gradient_energy.eligible(corpus, n_tokens=v.n_agreement_tokens, min_side_ms=p.gradient.min_side_ms, seed=v.seed)
known = {layer: result.probe for layer, result in true_probes["asr"].items()}
asked = ["gradient", *v.energy_estimators]
same = gradient_energy.by_utterance(few)[["token_id", "utterance_id"]]
radii = []
for name in asked:
    for layer, energy in calibration.slow_energy(name, loaded["asr"], known, corpus, few, edges).items():
        radius = spans.center_of_mass_radius(energy, offsets)
        radii.append(same.assign(estimator=name, layer=layer, r_com_ms=radius))
for one in ranks.agreement(pd.concat(radii), **interval).itertuples():
    rho, statistic = Interval(one.rho, one.ci_low, one.ci_high), f"rho over {one.over}, {one.a} and {one.b}"
    rows.append(sanity.row("agreement", "asr", "", statistic, rho, one.null_high, sanity.above(rho, one.null_high)))

# %% [markdown]
# ## Kept

# %%
sane = pd.DataFrame(rows)
tables.write(p.results, "sanity", sane)
sane.groupby(["check", "verdict"]).size().unstack(fill_value=0)

# %%
sane[sane["verdict"].isin([sanity.FAILED, sanity.UNDECIDED])].round(3)
