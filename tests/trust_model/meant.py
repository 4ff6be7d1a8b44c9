"""What honest people meant: their own submissions taken at their word, and nothing else.

This is a ledger of the submissions that owners wrote, as if there were no thief, no counting
and no gate. It shares no code with the rules, so it can tell whether these did what was meant:
neither more nor less, once every theft is declared.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from tests.trust_model.events import (
    AccreditationGranted,
    Changed,
    Defined,
    Definition,
    Event,
    Issued,
    RecognitionGranted,
    Restated,
    Words,
)
from tests.trust_model.submissions import Log

_AFTER: Final = {
    "suspend": "suspended",
    "reinstate": "active",
    "revoke": "ended",
    "supersede": "ended",
    "withdraw": "ended",
    "retire": "ended",
}


@dataclass(slots=True)
class _Entry:
    """A thing that an owner wrote: where, on which day, and what was said of it since."""

    owner: str
    position: int
    day: int
    event: Event
    changes: list[tuple[int, str, str]] = field(default_factory=list)
    """Position, actor and verb."""
    words: list[tuple[int, Words]] = field(default_factory=list)

    def status(self, before: int) -> str:
        now = "active"
        for position, _, verb in self.changes:
            if position < before and now != "ended":
                now = _AFTER[verb]
        return now


@dataclass(slots=True)
class Meant:
    """The ledger, filled from the owners' submissions of a log."""

    entries: dict[tuple[str, str], _Entry] = field(default_factory=dict)
    definitions: dict[tuple[str, int], _Entry] = field(default_factory=dict)

    def credentials(self) -> list[str]:
        """Return the credentials that an owner issued."""
        return [id_ for kind, id_ in self.entries if kind == "credential"]

    def holds(self, credential: str, anchors: Collection[str]) -> bool:
        """Return whether honest people meant the credential to hold."""
        issued = self.entries["credential", credential]
        assert isinstance(issued.event, Issued)
        defined = self.definitions.get((issued.event.achievement, issued.event.version))
        granted = self.entries.get(("accreditation", issued.event.accreditation or ""))
        if defined is None or granted is None or issued.status(1 << 60) != "active":
            return False
        at = issued.position
        assert isinstance(defined.event, Defined)
        assert isinstance(granted.event, AccreditationGranted)
        words = [each for position, each in granted.words if position < at]
        if not words or max(defined.position, granted.position) > at:
            return False
        covered = issued.event.achievement, defined.event.definition, words[-1].country
        return (
            granted.event.organization == issued.owner
            and issued.owner in (words[-1].name, *words[-1].other_names)
            and granted.status(at) == "active"
            and granted.event.term.covers(issued.day)
            and granted.event.scope.covers(*covered)
            and self._leads(granted.owner, "accreditor", issued, covered, anchors, 4)
        )

    def _leads(
        self,
        organization: str,
        as_: str,
        issued: _Entry,
        covered: tuple[str, Definition, str],
        anchors: Collection[str],
        left: int,
    ) -> bool:
        if organization in anchors:
            return True
        return left > 0 and any(
            isinstance(entry.event, RecognitionGranted)
            and entry.event.organization == organization
            and entry.event.recognised_as == as_
            and entry.position < issued.position
            and entry.status(issued.position) == "active"
            and entry.event.term.covers(issued.day)
            and entry.event.scope.covers(*covered)
            and self._leads(entry.owner, "authority", issued, covered, anchors, left - 1)
            for entry in self.entries.values()
        )


def meant(log: Log, given_up: Collection[int] = ()) -> Meant:
    """Return the ledger of what owners wrote, without the submissions that they gave up."""
    ledger = Meant()
    for submission in log:
        if submission.by != "owner" or submission.position in given_up:
            continue
        for position, event in submission.numbered():
            entry = _Entry(submission.organization, position, submission.day, event)
            _take(ledger, entry)
    return ledger


def _take(ledger: Meant, entry: _Entry) -> None:
    event = entry.event
    match event:
        case RecognitionGranted():
            ledger.entries.setdefault(("recognition", event.recognition), entry)
        case AccreditationGranted():
            entry.words.append((entry.position, event.words))
            ledger.entries.setdefault(("accreditation", event.accreditation), entry)
        case Defined():
            ledger.definitions.setdefault((event.achievement, event.version), entry)
        case Issued():
            ledger.entries.setdefault(("credential", event.credential), entry)
        case Restated():
            if (event.kind, event.id) in ledger.entries:
                restated = entry.position, event.words
                ledger.entries[event.kind, event.id].words.append(restated)
        case Changed():
            if (event.kind, event.id) in ledger.entries:
                change = entry.position, entry.owner, event.verb
                ledger.entries[event.kind, event.id].changes.append(change)
        case _:
            pass
