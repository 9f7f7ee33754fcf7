"""Burmese spelling: a run of letters and signs becomes written syllables with their sounds and their written tone.

A syllable is a consonant letter with its signs, and what closes it: a letter with an asat (က်), the upper half of a
stack (က္), or the nasal sign. Signs are read as a set, so their order does not matter. Sounds are IPA without tone.

Conventions
-----------
- Each letter knows its place in the text as given; a syllable reaches from its own first character to the next one's.
- A stack is cut after its upper letter (မန္ | တ); kinzi (င်္) goes with the syllable before; ဿ is one character, which
  closes the syllable before and opens the next: it is counted with the next. One letter with an asat and a vowel
  (ကျွန်ုပ်) closes and opens likewise, and is cut after the asat.
- A letter with an asat after a syllable that is closed already, or a stop after a tone mark, is the silent letter of a
  loan (ဘတ်စ်, ဗော့ဒ်ကာ): it stays with the syllable, which is flagged foreign.
- Onsets are citation forms: voicing between syllables (ကောင်းကင် [káʊɴ.ɡɪ̀ɴ]) is not applied.
- ည် is said [i], [e] or [ɛ] by word: [i] here, the tone is the same. ွန် ွမ် ွတ် ွပ် ွံ are [ʊ] throughout.

Source: the rules of any grammar, such as J. Okell (1969), "A Reference Grammar of Colloquial Burmese".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

ASAT, VIRAMA, DOT, VISARGA = "\u103a", "\u1039", "\u1037", "\u1038"
AA, TALL_AA, E, NASAL = "\u102c", "\u102b", "\u1031", "\u1036"
MEDIAL_Y, MEDIAL_R, MEDIAL_W, MEDIAL_H = MEDIALS = "\u103b\u103c\u103d\u103e"
VOWEL_SIGNS = "\u102c\u102d\u102e\u102f\u1030\u1031\u1032\u1036"
ZERO_WIDTH_SPACE, ZERO_WIDTH_JOINER = "\u200b", "\u200d"

LETTERS = "\u1000-\u1021\u1023-\u1027\u1029\u102a\u103f\u104c-\u104f"
SIGNS = "\u102b-\u1032\u1036-\u1038\u103a-\u103e"
LOOSE = (  # carried along unread: zero-width characters, marks of other languages of the script, general marks
    "\u00ad\u200c\u200d\u2060\ufeff\u0300-\u036f\ufe00-\ufe0f\u1033-\u1035\u1056-\u1059\u105e-\u1060\u1062-\u1064"
    "\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u109a-\u109d"
)
INSIDE = f"(?:[{LOOSE}]|{ZERO_WIDTH_SPACE}(?=[{SIGNS}{VIRAMA}]|[\u1000-\u1021]{ASAT}))*"  # not between syllables
RUN = f"(?:{E}{INSIDE}(?=[\u1000-\u1021]))?[{LETTERS}](?:{INSIDE}[{LETTERS}{SIGNS}{VIRAMA}])*"
IGNORED = re.compile(f"[{LOOSE}{ZERO_WIDTH_SPACE}]")
CLUSTER = re.compile(f"([\u1000-\u1021])([{SIGNS}]*)({VIRAMA}*)")
TYPED_NNYA = re.compile(f"\u1025(?=[{AA}{TALL_AA}{VIRAMA}]|{DOT}?{ASAT})")  # the vowel letter ဥ typed for ဉ

SPELLED_OUT = {  # independent vowels, and signs that stand for words
    "ဣ": "အိ", "ဤ": "အီ", "ဥ": "အု", "ဦ": "အူ", "ဧ": "အေ", "ဩ": "အော", "ဪ": "အော်",
    "၏": "အိ", "၍": "ရွေ့", "၌": "နှိုက်", "၎": "လဂောင်း", "ဿ": "သ္သ", TALL_AA: AA,
}  # fmt: skip
ONSETS = dict(
    zip(
        "ကခဂဃငစဆဇဈဉညဋဌဍဎဏတထဒဓနပဖဗဘမယရလဝသဟဠအ",
        [
            "k",
            "kʰ",
            "ɡ",
            "ɡ",
            "ŋ",
            "s",
            "sʰ",
            "z",
            "z",
            "ɲ",
            "ɲ",
            "t",
            "tʰ",
            "d",
            "d",
            "n",
            "t",
            "tʰ",
            "d",
            "d",
            "n",
            "p",
            "pʰ",
            "b",
            "b",
            "m",
            "j",
            "j",
            "l",
            "w",
            "θ",
            "h",
            "l",
            "ʔ",
        ],
        strict=True,
    )
)
PALATAL = {"k": "t͡ɕ", "kʰ": "t͡ɕʰ", "ɡ": "d͡ʑ", "ŋ": "ɲ", "l": "j"}  # before the medials y and r
BREATHED = {"ŋ": "ŋ̊", "ɲ": "ɲ̊", "n": "n̥", "m": "m̥", "l": "l̥", "w": "ʍ", "j": "ʃ", "θj": "ʃ", "mj": "m̥j", "nj": "n̥j"}

STOPPED = "kct"
FINALS = {  # closing letter -> its class; other letters are silent
    **dict.fromkeys("ကခဂဃ", "k"), **dict.fromkeys("စဆဇဈ", "c"), **dict.fromkeys("ဋဌဍဎတထဒဓပဖဗဘသ", "t"),
    "င": "ŋ", "ဉ": "ɲ", **dict.fromkeys("ဏနမ", "n"),
}  # fmt: skip
OPEN = {  # vowel signs -> sound and the tone they have without a tone mark
    "": ("a", "C"), "ာ": ("a", "L"), "ိ": ("i", "C"), "ီ": ("i", "L"), "ု": ("u", "C"), "ူ": ("u", "L"), "ေ": ("e", "L"),
    "ဲ": ("ɛ", "H"), "ာေ": ("ɔ", "H"), "ို": ("o", "L"),
}  # fmt: skip
OPEN_FINALS = {"ည": ("i", "L"), "ယ": ("ɛ", "L")}  # letters with an asat that only colour the inherent vowel
CLOSED = {"ိ": "eɪ", "ီ": "eɪ", "ု": "oʊ", "ူ": "oʊ", "ေ": "ɪ", "ဲ": "ɛ", "ာေ": "aʊ", "ို": "aɪ"}
CLOSED_A = {"k": "ɛ", "ŋ": "ɪ", "c": "ɪ", "ɲ": "ɪ", "t": "a", "n": "a"}  # the vowel a takes its colour from the final
TYPED_VOWELS = {"ုူ": "ူ", "ိီ": "ီ"}  # the short sign typed with the long one; ဥ with the sign ူ for ဦ


@dataclass(frozen=True, slots=True)
class Written:
    """One written syllable, ``text[start:end]``: its letters, sounds, and tone as written.

    ``spelling`` is normalised; ``rhyme`` is what of it is not onset, empty for a bare consonant with its inherent
    vowel. ``stacked``: closed by the upper half of a stack. ``foreign``: has a silent letter.
    """

    start: int
    end: int
    spelling: str
    onset_letters: str
    rhyme: str
    onset: str
    nucleus: str
    coda: str
    tone: str
    stacked: bool = False
    foreign: bool = False


@dataclass(slots=True)
class _Draft:
    """A syllable while its letters are being read; ``start`` counts canonical letters."""

    start: int
    base: str
    signs: str
    final: str = ""
    final_signs: str = ""
    stacked: bool = False
    silent: bool = False


def read(run: str, start: int = 0) -> list[Written]:
    """The written syllables of a run (see RUN) that begins at ``start`` of the text.

    A letter with an asat that nothing precedes belongs to no syllable and is left out.
    """
    letters, places = _canonical(run)
    drafts = _draft(letters)
    starts = [places[draft.start] for draft in drafts]
    if drafts and drafts[0].start == 0:
        starts[0] = 0  # a vowel sign may have been typed before its consonant
    spans = _spans(starts, len(run))
    return [_sounded(draft, start + a, start + b) for draft, (a, b) in zip(drafts, spans, strict=True)]


def _canonical(run: str) -> tuple[str, list[int]]:
    """The run with words' signs and vowel letters spelled out, and the place in the run each letter comes from."""
    kept = [(place, char) for place, char in enumerate(run) if not IGNORED.match(char)]
    text = TYPED_NNYA.sub("ဉ", "".join(char for _, char in kept))
    for typed, letter in (("\u1025\u102e", "ဦ"), ("သ\u103c", "ဩ")):  # taken apart; typed as consonant and medial
        text = text.replace(typed, letter + ZERO_WIDTH_JOINER)
    text = re.sub(f"^({E})(.)([{MEDIALS}]*)", r"\2\3\1", text)
    letters, places = [], []
    for index, char in enumerate(text):
        spelled = "" if char == ZERO_WIDTH_JOINER else SPELLED_OUT.get(char, char)
        origin = [kept[index][0]] * len(spelled)
        if char == "၎" and text[index + 1 : index + 2] == "င":  # the word is ၎င်း: its second syllable begins at င
            spelled, origin = "လဂော", [kept[index][0], *[kept[index + 1][0]] * 3]
        letters.extend(spelled)
        places.extend(origin)
    return "".join(letters), places


