"""A condition from checkpoint to scored model on disk, for every task, and what a failure leaves behind."""

import json

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
import transformers
import yaml
from conftest import make_checkpoint, make_speech

from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.finetune import conditions, recognition, tasks, training
from tonespan_utils.params import profile as params
from tonespan_utils.params import tables

CONDITIONS = (
    "asr-th",
    "gender",
    "speaker",
    "tone-th",
    "shuffled_asr-th",
    "asr_tone-th",
    "shuffled_tone-vi",
    "emotion-vi",
)
TRAINED = {"xlsr": CONDITIONS, "hubert": ("asr-th", "gender", "speaker", "tone-th")}  # hubert: a head of each kind
METRICS = {"asr": "cer", "gender": "accuracy", "emotion": "macro_f1", "speaker": "eer", "tone": "macro_f1"}


@pytest.fixture(scope="module", autouse=True)
def small_speech():
    """The profile's speech, small and from memory."""
    corpora = {"th": make_speech("th"), "vi": make_speech("vi", seed=1)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conditions.sources, "load", lambda params, language: corpora[language])
        yield corpora


def profile(root, checkpoint, patch, **finetune_settings) -> params.Params:
    """A profile of one small encoder ``mini`` whose results go under ``root``."""
    tree = {
        "profile": "tiny",
        "speech": {"tonal": ["th", "vi"], "other": []},
        "encoders": {"mini": {"checkpoint": str(checkpoint), "revision": None}},
        "conditions": ["mini/vanilla", *(f"mini/{name}" for name in CONDITIONS)],
        "finetune": {"steps": 3, "batch_size": 4, "checkpoint_every": 2} | finetune_settings,
    }
    root.mkdir(parents=True, exist_ok=True)
    (root / "tiny.yaml").write_text(yaml.safe_dump(tree))
    patch.setattr(params, "OUTPUT_ROOT", root)
    return params.load(root / "tiny.yaml")


@pytest.fixture(scope="module", params=TRAINED)
def study(request, tmp_path_factory):
    """The parameters and what training each condition gave."""
    root = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        p = profile(root, make_checkpoint(root / "start", request.param), patch)
        yield p, {name: conditions.run(p, f"mini/{name}", seed=1) for name in TRAINED[request.param]}


def test_every_task_leaves_a_scored_model_and_nothing_else(study):
    p, tuned = study
    for name, result in tuned.items():
        task = name.partition("-")[0]
        objective = "tone" if task.endswith("_tone") else task.removeprefix("shuffled_")
        value = dict(zip(result.scores["metric"], result.scores["value"], strict=True))
        metric = METRICS[objective]
        assert set(value) == {metric, f"{metric}_ci_low", f"{metric}_ci_high", f"{metric}_null", "train_loss"}
        low, high = value.pop(f"{metric}_ci_low"), value.pop(f"{metric}_ci_high")
        assert low <= value[metric] <= high or np.isnan([low, high]).all(), "no interval from under ten test utterances"
        assert np.isfinite(list(value.values())).all()
        assert result.folder == p.model_folder(f"mini/{name}", 1) and result.folder.is_dir()
    kept = {path.name for path in (p.results / "models").iterdir()}
    assert kept == {f"mini--{name}.seed1" for name in tuned}, "no half-written folder"
    assert not list((p.data / "training").iterdir()), "no checkpoint of a finished training"


def test_the_tables_have_their_columns(study):
    for name, result in study[1].items():
        assert set(result.scores.columns) == set(tables.COLUMNS["finetune"])
        assert list(result.scores["condition"].unique()) == [f"mini/{name}"] and set(result.scores["seed"]) == {1}
        assert set(result.scores["language"]) == {name.partition("-")[2] or "all"}
        assert set(result.curve.columns) == set(tables.COLUMNS["finetune_curves"]) and len(result.curve) == 1
        assert set(result.tone_predictions.columns) == set(tables.COLUMNS["tone_predictions"])
        assert len(result.tone_predictions) == (12 if "tone" in name else 0)


def test_models_load_as_encoders_that_differ_from_their_start_and_each_other(study):
    p, tuned = study
    vanilla = checkpoints.load_condition(p, "mini/vanilla", seed=1)
    loaded = {name: checkpoints.load(result.folder) for name, result in tuned.items()}
    assert len({vanilla.identity, *(result.identity for result in loaded.values())}) == len(tuned) + 1
    before = vanilla.model.feature_extractor.state_dict()
    for name, encoder in loaded.items():
        after = encoder.model.feature_extractor.state_dict()
        assert all(torch.equal(after[key], before[key]) for key in before), "the front end stays"
        assert encoder.scale_input == vanilla.scale_input and encoder.layers == vanilla.layers
        assert 0 < conditions.weight_change(encoder, vanilla) < 0.5
        kept = checkpoints.load_condition(p, f"mini/{name}", seed=1)
        described = checkpoints.describe(p, f"mini/{name}", kept, seed=1)
        assert described["identity"] == encoder.identity and described["seed"] == 1


