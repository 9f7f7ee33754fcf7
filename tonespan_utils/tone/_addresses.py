"""Addresses in a text: web and mail addresses, paths, file names, hashtags and handles. Nobody reads them as syllables.

Web and mail addresses and paths are of ASCII characters, file names of Latin letters: in a script without spaces between
words an address ends where they end. A hashtag and a handle reach to the next space or punctuation. A bare host
(``example.vn``) needs a top-level domain that is no common word, or more of an address around it.
"""

from __future__ import annotations

import re

_LATIN = "A-Za-z0-9\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff"
_DOMAINS = "com|org|net|edu|gov|mil|int|info|io|ai|app|dev|biz|tv|vn|th|mm|cn|hk|tw|uk|de|fr|eu|jp|kr|sg"
_COUNTRIES = "la|ng|bj|co|me|us|au|ca|my|id|in|ly|gl|ru"
_FILES = (
    "txt|text|textgrid|csv|tsv|json|jsonl|yaml|yml|xml|html?|php|aspx?|pdf|docx?|xlsx?|pptx?|odt|rtf|md|tex|py|js|exe|"
    "wav|mp3|mp4|m4a|flac|ogg|opus|webm|avi|mov|jpe?g|png|gif|svg|zip|gz|tar|rar|7z|apk"
)
_URL = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?"
_END = r"(?<![.,;:!?'\")\]])"  # punctuation after an address is not of it
_TAIL = rf"(?![{_LATIN}\-])(?::[0-9]+)?(?:/{_URL}*{_END}|/)?"
_NAME = r"[^\s#＃@＠.,;:!?…()\[\]{}\"'“”‘’<>/\\，。；：！？、（）《》「」]+"

ADDRESS = re.compile(
    rf"(?:(?:https?|ftps?|file|rtsp)://|mailto:|(?<![{_LATIN}.])www\.){_URL}+{_END}"
    rf"|(?<![{_LATIN}._%+\-])[A-Za-z0-9._%+\-]+@(?:{_LABEL}\.)+[A-Za-z]{{2,}}"
    rf"|(?<![{_LATIN}.\-@])(?:{_LABEL}\.)+(?:{_DOMAINS}){_TAIL}"
    rf"|(?<![{_LATIN}.\-@])(?:{_LABEL}\.){{2,}}(?:{_COUNTRIES}){_TAIL}"
    rf"|(?<![{_LATIN}.\-@])(?:{_LABEL}\.)+(?:{_COUNTRIES})/{_URL}*{_END}"
    rf"|(?<![{_LATIN}])[A-Za-z]:[\\/](?=\w)[^\s\"<>|*?]*{_END}|\\\\\w[^\s\"<>|*?\\]*\\[^\s\"<>|*?]+{_END}"
    rf"|(?<![{_LATIN}/.])(?:~|\.{{1,2}})?/[A-Za-z0-9_.\-]+(?:/[A-Za-z0-9_.\-]+)+/?{_END}(?![{_LATIN}])"
    rf"|(?<![{_LATIN}._\-/\\])[{_LATIN}_\-][{_LATIN}_\-./\\]*\.(?:{_FILES})(?![{_LATIN}])"
    rf"|(?<![A-Za-z0-9&#＃/])[#＃](?=[^\W\d_]){_NAME}[#＃]?"
    rf"|(?<![A-Za-z0-9._%+\-@＠])[@＠](?=\w){_NAME}",
    re.IGNORECASE,
)
MAY_HOLD = re.compile(r"[@＠#＃/\\]|[A-Za-z0-9]\.[A-Za-z]")  # a quick look: most texts have none of these
