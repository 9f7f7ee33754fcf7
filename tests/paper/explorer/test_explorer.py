"""The explorer's clips, bundle, page and measuring, without a browser; test_explorer_browser has the rest."""

import dataclasses
import gzip
import io
import json
import re

import fake_results
import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import make_checkpoint

from tonespan_utils.__main__ import main
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import gradient_energy, gradients, probes, spans, token_energy
from tonespan_utils.paper.explorer import bundle, clips, measure, page, widget
from tonespan_utils.params import profile, sections, tables
from tonespan_utils.statistics.classifier import LinearClassifier

TASKS = ["vanilla", "asr-th", "emotion"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A made-up run of two languages."""
    folder = tmp_path_factory.mktemp("explorer")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profile, "OUTPUT_ROOT", folder)
        p = profile.load(fake_results.profile(folder, TASKS, tonal=["th", "vi"], other=[]))
        fake_results.write(p)
        tables.join_all(p)
    return folder


@pytest.fixture
def p(folder, monkeypatch):
    monkeypatch.setattr(profile, "OUTPUT_ROOT", folder)
    return profile.load(str(folder / "fake.yaml"))


def unpack(header: dict, packed: bytes) -> dict[str, np.ndarray]:
    """What js/bundle.js does."""
    block, arrays = gzip.decompress(packed), {}
    for name, place in header["arrays"].items():
        values = np.frombuffer(block, dtype=place["type"], count=int(np.prod(place["shape"])), offset=place["at"])
        arrays[name] = values.reshape(place["shape"])
    return arrays


# Clips


def click_at(center_s: float, seconds: float = 2.0) -> np.ndarray:
    """Faint noise with one loud sample."""
    samples = 0.001 * np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE))
    samples[round(center_s * SAMPLE_RATE)] = 0.9
    return samples.astype(np.float32)


def test_clips_are_centred_on_the_token(p):
    made = clips.of_utterance(click_at(0.8), [0.8, 0.9], ["a", "b"], p)
    assert made.outline.shape == (2, 500, 2) and made.mel.shape == (2, 200, clips.N_BANDS)
    for row, at_ms in enumerate((0, -100)):
        assert made.outline[row, :, 1].argmax() == (500 + at_ms) / clips.OUTLINE_MS
        loudest = made.mel[row].astype(int).sum(axis=1).argmax()
        assert abs(-497.5 + clips.HOP_MS * loudest - at_ms) <= 15, "within half an analysis window"
    np.testing.assert_allclose(made.side_ms, [[800, 1200], [900, 1100]])


def test_sound_is_what_was_recorded_at_its_place(p):
    time_s = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    samples = (0.1 * np.sin(2 * np.pi * 200 * time_s) * (time_s > 1.0)).astype(np.float32)
    made = clips.of_utterance(samples, [1.0], ["a"], p)
    sound, rate = soundfile.read(io.BytesIO(made.sound.tobytes()))
    assert rate == SAMPLE_RATE and sound.size == SAMPLE_RATE
    assert np.abs(sound[:7900]).max() < 0.05, "silent before the centre"
    assert np.abs(sound[8400:]).max() == pytest.approx(clips.PEAK, rel=0.1)
    assert np.corrcoef(sound[8400:], samples[SAMPLE_RATE + 400 : SAMPLE_RATE + 8000])[0, 1] > 0.99


def test_f0_is_that_of_the_glide_and_0_where_there_is_no_voice(p):
    time_s = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    hz = 150 + 50 * time_s
    samples = np.sin(2 * np.pi * np.cumsum(hz) / SAMPLE_RATE) * (time_s < 1.2)
    track = clips.of_utterance(samples.astype(np.float32), [1.0], ["a"], p).f0[0] / 10
    times_s = 1.0 + (np.arange(200) + 0.5) * 0.005 - 0.5
    voiced = times_s < 1.15
    np.testing.assert_allclose(track[voiced], 150 + 50 * times_s[voiced], atol=2)
    assert (track[times_s > 1.25] == 0).all()


def test_beyond_the_recording_there_is_silence(p):
    made = clips.of_utterance(click_at(0.1, seconds=0.3), [0.1], ["a"], p)
    assert (made.outline[0, :195] == 0).all() and (made.outline[0, 355:] == 0).all()


def test_clips_join_and_take_in_any_order(p):
    a, b = (
        clips.of_utterance(click_at(c), [c, c + 0.1], names, p) for c, names in ((0.6, ["a", "b"]), (0.7, ["c", "d"]))
    )
    taken = clips.join([a, b]).take([3, 0])
    assert taken.token_ids.tolist() == ["d", "a"]
    for row, (clip, at) in enumerate(((b, 1), (a, 0))):
        again = clip.take([at])
        starts = [0, *taken.sound_end]
        assert np.array_equal(taken.sound[starts[row] : starts[row + 1]], again.sound)
        assert np.array_equal(taken.mel[row], again.mel[0])


def test_the_same_clips_are_the_same_bytes(p):
    tokens = pd.DataFrame({"token_id": ["a", "b"], "center_s": [0.8, 0.9]})
    stored = []
    for name in ("first", "second"):
        clips.save(p.results / f"{name}.npz", clips.of_utterance(click_at(0.8), [0.8, 0.9], ["a", "b"], p), p, tokens)
        stored.append((p.results / f"{name}.npz").read_bytes())
    assert stored[0] == stored[1], "an Ogg stream has a random number unless it is given one"


def test_stored_clips_are_used_as_long_as_they_are_those_of_the_run(p, monkeypatch):
    tokens = tables.read(p.results, "tokens").set_index("token_id")
    names = [name for la in ("th", "vi") for name in token_energy.load(p.results, "mini/vanilla")[la].token_ids]
    rows = tokens.loc[names].reset_index()
    monkeypatch.setattr(clips, "cut", lambda *_: pytest.fail("cut again"))
    assert clips.stored(p, rows).token_ids.tolist() == names
    made = []
    monkeypatch.setattr(clips, "cut", lambda p, tokens: made.append(tokens) or clips._load(path, key))
    path, key = p.results / "clips.npz", clips._key(p, rows)
    whole = path.read_bytes()
    try:
        clips.stored(p, rows.assign(center_s=0.51))
        assert len(made) == 1, "other centres are other clips"
    finally:
        path.write_bytes(whole)


# The bundle


def test_quantised_energy_is_within_its_stated_error():
    share = np.array([1.0, 0.5, 0.0101, 1.6e-4, 1e-5, 0.0, np.nan])
    value = bundle.quantised(share).astype(float)
    back = np.where(value > 0, 2 ** ((value - 255) / bundle.STEPS_PER_OCTAVE), 0)
    np.testing.assert_allclose(back[:4], share[:4], rtol=0.018)
    assert (back[4:] == 0).all()


def test_the_bundle_holds_what_the_tables_do(p):
    header, packed = bundle.build(p).packed()
    arrays = unpack(header, packed)
    assert header["n_shown"] == header["n_measured"] == len(header["tokens"]) == 144
    blocks = {(block["condition"], block["language"]): i for i, block in enumerate(header["blocks"])}
    both = {(f"mini/{task}", language) for task in ("vanilla", "emotion") for language in ("th", "vi")}
    assert set(blocks) == both | {("mini/asr-th", "th")}
    spans_table, random_table = (tables.read(p.results, name) for name in ("spans", "random_spans"))
    for (condition, language), number in blocks.items():
        stored = tables.select(spans_table, condition=condition, language=language)
        np.testing.assert_allclose(arrays[f"{number}.table"][:, 0], stored["span_ms"], rtol=1e-6)
        random = tables.select(random_table, language=language, weight="none").set_index("layer").loc[stored["layer"]]
        bounds = random[["span_ms", "ci_low_ms", "ci_high_ms"]]
        np.testing.assert_allclose(arrays[f"{number}.table"][:, 8:11], bounds, rtol=1e-6)
        names = [token["id"] for token in header["tokens"] if token["language"] == language]
        radii = tables.read_parts(p.results, "token_spans", parts=[condition])
        wide = radii.pivot_table(index="token_id", columns="layer", values="r_com_ms")  # the mean over seeds
        np.testing.assert_allclose(arrays[f"{number}.r_com"], wide.loc[names, fake_results.LAYERS], rtol=1e-6)
        stored = token_energy.load(p.results, condition)[language]
        rows = [stored.token_ids.index(name) for name in names]
        share = stored.share[:, rows].mean(axis=0)
        drawn = 2.0 ** ((arrays[f"{number}.energy"] - 255.0) / header["steps_per_octave"])
        seen = share > 2e-4
        np.testing.assert_allclose(drawn[seen], share[seen], rtol=0.02)
        np.testing.assert_allclose(arrays[f"{number}.confidence"], stored.confidence[:, rows].mean(axis=0), rtol=1e-6)


def test_a_part_is_drawn_by_tone_and_not_by_result(p):
    header, _ = bundle.build(p, n_tokens=24).packed()
    shown = pd.DataFrame(header["tokens"])
    assert header["n_shown"] == 24 and header["n_measured"] == 144
    assert (shown.groupby(["language", "tone"]).size() == 4).all(), "three tones of two languages"
    again, _ = bundle.build(p, n_tokens=24).packed()
    assert [token["id"] for token in again["tokens"]] == shown["id"].tolist()


def test_equal_runs_give_equal_pages_and_nothing_in_them_ends_the_script(p):
    text = page.render(p, 24)
    assert text == page.render(p, 24)
    header = re.search(r'<script type="application/json" id="header">(.*?)</script>', text, re.DOTALL).group(1)
    assert json.loads(header)["n_shown"] == 24 and "<" not in header


def test_a_page_that_would_be_too_large_has_fewer_tokens(p, monkeypatch):
    monkeypatch.setattr(page, "MAX_BYTES", len(page.render(p, 40)))
    text = page.write(p).read_text()
    assert len(text) <= page.MAX_BYTES and 4 < int(re.search(r'"n_shown": (\d+)', text).group(1)) <= 40
    monkeypatch.setattr(page, "MAX_BYTES", 1000)
    with pytest.raises(TonespanError, match="token per language makes a page over 1,000 bytes"):
        page.write(p)


def test_half_a_run_is_one_clear_line_on_every_way_in(p, folder, capsys):
    path = token_energy.path(p.results, "mini/emotion")
    whole = path.read_bytes()
    path.unlink()
    try:
        shown = widget.show(str(folder / "fake.yaml"))
        assert shown.value.startswith("The explorer cannot start: ")
        assert "mini/emotion has not been measured yet" in shown.value
        assert main(["figures", str(folder / "fake.yaml"), "--name", "explorer"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "mini--emotion.npz: no such file" in line and "make paper" in line
    finally:
        path.write_bytes(whole)


def test_conditions_that_measured_other_tokens_are_refused(p):
    path = token_energy.path(p.results, "mini/emotion")
    whole = path.read_bytes()
    with np.load(path) as arrays:
        changed = dict(arrays) | {"th/token_id": np.array([f"x{i}" for i in range(72)])}
    np.savez(path, **changed)
    try:
        with pytest.raises(TonespanError, match="mini/emotion measured other th tokens than the rest"):
            bundle.build(p)
    finally:
        path.write_bytes(whole)


# One's own recording


@pytest.fixture(scope="module")
def model(folder, tmp_path_factory):
    """A small random encoder of the profile, and random probes of its layers in Thai."""
    checkpoint = make_checkpoint(tmp_path_factory.mktemp("model") / "c", "wav2vec2-base")
    encoder = checkpoints.load(checkpoint)
    config, rng = encoder.model.config, np.random.default_rng(0)
    by_layer = {
        layer: LinearClassifier(
            ("high", "low", "mid"),
            rng.standard_normal((3, config.conv_dim[-1] if layer == "cnn" else config.hidden_size)),
            np.zeros(3),
        )
        for layer in encoder.layers
    }
    probes.save_probes(by_layer, probes.path(folder / "results" / "fake", "mini/vanilla", "th", seed=0))
    return checkpoint, encoder, by_layer


@pytest.fixture
def with_model(p, model):
    return p.model_copy(update={"encoders": {"mini": sections.Checkpoint(checkpoint=str(model[0]), revision=None)}})


def speech(seconds: float = 1.5) -> np.ndarray:
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * 180 * time_s)).astype(np.float32)


def file_of(samples: np.ndarray, kind: str = "WAV") -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, SAMPLE_RATE, format=kind, **({"subtype": "FLOAT"} if kind == "WAV" else {}))
    return stream.getvalue()


def hour() -> bytes:
    return file_of(np.zeros(3600 * SAMPLE_RATE, dtype=np.float32), "FLAC")


ASK = {"conditions": ["mini/vanilla"], "language": "th", "center_s": 0.7}


@pytest.mark.parametrize("tone", ["low", ""])
def test_a_recording_is_measured_as_tokens_are(with_model, model, tone):
    """What arrives is the energy of the study's own functions, called one by one."""
    _, encoder, by_layer = model
    made = measure.recording(with_model, file_of(speech()), "mine.wav", tone=tone, **ASK)
    edges, offsets = spans.offset_bins(500.0, 10.0)
    target = "true" if tone else "predicted"
    gradient = gradients.input_gradients(encoder, by_layer, speech(), [0.7], [tone], target=target)
    vectors = encoder.hidden_at(speech(), [0.7])
    for at, layer in enumerate(encoder.layers):
        energy = gradient_energy.energy_over_offset(encoder, gradient[layer], [0.7], edges)
        radius = spans.center_of_mass_radius(energy, offsets)
        np.testing.assert_allclose(made.arrays["0.r_com"][0, at], radius, rtol=1e-4)
        logits = by_layer[layer].logits(vectors[layer])[0]
        chances = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        expected = chances[1] if tone else chances.max()
        np.testing.assert_allclose(made.arrays["0.confidence"][0, at], expected, rtol=1e-3)
    assert made.header["tokens"][0]["tone"] == (tone or "?") and made.header["blocks"][0]["layers"] == encoder.layers


@pytest.mark.parametrize(
    ("content", "name", "change", "problem"),
    [
        (b"words, not sound", "notes.txt", {}, "notes.txt: not an audio file"),
        (b"words, not sound", "notes.wav", {}, "notes.wav: damaged, or no audio file"),
        (b"", "empty.wav", {}, "empty.wav: empty file"),
        (hour, "hour.flac", {}, "hour.flac: 60 minutes long; cut"),
        (file_of(speech(31)), "long.wav", {}, "long.wav: 31 s long; cut a clip of at most 30 s"),
        (file_of(np.zeros(16000, dtype=np.float32)), "quiet.wav", {}, "quiet.wav: silent throughout"),
        (file_of(speech())[:9000], "cut.wav", {}, "cut.wav: truncated"),
        (file_of(speech()), "mine.wav", {"center_s": 1.49}, "the tone centre 1.49 s must lie 0.05 s inside the 1.50 s"),
        (file_of(speech()), "mine.wav", {"center_s": float("nan")}, "must lie 0.05 s inside"),
        (file_of(speech()), "mine.wav", {"tone": "creaky"}, "knows the tones high, low, mid, not creaky"),
        (file_of(speech()), "mine.wav", {"conditions": ["mini/asr-th"]}, "no probes of mini/asr-th in Thai"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_one_clear_line(with_model, content, name, change, problem):
    """``content`` may be a function that makes it: an hour takes a while."""
    with pytest.raises(TonespanError) as caught:
        measure.recording(with_model, content() if callable(content) else content, name, **ASK | change)
    line = str(caught.value)
    assert problem in line and "\n" not in line and not line.startswith("/"), "no path of this machine's"


def test_the_widget_opens_at_an_address_and_says_what_made_it(p):
    shown = widget.Explorer(p, address="#language=vi&layer=2")
    assert shown.address == "language=vi&layer=2"
    assert shown.header["record"]["notebook"] == widget.NOTEBOOK and shown.header["record"]["cell"] is not None
    assert shown.header["record"]["profile"] == "fake" and shown.header["fonts"] == []


def test_the_widget_answers_with_a_bundle_or_a_line(with_model, model):
    shown, sent = widget.Explorer(with_model), []
    shown.send = lambda content, buffers=None: sent.append((content, buffers))
    ask = {"measure": 7, "name": "mine.wav", "tone": "", **ASK}
    shown._answer(None, ask, [memoryview(file_of(speech()))])
    shown._answer(None, ask | {"measure": 8, "name": "x.txt"}, [b"x"])
    shown._answer(None, ask | {"measure": 9, "center_s": None}, [file_of(speech())])
    (first, buffers), (second, _), (third, _) = sent
    assert first["answer"] == 7 and unpack(first["header"], buffers[0])["0.energy"].shape[0] == 1
    assert second["answer"] == 8 and "not an audio file" in second["error"]
    assert third["answer"] == 9 and "tone centre nan s" in third["error"]
    with pytest.raises(KeyError):
        shown._answer(None, {"measure": 10}, [])
    assert sent[-1][0]["error"].startswith("unexpected KeyError"), "a fault of ours is told too, and raised"


def test_bundles_are_packed_at_whole_words():
    packed = bundle.Bundle({"version": 1}, {"a": np.arange(3, dtype=np.uint8), "b": np.arange(2, dtype=">f4")})
    header, block = packed.packed()
    assert [place["at"] for place in header["arrays"].values()] == [0, 8]
    np.testing.assert_array_equal(unpack(header, block)["b"], [0, 1])
    assert dataclasses.asdict(packed)["header"] == {"version": 1}, "the header is left as it was"
