"""The life of one organization's keys, admitted as the gate admits it: `f` is its founding key.

It starts with recovery keys `r1` and `r2`, in this order, and signing keys `s1` and `s2`. Keys
are named by short texts here, since the rules about keys never look inside one.
"""

from __future__ import annotations

from typing import Final

import pytest

from testamur.catalogue.events import KeyCompromised, KeyEvent, KeyListed, KeyRetired
from testamur.errors import Refusal
from testamur.rules.key_admission import CAPS, Caps, admit_key_events, admit_signer
from testamur.rules.key_table import KeySubmission, KeyTable
from testamur.rules.said import Signed

DID: Final = "did:key:f"
DAY: Final = 24 * 3600 * 1000
FIRST_RECOVERY: Final = ("r1", "r2")
FIRST_SIGNING: Final = ("s1", "s2")
REGISTERED: Final = 10


def lists(key: str, as_: str = "signing") -> KeyListed:
    return KeyListed(as_="recovery" if as_ == "recovery" else "signing", key=key)


def retires(key: str) -> KeyRetired:
    return KeyRetired(key=key)


def declares(
    key: str, since: int | None = None, *kept: tuple[int, int] | Signed | KeySubmission
) -> KeyCompromised:
    ranges = (each if isinstance(each, tuple) else (each.position, each.position) for each in kept)
    return KeyCompromised(key=key, since=since, kept=tuple(ranges) or None)


class KeyStory:
    """A log of which only this organization's submissions are told; others fill the gaps."""

    def __init__(self, caps: Caps = CAPS) -> None:
        self.table = KeyTable.of(DID, FIRST_RECOVERY, FIRST_SIGNING, REGISTERED)
        self.caps = caps
        self.size = REGISTERED + 2
        self.now = 20_000 * DAY
        self.closings: list[Signed] = []

    def wait(self, days: int = 0, ms: int = 0) -> None:
        self.now += days * DAY + ms

    def says(self, key: str, *events: KeyEvent) -> KeySubmission:
        """Admit key events signed by `key`; raises `Refusal`."""
        submission = KeySubmission.of(self.size, key, self.now, events)
        self.table = admit_key_events(
            self.table, submission, closings=self.closings, caps=self.caps
        )
        self.size = submission.end
        return submission

    def acts(self, key: str) -> Signed:
        """Admit a submission of one event that is not about keys; raises `Refusal`."""
        signed = self.signed(key)
        admit_signer(self.table, signed, ["an event of another kind"])
        self.size += 2
        return signed

    def signed(self, key: str) -> Signed:
        """Return who signs the next submission with `key`."""
        return Signed(DID, key, self.size, self.now)

    def closes(self, key: str) -> Signed:
        self.closings.append(signed := self.acts(key))
        return signed

    def refused(self, key: str, *events: KeyEvent) -> str:
        """Return the rule by which the key events, or none for an act, are refused."""
        before = self.table, self.size
        with pytest.raises(Refusal) as refused:
            self.says(key, *events) if events else self.acts(key)
        assert (self.table, self.size) == before
        return refused.value.rule

    def counts(self, signed: Signed | KeySubmission, size: int | None = None) -> bool:
        table = self.table if size is None else self.table.as_of(size)
        return table.counts(signed.key, signed.position, signed.recorded_at)

    def why_not(self, signed: Signed | KeySubmission) -> tuple[str, int | None] | None:
        why = self.table.why_not(signed.key, signed.position, signed.recorded_at)
        return None if why is None else (why.reason, why.position)
