"""Was anything that a credential owes something to signed with a key in other hands?

A thief can neither help a credential nor spoil one. What it *owes* is what it would not hold
without: its issuance, what was granted and defined for it, who brought those in that granted it,
the last word of each kind where a later one takes the place of an earlier. What ends or takes
something away can only count against it, and what others did beside it does not count at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from testamur.catalogue import events as e
from testamur.catalogue.submission import SignedHeader
from testamur.catalogue.table import Effect, row_of
from testamur.errors import Refuted, Unavailable


@dataclass(slots=True)
class Followed:
    """A submission that a fold went through, with those of its events that were shown."""

    position: int
    header: SignedHeader
    events: list[e.Event]


@dataclass(slots=True)
class Owed:
    """What a credential owes something to, found from the end of a log towards its beginning.

    `position` is that of its `issuance`, by the organization `issuer`; `organizations` are all who
    had to be in the register for it, `recognition` the one that counts.
    """

    issuance: e.CredentialIssued
    issuer: str
    position: int
    organizations: set[str]
    recognition: str | None
    _signing: set[str] = field(default_factory=set)
    _told: set[type[e.Event]] = field(default_factory=set)

    def take(self, submission: Followed) -> bool:
        """Return whether it owes anything to `submission`, which none before it followed."""
        counted = [event for event in submission.events if self._counts(event, submission.position)]
        if counted:
            self._signing.add(submission.header.protected.kid)
            self._told.update(map(type, counted))
        return bool(counted)

    def _counts(self, event: e.Event, position: int) -> bool:
        if isinstance(event, e.KeyAdded):
            return f"{event.organization}#{event.key.id}" in self._signing
        if isinstance(event, e.CredentialIssued | e.CredentialReinstated):
            counts = event.credential == self.issuance.credential
        else:
            counts = position < self.position and self._was_needed(event)
        replaced = row_of(event).effect is Effect.REPLACES and type(event) in self._told
        return counts and not replaced

    def _was_needed(self, event: e.Event) -> bool:
        issuance = self.issuance
        match event:
            case e.OrganizationRegistered():
                needed = event.organization in self.organizations
            case e.OrganizationUpdated():
                needed = event.organization == self.issuer
            case e.RecognitionGranted():
                needed = event.recognition == self.recognition
            case e.AccreditationGranted() | e.AccreditationReinstated():
                needed = event.accreditation == issuance.accreditation
            case e.AchievementDefined():
                needed = event.achievement == issuance.achievement
            case e.AchievementRevised():
                version = issuance.achievement, issuance.achievement_version
                needed = (event.achievement, event.version) == version
            case e.LogOpened() | e.KeyAdded() | e.CredentialIssued() | e.CredentialReinstated():
                needed = False  # the genesis has no key to steal; the others are judged above
            case (
                e.OrganizationClosed()
                | e.KeyRetired()
                | e.KeyCompromised()
                | e.RecognitionWithdrawn()
                | e.AccreditationSuspended()
                | e.AccreditationWithdrawn()
                | e.AchievementRetired()
                | e.CredentialSuspended()
                | e.CredentialRevoked()
                | e.CredentialSuperseded()
            ):
                needed = False  # what takes something away can only count against the credential
            case _:
                assert_never(event)
        return needed


class CutOff:
    """From which position on each key was in other hands.

    Who says so of another key, with one that somebody says was in other hands itself, may be the
    thief, and it cannot be taken back; or the thief may have said the latter to undo the former.
    Nobody can tell, so that is disputed. What a key says of itself is not.
    """

    def __init__(self, followed: Iterable[Followed]) -> None:
        self._since: dict[str, int] = {}
        self._disputed: dict[str, tuple[int, Followed]] = {}
        told = [
            (each, f"{event.organization}#{event.key}", event.since)
            for each in followed
            for event in each.events
            if isinstance(event, e.KeyCompromised)
        ]
        said: dict[str, int] = {}
        for _, kid, since in told:
            said[kid] = min(since, said.get(kid, since))
        for by, kid, since in told:
            signer = by.header.protected.kid
            if signer == kid or signer not in said or by.position < said[signer]:
                self._since[kid] = min(since, self._since.get(kid, since))
            elif kid not in self._disputed or since < self._disputed[kid][0]:
                self._disputed[kid] = since, by

    def since(self, submission: Followed) -> int | None:
        """Return from when on the key under `submission` was in other hands, if it was then."""
        since = self._since.get(submission.header.protected.kid)
        return None if since is None or submission.position < since else since

    def dispute(self, submission: Followed) -> str | None:
        """Return in a sentence why nobody can tell in whose hands the key under it was."""
        kid = submission.header.protected.kid
        since, by = self._disputed.get(kid, (0, None))
        if by is None or submission.position < since:
            return None
        return (
            f"submission at {submission.position} was signed with {kid}; that this was compromised "
            f"from position {since} on was told at {by.position} with {by.header.protected.kid}, "
            "of which the same is told"
        )

    def clear(self, submission: Followed) -> bool:
        """Return whether nobody says that the key under `submission` was in other hands."""
        return self.since(submission) is None and self.dispute(submission) is None


def check_owed(followed: Sequence[Followed], owed: Owed, cut_off: CutOff) -> list[Followed]:
    """Return the submissions that a credential owes something to, the last of them first.

    Raises `Refuted` if one was signed with a key in other hands, `Unavailable` if that is disputed.
    """
    counted = [each for each in reversed(followed) if owed.take(each)]
    for each in counted:
        if cut_off.since(each) is not None:
            raise Refuted(stolen(each, cut_off))
    for each in counted:
        if (why := cut_off.dispute(each)) is not None:
            raise Unavailable(why)
    return counted


def stolen(submission: Followed, cut_off: CutOff) -> str:
    """Return a sentence on a submission signed with a key in other hands."""
    return (
        f"submission at {submission.position} was signed with {submission.header.protected.kid}, "
        f"which was compromised from position {cut_off.since(submission)} on"
    )
