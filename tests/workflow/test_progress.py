"""How far a run is: counted steps, and a time left that follows from times that are given, never from a clock."""

import json

import pytest

from tonespan_utils.params import profile
from tonespan_utils.workflow import progress, step_times
from tonespan_utils.workflow.progress import Progress, Step
from tonespan_utils.workflow.step_times import StepTimes

TIMES = StepTimes({"finetune": 100.0, "probes": 10.0}, are_of_profile=True)


def run_steps(state, rule, n, *, seconds, start_s=0.0, first_job=0):
    """``n`` steps of a rule, one after the other."""
    for job in range(first_job, first_job + n):
        state.begin(job, Step(rule, f"{rule} part={job}"), start_s)
        start_s += seconds
        state.end(job, start_s)
    return start_s


def planned(lanes=1, times=TIMES, **counts):
    state = Progress(times, lanes)
    state.plan(counts)
    return state


def test_position_counts_steps_that_ended():
    state = planned(finetune=40, probes=12)
    run_steps(state, "probes", 12, seconds=10)
    assert state.position == "[12/52] 23 %"


def test_before_anything_ended_the_stored_times_of_this_profile_are_a_first_guess():
    assert planned(finetune=6).left(0.0) == "about 10 min left, at a first guess"
    assert planned(finetune=6, lanes=2).left(0.0) == "about 5 min left, at a first guess"


def test_of_another_profile_nothing_is_guessed_until_a_step_has_ended():
    state = planned(finetune=7, times=StepTimes(TIMES.seconds, are_of_profile=False))
    assert state.left(0.0) == "time left not known yet"
    now_s = run_steps(state, "finetune", 1, seconds=1000)
    assert state.left_s(now_s) == pytest.approx(6000)
    assert state.left(now_s) == "about 1.7 h left".replace("1.7 h", f"{6000 / 3600:.1f} h")


def test_a_slower_machine_is_noticed_and_weights_by_rule_hold():
    """Probes took twice as long as stored, so fine-tuning will; the stored times count for 5 % of the work."""
    state = planned(finetune=1, probes=10)
    now_s = run_steps(state, "probes", 10, seconds=20)
    prior_s = 0.05 * 200
    assert state.left_s(now_s) == pytest.approx(100 * (200 + prior_s) / (100 + prior_s))
    assert state.left(now_s) == "about 3 min left"


def test_what_a_running_step_has_done_goes_off_and_no_more_than_a_step():
    state = planned(finetune=2)
    state.begin(0, Step("finetune", "finetune part=a"), 0.0)
    assert state.left_s(40.0) == pytest.approx(160)
    assert state.left_s(500.0) == pytest.approx(100)


def test_a_failed_step_is_still_to_be_done():
    state = planned(finetune=1)
    state.begin(0, Step("finetune", "finetune part=a"), 0.0)
    state.fail(0)
    assert state.position == "[0/1] 0 %" and state.left_s(50.0) == pytest.approx(100)


def test_on_a_cluster_the_number_of_steps_side_by_side_is_seen():
    state = planned(finetune=8, lanes=None)
    for job in range(4):
        state.begin(job, Step("finetune", f"finetune part={job}"), 0.0)
    for job in range(4):
        state.end(job, 100.0)
    assert state.left_s(100.0) == pytest.approx(400 / 4)


def test_nothing_is_left_at_the_end():
    state = planned(probes=1)
    run_steps(state, "probes", 1, seconds=10)
    assert state.left(10.0) == "" and state.position == "[1/1] 100 %"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "less than a minute"), (44, "less than a minute"), (50, "about 1 min"), (560, "about 9 min"),
     (5300, "about 88 min"), (12_600, "about 3.5 h")],
)  # fmt: skip
def test_times_in_words(seconds, words):
    assert progress.in_words(seconds) == words


@pytest.fixture
def smoke_like(tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path)
    loaded = profile.load("smoke")
    loaded.runs.mkdir(parents=True)
    return loaded


def test_the_stored_table_names_rules_of_the_snakefile_and_is_whole_for_the_paper():
    rules = {line.split()[1].rstrip(":") for line in (profile.ROOT / "Snakefile").read_text().splitlines()
             if line.startswith("rule ")}  # fmt: skip
    for name in ("demo", "smoke"):
        stored = step_times.stored(name)
        assert set(stored) <= rules and all(seconds > 0 for seconds in stored.values())
        assert set(stored) >= rules - {
            "paper",
            "alignment",
            "planted_span",
            "sanity",
            "validity",
            "figures",
            "explorer",
        }


def test_times_of_earlier_runs_come_first_and_stretch_the_stored_ones(smoke_like):
    assert step_times.load(smoke_like).seconds["corpus"] == step_times.stored("smoke")["corpus"]
    step_times.keep(smoke_like, {"probes part=a": 2.0, "probes part=b": 4.0})
    step_times.keep(smoke_like, {"probes part=b": 6.0})
    assert json.loads(step_times.path(smoke_like).read_text()) == {"probes part=a": 2.0, "probes part=b": 6.0}
    demo, loaded = step_times.stored("demo"), step_times.load(smoke_like)
    assert loaded.are_of_profile and loaded.of("probes") == 4.0
    assert loaded.of("finetune") == pytest.approx(demo["finetune"] * 4.0 / demo["probes"])


def test_a_profile_that_never_ran_has_the_proportions_of_demo(smoke_like):
    other = smoke_like.model_copy(update={"profile": "other"})
    loaded = step_times.load(other)
    assert not loaded.are_of_profile and loaded.seconds == step_times.stored("demo")
    assert loaded.of("no rule") == step_times.DEFAULT_S


@pytest.mark.parametrize("text", ["", "[]", '{"a": "b"}', '{"a": 1'])
def test_a_damaged_file_of_times_says_nothing(smoke_like, text):
    step_times.path(smoke_like).write_text(text)
    assert step_times.read(step_times.path(smoke_like)) == {}
