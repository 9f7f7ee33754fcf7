"""What each task learns from and how it answers, on speech whose answer is known; what cannot be learned is said."""

import dataclasses
import json
import unicodedata
from collections import Counter

import numpy as np
import pytest
import torch
from conftest import make_checkpoint, make_speech
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import Wav2Vec2CTCTokenizer

from tonespan_utils.alignment import spelling
from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.finetune import recognition, tasks
from tonespan_utils.finetune.examples import NO_TARGET, Example, Speech
from tonespan_utils.finetune.setting import Setting
from tonespan_utils.instrument import features
from tonespan_utils.tone.parts import Syllable


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return checkpoints.load(make_checkpoint(tmp_path_factory.mktemp("x"), "xlsr"))


def setting(encoder, *corpora, clip_ms=None, crop_ms=1200, shuffled=False, max_test_utterances=400) -> Setting:
    def with_features(corpus):
        return Speech(corpus, lambda name: features.of_samples(encoder, corpus.audio(name)))

    return Setting(
        encoder, [with_features(c) for c in corpora], 0, shuffled, clip_ms, crop_ms, max_test_utterances, level=0.9
    )


def changed(corpus, *, where=None, **columns):
    """The corpus with other values in columns of its utterances, everywhere or where ``where`` holds."""
    table = corpus.utterances
    rows = table.index if where is None else table.index[where(table)]
    for name, value in columns.items():
        table = table.assign(**{name: table[name].mask(table.index.isin(rows), value)})
    return dataclasses.replace(corpus, utterances=table)


def is_test(table):
    return table["split"] == "test"


# ---------------------------------------------------------------- transcripts


def test_sounds_with_their_tones_by_hand(monkeypatch):
    assert recognition.phonetic("打词，儿!", language="cmn") == "ta3 tsʰɹ̩2 ɚ2"
    assert recognition.phonetic("?!", language="cmn") == ""
    with pytest.raises(TonespanError, match="en has no reader of tones"):
        recognition.phonetic("tea", language="en")
    longer = [Syllable(0, 1, "t", "a", "", "21", "21")]
    monkeypatch.setattr(recognition.text_to_tone, "syllables", lambda text, language: longer)
    with pytest.raises(TonespanError, match="tones of cmn are longer than a character: 21"):
        recognition.phonetic("打", language="cmn")


def test_a_phonetic_recogniser_learns_sounds_and_tones_and_is_scored_on_them(encoder):
    corpus = changed(make_speech("cmn"), text="打词")
    task = tasks.build("asr", dataclasses.replace(setting(encoder, corpus), phonetic=["cmn"]))
    assert set(task.vocabulary) == {"<pad>", "<unk>", "|", *unicodedata.normalize("NFC", "ta3tsʰɹ̩2")}
    assert set(task.references) == {"ta3 tsʰɹ̩2"}
    wrong = [np.eye(len(task.vocabulary))[task.encode("ta3 tsʰɹ̩1")] for _ in task.test]
    by_metric = {score.metric: score for score in task.scores(lambda examples, pick: wrong)}
    assert list(by_metric) == ["cer"]
    assert by_metric["cer"].value == pytest.approx(1 / len("ta3 tsʰɹ̩2")), "the tone is a character of its own"


def test_normalised_text_by_hand():
    assert recognition.normalised_text("  Ça,  va\tBIEN!? ") == "ça va bien"
    assert recognition.normalised_text("e\u0301") == "é" and recognition.normalised_text("İ-x") == "i̇x"
    assert recognition.normalised_text("น้ำ ๑๒\u200b") == "น้ำ ๑๒", "marks and digits of other scripts stay"
    assert recognition.normalised_text("<pad>|…") == "pad" and recognition.normalised_text("?!") == ""


@given(st.text(max_size=20))
def test_normalised_text_is_composed_single_spaced_and_without_signs(text):
    normalised = recognition.normalised_text(text)
    assert unicodedata.is_normalized("NFC", normalised) and normalised == " ".join(normalised.split())
    assert all(c == " " or unicodedata.category(c)[0] in "LMN" for c in normalised)
    assert normalised == recognition.normalised_text(f" {text}\n")


def test_vocabulary_numbers_every_character_once_after_the_special_ones():
    numbered = recognition.vocabulary(["ba b", "ก"])
    assert numbered == {"<pad>": 0, "<unk>": 1, "|": 2, "a": 3, "b": 4, "ก": 5}
    for texts in ([], ["", " "]):
        with pytest.raises(TonespanError, match="no training transcript has a character"):
            recognition.vocabulary(texts)


