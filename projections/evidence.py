"""Which entries bear on a credential: the excerpt of the log from which a verifier judges it alone.

They are those that `testamur.verification.premises` leads to, found in the tables. The answer is
a list of positions: the entries and their proofs come from the log, and nothing shows that the
list leaves nothing out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import BindParameter, Connection, Row, Select, Table, bindparam, select

from projections.accreditations import ACCREDITATIONS, RECOGNITIONS
from projections.achievements import ACHIEVEMENTS
from projections.credentials import CREDENTIALS, KINDS
from projections.organizations import DIDS, ORGANIZATIONS
from projections.submissions import SUBMISSIONS, last_before, submission_before
from projections.tables import uuid_bytes
from testamur.catalogue.table import BY_NAME, TABLE, Kind
from testamur.errors import Refusal
from testamur.rules.register import Organization
from testamur.verification.evidence import MAX_EVENTS, MAX_SUBMISSIONS
from testamur.verification.premises import Occurred, Part, Stream, bearing_on

MAX_ENTRIES: Final = 10_000
"""Events that evidence may need; a credential with more behind it is judged by a replay.

With their proofs more of them would hardly fit into a file that a verifier reads.
"""

_decode: Final = msgspec.json.Decoder(Organization).decode
_KEY: Final[BindParameter[Any]] = bindparam("key")
_SIZE: Final[BindParameter[Any]] = bindparam("size")


def _stream(table: Table, name: str, actor: str, *refers: str) -> Select[Any]:
    """Return the query for the stream that the event at position `:key` began.

    Organizations go by their numbers, other things by the position of the event that created
    them.
    """
    began = table.alias()
    stream = select(began.c[name]).where(began.c.position == _KEY).scalar_subquery()
    columns = (table.c[member] for member in refers)
    return select(table.c.position, table.c.event, table.c[actor].label("actor"), *columns).where(
        table.c[name] == stream, table.c.position < _SIZE
    )


_CREDENTIAL: Final = (
    select(
        CREDENTIALS.c.position,
        CREDENTIALS.c.kind,
        CREDENTIALS.c.achievement,
        CREDENTIALS.c.accreditation,
        CREDENTIALS.c.successor,
        SUBMISSIONS.c.issuer.label("actor"),
    )
    .join_from(
        CREDENTIALS,
        SUBMISSIONS,
        SUBMISSIONS.c.position == submission_before(CREDENTIALS.c.position),
    )
    .where(CREDENTIALS.c.credential == _KEY, CREDENTIALS.c.position < _SIZE)
    .order_by(CREDENTIALS.c.version)
    .limit(MAX_ENTRIES + 1)
)
_ISSUANCE: Final = _CREDENTIAL.where(CREDENTIALS.c.version == 1)
_granted: Final = RECOGNITIONS.alias()
_RECOGNITIONS: Final = select(
    RECOGNITIONS.c.position,
    RECOGNITIONS.c.event,
    RECOGNITIONS.c.authority.label("actor"),
    RECOGNITIONS.c.accreditor,
).where(
    RECOGNITIONS.c.recognition.in_(
        select(_granted.c.recognition).where(_granted.c.accreditor == _KEY)
    ),
    RECOGNITIONS.c.position < _SIZE,
)
_ORGANIZATION: Final = select(
    ORGANIZATIONS.c.position, ORGANIZATIONS.c.event, ORGANIZATIONS.c.state
).where(ORGANIZATIONS.c.number == _KEY, ORGANIZATIONS.c.position < _SIZE)
_NUMBER: Final = select(DIDS.c.number).where(DIDS.c.did == _KEY)

# A grant or definition alone has its actor; its later events are by the same organization.
_STREAMS: Final[dict[tuple[Kind, Part], Select[Any]]] = {
    (Kind.CREDENTIAL, Part.ALL): _CREDENTIAL,
    (Kind.CREDENTIAL, Part.FIRST): _ISSUANCE,
    (Kind.ACHIEVEMENT, Part.ALL): _stream(ACHIEVEMENTS, "achievement", "provider"),
    (Kind.ACCREDITATION, Part.ALL): _stream(
        ACCREDITATIONS, "accreditation", "accreditor", "provider"
    ),
    (Kind.ORGANIZATION, Part.RECOGNITIONS): _RECOGNITIONS,
    (Kind.ORGANIZATION, Part.ALL): _ORGANIZATION,
}


def evidence_positions(
    connection: Connection, credential: str, size: int
) -> list[tuple[int, list[int]]]:
    """Return (header position, its event positions), in log order, that bear on a credential.

    Only events before `size`, which is the end of a submission; empty if it was not issued by
    then. Raises `Refusal` (rule `evidence-size`) when they are more than evidence may hold.
    """
    positions = bearing_on(uuid_bytes(credential), _Tables(connection, credential, size).events_of)
    if not positions:
        return []
    # The genesis seats the authorities that registered everybody else.
    found = _by_submission(connection, sorted({1, *positions}))
    if len(found) > MAX_SUBMISSIONS or max(len(events) for _, events in found) > MAX_EVENTS:
        raise too_large(credential)
    return found


def too_large(credential: str) -> Refusal:
    """Return the refusal of evidence that no verifier would read."""
    detail = "more bears on this credential than evidence may hold; replay the log instead"
    return Refusal("evidence-size", detail, value=credential)


def _by_submission(connection: Connection, positions: list[int]) -> list[tuple[int, list[int]]]:
    found: list[tuple[int, list[int]]] = []
    end = 0
    for position in positions:
        if position >= end:
            header = last_before(connection, position)
            assert header is not None  # noqa: S101  # a table row lies within a submission
            end = header.position + 1 + header.events
            found.append((header.position, []))
        found[-1][1].append(position)
    return found


class _Tables:
    """The streams of events, as `bearing_on` asks for them."""

    def __init__(self, connection: Connection, credential: str, size: int) -> None:
        self._credential = credential
        self._connection = connection
        self._size = size
        self._read = 0

    def events_of(self, stream: Stream) -> list[Occurred]:
        """Return the events of a stream; raises `Refusal` once they are too many."""
        asked = {"key": stream.name, "size": self._size}
        rows = self._connection.execute(_STREAMS[stream.kind, stream.part], asked).all()
        self._read += len(rows)
        if self._read > MAX_ENTRIES:
            raise too_large(self._credential)
        if stream.kind is Kind.ORGANIZATION and stream.part is Part.ALL:
            return self._of_organization(rows)
        return [_occurred(row) for row in rows]

    def _of_organization(self, rows: Sequence[Row[Any]]) -> list[Occurred]:
        """Return the events of an organization, all as if its sponsor had signed them.

        Its sponsor did sign some, such as the registration, and must be looked up. The organization
        signed the others, and its own stream is being read already.
        """
        state = next((row.state for row in reversed(rows) if row.state), None)
        sponsor = None if state is None else _decode(state).sponsor
        number = None
        if sponsor is not None:
            number = self._connection.execute(_NUMBER, {"key": sponsor}).scalar_one()
        return [Occurred(row.position, BY_NAME[row.event].event, number, {}) for row in rows]


def _occurred(row: Row[Any]) -> Occurred:
    columns = row._mapping  # noqa: SLF001  # SQLAlchemy's name for the row by column
    event = KINDS[row.kind] if "kind" in columns else BY_NAME[row.event].event
    refers = {member: columns[member] for member in TABLE[event].refers}
    return Occurred(row.position, event, row.actor, refers)
