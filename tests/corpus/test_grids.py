"""A token has its own syllable's tone, at its audio's times; whatever cannot be read whole is rejected or refused."""

import itertools
from pathlib import Path

import numpy as np
import parselmouth
import pytest
import soundfile

from tonespan_utils.corpus import grid_tones, grids, textgrid
from tonespan_utils.corpus.textgrid import Interval
from tonespan_utils.errors import TonespanError

SYLLABLES = [Interval(0.1, 0.4, "ma"), Interval(0.4, 0.8, "ba")]
PRAAT = parselmouth.praat.call


def sound(folder: Path, seconds: float = 1.0) -> Path:
    soundfile.write(folder / "a.wav", np.random.default_rng(0).normal(0, 0.1, round(16_000 * seconds)), 16_000)
    return folder / "a.wav"


def text(tiers: dict[str, list[tuple]], *, start_s: float = 0.0, end_s: float = 1.0) -> str:
    """A TextGrid in short text, as it stands: gaps, overlaps and disorder are kept."""
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", str(start_s), str(end_s), "<exists>"]
    lines.append(str(len(tiers)))
    for name, parts in tiers.items():
        kind = "TextTier" if parts and len(parts[0]) == 2 else "IntervalTier"
        lines += [f'"{kind}"', f'"{name}"', str(start_s), str(end_s), str(len(parts))]
        for *times, label in parts:
            lines += [*map(str, times), '"' + label.replace('"', '""') + '"']
    return "\n".join(lines) + "\n"


def read(folder: Path, tiers: dict[str, list[tuple]], *, seconds: float = 1.0, language: str = "cmn", **options):
    (folder / "a.TextGrid").write_text(text(tiers, **options), encoding="utf-8")
    return grids.read(folder / "a.TextGrid", sound(folder, seconds), tier="syllable", language=language)


def tones(spoken) -> list[str]:
    return [syllable.tone for syllable in spoken]


# Tiers of tones


@pytest.mark.parametrize(("first_s", "second_s"), [(0.15, 0.45), (0.25, 0.6), (0.39, 0.79)])
def test_a_point_anywhere_in_the_syllable_is_its_own(tmp_path, first_s, second_s):
    spoken, rejected = read(tmp_path, {"syllable": SYLLABLES, "tone": [(first_s, "1"), (second_s, "4")]})
    assert tones(spoken) == ["1", "4"] and not rejected


@pytest.mark.parametrize(
    ("points", "kept", "reason"),
    [
        ([(0.2, "1")], ["1"], grid_tones.NO_POINT),
        ([(0.2, "1"), (0.5, "4"), (0.7, "2")], ["1"], grid_tones.TWO_POINTS),
        ([(0.2, "1"), (0.4, "4")], ["1"], grid_tones.NO_POINT),
        ([(0.2, "1"), (0.8, "4")], ["1"], grid_tones.NO_POINT),
        ([(0.2, "1"), (0.5, "")], ["1"], grid_tones.NO_POINT),
        ([(0.2, "1"), (0.5, "nan")], ["1"], grid_tones.NO_POINT),
    ],
)
def test_no_point_or_two(tmp_path, points, kept, reason):
    spoken, rejected = read(tmp_path, {"syllable": SYLLABLES, "tone": points})
    assert tones(spoken) == kept and rejected == [(", 'ba' at 0.400 s", reason)]


@pytest.mark.parametrize(
    ("intervals", "reason"),
    [
        ([(0.1, 0.4, "1"), (0.4, 0.8, "")], grid_tones.NO_TONE),
        ([(0.1, 0.4, "1")], grid_tones.NO_TONE),
        ([(0.1, 0.4, "1"), (0.7, 0.9, "4")], grid_tones.NO_TONE),
        ([(0.1, 0.4, "1"), (0.4, 0.7, "4"), (0.55, 0.8, "2")], grid_tones.TWO_INTERVALS),
        ([(0.1, 0.4, "1"), (0.4, 0.6, "4"), (0.6, 0.8, "2")], grid_tones.TWO_INTERVALS),
        ([(0.1, 0.4, "1"), (0.4, 0.8, "NA")], grid_tones.NO_TONE),
    ],
)
def test_no_interval_or_two(tmp_path, intervals, reason):
    spoken, rejected = read(tmp_path, {"syllable": SYLLABLES, "tone": intervals})
    assert tones(spoken) == ["1"] and rejected == [(", 'ba' at 0.400 s", reason)]


