"""The embedded corpus: the same bytes each time, tone independent of segments, a tone that lives in its span only."""

import dataclasses
import hashlib
import itertools
import json

import numpy as np
import pytest
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from tonespan_utils.corpus import fleurs
from tonespan_utils.corpus.synthetic import readings, rendering, synthesis
from tonespan_utils.corpus.synthetic.spellers.speller import speller
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import f0

TONAL = ["my", "th", "lo", "vi", "cmn"]
SMEAR_S = 0.05  # overlap-add moves whole periods, the tracker sees three periods of its floor
SETTINGS = {"languages": ["th"], "planted_span_ms": {"th": 100.0}, "minutes": 0.6, "n_speakers": 12, "seed": 5}


def digest(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    synthesis.build(folder, jobs=1, **SETTINGS)
    return folder


def test_same_seed_same_bytes_however_many_jobs(built, tmp_path):
    synthesis.build(tmp_path, jobs=2, **SETTINGS)
    assert digest(built) == digest(tmp_path)


def test_another_seed_gives_other_speech(built, tmp_path):
    synthesis.build(tmp_path, **SETTINGS | {"seed": 6, "minutes": 0.1})
    first, other = (digest(folder)["data/th_th/audio/train.tar.gz"] for folder in (built, tmp_path))
    assert first != other


def test_a_finished_language_is_left_alone_and_a_changed_recipe_is_built_anew(built, tmp_path):
    synthesis.build(tmp_path, **SETTINGS | {"minutes": 0.1})
    record = tmp_path / "data" / "th_th" / "synthetic.json"
    before = record.stat().st_mtime_ns
    synthesis.build(tmp_path, **SETTINGS | {"minutes": 0.1})
    assert record.stat().st_mtime_ns == before
    synthesis.build(tmp_path, **SETTINGS | {"minutes": 0.1, "planted_span_ms": {"th": 180.0}})
    assert json.loads(record.read_text())["planted_span_ms"] == 180.0
    assert "planted answer" in json.loads(record.read_text())["note"]


def test_a_foreign_folder_is_not_touched(tmp_path):
    theirs = tmp_path / "data" / "th_th" / "notes.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    with pytest.raises(TonespanError, match="is in the way"):
        synthesis.build(tmp_path, **SETTINGS)
    assert theirs.read_text() == "mine"


def test_bad_requests_are_refused(tmp_path):
    with pytest.raises(TonespanError, match="'yo'"):
        synthesis.build(tmp_path, **SETTINGS | {"languages": ["yo"]})
    with pytest.raises(TonespanError, match="n_speakers is 3"):
        synthesis.build(tmp_path, **SETTINGS | {"n_speakers": 3})


def test_one_loader_reads_it_with_speakers_styles_and_times(built, tmp_path):
    corpus = fleurs.load(built, "th", cache_dir=tmp_path)
    assert corpus.utterances["speaker"].nunique() >= 6 and set(corpus.utterances["gender"]) == {"male", "female"}
    plan = itertools.islice(readings.readings("th", n_speakers=12, seed=5), 100)
    assert {reading.style for reading in plan} == set(readings.STYLES)
    tokens = corpus.tokens
    assert ((tokens["start_s"] < tokens["center_s"]) & (tokens["center_s"] < tokens["end_s"])).all()
    seconds = corpus.utterances["n_samples"].sum() / 16_000
    assert seconds >= 36


def test_splits_share_neither_speakers_nor_sentences():
    plan = [next_ for next_, _ in zip(readings.readings("vi", n_speakers=16, seed=1), range(600), strict=False)]
    for key in (lambda r: r.sentence_id, lambda r: r.speaker.name):
        owners = {}
        for reading in plan:
            owners.setdefault(key(reading), set()).add(reading.speaker.split)
        assert all(len(splits) == 1 for splits in owners.values())
    assert {reading.speaker.split for reading in plan} == set(readings.SPLITS)


def test_sixteen_speakers_two_genders_four_styles():
    cast = readings.speakers(16)
    assert len({(s.variant, s.formants) for s in cast}) == 16
    assert {s: sum(p.split == s and p.gender == "male" for p in cast) for s in readings.SPLITS}["test"] >= 1
    assert len(readings.STYLES) >= 3
    with pytest.raises(TonespanError):
        readings.speakers(7)


@pytest.mark.parametrize("language", TONAL)
def test_segments_do_not_give_the_tone_away(language):
    rows, tones = [], []
    for sentence in readings.draw_sentences(language, seed=3, n_sentences=500):
        for i, (frame, tone) in enumerate(sentence):
            near = [sentence[j][0] for j in (i - 1, i + 1) if 0 <= j < len(sentence)]
            row = {f"{role}={getattr(frame, role)}": 1 for role in ("onset", "nucleus", "coda")} | {frame.ipa: 1}
            rows.append(row | {f"near={neighbour.nucleus}": 1 for neighbour in near})
            tones.append(tone)
    features, half = DictVectorizer().fit_transform(rows), len(rows) // 2
    model = LogisticRegression(C=0.1, max_iter=300).fit(features[:half], tones[:half])
    f1 = f1_score(tones[half:], model.predict(features[half:]), average="macro")
    assert abs(f1 - 1 / len(speller(language).tones)) <= 0.05


@pytest.mark.parametrize("language", TONAL)
def test_every_frame_takes_every_tone(language):
    spelling = speller(language)
    assert len(spelling.frames) >= 150
    assert all(set(spelling.tones) <= set(frame.spelling) for frame in spelling.frames)


def test_another_tone_changes_the_sound_inside_its_span_only():
    reading = next(readings.readings("th", n_speakers=12, seed=9))
    frame, tone = reading.syllables[1]
    other_tone = next(t for t in speller("th").tones if t != tone)
    changed = [*reading.syllables]
    changed[1] = (frame, other_tone)
    plain, rows = rendering.render(reading, language="th", span_ms=100.0)
    other, other_rows = rendering.render(
        dataclasses.replace(reading, syllables=tuple(changed)), language="th", span_ms=100.0
    )
    times = ["start_s", "end_s", "nucleus_start_s", "nucleus_end_s"]
    assert rows[times].equals(other_rows[times]) and plain.shape == other.shape
    center_s = rows.loc[1, ["nucleus_start_s", "nucleus_end_s"]].mean()
    settings = {"floor_hz": 75, "ceiling_hz": 400, "step_ms": 5}
    (times_s, hz), (_, other_hz) = (f0.track(samples / 32_768, **settings) for samples in (plain, other))
    moved_st = np.abs(12 * np.log2(other_hz / hz))
    inside = np.abs(times_s - center_s) <= 0.05
    assert np.nanmax(moved_st[inside]) > 1.0
    assert np.nanmedian(moved_st[np.abs(times_s - center_s) > 0.05 + SMEAR_S]) < 0.05


def test_english_has_words_and_no_tone():
    sentence = next(readings.draw_sentences("en", seed=1))
    assert {tone for _, tone in sentence} == {""}
