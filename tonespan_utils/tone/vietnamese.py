"""Vietnamese (Hanoi): the diacritic is the tone; the rest of the word is a legal syllable, a loan, or not Vietnamese.

=====  =====================  ==========================  ===============================================
class  Chao digits            written                     voice
=====  =====================  ==========================  ===============================================
ngang  33                     no mark: ma                 modal
huyen  21                     grave: mà                   breathy, lax
sac    35; 45 before a stop   acute: má                   modal
hoi    313                    hook above: mả              falls, often without the final rise in Hanoi
nga    435                    tilde: mã                   broken by a glottal stop in the middle
nang   32; 21 before a stop   dot below: mạ               ends in a glottal stop or creak
=====  =====================  ==========================  ===============================================

Sources: D. L. Nguyễn and J. A. Edmondson (1998), "Tones and voice quality in modern northern Vietnamese", Mon-Khmer
Studies 28; J. P. Kirby (2011), "Vietnamese (Hanoi Vietnamese)", Journal of the IPA 41(3). Chao digits hold no voice
quality: the broken tone is given the pitch of its two ends around the break.

Conventions
-----------
- A syllable that ends in p, t, c, ch has sac or nang only; any other mark there is no Vietnamese word.
- The mark may stand on any vowel letter of the word: old and new style (hòa, hoà) are the same syllable.
- The glide of ``oan`` or ``uyên`` is written into the onset (``tw``); a falling diphthong's glide is a coda (``aj``).
- A word of Latin letters that is no legal syllable is read as a loan where it splits into legal ones (``kali``,
  ``ôzôn``, ``Cuba``): each is flagged ``foreign``, and an unmarked one closed by a stop has sac, as speakers give it.
  Every other word is masked as ``latin``, and so are an unmarked one glued to a digit (``A1``, ``802.11a``) and an
  abbreviation in capitals.
- A capitalised syllable of plain letters beside a loan or a masked word (San Francisco) is flagged ``foreign``.
- Numerals are read out in full (2.005 is *hai nghìn không trăm linh năm*): a dot before three digits groups
  thousands, a comma is the decimal sign unless ``000`` follows; a leading zero or over twelve digits: digit by digit.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from tonespan_utils.tone._masking import fill, normalise, spread
from tonespan_utils.tone.parts import Masked, Part, Syllable

TONE_OF_MARK = {"": "ngang", "\u0300": "huyen", "\u0301": "sac", "\u0309": "hoi", "\u0303": "nga", "\u0323": "nang"}
CHAO = {"ngang": "33", "huyen": "21", "sac": "35", "hoi": "313", "nga": "435", "nang": "32"}
CHAO_CHECKED = {"sac": "45", "nang": "21"}  # the only tones before a stop, and shorter there

ONSETS = {
    "": "ʔ", "b": "ɓ", "c": "k", "ch": "tɕ", "d": "z", "đ": "ɗ", "g": "ɣ", "gh": "ɣ", "gi": "z", "h": "h", "k": "k",
    "kh": "x", "l": "l", "m": "m", "n": "n", "ng": "ŋ", "ngh": "ŋ", "nh": "ɲ", "p": "p", "ph": "f", "qu": "k", "r": "z",
    "s": "s", "t": "t", "th": "tʰ", "tr": "tɕ", "v": "v", "x": "s", "f": "f", "z": "z",
}  # fmt: skip
CODAS = {
    "": "", "m": "m", "n": "n", "ng": "ŋ", "nh": "ŋ̟", "p": "p", "t": "t", "c": "k", "k": "k", "ch": "k̟",
    "i": "j", "y": "j", "u": "w", "o": "w",
}  # fmt: skip
STOPS = {"p", "t", "c", "k", "ch"}
LOAN_ONSETS = {"f", "z"}  # letters of loans that split (ôzôn); no native word has them
NEVER_BEFORE = {  # /k ɣ ŋ/ are k, gh, ngh before front vowels and c, g, ng elsewhere; k and g are laxer in loans (gen)
    "c": "ieêy", "ng": "ieêy", "g": "iêy", "gh": "aăâoôơuư", "ngh": "aăâoôơuư",
}  # fmt: skip

# vowel letters -> IPA and the codas they are written with ("-" is none)
NUCLEI = {
    "a": ("aː", "- m n ng p t c k i o"), "ă": ("a", "- m n ng p t c k"), "â": ("ə", "- m n ng p t c y u"),
    "e": ("ɛ", "- m n ng p t c o"), "ê": ("e", "- m n nh p t ch u"), "i": ("i", "- m n nh p t ch u"),
    "o": ("ɔ", "- m n ng p t c k i"), "oo": ("ɔ", "n ng c"), "ô": ("o", "- m n ng p t c k i"), "ôô": ("o", "ng c"),
    "ơ": ("əː", "- m n p t i"), "u": ("u", "- m n ng p t c k i"), "ư": ("ɨ", "- m n ng t c i u"),
    "iê": ("iə", "m n ng p t c u"), "ia": ("iə", "-"), "uô": ("uə", "m n ng t c i"), "ua": ("uə", "-"),
    "ươ": ("ɨə", "m n ng p t c i u"), "ưa": ("ɨə", "-"), "y": ("i", "-"), "yê": ("iə", "m n ng t u"),
}  # fmt: skip
GLIDED = {
    "o": {"a": "- n ng nh m p t c ch i y o", "ă": "m n ng p t c", "e": "- n m t o"},
    "u": {"â": "n ng t y", "ê": "- n nh ch u", "ơ": "- n", "y": "- n nh p t ch u", "yê": "n t", "ya": "-"},
}  # the letter of the glide -> the nuclei and codas after it
AFTER_Q = {  # qu writes the glide itself
    "a": "- m n ng nh p t c ch i y o u", "ă": "m n ng p t c", "â": "n ng t c y", "e": "- n m p t c o", "ê": "- n nh t ch u",
    "i": "- n nh p t ch u", "y": "- n nh p t ch u", "yê": "n t", "ơ": "- n t i", "ô": "- c",
}  # fmt: skip
SPECIAL = {  # spelling -> (nucleus, coda): the vowel is not the letter's own
    "anh": ("aj", "ŋ̟"), "ach": ("aj", "k̟"), "ay": ("a", "j"), "au": ("a", "w"), "ênh": ("əj", "ŋ̟"), "êch": ("əj", "k̟"),
    "ong": ("aw", "ŋ͡m"), "oc": ("aw", "k͡p"), "ok": ("aw", "k͡p"), "ông": ("əw", "ŋ͡m"), "ôc": ("əw", "k͡p"),
    "ôk": ("əw", "k͡p"), "ung": ("ʊw", "ŋ͡m"), "uc": ("ʊw", "k͡p"), "uk": ("ʊw", "k͡p"),
}  # fmt: skip

NOT_SPLIT = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"  # Latin letters beyond ASCII, without × and ÷
TOKEN = re.compile(
    rf"(?P<word>[A-Za-z{NOT_SPLIT}][A-Za-z{NOT_SPLIT}\u0300-\u036f]*)"
    r"|(?P<number>[0-9]{1,3}(?:(?:\.[0-9]{3})+|(?:,000)+)(?![0-9])(?:,[0-9]+)?|[0-9]+(?:[.,][0-9]+)?)(?P<percent>\s?%)?"
)
MAX_LETTERS = 7  # nghiêng, the longest syllable
MAX_DIGITS = 12  # longer ones are codes and telephone numbers, read digit by digit

DIGITS = ["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"]
GROUPS = ["", "nghìn", "triệu", "tỷ"]


def _rimes() -> dict[str, tuple[str, str, str, bool]]:
    """Every rime as spelled without tone -> (glide, nucleus, coda, checked)."""
    rimes = {}
    for letters, (_, codas) in NUCLEI.items():
        rimes.update(_spell("", letters, codas))
    rimes.update(_spell("", "a", "nh ch y u"))
    for glide, nuclei in GLIDED.items():
        for letters, codas in nuclei.items():
            rimes.update(_spell(glide, letters, codas))
    return rimes


def _spell(glide: str, letters: str, codas: str) -> Iterator[tuple[str, tuple[str, str, str, bool]]]:
    vowel = "iə" if letters == "ya" else "i" if letters == "y" else NUCLEI[letters][0]
    for letter in codas.split():
        coda = letter.strip("-")
        nucleus, final = SPECIAL.get(letters + coda, (vowel, CODAS[coda]))
        yield glide + letters + coda, ("w" if glide else "", nucleus, final, coda in STOPS)


RIMES = _rimes()
RIMES_AFTER_Q = {
    spelling[1:]: rime
    for letters, codas in AFTER_Q.items()
    for spelling, rime in _spell("q", letters, codas)
}  # fmt: skip


def parse(text: str) -> list[Part]:
    """Syllables and masked parts of a Vietnamese text; spans are code points of ``text``, composed or decomposed."""
    parts: list[Part] = []
    for match in TOKEN.finditer(text):
        start, end = match.span()
        if match["number"]:
            parts.extend(spread(_spoken(match["number"], bool(match["percent"])), start, end))
        else:
            parts.extend(_word(text, start, end))
    return fill(text, _flag_foreign(text, parts))


def _word(text: str, start: int, end: int) -> list[Part]:
    word = text[start:end]
    glued = text[start - 1 : start].isdigit() or text[end : end + 1].isdigit()
    syllable = read_word(word)
    if syllable is None and not glued and not word.isupper():
        return [_move(part, start) for part in read_loan(word)] or [Masked(start, end, "latin")]
    if syllable is None or (glued and syllable.tone == "ngang"):
        return [Masked(start, end, "latin")]
    return [_move(syllable, start)]


def _move(syllable: Syllable, offset: int) -> Syllable:
    return dataclasses.replace(syllable, start=syllable.start + offset, end=syllable.end + offset)


@lru_cache(maxsize=65536)
def read_word(word: str) -> Syllable | None:
    """One word of Latin letters as a syllable at 0, or None where it is no legal Vietnamese syllable."""
    syllable = _read(word)
    legal = syllable is not None and word[0].lower() not in LOAN_ONSETS and "foreign" not in syllable.flags
    return syllable if legal else None


def _read(letters: str) -> Syllable | None:
    """As :func:`read_word`, with what loans add: their onsets, and sac for an unmarked stop (flagged ``foreign``)."""
    letters_apart = unicodedata.normalize("NFD", letters.lower()).replace("ð", "đ")  # eth: a common slip for đ
    marks = [char for char in letters_apart if char in TONE_OF_MARK]
    bare = unicodedata.normalize("NFC", "".join(char for char in letters_apart if char not in TONE_OF_MARK))
    segments = _segments(bare)
    if segments is None or len(marks) > 1 or any(not _on_vowel(letters_apart, mark) for mark in marks):
        return None
    onset, nucleus, coda, checked = segments
    flags = ("foreign",) if checked and not marks else ()
    tone = "sac" if flags else TONE_OF_MARK["".join(marks)]
    if checked and tone not in CHAO_CHECKED:
        return None
    chao = (CHAO_CHECKED if checked else CHAO)[tone]
    return Syllable(0, len(letters), onset, nucleus, coda, tone, chao, flags)


@lru_cache(maxsize=65536)
def read_loan(word: str) -> tuple[Syllable, ...]:
    """A word as two or more legal syllables, all flagged ``foreign``; empty where it does not split into such.

    Of several ways the one with the fewest syllables is taken, a syllable without an onset counting double:
    ``amoni`` is *a mo ni*, not *am o ni*.
    """
    letters, offsets = normalise(word, "NFC")
    best: dict[int, tuple[int, tuple[Syllable, ...]]] = {0: (0, ())}  # end -> (cost, syllables that lead there)
    for start in range(len(letters)):
        if start not in best:
            continue
        for end in range(start + 1, min(len(letters), start + MAX_LETTERS) + 1):
            syllable = _read(letters[start:end])
            if syllable is None:
                continue
            cost = best[start][0] + (2 if start and syllable.onset[0] == "ʔ" else 1)
            if end not in best or cost < best[end][0]:
                placed = dataclasses.replace(syllable, start=offsets[start], end=offsets[end], flags=("foreign",))
                best[end] = cost, (*best[start][1], placed)
    syllables = best.get(len(letters), (0, ()))[1]
    return syllables if len(syllables) > 1 else ()


def _on_vowel(letters: str, mark: str) -> bool:
    """Whether the tone mark stands on a vowel letter, other marks (circumflex, horn) between them allowed."""
    before = letters[: letters.index(mark)].rstrip("\u0302\u0306\u031b")
    return before[-1:] in set("aeiouy")


def _segments(bare: str) -> tuple[str, str, str, bool] | None:
    """Onset (with glide), nucleus, coda and whether a stop closes it, of a spelling without tone."""
    for length in (3, 2, 1, 0):
        onset, rest = bare[:length], bare[length:]
        if len(onset) < length or onset not in ONSETS:
            continue
        rime = _rime(onset, rest)
        if rime is not None:
            glide, nucleus, coda, checked = rime
            return ONSETS[onset] + glide, nucleus, coda, checked
    return None


def _rime(onset: str, rest: str) -> tuple[str, str, str, bool] | None:
    if onset == "qu":
        return RIMES_AFTER_Q.get(rest)
    if onset == "gi":  # the i is also the vowel of gì and of giêng
        return (RIMES.get("i" + rest) if rest[:1] == "ê" else None) or RIMES.get(rest) or RIMES.get("i" + rest)
    if (rest[:1] and rest[0] in NEVER_BEFORE.get(onset, "")) or (onset and rest[:2] == "yê"):
        return None
    return RIMES.get(rest)


def _flag_foreign(text: str, parts: list[Part]) -> list[Part]:
    """Flag capitalised syllables of plain letters that stand one space away from a capitalised loan or masked word."""
    flagged = list(parts)
    for index, part in enumerate(parts):
        letters = text[part.start : part.end]
        if not (isinstance(part, Syllable) and letters.istitle() and letters.isascii()):
            continue
        beside = [parts[near] for near in (index - 1, index + 1) if 0 <= near < len(parts)]
        if any(_is_foreign(near) and text[near.start].isupper() and _touch(text, near, part) for near in beside):
            flagged[index] = dataclasses.replace(part, flags=("foreign",))
    return flagged


def _is_foreign(part: Part) -> bool:
    return isinstance(part, Masked) or "foreign" in part.flags


def _touch(text: str, part: Part, other: Part) -> bool:
    left, right = sorted((part, other), key=lambda which: which.start)
    return text[left.end : right.start] == " "


def _spoken(number: str, percent: bool) -> list[Syllable]:
    words = [*read_number(number), *(["phần", "trăm"] if percent else [])]
    return [syllable for word in words if (syllable := read_word(word))]


def read_number(number: str) -> list[str]:
    """The words of a numeral as printed in Vietnamese: ``1.000``, ``1,5``, ``2009``."""
    whole, point, fraction = number.replace(",000", ".000").partition(",")
    if re.search(r"\.[0-9]{3}(\.|$)", whole):
        whole = whole.replace(".", "")
    elif "." in whole:
        whole, point, fraction = whole.partition(".")
    words = _read_whole(whole)
    if point:
        words = [*words, "chấm" if point == "." else "phẩy", *(DIGITS[int(digit)] for digit in fraction)]
    return words


def _read_whole(digits: str) -> list[str]:
    if len(digits) > MAX_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return [DIGITS[int(digit)] for digit in digits]
    if digits == "0":
        return ["không"]
    groups = [int(digits[max(0, end - 3) : end]) for end in range(len(digits), 0, -3)]
    words: list[str] = []
    for power, group in reversed(list(enumerate(groups))):
        if group:
            words += [*_read_group(group, first=not words), *([GROUPS[power]] if power else [])]
    return words


def _read_group(group: int, *, first: bool) -> list[str]:
    """A number below 1000; all but the first group of a numeral name their hundreds, also where they are none."""
    hundreds, rest = divmod(group, 100)
    words = [] if first and not hundreds else [DIGITS[hundreds], "trăm"]
    tens, ones = divmod(rest, 10)
    if tens:
        words += ["mười"] if tens == 1 else [DIGITS[tens], "mươi"]
    elif ones and words:
        words.append("linh")
    return words + _read_ones(ones, tens)


def _read_ones(ones: int, tens: int) -> list[str]:
    if ones == 0:
        return []
    if tens > 1 and ones in (1, 4):
        return ["mốt" if ones == 1 else "tư"]
    return ["lăm" if tens and ones == 5 else DIGITS[ones]]
