"""A table in the file that a spreadsheet saved: its headings, and its rows by their numbers there.

It reads UTF-8, with or without a byte order mark, and UTF-16 with one; commas, semicolons, tabs or
bars between the cells, as the headings show; a first line such as `sep=;`, which spreadsheets do
not show. Empty rows do not count. A file with no end of rows or columns is refused; of a file that
is not text the refusal says what to do. The meaning of a cell is for other files.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final, Protocol, Self, TypeAlias

import msgspec

from testamur.errors import Refusal
from testamur.private_keys import THIS_IS_ONE, holds_private_key

MAX_ROWS: Final = 100_000
MAX_FILE: Final = 64 * 1024 * 1024
UNREAD: Final = "unread"
"""The rule of a refusal after which the file was not read on."""
MAX_COLUMNS: Final = 64

# It is held beside its UTF-8, which is half as long again at most.
_MAX_UTF_16: Final = 32 * 1024 * 1024
# Spreadsheets have no more, and write empty ones down to the last that was ever formatted.
_LAST_ROW: Final = 1_048_576
_DELIMITERS: Final = (",", ";", "\t", "|")
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([^\r\n"])"?[,;\t|]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
_LONGEST_ROW: Final = 65_536
"""Bytes of one row, however many lines it goes over: every cell at its longest is less."""
_LINE: Final = re.compile(rb"[^\r\n]{0,%d}(\r\n|\r|\n)?" % _LONGEST_ROW)
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_NO_TEXT: Final = (
    ((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"), "is a workbook (.xlsx, .ods, .xls)"),
    ((b"%PDF",), "is a PDF document"),
    ((b"{\\rtf",), "is a document of a word processor"),
    # Administrations export tables so, and name them .xls or .csv.
    ((b"<",), "is a web page or XML, whatever its name"),
)
_COMPRESSED: Final = b"\x1f\x8b"
_SAVE: Final = 'save it as "CSV UTF-8"'
_CHUNK: Final = 1 << 16
_LOOKED_AT: Final = 256

Row: TypeAlias = tuple[int, list[str] | Refusal]


class _Reader(Protocol):
    """What `csv.reader` returns, which has no public name."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table whose delimiter is known.

    `text` is UTF-8, and its headings begin at byte `begins`, below `lines_above`. Its rows are
    read off it each time that they are asked for: as lists of cells they would take far more
    memory than the file.
    """

    begins: int
    delimiter: str
    headings: list[str]
    lines_above: int
    text: bytes

    def rows(self) -> Iterator[Row]:
        """Yield the number and the cells of each row that is not empty, from the first on.

        The headings are row 1, or the first that is not empty. Where the quotes do not match, or
        a row has no end of cells, a `Refusal` (`unread`) takes the place of the cells, and is the
        last. Raises `Refusal` (`cohort-size`).
        """
        lines = _Lines(self.text, self.begins)
        reader = _reader(lines, self.delimiter)
        number = 1 + lines.begin_row(self.delimiter)
        next(reader, None)  # there is none in a file of empty lines
        left = left_empty = MAX_ROWS
        while True:
            passed = lines.begin_row(self.delimiter)
            number += 1 + passed
            if passed and number - 1 > _LAST_ROW:
                raise _too_many_rows()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                # Where the next row begins is unknown.
                line = reader.line_num + lines.passed + self.lines_above
                yield number, _unread(f"not CSV at line {line}", error)
                return
            if len(cells) > MAX_COLUMNS:
                # A thousand of them would take seconds to read and be refused.
                yield number, _unread(f"has {len(cells):,} cells, and {MAX_COLUMNS} are the most")
                return
            if any(map(str.strip, cells)):
                left -= 1
                if left < 0:
                    raise Refusal(
                        "cohort-size", f"a cohort has at most {MAX_ROWS} rows; make two of it"
                    )
                yield number, cells
                continue
            left_empty -= 1
            if number > _LAST_ROW or left_empty < 0:
                raise _too_many_rows()


def read_table(data: bytes, is_heading: Callable[[str], bool]) -> Table:
    """Return the table in a file; `is_heading` tells the headings that are looked for.

    Raises `Refusal` (`cohort-size`, `cohort-encoding`, `cohort-header`, `private-key`).
    """
    text = _text(data)
    begins = len(codecs.BOM_UTF8) if text.startswith(codecs.BOM_UTF8) else 0
    above = _line_at(text, begins)
    named = _SEPARATOR_LINE.match(above)
    begins += len(named[0].encode()) if named else 0
    found: list[Table] = []
    reasons = []
    for delimiter in dict.fromkeys((*(named[1] if named else ""), *_DELIMITERS)):
        try:
            lines = _Lines(text, begins)
            lines.begin_row(delimiter)
            head = next(_reader(lines, delimiter), [])
        except csv.Error as error:
            reasons.append(error)
            continue
        except (TypeError, ValueError):
            continue  # sep= names what cannot stand between cells
        found.append(
            Table(
                begins=begins,
                delimiter=delimiter,
                headings=head,
                lines_above=int(named is not None),
                text=text,
            )
        )
    if not found:
        raise Refusal("cohort-header", f"row 1 is not CSV: {reasons[0]}")
    return max(found, key=lambda each: (sum(map(is_heading, each.headings)), len(each.headings)))


def _too_many_rows() -> Refusal:
    return Refusal(
        "cohort-size",
        f"has more than the {_LAST_ROW} rows of a spreadsheet, or {MAX_ROWS} rows of empty "
        "quotes; delete the empty rows below the list",
    )


def _unread(what: str, why: object = "") -> Refusal:
    return Refusal(UNREAD, f"{what}, and not read any further{f': {why}' if why else ''}")


class _Lines:
    """The lines of a text for `csv.reader`, so many bytes for each row.

    A row may go on over many lines within quotes, and one of millions of cells takes gigabytes.
    """

    def __init__(self, text: bytes, begins: int) -> None:
        self._text, self._at, self._left = text, begins, _LONGEST_ROW
        self.passed = 0
        """Lines that the reader was not shown."""

    def begin_row(self, delimiter: str) -> int:
        """Allow one row more; pass over those of empty cells before it, and return how many."""
        self._left = _LONGEST_ROW
        found = _empty(delimiter).match(self._text, self._at)
        if found is None:
            return 0
        begins, self._at = self._at, found.end()
        counts = (self._text.count(end, begins, self._at) for end in (b"\n", b"\r", b"\r\n"))
        feeds, returns, both = counts
        passed = feeds + returns - both
        self.passed += passed
        return passed

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        found = _LINE.match(self._text, self._at)
        if found is None or not found[0]:
            raise StopIteration
        self._at = found.end()
        self._left -= len(found[0])
        if self._left < 0 or (found[1] is None and self._at < len(self._text)):
            raise csv.Error(f"a row is at most {_LONGEST_ROW} bytes; is a quote not closed?")
        return found[0].decode()


@cache
def _empty(delimiter: str) -> re.Pattern[bytes]:
    """Return what matches lines of empty cells, with their ends."""
    if not delimiter.isascii():
        delimiter = ""  # so many bytes are no class of bytes; `csv` reads these lines
    return re.compile(rb"[%b \t\r\n]*[\r\n]" % re.escape(delimiter).encode())


def _reader(lines: _Lines, delimiter: str) -> _Reader:
    return csv.reader(lines, delimiter=delimiter, strict=True)


def _line_at(text: bytes, at: int) -> str:
    found = _LINE.match(text, at)
    return "" if found is None else found[0].decode("utf-8", "ignore")


def _text(data: bytes) -> bytes:
    """Return the text of a file in UTF-8, which it may begin with a byte order mark."""
    _check_kind(data)
    if data.startswith(_UTF_16):
        charset, text = "UTF-16", b"".join(part.encode() for part in _decoded(data, "UTF-16"))
    else:
        charset, text = "UTF-8", data
        for _ in _decoded(data, charset):
            pass
    if holds_private_key(text):
        # The cell that holds it would be read as the number of a learner.
        raise Refusal("private-key", THIS_IS_ONE)
    if (at := text.find(b"\0")) >= 0:
        raise _no_text(text, at, charset)
    return text


def _check_kind(data: bytes) -> None:
    """Raise `Refusal` for a file that is empty, too long, or plainly something else than text."""
    if not data:
        raise Refusal("cohort-header", "is empty; row 1 names the columns")
    begins = data[:_LOOKED_AT].removeprefix(codecs.BOM_UTF8).lstrip()
    for beginnings, what in _NO_TEXT:
        if begins.startswith(beginnings):
            raise Refusal("cohort-encoding", f"{what}, not text; {_SAVE}")
    if data.startswith(_COMPRESSED):
        raise Refusal("cohort-encoding", "is compressed; unpack it first (gunzip)")
    most, kind = (_MAX_UTF_16, " in UTF-16") if data.startswith(_UTF_16) else (MAX_FILE, "")
    if len(data) > most:
        detail = f"a file{kind} is at most {most} bytes; {_SAVE}, or make two of it"
        raise Refusal("cohort-size", detail, value=f"{len(data)} bytes")


def _decoded(data: bytes, charset: str) -> Iterator[str]:
    """Yield the text of a file part by part: whole, it may take four times its size."""
    decoder = codecs.getincrementaldecoder(charset)()
    view = memoryview(data)
    for at in range(0, len(data), _CHUNK):
        before = len(decoder.getstate()[0])
        try:
            yield decoder.decode(view[at : at + _CHUNK], final=at + _CHUNK >= len(data))
        except UnicodeDecodeError as error:
            raise _no_text(data, at - before + error.start, charset) from None


def _no_text(data: bytes, at: int, what: str) -> Refusal:
    line = data.count(b"\n", 0, at) + 1
    return Refusal(
        "cohort-encoding",
        f'line {line} is not {what} text; save the file as "CSV UTF-8"',
        value=data[max(0, at - 20) : at + 20].decode("latin-1"),
    )
