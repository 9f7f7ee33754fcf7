"""The schema refuses what is wrong in one line that names file and key."""

import pytest
import yaml

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import profile as params


@pytest.mark.parametrize("profile", ["smoke", "demo", "recordings", "full"])
def test_profiles_load_and_are_frozen(profile):
    loaded = params.load(profile)
    assert loaded.profile == profile
    with pytest.raises(Exception, match="frozen"):
        loaded.seed = 1


def profile_file(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text("profile: mine\n" + text)
    return path


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("sed: 3", "sed: unknown parameter"),
        ("gradient: {windw_ms: 3}", r"gradient\.windw_ms: unknown parameter"),
        ("seed: abc", "seed: .*integer"),
        ("synthetic: {minutes: 1e-4}", r"synthetic\.minutes: .*number.*'1e-4'"),
        ("speech: {tonal: [xx]}", r"speech\.tonal\.0: .*'xx'"),
        ("speech: {tonal: [en]}", r"speech\.tonal: .*no tone"),
        ("speech: {tonal: [th, th]}", "speech: .*twice"),
        ("speech: {source: fleurs}", "speech: .*needs root"),
        ("speech: {source: recordings, tonal: [yue], other: []}", "speech: .*needs folders for yue"),
        ("baseline: {n_folds: 1}", r"baseline\.n_folds"),
        ("baseline: {windows_ms: [40, 20, 60, 80]}", "baseline: .*increase"),
        ("gradient: {bin_ms: 7.0}", "gradient: .*divide"),
        ("gradient: {wrt: cnn}", "gradient: .*20 ms"),
        ("baseline: {windows_ms: [20, 40]}", r"baseline\.windows_ms: .*at least 4"),
        ("finetune: {span_penalty: {weight: 0.0}}", r"finetune\.span_penalty\.weight"),
        ("validity: {sanity_span_ms: 141}", "sanity_span_ms must be among planted_span_ms"),
        ("validity: {planted_span_ms: [100, 60, 140]}", "increase"),
        ("validity: {encoder: maxi}", "'maxi' is no encoder of: mini"),
        ("validity: {estimators: [saliency]}", r"validity\.estimators"),
        ("bootstrap: {level: 1.5}", r"bootstrap\.level"),
        ("conditions: [nowhere/vanilla]", "nowhere/vanilla.* names no encoder of: mini"),
        ("conditions: [mini/gender]", "'mini/gender' starts from 'mini/vanilla', which is not in the list"),
        ("conditions: [mini/vanilla, mini/asr_tone-th]", "starts from 'mini/asr-th', which is not in the list"),
        ("conditions: [mini/vanilla, mini/asr-yue]", "'mini/asr-yue': yue is not in speech.tonal or speech.other"),
        ("conditions: [mini/vanilla, mini/tone-en]", "'mini/tone-en': en is not in speech.tonal"),
        ("conditions: [mini/vanilla, mini/asrr-th]", "'mini/asrr-th' is no condition"),
        ("finetune: {seeds: [1, 1]}", r"finetune\.seeds: .*twice"),
        ("finetune: {seeds: [1], control_seeds: [0]}", "control_seeds must be among seeds"),
        ("finetune: {public: {mini/asr-th: {checkpoint: a/b, revision: null}}}", "'mini/asr-th' is no trained"),
        ("finetune: {public: {mini/vanilla: {checkpoint: a/b, revision: null}}}", "'mini/vanilla' is no trained"),
        ("conditions: [mini/vanilla, mini/vanilla]", "named twice"),
        ("tasks: [vanilla, asr-yo]", "'mini/asr-yo': yo is not in"),
        ("tasks: [asr-th]", "starts from 'mini/vanilla', which is not in the list"),
        ("tasks: []", r"tasks: .*at least 1"),
        ("tasks: asr-th", r"tasks: .*list"),
        ("encoders: {}", r"encoders: .*at least 1"),
    ],
)
def test_bad_values_are_named(tmp_path, text, key):
    path = profile_file(tmp_path, text)
    with pytest.raises(TonespanError, match=rf"mine\.yaml: .*{key}") as error:
        params.load(path)
    assert "\n" not in str(error.value)


NO_FILE_NAMES = [
    "a;rm -rf x", "../x", "con", "CON.a", "nul", "lpt1.x", "", "x" * 300, "-rf", ".", "..", ".x", "a b", "a'b", 'a"b',
    "{x}", "a\nb", "a\0", "a\n", "a/b", "a\\b", "$(x)", "`x`", "a%b", "a:b", "a*", "ไทย", "~",
]  # fmt: skip


@pytest.mark.parametrize("name", NO_FILE_NAMES)
def test_names_that_are_no_safe_file_names_are_refused(tmp_path, name):
    path = tmp_path / "mine.yaml"
    encoder = {"encoders": {name: {"checkpoint": "x", "revision": None}}, "conditions": [f"{name}/vanilla"]}
    for tree in ({"profile": name}, {"profile": "mine", **encoder}):
        path.write_text(yaml.safe_dump(tree))
        with pytest.raises(TonespanError, match=r"mine\.yaml: (profile|encoders)\S*.*files are named by it") as error:
            params.load(path)
        assert str(error.value).isprintable() and len(str(error.value)) < len(str(path)) + 400
    for condition in (f"mini/{name}", f"mini/asr-{name}"):
        path.write_text(yaml.safe_dump({"profile": "mine", "conditions": ["mini/vanilla", condition]}))
        with pytest.raises(TonespanError, match=r"mine\.yaml: ") as error:
            params.load(path)
        assert str(error.value).isprintable()