AUTO = {
    "asr-th": "ForCTC", "shuffled_asr-th": "ForCTC", "gender": "ForAudioClassification",
    "emotion-vi": "ForAudioClassification", "speaker": "ForAudioXVector",
    "tone-th": "ForAudioFrameClassification", "asr_tone-th": "ForAudioFrameClassification",
    "shuffled_tone-vi": "ForAudioFrameClassification",
}  # fmt: skip


def test_models_load_whole_by_transformers_own_classes(study):
    for name, result in study[1].items():
        check_whole(result.folder, name)


def check_whole(folder, name):
    model, info = getattr(transformers, f"AutoModel{AUTO[name]}").from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    samples = make_speech("th").audio("th-u0")
    inputs = extractor(samples, sampling_rate=16000, return_tensors="pt")
    loaded = checkpoints.load(folder)
    with torch.no_grad():
        hidden = model.base_model(inputs["input_values"]).last_hidden_state
        states = loaded.forward(loaded.prepare(samples))
    assert torch.allclose(hidden, states["final" if "final" in states else "2"], atol=1e-4)
    if AUTO[name] == "ForCTC":
        vocabulary = json.loads((folder / "vocab.json").read_text())
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        names = sorted(vocabulary, key=vocabulary.get)
        assert model(inputs["input_values"]).logits.shape[-1] == model.config.vocab_size == len(names)
        numbers = torch.randint(len(names), (60,), generator=torch.Generator().manual_seed(0))
        decoded = tokenizer.decode(numbers).replace("<unk>", "")
        assert " ".join(decoded.split()) == recognition.greedy_text(numbers.numpy(), names) != ""
    else:
        assert len(json.loads((folder / "classes.json").read_text())) == model.config.num_labels


def test_scores_are_those_of_the_model_on_disk(study):
    """Accuracy again, from the stored folder, waveforms and transformers alone."""
    folder, value = study[1]["gender"].folder, study[1]["gender"].scores.set_index("metric")["value"]
    model = transformers.AutoModelForAudioClassification.from_pretrained(folder).eval()
    names, encoder, right = json.loads((folder / "classes.json").read_text()), checkpoints.load(folder), []
    for corpus in (make_speech("th"), make_speech("vi", seed=1)):
        for row in corpus.utterances[corpus.utterances["split"] == "test"].itertuples():
            with torch.no_grad():
                logits = model(encoder.prepare(corpus.audio(row.utterance_id))).logits[0]
            right.append(names[str(int(logits.argmax()))] == row.gender)
    assert value["accuracy"] == pytest.approx(np.mean(right))


def test_tone_after_a_task_starts_where_the_task_ended_with_the_same_seed(study, monkeypatch):
    p, calls = study[0], []
    plain = checkpoints.load_condition
    monkeypatch.setattr(
        checkpoints, "load_condition", lambda p, name, *, seed: calls.append((name, seed)) or plain(p, name, seed=seed)
    )
    monkeypatch.setattr(training, "train", lambda *args, **kwargs: (_ for _ in ()).throw(KeyboardInterrupt))
    for name in ("asr_tone-th", "shuffled_tone-vi"):
        with pytest.raises(KeyboardInterrupt):
            conditions.run(p, f"mini/{name}", seed=1)
    assert calls == [("mini/asr-th", 1), ("mini/vanilla", 1)]


# ---------------------------------------------------------------- failures


@pytest.fixture
def p(tmp_path, monkeypatch):
    return profile(tmp_path, make_checkpoint(tmp_path / "start", "xlsr"), monkeypatch)


def test_a_failure_while_a_model_is_stored_leaves_no_model_and_no_update_is_done_again(p, monkeypatch):
    def full_disk(self, folder):
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tasks.Classification, "save", full_disk)
        with pytest.raises(OSError, match="No space"):
            conditions.run(p, "mini/gender", seed=0)
    assert not p.model_folder("mini/gender", 0).exists()
    with monkeypatch.context() as patch:
        patch.setattr(training._FiniteTrainer, "training_step", full_disk)
        done = conditions.run(p, "mini/gender", seed=0)
    assert [path.name for path in (p.results / "models").iterdir()] == ["mini--gender.seed0"]
    before = checkpoints.load(done.folder).identity
    with monkeypatch.context() as patch:
        patch.setattr(tasks.Classification, "save", full_disk)
        with pytest.raises(OSError, match="No space"):
            conditions.run(p, "mini/gender", seed=0)
    assert checkpoints.load(done.folder).identity == before, "the older model stays whole"


def test_only_the_head_of_a_recogniser_learns_alone_first(p, monkeypatch):
    calls = []

    def noted(model, examples, collate, **how):
        calls.append((type(model).__name__, how))
        return plain(model, examples, collate, **how)

    plain = conditions.head_first.teach
    monkeypatch.setattr(conditions.head_first, "teach", noted)
    for name in ("asr-th", "gender"):
        conditions.run(p, f"mini/{name}", seed=1)
    rate = p.finetune.learning_rate * p.finetune.task_rate["ctc"] * p.finetune.head_rate["ctc"]
    assert calls == [("Wav2Vec2ForCTC", {"steps": p.finetune.head_first_steps, "rate": rate, "seed": 1})]


