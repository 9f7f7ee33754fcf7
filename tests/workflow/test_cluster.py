"""Jobs on a Slurm cluster, through Snakemake's own executor; stand-ins for Slurm's commands run each job at once."""

import importlib.util
import re
import subprocess

import fake_slurm
import pytest
import yaml

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import profile
from tonespan_utils.workflow import gpus, runner

PROFILE = runner.CLUSTERS / "slurm" / "config.yaml"
FIRST_CHECK = ["--slurm-init-seconds-before-status-checks", "1"]  # 40 s by default


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """The resources that two rules of the smoke profile requested of Slurm; they have run to their end."""
    if not importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        pytest.skip("no snakemake-executor-plugin-slurm: install it to test jobs on Slurm")
    with pytest.MonkeyPatch.context() as patch:
        root, commands = tmp_path_factory.mktemp("slurm"), tmp_path_factory.mktemp("commands")
        patch.setattr(profile, "OUTPUT_ROOT", root)
        patch.setenv("TONESPAN_OUTPUT", str(root))
        smoke = profile.load("smoke")
        profile.write_resolved(smoke, smoke.runs / runner.RESOLVED)
        wanted = smoke.results / "parts" / "probe_f1.mini--vanilla.csv"
        options = [*runner.where(cluster="slurm"), *FIRST_CHECK, "--", str(wanted.relative_to(root))]
        for name, value in fake_slurm.install(commands).items():
            patch.setenv(name, value)
        done = subprocess.run(
            runner.snakemake(smoke.runs / runner.RESOLVED, options),
            env=runner.environment(), capture_output=True, text=True, timeout=600,
        )  # fmt: skip
    assert done.returncode == 0 and wanted.is_file(), done.stdout + done.stderr
    return fake_slurm.submitted(commands)


@pytest.mark.slow
def test_each_rule_requests_of_slurm_what_it_needs(jobs):
    assert list(jobs) == ["rule_corpus", "rule_probes_wildcards_mini--vanilla"]
    corpus, probes = jobs.values()
    requested = {name: corpus[corpus.index(name) + 1] for name in ("-p", "-t", "--mem")}
    assert requested == {"-p": "cpu", "-t": "480", "--mem": "16000"} and "--cpus-per-task=2" in corpus
    assert not [argument for argument in corpus if argument.startswith("--gpus")]
    requested = {name: probes[probes.index(name) + 1] for name in ("-p", "-t", "--mem")}
    assert requested == {"-p": "gpu", "-t": "120", "--mem": "24000"} and "--gpus=1" in probes


@pytest.mark.slow
def test_a_line_for_each_step_and_the_reason_of_a_failed_one_come_from_another_machine(tmp_path, monkeypatch, capfd):
    """What a job says is in Slurm's log: its reason comes from the file that it leaves. One step, of no speech."""
    root, commands = tmp_path / "root", tmp_path / "commands"
    commands.mkdir()
    (root / "speech").mkdir(parents=True)
    path = root / "mine.yaml"
    speech = {"source": "recordings", "folders": {"vi": str(root / "speech")}, "tonal": ["vi"], "other": []}
    path.write_text(yaml.safe_dump({"profile": "mine", "speech": speech, "tasks": ["vanilla"]}))
    monkeypatch.setattr(profile, "OUTPUT_ROOT", root)
    monkeypatch.setenv("TONESPAN_OUTPUT", str(root))
    for name, value in fake_slurm.install(commands).items():
        monkeypatch.setenv(name, value)
    honest = runner.where
    once = ["--retries", "0", *FIRST_CHECK]
    monkeypatch.setattr(runner, "where", lambda **options: [*honest(**options), *once])
    with pytest.raises(TonespanError) as stopped:
        runner.run(str(path), cluster="slurm")
    said = str(stopped.value)
    assert "\n" not in said and said.startswith(
        "profile mine stopped: collecting the speech and its tone tokens failed: "
    )
    assert "00_corpus.ipynb, cell " in said and "snakemake.log" in said
    printed = capfd.readouterr()
    assert re.search(r"^\[0/\d+\] failed: collecting the speech and its tone tokens$", printed.out, re.MULTILINE)
    assert printed.err == ""


def test_every_rule_that_runs_an_encoder_goes_to_the_gpus():
    resources = yaml.safe_load(PROFILE.read_text())["set-resources"]
    sent = {rule for rule, requested in resources.items() if requested.get("slurm_partition") == "gpu"}
    rules = (profile.ROOT / "Snakefile").read_text().split("\nrule ")[1:]
    on_gpu = {rule.partition(":")[0] for rule in rules if "gpu=1" in rule}
    paper = {"finetune", "probes", "flattened", "gradients", "random_weights"}
    assert on_gpu == paper | {"alignment", "planted_span", "sanity"} == sent
    for rule in rules:
        asks = ["gpu=", "mem_mb=", "runtime=", " --gpu"]
        assert sum(text in rule for text in asks) in (0, len(asks)), rule.partition(":")[0]


def test_a_cluster_without_a_profile_is_named(tmp_path):
    with pytest.raises(TonespanError, match=r"no .*/lsf/config\.yaml; clusters in cluster/: slurm"):
        runner.where(cluster="lsf")
    (tmp_path / "config.yaml").write_text("executor: slurm\n")
    assert runner.where(cluster=str(tmp_path)) == ["--workflow-profile", str(tmp_path)]


def test_no_two_jobs_on_one_gpu_but_two_where_there_is_none(monkeypatch):
    monkeypatch.setenv(gpus.VISIBLE, "0")
    assert runner.where(cores="2") == ["--cores", "2", "--resources", "gpu=1"]
    monkeypatch.setenv(gpus.VISIBLE, "")
    assert runner.where(cores="2") == ["--cores", "2"]
