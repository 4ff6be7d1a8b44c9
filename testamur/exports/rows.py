"""The log as rows: one row for each event, with the columns that any event needs.

Every member of every event has a column of its own name, found from the catalogue itself, so a
new kind of event needs nothing here. A row says what was recorded at a position, and whether that
counts as of the size exported; it is not the state of anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec import inspect

from testamur.catalogue.events import EVENTS, Event, wire_name
from testamur.rules import Flags
from testamur.verification.replay import ReplayedSubmission

Kind: TypeAlias = Literal["bytes", "date", "integer", "json", "list", "text", "time", "truth"]
"""What a column holds; `json` is canonical JSON text, `list` is of texts, `time` is in Unix
milliseconds."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """One event and its `line`; `submission` is the position of the header it came under.

    `counts` says whether that submission counts as of the size exported. A registration stands
    also in one that does not.
    """

    position: int
    submission: int
    recorded_at: int
    issuer: str
    kid: str
    counts: bool
    flags: Flags
    event: Event
    line: bytes


def rows(submission: ReplayedSubmission, *, counts: bool) -> Iterator[Row]:
    """Yield the events of one submission, in order; `counts` says whether it counts."""
    at, recorded_at = submission.position, submission.recorded_at
    issuer, kid = submission.header.payload.iss, submission.header.protected.kid
    events = zip(submission.admitted, submission.events, submission.lines, strict=True)
    for position, (admitted, event, line) in enumerate(events, start=at + 1):
        yield Row(position, at, recorded_at, issuer, kid, counts, admitted.flags, event, line)


def _kind(found: inspect.Type) -> Kind:
    match found:
        case inspect.UnionType(types=types):
            kinds = {_kind(each) for each in types if not isinstance(each, inspect.NoneType)}
            return kinds.pop() if len(kinds) == 1 else "json"
        case inspect.StrType() | inspect.LiteralType():
            return "text"
        case inspect.IntType():
            return "integer"
        case inspect.DateType():
            return "date"
        case inspect.BytesType():
            return "bytes"
        case _:
            return "json"


def _members() -> dict[str, Kind]:
    """Return, by wire name, what each member that any event has holds."""
    found: dict[str, Kind] = {}
    for event in EVENTS.values():
        for field in msgspec.structs.fields(event):
            kind = _kind(inspect.type_info(field.type))
            # JSON has room for a member that is of one type here and of another there.
            if found.setdefault(field.encode_name, kind) != kind:
                found[field.encode_name] = "json"
    return found


COLUMNS: Final[dict[str, Kind]] = {
    "position": "integer",
    "submission": "integer",
    "recordedAt": "time",
    "issuer": "text",
    "kid": "text",
    "counts": "truth",
    "flags": "list",
    "type": "text",
    **_members(),
}
"""The columns of a table of all events, and what each holds."""


# For each event: which cell, from which attribute, and whether as JSON text.
_CELLS: Final[dict[type, list[tuple[int, str, bool]]]] = {
    event: [
        (list(COLUMNS).index(field.encode_name), field.name, COLUMNS[field.encode_name] == "json")
        for field in msgspec.structs.fields(event)
    ]
    for event in EVENTS.values()
}


def cells(row: Row) -> list[Any]:
    """Return the row's values in the order of `COLUMNS`, None where the event has no member."""
    event = row.event
    found: list[Any] = [None] * len(COLUMNS)
    found[:8] = (
        row.position,
        row.submission,
        row.recorded_at,
        row.issuer,
        row.kid,
        row.counts,
        row.flags,
        wire_name(event),
    )
    for at, attribute, as_json in _CELLS[type(event)]:
        value = getattr(event, attribute)
        if as_json and value is not None:
            value = msgspec.json.encode(value, order="sorted").decode()
        found[at] = value
    return found
