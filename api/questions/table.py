"""An answer as a table, for people who work in spreadsheets: the items of a list, or one thing.

RFC 4180 in UTF-8 after a byte order mark, a row for an item, lines ended by LF, as in an export
(`testamur/exports/row_files.py`). A member inside a member has a column of its own, such as
`issuer.name`; a list is JSON text, but flags, which are parted by spaces. The columns follow from
the shape of the items, so they are the same on every page. A text that a spreadsheet would run
has an apostrophe before it.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import inspect

from testamur.formulas import UTF8_MARK, inert, inert_json

CSV: Final = "text/csv"
CONTENT_TYPE: Final = "text/csv; charset=utf-8; header=present"
LEFT_OUT: Final = frozenset({"links"})
"""Members that a table does without: they follow from the ids."""

_canonical: Final = msgspec.json.Encoder(order="sorted")


class _Column(NamedTuple):
    """A column: its name, the members that lead to its value, and how that is written."""

    name: str
    path: tuple[str, ...]
    written: Callable[[Any], str]


def columns(shape: Any) -> list[str]:
    """Return the names of the columns of a table of `shape`, a struct or a list of them."""
    return [column.name for column in _columns(shape)]


def table(found: Any, shape: Any) -> bytes:
    """Return the answer `found`, of the shape `shape`, as CSV."""
    text = io.StringIO()
    text.write(UTF8_MARK)
    writer = csv.writer(text, lineterminator="\n")
    laid_out = _columns(shape)
    writer.writerow([column.name for column in laid_out])
    rows = (found,) if _items_of(shape) is None else found.items
    writer.writerows([_cell(row, column) for column in laid_out] for row in rows)
    return text.getvalue().encode()


def _cell(row: Any, column: _Column) -> str:
    value = row
    for member in column.path:
        value = getattr(value, member)
        if value is None:
            return ""
    return column.written(value)


@lru_cache(maxsize=64)
def _columns(shape: Any) -> list[_Column]:
    row = _items_of(shape) or inspect.type_info(shape)
    if not isinstance(row, inspect.StructType):
        raise TypeError(f"{shape} has no members")
    return list(_laid_out(row, "", ()))


def _items_of(shape: Any) -> inspect.Type | None:
    """Return what a list holds; None for the shape of a single thing."""
    found = inspect.type_info(shape)
    for field in found.fields if isinstance(found, inspect.StructType) else ():
        if field.name == "items" and isinstance(field.type, inspect.VarTupleType):
            return field.type.item_type
    return None


def _laid_out(row: inspect.StructType, before: str, path: tuple[str, ...]) -> Iterator[_Column]:
    for field in row.fields:
        if field.name in LEFT_OUT:
            continue
        kind = _bare(field.type)
        name, members = f"{before}{field.encode_name}", (*path, field.name)
        # An event is one text on the log, and stays one.
        if isinstance(kind, inspect.StructType) and kind.tag is None:
            yield from _laid_out(kind, f"{name}.", members)
        else:
            yield _Column(name, members, _writer(kind))


def _bare(kind: inspect.Type) -> inspect.Type:
    """Return the type of a member without the None that stands for its absence."""
    if isinstance(kind, inspect.UnionType):
        others = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        if len(others) == 1:
            return others[0]
    return kind


def _writer(kind: inspect.Type) -> Callable[[Any], str]:
    if isinstance(kind, inspect.VarTupleType) and isinstance(kind.item_type, inspect.EnumType):
        return " ".join
    return _WRITERS.get(type(kind), lambda value: inert_json(_canonical.encode(value).decode()))


_WRITERS: Final[dict[type[inspect.Type], Callable[[Any], str]]] = {
    inspect.BoolType: lambda true: "true" if true else "false",
    # Base64 too begins with a plus sign now and then.
    inspect.BytesType: lambda data: inert(base64.b64encode(data).decode()),
    inspect.DateType: date.isoformat,
    inspect.EnumType: inert,
    inspect.IntType: str,
    inspect.LiteralType: inert,
    inspect.StrType: inert,
}
