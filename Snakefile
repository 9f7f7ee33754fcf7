"""The paper as a graph: which notebook makes which table and figure. Run it with `make paper`, or on a cluster with
Snakemake's own executors: python -m tonespan_utils run full --cluster slurm (see cluster/slurm/config.yaml).

A rule that runs an encoder needs one GPU (where there is one), memory of the machine in MB, and time in minutes.

Snakemake works in the output folder. All paths are relative to it, and the repository is seen through a link where it
lies elsewhere: what stands in a user's path ({name}, say) means nothing to Snakemake, then, and nothing to the shell.
What is the user's in a parameter comes through a function, whose values Snakemake leaves as they are."""

import os
import re
import sys
from pathlib import Path

from tonespan_utils.params import conditions, profile, tables
from tonespan_utils.params.profile import OUTPUT_ROOT, ROOT
from tonespan_utils.workflow import dependencies, processes

RESOLVED = OUTPUT_ROOT / config["params"]
P = profile.load(RESOLVED)
RESULTS, RUNS, FIGURES = (folder.relative_to(OUTPUT_ROOT) for folder in (P.results, P.runs, P.figures))
PYTHON = sys.executable
os.environ.update(processes.marked({}))  # commands end with this process
CONDITION = {conditions.parse(name).part: conditions.parse(name) for name in P.conditions}
MEASURED = [part for part, condition in CONDITION.items() if condition.is_measured]
TRAINED = [f"{part}.seed{seed}" for part, c in CONDITION.items() if c.is_trained for seed in P.seeds(c.name)]
ENCODERS = tables.encoders(P)
ON_GPU = P.align.model not in (None, "own")  # an aligner that is trained here needs none
FIRST, SECOND = 200, 100  # priorities: what much else waits for, or takes long, must not be left for the end


wildcard_constraints:
    part="|".join(map(re.escape, CONDITION)),
    encoder="|".join(map(re.escape, ENCODERS)),
    seed=r"\d+",
    corpus=r"span[\d.]+(-[a-z]+)?",
    language="|".join(P.speech.tonal),


def trained(condition, seeds):
    """The score tables that are there once a condition has been trained with some seeds; none for a vanilla encoder."""
    names = [f"finetune.{condition.part}.seed{seed}.csv" for seed in seeds] if condition.is_trained else []
    return [RESULTS / "parts" / name for name in names]


def breadth(wildcards):
    """How much there is to measure of a condition: models by languages. The most goes first, so that what is left at
    the end is short, and no core waits long for another.
    """
    condition = CONDITION[wildcards.part]
    return len(P.seeds(condition.name)) * len(conditions.measured_languages(condition, P.speech.tonal))


def start(wildcards):
    """What a training starts from, with the same seed where that was trained too."""
    before = conditions.parse(CONDITION[wildcards.part].starts_from)
    seeds, seed = P.seeds(before.name), int(wildcards.seed)
    return trained(before, [seed if seed in seeds else seeds[0]])


def repository():
    """The repository as it is seen from the output folder."""
    if ROOT == OUTPUT_ROOT:
        return Path()
    link = Path(".snakemake", "repository")
    if not link.is_symlink() or link.readlink() != ROOT:
        new = link.with_name(f"repository.{os.getpid()}")  # another job may be doing the same
        new.parent.mkdir(exist_ok=True)
        new.symlink_to(ROOT)
        new.replace(link)
    return link


HERE = repository()

def weights():
    """The files of the encoder that is calibrated, where they are ours: another encoder is measured anew."""
    folder = ROOT / P.encoders[P.validity.encoder or next(iter(P.encoders))].checkpoint
    ours = folder.is_dir() and folder.resolve().is_relative_to(ROOT)
    return [HERE / path.relative_to(ROOT) for path in sorted(folder.resolve().glob("*.safetensors"))] if ours else []


def code(notebook):
    """What a notebook's results depend on: itself, and every file of the package that it imports."""
    return [HERE / path.relative_to(ROOT) for path in dependencies.of_notebook(notebook)]


