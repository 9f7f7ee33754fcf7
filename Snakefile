"""The paper as a graph: which notebook makes which table and figure. Run it with `make paper`, or on a cluster with
Snakemake's own executors: snakemake --config params=runs/<profile>/params.yaml --executor slurm ..."""

from pathlib import Path

from tonespan_utils import params as params_module
from tonespan_utils.params import ROOT

RESOLVED = config["params"]
P = params_module.load(RESOLVED)
RESULTS, RUNS, FIGURES = P.results, P.runs, P.figures
PART = {condition.replace("/", "--"): condition for condition in P.conditions}


def code(notebook, *modules):
    """What a notebook's results depend on: itself and the modules it computes with."""
    return [ROOT / "notebooks" / f"{notebook}.ipynb", *(ROOT / "tonespan_utils" / module for module in modules)]


def run(notebook):
    # The rule's outputs include the executed notebook as `run`; {wildcards} become Papermill parameters in the rules.
    return f"python -m tonespan_utils notebook {notebook} {{output.run}} -p params_path {RESOLVED}"


rule paper:
    default_target: True
    input:
        FIGURES / "index.html",


rule corpus:
    input:
        code("00_corpus", "corpus/synthetic.py", "corpus/pitch.py", "corpus/espeak.py", "corpus/sources.py", "f0.py"),
    params:
        section=P.section("seed", "speech", "synthetic", "f0"),
    output:
        tokens=RESULTS / "tokens.csv",
        rejected=RESULTS / "rejected.csv",
        f0=RESULTS / "f0.csv",
        run=RUNS / "00_corpus.ipynb",
    threads: 2
    shell:
        run("00_corpus")


rule baseline:
    input:
        code("01_baseline_spans", "acoustic.py", "classify.py", "splits.py"),
        tokens=rules.corpus.output.tokens,
    params:
        section=P.section("seed", "baseline", "bootstrap"),
    output:
        f1=RESULTS / "baseline_f1.csv",
        spans=RESULTS / "baseline_spans.csv",
        windows=RESULTS / "baseline_windows.csv",
        run=RUNS / "01_baseline_spans.ipynb",
    shell:
        run("01_baseline_spans")


rule probes:
    input:
        code("03_layer_probes", "encoders.py", "probes.py", "classify.py", "splits.py"),
        tokens=rules.corpus.output.tokens,
    params:
        section=P.section("seed", "encoders", "probe", "bootstrap"),
        condition=lambda wildcards: PART[wildcards.part],
    output:
        f1=RESULTS / "parts" / "probe_f1.{part}.csv",
        chance=RESULTS / "parts" / "probe_chance.{part}.csv",
        encoder=RESULTS / "parts" / "encoders.{part}.csv",
        probes=directory(RESULTS / "probes" / "{part}"),
        run=RUNS / "03_layer_probes.{part}.ipynb",
    shell:
        run("03_layer_probes") + " -p condition {params.condition}"


rule gradients:
    input:
        code("04_gradient_energy", "gradients.py", "spans.py"),
        probes=rules.probes.output.probes,
    params:
        section=P.section("seed", "encoders", "gradient", "bootstrap"),
        condition=lambda wildcards: PART[wildcards.part],
    output:
        energy=RESULTS / "parts" / "energy.{part}.csv",
        null=RESULTS / "parts" / "energy_null.{part}.csv",
        spans=RESULTS / "parts" / "spans.{part}.csv",
        radii=RESULTS / "parts" / "radii.{part}.csv",
        run=RUNS / "04_gradient_energy.{part}.ipynb",
    shell:
        run("04_gradient_energy") + " -p condition {params.condition}"


rule figures:
    input:
        code("05_rcom_comparison", "comparison.py", "claims.py", "plots.py", "figures.py", "encoder_figures.py"),
        code("05_rcom_comparison", "report.py", "report.html", "paper.mplstyle"),
        rules.corpus.output,
        rules.baseline.output,
        expand(rules.probes.output.f1, part=PART),
        expand(rules.gradients.output.spans, part=PART),
    params:
        section=P.section("profile", "seed", "conditions", "bootstrap"),
    output:
        comparison=RESULTS / "comparison.csv",
        contrasts=RESULTS / "contrasts.csv",
        curves=RESULTS / "layer_curves.csv",
        tuned=RESULTS / "probe_vs_finetuned.csv",
        claims=RESULTS / "claims.csv",
        report=FIGURES / "index.html",
        run=RUNS / "05_rcom_comparison.ipynb",
    shell:
        run("05_rcom_comparison")
