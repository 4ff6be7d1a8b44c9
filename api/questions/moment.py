"""As of when a question is asked, and which page of a list: the parameters all questions share.

A moment is a tree size, or a time on the register's own clock, which stands for the size that the
log had then. Whether the log has reached it is not checked here.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple, TypeGuard
from urllib.parse import quote, urlencode

from fastapi import Depends, Query, Request

from api.http.endings import ending_of
from api.http.negotiation import media_type_taken
from api.http.problems import Problem
from api.questions.table import CSV
from api.web.policy import HTML
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
_CURSOR: Final = re.compile(r"([0-9]{1,16})-([A-Za-z0-9_-]{8})")
_SIZE: Final = re.compile(r"[0-9]{1,16}")
_CURSOR_FORM: Final = (
    "a cursor is good for the list that named it in `next`, as of the same size and with the same "
    "filters; take that address as it is"
)
MAX_SIZE: Final = 2**53 - 1
MAX_SHOWN: Final = 50
"""Items on a page for people, whom ten times as many would be no use and a long wait."""
_FORMS: Final = ("application/json", CSV, HTML)
_NO_TIME: Final = "is an RFC 3339 time from 1970 on, such as 2026-11-21T10:00:00Z"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
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

    `cursor` is where the page before ended. `choice` holds the filters, which are the same on
    every page, as is the `ending` that names the form of the answer.
    """

    cursor: int | None
    limit: int
    path: str
    choice: tuple[tuple[str, str], ...]
    ending: str = ""

    def options(self, start: int = 0) -> dict[str, int]:
        """Return the arguments of a projection's list, which begins after the cursor `start`."""
        return {"limit": self.limit, "after": start if self.cursor is None else self.cursor}

    def following(self, cursor: int, size: int) -> str:
        """Return the address of the page from `cursor` on, as of the same `size`."""
        bound = f"{cursor}-{_bond(self.path, self.choice, size)}"
        query = [("cursor", bound), ("limit", self.limit), ("size", size), *self.choice]
        return f"{quote(self.path, safe='/:')}{self.ending}?{urlencode(query, safe=':')}"


def _bond(path: str, choice: Iterable[tuple[str, str]], size: int) -> str:
    """Return what binds a cursor to its list. Anybody can make one: it stops mistakes alone."""
    text = "\n".join((path, str(size), urlencode(sorted(choice))))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:6]).decode()


async def moment_asked(
    size: Annotated[
        int | None,
        Query(
            ge=0,
            le=MAX_SIZE,
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
        str | None,
        Query(
            max_length=32,
            description="Where the page before ended, from its `next`, whose other parameters go "
            "with it.",
            examples=["4096-Zm9vYmFy"],
        ),
    ] = None,
    limit: Annotated[
        int,
        Query(
            ge=1,
            le=MAX_PAGE,
            description=f"Items on a page, at most; in HTML {MAX_SHOWN} at most.",
            examples=[100],
        ),
    ] = 100,
) -> PageRequest:
    """Return which page a request asks for; raises a 422 `Problem` for another list's cursor."""
    query = request.query_params
    if media_type_taken(request.scope["headers"], _FORMS) == HTML:
        limit = min(limit, MAX_SHOWN)
    choice = tuple((name, value) for name, value in query.multi_items() if name not in _PLACE)
    path, ending = request.url.path, ending_of(request.scope)
    if cursor is None:
        return PageRequest(None, limit, path, choice, ending)
    found, size = _CURSOR.fullmatch(cursor), query.get("size", "")
    if found is None or not _SIZE.fullmatch(size) or found[2] != _bond(path, choice, int(size)):
        raise Problem(422, "cursor", _CURSOR_FORM, value=cursor)
    return PageRequest(int(found[1]), limit, path, choice, ending)


def parse_day_or_time(name: str, text: str, *, end: bool) -> int:
    """Return the Unix milliseconds of RFC 3339 `text`, or of the beginning or end of a UTC day.

    Raises a 422 `Problem` that names the parameter.
    """
    if not _DAY.fullmatch(text):
        return parse_moment(text, name)
    first = parse_moment(f"{text}T00:00:00Z", name)
    return first + 86_400_000 - 1 if end else first


def parse_moment(text: str, name: str = "at") -> int:
    """Return RFC 3339 `text` in Unix milliseconds; raises a 422 `Problem` that names `name`."""
    # A plus sign that was not percent-encoded arrives as a space.
    spelt = text.replace(" ", "+")
    if _TIME.fullmatch(spelt):
        try:
            milliseconds = int(datetime.fromisoformat(spelt).astimezone(UTC).timestamp() * 1000)
        except (ValueError, OverflowError):
            milliseconds = -1
        if milliseconds >= 0:
            return milliseconds
    raise Problem(422, "time", f"{name} {_NO_TIME}", value=text)


def is_did(text: str | None) -> TypeGuard[str]:
    """Return whether `text` is the DID of an organization."""
    return text is not None and re.match(DID, text) is not None


When = Annotated[Moment, Depends(moment_asked)]
PageOf = Annotated[PageRequest, Depends(page_asked)]