def section(*names):
    """The named sections of the parameters, as they are: a function's value may have {braces} in it."""
    text = P.section(*names)
    return lambda wildcards: text


def run(notebook, *, kept=False):
    # The rule's outputs include the executed notebook as `run`; {wildcards} become Papermill parameters in the rules.
    # exec: without a shell in between, the command is a child of Snakemake, and ends with it.
    command = f"exec {{PYTHON:q}} -m tonespan_utils notebook {notebook} {{output.run:q}} -p params_path {{RESOLVED:q}}"
    # What it makes is written down: all outputs, and what it keeps beside them.
    return f"{command} --made {{output:q}}" + (" {params.kept:q}" if kept else "")


rule paper:
    default_target: True
    input:
        FIGURES / "index.html",  # pages may have come with the repository, and newer than all they are made from:
        FIGURES / "explorer.html",
        RESULTS / "claims.csv",  # these never do
        RESULTS / "clips.npz",


rule corpus:
    input:
        code("00_corpus"),
    params:
        section=section("seed", "speech", "synthetic", "align", "f0"),
        around=[P.gradient.min_side_ms, max(P.baseline.windows_ms)],  # tokens with less audio are listed in rejected
    output:
        tokens=RESULTS / "tokens.csv",
        rejected=RESULTS / "rejected.csv",
        f0=RESULTS / "f0.csv",
        run=RUNS / "00_corpus.ipynb",
    threads: 2
    resources:
        gpu=int(ON_GPU),
        mem_mb=16_000,
        runtime=480,
    shell:
        run("00_corpus") + (" --gpu" if ON_GPU else "")


rule baseline:
    input:
        code("01_baseline_spans"),
        tokens=rules.corpus.output.tokens,
    params:
        section=section("seed", "baseline", "bootstrap"),
    output:
        f1=RESULTS / "baseline_f1.csv",
        notes=RESULTS / "baseline_notes.csv",
        spans=RESULTS / "baseline_spans.csv",
        sounds=RESULTS / "baseline_sounds.csv",
        confusions=RESULTS / "baseline_confusions.csv",
        windows=RESULTS / "baseline_windows.csv",
        run=RUNS / "01_baseline_spans.ipynb",
    priority: FIRST
    shell:
        run("01_baseline_spans")


rule finetune:
    input:
        code("02_finetune"),
        tokens=rules.corpus.output.tokens,
        start=start,
    params:
        section=section("seed", "encoders", "finetune", "probe", "bootstrap"),
        condition=lambda wildcards: CONDITION[wildcards.part].name,
        kept=str(RESULTS / "models" / "{part}.seed{seed}"),
    output:
        scores=RESULTS / "parts" / "finetune.{part}.seed{seed}.csv",
        curves=RESULTS / "parts" / "finetune_curves.{part}.seed{seed}.csv",
        tones=RESULTS / "parts" / "tone_predictions.{part}.seed{seed}.csv",
        run=RUNS / "02_finetune.{part}.seed{seed}.ipynb",
    priority: FIRST
    resources:
        gpu=1,
        mem_mb=24_000,
        runtime=240,  # minutes
    shell:
        run("02_finetune", kept=True) + " --gpu -p condition {params.condition:q} -p seed {wildcards.seed:q}"


rule probes:
    input:
        code("03_layer_probes"),
        tokens=rules.corpus.output.tokens,
        models=lambda wildcards: trained(CONDITION[wildcards.part], P.seeds(CONDITION[wildcards.part].name)),
    params:
        section=section("seed", "encoders", "probe", "bootstrap"),
        condition=lambda wildcards: CONDITION[wildcards.part].name,
    output:
        f1=RESULTS / "parts" / "probe_f1.{part}.csv",
        chance=RESULTS / "parts" / "probe_chance.{part}.csv",
        predictions=RESULTS / "parts" / "predictions.{part}.csv",
        encoder=RESULTS / "parts" / "encoders.{part}.csv",
        probes=directory(RESULTS / "probes" / "{part}"),
        run=RUNS / "03_layer_probes.{part}.ipynb",
    priority: lambda wildcards: SECOND + breadth(wildcards)
    resources:
        gpu=1,
        mem_mb=24_000,
        runtime=120,
    shell:
        run("03_layer_probes") + " --gpu -p condition {params.condition:q}"


