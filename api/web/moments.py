"""The moment of a page, as its reader chooses it: forms that need no script, and where they lead.

What is typed there goes to `PATH`, which leads to the page itself. The address of that then says
the moment in full, so that it can be kept, sent, and asked for in another form. What is wrong with
a moment is told by the page, as it is where somebody wrote the address by hand.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from api.http.problems import Problem
from api.questions.moment import parse_moment

PATH: Final = "/moment"
PAGE: Final = r"^/([!-.0-\[\]-~][!-~]*)?$"
"""The address of a page here: one that began with two slashes would be of another server."""
MAX_ADDRESS: Final = 8_000
_SIZE_OR_TIME: Final = frozenset({"at", "size"})
_OF_A_MOMENT: Final = _SIZE_OR_TIME | {"cursor"}  # a cursor is good for one size
_NUMBER: Final = re.compile(r"[0-9]{1,16}", re.ASCII)
# What a field for a date and a time sends, and what people type where a browser has none.
_TYPED: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,6})?)?", re.ASCII
)


class Moments(NamedTuple):
    """What the forms of a page tell: its address as it is `now`, and the moment asked about.

    `time` is in UTC, as a field takes it, and `size` a number of entries; each is empty if it was
    not asked about, or is none.
    """

    now: str
    time: str
    size: str
    is_asked: bool


def moments_of(address: str) -> Moments:
    """Return what the forms of the page at an address tell.

    The further pages of a list keep the size of the first: nobody asked for that.
    """
    split = urlsplit(address)
    pairs = parse_qsl(split.query, keep_blank_values=True)
    asked = dict(pairs)
    size = asked.get("size", "")
    is_asked = not _SIZE_OR_TIME.isdisjoint(asked) and "cursor" not in asked
    return Moments(
        now=_address(split.path, [pair for pair in pairs if pair[0] not in _OF_A_MOMENT]),
        time=_shown(asked.get("at", "")) if is_asked else "",
        size=size if is_asked and _NUMBER.fullmatch(size) else "",
        is_asked=is_asked,
    )


def address_as_of(page: str, time: str, size: str) -> str:
    """Return the address of a page as of the moment that was typed; of now, if none was."""
    split = urlsplit(page)
    pairs = parse_qsl(split.query, keep_blank_values=True)
    asked = [("at", in_utc(time.strip())), ("size", size.strip())]
    return _address(
        split.path,
        [
            *(pair for pair in pairs if pair[0] not in _OF_A_MOMENT),
            *(pair for pair in asked if pair[1]),
        ],
    )


def in_utc(typed: str) -> str:
    """Return a date and a time without a zone as one in UTC (RFC 3339); anything else as it is."""
    found = _TYPED.fullmatch(typed)
    return typed if found is None else f"{found[1]}T{found[2]}{found[3] or ':00'}Z"


def _shown(at: str) -> str:
    """Return a time (RFC 3339) as a field takes it; nothing for what is none."""
    try:
        found = datetime.fromtimestamp(parse_moment(at) / 1000, UTC)
    except Problem:
        return ""
    exactly = "milliseconds" if found.microsecond else "seconds" if found.second else "minutes"
    return found.replace(tzinfo=None).isoformat(timespec=exactly)


def _address(path: str, query: list[tuple[str, str]]) -> str:
    place = quote(path, safe="/:%")
    return f"{place}?{urlencode(query, safe=':')}" if query else place
