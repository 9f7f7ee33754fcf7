"""Text that was read in a wrong encoding, or is in a font's own: its letters are not those it seems to have.

:func:`detect` names the encoding where a text certainly is in one. Zawgyi (Burmese) has Unicode's code points with
other meanings; its signs are orders of code points that Unicode never has: U+1039 without a consonant after it, the
letters of U+1060 to U+1097 after Burmese ones, U+103B or U+1031 before its consonant, a stack of unlike consonants
(Unicode Technical Note 11; the Unicode FAQ "Myanmar scripts and languages"). Old Vietnamese encodings:
``_vietnamese_encodings``. UTF-8 read in an 8-bit or Chinese encoding is decoded again: where that gives several letters
of the language, it is no accident.
"""

from __future__ import annotations

import re
import unicodedata

from tonespan_utils.tone._vietnamese_encodings import vietnamese

_CONSONANT = "\u1000-\u1021\u103f"
_GROUPS = ("ကခဂဃင", "စဆဇဈဉည", "ဋဌဍဎဏ", "တထဒဓန", "ပဖဗဘမ")  # by place: a Unicode stack is of one group
_MIXED_STACKS = "|".join(
    f"[{group}]\u1039[{''.join(_GROUPS[:at] + _GROUPS[at + 1 :]).replace('မ', '')}သဟအ]"
    for at, group in enumerate(_GROUPS)
)  # not before မ, as in Sanskrit words
ZAWGYI = re.compile(
    f"\u1039(?![{_CONSONANT}\u200b-\u200d])"  # Zawgyi's asat; Unicode's U+1039 stacks a consonant
    f"|{_MIXED_STACKS}"
    "|[\u1000-\u103e][\u1060-\u1063\u1065-\u106d\u1070-\u108f\u1091-\u1097]"
    f"|[{_CONSONANT}]\u1064|[\u107e-\u1084]"
    f"|(?<![{_CONSONANT}\u1025\u1029\u1037\u1039-\u103c])\u103b[{_CONSONANT}]"
)
ZAWGYI_HINT = re.compile(f"(?<![{_CONSONANT}\u1023-\u102a\u103a-\u103e])\u1031[{_CONSONANT}]|\u1036\u102f")
MIN_HINTS = 2  # one alone may be a slip of the keyboard

OWN = {  # letters that a repaired text of the language has
    "my": "\u1000-\u103f", "th": "\u0e01-\u0e4e", "lo": "\u0e81-\u0edf", "vi": "\u00c0-\u00ff\u0102-\u01b0\u1ea0-\u1ef9",
    "cmn": "\u4e00-\u9fff", "yue": "\u4e00-\u9fff", "yo": "\u00c0-\u00ff\u1e62\u1e63\u1eb8\u1eb9\u1ecc\u1ecd\u0300-\u036f",
    "mdw": "\u00c0-\u00ff\u0301\u03ad\u03b5\u03c9\u03ce\u0254\u025b",
}  # fmt: skip
WRONGLY_AS = {"Windows-1252": "cp1252", "Windows-874": "cp874", "GBK": "gbk"}
EIGHT_BIT = {"th": {"TIS-620": "cp874"}, "cmn": {"GBK": "gbk", "Big5": "big5"}, "yue": {"Big5": "big5", "GBK": "gbk"}}
LATIN_RUN = re.compile("[\u00a1-\u00ff]{4,}")
UTF8 = re.compile(b"(?:[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|\xcc[\x80-\xbf]|\xcd[\x80-\xaf])+")


def detect(text: str, language: str) -> str:
    """What encoding a text is in, such as ``Zawgyi``; empty where it seems to be Unicode."""
    if text.isascii():
        return ""
    if language == "my" and _is_zawgyi(text):
        return "Zawgyi"
    for name, codec in WRONGLY_AS.items():
        if _is_utf8_read_as(text, codec, OWN[language]):
            return f"UTF-8 read as {name}"
    if language == "vi":
        return vietnamese(text)
    for name, codec in EIGHT_BIT.get(language, {}).items():
        if any(_is_byte_text(run, codec, OWN[language]) for run in LATIN_RUN.findall(text)):
            return f"{name} read as Latin-1"
    return ""


def advice(encoding: str) -> str:
    """How to make Unicode of a text in an encoding that :func:`detect` names."""
    if encoding == "Zawgyi":
        return "convert it to Unicode with a Zawgyi converter (such as Google's myanmar-tools, or ICU's Zawgyi-my)"
    if " read as " in encoding:
        return f"read the original file as {encoding.partition(' ')[0]} and save it as UTF-8"
    return f"convert it from {encoding} to Unicode (UniKey and other Vietnamese keyboards have a converter) and save it as UTF-8"


def _is_zawgyi(text: str) -> bool:
    return bool(ZAWGYI.search(text)) or len(ZAWGYI_HINT.findall(text)) >= MIN_HINTS


def _is_utf8_read_as(text: str, codec: str, alphabet: str) -> bool:
    """Whether characters of a text are the bytes of letters in UTF-8, each byte or pair of them read as ``codec``."""
    if codec == "cp1252" and not re.search("[\u00c3-\u00ef][\u0080-\u00bf\u0152-\u0192\u02c6-\u2122]", text):
        return False
    if codec == "cp874" and len(re.findall("[เแไ][ธนบ]", text)) < 2:
        return False
    raw = b"".join(_byte(char, codec) for char in text)
    letters = [letter for run in UTF8.findall(raw) for letter in run.decode("utf-8", "ignore")]
    repaired = [letter for letter in letters if re.match(f"[{alphabet}]", letter) and letter != "\u00e0"]
    beyond = sum(not char.isascii() and not char.isspace() for char in text)
    most = 3 * len(repaired) >= 0.8 * beyond if codec != "gbk" else 3 * len(repaired) >= 1.6 * beyond
    if codec == "cp1252":
        return bool(repaired) and 2 * len(repaired) >= 0.5 * beyond
    return len(repaired) >= 2 and most


def _byte(char: str, codec: str) -> bytes:
    try:
        return char.encode(codec)
    except UnicodeEncodeError:
        return char.encode("latin-1", "replace") if ord(char) < 256 else b"\n"


def _is_byte_text(run: str, codec: str, alphabet: str) -> bool:
    """Whether a run of Latin-1 signs, as no language writes them in a row, is text of an 8-bit encoding."""
    decoded = run.encode("latin-1").decode(codec, "ignore")
    letters = sum(bool(re.match(f"[{alphabet}]", char)) for char in decoded)
    return letters >= 2 and letters >= 0.7 * len(decoded) and unicodedata.normalize("NFC", run) == run
