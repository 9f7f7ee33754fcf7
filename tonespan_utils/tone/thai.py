"""Thai: the class of the letter, the tone mark and the syllable's end give the tone; a dictionary knows the exceptions.

=====  ============  =======================================================================================
class  Chao digits   written
=====  ============  =======================================================================================
M      33            middle or low class, live, no mark: กา คา
L      21            middle or high class, dead, no mark: กัด ขัด; middle or high with mai ek: ก่า ข่า
F      51            low class, dead, long, no mark: คาด; low with mai ek: ค่า; middle or high with mai tho: ก้า ข้า
H      45            low class, dead, short, no mark: คัด; low with mai tho: ค้า; middle with mai tri: ก๊า
R      114           high class, live, no mark: ขา; middle with mai chattawa: ก๋า
=====  ============  =======================================================================================

A dead syllable ends in a stop or a short open vowel. Sources: the spelling rules in M. R. Haas (1956), The Thai System
of Writing; Chao digits as Wiktionary has them for Bangkok.

How a text is read
------------------
- ``sea-g2p`` (offline, Apache-2.0) cuts a run of letters into words and knows how 90,000 of them are said. What it says
  is laid over the letters by :mod:`tonespan_utils.tone._thai_reader`; an entry that leaves letters unread is refused
  (one in a hundred is cut short), and names, nonsense and whatever else it does not know are read by the spelling rules,
  weighed by a small model. Dictionary and weights are loaded at first use.
- Between two words of a compound that the dictionary lacks, :mod:`tonespan_utils.tone._thai_links` says whether a
  linking vowel is said (ราช + นิเวศน์).
- A light syllable (ส in สบาย, ประ in ประเทศ) is flagged ``weak``: its short vowel has the tone of its letter by
  convention. A tone that the spelling does not give, as loans have (เน็ต, มอเตอร์), is flagged ``foreign``; a word that
  is not in the dictionary and leaves its vowels unwritten or letters silent ``uncertain``.
- Where one letter closes a syllable and opens a light one (ราชการ), it belongs to the first; the second has no
  characters of its own. Silent letters belong to their syllable.
- Function words have their citation tone (ไหม, เขา and ฉัน are R; in quick speech they are high).
- Numerals, the repetition mark ๆ, ฯลฯ, the per cent sign and common abbreviations are spoken out and flagged
  ``expanded``; single letters with full stops (พ.ศ.) are read by their names. ฯ after a shortened name is masked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from pathlib import Path

from tonespan_utils.tone import _tai_signs, _thai_links
from tonespan_utils.tone._masking import fill, spread
from tonespan_utils.tone._tai_numerals import NUMBER, Numerals, spell
from tonespan_utils.tone._tai_signs import Signs
from tonespan_utils.tone._thai_letters import LED_BY_HO, ONSETS, letter_class, tone
from tonespan_utils.tone._thai_reader import Phones, Word, lattice, lay, read
from tonespan_utils.tone.parts import Masked, Part, Sound, Syllable

CHAO = {"M": "33", "L": "21", "F": "51", "H": "45", "R": "114"}
LETTERS = re.compile("[ก-ฮะ-ูเ-ๅ็-์]+")
NAMED_LETTER = {"ณ": Phones("n", "a", "ʔ", "H")}  # a word of its own; every other lone letter is read by its name

ABBREVIATIONS = {
    "กม.": "กิโลเมตร", "ซม.": "เซนติเมตร", "มม.": "มิลลิเมตร", "กก.": "กิโลกรัม", "ชม.": "ชั่วโมง", "ดร.": "ดอกเตอร์",
    "กทม.": "กรุงเทพมหานคร", "น.ส.": "นางสาว", "ฯลฯ": "และอื่นอื่น", "ฯพณฯ": "พณะท่าน",
}  # fmt: skip
O_CLOCK, MINUTE, PER_CENT = "นาฬิกา", "นาที", "เปอร์เซ็นต์"
NUMERALS = Numerals(
    digits=("ศูนย์", "หนึ่ง", "สอง", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า"), ten="สิบ", twenty="ยี่สิบ",
    last_one="เอ็ด", point="จุด",
    powers=((10**6, "ล้าน"), (10**5, "แสน"), (10**4, "หมื่น"), (10**3, "พัน"), (100, "ร้อย")),
)  # fmt: skip

TOKEN = re.compile(
    rf"(?P<short>{'|'.join(map(re.escape, ABBREVIATIONS))})|(?P<silent>ฯ)"
    r"|(?<![0-9])(?P<hour>[0-9]{1,2})(?:[.:](?P<minute>[0-9]{2}))?\s?น\."
    r"|(?P<initials>(?:(?<![ก-์])[ก-ฮ]\.|(?<=\.)[ก-ฮ]\.)+)"
    rf"|(?P<run>{LETTERS.pattern})|(?P<again>ๆ)|(?<![A-Za-z0-9])(?P<number>{NUMBER})(?![A-Za-z])(?P<percent>\s?%)?"
)
SIGNS = Signs(
    letters=LETTERS, below="ฺ", vowels="ัิีึืุู็ํ", tones="่้๊๋", killer="์", nikhahit="ํ", aa="า", am="ำ",
    e="เ", ae="แ", zero="๐", dropped="ฺ๎",
)  # fmt: skip

TONE_LETTERS = {"˧": "M", "˨˩": "L", "˥˩": "F", "˦˥": "H", "˩˩˦": "R"}
MAX_REFUSED = 40  # characters of a refused entry that is searched for shorter words
SPOKEN = re.compile("([^aeiouɛɔɤɯ]*)((?:i|ɯ|u)a|[aeiouɛɔɤɯ]ː?)([^˥˦˧˨˩\u031a]*)\u031a?([˥˦˧˨˩]+)")


def parse(text: str) -> list[Part]:
    """Syllables and masked parts of a Thai text; every character belongs to exactly one of them."""
    clean, offsets = tidy(text)
    parts: list[Part] = []
    last: Sequence[Syllable] = ()  # the word that ๆ repeats
    for match in TOKEN.finditer(clean):
        start, end = offsets[match.start()], offsets[match.end()]
        if match["run"]:
            words = [[_shifted(syllable, match.start(), offsets) for syllable in word] for word in _words(match["run"])]
            parts += [syllable for word in words for syllable in word]
            last = words[-1] if words else last
        elif match["silent"]:
            parts.append(Masked(start, end, "punctuation"))
        else:
            last = spread(last if match["again"] else _spoken(match), start, end)
            parts += last
    return fill(text, parts, script=("THAI",))


def _spoken(match: re.Match[str]) -> list[Syllable]:
    """What an abbreviation or a numeral stands for."""
    if match["initials"]:
        return [_syllable(_named(letter)) for letter in match["initials"] if letter != "."]
    return [syllable for spoken in _expanded(match) for word in _words(spoken) for syllable in word]


def _expanded(match: re.Match[str]) -> list[str]:
    if match["short"]:
        return [ABBREVIATIONS[match["short"]]]
    if match["hour"]:
        minute = int(match["minute"] or 0)
        minutes = [*spell(str(minute), NUMERALS), MINUTE] if minute else []
        return [*spell(str(int(match["hour"])), NUMERALS), O_CLOCK, *minutes]
    words = spell(match["number"], NUMERALS)
    return [*words, PER_CENT] if words and match["percent"] else words


def _shifted(syllable: Syllable, start: int, offsets: Sequence[int]) -> Syllable:
    """From offsets in a run of the tidied text that begins at ``start`` to offsets in the text as given."""
    return replace(syllable, start=offsets[start + syllable.start], end=offsets[start + syllable.end])


@lru_cache(maxsize=4096)
def _words(run: str) -> list[list[Syllable]]:
    """The words of a run of letters; characters that nothing reads go to the syllable before them."""
    if len(run) == 1 and run in ONSETS:
        return [[_syllable(_named(run), end=1)]]
    pieces = [(start, end, dictionary(run[start:end])) for start, end in _dictionary_words(run)]
    words = read(run, [*pieces, *_thai_links.joined(pieces, run)])
    return _spans([_word(word, final) for word, final in zip(words, _finals(words, len(run)), strict=True)], len(run))


def _dictionary_words(run: str) -> list[tuple[int, int]]:
    """(start, end) of the dictionary's words; for one whose entry is refused, those it begins and ends with.

    A ho hip before a sonorant leads it, and ends no word.
    """
    places = []
    for start, end in segments(run):
        if end - start > 1 and believed(run[start:end]):
            places.append((start, end))
        elif end - start <= MAX_REFUSED:
            parts = [
                *((start, cut) for cut in range(start + 2, end)),
                *((cut, end) for cut in range(start + 1, end - 1)),
            ]
            places += [(a, b) for a, b in parts if len(segments(run[a:b])) == 1 and believed(run[a:b])]
    return [(start, end) for start, end in places if not (run[end - 1] == "ห" and run[end : end + 1] in LED_BY_HO)]


@lru_cache(maxsize=65536)
def believed(word: str) -> bool:
    """Whether the dictionary's syllables account for every letter of a word."""
    return bool(lay(lattice(word, score=lambda run, reading: 0.0), 0, len(word), dictionary(word)))


