"""Which entries bear on a credential: what a verifier must see to reach the verdict alone.

Folding these entries with the rules, from the genesis on, gives the same status, flags and
register of those involved as folding the whole log. It is only a list of positions: the
entries and their proofs are the log's, and nothing shows that the list leaves nothing out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import BindParameter, Connection, Row, Select, Table, bindparam, select

from projections.accreditations import ACCREDITATIONS, RECOGNITIONS
from projections.achievements import ACHIEVEMENTS
from projections.credentials import CREDENTIALS
from projections.organizations import DIDS, ORGANIZATIONS
from projections.submissions import SUBMISSIONS, last_before, submission_before
from projections.tables import uuid_bytes
from testamur.errors import Refusal
from testamur.rules.register import Organization
from testamur.verification.evidence import MAX_EVENTS, MAX_SUBMISSIONS

MAX_ENTRIES: Final = 10_000
"""Events that evidence may need; a credential with more behind it is judged by a replay.

With their proofs more of them would hardly fit into a file that a verifier reads.
"""

_decode: Final = msgspec.json.Decoder(Organization).decode
_KEY: Final[BindParameter[Any]] = bindparam("key")
_SIZE: Final[BindParameter[Any]] = bindparam("size")


def _stream(table: Table, name: str, *columns: str) -> Select[Any]:
    """Return the query for the stream that the event at position `:key` began."""
    began = table.alias()
    stream = select(began.c[name]).where(began.c.position == _KEY).scalar_subquery()
    return select(table.c.position, *(table.c[column] for column in columns)).where(
        table.c[name] == stream, table.c.position < _SIZE
    )


_CREDENTIAL: Final = (
    select(
        CREDENTIALS.c.position,
        CREDENTIALS.c.version,
        CREDENTIALS.c.achievement,
        CREDENTIALS.c.accreditation,
        CREDENTIALS.c.successor,
        SUBMISSIONS.c.issuer,
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
_ACHIEVEMENT: Final = _stream(ACHIEVEMENTS, "achievement", "provider")
_ACCREDITATION: Final = _stream(ACCREDITATIONS, "accreditation", "accreditor", "provider")
_granted: Final = RECOGNITIONS.alias()
_RECOGNITIONS: Final = select(RECOGNITIONS.c.position, RECOGNITIONS.c.authority).where(
    RECOGNITIONS.c.recognition.in_(
        select(_granted.c.recognition).where(_granted.c.accreditor == _KEY)
    ),
    RECOGNITIONS.c.position < _SIZE,
)
_ORGANIZATION: Final = select(ORGANIZATIONS.c.position, ORGANIZATIONS.c.state).where(
    ORGANIZATIONS.c.number == _KEY, ORGANIZATIONS.c.position < _SIZE
)
_NUMBER: Final = select(DIDS.c.number).where(DIDS.c.did == _KEY)


def evidence_positions(
    connection: Connection, credential: str, size: int
) -> list[tuple[int, list[int]]]:
    """Return (header position, its event positions), in log order, that bear on a credential.

    They are all events, before `size`, of the credential, its issuer and its achievement; of the
    accreditation it claims and the accreditor; of every recognition of that accreditor and the
    authorities; the issuance that superseded it, with what that builds on; and of whoever
    brought any of these organizations in, up to the genesis. Empty if it was not issued by then.
    Raises `Refusal` (rule `evidence-size`) when they are more than evidence may hold.
    """
    bearing = _Bearing(connection, credential, size)
    bearing.credential(uuid_bytes(credential))
    if not bearing.positions:
        return []
    bearing.organizations()
    bearing.positions.add(1)  # the genesis seats the authorities that everything hangs from
    found = _by_submission(connection, sorted(bearing.positions))
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


class _Bearing:
    """The positions found so far, and the organizations whose streams are still to be read."""

    def __init__(self, connection: Connection, credential: str, size: int) -> None:
        self.positions: set[int] = set()
        self._name = credential
        self._connection = connection
        self._size = size
        self._organizations: set[int] = set()
        self._seen: set[tuple[str, int]] = set()

    def credential(self, key: bytes | None) -> None:
        """Add a credential's stream, and the issuance of each credential that superseded it."""
        rows = self._rows(_CREDENTIAL, key)
        self._issuance(rows[:1])
        for row in rows:
            if row.successor is not None:
                self._issuance(self._rows(_CREDENTIAL, row.successor, keep=1))

    def organizations(self) -> None:
        """Add the streams of all organizations met, and of those who brought them in."""
        waiting = sorted(self._organizations)
        while waiting:
            state = None
            for row in self._rows(_ORGANIZATION, waiting.pop()):
                state = row.state or state
            sponsor = _decode(state).sponsor if state else None
            if sponsor is not None:
                number = self._connection.execute(_NUMBER, {"key": sponsor}).scalar_one()
                if number not in self._organizations:
                    self._organizations.add(number)
                    waiting.append(number)

    def _issuance(self, rows: Sequence[Row[Any]]) -> None:
        for row in rows:
            self._organizations.add(row.issuer)
            self._achievement(row.achievement)
            if row.accreditation is not None:
                self._accreditation(row.accreditation)

    def _achievement(self, defined: int) -> None:
        if self._first_time("achievement", defined):
            self._rows(_ACHIEVEMENT, defined)

    def _accreditation(self, granted: int) -> None:
        if not self._first_time("accreditation", granted):
            return
        for row in self._rows(_ACCREDITATION, granted):
            if row.accreditor is not None:
                self._organizations |= {row.accreditor, row.provider}
                self._recognitions(row.accreditor)

    def _recognitions(self, accreditor: int) -> None:
        if self._first_time("recognitions", accreditor):
            for row in self._rows(_RECOGNITIONS, accreditor):
                if row.authority is not None:
                    self._organizations.add(row.authority)

    def _first_time(self, what: str, name: int) -> bool:
        fresh = (what, name) not in self._seen
        self._seen.add((what, name))
        return fresh

    def _rows(
        self, statement: Select[Any], key: object, *, keep: int | None = None
    ) -> Sequence[Row[Any]]:
        """Return the rows of a stream (the first `keep`), having added their positions."""
        asked = {"key": key, "size": self._size}
        rows = self._connection.execute(statement, asked).all()[:keep]
        self.positions.update(row.position for row in rows)
        if len(self.positions) > MAX_ENTRIES:
            raise too_large(self._name)
        return rows
