"""One organization's submissions on a log, and which of them count as of each size.

    life = Life()                       # f is founding, r1 and r2 recovery, s1 and s2 signing
    theft = life.signs("s1")            # a submission of one event that is not about keys
    life.says("r1", declares("s1", theft))
    life.falls(theft)                   # as of now this one does not count, and all others do

Keys go by short names here; the vector has the Multikeys that belong to them in every story. No
rule is asked: what the gate would refuse can be told too.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.members import Range
from testamur.catalogue.submission import format_time
from tests.harness.story import NOW, private_key

DAY: Final = 24 * 3600 * 1000
REGISTERED: Final = 10
FIRST: Final = 12
"""The first position after the registration."""
_ORGANIZATION: Final = "counting"


def multikey(name: str) -> str:
    """Return the Multikey of the key that goes by `name`."""
    return private_key(f"{_ORGANIZATION} {name}").public.multikey()


def lists(key: str, as_: str = "signing") -> e.KeyListed:
    return e.KeyListed(as_="recovery" if as_ == "recovery" else "signing", key=multikey(key))


def retires(key: str) -> e.KeyRetired:
    return e.KeyRetired(key=multikey(key))


def declares(key: str, since: int | None = None, *kept: int | Range) -> e.KeyCompromised:
    """Return the declaration; `kept` are header positions, or ranges of them."""
    ranges = tuple((each, each) if isinstance(each, int) else each for each in kept)
    return e.KeyCompromised(key=multikey(key), since=since, kept=ranges or None)


class Life:
    """The submissions of one organization; `size` is that of the log, `now` its time in ms."""

    def __init__(self) -> None:
        self.size = FIRST
        self.now = NOW * 1000
        self._submissions: list[dict[str, Any]] = []
        self._counts: list[dict[str, Any]] = []

    def wait(self, days: int = 0, *, ms: int = 0) -> None:
        self.now += days * DAY + ms

    def signs(self, key: str) -> int:
        """Add a submission of one event that is not about keys; return its position."""
        return self._add(key, {}, 1)

    def says(self, key: str, *events: e.KeyEvent) -> int:
        """Add a submission of key events; return its position."""
        return self._add(
            key, {"events": [msgspec.to_builtins(each) for each in events]}, len(events)
        )

    def falls(self, *positions: int, as_of: int | None = None) -> None:
        """State that as of a size, by default now, these do not count and all others so far do."""
        there = [each["position"] for each in self._submissions]
        assert set(positions) <= set(there)
        counting = [position for position in there if position not in positions]
        size = self.size if as_of is None else as_of
        self._counts.append({"asOf": size, "counting": counting, "not": sorted(positions)})

    def document(self, desc: str) -> dict[str, Any]:
        """Return the vector."""
        assert self._counts, f"{desc}: nothing is expected"
        return {
            "desc": desc,
            "registered": {
                "organization": f"did:key:{multikey('f')}",
                "position": REGISTERED,
                "recoveryKeys": [multikey("r1"), multikey("r2")],
                "signingKeys": sorted([multikey("s1"), multikey("s2")]),
            },
            "submissions": self._submissions,
            "counts": self._counts,
        }

    def _add(self, key: str, more: dict[str, Any], events: int) -> int:
        position = self.size
        told = {"position": position, "key": multikey(key), "recordedAt": format_time(self.now)}
        self._submissions.append(told | more)
        self.size += 1 + events
        return position