def _finals(words: list[Word], end: int) -> list[bool]:
    """Whether a word ends there: before a dictionary's word, after one, and at the end of the run."""
    return [
        word.in_dictionary or word.end == end or after.in_dictionary
        for word, after in zip(words, [*words[1:], *words[-1:]], strict=True)
    ]


def _word(word: Word, final: bool) -> list[tuple[Sound, bool, tuple[str, ...]]]:
    """Each sound of a word with its place in the run, whether it is linked, and its flags."""
    doubt = ("uncertain",) if not (word.in_dictionary or word.plain) else ()
    spoken = []
    for index, (sound, linked, foreign) in enumerate(zip(word.sounds, word.linked, word.foreign, strict=True)):
        inside = index + 1 < len(word.sounds) or not final
        if inside and sound.coda == "ʔ" and not word.in_dictionary:
            sound = sound._replace(coda="", weak=True)  # a short open syllable is closed only where a word ends
        flags = (*(("weak",) if sound.weak else ()), *(("foreign",) if foreign else ()), *doubt)
        spoken.append((sound, linked, flags))
    return spoken


def _spans(words: list[list[tuple[Sound, bool, tuple[str, ...]]]], end: int) -> list[list[Syllable]]:
    """Every character of a run goes to one syllable: a linked letter, silent and unread ones to the one before."""
    edges = [sound.end if linked else sound.start for word in words for sound, linked, _ in word]
    edges.append(end)
    placed, index = [], 0
    for word in words:
        placed.append([])
        for sound, _, flags in word:
            placed[-1].append(_syllable(sound, edges[index], edges[index + 1], flags))
            index += 1
    return placed


