"""What users' texts bring: parted marks, other forms of letters, addresses, old encodings. Right, flagged or masked."""

from __future__ import annotations

import re
import unicodedata

import pytest
from word_tables import read_table

from tonespan_utils.__main__ import main
from tonespan_utils.tone import _encodings, text_to_tone
from tonespan_utils.tone._masking import covers
from tonespan_utils.tone.parts import Masked, Syllable

VIETNAMESE = "Cộng hòa xã hội chủ nghĩa Việt Nam"


def read(text: str, language: str) -> str:
    """Tones in order, ``!`` behind an uncertain one; masked parts but spaces and punctuation as ``[reason]``."""
    parts = text_to_tone.parse(text, language)
    assert covers(text, parts)
    said = []
    for part in parts:
        if isinstance(part, Syllable):
            said.append(part.tone + "!" * ("uncertain" in part.flags))
        elif part.reason not in ("space", "punctuation"):
            said.append(f"[{part.reason}]")
    return " ".join(said)


@pytest.mark.parametrize(("text", "expected"), read_table("cleaning_vietnamese_marks.tsv"))
def test_vietnamese_marks_find_their_letters_or_are_doubted(text, expected):
    assert read(text, "vi") == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("th", "ต ้องการ", "F M"), ("th", "น ้ำด ื่ม", "H L"), ("th", "ต ้ องการ", "F M"), ("th", "น้\u00a0ำ", "H"),
        ("th", "ป\uf70aา ไม\uf70b", "L H"), ("th", "ป\uf713า", "L"), ("th", "ป\uf88aา", "L"), ("th", "แม\ue123", "M! [unknown]"),
        ("th", "ก่้า", "L!"), ("th", "ก่่า", "L"), ("th", "เเม่", "F"), ("th", "น\u0e4d\u0e49า", "H"),
        ("th", "ข\u0ec9าว", "F"), ("th", "ข\u200b้าว", "F"), ("th", "ก\u0301า", "M! [unknown]"),
        ("lo", "ນ ້ຳ", "HF"), ("lo", "ແມ ່", "M"), ("lo", "ກວ ່າ", "M"), ("lo", "ກ\u0e49າ", "HF"), ("lo", "ກ່້າ", "M!"),
        ("lo", "ເເມ່", "M"), ("lo", "ແ\u0e21່", "M!"),
        ("my", "က ာ", "L"), ("my", "က့း", "C!"), ("my", "က\u0301ာ", "L!"),
        ("yo", "ẹ ̀ kọ ́", "L H"), ("yo", "ba` be´", "L H"), ("yo", "bа́", "H"),
        ("mdw", "kε ́ la´", "H H"), ("mdw", "bа́", "H"),
        ("vi", "Vіệt Nаm", "nang ngang"), ("vi", "Vi\u00adệt V\u200biệt xin\u200bchào", "nang nang ngang huyen"),
        ("vi", "ｌà 𝐯à 𝑙𝑎̀", "huyen huyen huyen"), ("vi", "٣ người", "ngang huyen"), ("lo", "๑", "M"),
        ("cmn", "⻓⼤", "3 4"), ("cmn", "\u2fa4常", ""), ("cmn", "中\u200b国", "1 2"), ("cmn", "我hao3", "3 [latin] [digits]"),
        ("cmn", "A4纸", "[latin] 4 3"), ("cmn", "１２", "2 4"), ("yue", "我哋ngo5 dei6", "5 6 [latin] [digits] [latin] [digits]"),
        ("yue", "⾏\ufe00人", "4 4"), ("yue", "\uf900", None),
    ],
)  # fmt: skip
def test_letters_of_every_form_and_place(language, text, expected):
    if expected is None:
        expected = read(unicodedata.normalize("NFC", text), language)
    elif not expected:
        expected = read(unicodedata.normalize("NFKC", text), language)
        assert "[" not in expected
    assert read(text, language) == expected


