"""How much was issued, ended and flagged: running totals by provider, accreditation, achievement.

A counter counts one thing about one subject, in the submissions of one key. Its total grows by a
row for each submission that adds to it, counting or not. What counts is a difference of two rows
(`counted.py`), so a declaration of compromise changes none, and there are no totals of states.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Final, NamedTuple

from sqlalchemy import Column, Connection, Index, SmallInteger, Table, insert, select

from projections.tables import METADATA, NUMBER, POSITION, TEXT, Known, Rows
from testamur.catalogue import events as e
from testamur.rules.flags import Flag, Flags
from testamur.verification.replay import ReplayedSubmission

COUNTERS: Final = Table(
    "counters",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("of", SmallInteger, nullable=False),  # an `Of`
    # The number of a provider, or where an accreditation or achievement was first written.
    Column("thing", POSITION, nullable=False),
    Column("what", SmallInteger, nullable=False),
    Column("signer", NUMBER, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("first", POSITION, nullable=False),  # the first header that it counts in
)
Index("counter_of", COUNTERS.c.of, COUNTERS.c.thing, COUNTERS.c.what, COUNTERS.c.number)

COUNTS: Final = Table(
    "counts",
    METADATA,
    Column("counter", NUMBER, primary_key=True, autoincrement=False),
    Column("position", POSITION, primary_key=True, autoincrement=False),  # of a header
    Column("total", POSITION, nullable=False),  # with that submission
    sqlite_with_rowid=False,
)

_INTO_COUNTERS: Final = insert(COUNTERS)
_INTO_COUNTS: Final = insert(COUNTS)


class Of(IntEnum):
    """The kinds of subjects that are counted for."""

    PROVIDER = 0
    ACCREDITATION = 1
    ACHIEVEMENT = 2


class What(IntEnum):
    """What is counted: events about credentials, by what they do."""

    ISSUED = 0
    REVOKED = 1
    SUPERSEDED = 2
    SUSPENDED = 3
    REINSTATED = 4
    FLAGGED = 5


_STATUS: Final[dict[type[e.CredentialStatusEvent], int]] = {
    e.CredentialRevoked: What.REVOKED,
    e.CredentialSuperseded: What.SUPERSEDED,
    e.CredentialSuspended: What.SUSPENDED,
    e.CredentialReinstated: What.REINSTATED,
}
_FLAGS: Final = 16  # from here on, issuances with one flag: this and the place of its bit


class Award(NamedTuple):
    """What a credential is counted for, by the numbers that rows use."""

    provider: int
    achievement: int
    accreditation: int | None


class Tally(NamedTuple):
    """What tells one counter from the others: subject, what is counted, and whose key signed it."""

    of: Of
    thing: int
    what: int
    signer: int
    key: str


def of_flag(flag: Flag) -> int:
    """Return what counts the issuances with a flag."""
    return _FLAGS + list(Flag).index(flag)


def fold(
    submission: ReplayedSubmission, known: Known, rows: Rows, awarded: Callable[[str], Award]
) -> None:
    """Add to the totals what a submission says of credentials.

    `awarded` returns what a credential was issued for that an earlier event wrote, or this one.
    """
    issuer, key = known.organizations[submission.header.payload.iss], submission.header.key_id
    added: defaultdict[tuple[Of, int, int], int] = defaultdict(int)
    issued: defaultdict[tuple[str, str | None, Flags], int] = defaultdict(int)
    for event, admitted in zip(submission.events, submission.admitted, strict=True):
        if type(event) is e.CredentialIssued:
            issued[event.achievement, event.accreditation, admitted.flags] += 1
            continue
        if isinstance(event, e.CredentialStatusEvent):
            for of, thing in _subjects(awarded(event.credential)):
                added[of, thing, _STATUS[type(event)]] += 1
    for (achievement, accreditation, flags), count in issued.items():
        award = Award(
            issuer,
            known.achievements[achievement],
            known.accreditations.get(accreditation or ""),
        )
        for of, thing in _subjects(award):
            added[of, thing, What.ISSUED] += count
            if flags:
                added[of, thing, What.FLAGGED] += count
        for flag in flags:
            added[Of.PROVIDER, issuer, of_flag(flag)] += count
    for (of, thing, what), count in sorted(added.items()):
        _add(Tally(of, thing, what, issuer, key), count, submission.position, known, rows)


def _subjects(award: Award) -> Iterator[tuple[Of, int]]:
    yield Of.PROVIDER, award.provider
    yield Of.ACHIEVEMENT, award.achievement
    if award.accreditation is not None:
        yield Of.ACCREDITATION, award.accreditation


def _add(tally: Tally, count: int, position: int, known: Known, rows: Rows) -> None:
    counter, total = known.tallies.get(tally) or (len(known.tallies), 0)
    if total == 0:
        named = {**tally._asdict(), "of": int(tally.of), "what": int(tally.what)}
        rows[_INTO_COUNTERS].append({**named, "number": counter, "first": position})
    known.tallies[tally] = counter, total + count
    rows[_INTO_COUNTS].append({"counter": counter, "position": position, "total": total + count})


_latest: Final = (
    select(COUNTS.c.total)
    .where(COUNTS.c.counter == COUNTERS.c.number)
    .order_by(COUNTS.c.position.desc())
    .limit(1)
    .scalar_subquery()
)
_NEWEST: Final = select(COUNTERS, _latest.label("total"))


def newest(connection: Connection) -> dict[tuple[int, int, int, int, str], tuple[int, int]]:
    """Return the number of every counter, and its total with all its submissions."""
    return {
        Tally(Of(row.of), row.thing, row.what, row.signer, row.key): (row.number, row.total)
        for row in connection.execute(_NEWEST)
    }
