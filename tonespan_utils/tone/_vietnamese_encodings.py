"""Vietnamese in an old 8-bit encoding that was read as Latin-1 or Windows-1252: what it looks like, and what it says.

TCVN3 (ABC fonts, ``ViÖt``) and VISCII (RFC 1456) have one byte a letter, VNI (``Vieät``) a letter and a byte for its
marks, Windows-1258 a letter and a byte for its tone.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_TCVN3 = (
    "¡Ă ¢Â £Ê ¤Ô ¥Ơ ¦Ư §Đ ¨ă ©â ªê «ô ¬ơ \u00adư ®đ µà ¶ả ·ã ¸á ¹ạ »ằ ¼ẳ ½ẵ ¾ắ Æặ Çầ Èẩ Éẫ Êấ Ëậ Ìè Îẻ Ïẽ Ðé Ñẹ Òề Óể Ôễ "
    "Õế Öệ ×ì Øỉ Üĩ Ýí Þị ßò áỏ âõ ãó äọ åồ æổ çỗ èố éộ êờ ëở ìỡ íớ îợ ïù ñủ òũ óú ôụ õừ öử ÷ữ øứ ùự úỳ ûỷ üỹ ýý þỵ"
)
_VISCII = (
    "ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲÕắằặấầẩậẽẹếềểễệốồổỗỠƠộờởịỰỨỪỬơớƯÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳĐứÒÓÔạỷừửÙÚỹỵÝỡưàáâãảăữẫèéêẻìíĩỉđựòóôõỏọụ"
    "ùúũủýợỮ"
)
_VNI_MARKS = {  # the byte after a letter -> its marks; the same for capitals
    "ø": "\u0300", "ù": "\u0301", "û": "\u0309", "õ": "\u0303", "ï": "\u0323", "â": "\u0302", "à": "\u0302\u0300",
    "á": "\u0302\u0301", "å": "\u0302\u0309", "ã": "\u0302\u0303", "ä": "\u0302\u0323", "ê": "\u0306", "è": "\u0306\u0300",
    "é": "\u0306\u0301", "ú": "\u0306\u0309", "ü": "\u0306\u0303", "ë": "\u0306\u0323",
}  # fmt: skip
_VNI_LETTERS = {"ô": "ơ", "ö": "ư", "ñ": "đ", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ", "ì": "ì", "í": "í"}
_VNI = re.compile("([aeiouyôöAEIOUYÔÖ])([øùûõïâàáåãäêèéúüëØÙÛÕÏÂÀÁÅÃÄÊÈÉÚÜË])|([ôöñæóòîÔÖÑÆÓÒÎ])")
MIN_READ = 0.75  # of the words with a letter beyond ASCII, how many have to be Vietnamese once converted
MAX_READ = 0.5  # and how many may be so before


def _vni(match: re.Match[str]) -> str:
    letter = match[1] or match[3]
    plain = _VNI_LETTERS.get(letter.lower(), letter.lower())
    marked = unicodedata.normalize("NFC", plain + _VNI_MARKS.get((match[2] or "").lower(), ""))
    return marked.upper() if letter.isupper() else marked


def _bytes(text: str) -> bytes:
    """The bytes that were read as Windows-1252, or where that has no such byte, as Latin-1."""
    return b"".join(
        char.encode("latin-1") if ord(char) < 256 else char.encode("cp1252", "xmlcharrefreplace") for char in text
    )


def _cp1258(text: str) -> str:
    return unicodedata.normalize("NFC", _bytes(text).decode("cp1258", "ignore"))


def _viscii(text: str) -> str:
    table = dict(zip(range(0x80, 0x100), _VISCII, strict=True))
    return "".join(table.get(byte, chr(byte)) for byte in _bytes(text))


def _tcvn3(text: str) -> str:
    return text.translate(str.maketrans({pair[0]: pair[1:] for pair in _TCVN3.split(" ")}))


CONVERSIONS = {
    "TCVN3 (ABC)": _tcvn3,
    "VNI": lambda text: _VNI.sub(_vni, text),
    "VISCII": _viscii,
    "Windows-1258": _cp1258,
}


@lru_cache(maxsize=1024)
def vietnamese(text: str) -> str:
    """The old encoding a Vietnamese text is in: one in which its accented words are Vietnamese, as they are not now."""
    suspects = [word for word in text.split() if not word.isascii() and any(char.isalpha() for char in word)]
    before = sum(_reads(word, loans=len(suspects) == 1) for word in suspects)
    if not suspects or before > MAX_READ * len(suspects):
        return ""
    after = {name: sum(_reads(convert(word)) for word in suspects) for name, convert in CONVERSIONS.items()}
    best = max(after, key=after.__getitem__)
    enough = after[best] >= max(MIN_READ * len(suspects), before + min(2, len(suspects)))
    return best if enough else ""


def _reads(word: str, *, loans: bool = False) -> bool:
    from tonespan_utils.tone.vietnamese import read_loan, read_word  # at first use: a table of all rimes

    letters = unicodedata.normalize("NFC", word.strip("!\"#%&'()*,-./:;?[]“”‘’…–—"))
    return bool(letters) and (read_word(letters) is not None or (loans and bool(read_loan(letters))))