def _draft(letters: str) -> list[_Draft]:
    """Group canonical letters into syllables."""
    drafts: list[_Draft] = []
    for match in CLUSTER.finditer(letters):
        base, signs, virama = match.groups()
        before, asat, after = signs.partition(ASAT)
        vowels = set(signs) & set(VOWEL_SIGNS)
        closes = (asat and not vowels) or (virama and not signs)
        shared = asat and vowels and not set(before) & set(VOWEL_SIGNS) and not {E, AA} <= vowels
        if closes or shared:
            taken = _close(drafts, base, before + after if closes else before, stacked=not asat or bool(virama))
            if not taken and not asat:
                drafts.append(_Draft(match.start(), base, ""))
        if shared:
            drafts.append(_Draft(match.start() + 2 + len(before), base, after))
        elif not closes:
            drafts.append(_Draft(match.start(), base, signs))
    return drafts


def _close(drafts: list[_Draft], base: str, signs: str, *, stacked: bool) -> bool:
    """Close the last syllable with a letter, or leave the letter silent there; whether it could be placed."""
    if not drafts:
        return False
    last = drafts[-1]
    marked = set(last.signs) & {DOT, VISARGA} and FINALS.get(base, "t") in STOPPED
    if last.final or marked or NASAL in last.signs:
        last.silent = last.silent or not stacked
        return not stacked
    last.final, last.final_signs, last.stacked = base, signs, stacked
    last.silent = bool(set(signs) & set(MEDIALS))
    return True


