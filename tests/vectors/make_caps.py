"""Makes `caps/`: logs of which the last submission says more than its signer may.

    python -m tests.vectors.make_caps

Each file is a whole log from its genesis. A replayer takes every submission but the last, and
refuses that one, at the entry and by the rule that are named. The answers are written by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from testamur.catalogue import events as e
from testamur.catalogue.submission import parse, submission_entry
from testamur.tlog.note import ED25519, VerifierKey
from tests.harness.story import Party, Story, party
from tests.vectors.files import render, write

FOLDER: Final = Path(__file__).parent / "caps"
_OF_A_KEY: Final = 8
"""Status events of a key on one thing."""


class _Log:
    """The entries of a log, and how many of them come before the submission that is refused."""

    def __init__(self) -> None:
        self.story = Story(name="vectors")
        self.entries: list[bytes] = []
        self.before = 0
        for body in self.story.opening():
            self._add(body)

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self.entries)

    def says(self, signer: Party, *events: e.Event) -> None:
        """Add a submission."""
        self._add(self.story.submission(signer, *events))

    def _add(self, body: bytes) -> None:
        self.before = self.size
        submission = parse(body)
        self.entries.append(submission_entry(submission.header.jws, self.story.milliseconds))
        self.entries += submission.lines

    def lists(self, lister: Party, name: str) -> Party:
        """Let a recovery key list a signing key, and return the party that signs with it."""
        key = lister.with_key(f"vectors {name}")
        self.says(lister, self.story.key_listed(key))
        return key


Tale: TypeAlias = Callable[[_Log], None]
_TALES: Final[dict[str, tuple[str, str, Tale]]] = {}
"""By file name: what the last submission does, the rule that it breaks, and what comes before."""


def _tale(name: str, desc: str, rule: str) -> Callable[[Tale], Tale]:
    def add(tale: Tale) -> Tale:
        _TALES[f"{name}.json"] = desc, rule, tale
        return tale

    return add


def _suspended(log: _Log) -> e.Event:
    return e.AccreditationSuspended(accreditation=log.story.accreditation, reason="misconduct")


@_tale("status-events", "a key's ninth status event of one thing", "status-event-count")
def _(log: _Log) -> None:
    log.says(log.story.accreditor, *[_suspended(log)] * _OF_A_KEY)
    log.says(log.story.accreditor, _suspended(log))


@_tale(
    "status-together",
    "the 33rd status event of an owner's thing, by a key that its founding key did not list",
    "status-event-count",
)
def _(log: _Log) -> None:
    for number in range(4):
        thief = log.lists(log.story.accreditor.recovery, f"thief {number}")
        log.says(thief, *[_suspended(log)] * _OF_A_KEY)
    log.says(log.lists(log.story.accreditor.recovery, "thief 4"), _suspended(log))


@_tale(
    "status-together-to-the-last",
    "the 65th status event of an owner's thing, by a key that its founding key listed",
    "status-event-count",
)
def _(log: _Log) -> None:
    for number in range(4):
        thief = log.lists(log.story.accreditor.recovery, f"thief {number}")
        log.says(thief, *[_suspended(log)] * _OF_A_KEY)
    for number in range(4):
        own = log.lists(log.story.accreditor.founding, f"own {number}")
        log.says(own, *[_suspended(log)] * _OF_A_KEY)
    log.says(log.lists(log.story.accreditor.founding, "own 4"), _suspended(log))


@_tale("grants", "a key's 17th accreditation of one organization", "grant-count")
def _(log: _Log) -> None:
    story = log.story
    # The first came with the opening of the log.
    log.says(story.accreditor, *(story.accredited(story.new_id()) for _ in range(15)))
    log.says(story.accreditor, story.accredited(story.new_id()))


@_tale(
    "authorities",
    "a key's 65th recognition that makes an authority, of all subjects",
    "authority-count",
)
def _(log: _Log) -> None:
    story = log.story
    further = [party(f"vectors authority {number}") for number in range(4)]
    log.says(
        story.authority,
        *(story.registered(story.authority, each, "authority") for each in further),
    )
    for each in further:
        log.says(
            story.authority,
            *(story.recognised(story.new_id(), as_="authority", of=each) for _ in range(16)),
        )
    log.says(story.authority, story.recognised(story.new_id(), as_="authority", of=story.provider))


@_tale("writings", "the 17th writing of one line, by all keys", "writing-count")
def _(log: _Log) -> None:
    story = log.story
    issued, signer = story.issued(), story.provider
    for number in range(16):
        since = log.size
        log.says(signer, issued)
        fresh = signer.with_key(f"vectors fresh {number}")
        declared = story.key_compromised(signer, since=since)
        log.says(signer.founding, declared, story.key_listed(fresh))
        signer = fresh
    log.says(signer, issued)


@cache
def caps_files() -> dict[str, str]:
    """Return each file's name and text."""
    found = {}
    for name, (desc, rule, tale) in _TALES.items():
        log = _Log()
        tale(log)
        found[name] = render(_document(log, desc, rule))
    return found


def _document(log: _Log, desc: str, rule: str) -> dict[str, Any]:
    key = VerifierKey.of(log.story.origin, ED25519, log.story.log_key.public.raw())
    return {
        "desc": desc,
        "note": "The entries of a log. All but the last submission are good; it is refused, at the "
        "entry and by the rule that are named. Made by make_caps.py.",
        "vkey": str(key),
        "refused": {"position": log.before + 1, "submission": log.before, "rule": rule},
        "entries": [entry.decode() for entry in log.entries],
    }


if __name__ == "__main__":
    write(FOLDER, caps_files())
