"""A table in the file that a spreadsheet saved: its headings, and its rows by their numbers there.

It reads UTF-8, with or without a byte order mark, and UTF-16 with one; commas, semicolons, tabs or
bars between the cells, as the headings show; a first line such as `sep=;`, which spreadsheets do
not show. Empty rows do not count. A file with no end of rows or columns is refused; of a file that
is not text the refusal says what to do. The meaning of a cell is for other files.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from typing import Final, Protocol, Self, TypeAlias

import msgspec

from testamur.errors import Refusal
from testamur.private_keys import THIS_IS_ONE, holds_private_key

MAX_ROWS: Final = 100_000
MAX_FILE: Final = 64 * 1024 * 1024
UNREAD: Final = "unread"
"""The rule of a refusal after which the file was not read on."""
MAX_COLUMNS: Final = 64

# Spreadsheets have no more, and write empty ones down to the last that was ever formatted.
_LAST_ROW: Final = 1_048_576
_DELIMITERS: Final = (",", ";", "\t", "|")
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([^\r\n"])"?[,;\t|]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
_LONGEST_ROW: Final = 65_536
"""Characters of one row, however many lines it goes over: every cell at its longest is less."""
_LINE: Final = re.compile(rf"[^\r\n]{{0,{_LONGEST_ROW}}}(\r\n|\r|\n)?")
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_NO_TEXT: Final = (
    ((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"), "is a workbook (.xlsx, .ods, .xls)"),
    ((b"%PDF",), "is a PDF document"),
)
_COMPRESSED: Final = b"\x1f\x8b"
_SAVE: Final = 'save it as "CSV UTF-8"'

Row: TypeAlias = tuple[int, list[str] | Refusal]


class _Reader(Protocol):
    """What `csv.reader` returns, which has no public name."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table whose delimiter is known. `begins` is where its headings begin in `text`."""

    begins: int
    delimiter: str
    headings: list[str]
    text: str

    def rows(self) -> Iterator[Row]:
        """Yield the number and the cells of each row that is not empty, from the first on.

        The headings are row 1. Where the quotes do not match, a `Refusal` (`unread`) takes the
        place of the cells, and is the last. Raises `Refusal` (`cohort-size`).
        """
        lines = _Lines(self.text, self.begins)
        reader = _reader(lines, self.delimiter)
        next(reader)
        left = MAX_ROWS
        number = 1
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
                line = reader.line_num + lines.passed + (self.begins > 0)
                yield (
                    number,
                    Refusal(UNREAD, f"not CSV at line {line}, and not read any further: {error}"),
                )
                return
            if any(map(str.strip, cells)):
                left -= 1
                if left < 0:
                    raise Refusal(
                        "cohort-size", f"a cohort has at most {MAX_ROWS} rows; make two of it"
                    )
                yield number, cells
            elif number > _LAST_ROW:
                raise _too_many_rows()


def read_table(data: bytes, is_heading: Callable[[str], bool]) -> Table:
    """Return the table in a file; `is_heading` tells the headings that are looked for.

    Raises `Refusal` (`cohort-size`, `cohort-encoding`, `cohort-header`, `private-key`).
    """
    text = _text(data)
    named = _SEPARATOR_LINE.match(text)
    begins = named.end() if named else 0
    found: list[Table] = []
    reasons = []
    for delimiter in dict.fromkeys((*(named[1] if named else ""), *_DELIMITERS)):
        try:
            head = next(_reader(_Lines(text, begins), delimiter), [])
        except csv.Error as error:
            reasons.append(error)
            continue
        except (TypeError, ValueError):
            continue  # sep= names what cannot stand between cells
        found.append(Table(begins=begins, delimiter=delimiter, headings=head, text=text))
    if not found:
        raise Refusal("cohort-header", f"row 1 is not CSV: {reasons[0]}")
    return max(found, key=lambda each: (sum(map(is_heading, each.headings)), len(each.headings)))


def _too_many_rows() -> Refusal:
    return Refusal(
        "cohort-size",
        f"has more than the {_LAST_ROW} rows of a spreadsheet; "
        "delete the empty rows below the list",
    )


class _Lines:
    """The lines of a text for `csv.reader`, so many characters for each row.

    A row may go on over many lines within quotes, and one of millions of cells takes gigabytes.
    """

    def __init__(self, text: str, begins: int) -> None:
        self._text, self._at, self._left = text, begins, _LONGEST_ROW
        self.passed = 0
        """Lines that the reader was not shown."""

    def begin_row(self, delimiter: str) -> int:
        """Allow one row more; pass over those of empty cells before it, and return how many."""
        self._left, before, nothing = _LONGEST_ROW, self.passed, f"{delimiter} \t\r\n"
        while (found := _LINE.match(self._text, self._at)) and found[1]:
            if found[0].strip(nothing) or self.passed - before > _LAST_ROW:
                break
            self._at = found.end()
            self.passed += 1
        return self.passed - before

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        found = _LINE.match(self._text, self._at)
        if found is None or not found[0]:
            raise StopIteration
        self._at = found.end()
        self._left -= len(found[0])
        if self._left < 0 or (found[1] is None and self._at < len(self._text)):
            raise csv.Error(f"a row is at most {_LONGEST_ROW} characters; is a quote not closed?")
        return found[0]


def _reader(lines: _Lines, delimiter: str) -> _Reader:
    return csv.reader(lines, delimiter=delimiter, strict=True)


def _text(data: bytes) -> str:
    if len(data) > MAX_FILE:
        raise Refusal(
            "cohort-size", f"a file is at most {MAX_FILE} bytes", value=f"{len(data)} bytes"
        )
    if not data:
        raise Refusal("cohort-header", "is empty; row 1 names the columns")
    for beginnings, what in _NO_TEXT:
        if data.startswith(beginnings):
            raise Refusal("cohort-encoding", f"{what}, not text; {_SAVE}")
    if data.startswith(_COMPRESSED):
        raise Refusal("cohort-encoding", "is compressed; unpack it first (gunzip)")
    encoding, what = ("utf-16", "UTF-16") if data.startswith(_UTF_16) else ("utf-8-sig", "UTF-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _no_text(data, error.start, what) from None
    if holds_private_key(data if encoding != "utf-16" else text.encode()):
        # The cell that holds it would be read as the number of a learner.
        raise Refusal("private-key", THIS_IS_ONE)
    if "\0" in text:
        raise _no_text(data, len(text[: text.index("\0")].encode(encoding)), what)
    return text


def _no_text(data: bytes, at: int, what: str) -> Refusal:
    line = data.count(b"\n", 0, at) + 1
    return Refusal(
        "cohort-encoding",
        f'line {line} is not {what} text; save the file as "CSV UTF-8"',
        value=data[max(0, at - 20) : at + 20].decode("latin-1"),
    )
