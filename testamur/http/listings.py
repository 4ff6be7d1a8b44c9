"""What a registry lists of an organization, page by page: its submissions, and its history.

A listing is the registry's word. What it leaves out is found by a replay of the log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Final, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Meta

from testamur.catalogue.members import Did, KeyUse, Multikey, Position, Range
from testamur.errors import Unavailable
from testamur.rules.reach import Reach

MAX_LINES: Final = 1000
"""Submissions on a page."""
MAX_PAGES: Final = 500
"""So many pages a reader holds in memory, 400 bytes a line; a longer list is read from the log."""

_CURSOR: Final = re.compile(r"[!-~]{1,64}")


class SubmissionLine(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """A submission: its header is entry `position`, its events the `events` entries after it.

    `counts` says whether it counts as of the size that was asked for.
    """

    position: Position
    events: int
    jti: Annotated[str, Meta(max_length=36)]
    key: Multikey
    recorded_at: Annotated[str, Meta(max_length=40)]
    counts: bool

    @property
    def end(self) -> int:
        """The position after its last entry."""
        return self.position + 1 + self.events


class HistoryLine(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """An event about an organization, signed by the organization `by`."""

    event: Annotated[str, Meta(max_length=100)]
    position: Position
    recorded_at: Annotated[str, Meta(max_length=40)]
    by: Did
    counts: bool
    successor: Did | None = None


class DeclaredLine(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """A declaration at `position` by the key `by`: compromised since, but for the kept ranges.

    `reach` is what its submission changed about the counting of earlier ones.
    """

    by: Multikey
    position: Position
    since: Position
    kept: tuple[Range, ...] = ()
    reach: Reach | None = None


class KeyLine(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """A key of an organization, and what was said about it that counts.

    It was listed at position `listed` by the key `lister`, and may have been retired at `retired`.
    Signing keys have no rank; that of the founding key is 0.
    """

    key: Multikey
    use: KeyUse
    listed: Position
    lister: Multikey
    in_force: bool
    rank: int | None = None
    retired: Position | None = None
    compromised: tuple[DeclaredLine, ...] = ()


_Line = TypeVar("_Line", bound=SubmissionLine | HistoryLine | KeyLine)


class _Page(msgspec.Struct, Generic[_Line], frozen=True):
    size: int
    items: Annotated[tuple[_Line, ...], Meta(max_length=MAX_LINES)]
    next: str | None = None


Ask = Callable[[dict[str, str | int]], bytes]
"""Return the page with these parameters."""


def submission_lines(
    ask: Ask, *, key: str | None, after: int, size: int | None
) -> Iterator[SubmissionLine]:
    """Yield the submissions after position `after`, in log order, all as of one size.

    Without `size` it is the one that the registry's answers have reached.
    Raises `Unavailable` for an answer of another form, or one without end.
    """
    choice: dict[str, str | int] = {} if key is None else {"key": key}
    return _in_order(_lines(ask, _Page[SubmissionLine], choice, after, size), after)


def history_lines(ask: Ask, *, size: int | None) -> Iterator[HistoryLine]:
    """Yield what was said about an organization, in log order; as `submission_lines`."""
    return _in_order(_lines(ask, _Page[HistoryLine], {}, -1, size), -1)


def key_lines(ask: Ask, *, size: int | None) -> Iterator[KeyLine]:
    """Yield the keys of an organization, as the registry orders them; as `submission_lines`."""
    return _lines(ask, _Page[KeyLine], {}, -1, size)


_Placed = TypeVar("_Placed", SubmissionLine, HistoryLine)


def _in_order(lines: Iterable[_Placed], after: int) -> Iterator[_Placed]:
    last = after
    for line in lines:
        if line.position <= last:
            raise Unavailable("the registry lists something out of its order")
        last = line.position
        yield line


def _lines(
    ask: Ask, kind: type[_Page[_Line]], choice: dict[str, str | int], after: int, size: int | None
) -> Iterator[_Line]:
    chosen: dict[str, str | int] = {"limit": MAX_LINES, **choice}
    chosen |= {} if after < 0 else {"after": after}
    place: dict[str, str | int] = {} if size is None else {"size": size}
    for _ in range(MAX_PAGES):
        page = _decoded(ask(chosen | place), kind)
        yield from page.items
        if page.next is None:
            return
        # Where the next page begins; its address is not the registry's to choose.
        place = {"cursor": _cursor(page.next), "size": page.size}
    raise Unavailable(f"the registry lists more than {MAX_PAGES} pages; read the log itself")


def _cursor(address: str) -> str:
    try:
        found = parse_qs(urlsplit(address).query).get("cursor", [])
    except ValueError:  # brackets that hold no address, or too many members
        found = []
    if len(found) != 1 or not _CURSOR.fullmatch(found[0]):
        raise Unavailable("the registry names no next page that can be asked for")
    return found[0]


def _decoded(answer: bytes, kind: type[_Page[_Line]]) -> _Page[_Line]:
    try:
        return msgspec.json.decode(answer, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Unavailable(f"the registry answered in an unknown form: {error}") from None