def _spans(starts: Sequence[int], length: int) -> list[tuple[int, int]]:
    """From each start to the next; of syllables written with one character the first has it, the rest are empty."""
    edges = [*sorted(set(starts)), length]
    end_of = dict(pairwise(edges))
    repeats = [index > 0 and starts[index - 1] == start for index, start in enumerate(starts)]
    return [(end_of[s] if again else s, end_of[s]) for s, again in zip(starts, repeats, strict=True)]


def _sounded(draft: _Draft, start: int, end: int) -> Written:
    """A draft with its normalised spelling, sounds and tone."""
    vowel, final = _vowel(draft.signs), _final(draft)
    medials = "".join(m for m in MEDIALS if m in draft.signs)
    marks = "".join(m for m in DOT + VISARGA if m in draft.signs + draft.final_signs)
    killed = ASAT if vowel == "ာေ" and ASAT in draft.signs else ""
    written = vowel + killed + (NASAL if NASAL in draft.signs else "")
    closing = draft.final and draft.final + (VIRAMA if draft.stacked else ASAT)
    rounded = final in ("t", "n") and not vowel and (MEDIAL_W in medials or draft.base == "ဝ")
    nucleus, tone = _rhyme(draft, vowel, final, killed)
    tone = tone if final and final in STOPPED else {DOT: "C", VISARGA: "H"}.get(marks[:1], tone)
    return Written(
        start,
        end,
        spelling=draft.base + medials + written + closing + marks,
        onset_letters=draft.base + medials,
        rhyme=written + ("+" + draft.final if draft.final else "") + marks,
        onset=_onset(draft.base, medials.replace(MEDIAL_W, "") if rounded else medials),
        nucleus="ʊ" if rounded else nucleus,
        coda=("ʔ" if final in STOPPED else "ɴ") if final else "",
        tone=tone,
        stacked=draft.stacked,
        foreign=draft.silent,
    )


def _vowel(signs: str) -> str:
    """The vowel signs in code order without the nasal; of signs that do not go together, the first typed."""
    typed = [sign for sign in signs if sign in VOWEL_SIGNS and sign != NASAL]
    vowel = "".join(sorted(set(typed)))
    vowel = TYPED_VOWELS.get(vowel, vowel)
    return vowel if vowel in OPEN else typed[0]


def _final(draft: _Draft) -> str:
    """Class of what closes the syllable, empty when it is open."""
    return FINALS.get(draft.final, "n" if NASAL in draft.signs else "")


def _rhyme(draft: _Draft, vowel: str, final: str, killed: str) -> tuple[str, str]:
    """Vowel sound and tone before tone marks."""
    if final:
        colour = CLOSED_A[final] if vowel in ("", AA) else CLOSED[vowel]
        return colour, "S" if final in STOPPED else "L"
    if draft.final in OPEN_FINALS and not vowel and not draft.stacked:
        return OPEN_FINALS[draft.final]
    sound, tone = OPEN[vowel]
    lengthened = draft.final and not draft.stacked and tone == "C"  # a silent letter with an asat
    return sound, "L" if killed or lengthened else tone


def _onset(base: str, medials: str) -> str:
    """IPA of a consonant letter with its medials."""
    sound = ONSETS[base]
    if MEDIAL_Y in medials or MEDIAL_R in medials:
        glide = "ɹ" if MEDIAL_R in medials and sound[0] in "tdsn" else "j"
        sound = PALATAL.get(sound, sound if sound.endswith(("j", "ɲ")) else sound + glide)
    if MEDIAL_H in medials:
        sound = BREATHED.get(sound, sound)
    return sound + ("w" if MEDIAL_W in medials else "")
