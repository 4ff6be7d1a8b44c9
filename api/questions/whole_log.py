"""The log as a whole: its tree, its files, what was recorded last, and what it signed.

Root and files are those of the tree as of the size asked about, which the signed tree extends. What
was signed changes with every checkpoint, so an answer for an earlier moment does not tell it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Request, Response

from api.http.openapi import problems
from api.log_keys.listed import KeyList, ListedKey
from api.published import Published
from api.questions import links as at
from api.questions.answerer import View
from api.questions.links import Links
from api.questions.moment import NOW, When
from api.questions.question import Asking, Shape, answered, described
from api.questions.submissions import SubmissionLine, submission_line
from api.tiles import ENTRANCE
from projections import keys, submissions
from testamur.tlog.note import parse_note
from testamur.tlog.tiles import (
    WIDTH,
    bundle_path,
    full_tiles,
    partial_width,
    tile_levels,
    tile_path,
)

routes: Final = APIRouter(tags=["log"])

_NEWEST: Final = 8  # submissions


class LogKeyLine(Shape, frozen=True, gc=False, kw_only=True, omit_defaults=False):
    """A key of the log, and the days (UTC, included) on which it signs; null: no such bound."""

    vkey: str
    first_day: date | None
    last_day: date | None


class Signer(Shape, frozen=True, gc=False, kw_only=True):
    """A signature on the checkpoint: the name and key id that it gives, and if it is the log's.

    Any other is of a witness, if the reader's policy knows its key.
    """

    name: str
    id: str
    of_log: bool


class SignedTree(Shape, frozen=True, gc=False, kw_only=True):
    """The newest checkpoint: the `size` and `root` that it states, who signed it, and its `note`.

    `keys` are those of the log, the one that opened it first. A server could name any key, so
    compare them with another source.
    """

    size: int
    root: bytes
    note: str
    signers: tuple[Signer, ...]
    keys: tuple[LogKeyLine, ...]


class TileLevel(Shape, frozen=True, gc=False, kw_only=True):
    """The files at a level of the tree, or the bundles of `entries`.

    So many are `full`; one more holds `partial` of 256 if that is not 0. `newest_file` is the last.
    """

    level: str
    full: int
    partial: int
    newest_file: str


class LogAnswer(Shape, frozen=True, gc=False, kw_only=True):
    """The tree of `size` entries with this `root`, its files, and the `newest` submissions in it.

    `signed` is given where no moment was asked about. Its tree may be larger: it extends this one.
    """

    size: int
    recorded_at: str | None
    origin: str
    root: bytes
    files: tuple[TileLevel, ...]
    newest: tuple[SubmissionLine, ...]
    links: Links
    signed: SignedTree | None = None


SHAPES: Final = (LogAnswer,)


class SignedLog:
    """What a log states of itself: its keys, and its newest checkpoint, which `latest` returns."""

    def __init__(self, listed: KeyList, latest: Callable[[], Published]) -> None:
        self.origin = listed.keys.name
        self._listed = listed
        self._latest = latest

    def signed(self) -> SignedTree:
        """Return the newest checkpoint, as an answer tells it."""
        published = self._latest()
        known = {line.key.key_id for line in self._listed.lines}
        return SignedTree(
            size=published.size,
            root=published.checkpoint.root,
            note=published.note.decode(),
            signers=tuple(
                Signer(name=each.name, id=each.key_id.hex(), of_log=each.key_id in known)
                for each in parse_note(published.note).signatures
            ),
            keys=tuple(map(log_key_line, self._listed.lines)),
        )


def log_key_line(line: ListedKey) -> LogKeyLine:
    """Return a key of the log, as an answer tells it."""
    opened = None if line.first_day == date.min else line.first_day
    return LogKeyLine(vkey=str(line.key), first_day=opened, last_day=line.last_day)


def files(size: int) -> tuple[TileLevel, ...]:
    """Return which files a log of `size` entries consists of, the entries first."""
    if size == 0:
        return ()
    last = (size - 1) // WIDTH
    entries = bundle_path(last, size - last * WIDTH)
    found = [_level("entries", size // WIDTH, size % WIDTH, entries)]
    for level in range(tile_levels(size)):
        full, partial = full_tiles(level, size), partial_width(level, size)
        newest = tile_path(level, full, partial) if partial else tile_path(level, full - 1)
        found.append(_level(str(level), full, partial, newest))
    return tuple(found)


def _level(level: str, full: int, partial: int, path: str) -> TileLevel:
    return TileLevel(level=level, full=full, partial=partial, newest_file=f"{ENTRANCE}/{path}")


def _links(size: int) -> Links:
    return {
        "self": ENTRANCE,
        "checkpoint": f"{ENTRANCE}/checkpoint",
        "vkey": f"{ENTRANCE}/vkey",
        "consistency": at.consistency(size),
        "submissions": "/submissions",
        "entries": "/entries",
    }


async def _signed_log(request: Request) -> SignedLog:
    return cast("SignedLog", request.app.state.signed_log)


_DESCRIBED: Final = {
    status: told for status, told in described(LogAnswer).items() if status not in {308, 404}
}


@routes.get(
    ENTRANCE,
    summary="The log as a whole: its tree, files, signatures and newest submissions.",
    description="For clients that ask for JSON or CSV by name, or about a moment. Any other "
    "program is led to `/log/checkpoint`, where readers of the log begin.",
    responses={
        **_DESCRIBED,
        **problems(p307="A client that names none of its forms is led to `/log/checkpoint`."),
    },
)
async def whole_log(
    asker: Asking, when: When, stated: Annotated[SignedLog, Depends(_signed_log)]
) -> Response:
    def find(view: View) -> LogAnswer:
        newest = submissions.newest(view.connection, view.size, _NEWEST)
        signed = [each.signed for each in newest]
        reasons = keys.not_counted(view.connection, signed, view.size)
        return LogAnswer(
            size=view.size,
            recorded_at=view.recorded_at,
            origin=stated.origin,
            root=asker.answerer.growth(view.size, view.size).root,
            files=files(view.size),
            newest=tuple(
                submission_line(each, reasons.get(each.signed.position)) for each in newest
            ),
            links=_links(view.size),
            signed=stated.signed() if when == NOW else None,
        )

    return await answered(asker, when, LogAnswer, find)
