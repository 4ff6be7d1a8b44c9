"""Lists, page after page, and those of one organization or achievement by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from projections import accreditations, achievements, credentials, submissions
from projections.accreditations import GrantAt
from projections.achievements import AchievementAt
from projections.credential_lists import Chosen
from projections.credentials import CredentialLine
from projections.dids import number_of
from projections.marks import party_mark
from projections.page import Page
from projections.submissions import SubmissionAt
from testamur.catalogue.table import Kind


def all_pages(turn: Callable[[Any, int], Page[Any]], start: int, limit: int) -> list[Any]:
    """Return the items of every page of a list, turned by its cursors."""
    found: list[Any] = []
    after: int | None = start
    while after is not None:
        page = turn(after, limit)
        found += page.items
        after = page.next
    return found


def credentials_of(
    connection: Connection, did: str, size: int, *, flagged: bool = False, **page: Any
) -> Page[CredentialLine]:
    """Return what an organization issued."""
    chosen = Chosen(provider=_number(connection, did, size), flagged=flagged)
    return credentials.credentials(connection, chosen, size, **page)


def credentials_for(
    connection: Connection, achievement: str, size: int, *, flagged: bool = False, **page: Any
) -> Page[CredentialLine]:
    """Return what was issued for an achievement."""
    chosen = Chosen(achievement=achievement, flagged=flagged)
    return credentials.credentials(connection, chosen, size, **page)


def submissions_of(
    connection: Connection, did: str, size: int, *, key: str | None = None, **page: Any
) -> Page[SubmissionAt]:
    """Return what an organization submitted, or one of its keys."""
    issuer = _number(connection, did, size)
    return submissions.submissions(connection, size, issuer=issuer, key=key, **page)


def achievements_of(
    connection: Connection, did: str, size: int, **page: Any
) -> Page[AchievementAt]:
    """Return what an organization defined."""
    marks = [party_mark("by", _number(connection, did, size))]
    return achievements.achievements(connection, size, marks=marks, **page)


def granted_by(
    connection: Connection, kind: Kind, did: str, size: int, **page: Any
) -> Page[GrantAt]:
    """Return what an organization granted."""
    marks = [party_mark("by", _number(connection, did, size))]
    return accreditations.granted(connection, kind, size, marks=marks, **page)


def _number(connection: Connection, did: str, size: int) -> int:
    number = number_of(connection, did, size)
    return -1 if number is None else number
