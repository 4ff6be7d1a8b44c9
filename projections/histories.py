"""What was said about each thing: every event but issuances, by the histories it belongs to.

An event is kept as it stands on the log, with the flags of its admission and the version that it
has in its stream. The histories that it belongs to follow from it and its signer alone
(`testamur/catalogue/touched.py`), so a later event never changes an earlier list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Select,
    Table,
    bindparam,
    insert,
    literal_column,
    select,
)

from projections.decoding import Share
from projections.dids import DIDS
from projections.flags import mask
from projections.flags import names as flags_of
from projections.page import WHOLE, Page, Pages, Stretch
from projections.submissions import SUBMISSIONS
from projections.tables import METADATA, NUMBER, POSITION, TEXT, Known, Rows
from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event
from testamur.catalogue.touched import Thing, touched
from testamur.rules.flags import Flag, Flags
from testamur.rules.reach import Reach
from testamur.rules.said import Said, Signed
from testamur.verification.replay import ReplayedSubmission

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("position", POSITION, primary_key=True, autoincrement=False),
    Column("submission", POSITION, nullable=False),  # of its header
    Column("version", NUMBER, nullable=False),
    Column("flags", NUMBER, nullable=False),
    # 1 for what the register keeps in memory, 0 for the later events of credentials.
    Column("register", NUMBER, nullable=False),
    Column("line", LargeBinary, nullable=False),
)
TOUCHED: Final = Table(
    "touched",
    METADATA,
    Column("thing", TEXT, primary_key=True),
    Column("position", POSITION, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

_INTO_EVENTS: Final = insert(EVENTS)
_INTO_TOUCHED: Final = insert(TOUCHED)
_reach: Final = msgspec.json.Decoder(Reach)
_CHUNK: Final = 500  # things in one query


class Logged(msgspec.Struct, frozen=True):
    """An event as the log has it, the version that it has in its stream, and its flags.

    `reach` is given for a declaration of compromise: what its submission changed about the
    counting of earlier ones, if anything.
    """

    said: Said
    version: int
    flags: Flags
    reach: Reach | None = None

    @property
    def position(self) -> int:
        """The position of the event."""
        return self.said.position


def thing_text(thing: Thing) -> str:
    """Return the text by which the tables name a thing; the kind has no space in it."""
    return f"{thing.kind} {thing.name}"


def fold(submission: ReplayedSubmission, _: Known, rows: Rows) -> None:
    """Add the rows of each event that is not an issuance."""
    judged = zip(submission.events, submission.lines, submission.admitted, strict=True)
    for position, (event, line, admitted) in enumerate(judged, start=submission.position + 1):
        if type(event) is e.CredentialIssued:
            continue
        rows[_INTO_EVENTS].append(
            {
                "position": position,
                "submission": submission.position,
                "version": admitted.version,
                "flags": mask(admitted.flags),
                "register": int(not isinstance(event, e.CredentialStatusEvent)),
                "line": line,
            }
        )
        rows[_INTO_TOUCHED] += (
            {"thing": thing_text(thing), "position": position}
            for thing in dict.fromkeys(touched(submission.header, event))
        )


_EVENTS: Final[Select[Any]] = (
    select(
        EVENTS.c.position,
        EVENTS.c.submission,
        EVENTS.c.version,
        EVENTS.c.flags,
        EVENTS.c.line,
        SUBMISSIONS.c.recorded_at,
        SUBMISSIONS.c.key,
        SUBMISSIONS.c.reach,
        DIDS.c.did,
    )
    .join_from(EVENTS, SUBMISSIONS, SUBMISSIONS.c.position == EVENTS.c.submission)
    .join(DIDS, DIDS.c.number == SUBMISSIONS.c.issuer)
    .where(EVENTS.c.position < bindparam("size"))
)
_things: Final[BindParameter[Any]] = bindparam("things", expanding=True)


def _of(touching: ColumnElement[bool]) -> Select[Any]:
    found = select(TOUCHED.c.position).where(touching, TOUCHED.c.position < bindparam("size"))
    return _EVENTS.where(EVENTS.c.position.in_(found))


_IN_RANGE: Final = (TOUCHED.c.thing >= bindparam("first")) & (TOUCHED.c.thing < bindparam("end"))
_OF_RANGE: Final = _of(_IN_RANGE).order_by(EVENTS.c.position)
_OF_THINGS: Final = (
    _EVENTS.add_columns(TOUCHED.c.thing)
    .join(TOUCHED, TOUCHED.c.position == EVENTS.c.position)
    .where(TOUCHED.c.thing.in_(_things), TOUCHED.c.position < bindparam("size"))
    .order_by(EVENTS.c.position)
)
_IN_REGISTER: Final = _EVENTS.where(EVENTS.c.register == 1).order_by(EVENTS.c.position)
_AT: Final = _EVENTS.where(EVENTS.c.position.in_(bindparam("positions", expanding=True)))


class _Reading:
    """Makes events from rows in log order, with one `Signed` for all events of a submission."""

    def __init__(self) -> None:
        self._signed = Signed("", "", -1, 0)
        self._texts: dict[str, str] = {}  # a register of millions of rows names few organizations

    def logged(self, row: Row[Any]) -> Logged:
        if row.submission != self._signed.position:
            did = self._texts.setdefault(row.did, row.did)
            key = self._texts.setdefault(row.key, row.key)
            self._signed = Signed(did, key, row.submission, row.recorded_at)
        said = Said(row.position, self._signed, decode_event(row.line))
        declares = row.reach is not None and isinstance(said.event, e.KeyCompromised)
        reach = _reach.decode(row.reach) if declares else None
        return Logged(said, row.version, flags_of(row.flags), reach)


def _logged(row: Row[Any], _: int) -> Logged:
    return _Reading().logged(row)


_flags: Final[BindParameter[int]] = bindparam("flags")
_HISTORY: Final = Pages(
    _of(TOUCHED.c.thing.in_(_things) | _IN_RANGE).where(
        (_flags == literal_column("0"))
        | (EVENTS.c.flags.bitwise_and(_flags) != literal_column("0"))
    ),
    EVENTS.c.position,
    _logged,
)


def histories(
    connection: Connection, things: Iterable[Thing], size: int, share: Share | None = None
) -> dict[Thing, list[Logged]]:
    """Return, for each of the things that was touched before `size`, the events, in log order.

    Raises `TooLong` when `share` allows no more.
    """
    reading = _Reading()
    by_text = {thing_text(thing): thing for thing in things}
    texts = list(by_text)
    found: dict[Thing, list[Logged]] = {}
    for start in range(0, len(texts), _CHUNK):
        asked = {"things": texts[start : start + _CHUNK], "size": size}
        for row in connection.execute(_OF_THINGS, asked):
            if share is not None:
                share.add(len(row.line))
            found.setdefault(by_text[row.thing], []).append(reading.logged(row))
    return found


def in_range(connection: Connection, beginning: str, size: int) -> list[Logged]:
    """Return the events before `size` that touch a thing whose text has this beginning."""
    reading = _Reading()
    asked = {"first": beginning, "end": after_all(beginning), "size": size}
    return list(map(reading.logged, connection.execute(_OF_RANGE, asked)))


def event_at(connection: Connection, position: int) -> Logged | None:
    """Return the event at a position, unless there is none or it is an issuance."""
    return events_at(connection, [position]).get(position)


def events_at(connection: Connection, positions: Collection[int]) -> dict[int, Logged]:
    """Return the events at these positions; one that is not there, or an issuance, is left out."""
    asked = {"positions": list(positions), "size": max(positions, default=0) + 1}
    found = map(_Reading().logged, connection.execute(_AT, asked))
    return {each.position: each for each in found}


def history(
    connection: Connection,
    things: Iterable[Thing],
    size: int,
    *,
    beginning: str = "",
    flag: Flag | None = None,
    after: int = 0,
    limit: int = 100,
    within: Stretch = WHOLE,
) -> Page[Logged]:
    """Return a page of the events that touch one of the things, in log order.

    With `beginning`, those that touch a thing whose text begins with it, too; with `flag`, those
    that were admitted with it. `after` is a position.
    """
    return _HISTORY.page(
        connection,
        size,
        after,
        limit,
        within=within,
        flags=0 if flag is None else mask((flag,)),
        things=[thing_text(thing) for thing in things],
        first=beginning,
        end=after_all(beginning),
    )


def after_all(beginning: str) -> str:
    """Return a text that sorts after every text with this beginning, and before all others."""
    return beginning and beginning[:-1] + chr(ord(beginning[-1]) + 1)


def in_register(connection: Connection, size: int) -> Iterator[Logged]:
    """Yield every event before `size` that the register keeps, in log order."""
    reading = _Reading()
    for row in connection.execute(_IN_REGISTER, {"size": size}):
        yield reading.logged(row)
