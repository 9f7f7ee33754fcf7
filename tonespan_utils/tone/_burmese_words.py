"""Burmese words that are not said as written, and numerals spelled out.

Both are lists of syllables in ordinary spelling; a syllable followed by ``ə`` is reduced to a schwa. They are common
words that grammars and primers warn of: a Pali ည that stands for two letters, clusters that close the syllable before,
high tone in the names of some days, and reductions of syllables that are reduced nowhere else.
"""

from __future__ import annotations

IRREGULAR = {
    # ည of Pali words is ဉ doubled
    "ပညာ": "ပျင် ညာ", "ပညတ်": "ပျင် ညတ်", "သုည": "သုန် ည", "သညာ": "သင် ညာ", "ဝိညာဉ်": "ဝိန် ညာဉ်",
    "အညမည": "အင် ည မင် ည",
    # a cluster that closes the syllable before it
    "စကြာ": "စက် ကြာ", "စကြဝဠာ": "စက် ကြာ ဝə ဠာ", "သောကြာ": "သောက် ကြာ", "မုချ": "မုတ် ချ", "ဝါကျ": "ဝက် ကျ",
    "လက်ျာ": "လက် ယာ", "ဘိသိက်": "ဘိတ် သိတ်",
    # other tones and finals
    "တနင်္လာ": "တə နင်း လာ", "တနင်္ဂနွေ": "တə နင်း ဂə နွေ", "သင်္ကြန်": "သင်း ကြန်", "အင်္ကျီ": "အိန်း ကျီ",
    "ပိန္နဲ": "ပိန်း နဲ", "ဦးနှောက်": "အုန်း နှောက်", "ခုနစ်": "ခွန် နှစ်",
    # reductions
    "ခင်ဗျာ": "ခə ဗျာ", "ကန်တော့": "ကə တော့", "အစ်ကို": "အə ကို",
    "အစ်မ": "အə မ", "ငှက်ပျော": "ငə ပျော", "ပဲခူး": "ပə ခူး", "ဘယ်လောက်": "ဘə လောက်", "ဘယ်သူ": "ဘə သူ",
    "ဘယ်နှစ်": "ဘə နှစ်", "လက်ဖက်": "လə ဖက်", "လ္ဘက်": "လə ဖက်", "လဂောင်း": "လə ဂောင်း",
}  # fmt: skip

DIGITS = ("သုန် ည", "တစ်", "နှစ်", "သုံး", "လေး", "ငါး", "ခြောက်", "ခွန် နှစ်", "ရှစ်", "ကိုး")
REDUCED_DIGITS = {1: "တစ်ə", 2: "နှစ်ə", 7: "ခွန် နှစ်ə"}  # before a unit or a classifier
UNITS = ("", "ဆယ်", "ရာ", "ထောင်", "သောင်း", "သိန်း")
LINKED_UNITS = {"ဆယ်": "ဆယ့်", "ရာ": "ရာ့", "ထောင်": "ထောင့်"}  # creaky before what is added to them
MILLION, MILLION_WORD = 1_000_000, "သန်း"
POINT = "ဒတ် သə မ"
MAX_DIGITS = 12  # longer ones are no quantity


def numeral(digits: str, *, counts: bool = False) -> str:
    """``digits`` (digits, with at most one decimal point) as syllables; empty when it is too long to be read.

    ``counts``: a classifier or noun follows directly, so that a last 1, 2 or 7 is reduced. A number that begins with a
    superfluous zero is read digit by digit.
    """
    whole, _, fraction = digits.partition(".")
    if len(whole) > MAX_DIGITS or len(fraction) > MAX_DIGITS:
        return ""
    by_digit = len(whole) > 1 and int(whole[0]) == 0
    words = [DIGITS[int(d)] for d in whole] if by_digit else _quantity(int(whole), counts=counts and not fraction)
    if fraction:
        words += [POINT, *(DIGITS[int(d)] for d in fraction)]
    return " ".join(words)


def _quantity(n: int, *, counts: bool) -> list[str]:
    """A whole number up to MAX_DIGITS digits."""
    millions, rest = divmod(n, MILLION)
    words = [*_quantity(millions, counts=True), MILLION_WORD] if millions else []
    for power in range(len(UNITS) - 1, -1, -1):
        digit, rest = divmod(rest, 10**power)
        unit = UNITS[power]
        if digit and not (n < 20 and power == 1):  # ten to nineteen go without the word for one
            words.append(REDUCED_DIGITS.get(digit, DIGITS[digit]) if unit or counts else DIGITS[digit])
        if digit and unit:
            words.append(LINKED_UNITS.get(unit, unit) if rest else unit)
    return words or [DIGITS[0]]
