"""Text in Chinese characters, for Mandarin and Cantonese: phrases of characters, numerals spelled out in characters.

A *phrase* is what is read in one breath: characters and numerals without punctuation between them. Each *unit* of it
is one character as written, or one numeral with the characters that are spoken for it.

How numerals are read: four digits before 年, or alone between punctuation, are a year and go digit by digit;
``11:20`` is a clock time; ``25%`` starts with 百分之; a lone 2 before a measure word, and a first 2 before hundreds
and more, is 两. Numbers with a leading zero or over sixteen digits go digit by digit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
DIGITS = "零一二三四五六七八九"
NUMERIC = frozenset(DIGITS + "〇十")
UNITS = ["", "十", "百", "千"]
MEASURES = frozenset(
    "个個名位次种種天年周週场場家条條张張人倍届屆岁歲小座支枚件部只隻间間艘辆輛架台项項层層公英米磅千百万萬亿億多"
)
MAX_DIGITS = 16  # beyond 千兆 nobody reads a quantity
YEARS = range(1100, 2100)

TO_ASCII = str.maketrans("０１２３４５６７８９：．％", "0123456789:.%")
_D = "[0-9０-９]"
PIECE = re.compile(
    rf"(?P<han>[{HAN}])"
    rf"|(?<![0-9:.])(?P<hour>{_D}{{1,2}})[:：](?P<minute>[0-5０-５]{_D})(?![0-9:：.])"
    rf"|(?P<whole>{_D}{{1,3}}(?:,{_D}{{3}})+(?!{_D})|{_D}+)(?:[.．](?P<fraction>{_D}+))?(?P<percent>\s?[%％])?"
)


@dataclass(frozen=True, slots=True)
class Script:
    """The characters in which simplified and traditional numerals differ."""

    myriads: tuple[str, ...]
    two: str
    point: str


SIMPLIFIED = Script(myriads=("", "万", "亿", "兆"), two="两", point="点")
TRADITIONAL = Script(myriads=("", "萬", "億", "兆"), two="兩", point="點")


@dataclass(frozen=True, slots=True)
class Unit:
    """``text[start:end]``: one character, or a numeral read out as the characters ``spoken``."""

    start: int
    end: int
    spoken: str
    is_numeral: bool


def phrases(text: str, *, script: Script, readable: Callable[[str], bool]) -> Iterator[list[Unit]]:
    """The phrases of a text; characters that are not ``readable`` end a phrase and belong to none.

    A space ends a phrase too, except between a numeral and a character.
    """
    phrase: list[Unit] = []
    for match in PIECE.finditer(text):
        if match["han"] and not readable(match["han"]):
            continue
        unit = Unit(*match.span(), match["han"] or _read(match, script), not match["han"])
        if phrase and not _joined(text, phrase[-1], unit):
            yield phrase
            phrase = []
        phrase.append(unit)
    if phrase:
        yield phrase


def _joined(text: str, left: Unit, right: Unit) -> bool:
    gap = text[left.end : right.start]
    return not gap or (gap == " " and left.is_numeral != right.is_numeral)


def _read(match: re.Match[str], script: Script) -> str:
    if match["hour"]:
        return _read_clock(match["hour"].translate(TO_ASCII), match["minute"].translate(TO_ASCII), script)
    whole = match["whole"].translate(TO_ASCII).replace(",", "")
    fraction = (match["fraction"] or "").translate(TO_ASCII)
    if match["percent"]:
        return "百分之" + _read_decimal(whole, fraction, script)
    after = match.string[match.end() :].lstrip(" ")
    if _is_year(match, whole, fraction, after):
        return "".join(DIGITS[int(digit)] for digit in whole)
    if whole == "2" and not fraction and after[:1] in MEASURES and match.string[: match.start()].rstrip()[-1:] != "第":
        return script.two
    return _read_decimal(whole, fraction, script)


def _is_year(match: re.Match[str], whole: str, fraction: str, after: str) -> bool:
    """2009年, 1995-1996, (1894); in 1995-96 also the second."""
    if fraction or "," in match["whole"]:
        return False
    if len(whole) == 2:
        return bool(re.search(r"[12][0-9]{3}[-–—~～]$", match.string[: match.start()]))
    if len(whole) != 4 or int(whole) not in YEARS:
        return len(whole) == 4 and after[:1] == "年"
    return after[:1] == "年" or not re.match(rf"[{HAN}A-Za-z0-9]", after)


def _read_clock(hour: str, minute: str, script: Script) -> str:
    hours = script.two if int(hour) == 2 else cardinal(str(int(hour)), script)
    if minute == "00":
        return hours + script.point
    return hours + script.point + ("零" if minute[0] == "0" else "") + cardinal(str(int(minute)), script) + "分"


def _read_decimal(whole: str, fraction: str, script: Script) -> str:
    tail = script.point + "".join(DIGITS[int(digit)] for digit in fraction) if fraction else ""
    return cardinal(whole, script) + tail


def cardinal(digits: str, script: Script) -> str:
    """A string of ASCII digits as a number in characters: ``10500`` is 一万零五百."""
    if len(digits) > MAX_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return "".join(DIGITS[int(digit)] for digit in digits)
    if digits == "0":
        return "零"
    groups = [int(digits[max(0, end - 4) : end]) for end in range(len(digits), 0, -4)]
    spoken, gap = "", False
    for power, group in reversed(list(enumerate(groups))):
        if group:
            spoken += "零" if spoken and (gap or group < 1000) else ""
            spoken += _read_group(group) + script.myriads[power]
        gap = not group
    return _tidy(spoken, script)


def _read_group(group: int) -> str:
    """A number below 10000, without a leading zero."""
    spoken = ""
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if digit:
            spoken += DIGITS[digit] + UNITS[place]
        elif spoken and spoken[-1] != "零":
            spoken += "零"
    return spoken.rstrip("零")


def _tidy(spoken: str, script: Script) -> str:
    """What is said otherwise at the start of a number: 十 for 一十, and 两 for 二 before hundreds and more."""
    if spoken.startswith("一十"):
        return spoken[1:]
    if spoken[0] == "二" and spoken[1:2] and spoken[1] in ("百", "千", *script.myriads[1:]):
        return script.two + spoken[1:]
    return spoken
