"""As of when a question is asked, and which page of a list: the parameters all questions share.

A moment is a tree size, or a time on the register's own clock, which stands for the size that the
log had then. Whether the log has reached it is not checked here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple
from urllib.parse import quote, urlencode

from fastapi import Depends, Query, Request

from api.http.problems import Problem
from projections.page import MAX_PAGE

DID: Final = r"^did:key:z[1-9A-HJ-NP-Za-km-z]{40,64}$"
MULTIKEY: Final = r"^z[1-9A-HJ-NP-Za-km-z]{40,64}$"
UUID: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
FORMS: Final = {
    DID: "is not an organization's DID, the did:key of its founding key: did:key:z6Mk...",
    MULTIKEY: "is not a public Multikey such as z6Mk...",
    UUID: "is not an id such as 019aa5f0-5c00-7000-8000-000000000001",
}
"""What is wrong with a text that does not match one of these."""
_PLACE: Final = frozenset({"at", "cursor", "limit", "size"})
_MAX_SIZE: Final = 2**53 - 1
_NO_TIME: Final = "at is an RFC 3339 time from 1970 on, such as 2026-11-21T10:00:00Z"
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


class Moment(NamedTuple):
    """The moment a request asks about: a tree size, a time in Unix milliseconds, or now."""

    size: int | None
    time: int | None


NOW: Final = Moment(None, None)


class PageRequest(NamedTuple):
    """Which page of a list a request asks for, at the address `path` with `choice` as its query.

    `choice` holds what selects items, such as `flagged=true`; it is the same on every page.
    """

    cursor: int | None
    limit: int
    path: str
    choice: dict[str, str]

    @property
    def options(self) -> dict[str, int]:
        """The arguments of a projection's list."""
        return {"limit": self.limit} | ({} if self.cursor is None else {"after": self.cursor})

    def following(self, cursor: int, size: int) -> str:
        """Return the address of the page from `cursor` on, as of the same `size`."""
        query = {"cursor": cursor, "limit": self.limit, "size": size, **self.choice}
        return f"{quote(self.path, safe='/:')}?{urlencode(query)}"


async def moment_asked(
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
) -> Moment:
    """Return the moment a request asks about; raises a 422 `Problem` for a malformed time."""
    if size is not None and at is not None:
        raise Problem(422, "parameter", "size and at exclude each other; give one", value=at)
    return Moment(size, None if at is None else parse_moment(at))


async def page_asked(
    request: Request,
    cursor: Annotated[
        int | None, Query(ge=0, le=_MAX_SIZE, description="From `next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Items on a page.")] = 100,
) -> PageRequest:
    """Return which page a request asks for."""
    choice = {k: v for k, v in request.query_params.items() if k not in _PLACE}
    return PageRequest(cursor, limit, request.url.path, choice)


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


When = Annotated[Moment, Depends(moment_asked)]
PageOf = Annotated[PageRequest, Depends(page_asked)]