@pytest.mark.parametrize("language", list(text_to_tone.MODULES))
@pytest.mark.parametrize(
    "address",
    ["https://example.vn/ba-la?x=ma#a", "www.ba.com", "ba.la@ma.org", "vnexpress.net", "/home/ba/la.txt", "C:\\ba\\ma", "~/ba/ma",
     "ba_ma.wav", "#bala", "@ba_la", "data/ba/ma.csv"],
)  # fmt: skip
def test_an_address_is_no_syllable(language, address):
    text = f"{address} {address}."
    assert [part for part in text_to_tone.parse(text, language) if part.reason not in ("space", "punctuation")] == [
        Masked(0, len(address), "address"), Masked(len(address) + 1, 2 * len(address) + 1, "address"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["và/hoặc", "TP.HCM", "v.v.", "5 km/h", "10.000", "Ba. La", "C#"])
def test_what_only_looks_like_an_address(text):
    assert "[address]" not in read(text, "vi")


def misread(text: str, codec: str) -> str:
    raw = text.encode("utf-8")
    return "".join(bytes([byte]).decode(codec, "ignore") or chr(byte) for byte in raw)


@pytest.mark.parametrize(
    ("language", "text", "encoding"),
    [
        ("my", "ကၽြန္ေတာ္", "Zawgyi"), ("my", "ျမန္မာႏိုင္ငံ", "Zawgyi"), ("my", "ေနာက္ဆံုး", "Zawgyi"), ("my", "မဟုတ္ဘူး", "Zawgyi"),
        ("vi", "Céng hßa x· héi chñ nghÜa ViÖt Nam", "TCVN3 (ABC)"), ("vi", "mét hai ba bèn n¨m s¸u", "TCVN3 (ABC)"),
        ("vi", "Coäng hoøa xaõ hoäi chuû nghóa Vieät Nam", "VNI"), ("vi", "Ñoäc laäp töï do", "VNI"),
        ("vi", "Cµng hòa xã hµi chü nghîa Vi®t Nam".replace("µ", "\u00b5"), "VISCII"),
        ("vi", b"C\xf4\xf2ng ho\xcca xa\xde h\xf4\xf2i".decode("latin-1"), "Windows-1258"),
        ("vi", misread(VIETNAMESE, "cp1252"), "UTF-8 read as Windows-1252"), ("vi", misread(VIETNAMESE, "latin-1"), "UTF-8 read as Windows-1252"),
        ("th", misread("ภาษาไทย", "cp1252"), "UTF-8 read as Windows-1252"), ("th", misread("ภาษาไทย", "cp874"), "UTF-8 read as Windows-874"),
        ("th", "ภาษาไทย".encode("cp874").decode("latin-1"), "TIS-620 read as Latin-1"),
        ("lo", misread("ພາສາລາວ", "latin-1"), "UTF-8 read as Windows-1252"), ("my", misread("မြန်မာ", "latin-1"), "UTF-8 read as Windows-1252"),
        ("cmn", "你好".encode().decode("gbk"), "UTF-8 read as GBK"), ("cmn", "中国人民".encode("gbk").decode("latin-1"), "GBK read as Latin-1"),
        ("yue", "中國人民".encode("big5").decode("latin-1"), "Big5 read as Latin-1"), ("yo", misread("ọmọ dáadáa", "latin-1"), "UTF-8 read as Windows-1252"),
    ],
)  # fmt: skip
def test_old_and_wrong_encodings_are_named_and_flagged(language, text, encoding):
    assert _encodings.detect(text, language) == encoding
    assert encoding in text_to_tone.wrong_encoding(text, language)
    assert all("uncertain" in part.flags for part in text_to_tone.syllables(text, language))


@pytest.mark.parametrize("text", [VIETNAMESE, "Müller đi café", "Giuđa", "rađi", "déjà vu ở đây", "«Ông»", ""])
def test_clean_vietnamese_is_in_no_old_encoding(text):
    assert text_to_tone.wrong_encoding(text, "vi") == ""


@pytest.mark.parametrize(
    ("language", "name"),
    [("my", "mya_Mymr"), ("th", "tha_Thai"), ("lo", "lao_Laoo"), ("vi", "vie_Latn"), ("cmn", "zho_Hans"), ("yue", "yue_Hant"), ("yo", "yor_Latn")],
)  # fmt: skip
def test_no_real_sentence_is_taken_for_an_old_encoding(language, name, shared_data):
    lines = (shared_data / "text" / f"{name}.tsv").read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if line and text_to_tone.wrong_encoding(line.split("\t")[2], language)] == []


def test_the_cases_of_parted_marks_have_the_tones_of_clean_text(shared_data):
    for clean, broken, language in (("th.clean", "th.space_before_mark", "th"), ("vi.clean", "vi.split_marks", "vi")):
        texts = [(shared_data / "cases" / f"{name}.txt").read_text(encoding="utf-8") for name in (clean, broken)]
        expected, got = ([part.tone for part in text_to_tone.syllables(line, language)] for line in texts)
        assert got == expected


def test_masked_words_stand_in_their_place_and_are_counted(tmp_path, capsys):
    path = tmp_path / "text.txt"
    path.write_text("ba km www.a.vn\n 😀 ̀a\n", encoding="utf-8")
    assert main(["tones", "vi", str(path)]) == 0
    captured = capsys.readouterr()
    assert captured.out.split("\n") == [
        "ba km www.a.vn\tngang [latin:km] [address:www.a.vn]\tɓaː - -\t0-2 3-5 6-14\t- masked masked",
        " 😀 ̀a\t[symbol:😀] ngang\t- ʔaː\t1-2 4-5\tmasked uncertain",
        "",
    ]
    assert re.fullmatch(
        "tonespan: 2 syllables, flagged: 1 uncertain; masked characters: 8 address, .*2 latin.*\n", captured.err
    )


@pytest.mark.parametrize(
    ("language", "text", "encoding"),
    [("my", "ကၽြန္ေတာ္\nက", "Zawgyi"), ("vi", "c¸c em häc sinh\nba\ncã thÓ nhµ", "TCVN3")],
)
def test_a_whole_text_in_an_old_encoding_is_refused_in_one_line(language, text, encoding, tmp_path, capsys):
    path = tmp_path / "text.txt"
    path.write_text(text, encoding="utf-8")
    assert main(["tones", language, str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert encoding in captured.err and "convert it" in captured.err and str(path) in captured.err


def test_a_line_in_an_old_encoding_is_flagged_and_named(tmp_path, capsys):
    path = tmp_path / "text.txt"
    path.write_text(f"{VIETNAMESE}\n{VIETNAMESE}\nc¸c em häc sinh cã thÓ\n", encoding="utf-8")
    assert main(["tones", "vi", str(path)]) == 0
    captured = capsys.readouterr()
    assert "line 3: the text is TCVN3" in captured.err
    assert "uncertain" in captured.out.split("\n")[2] and "uncertain" not in captured.out.split("\n")[0]