def test_tiers_of_other_case_and_out_of_order(tmp_path):
    spoken, _ = read(tmp_path, {" Syllable ": SYLLABLES[::-1], "TONE": [(0.4, 0.8, "4"), (0.1, 0.4, "1")]})
    assert [(part.syllable, part.tone) for part in spoken] == [("ma", "1"), ("ba", "4")]


@pytest.mark.parametrize("label", ["T1?", "1*", "˥x", "1/2", "1 4", r"\zz1", "(1)", "1?"])
def test_a_tone_that_is_read_in_part_is_no_tone(tmp_path, label):
    spoken, rejected = read(tmp_path, {"syllable": SYLLABLES, "tone": [(0.1, 0.4, "1"), (0.4, 0.8, label)]})
    assert tones(spoken) == ["1"] and rejected[0][1].startswith(grid_tones.UNREADABLE_TONE)


@pytest.mark.parametrize(
    ("label", "tone"), [("1.0", "1"), ("１", "1"), ("˥˩", "˥˩"), ("falling", "falling"), ("low rising", "low rising")]
)
def test_tones_in_one_form(tmp_path, label, tone):
    assert tones(read(tmp_path, {"syllable": SYLLABLES[:1], "tone": [(0.1, 0.4, label)]})[0]) == [tone]


# Labels


@pytest.mark.parametrize(
    ("label", "syllable", "tone"),
    [("ma1", "ma", "1"), ("ma¹", "ma", "1"), ("ma51", "ma", "51"), ("ma˥˩", "ma", "˥˩"), ('m\\a"4', "mä", "4"),
     ('l\\u"3', "lü", "3"), (r"\sw\:f4", "əː", "4"), (r"\e'1", "é", "1"), ("e\u03011", "é", "1"),
     (" ma1\u00a0", "ma", "1")],
)  # fmt: skip
def test_labels_that_are_read_whole(tmp_path, label, syllable, tone):
    spoken, rejected = read(tmp_path, {"syllable": [(0.1, 0.4, label)]})
    assert [(part.syllable, part.tone) for part in spoken] == [(syllable, tone)] and not rejected


@pytest.mark.parametrize(
    "label", ["ma1x", "ma˥x", "ma1?", "ma?1", r"m\zz1", "1ma", "ma1 ba2", "ma3-2", "ma1/2", "ma\\"]
)
def test_labels_of_which_a_part_can_be_read(tmp_path, label):
    spoken, rejected = read(tmp_path, {"syllable": [(0.1, 0.4, label)]})
    assert not spoken and rejected == [(f", {label!r} at 0.100 s", grid_tones.UNREADABLE)]


def test_spelling_is_read_whole_and_flags_are_left_out(tmp_path):
    parts = [(0.1, 0.3, "mạ."), (0.3, 0.5, "mạ1x"), (0.5, 0.7, "má mà"), (0.7, 0.9, "mạ?")]
    spoken, rejected = read(tmp_path, {"syllable": parts}, language="vi")
    assert [(part.ipa, part.tone) for part in spoken] == [("maː", "nang")]
    assert [reason for _, reason in rejected] == [grid_tones.UNREADABLE, grid_tones.SEVERAL, grid_tones.UNREADABLE]


