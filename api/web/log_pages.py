"""The pages of the log itself: its checkpoint, an entry, a submission, and that it only grew.

Every proof stands in the page as it was made, so that no script is needed to read or keep it;
`static/page/log.mjs` computes it again in the reader's browser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from api.published import Published
from api.questions import links as at
from api.questions.answerer import View
from api.questions.from_log import FromLog
from api.questions.moment import is_did
from api.questions.proofs import ProvenEntry, ProvenGrowth, subtrees
from api.questions.question import Asker, PageMaker, because_of
from api.questions.submissions import Found
from api.questions.whole_log import LogAnswer, SignedLog
from api.web.modules import needed
from api.web.names import names_of
from api.web.pages import shared
from api.web.rendering import render
from testamur.catalogue.submission import parse_submission_entry
from testamur.tlog.merkle import shared_subtrees

SHOWN_EVENTS: Final = 50
_SCRIPT: Final = "page/log.mjs"
_ABOUT: Final[Mapping[str, Callable[[str], str]]] = {
    "accreditation": at.accreditation,
    "achievement": at.achievement,
    "credential": at.credential,
    "recognition": at.recognition,
    "successor": at.credential,
}


class LogPages:
    """Makes the pages of the log that states its keys so; `latest` is its newest checkpoint."""

    def __init__(self, stated: SignedLog, log: FromLog, latest: Callable[[], Published]) -> None:
        self._stated = stated
        self._log = log
        self._latest = latest

    def makers(self) -> dict[Any, PageMaker]:
        """Return what makes the page of each answer about the log."""
        return {
            LogAnswer: self._whole,
            ProvenEntry: self._entry,
            ProvenGrowth: self._growth,
        }

    def submission(self, view: View, asked: Found, asker: Asker) -> bytes:
        """Return the page of the submission that was asked for."""
        found = asked.submission
        first, published = found.signed.position, self._latest()
        last = first + min(found.events, SHOWN_EVENTS)
        header, *events = self._log.entries(first, last + 1, published.checkpoint)
        facts = {
            "because": because_of(asked.why),
            "events": [(says, named(says)) for says in map(msgspec.json.decode, events)],
            "found": found,
            "header": parse_submission_entry(header)[1],
            "names": names_of(view, [found.signed.organization]),
        }
        return self._page("submission.html", view, asker.address, facts)

    def _whole(self, view: View, found: LogAnswer, asker: Asker) -> bytes:
        facts = {
            "found": found,
            "names": names_of(view, (each.issuer for each in found.newest)),
            "url": asker.server,
        }
        return self._proof("log.html", view, asker, found.size, facts)

    def _entry(self, view: View, found: ProvenEntry, asker: Asker) -> bytes:
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
        return self._proof("entry.html", view, asker, found.size, facts)

    def _growth(self, view: View, found: ProvenGrowth, asker: Asker) -> bytes:
        return self._proof("consistency.html", view, asker, found.size, {"found": found})

    def _proof(
        self, template: str, view: View, asker: Asker, size: int, facts: dict[str, Any]
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
        return self._page(template, view, asker.address, {**facts, "onwards": onwards})

    def _page(self, template: str, view: View, address: str, facts: Mapping[str, Any]) -> bytes:
        return render(
            template,
            {
                **shared(self._stated.origin, address, view),
                "modules": [each for each in needed(_SCRIPT) if each != _SCRIPT],
                "script": _SCRIPT,
                "signed": self._stated.signed(),
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
