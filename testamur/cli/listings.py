"""What is found about many things: a table for people, CSV for spreadsheets, JSON lines.

JSON lines and CSV are printed as they come; a table needs all of its rows.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Protocol, TypeAlias

import typer

from testamur.cli.terminal import note, plain, say_line, show_json_line, show_table
from testamur.formulas import UTF8_MARK, inert

Form: TypeAlias = Literal["table", "csv", "jsonl"]
Listed = Annotated[
    Form | None,
    typer.Option(
        "--format", help="Form of the list; by default a table, with --json one object a line."
    ),
]
# A terminal takes half a minute to lay out more.
_ROWS: Final = 1_000


class Listing(Protocol):
    """Takes one row after the other."""

    def add(self, row: Mapping[str, str], document: Mapping[str, Any], /, *, good: bool) -> None:
        """Add a row: texts by column for people, a document for programs.

        Where there are too many rows, those that are not `good` are shown before the others.
        """
        ...

    def close(self) -> None:
        """Print what is left."""
        ...


def listing(form: Form, columns: Sequence[str], shown: Sequence[str]) -> Listing:
    """Return a list with these columns, of which a table has only those `shown`."""
    if form == "jsonl":
        return _JsonLines()
    return _Csv(columns) if form == "csv" else _Table(shown)


class _JsonLines:
    def add(self, _row: Mapping[str, str], document: Mapping[str, Any], /, **_: bool) -> None:
        show_json_line(document)

    def close(self) -> None:
        pass


class _Csv:
    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        say_line(UTF8_MARK + _csv_line(columns))

    def add(self, row: Mapping[str, str], _document: Mapping[str, Any], /, **_: bool) -> None:
        say_line(_csv_line([inert(plain(row.get(name, ""))) for name in self._columns]))

    def close(self) -> None:
        pass


class _Table:
    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._added = 0
        self._rows: list[tuple[int, list[str]]] = []
        self._good: list[tuple[int, list[str]]] = []

    def add(self, row: Mapping[str, str], _document: Mapping[str, Any], /, *, good: bool) -> None:
        kept = self._good if good else self._rows
        if len(kept) < _ROWS:
            kept.append((self._added, [row.get(name, "") for name in self._columns]))
        self._added += 1

    def close(self) -> None:
        rows = sorted(self._rows + self._good[: _ROWS - len(self._rows)])
        show_table(self._columns, [row for _, row in rows])
        if len(rows) < self._added:
            more = self._added - len(rows)
            note(f"... and {more:,} more; --format csv lists them all", "yellow")


def _csv_line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().removesuffix("\n")


def may_show_progress(form: Form) -> bool:
    """Return whether a bar on stderr leaves alone what is printed on stdout meanwhile."""
    return form == "table" or not sys.stdout.isatty()