def slow_greedy(numbers, names):
    """Frame by frame: a class speaks where it is not the one before."""
    before, written = None, ""
    for number in numbers:
        if number != before and names[number] not in ("<pad>", "<unk>"):
            written += " " if names[number] == "|" else names[number]
        before = number
    return " ".join(written.split())


@given(st.lists(st.integers(0, 4), max_size=15))
def test_greedy_text_collapses_repeats_and_drops_blanks(numbers):
    names = ["<pad>", "<unk>", "|", "a", "b"]
    assert recognition.greedy_text(np.array(numbers, dtype=int), names) == slow_greedy(numbers, names)


def test_greedy_text_by_hand():
    names = ["<pad>", "<unk>", "|", "a", "b"]
    assert recognition.greedy_text(np.array([2, 3, 3, 0, 3, 4, 1, 2, 2, 0, 2, 4, 2]), names) == "aab b"


@settings(deadline=None, max_examples=60)
@given(target=st.lists(st.integers(1, 3), max_size=5), n_frames=st.integers(1, 9))
def test_examples_are_kept_exactly_where_ctc_has_a_finite_loss(target, n_frames):
    longer = Example("long", np.zeros((30, 1)), np.array([1]))
    example = Example("own", np.zeros((n_frames, 1)), np.array(target, dtype=int))
    kept = recognition.fitting([longer, example])
    loss = torch.nn.functional.ctc_loss(
        torch.zeros(n_frames, 1, 4).log_softmax(-1), torch.tensor([target], dtype=torch.long).reshape(1, -1),
        torch.tensor([n_frames]), torch.tensor([len(target)]),
    )  # fmt: skip
    assert (example in kept) == bool(torch.isfinite(loss)) and longer in kept


def test_utterances_too_short_for_their_transcript_are_said(capsys):
    short = Example("s", np.zeros((1, 1)), np.array([1, 2]))
    recognition.fitting([short, Example("l", np.zeros((5, 1)), np.array([1]))])
    assert "1 of 2 utterances are too short" in capsys.readouterr().out
    with pytest.raises(TonespanError, match="none of 1 utterances is long enough"):
        recognition.fitting([short])


# ---------------------------------------------------------------- speech recognition


def certain(task, texts):
    """A ``predict`` whose outputs are ``texts``, a character a frame with blanks between."""

    def predict(examples, pick):
        assert [example.utterance_id for example in examples] == [example.utterance_id for example in task.test]
        written = map(task.encode, texts)
        spoken = [np.stack([numbers, np.zeros(len(numbers), dtype=int)], axis=1).ravel() for numbers in written]
        return [np.eye(len(task.vocabulary))[numbers] for numbers in spoken]

    return predict


def test_asr_learns_characters_and_is_scored_on_test_utterances(encoder):
    corpus = make_speech()
    task = tasks.build("asr", setting(encoder, corpus))
    table = corpus.utterances.set_index("utterance_id")
    assert {example.utterance_id for example in task.test} == set(table.index[table["split"] == "test"])
    names = list(task.vocabulary)
    for example in task.train:
        text = spelling.written("".join(names[number] for number in example.target).replace("|", " "))
        assert text == table.loc[example.utterance_id, "text"] and table.loc[example.utterance_id, "split"] == "train"
    score, tone, pairs = task.scores(certain(task, task.references))
    assert score.metric == "cer" and score.value == 0 and score.null > 0.2
    assert (tone.metric, tone.value, pairs.metric) == ("tone_error_rate", 0, "minimal_pair_error")
    assert task.scores(certain(task, ["ab"] * len(task.test)))[0].value > 0.2
    config = task.model.config
    assert (config.vocab_size, config.pad_token_id, config.ctc_loss_reduction) == (len(names), 0, "mean")


def test_asr_learns_the_order_of_speech_and_is_scored_on_the_script_s_own(encoder):
    corpus = changed(make_speech(), text="แม่ไป tế")
    task = tasks.build("asr", setting(encoder, corpus))
    names = list(task.vocabulary)
    assert [names[number] for number in task.train[0].target] == [*"มแ่ปไ", "|", "t", "ê", "\u0301"]
    assert task.references == ["แม่ไป tế"] * 6 and task.model.config.spelling == spelling.SPOKEN
    assert task.scores(certain(task, task.references))[0].value == 0


