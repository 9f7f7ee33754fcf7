"""Forced alignment against hand-made frames, CTC checkpoints and MMS_FA of the real kind at small size."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
import torch
import torchaudio
import transformers
from conftest import make_checkpoint

from tonespan_utils.alignment import align, aligners
from tonespan_utils.alignment.align import Aligner, Frames
from tonespan_utils.alignment.labels import STAR, Sign, by_characters, by_ipa, by_letters, write
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.errors import TonespanError
from tonespan_utils.tone import text_to_tone
from tonespan_utils.tone.parts import Masked, Syllable


def best_path_by_hand(scores, labels):
    """The best CTC path by trying all of them: what ``label_frames`` must return."""
    highest, best_path = -np.inf, None
    for path in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        collapsed = [key for key, _ in itertools.groupby(path) if key]
        total = sum(scores[frame, label] for frame, label in enumerate(path))
        if collapsed == list(labels) and total > highest:
            highest, best_path = total, path
    runs = itertools.groupby(enumerate(best_path), key=lambda frame_label: frame_label[1])
    groups = [(key, [frame for frame, _ in part]) for key, part in runs]
    return [(frames[0], frames[-1] + 1) for key, frames in groups if key]


@pytest.mark.parametrize("labels", [[1, 2], [1, 1], [2, 1, 2]])
@pytest.mark.parametrize("seed", range(4))
def test_the_path_is_the_best_of_all(labels, seed):
    scores = np.random.default_rng(seed).normal(size=(6, 3)).astype(np.float32)
    where, probability = align.label_frames(scores, labels)
    assert [tuple(edges) for edges in where] == best_path_by_hand(scores, labels)
    shares = torch.softmax(torch.tensor(scores), dim=1).numpy()
    by_hand = [shares[a:b, label].mean() for (a, b), label in zip(where, labels, strict=True)]
    assert probability == pytest.approx(by_hand, rel=1e-5)


def test_scores_shifted_per_frame_change_nothing():
    scores = np.random.default_rng(0).normal(size=(9, 4))
    moved = scores + np.arange(9)[:, None]
    where, probability = align.label_frames(scores, [1, 3, 2])
    where_moved, probability_moved = align.label_frames(moved, [1, 3, 2])
    assert np.array_equal(where_moved, where) and probability_moved == pytest.approx(probability, rel=1e-5)


def test_scores_in_any_memory_layout():
    scores = np.random.default_rng(0).normal(size=(9, 4))
    by_row, by_column = align.label_frames(scores, [1, 2]), align.label_frames(np.asfortranarray(scores), [1, 2])
    assert all(np.array_equal(expected, array) for expected, array in zip(by_row, by_column, strict=True))


def test_audio_too_short_for_its_text():
    with pytest.raises(TonespanError, match="too short"):
        align.label_frames(np.zeros((3, 3)), [1, 1, 2])  # three labels and a blank between the equal ones
    align.label_frames(np.zeros((4, 3)), [1, 1, 2])


def test_a_star_costs_as_much_as_any_label_by_chance():
    scores = np.log(np.array([[0.2, 0.6, 0.2]]))
    assert align.with_star(scores)[0, -1] == pytest.approx(np.log(0.4))


def syllable(start, end, onset="", nucleus="a", coda="", flags=()):
    return Syllable(start, end, onset, nucleus, coda, "M", "33", flags)


def test_text_as_signs():
    parts = [syllable(0, 2, "k", "aː"), Masked(2, 3, "space"), Masked(3, 6, "latin"), Masked(6, 7, "punctuation")]
    signs = write("กา abc.", parts, by_ipa({"k": 1, "aː": 2, "a": 3}))
    assert signs == [Sign("k", 0), Sign("aː", 0, True), Sign("|", -1), Sign(STAR, -1)]


def test_spellings():
    spoken = syllable(0, 1, "tʰ", "ɛː", "ŋ")
    assert by_ipa({"tʰ": 1, "t": 2, "ɛ": 3})(spoken, "") == [
        ("tʰ", False), ("ɛ", True), (STAR, True), (STAR, False),
    ]  # fmt: skip
    latin = dict.fromkeys("aegnt", 1)
    assert by_letters(latin)(spoken, "") == [("t", False), ("e", True), ("n", False), ("g", False)]
    assert by_characters({"é": 1, "ก": 2})(spoken, "E\u0301ก่!") == [("é", False), ("ก", False), (STAR, False)]


@pytest.mark.parametrize("language", ["my", "th", "lo", "vi", "cmn", "yue", "yo", "mdw"])
def test_every_language_is_romanised_into_the_letters_of_mms(language):
    text = {
        "my": "ကျောင်း",
        "th": "ภาษาไทย",
        "lo": "ພາສາລາວ",
        "vi": "tiếng việt",
        "cmn": "普通话",
        "yue": "廣東話",
        "yo": "ọjọ́",
        "mdw": "ngwώωni",
    }
    vocabulary = {letter: n for n, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
    for spoken in text_to_tone.syllables(text[language], language):
        labels = by_letters(vocabulary)(spoken, "")
        assert any(is_nucleus for _, is_nucleus in labels), spoken
        assert all(label != STAR for label, _ in labels)


def frames_of(labels_of_frames, n_labels):
    scores = np.full((len(labels_of_frames), n_labels + 1), -5.0)
    scores[np.arange(len(scores)), labels_of_frames] = 0.0
    return Frames(scores, first_s=0.01, hop_s=0.02)


def test_where_a_syllable_and_its_nucleus_are():
    frames = frames_of([0, 1, 2, 2, 2, 3, 0], 3)
    signs = [Sign("k", 0), Sign("a", 0, True), Sign("n", 0)]
    aligned = align.align(frames, signs, {"k": 1, "a": 2, "n": 3})[0]
    assert (aligned.start_s, aligned.end_s) == pytest.approx((0.02, 0.12))
    assert aligned.nucleus == pytest.approx((0.04, 0.10))
    assert 0.9 < aligned.score <= 1


def test_characters_share_the_blank_between_their_spikes():
    frames = frames_of([0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0], 2)
    first, second = align.align(frames, [Sign("a", 0), Sign("b", 1)], {"a": 1, "b": 2}).values()
    assert first.nucleus is None
    assert first.end_s == pytest.approx(second.start_s) == pytest.approx(0.10)
    assert second.end_s == pytest.approx(0.16 + align.MAX_GAP_S)


def test_what_no_label_writes_is_a_star_and_scores_nothing():
    written, star = align.align(frames_of([1, 1, 2, 2], 2), [Sign("a", 0), Sign("?", 1)], {"a": 1}).values()
    assert written.score > 0.9 and star.score == 0


def tones_corpus(texts, seconds=1.0):
    """A voiced hum per utterance under Thai text, all in one split."""
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    hum = sum(np.sin(2 * np.pi * 120 * k * time_s) / k for k in range(1, 8))
    rows = [
        {"utterance_id": f"th-train-{n}", "sentence_id": str(n), "language": "th", "split": "train", "speaker": "",
         "gender": "", "emotion": "", "text": text, "n_samples": time_s.size}
        for n, text in enumerate(texts)
    ]  # fmt: skip
    empty = pd.DataFrame(columns=["item", "reason"])
    return Corpus(pd.DataFrame(rows), pd.DataFrame(), lambda _: (0.1 * hum).astype(np.float32), empty)


def whole(samples):
    """Frames whose best label is k, then a, half the time each."""
    n = len(samples) // 320
    return frames_of([1] * (n // 2) + [2] * (n - n // 2), 2)


K_A = Aligner("made up", {"k": 1, "aː": 2}, by_ipa({"k": 1, "aː": 2}), whole)


def test_tokens_of_a_corpus_and_reasons():
    corpus = tones_corpus(["กา", "...", "กา" * 60, ""])
    tokens, rejected = align.tokens(corpus, K_A, language="th")
    assert tokens["token_id"].tolist() == ["th-train-0-00"]
    token = tokens.iloc[0]
    assert (token["syllable"], token["ipa"], token["tone"], token["speaker"]) == ("กา", "kaː", "M", "")
    assert token["center_s"] == pytest.approx(0.75, abs=0.02)
    reasons = dict(zip(rejected["item"], rejected["reason"], strict=True))
    assert reasons == {
        "th-train-1": align.NO_SYLLABLE, "th-train-2": align.TOO_SHORT, "th-train-3": align.NO_SYLLABLE,
    }  # fmt: skip


def test_an_offset_moves_all_times_and_a_threshold_rejects():
    corpus = tones_corpus(["กา"])
    late, _ = align.tokens(corpus, K_A, language="th", offset_ms=30)
    exact, _ = align.tokens(corpus, K_A, language="th")
    for column in ("start_s", "end_s", "center_s"):
        assert exact[column][0] - late[column][0] == pytest.approx(0.03 if column != "start_s" else 0.0, abs=1e-9)
    none, rejected = align.tokens(corpus, K_A, language="th", min_score=0.999)
    assert none.empty and rejected["reason"].tolist() == [align.LOW_SCORE]


def test_flags_are_left_out_with_their_name():
    weak = next(s for s in text_to_tone.syllables("สบาย", "th") if "weak" in s.flags)
    _, rejected = align.tokens(tones_corpus(["สบาย"]), K_A, language="th", leave_out=["weak"])
    assert weak.tone and "its tone is weak" in set(rejected["reason"])


# Checkpoints


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory):
    """A random CTC checkpoint over some Thai characters, blank not in front."""
    folder = tmp_path_factory.mktemp("ctc")
    characters = sorted(set("กามีตูไป"))
    make_checkpoint(folder, "mhubert-147", head="ForCTC", vocab_size=len(characters) + 3, pad_token_id=2)
    names = ["<unk>", "|", "<pad>", *characters]
    (folder / "vocab.json").write_text(json.dumps({name: n for n, name in enumerate(names)}))
    return folder


def test_a_checkpoint_scores_as_transformers_does(recogniser):
    samples = np.random.default_rng(0).normal(0, 0.1, 9600).astype(np.float32)
    aligner = aligners.from_checkpoint(str(recogniser), ["กา มี ตู"], "th", blank_penalty=1.5)
    model = transformers.AutoModelForCTC.from_pretrained(recogniser).eval()
    extractor = transformers.Wav2Vec2FeatureExtractor.from_pretrained(recogniser)
    with torch.no_grad():
        waveform = extractor(samples, sampling_rate=SAMPLE_RATE, return_tensors="pt").input_values
        expected = torch.log_softmax(model(waveform).logits[0], dim=-1).numpy()
    frames = aligner.score_frames(samples)
    assert frames.scores[:, 0] + 1.5 == pytest.approx(expected[:, 2], abs=1e-4)
    vocabulary = json.loads((recogniser / "vocab.json").read_text())
    for label, column in aligner.vocabulary.items():
        assert frames.scores[:, column] == pytest.approx(expected[:, vocabulary[label]], abs=1e-4)
    assert (frames.first_s, frames.hop_s) == pytest.approx((199.5 / 16000, 0.02))
    assert aligner.name.endswith("(characters)")


def test_a_recogniser_of_the_study_is_given_text_as_it_learned_it(tmp_path):
    names = ["<pad>", "<unk>", "|", *"มแ่าปไ"]
    folder = make_checkpoint(tmp_path, "xlsr", head="ForCTC", vocab_size=len(names), pad_token_id=0, spelling="spoken")
    (folder / "vocab.json").write_text(json.dumps({name: n for n, name in enumerate(names)}))
    aligner = aligners.from_checkpoint(str(folder), ["แม่มา"], "th")
    signs = write("แม่มา", text_to_tone.parse("แม่มา", "th"), aligner.spell)
    assert "".join(sign.label for sign in signs) == "มแ่มา" and aligner.name.endswith("(characters as spoken)")


def test_a_checkpoint_aligns_a_corpus(recogniser):
    corpus = tones_corpus(["กา มี", "ตูไป"], seconds=1.5)
    aligner = aligners.from_checkpoint(str(recogniser), corpus.utterances["text"].tolist(), "th")
    tokens, rejected = align.tokens(corpus, aligner, language="th")
    assert len(tokens) + len(rejected) == 4 and len(tokens) >= 2
    assert tokens["align_score"].between(0, 1).all() and tokens["center_s"].between(0, 1.5).all()


def test_a_recogniser_of_another_language_is_refused(recogniser):
    with pytest.raises(TonespanError, match=r"not a recogniser of 'lo': .*% of characters"):
        aligners.from_checkpoint(str(recogniser), ["ພາສາລາວ"], "lo")


def test_checkpoints_that_cannot_be_used(recogniser, tmp_path):
    without_head = make_checkpoint(tmp_path / "encoder", "mhubert-147")
    (without_head / "vocab.json").write_text((recogniser / "vocab.json").read_text())
    with pytest.raises(TonespanError, match=r"missing encoder weights, first lm_head|CTC model"):
        aligners.from_checkpoint(str(without_head), ["กา"], "th")
    with pytest.raises(TonespanError, match=r"vocab\.json: cannot be read"):
        aligners.from_checkpoint(str(make_checkpoint(tmp_path / "bare", "mhubert-147", head="ForCTC")), ["กา"], "th")
    with pytest.raises(TonespanError, match="no such checkpoint folder"):
        aligners.from_checkpoint("no/such/folder", ["กา"], "th")


def small_mms():
    """MMS_FA's own classes at small size, random: the bundle's methods are the real ones but for where weights are."""
    torch.manual_seed(0)
    model = torchaudio.models.wav2vec2_model(
        extractor_mode="layer_norm", extractor_conv_layer_config=[(8, 10, 5)] + [(8, 3, 2)] * 4 + [(8, 2, 2)] * 2,
        extractor_conv_bias=True, encoder_embed_dim=16, encoder_projection_dropout=0.0, encoder_pos_conv_kernel=16,
        encoder_pos_conv_groups=4, encoder_num_layers=1, encoder_num_heads=2, encoder_attention_dropout=0.0,
        encoder_ff_interm_features=16, encoder_ff_interm_dropout=0.0, encoder_dropout=0.0,
        encoder_layer_norm_first=True,
        encoder_layer_drop=0.0, aux_num_out=28,
    )  # fmt: skip
    from torchaudio.pipelines._wav2vec2 import utils

    return utils._extend_model(model, normalize_waveform=True, apply_log_softmax=True, append_star=False).eval()


def test_mms_fa_over_romanised_text(monkeypatch):
    kind = type(torchaudio.pipelines.MMS_FA)
    options = {}
    monkeypatch.setattr(kind, "get_model", lambda self, with_star: options.update(star=with_star) or small_mms())
    corpus = tones_corpus(["กา มีปู", "ตูดี"], seconds=1.5)
    aligner = aligners.mms_fa(corpus.utterances["text"].tolist(), "th")
    assert aligner.name == "mms_fa (Latin letters)" and options == {"star": False}
    scores = aligner.score_frames(corpus.audio("")).scores
    assert scores.shape == (74, 28) and np.exp(scores).sum(axis=1) == pytest.approx(1, abs=1e-4)
    tokens, rejected = align.tokens(corpus, aligner, language="th")
    assert len(tokens) + len(rejected) == 5
    assert (tokens.groupby("utterance_id")["center_s"].diff().dropna() > 0).all()


def test_mms_fa_without_a_network_says_so(monkeypatch):
    def unreachable(self, with_star):
        raise OSError("<urlopen error [Errno -2] Name or service not known>")

    monkeypatch.setattr(type(torchaudio.pipelines.MMS_FA), "get_model", unreachable)
    with pytest.raises(TonespanError, match="mms_fa: its weights cannot be fetched"):
        aligners.mms_fa(["กา"], "th")