def test_encoders_have_dots_and_differ_in_more_than_capitals(tmp_path):
    checkpoint = "{checkpoint: x, revision: null}"
    dotted = f"encoders: {{w2v.300m: {checkpoint}}}\nconditions: [w2v.300m/vanilla]"
    assert params.load(profile_file(tmp_path, dotted)).conditions == ["w2v.300m/vanilla"]
    alike = f"encoders: {{a: {checkpoint}, A: {checkpoint}}}\nconditions: [a/vanilla]"
    with pytest.raises(TonespanError, match=r"nothing but capitals"):
        params.load(profile_file(tmp_path, alike))
    (tmp_path / "mine.yaml").write_text("profile: a.b")
    with pytest.raises(TonespanError, match=r"profile: .*no dots"):
        params.load(tmp_path / "mine.yaml")


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 300 + ".yaml", "a\0b", "", "a\nb", "/"])
def test_a_profile_that_no_file_can_have_is_one_line(name):
    with pytest.raises(TonespanError, match="no parameter file") as error:
        params.load(name)
    assert str(error.value).isprintable()


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(TonespanError, match=r"no parameter file .*profiles in params/: course, demo"):
        params.load("dmeo")
    with pytest.raises(TonespanError, match="not valid YAML"):
        params.load(profile_file(tmp_path, "speech: ["))
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(TonespanError, match="expected a mapping"):
        params.load(tmp_path / "list.yaml")


def test_override_merges_key_by_key_but_encoders_are_replaced(tmp_path):
    text = "gradient: {n_tokens: 7}\nencoders: {a: {checkpoint: x, revision: null}}\nconditions: [a/vanilla]"
    loaded = params.load(profile_file(tmp_path, text))
    assert loaded.gradient.n_tokens == 7 and loaded.gradient.bin_ms == params.load("demo").gradient.bin_ms
    assert list(loaded.encoders) == ["a"]


def test_conditions_are_every_encoder_with_every_task_unless_they_are_named(tmp_path):
    encoders = "encoders: {a: {checkpoint: x, revision: null}, b: {checkpoint: y, revision: null}}\n"
    crossed = params.load(profile_file(tmp_path, encoders + "tasks: [vanilla, asr-th]"))
    assert crossed.conditions == ["a/vanilla", "a/asr-th", "b/vanilla", "b/asr-th"]
    named = params.load(profile_file(tmp_path, encoders + "tasks: [vanilla, asr-th]\nconditions: [b/vanilla]"))
    assert named.conditions == ["b/vanilla"]
    params.write_resolved(crossed, tmp_path / "resolved.yaml")
    assert yaml.safe_load((tmp_path / "resolved.yaml").read_text())["conditions"] == crossed.conditions


def test_resolved_file_reads_back_and_keeps_its_time_stamp(tmp_path):
    demo = params.load("demo")
    path = tmp_path / "runs" / "params.yaml"
    params.write_resolved(demo, path)
    first = path.stat().st_mtime_ns
    params.write_resolved(demo, path)
    assert path.stat().st_mtime_ns == first and params.load(path) == demo


def test_every_base_key_is_in_the_schema_and_the_other_way_round():
    base = yaml.safe_load((params.PARAMS_DIR / "base.yaml").read_text())
    assert set(base) == set(params.Params.model_fields)
    for name, section in base.items():
        fields = getattr(params.Params.model_fields[name].annotation, "model_fields", None)
        if fields:
            assert set(section) == set(fields), name


def test_section_changes_only_with_its_own_keys():
    demo, smoke = params.load("demo"), params.load("smoke")
    assert demo.section("bootstrap") != smoke.section("bootstrap") and demo.section("seed") == smoke.section("seed")


TRAINED = """
conditions: [mini/vanilla, mini/asr-th, mini/gender, mini/shuffled_asr-th, mini/tone-th, mini/asr_tone-th]
finetune: {seeds: [3, 5], control_seeds: [5], public: {mini/gender: {checkpoint: owner/name, revision: abc}}}
"""


def test_only_what_is_trained_here_has_several_seeds(tmp_path):
    loaded = params.load(profile_file(tmp_path, TRAINED))
    assert loaded.seeds("mini/asr-th") == [3, 5]
    controls = [loaded.seeds(f"mini/{task}-th") for task in ("shuffled_asr", "tone", "asr_tone")]
    assert controls == [[5]] * 3, "controls, and what is taught tone"
    assert loaded.seeds("mini/vanilla") == loaded.seeds("mini/gender") == [0]


def test_checkpoints_of_backbone_trained_and_public_conditions(tmp_path):
    loaded = params.load(profile_file(tmp_path, TRAINED))
    vanilla = loaded.checkpoint("mini/vanilla", seed=5)
    assert vanilla.checkpoint == str(params.ROOT / "models" / "tonespan-units")
    trained = [loaded.checkpoint("mini/asr-th", seed=seed) for seed in (3, 5)]
    assert [model.checkpoint for model in trained] == [str(loaded.model_folder("mini/asr-th", seed)) for seed in (3, 5)]
    assert trained[0] != trained[1] and loaded.model_folder("mini/asr-th", 3).parent == loaded.results / "models"
    assert loaded.checkpoint("mini/gender", seed=5).model_dump() == {"checkpoint": "owner/name", "revision": "abc"}