def test_its_tokenizer_reads_what_the_scores_read(encoder, tmp_path):
    task = tasks.build("asr", setting(encoder, make_speech()))
    task.save(tmp_path)
    tokenizer = Wav2Vec2CTCTokenizer.from_pretrained(tmp_path)
    rng, names = np.random.default_rng(0), list(task.vocabulary)
    for _ in range(20):
        numbers = rng.integers(len(names), size=12)
        numbers = np.where(numbers == task.vocabulary["<unk>"], 0, numbers)
        decoded = " ".join(tokenizer.decode(numbers).split())
        assert decoded == recognition.greedy_text(numbers, names)
    assert json.loads((tmp_path / "vocab.json").read_text()) == task.vocabulary


def test_characters_no_training_transcript_has_are_said_and_unknown(encoder, capsys):
    corpus = make_speech()
    corpus = changed(corpus, text="กา ฬฮ", where=is_test)
    task = tasks.build("asr", setting(encoder, corpus))
    assert "no training transcript has: ฬ ฮ" in capsys.readouterr().out
    unknown = task.vocabulary["<unk>"]
    assert task.encode("กฬ a").tolist() == [task.vocabulary["ก"], unknown, 2, task.vocabulary["a"]]
    score, *_ = task.scores(certain(task, task.references))
    assert score.value == pytest.approx(3 / 5), "what cannot be written counts as missing, with its space"


def test_utterances_without_transcript_or_frame_are_left_out_and_said(encoder, capsys):
    corpus = make_speech()
    names = corpus.utterances.groupby("split")["utterance_id"].first()
    mute = changed(corpus, text=" ?! ", where=lambda t: t["utterance_id"].isin([names["train"]]))
    audio = {names["test"]: np.ones(300, dtype=np.float32)}
    mute = dataclasses.replace(mute, audio=lambda name: audio[name] if name in audio else corpus.audio(name))
    spoken = setting(encoder, mute)
    short = Speech(mute, lambda n: np.zeros((0, 16), np.float32) if n in audio else spoken.speech[0].features(n))
    task = tasks.build("asr", dataclasses.replace(spoken, speech=[short]))
    assert "2 utterances without a transcript" in capsys.readouterr().out
    assert not {names["train"], names["test"]} & {example.utterance_id for example in task.train + task.test}
    assert len(task.test) == len(task.references) == 5 and len(task.train) == 17


def test_the_control_learns_from_the_same_speech_and_the_same_texts(encoder):
    true, control = (tasks.build("asr", setting(encoder, make_speech(), shuffled=shuffled)) for shuffled in (0, 1))
    assert [example.utterance_id for example in true.train] == [example.utterance_id for example in control.train]
    texts = [[tuple(example.target) for example in task.train] for task in (true, control)]
    assert texts[0] != texts[1] and Counter(texts[0]) == Counter(texts[1])
    assert true.references == control.references


# ---------------------------------------------------------------- classes


@pytest.mark.parametrize(("label", "metric"), [("gender", "accuracy"), ("emotion", "macro_f1")])
def test_a_class_of_each_utterance_in_all_languages(encoder, label, metric):
    corpora = [make_speech("th"), make_speech("vi", seed=1)]
    task = tasks.build(label, setting(encoder, *corpora))
    truth = {row.utterance_id: getattr(row, label) for c in corpora for row in c.utterances.itertuples()}
    assert task.classes == sorted(set(truth.values())) and len(task.train) == 36 and len(task.test) == 12
    assert all(task.classes[example.target] == truth[example.utterance_id] for example in task.train + task.test)
    (score,) = task.scores(lambda examples, pick: [np.eye(2)[example.target] for example in examples])
    assert (score.metric, score.value, score.ci_low) == (metric, 1, 1) and 0.3 < score.null < 0.7
    (score,) = task.scores(lambda examples, pick: [np.eye(2)[0] for example in examples])
    assert score.value == pytest.approx({"accuracy": 1 / 2, "macro_f1": 0.8 / 2}[metric]), "8 of 12 are angry"


def test_the_control_has_the_same_classes_shuffled_over_the_same_utterances(encoder):
    true, control = (tasks.build("gender", setting(encoder, make_speech(), shuffled=shuffled)) for shuffled in (0, 1))
    assert [a.utterance_id for a in true.train] == [b.utterance_id for b in control.train]
    targets = [[example.target for example in task.train] for task in (true, control)]
    assert targets[0] != targets[1] and Counter(targets[0]) == Counter(targets[1])
    assert [example.target for example in true.test] == [example.target for example in control.test]