@pytest.mark.parametrize("flag", ["weak", "foreign", "uncertain"])
def test_syllables_of_uncertain_tone_are_left_out_as_in_alignment(tmp_path, monkeypatch, flag):
    syllable = grid_tones.text_to_tone.Syllable(0, 2, "m", "a", "", "1", "55", flags=(flag,))
    monkeypatch.setattr(grid_tones.text_to_tone, "syllables", lambda text, language: [syllable])
    assert read(tmp_path, {"syllable": [(0.1, 0.4, "ma")]}) == ([], [(", 'ma' at 0.100 s", f"its tone is {flag}")])
    kept, _ = grids.read(tmp_path / "a.TextGrid", tmp_path / "a.wav", tier="syllable", language="cmn", leave_out=())
    assert tones(kept) == ["1"]


# Times


@pytest.mark.parametrize("offset_s", [-2.0, 0.25, 5.0, 1_000.0])
def test_a_grid_cut_from_a_longer_one_is_moved(tmp_path, offset_s):
    parts = [(0.1 + offset_s, 0.4 + offset_s, "ma1")]
    nucleus = [(0.2 + offset_s, 0.3 + offset_s, "a")]
    spoken, rejected = read(tmp_path, {"syllable": parts, "nucleus": nucleus}, start_s=offset_s, end_s=1 + offset_s)
    assert (spoken[0].start_s, spoken[0].end_s) == pytest.approx((0.1, 0.4)) and not rejected
    assert spoken[0].nucleus.center_s == pytest.approx(0.25)


def test_a_grid_of_the_end_of_its_audio_stays(tmp_path):
    spoken, _ = read(tmp_path, {"syllable": [(0.5, 0.8, "ma1")]}, start_s=0.4, end_s=1.0)
    assert (spoken[0].start_s, spoken[0].end_s) == (0.5, 0.8)


@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, 1.5), (0.0, 0.5), (0.0, 1_000.0), (3.0, 5.0)])
def test_a_grid_of_another_length_is_refused_with_both_numbers(tmp_path, start_s, end_s):
    parts = [(start_s + 0.1, start_s + 0.4, "ma1")]
    with pytest.raises(
        TonespanError, match=rf"{end_s - start_s:.3f} s\), but its audio a\.wav lasts 1\.000 s"
    ) as error:
        read(tmp_path, {"syllable": parts}, start_s=start_s, end_s=end_s)
    assert "\n" not in str(error.value)


def test_syllables_before_the_audio_overlapping_or_without_length(tmp_path):
    parts = [(-0.2, 0.1, "ma1"), (0.2, 0.5, "ba1"), (0.4, 0.7, "la1"), (0.7, 0.9, "fa1")]
    spoken, rejected = read(tmp_path, {"syllable": parts})
    assert [part.syllable for part in spoken] == ["fa"]
    assert [reason for _, reason in rejected] == [grids.BEFORE_AUDIO, grids.OVERLAPS, grids.OVERLAPS]
    spoken, rejected = read(tmp_path, {"syllable": [(0.3, "ma1")]})
    assert not spoken and rejected[0][1] == grids.NO_LENGTH


# Files


def test_labels_that_praat_passes_over_are_not_lost(tmp_path):
    with pytest.raises(TonespanError, match=r"a\.TextGrid: 5 names and labels in the file, but 4"):
        read(tmp_path, {"syllable": [(0.1, 0.4, "ma1"), (0.1, 0.5, "ba1"), (0.5, 0.8, "la1")]})


@pytest.mark.parametrize("content", ['{"tiers": []}', "<ANNOTATION_DOCUMENT/>", "", "ma1", "\0\0\0"])
def test_what_is_no_textgrid_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "a.TextGrid").write_text(content)
    with pytest.raises(TonespanError, match=r"a\.TextGrid: ") as error:
        grids.read(tmp_path / "a.TextGrid", sound(tmp_path), tier="syllable", language="cmn")
    assert "\n" not in str(error.value)


def test_the_grid_beside_is_found_in_either_form_and_case(tmp_path):
    (tmp_path / "e\u0301.textgrid").touch()
    (tmp_path / "._x.TextGrid").touch()
    assert grids.beside(tmp_path / "é.wav") == tmp_path / "e\u0301.textgrid"
    assert grids.beside(tmp_path / "x.wav") is None


# A sweep


