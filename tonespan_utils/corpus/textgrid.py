"""Praat TextGrids, read and written: named tiers of labelled intervals.

Reading goes through Praat itself (praat-parselmouth), so its long, short and binary formats work, and so does what the
Montreal Forced Aligner writes (tiers ``words`` and ``phones``). Text is UTF-8, or UTF-16 with a byte order mark. Of the
encodings of 8 bits, which a file does not name (Latin-1 and MacRoman of older Praats, CP874, CP1258, GB 18030, ...), a
label is certain where all that are in use agree: for lower-case letters of ``SAME_IN_8_BITS`` beside plain ones, as
in ``né``. Praat takes every such file for Latin-1; here a file with any other label is refused.

Praat's backslash sequences (``\\sw`` for ə, ``\\a"`` for ä) are decoded by Praat's own table; a sequence that Praat
does not know stays as it is, with its backslash.

Conventions: times are seconds; intervals are in order; unlabelled intervals are kept with an empty label; a
point of a point tier is an interval of no length.
"""

from __future__ import annotations

import codecs
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import parselmouth

from tonespan_utils.corpus import keys
from tonespan_utils.errors import TonespanError

CENTRE_S = 0.01
QUOTED = re.compile(r'"(?:[^"]|"")*"')
TEXT_HEADERS = 2  # quoted strings before the content of a text file: "ooTextFile" and "TextGrid"
TEXT_KINDS = (b"ooTextFile", b"Praat chronological TextGrid")
# The same in Latin-1, CP1250, CP1252 and CP1258; capitals and signs in MacRoman, and no letters beside Latin ones in
# CP874, GB 18030 and Big5.
SAME_IN_8_BITS = "áâäçéëíîóôöúü"
WITH_8_BITS = re.compile(r"[^\W\d_]*[\x80-\xff]+[^\W\d_]*")
VALUE = re.compile(r'"(?:[^"]|"")*"|[^\s"]+')


class Interval(NamedTuple):
    """A stretch of time and its label; a point has no length."""

    start_s: float
    end_s: float
    label: str

    @property
    def center_s(self) -> float:
        return (self.start_s + self.end_s) / 2


Tiers = dict[str, list[Interval]]


class Grid(NamedTuple):
    """A TextGrid: when it begins and ends, and its tiers."""

    start_s: float
    end_s: float
    tiers: Tiers


def read(path: Path | str) -> Tiers:
    """The tiers of a TextGrid: name -> intervals. Raises as :func:`read_grid`."""
    return read_grid(path).tiers


def read_grid(path: Path | str) -> Grid:
    """A TextGrid with its start, end and tiers.

    Raises :class:`TonespanError` for a file that is missing, damaged, no TextGrid, of an encoding that is not certain,
    that uses a tier name twice, or that holds labels which Praat passes over (a wrong size, two intervals that begin
    together).
    """
    _check_encoding(Path(path))
    try:
        grid = parselmouth.read(str(path))
    except parselmouth.PraatError as error:
        raise TonespanError(f"{path}: not readable as a TextGrid ({str(error).splitlines()[0]})") from None
    if not isinstance(grid, parselmouth.TextGrid):
        raise TonespanError(f"{path}: a {type(grid).__name__}, not a TextGrid")
    _check_nothing_is_lost(Path(path), grid)
    if _has_backslash(grid):
        parselmouth.praat.call(grid, "Convert to Unicode")
    tiers: Tiers = {}
    for name, intervals in _tiers(_short_text(grid)):
        name = keys.word(name)
        if name in tiers:
            raise TonespanError(f"{path}: two tiers are named {name!r}; rename one")
        tiers[name] = intervals
    return Grid(grid.xmin, grid.xmax, tiers)


def tier(tiers: Tiers, name: str, *, path: Path | str) -> list[Interval]:
    """The intervals of one tier, by :func:`tier_name`; raises :class:`TonespanError` naming the tiers there are."""
    there = tier_name(tiers, name, path=path)
    if there is None:
        raise TonespanError(f"{path}: no tier {name!r}; there are: {', '.join(tiers) or 'none'}")
    return tiers[there]


