"""Letters and signs of Thai: their sounds, classes and rimes, and the tone that follows from them.

Conventions: IPA without tone; classes of letters are M (middle), H (high) and L (low); tones are ``M L F H R``.

Source: M. R. Haas (1956), The Thai System of Writing.
"""

from __future__ import annotations

MIDDLE, HIGH = set("กจฎฏดตบปอ"), set("ขฃฉฐถผฝศษสห")  # every other consonant letter is of the low class
ONSETS = {
    "ก": "k", "ข": "kʰ", "ฃ": "kʰ", "ค": "kʰ", "ฅ": "kʰ", "ฆ": "kʰ", "ง": "ŋ", "จ": "tɕ", "ฉ": "tɕʰ", "ช": "tɕʰ",
    "ซ": "s", "ฌ": "tɕʰ", "ญ": "j", "ฎ": "d", "ฏ": "t", "ฐ": "tʰ", "ฑ": "tʰ", "ฒ": "tʰ", "ณ": "n", "ด": "d", "ต": "t",
    "ถ": "tʰ", "ท": "tʰ", "ธ": "tʰ", "น": "n", "บ": "b", "ป": "p", "ผ": "pʰ", "ฝ": "f", "พ": "pʰ", "ฟ": "f", "ภ": "pʰ",
    "ม": "m", "ย": "j", "ร": "r", "ล": "l", "ว": "w", "ศ": "s", "ษ": "s", "ส": "s", "ห": "h", "ฬ": "l",
    "อ": "ʔ", "ฮ": "h",
}  # fmt: skip
CODAS = {
    **dict.fromkeys("กขฃคฅฆ", "k"), **dict.fromkeys("บปพฟภ", "p"), **dict.fromkeys("จฉชซฌฎฏฐฑฒดตถทธศษส", "t"),
    **dict.fromkeys("ญณนรลฬ", "n"), "ม": "m", "ง": "ŋ", "ย": "j", "ว": "w",
}  # fmt: skip
OBSTRUENTS = {"k", "p", "t", "ʔ", "f", "s", "tɕʰ"}  # the last three end loans
SONORANTS = set("งญณนมยรลวฬ")  # letters that take the class of the letter leading them
LED_BY_HO = set("งญนมยรลว")
CLUSTERS = {**dict.fromkeys("กขฃคฅ", "รลว"), **dict.fromkeys("พปผบดฟทสต", "รล")}
SILENT_R = {"ทร": "s", "สร": "s", "ศร": "s", "ซร": "s", "จร": "tɕ"}  # ทราย, สร้าง, เศร้า, ไซร้, จริง
SECOND_ONSET = {"ฑ": "d"}  # บัณฑิต, then of the middle class
PREPOSED = "เแโใไ"
UPPER = "ัิีึืุู็"
TONE_MARKS = {"่": "ek", "้": "tho", "๊": "tri", "๋": "chattawa"}
KILLER, LAKKHANGYAO = "์", "ๅ"
VOWEL_LETTERS = {"ฤ": "r", "ฦ": "l"}
DEPENDENT = {*UPPER, *TONE_MARKS, KILLER, "ะ", "า", "ำ", LAKKHANGYAO}
MARKED = {
    "ek": {"M": "L", "H": "L", "L": "F"}, "tho": {"M": "F", "H": "F", "L": "H"},
    "tri": dict.fromkeys("MHL", "H"), "chattawa": dict.fromkeys("MHL", "R"),
}  # fmt: skip
# (sign on the onset, letters after the tone mark) -> [(nucleus, coda, whether a coda letter follows)]
PLAIN_RIMES = {
    ("", ""): [("o", "", "must")], ("", "ร"): [("ɔː", "n", "no")], ("", "รร"): [("a", "", "must"), ("a", "n", "no")],
    ("", "ะ"): [("a", "ʔ", "no")], ("ั", ""): [("a", "", "must")], ("ั", "ว"): [("ua", "", "no")],
    ("ั", "วะ"): [("ua", "ʔ", "no")], ("", "ว"): [("ua", "", "must")], ("", "า"): [("aː", "", "may"), ("a", "", "must")],
    ("", "ำ"): [("a", "m", "no"), ("aː", "m", "no")], ("ิ", ""): [("i", "", "may")], ("ี", ""): [("iː", "", "may")],
    ("ึ", ""): [("ɯ", "", "may")], ("ื", ""): [("ɯː", "", "must")], ("ื", "อ"): [("ɯː", "", "no")],
    ("ุ", ""): [("u", "", "may")], ("ู", ""): [("uː", "", "may")], ("", "อ"): [("ɔː", "", "may"), ("ɔ", "", "must")],
    ("็", "อ"): [("ɔ", "", "must")], ("", "อะ"): [("ɔ", "ʔ", "no")],
    ("", "ฤ"): [("i", "", "may"), ("ɯ", "", "may"), ("ɤː", "", "must")],
}  # fmt: skip
PREPOSED_RIMES = {
    "เ": {
        ("", ""): [("eː", "", "may"), ("e", "", "must")], ("", "ะ"): [("e", "ʔ", "no")], ("็", ""): [("e", "", "must")],
        ("", "า"): [("a", "w", "no"), ("aː", "w", "no")], ("", "าะ"): [("ɔ", "ʔ", "no")],
        ("", "ย"): [("ɤː", "j", "no")],
        ("ิ", ""): [("ɤː", "", "must"), ("ɤ", "", "must")], ("", "อ"): [("ɤː", "", "may"), ("ɤ", "", "must")],
        ("", "อะ"): [("ɤ", "ʔ", "no")], ("ี", "ย"): [("ia", "", "may")], ("ี", "ยะ"): [("ia", "ʔ", "no")],
        ("ื", "อ"): [("ɯa", "", "may")], ("ื", "อะ"): [("ɯa", "ʔ", "no")],
    },
    "แ": {
        ("", ""): [("ɛː", "", "may"), ("ɛ", "", "must")], ("", "ะ"): [("ɛ", "ʔ", "no")], ("็", ""): [("ɛ", "", "must")],
    },
    "โ": {("", ""): [("oː", "", "may"), ("o", "", "must")], ("", "ะ"): [("o", "ʔ", "no")]},
    "ไ": {("", ""): [("a", "j", "no"), ("aː", "j", "no")], ("", "ย"): [("a", "j", "no")]},
    "ใ": {("", ""): [("a", "j", "no"), ("aː", "j", "no")]},
}  # fmt: skip


def letter_class(letter: str) -> str:
    """The class of a consonant letter: M (middle), H (high) or L (low)."""
    return "M" if letter in MIDDLE else "H" if letter in HIGH else "L"


def tone(of: str, mark: str, *, dead: bool, short: bool) -> str:
    """Tone class of a syllable from its letter's class ``of`` and the name of its mark ("" for none)."""
    if mark:
        return MARKED[mark][of]
    if not dead:
        return "R" if of == "H" else "M"
    return "L" if of != "L" else "H" if short else "F"


def is_short(nucleus: str) -> bool:
    """Whether a nucleus is short; diphthongs count as long."""
    return len(nucleus) == 1