def test_no_more_test_utterances_than_wanted_of_each_language(encoder):
    corpora = [make_speech("th"), make_speech("vi")]
    task = tasks.build("gender", setting(encoder, *corpora, max_test_utterances=3))
    assert Counter(example.utterance_id[:2] for example in task.test) == {"th": 3, "vi": 3}


def test_clips_have_the_length_asked_for_and_the_label_of_their_utterance(encoder):
    corpus = make_speech()
    task = tasks.build("gender", setting(encoder, corpus, clip_ms=300))
    assert {len(example.features) for example in task.train} == {encoder.n_frames(4800)}
    assert set(Counter(example.utterance_id for example in task.train).values()) == {2}
    gender = corpus.utterances.set_index("utterance_id")["gender"]
    assert all(task.classes[example.target] == gender[example.utterance_id] for example in task.train)


def test_class_names_are_stored_in_the_order_of_the_logits(encoder, tmp_path):
    task = tasks.build("gender", setting(encoder, make_speech()))
    task.save(tmp_path)
    assert json.loads((tmp_path / "classes.json").read_text()) == {"0": "female", "1": "male"}


# ---------------------------------------------------------------- speakers


def test_speakers_are_learned_and_others_are_verified(encoder):
    task = tasks.build("speaker", setting(encoder, make_speech()))
    assert task.classes == [f"s{number}" for number in range(6)] and set(task.speakers) == {"s6", "s7"}
    calls = []

    def predict(examples, pick):
        """Training speakers in directions of their own, the two others in two of those."""
        calls.append(examples)
        persons = (
            [example.target for example in examples]
            if examples is task.whole_train
            else [int(name[1]) for name in task.speakers]
        )
        return list(np.eye(8)[persons])

    (score,) = task.scores(predict)
    assert (score.metric, score.value) == ("eer", 0)
    assert [id(examples) for examples in calls] == [id(task.whole_train), id(task.test)]  # space, then scores