def tier_name(tiers: Tiers, name: str, *, path: Path | str) -> str | None:
    """The name of a tier as this grid spells it: the same, or in other case; None where there is no such tier.

    Raises :class:`TonespanError` where two tiers differ from the name in case only.
    """
    if name in tiers:
        return name
    alike = [other for other in tiers if other.casefold() == keys.word(name).casefold()]
    if len(alike) > 1:
        raise TonespanError(f"{path}: tier {name!r} may be {' or '.join(map(repr, alike))}; rename one")
    return alike[0] if alike else None


def write(path: Path | str, tiers: Mapping[str, Sequence[Interval]], *, duration_s: float) -> None:
    """Write interval tiers over 0 to ``duration_s`` as a TextGrid (long text format); gaps become unlabelled intervals.

    Raises :class:`TonespanError` for no tiers, for intervals that overlap, have no length or leave the recording,
    and where the file cannot be written.
    """
    if not tiers:
        raise TonespanError(f"{path}: a TextGrid needs a tier")
    filled = {name: _without_gaps(intervals, duration_s, f"{path}, tier {name!r}") for name, intervals in tiers.items()}
    try:
        Path(path).write_text(_render(filled, duration_s), encoding="utf-8")
    except OSError as error:
        raise TonespanError(f"{path}: cannot write ({error.strerror})") from None


def of_tokens(tokens: pd.DataFrame, *, duration_s: float) -> Tiers:
    """The tokens of one utterance as tiers ``syllable``, ``tone`` and ``centre``, which ``recordings.load`` reads back.

    A centre is an interval of ``CENTRE_S`` around it, for interval tiers have no points. Where two tokens overlap, the
    second begins with the end of the first; what then has no length is left out.
    """
    tiers: Tiers = {"syllable": [], "tone": [], "centre": []}
    now_s = 0.0
    for token in tokens.sort_values("center_s").itertuples():
        start_s, end_s = max(token.start_s, now_s), min(token.end_s, duration_s)
        half_s = min(CENTRE_S / 2, token.center_s - start_s, end_s - token.center_s)
        if half_s <= 0:
            continue
        tiers["syllable"].append(Interval(start_s, end_s, token.syllable))
        tiers["tone"].append(Interval(start_s, end_s, token.tone))
        tiers["centre"].append(Interval(token.center_s - half_s, token.center_s + half_s, "x"))
        now_s = end_s
    return tiers


def _check_encoding(path: Path) -> None:
    """Raise :class:`TonespanError` for a text whose encoding Praat would guess, unless all guesses are the same."""
    content = path.read_bytes() if path.is_file() else b""
    if not any(kind in content[:400].replace(b"\0", b"") for kind in TEXT_KINDS):
        return  # binary, or no TextGrid: Praat says so
    is_utf_32 = content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE))
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and not is_utf_32:
        return
    if b"\0" in content:
        raise TonespanError(
            f"{path}: zero bytes, as in UTF-32, or in UTF-16 without its byte order mark; save it as UTF-8"
        )
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        unsure = [word for word in WITH_8_BITS.findall(content.decode("latin-1")) if not _is_same_in_8_bits(word)]
        if unsure:
            raise TonespanError(
                f"{path}: in an encoding of 8 bits that it does not name (Latin-1, MacRoman, CP874 ...), so that "
                f"{unsure[0]!r} may be another label; convert it to UTF-8, or open it in Praat, check its labels, save"
            ) from None


def _is_same_in_8_bits(word: str) -> bool:
    """Whether a word, read as Latin-1, is the same in every encoding of 8 bits that a TextGrid may be in."""
    plain = [sign for sign in word if sign.isascii()]
    return bool(plain) and all(sign.islower() if sign.isascii() else sign in SAME_IN_8_BITS for sign in word)