rule flattened:  # features that all conditions of an encoder share
    input:
        code("04_flattened_pitch"),
        tokens=rules.corpus.output.tokens,
    params:
        section=section("seed", "encoders", "gradient", "knee"),
        kept=str(RESULTS / "flattened" / "{language}"),
    output:
        left_out=RESULTS / "parts" / "knee_left_out.{language}.csv",
        run=RUNS / "04_flattened_pitch.{language}.ipynb",
    priority: SECOND
    resources:
        gpu=1,
        mem_mb=24_000,
        runtime=120,
    shell:
        run("04_flattened_pitch", kept=True) + " --gpu -p language {wildcards.language:q}"


rule random_weights:
    input:
        code("04_random_weights"),
        tokens=rules.corpus.output.tokens,
    params:
        section=section("seed", "encoders", "gradient", "random_weights", "probe", "bootstrap"),
    output:
        spans=RESULTS / "parts" / "random_spans.{encoder}.csv",
        run=RUNS / "04_random_weights.{encoder}.ipynb",
    priority: FIRST
    resources:
        gpu=1,
        mem_mb=24_000,
        runtime=120,
    shell:
        run("04_random_weights") + " --gpu -p encoder {wildcards.encoder:q}"


rule gradients:
    input:
        code("04_gradient_energy"),
        probes=rules.probes.output.probes,
        predictions=rules.probes.output.predictions,
        flattened=lambda wildcards: expand(
            rules.flattened.output.left_out,
            language=conditions.measured_languages(CONDITION[wildcards.part], P.speech.tonal),
        ),
        random=lambda wildcards: RESULTS / "parts" / f"random_spans.{CONDITION[wildcards.part].backbone}.csv",
    params:
        section=section("seed", "encoders", "gradient", "knee", "bootstrap"),
        condition=lambda wildcards: CONDITION[wildcards.part].name,
    output:
        energy=RESULTS / "parts" / "energy.{part}.csv",
        null=RESULTS / "parts" / "energy_null.{part}.csv",
        spans=RESULTS / "parts" / "spans.{part}.csv",
        radii=RESULTS / "parts" / "radii.{part}.csv",
        tokens=RESULTS / "parts" / "token_spans.{part}.csv",
        weights=RESULTS / "parts" / "span_weights.{part}.csv",
        token_energy=RESULTS / "token_energy" / "{part}.npz",
        knees=RESULTS / "parts" / "margin_knee.{part}.csv",
        margin_curves=RESULTS / "parts" / "margin_curves.{part}.csv",
        influence=RESULTS / "parts" / "influence.{part}.csv",
        influence_tokens=RESULTS / "parts" / "influence_tokens.{part}.csv",
        run=RUNS / "04_gradient_energy.{part}.ipynb",
    priority: breadth
    resources:
        gpu=1,
        mem_mb=24_000,
        runtime=240,
    shell:
        run("04_gradient_energy") + " --gpu -p condition {params.condition:q}"


rule alignment:  # only with its target: make alignment
    input:
        code("07_alignment"),
        tokens=rules.corpus.output.tokens,
    params:
        section=section("seed", "align", "jitter", "baseline", "encoders", "probe", "gradient", "bootstrap"),
    output:
        errors=RESULTS / "alignment.csv",
        jitter=RESULTS / "jitter.csv",
        figures=[FIGURES / f"{name}.{kind}" for name in ("alignment", "jitter") for kind in ("pdf", "svg", "png")],
        run=RUNS / "07_alignment.ipynb",
    resources:
        gpu=1,
        mem_mb=24_000,
        runtime=240,
    shell:
        run("07_alignment") + " --gpu"


MEASURES = [
    *rules.corpus.output,
    *rules.baseline.output,
    *expand(rules.probes.output.f1, part=MEASURED),
    *expand(rules.gradients.output.spans, part=MEASURED),
    *expand(rules.gradients.output.token_energy, part=MEASURED),
    *expand(rules.flattened.output.left_out, language=P.speech.tonal),
    *expand(rules.random_weights.output.spans, encoder=ENCODERS),
]


