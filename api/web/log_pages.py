"""The pages of the log itself: its checkpoint, an entry, a submission, and that it only grew.

Every proof stands in the page as it was made, so that no script is needed to read or keep it;
`static/page/log.mjs` computes it again in the reader's browser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from api.http.problems import Problem
from api.log_keys.listed import KeyList
from api.published import Published
from api.questions import links as at
from api.questions.answerer import View
from api.questions.from_log import FromLog
from api.questions.moment import is_did
from api.questions.proofs import ProvenEntry, ProvenGrowth, subtrees
from api.questions.question import PageMaker, because_of
from api.web.modules import needed
from api.web.names import names_of
from api.web.pages import shared
from api.web.rendering import render
from projections import keys, submissions
from testamur.catalogue.submission import parse_submission_entry
from testamur.tlog.merkle import shared_subtrees
from testamur.tlog.note import parse_note
from testamur.tlog.tiles import (
    WIDTH,
    bundle_path,
    full_tiles,
    partial_width,
    tile_levels,
    tile_path,
)

SHOWN_EVENTS: Final = 50
_NEWEST: Final = 8
_SCRIPT: Final = "page/log.mjs"
_ABOUT: Final[Mapping[str, Callable[[str], str]]] = {
    "accreditation": at.accreditation,
    "achievement": at.achievement,
    "credential": at.credential,
    "recognition": at.recognition,
    "successor": at.credential,
}


class SignedBy(NamedTuple):
    """A signature on the checkpoint: the name and key id that it gives, and if it is the log's."""

    name: str
    id: str
    of_log: bool


class TileLevel(NamedTuple):
    """The files at a level of the tree: how many are full, and the newest one."""

    level: str
    full: int
    partial: int
    newest: str


class LogPages:
    """Makes the pages of the log with these keys; `latest` is its newest checkpoint."""

    def __init__(self, listed: KeyList, log: FromLog, latest: Callable[[], Published]) -> None:
        self._listed = listed
        self._log = log
        self._latest = latest

    def makers(self) -> dict[Any, PageMaker]:
        """Return what makes the page of each answer about the log."""
        return {ProvenEntry: self._entry, ProvenGrowth: self._growth}

    def overview(self, view: View, url: str) -> bytes:
        """Return the page of the whole log, which its reader found at `url`."""
        published = self._latest()
        newest = submissions.newest(view.connection, view.size, _NEWEST)
        facts = {
            "listed": self._listed.lines,
            "levels": levels(published.size),
            "names": names_of(view, (each.signed.organization for each in newest)),
            "newest": newest,
            "url": url,
        }
        return self._page("log.html", view, "/log", published, facts)

    def submission(self, view: View, issuer: str, jti: str) -> bytes:
        """Return the page of a submission; raises a 404 `Problem` if there is none."""
        found = submissions.known_as(view.connection, issuer, jti, view.size)
        if found is None:
            raise Problem(404, "unknown-submission", f"{issuer} never submitted this", value=jti)
        first, published = found.signed.position, self._latest()
        last = first + min(found.events, SHOWN_EVENTS)
        header, *events = self._log.entries(first, last + 1, published.checkpoint)
        why = keys.not_counted(view.connection, [found.signed], view.size).get(first)
        facts = {
            "because": because_of(why),
            "events": [(says, named(says)) for says in map(msgspec.json.decode, events)],
            "found": found,
            "header": parse_submission_entry(header)[1],
            "names": names_of(view, [issuer]),
        }
        address = at.submission(issuer, jti)
        return self._page("submission.html", view, address, published, facts)

    def _entry(self, view: View, found: ProvenEntry, address: str, _language: str) -> bytes:
        says = msgspec.json.decode(found.entry)
        about = named(says)
        header = None
        if found.submission.number == 0:
            header = parse_submission_entry(found.entry.encode())[1]
        facts = {
            "about": about,
            "found": found,
            "header": header,
            "names": names_of(view, [found.submission.issuer, *(name for _, name, _ in about)]),
            "says": says,
        }
        return self._proof("entry.html", view, address, found.size, facts)

    def _growth(self, view: View, found: ProvenGrowth, address: str, _language: str) -> bytes:
        return self._proof("consistency.html", view, address, found.size, {"found": found})

    def _proof(
        self, template: str, view: View, address: str, size: int, facts: dict[str, Any]
    ) -> bytes:
        """Return a page with a proof in the tree of `size`, and from there to the signed one."""
        published, onwards = self._latest(), None
        if 0 < size < published.size:
            grown = self._log.growth(size, published.size, published.checkpoint)
            onwards = ProvenGrowth(
                size=published.size,
                recorded_at=None,
                earlier=size,
                earlier_root=grown.earlier_root,
                root=grown.root,
                path=subtrees(shared_subtrees(size, published.size), grown.path),
            )
        return self._page(template, view, address, published, {**facts, "onwards": onwards})

    def _page(
        self,
        template: str,
        view: View,
        address: str,
        published: Published,
        facts: Mapping[str, Any],
    ) -> bytes:
        known = {line.key.key_id for line in self._listed.lines}
        signatures = parse_note(published.note).signatures
        return render(
            template,
            {
                **shared(self._listed.keys.name, address, view),
                "checkpoint": published.note.decode(),
                "keys": [str(line.key) for line in self._listed.lines],
                "modules": [each for each in needed(_SCRIPT) if each != _SCRIPT],
                "script": _SCRIPT,
                "signed": published.checkpoint,
                "signers": [
                    SignedBy(each.name, each.key_id.hex(), each.key_id in known)
                    for each in signatures
                ],
                **facts,
            },
        )


def named(says: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the things that an event names: the member, the id or DID, and its address."""
    found = []
    for member, value in says.items():
        if isinstance(value, str) and is_did(value):
            found.append((member, value, at.organization(value)))
        elif member in _ABOUT and isinstance(value, str):
            found.append((member, value, _ABOUT[member](value)))
    return found


def levels(size: int) -> list[TileLevel]:
    """Return which files a log of `size` entries consists of, the entries first."""
    if size == 0:
        return []
    last = (size - 1) // WIDTH
    entries = bundle_path(last, size - last * WIDTH)
    found = [TileLevel("entries", size // WIDTH, size % WIDTH, entries)]
    for level in range(tile_levels(size)):
        full, partial = full_tiles(level, size), partial_width(level, size)
        newest = tile_path(level, full, partial) if partial else tile_path(level, full - 1)
        found.append(TileLevel(str(level), full, partial, newest))
    return found
