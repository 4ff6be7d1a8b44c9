"""What lists are searched by: names, identifiers, flags, roles, and who granted what to whom.

Achievements are found by what their definitions state, too (`described.py`).

A row says that an event at a position gave a thing a mark. What organizations, achievements and
grants are found by never goes away: an organization is found by a name that it gave up, and by one
that a thief gave it, since a row is never changed and whether it counts is asked later. A thing is
its number in its list: that of an organization, or the position where an achievement or a grant
was first written. Submissions are marked too, by the flags in them and by the accreditors under
whose accreditations they issue: so there is no row for a credential.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from sqlalchemy import Column, Connection, SmallInteger, Table, bindparam, insert, select

from projections.described import described
from projections.page import Stretch
from projections.tables import METADATA, POSITION, TEXT, Known, Rows
from projections.words import beginnings, words
from testamur.catalogue import events as e
from testamur.catalogue.table import Kind, row_of, subject_of
from testamur.rules.flags import Flag
from testamur.verification.replay import ReplayedSubmission

MARKS: Final = Table(
    "marks",
    METADATA,
    Column("list", SmallInteger, primary_key=True, autoincrement=False),
    Column("mark", TEXT, primary_key=True),
    Column("thing", POSITION, primary_key=True, autoincrement=False),
    Column("position", POSITION, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
_INTO_MARKS: Final = insert(MARKS)

EXAMINED: Final = 2_000
"""Things with a mark that are looked at for one page, to find those with all marks asked for."""


class List(IntEnum):
    """The lists whose things have marks."""

    ORGANIZATIONS = 0
    ACHIEVEMENTS = 1
    ACCREDITATIONS = 2
    RECOGNITIONS = 3
    SUBMISSIONS = 4


class Found(NamedTuple):
    """Things of a list, in its order; from `next` on there may be more."""

    things: list[int]
    next: int | None


# --- Marks ---


def flag_mark(flag: Flag) -> str:
    """Return the mark of what an event with that flag is about."""
    return f"flag {flag}"


def identifier_mark(scheme: str, value: str) -> str:
    """Return the mark of an organization that states an identifier, in its one spelling."""
    return f"identifier {scheme} {value}"


def role_mark(role: str) -> str:
    """Return the mark of an organization that was registered with a role."""
    return f"role {role}"


def party_mark(party: str, number: int) -> str:
    """Return the mark of what an organization, by number, granted, was granted, or defined."""
    return f"{party} {number}"


def word_marks(text: str) -> list[str]:
    """Return the marks of what has every word of `text` in one of its names; long words first."""
    return [f"word {word}" for word in sorted(words(text), key=len, reverse=True)]


# --- Fold ---


def fold(submission: ReplayedSubmission, known: Known, rows: Rows) -> None:
    """Add the marks that the events of a submission give."""
    judged = zip(submission.events, submission.admitted, strict=True)
    for position, (event, admitted) in enumerate(judged, start=submission.position + 1):
        for where, thing, marks in _given(event, submission.header.payload.iss, known):
            given = dict.fromkeys((*marks, *map(flag_mark, admitted.flags)))
            rows[_INTO_MARKS] += (
                {"list": int(where), "mark": mark, "thing": thing, "position": position}
                for mark in given
            )
    fold_issuances(submission, known, rows)


def fold_issuances(submission: ReplayedSubmission, known: Known, rows: Rows) -> None:
    """Add the marks of the submission itself."""
    marks = {
        flag_mark(flag)
        for flags in {admitted.flags for admitted in submission.admitted}
        for flag in flags
    }
    claimed = {
        event.accreditation for event in submission.events if type(event) is e.CredentialIssued
    }
    for id_ in claimed:
        granted = known.register.accreditations.get(id_ or "")
        if granted is not None:
            marks.add(party_mark("by", known.organizations[granted.owner]))
    at = {"list": int(List.SUBMISSIONS), "thing": submission.position}
    rows[_INTO_MARKS] += (
        {**at, "mark": mark, "position": submission.position} for mark in sorted(marks)
    )


def _given(event: e.Event, signer: str, known: Known) -> Iterator[tuple[List, int, Iterable[str]]]:
    """Yield what an event gives marks to, and which; a credential is found by its submission."""
    if isinstance(event, e.LogOpened):
        for each in event.authorities:
            yield from _given(each, signer, known)
        return
    row, name = row_of(event), subject_of(event, signer)
    if row.kind is Kind.CREDENTIAL:
        return
    marks = list(_stated(event))
    if isinstance(event, e.AchievementDefined | e.AchievementRevised):
        marks += described(event.definition, _names(signer, known))
    if row.creates:
        marks.append(party_mark("by", known.organizations[signer]))
        marks += (
            party_mark("to", known.organizations[getattr(event, member)])
            for member, kind in row.refers.items()
            if kind is Kind.ORGANIZATION
        )
    where, numbers = {
        Kind.ORGANIZATION: (List.ORGANIZATIONS, known.organizations),
        Kind.ACHIEVEMENT: (List.ACHIEVEMENTS, known.achievements),
        Kind.ACCREDITATION: (List.ACCREDITATIONS, known.accreditations),
        Kind.RECOGNITION: (List.RECOGNITIONS, known.recognitions),
    }[row.kind.stream]
    yield where, numbers[name], marks


def _names(did: str, known: Known) -> Iterator[str]:
    """Yield what an organization ever called itself."""
    organization = known.register.organizations[did]
    yield organization.registration.name
    for said in organization.said:
        if isinstance(said.event, e.OrganizationUpdated):
            yield said.event.name


def _stated(event: e.Event) -> Iterator[str]:
    """Yield the marks for the names, identifiers and roles that an event states."""
    definition = getattr(event, "definition", None)
    names = (getattr(event if definition is None else definition, "name", None),)
    others = getattr(event, "other_names", None) or ()
    yield from (f"word {each}" for each in beginnings(filter(None, (*names, *others))))
    for each in getattr(event, "identifiers", None) or ():
        yield identifier_mark(each.scheme, each.value)
    yield from map(role_mark, getattr(event, "roles", ()))


# --- Questions ---

_MARKED: Final = (
    select(MARKS.c.thing)
    .distinct()
    .where(
        MARKS.c.list == bindparam("list"),
        MARKS.c.mark == bindparam("mark"),
        MARKS.c.thing > bindparam("after"),
        MARKS.c.thing < bindparam("before"),
        MARKS.c.position < bindparam("size"),
    )
    .order_by(MARKS.c.thing)
    .limit(bindparam("limit"))
)
_ALSO_MARKED: Final = (
    select(MARKS.c.thing)
    .distinct()
    .where(
        MARKS.c.list == bindparam("list"),
        MARKS.c.mark == bindparam("mark"),
        MARKS.c.thing.in_(bindparam("things", expanding=True)),
        MARKS.c.position < bindparam("size"),
    )
)
_CHUNK: Final = 500  # things in one query


def marked(
    connection: Connection,
    where: List,
    marks: Sequence[str],
    size: int,
    *,
    after: int,
    before: int,
    limit: int,
) -> Found:
    """Return up to `limit` things between two numbers that had all `marks` before `size`.

    The first mark should be the rarest: of the things that have it a bounded number is looked at,
    so a page may hold few things, or none, and yet not be the last.
    """
    first, *others = marks
    asked = {"list": int(where), "size": size, "after": after, "before": before}
    candidates = list(connection.scalars(_MARKED, {**asked, "mark": first, "limit": EXAMINED + 1}))
    more = len(candidates) > EXAMINED
    candidates = candidates[:EXAMINED]
    found: list[int] = []
    for start in range(0, len(candidates), _CHUNK):
        things = candidates[start : start + _CHUNK]
        for mark in others:
            things = things and _also(connection, {**asked, "mark": mark}, things)
        found += things
        if len(found) > limit:
            return Found(found[:limit], found[limit - 1])
    return Found(found, candidates[-1] if more else None)


def marked_within(
    connection: Connection,
    where: List,
    marks: Sequence[str],
    size: int,
    *,
    after: int,
    limit: int,
    within: Stretch,
) -> Found:
    """Return the same for a list whose things are positions, those in a stretch of the log."""
    after, before = max(after, within.first - 1), min(size, within.end)
    return marked(connection, where, marks, size, after=after, before=before, limit=limit)


def _also(connection: Connection, asked: dict[str, object], things: list[int]) -> list[int]:
    has = set(connection.scalars(_ALSO_MARKED, {**asked, "things": things}))
    return [thing for thing in things if thing in has]