def test_speakers_are_learned_from_crops_and_embedded_whole(encoder):
    task = tasks.build("speaker", setting(encoder, make_speech(), crop_ms=300))
    n_frames = encoder.n_frames(4800)
    whole = {example.utterance_id: example for example in task.whole_train}
    assert {len(example.features) for example in task.train} == {n_frames} and len(whole) == 18
    for name, count in Counter(example.utterance_id for example in task.train).items():
        original, parts = whole[name], [example for example in task.train if example.utterance_id == name]
        assert count == len(original.features) // n_frames and {example.target for example in parts} == {
            original.target
        }
        spare = len(original.features) - count * n_frames
        middle = original.features[spare // 2 : spare // 2 + count * n_frames]
        assert np.array_equal(np.concatenate([example.features for example in parts]), middle)


def test_what_is_shorter_than_a_crop_is_learned_whole(encoder):
    task = tasks.build("speaker", setting(encoder, make_speech(), crop_ms=60_000))
    assert task.train == task.whole_train


@pytest.mark.parametrize("clip_ms", [60, 335, None])
def test_clips_however_short_have_finite_embeddings(encoder, clip_ms):
    task = tasks.build("speaker", setting(encoder, make_speech(n_utterances=16), clip_ms=clip_ms))
    samples = make_speech().audio("th-u0")[: 16 * (clip_ms or 500)]
    with torch.no_grad():
        assert torch.isfinite(task.model.eval()(encoder.prepare(samples)).embeddings).all()


def test_clips_too_short_for_an_x_vector_are_named(encoder):
    with pytest.raises(TonespanError, match=r"utterance th-u0: 1 frame is too few.*raise finetune\.clip_ms"):
        tasks.build("speaker", setting(encoder, make_speech(), clip_ms=30))


# ---------------------------------------------------------------- tone


def test_tones_stand_at_the_frames_of_their_centres_and_nowhere_else(encoder):
    corpus = make_speech()
    task = tasks.build("tone", setting(encoder, corpus), tokens=corpus.tokens)
    by_utterance = dict(iter(corpus.tokens.groupby("utterance_id")))
    for example in task.train + task.test:
        expected = np.full(len(example.features), NO_TARGET)
        centers_s = (320 * np.arange(len(example.features)) + 199.5) / 16000
        for token in by_utterance[example.utterance_id].itertuples():
            expected[np.abs(centers_s - token.center_s).argmin()] = ["fall", "rise"].index(token.tone)
        assert np.array_equal(example.target, expected)
    assert len(task.train) == 18 and len(task.test) == 6


def test_tone_is_read_at_each_test_token_and_scored_by_token(encoder):
    corpus = make_speech()
    task = tasks.build("tone", setting(encoder, corpus), tokens=corpus.tokens.sample(frac=1, random_state=0))

    def predict(examples, pick):
        """Right at every centre but one, and wrong wherever nothing stands."""
        logits = [
            np.where(example.target == NO_TARGET, -5, example.target)[:, None] * [-1.0, 1.0] for example in examples
        ]
        logits = [np.where(part == 0, [[1.0, -1.0]], part) for part in logits]
        at = np.flatnonzero(examples[0].target != NO_TARGET)[0]
        logits[0][at] *= -1
        return logits

    (score,) = task.scores(predict)
    table = task.predicted
    assert list(table["token_id"]) == list(task.test_tokens["token_id"])
    assert (table["tone"] != table["predicted"]).sum() == 1 and score.metric == "macro_f1" and 0.8 < score.value < 1


def test_its_loss_is_the_mean_over_tokens_alone():
    rng = np.random.default_rng(0)
    logits, labels = torch.tensor(rng.normal(size=(2, 5, 3))), torch.full((2, 5), NO_TARGET)
    labels[0, 1], labels[1, 4], labels[1, 0] = 2, 0, 1
    slow = -np.mean([logits[i, t].log_softmax(-1)[labels[i, t]] for i, t in [(0, 1), (1, 4), (1, 0)]])
    outputs = type("Outputs", (), {"logits": logits})
    assert float(tasks.Tone.loss(outputs, labels)) == pytest.approx(float(slow))


def test_a_tone_the_training_lacks_is_no_target_but_counts_against_the_score(encoder):
    corpus = make_speech()
    tokens = corpus.tokens.copy()
    strange = tokens.index[tokens["split"] == "test"][0]
    tokens.loc[strange, "tone"] = "dip"
    task = tasks.build("tone", setting(encoder, corpus), tokens=tokens)
    assert task.classes == ["fall", "rise"]
    (score,) = task.scores(lambda examples, pick: [np.eye(2)[np.maximum(example.target, 0)] for example in examples])
    assert score.value == pytest.approx(2 / 3, abs=0.05)


def test_a_centre_outside_its_audio_names_the_utterance(encoder):
    corpus = make_speech()
    tokens = corpus.tokens.assign(center_s=corpus.tokens["center_s"].where(corpus.tokens.index != 4, 9.0))
    with pytest.raises(TonespanError, match=r"utterance th-u2: tone centre 9\.000 s lies outside"):
        tasks.build("tone", setting(encoder, corpus), tokens=tokens)


# ---------------------------------------------------------------- what cannot be learned


@pytest.mark.parametrize(
    ("objective", "value", "problem"),
    [
        ("gender", "male", r"gender: .*two or more classes .*only 'male'; .*finetune\.corpora\.gender"),
        ("emotion", "calm", "emotion: .*only 'calm'"),
        ("emotion", "", "emotion: .*found none"),
        ("speaker", "s1", "speaker: .*only 's1'"),
    ],
)
def test_one_class_is_not_enough(encoder, objective, value, problem):
    corpus = changed(make_speech(), **{objective: value})
    with pytest.raises(TonespanError, match=problem) as error:
        tasks.build(objective, setting(encoder, corpus))
    assert "\n" not in str(error.value)


def test_one_tone_is_not_enough(encoder):
    corpus = make_speech()
    with pytest.raises(TonespanError, match=r"tone: .*only 'rise'"):
        tasks.build("tone", setting(encoder, corpus), tokens=corpus.tokens.assign(tone="rise"))


@pytest.mark.parametrize("objective", ["asr", "gender", "emotion", "speaker"])
def test_without_a_test_utterance_nothing_is_trained(encoder, objective):
    with pytest.raises(TonespanError, match=f"{objective}: no labelled utterance in the test split"):
        tasks.build(objective, setting(encoder, changed(make_speech(), split="train")))


def test_without_a_test_token_or_transcript_or_pair_nothing_is_trained(encoder):
    corpus = make_speech()
    with pytest.raises(TonespanError, match="tokens in train and in test"):
        tasks.build("tone", setting(encoder, corpus), tokens=corpus.tokens.assign(split="train"))
    with pytest.raises(TonespanError, match="asr: no labelled utterance in the test split"):
        tasks.build("asr", setting(encoder, changed(corpus, text="", where=is_test)))
    with pytest.raises(TonespanError, match="two or more test speakers"):
        tasks.build("speaker", setting(encoder, changed(corpus, speaker="s7", where=is_test)))
