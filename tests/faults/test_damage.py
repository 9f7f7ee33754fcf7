"""Full disks, folders that cannot be written, damaged or edited files, changed parameters: one line each, mended."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess

import pytest
from studies import ROOT, TINY, Study, wait_until


def copy_of(undisturbed: Study, study: Study) -> None:
    shutil.copytree(undisturbed.output, study.output, dirs_exist_ok=True, symlinks=True)


def ours(said: str) -> list[str]:
    """The lines that are this project's."""
    return [line for line in said.splitlines() if line.startswith("tonespan: ")]


def cut_off(path):
    os.truncate(path, path.stat().st_size // 2)


def edit(path):
    text = path.read_text()
    path.write_text(text.replace("0.", "1.", 1))


def test_damaged_and_edited_files_are_noticed_kept_and_made_again(study, undisturbed):
    copy_of(undisturbed, study)
    damaged = {
        study.results / "tokens.csv": edit,
        study.results / "spans.csv": cut_off,  # which figures are drawn from
        study.results / "parts" / "energy.mini--gender.csv": cut_off,
        study.results / "probes" / "mini--gender" / "th.seed0.npz": cut_off,
        study.results / "token_energy" / "mini--vanilla.npz": cut_off,
        next((study.results / "flattened").rglob("cnn.npy")): cut_off,
        study.results / "models" / "mini--gender.seed0" / "model.safetensors": cut_off,
        study.runs / "03_layer_probes.mini--vanilla.ipynb": cut_off,
    }
    for path, damage in damaged.items():
        damage(path)
    spoilt = {path: path.read_bytes() for path in damaged}
    refused = subprocess.run(
        [*study.command()[:3], "figures", str(TINY)], cwd=ROOT, env=study.environment(), capture_output=True, text=True
    )
    assert (
        refused.returncode == 2 and refused.stderr.count("\n") == 1 and "changed after a run wrote it" in refused.stderr
    )
    said = ours(study.finish())
    for path in damaged:
        (line,) = [line for line in said if f" {path.relative_to(study.output)} was changed" in line]
        kept = study.output / line.partition("kept as ")[2].partition(",")[0]
        assert kept.read_bytes() == spoilt[path], "nothing is lost"
    assert study.digests() == undisturbed.digests()
    assert ours(study.finish()) == []


def test_a_copied_or_touched_result_is_the_same_result(study, undisturbed):
    shutil.copytree(undisturbed.output, study.output, dirs_exist_ok=True, copy_function=shutil.copyfile, symlinks=True)
    os.utime(study.results / "tokens.csv")
    said = study.finish("--dry-run")
    assert ours(said) == [] and "corpus" not in said


def test_a_missing_table_is_made_again(study, undisturbed):
    copy_of(undisturbed, study)
    (study.results / "tokens.csv").unlink()
    said = study.finish("--dry-run")
    assert re.search(r"^corpus +1$", said, re.MULTILINE)


def test_a_changed_parameter_redoes_what_depends_on_it_and_nothing_else(study, undisturbed, tmp_path):
    copy_of(undisturbed, study)
    changed = tmp_path / "changed.yaml"
    changed.write_text(TINY.read_text().replace("n_resamples: 20", "n_resamples: 21"))
    redone = set(re.findall(r"^(\w+) +\d+$", study.finish("--dry-run", profile=changed), re.MULTILINE))
    assert {"baseline", "finetune", "probes", "gradients", "figures"} <= redone and "corpus" not in redone


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")
def test_a_full_disk_is_told_in_one_line_and_the_next_run_mends(study, undisturbed):
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", study.output], capture_output=True)
    if mounted.returncode:
        pytest.skip("this container may not mount")
    try:
        done = study.run()
        assert done.returncode == 2, done.stdout[-4000:]
        assert "No space left on device" in done.stdout and "Traceback" not in done.stdout, done.stdout[-4000:]
        assert wait_until(lambda: not study.processes())
        subprocess.run(["mount", "-o", "remount,size=1g", study.output], check=True)
        study.finish()
        assert study.digests() == undisturbed.digests() and study.partial() == []
    finally:
        subprocess.run(["umount", "-l", study.output], check=True)


def test_files_that_may_not_grow_are_told_in_one_line(study):
    small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))  # noqa: E731
    done = subprocess.run(
        study.command(), cwd=ROOT, env=study.environment(), preexec_fn=small, capture_output=True, text=True
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr[-4000:]
    assert "File too large" in done.stderr, done.stderr[-4000:]


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")
def test_an_output_folder_that_cannot_be_written_is_one_line(study, undisturbed):
    copy_of(undisturbed, study)
    script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 77; shift; exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", script, "bash", study.output, *study.command()],
        cwd=ROOT, env=study.environment(), capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode == 77:
        pytest.skip("this container may not mount")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("tonespan: ") and "cannot be written (Read-only file system)" in done.stderr
    assert study.digests() == undisturbed.digests()
