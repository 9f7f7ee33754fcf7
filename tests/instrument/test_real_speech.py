"""Real speakers, text without times: an own aligner, and whether tone is where it says. Skips without the data."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from tonespan_utils.alignment import align, aligners
from tonespan_utils.corpus import nucleus, recordings
from tonespan_utils.instrument import front_ends
from tonespan_utils.statistics import classifier

pytestmark = pytest.mark.slow
VOICED, F1 = 0.95, 0.60
N_WORDS = 1000  # of 5,000: some fifteen minutes, half of them to train on


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """Mandarin words of two or more syllables, every other text for training, aligned by a model of that half."""
    from conftest import SHARED_DATA

    if not SHARED_DATA.is_dir():
        pytest.skip(f"no {SHARED_DATA}: real recordings are not part of the repository")
    folder = tmp_path_factory.mktemp("words")
    table = (SHARED_DATA / "speech" / "cmn_words" / "labels.csv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in table[1:] if " " in line.split(",")[3]][:: len(table) // N_WORDS][:N_WORDS]
    (folder / "labels.csv").write_text("\n".join([table[0], *kept]) + "\n", encoding="utf-8")
    for name in (line.split(",")[0] for line in kept):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SHARED_DATA / "speech" / "cmn_words" / name, folder / name)
    corpus = recordings.load(folder, language="cmn", cache_dir=folder / "cache")
    texts = sorted(set(corpus.utterances["text"]))
    split = np.where(corpus.utterances["text"].isin(texts[::2]), "train", "test")
    corpus = replace(corpus, utterances=corpus.utterances.assign(split=split))
    tokens, _ = align.tokens(corpus, aligners.from_speech(corpus, "cmn", max_minutes=60), language="cmn")
    return replace(corpus, tokens=tokens)


def share_voiced(corpus, tokens):
    voiced = []
    for name, group in tokens.groupby("utterance_id"):
        times_s, hz = nucleus.pitch(corpus.audio(name))
        voiced += [hz[np.abs(times_s - center_s).argmin()] > 0 for center_s in group["center_s"]]
    return float(np.mean(voiced))


def macro_f1(corpus, tokens):
    """Of a logistic regression on 200 ms of log-Mels, trained and tested on different words."""
    features = front_ends.token_features(
        corpus, tokens, frontend="logmel", max_window_ms=200, hop_ms=20, analysis_window_ms=25, n_bands=40, n_mfcc=13
    )
    rows, train = front_ends.outwards(features), (tokens["split"] == "train").to_numpy()
    tone = tokens["tone"].to_numpy(dtype=str)
    predicted = classifier.fit(rows[train], tone[train], regularisation_c=0.1).predict(rows[~train])
    return float(classifier.macro_f1(classifier.confusion(tone[~train], predicted, np.unique(tone))))


def test_mandarin_nuclei_are_voiced_and_carry_the_tone(words):
    test = words.tokens[words.tokens["split"] == "test"]
    assert share_voiced(words, test) >= VOICED
    exact = macro_f1(words, words.tokens)
    assert exact >= F1
    for shift_s in (-0.1, 0.1):
        moved = words.tokens.assign(center_s=np.maximum(0.0, words.tokens["center_s"] + shift_s))
        assert macro_f1(words, moved) < exact


def test_yoruba_sentences_get_times(shared_data, tmp_path):
    corpus = recordings.load(shared_data / "speech" / "yo_sentences", language="yo", cache_dir=tmp_path)
    corpus = replace(corpus, utterances=corpus.utterances.iloc[::3].assign(split="train").reset_index(drop=True))
    tokens, rejected = align.tokens(
        corpus, aligners.from_speech(corpus, "yo", max_minutes=60), language="yo", leave_out=["uncertain"]
    )
    assert set(tokens["tone"]) == set("HML") and tokens["utterance_id"].nunique() > 0.8 * len(corpus.utterances)
    assert "its tone is uncertain" in set(rejected["reason"])
    assert share_voiced(corpus, tokens) >= 0.9
    assert (tokens.groupby("utterance_id")["center_s"].diff().dropna() > 0).all()