def test_a_loss_that_breaks_leaves_no_model(p, monkeypatch):
    plain = training.Trainer.training_step
    monkeypatch.setattr(training.Trainer, "training_step", lambda *args, **kwargs: plain(*args, **kwargs) * torch.nan)
    with pytest.raises(TonespanError, match="not a finite number"):
        conditions.run(p, "mini/gender", seed=0)
    assert not (p.results / "models").exists()


def test_the_same_seed_gives_the_same_model_and_scores(p):
    first, again, other = (conditions.run(p, "mini/emotion-vi", seed=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first.scores, again.scores)
    pd.testing.assert_frame_equal(first.curve, again.curve)
    assert not first.curve["loss"].equals(other.curve["loss"])
    assert checkpoints.load(other.folder).identity != checkpoints.load(first.folder).identity


def test_a_folder_of_its_own_is_the_speech_of_a_task_without_language(tmp_path, monkeypatch):
    speech = make_speech("xx", n_utterances=12)
    folder = tmp_path / "voices"
    for row in speech.utterances.itertuples():
        path = folder / ("test" if row.split == "test" else "train") / row.gender / f"{row.utterance_id}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, speech.audio(row.utterance_id), 16000)
    checkpoint = make_checkpoint(tmp_path / "start", "xlsr")
    p = profile(tmp_path, checkpoint, monkeypatch, corpora={"gender": str(folder)})
    loaded = conditions._corpora(p, conditions.conditions.parse("mini/gender"))
    assert [len(corpus.utterances) for corpus in loaded] == [12]
    assert "train/male/xx-u0.wav" in set(loaded[0].utterances["utterance_id"])
    scores = conditions.run(p, "mini/gender", seed=0).scores
    bounds = scores["metric"].str.endswith(("_low", "_high"))
    assert scores.loc[~bounds, "value"].between(0, 5).all()
    assert scores.loc[bounds, "value"].isna().all(), "fewer than ten test utterances have no interval"
    (of_a_language,) = conditions._corpora(p, conditions.conditions.parse("mini/emotion-vi"))
    assert set(of_a_language.utterances["language"]) == {"vi"}


# ---------------------------------------------------------------- public checkpoints


def public(tmp_path, monkeypatch, **overrides):
    """A profile whose ``asr-th`` is a public checkpoint: its backbone's encoder under a head, moved by ``move``."""
    move = overrides.pop("move", 0.0)
    start = make_checkpoint(tmp_path / "start", "xlsr")
    folder = make_checkpoint(tmp_path / "public", "xlsr", head="ForCTC", **overrides)
    model = transformers.AutoModelForCTC.from_pretrained(folder)
    if not overrides:
        weights = transformers.AutoModel.from_pretrained(start).state_dict()
        model.base_model.load_state_dict(weights)
        with torch.no_grad():
            model.base_model.encoder.layers[1].feed_forward.output_dense.weight.add_(move)
    model.save_pretrained(folder)
    named = {"mini/asr-th": {"checkpoint": str(folder), "revision": None}}
    return profile(tmp_path, start, monkeypatch, public=named), folder


def test_a_public_checkpoint_is_checked_and_kept_where_it_is(tmp_path, monkeypatch):
    p, folder = public(tmp_path, monkeypatch, move=0.25)
    tuned = conditions.run(p, "mini/asr-th", seed=0)
    weights = transformers.AutoModel.from_pretrained(tmp_path / "start").encoder.state_dict()
    norm = np.sqrt(sum(float((weight.numpy().astype(float) ** 2).sum()) for weight in weights.values()))
    expected = 0.25 * np.sqrt(weights["layers.1.feed_forward.output_dense.weight"].numel()) / norm
    assert tuned.scores["metric"].tolist() == ["relative_weight_change"] and tuned.folder == folder
    assert tuned.scores["value"].iloc[0] == pytest.approx(expected, rel=1e-4)
    assert tuned.curve.empty and tuned.tone_predictions.empty and not p.results.exists()
    assert set(tuned.scores.columns) == set(tables.COLUMNS["finetune"])
    assert set(tuned.curve.columns) == set(tables.COLUMNS["finetune_curves"])


def test_a_head_on_a_frozen_encoder_is_no_condition(tmp_path, monkeypatch):
    p, folder = public(tmp_path, monkeypatch)
    with pytest.raises(TonespanError, match="unchanged: a head was trained on a frozen encoder") as error:
        conditions.run(p, "mini/asr-th", seed=0)
    assert str(folder) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("overrides", [{"num_hidden_layers": 3}, {"intermediate_size": 40}], ids=str)
def test_a_public_checkpoint_of_another_shape_is_refused(tmp_path, monkeypatch, overrides):
    p, _ = public(tmp_path, monkeypatch, **overrides)
    with pytest.raises(TonespanError, match=r"not fine-tuned from .*another shape"):
        conditions.run(p, "mini/asr-th", seed=0)