def _syllable(sound: Sound | Phones, start: int = 0, end: int = 0, flags: tuple[str, ...] = ()) -> Syllable:
    return Syllable(
        start, end, sound.onset, sound.nucleus, sound.coda, sound.tone, CHAO[sound.tone], flags, sound.tone,
    )  # fmt: skip


def _named(letter: str) -> Phones:
    spoken = tone(letter_class(letter), "", dead=False, short=False)
    return NAMED_LETTER.get(letter) or Phones(ONSETS[letter], "ɔː", "", spoken)


def segments(run: str) -> list[tuple[int, int]]:
    """(start, end) of each word of a run, as the dictionary cuts it; empty where it changed the run."""
    pieces = [piece for piece, _ in _engine().segment_th(run)]
    if "".join(pieces) != run:
        return []
    return list(pairwise(accumulate(map(len, pieces), initial=0)))


@lru_cache(maxsize=65536)
def dictionary(word: str) -> tuple[Phones, ...]:
    """The syllables of a word as ``sea-g2p`` says it; empty where its answer cannot be read."""
    matches = [SPOKEN.fullmatch(spoken) for spoken in _engine().phonemize_th(word).split()]
    parts = [match.groups() for match in matches if match and match[4] in TONE_LETTERS]
    if len(parts) < len(matches):
        return ()
    return tuple(Phones(onset, nucleus, coda, TONE_LETTERS[tones]) for onset, nucleus, coda, tones in parts)


@cache
def _engine():
    import sea_g2p
    from sea_g2p.sea_g2p_rs import G2P  # 25 ms and 63 MB mapped: only where Thai is read

    return G2P(str(Path(sea_g2p.__file__).with_name("sea_g2p.bin")))


def tidy(text: str) -> tuple[str, list[int]]:
    """The text as the spelling rules expect it, and the way back: see :mod:`tonespan_utils.tone._tai_signs`."""
    return _tai_signs.tidy(text, SIGNS)
