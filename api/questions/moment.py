"""As of when a question is asked, and which page of a list: the parameters all questions share.

A moment is a tree size: by number, or by a time on the register's own clock, which is turned into
the size the log had then. Whether the log has come that far is not looked at here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Query

from api.http.problems import Problem
from projections.page import MAX_PAGE

DID: Final = r"^did:[a-z0-9]{1,32}:[A-Za-z0-9._:%-]{1,200}$"
UUID: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
FORMS: Final = {
    DID: "is not a DID such as did:web:university.example",
    UUID: "is not an id such as 019aa5f0-5c00-7000-8000-000000000001",
}
"""What is wrong with a text that does not match one of these."""
_MAX_SIZE: Final = 2**53 - 1
_NO_TIME: Final = "at is an RFC 3339 time from 1970 on, such as 2026-11-21T10:00:00Z"
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


class Asked(NamedTuple):
    """What a request says of the moment it asks about."""

    size: int | None
    time: int | None


class Turned(NamedTuple):
    """Which page of a list is asked for."""

    cursor: int | None
    limit: int

    @property
    def options(self) -> dict[str, int]:
        """The arguments of a projection's list."""
        return {"limit": self.limit} | ({} if self.cursor is None else {"after": self.cursor})


async def asked(
    size: Annotated[
        int | None,
        Query(
            ge=0,
            le=_MAX_SIZE,
            description="Answer as of this tree size; not with `at`.",
            examples=[4096],
        ),
    ] = None,
    at: Annotated[
        str | None,
        Query(
            max_length=40,
            description="Answer as of this time (RFC 3339), by the register's own clock; not with "
            "`size`.",
            examples=["2026-11-21T10:00:00Z"],
            json_schema_extra={"format": "date-time"},
        ),
    ] = None,
) -> Asked:
    """Return the moment a request asks about; raises a 422 `Problem` for a time that is none."""
    if size is not None and at is not None:
        raise Problem(422, "parameter", "size and at both say as of when; give one", value=at)
    return Asked(size, None if at is None else parse_moment(at))


async def turned(
    cursor: Annotated[
        int | None, Query(ge=0, le=_MAX_SIZE, description="From `next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Items on a page.")] = 100,
) -> Turned:
    """Return which page a request asks for."""
    return Turned(cursor, limit)


def parse_moment(text: str) -> int:
    """Return RFC 3339 `text` in Unix milliseconds; raises a 422 `Problem`."""
    # A plus sign that was not percent-encoded arrives as a space.
    spelt = text.replace(" ", "+")
    if _TIME.fullmatch(spelt):
        try:
            milliseconds = int(datetime.fromisoformat(spelt).astimezone(UTC).timestamp() * 1000)
        except (ValueError, OverflowError):
            milliseconds = -1
        if milliseconds >= 0:
            return milliseconds
    raise Problem(422, "time", _NO_TIME, value=text)


When = Annotated[Asked, Depends(asked)]
PageOf = Annotated[Turned, Depends(turned)]