FORMS = ["short", "long", "binary", "chronological"]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "crlf"]


def stored(path: Path, form: str, encoding: str) -> None:
    """Rewrite a short TextGrid in one of Praat's forms, text in an encoding."""
    grid = parselmouth.read(str(path))
    save = {"long": "Save as text file...", "short": "Save as short text file...", "binary": "Save as binary file...",
            "chronological": "Save as chronological text file..."}[form]  # fmt: skip
    PRAAT(grid, save, str(path))
    if form == "binary":
        return
    content = path.read_bytes()
    is_utf_16 = content[:2] in (b"\xfe\xff", b"\xff\xfe")
    plain = content.decode("utf-16" if is_utf_16 else "utf-8")
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    if encoding == "crlf":
        path.write_bytes(plain.replace("\n", "\r\n").encode())
    else:
        path.write_bytes(marks.get(encoding, b"") + plain.encode(encoding))


@pytest.mark.parametrize(("form", "encoding"), [*itertools.product(FORMS, ENCODINGS)])
def test_every_variant_is_right_or_refused_in_one_line(tmp_path, form, encoding):
    """Form by encoding by kind of tier by offset: 20 x 3 x 3 variants."""
    for kind, offset_s in itertools.product(["points", "intervals", "digits"], [0.0, 3.0, -1.0]):
        syllables = [(a + offset_s, b + offset_s, label) for a, b, label in ((0, 0.4, "mä"), (0.4, 1, "né"))]
        if kind == "digits":
            syllables = [(a, b, label + tone) for (a, b, label), tone in zip(syllables, "14", strict=True)]
        marks = [(b - 0.01, tone) for (_, b, _), tone in zip(syllables, "14", strict=True)]
        spans = [(a, b, tone) for (a, b, _), tone in zip(syllables, "14", strict=True)]
        tiers = {"syllable": syllables} | {"points": {"tone": marks}, "intervals": {"tone": spans}}.get(kind, {})
        path = tmp_path / "a.TextGrid"
        path.write_text(text(tiers, start_s=offset_s, end_s=1 + offset_s), encoding="utf-8")
        stored(path, form, encoding)
        try:
            spoken, rejected = grids.read(path, sound(tmp_path), tier="syllable", language="cmn")
        except TonespanError as error:
            assert "\n" not in str(error) and form == "chronological"
            continue
        assert [(part.syllable, part.tone) for part in spoken] == [("mä", "1"), ("né", "4")] and not rejected
        assert [part.end_s for part in spoken] == pytest.approx([0.4, 1.0])


def test_tiers_are_named_when_two_would_do():
    tiers = {"Tone": [], "TONE": []}
    with pytest.raises(TonespanError, match="tier 'tone' may be 'Tone' or 'TONE'"):
        textgrid.tier_name(tiers, "tone", path="a.TextGrid")


# Nuclei


@pytest.mark.parametrize("tier", ["centre", "nucleus"])
@pytest.mark.parametrize("as_points", [True, False])
def test_two_marks_of_a_nucleus_in_one_syllable_are_no_token(tmp_path, tier, as_points):
    marks = [(0.2, "v"), (0.5, "v"), (0.6, "v")] if as_points else [(0.2, 0.3, "v"), (0.45, 0.5, "v"), (0.6, 0.7, "v")]
    spoken, rejected = read(tmp_path, {"syllable": [(0.1, 0.4, "ma1"), (0.4, 0.8, "ba1")], tier: marks})
    assert [syllable.syllable for syllable in spoken] == ["ma"] and spoken[0].nucleus is not None
    assert rejected == [(", 'ba1' at 0.400 s", grids.TWO_NUCLEI.format(tier))]


def test_an_unlabelled_mark_of_a_nucleus_does_not_count(tmp_path):
    spoken, rejected = read(tmp_path, {"syllable": [(0.1, 0.8, "ma1")], "nucleus": [(0.2, 0.3, "a"), (0.4, 0.5, "")]})
    assert spoken[0].nucleus.center_s == pytest.approx(0.25) and not rejected
