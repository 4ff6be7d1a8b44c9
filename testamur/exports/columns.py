"""What each column of an export means, of what type it is, and which events have it.

All of it follows from the catalogue, but for a sentence about each of the columns that every row
has.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from msgspec import inspect

from testamur.catalogue.events import EVENTS, Event
from testamur.catalogue.meanings import MEANINGS
from testamur.exports.rows import COLUMNS, Kind
from testamur.rules import Flag

_OF_EVERY_ROW: Final[dict[str, str]] = {
    "position": "Position of the event on the log: its leaf index in the Merkle tree, from 0.",
    "submission": "Position of the header of the submission that the event came in.",
    "recordedAt": "When the submission was recorded, by the register's clock, in UTC.",
    "issuer": "DID of the organization that signed the submission.",
    "kid": "Name of the key that signed it: the DID, a number sign, the public key.",
    "counts": "Whether the submission counts as of the size exported: its key was listed, not "
    "retired and not cut off. A registration stands also in one that does not.",
    "flags": "Codes of the policies that the event breaks, as judged when it was recorded.",
    "type": "Wire name and version of the event.",
}
# Of Table Schema (Data Package v2); in CSV and Parquet a list or an object is JSON text.
_TYPES: Final[dict[Kind, str]] = {
    "bytes": "string",
    "date": "date",
    "integer": "integer",
    "list": "list",
    "text": "string",
    "time": "datetime",
    "truth": "boolean",
}


def described(column: str) -> str:
    """Return what a column of this name says, in a sentence."""
    return _OF_EVERY_ROW.get(column) or MEANINGS.get(column, "")


def fields() -> list[dict[str, Any]]:
    """Return a Table Schema field for each of `COLUMNS`, with the events that have it."""
    return [_field(name, kind) for name, kind in COLUMNS.items()]


def fields_of_lines() -> list[dict[str, Any]]:
    """Return the fields of an NDJSON row, in which the event is an object of its own."""
    every = [_field(name, COLUMNS[name]) for name in _OF_EVERY_ROW]
    event = {
        "name": "event",
        "type": "object",
        "description": "The event, byte for byte as it is on the log; bytes are in base64.",
        "constraints": {"required": True},
    }
    return [*every, event]


def events() -> list[dict[str, Any]]:
    """Return each event with what it says and its members."""
    return [
        {
            "type": tag,
            "description": (kind.__doc__ or "").strip().partition("\n")[0],
            "members": [_member(field) for field in _fields(kind)],
        }
        for tag, kind in EVENTS.items()
    ]


def flags() -> list[dict[str, str]]:
    """Return each flag with its meaning."""
    return [{"code": flag.value, "description": flag.meaning} for flag in Flag]


def _member(field: inspect.Field) -> dict[str, Any]:
    name = field.encode_name
    words = _words_of(field)
    return {
        "name": name,
        "type": _type(name, COLUMNS[name]),
        "description": described(name),
        "constraints": {"required": field.required, **({"enum": words} if words else {})},
    }


def _words_of(field: inspect.Field) -> list[str]:
    """Return the words that a member of an event may be, if there are only so many."""
    found = _bare(field.type)
    return [str(word) for word in found.values] if isinstance(found, inspect.LiteralType) else []


def _field(name: str, kind: Kind) -> dict[str, Any]:
    every = name in _OF_EVERY_ROW
    found: dict[str, Any] = {"name": name, "type": _type(name, kind)}
    if kind == "list":
        found["delimiter"] = " "
    found["description"] = described(name)
    if kind == "bytes":
        found["description"] += " In base64, except in Parquet."
    words = _words(name)
    constraints: dict[str, Any] = {"required": True} if every else {}
    if words:
        constraints |= {"enum": words}
    if constraints:
        found["constraints"] = constraints
    if not every:
        found["events"] = [tag for tag, _ in _having(name)]
    return found


def _type(name: str, kind: Kind) -> str:
    if kind != "json":
        return _TYPES[kind]
    types = {type(_bare(field.type)) for _, field in _having(name)}
    if types == {inspect.VarTupleType}:
        return "array"
    return "object" if types == {inspect.StructType} else "any"


def _words(name: str) -> list[str]:
    """Return the words that a column may hold, if there are only so many."""
    if name == "type":
        return list(EVENTS)
    found = [_words_of(field) for _, field in _having(name)]
    return sorted({word for words in found for word in words}) if all(found) else []


def _having(name: str) -> Iterator[tuple[str, inspect.Field]]:
    """Yield the events that have a member of this name, and what it is there."""
    for tag, kind in EVENTS.items():
        for field in _fields(kind):
            if field.encode_name == name:
                yield tag, field


@cache
def _fields(kind: type[Event]) -> tuple[inspect.Field, ...]:
    found = inspect.type_info(kind)
    return found.fields if isinstance(found, inspect.StructType) else ()


def _bare(found: inspect.Type) -> inspect.Type:
    if isinstance(found, inspect.UnionType):
        return next(each for each in found.types if not isinstance(each, inspect.NoneType))
    return found