def _check_nothing_is_lost(path: Path, grid: parselmouth.TextGrid) -> None:
    """Raise TonespanError where Praat reads fewer labels than a file has (a wrong size, two equal starts)."""
    content = path.read_bytes()
    is_utf_16 = content[:2] in (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)
    text = content.decode("utf-16" if is_utf_16 else "latin-1", errors="replace")  # quotes are ASCII in both
    if "ooTextFile" not in text.partition("\n")[0]:
        return  # binary, or chronological
    in_file, in_grid = (len(QUOTED.findall(part)) for part in (text, _short_text(grid)))
    if in_file > in_grid:
        raise TonespanError(
            f"{path}: {in_file - TEXT_HEADERS} names and labels in the file, but {in_grid - TEXT_HEADERS} where Praat "
            "reads them: a size is wrong or two intervals begin together; open it in Praat, mend and save it"
        )


def _has_backslash(grid: parselmouth.TextGrid) -> bool:
    return "\\" in _short_text(grid)


def _short_text(grid: parselmouth.TextGrid) -> str:
    """The grid in Praat's short text format, which is parsed 100 times faster than a grid is queried."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "short.TextGrid"
        grid.save_as_short_text_file(str(path))
        content = path.read_bytes()
    is_utf_16 = content[:2] in (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)  # Praat's choice where ASCII will not do
    return content.decode("utf-16" if is_utf_16 else "utf-8")


def _tiers(short_text: str) -> Iterator[tuple[str, list[Interval]]]:
    """Name and intervals of each tier of a short text: numbers and quoted strings in a fixed order, quotes doubled."""
    values = iter(VALUE.findall(short_text.split("\n", 2)[2]))
    _, _, _, n_tiers = (next(values) for _ in range(4))  # start, end, <exists>
    for _ in range(int(n_tiers)):
        kind, name, _, _, n_intervals = (next(values) for _ in range(5))
        n_times = 2 if kind == '"IntervalTier"' else 1
        yield _unquoted(name), [_interval(values, n_times) for _ in range(int(n_intervals))]


def _interval(values: Iterator[str], n_times: int) -> Interval:
    times_s = [float(next(values)) for _ in range(n_times)]
    return Interval(times_s[0], times_s[-1], _unquoted(next(values)))


def _unquoted(value: str) -> str:
    return value[1:-1].replace('""', '"')


def _without_gaps(intervals: Sequence[Interval], duration_s: float, where: str) -> list[Interval]:
    """The intervals with unlabelled ones between them, so that they cover 0 to ``duration_s`` as Praat needs."""
    filled: list[Interval] = []
    now_s = 0.0
    for interval in sorted(intervals):
        if not now_s <= interval.start_s < interval.end_s <= duration_s:
            raise TonespanError(f"{where}: {interval} overlaps another, has no length, or leaves 0 to {duration_s} s")
        if interval.start_s > now_s:
            filled.append(Interval(now_s, interval.start_s, ""))
        filled.append(interval)
        now_s = interval.end_s
    return [*filled, Interval(now_s, duration_s, "")] if now_s < duration_s else filled


def _render(tiers: Mapping[str, Sequence[Interval]], duration_s: float) -> str:
    whole = Interval(0, duration_s, "")
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", *_times(whole, indent=0)]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, intervals) in enumerate(tiers.items(), 1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(name)}"]
        lines += [*_times(whole, indent=8), f"        intervals: size = {len(intervals)}"]
        for index, interval in enumerate(intervals, 1):
            lines += [f"        intervals [{index}]:", *_times(interval, indent=12)]
            lines += [f"            text = {_quoted(interval.label)}"]
    return "\n".join(lines) + "\n"


def _times(interval: Interval, *, indent: int) -> list[str]:
    return [f"{' ' * indent}xmin = {float(interval.start_s)!r}", f"{' ' * indent}xmax = {float(interval.end_s)!r}"]


def _quoted(text: str) -> str:
    """A label as Praat writes it: quotes doubled, and a backslash as ``\\\\bs``, or it would begin another sequence."""
    return '"' + text.replace("\\", "\\bs").replace('"', '""') + '"'
