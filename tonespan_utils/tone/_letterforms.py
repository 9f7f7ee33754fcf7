"""Other forms of letters that a text may be printed in, and the letter each stands for.

Fullwidth and halfwidth forms, mathematical letters, ligatures, radicals and compatibility ideographs stand for plain
letters by their Unicode decomposition; radicals without one by the list below (Unicode's EquivalentUnifiedIdeograph,
those that are words of their own). Digits of any script are numbers. The private-use glyphs are those of Thai fonts for
Windows and the Mac that shift a mark out of the way of a tall letter (the table of HarfBuzz's Thai shaper).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

RADICALS = dict(
    zip(
        "⺁⺄⺈⺒⺓⺝⺟⺠⺩⺬⺮⺯⺶⺷⺸⺻⺼⺽⻁⻄⻅⻆⻉⻋⻏⻑⻓⻔⻗⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻬⻮⻯⻰⻳",
        "厂乙刀巳幺月母民王示竹糸羊羊羊聿月臼虎西见角贝车邑長长门雨青韦页风飞食马骨鬼鱼鸟卤麦黄齐齿竜龙龟",
        strict=True,
    )
)
GLYPHS = dict(
    zip(
        "\uf70a\uf70b\uf70c\uf70d\uf70e\uf705\uf706\uf707\uf708\uf709\uf713\uf714\uf715\uf716\uf717"  # Windows: tones
        "\uf710\uf701\uf702\uf703\uf704\uf712\uf711\uf718\uf719\uf71a\uf700\uf70f"  # vowels, letters
        "\uf88b\uf88e\uf891\uf894\uf897\uf88c\uf88f\uf892\uf895\uf898\uf88a\uf88d\uf890\uf893\uf896"  # the Mac
        "\uf884\uf885\uf886\uf887\uf888\uf889\uf899\uf89b\uf89c\uf89d\uf89e\uf89a",
        2
        * (
            "\u0e48\u0e49\u0e4a\u0e4b\u0e4c\u0e48\u0e49\u0e4a\u0e4b\u0e4c\u0e48\u0e49\u0e4a\u0e4b\u0e4c"
            "\u0e31\u0e34\u0e35\u0e36\u0e37\u0e47\u0e4d\u0e38\u0e39\u0e3a\u0e10\u0e0d"
        ),
        strict=True,
    )
)
LOOK_ALIKES = dict(  # Cyrillic and Greek letters that a font draws like Latin ones
    zip(
        "аеорсухіѕјһԁԛԝвАВЕКМНОРСТХУІЅЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανıɡɑ",
        "aeopcyxisjhdqwbABEKMHOPCTXYISJABEZHIKMNOPTYXoavigа".replace("а", "a"),
        strict=True,
    )
)
FOLDED = "\u2100-\u214f\u2e80-\u2fdf\uf900-\ufaff\ufb00-\ufb06\uff01-\uffef\U0001d400-\U0001d7ff\U0002f800-\U0002fa1f"


@lru_cache(maxsize=8192)
def plain(char: str, *, chinese: bool) -> str:
    """The plain form of one character, or the character itself.

    ``chinese``: punctuation and signs in fullwidth stay, as they are that script's own.
    """
    if char in RADICALS:
        return RADICALS[char]
    if unicodedata.category(char) == "Nd":
        return str(unicodedata.digit(char))
    kind = unicodedata.decomposition(char).partition(" ")[0]
    folded = unicodedata.normalize("NFKC", char)
    if kind in ("<wide>", "<narrow>", "<font>"):
        return char if chinese and not folded.isalnum() else folded
    if "\ufb00" <= char <= "\ufb06" or "\u2e80" <= char <= "\u2fdf":
        return folded
    is_ideograph = unicodedata.name(char, "").startswith("CJK COMPATIBILITY IDEOGRAPH")
    return unicodedata.normalize("NFC", char) if is_ideograph else char