rule figures:
    input:
        code("05_rcom_comparison"),
        MEASURES,
        [RESULTS / "parts" / f"finetune.{name}.csv" for name in TRAINED],
    params:
        section=section("profile", "seed", "conditions", "bootstrap", "claims"),
        kept=[str(RESULTS / f"{name}.csv") for name in (*tables.MEASURED, *tables.TRAINED, *tables.SPOKEN, "random_spans")],
    output:
        comparison=RESULTS / "comparison.csv",
        upper=RESULTS / "upper_spans.csv",
        best=RESULTS / "best_layers.csv",
        layers=RESULTS / "claim_layers.csv",
        power=RESULTS / "power.csv",
        controls=RESULTS / "controls.csv",
        contrasts=RESULTS / "contrasts.csv",
        curves=RESULTS / "layer_curves.csv",
        tuned=RESULTS / "probe_vs_finetuned.csv",
        seeds=RESULTS / "seed_agreement.csv",
        signatures=RESULTS / "signatures.csv",
        claims=RESULTS / "claims.csv",
        report=FIGURES / "index.html",
        run=RUNS / "05_rcom_comparison.ipynb",
    shell:
        run("05_rcom_comparison", kept=True)


rule explorer:
    input:
        code("05_explorer_page"),
        MEASURES,
    params:
        section=section("profile", "seed", "conditions", "explorer", "gradient", "f0", "baseline"),
    output:
        clips=RESULTS / "clips.npz",
        page=FIGURES / "explorer.html",
        run=RUNS / "05_explorer_page.ipynb",
    shell:
        run("05_explorer_page")


# Not a part of the paper: `make validity`. Speech, trainings and probes of its own lie under <profile>/validity.


rule planted_span:
    input:
        code("06_planted_span"),
        weights(),
    params:
        section=section("validity", "synthetic", "encoders", "baseline", "finetune", "probe", "gradient", "knee", "bootstrap"),
        language=lambda wildcards: CORPORA[wildcards.corpus][0],
        span_ms=lambda wildcards: CORPORA[wildcards.corpus][1],
    output:
        draws=RESULTS / "parts" / "calibration_draws.{corpus}.csv",
        scores=RESULTS / "parts" / "calibration_scores.{corpus}.csv",
        encoder=RESULTS / "parts" / "encoders.{corpus}.csv",
        run=RUNS / "06_planted_span.{corpus}.ipynb",
    resources:
        gpu=1,
        mem_mb=24_000,
        runtime=240,
    shell:
        run("06_planted_span") + " --gpu -p span_ms {params.span_ms:q} -p language {params.language:q}"


CORPORA = {
    P.validity.corpus_name(language, span_ms): (language, f"{span_ms:g}") for language, span_ms in P.validity.corpora
}
SANITY_CORPUS = P.validity.corpus_name(P.validity.language, P.validity.sanity_span_ms)


rule sanity:
    input:
        code("06_sanity"),
        expand(rules.planted_span.output.draws, corpus=SANITY_CORPUS),
    params:
        section=section("validity", "synthetic", "encoders", "finetune", "probe", "gradient", "bootstrap"),
    output:
        sanity=RESULTS / "sanity.csv",
        run=RUNS / "06_sanity.ipynb",
    resources:
        gpu=1,
        mem_mb=24_000,
        runtime=240,
    shell:
        run("06_sanity") + " --gpu"


rule validity:
    input:
        code("06_validity"),
        rules.sanity.output,
        expand(rules.planted_span.output.draws, corpus=CORPORA),
    params:
        section=section("profile", "validity", "bootstrap"),
    output:
        calibration=RESULTS / "calibration.csv",
        lines=RESULTS / "calibration_lines.csv",
        languages=RESULTS / "calibration_languages.csv",
        scores=RESULTS / "calibration_scores.csv",
        run=RUNS / "06_validity.ipynb",
    shell:
        run("06_validity")
