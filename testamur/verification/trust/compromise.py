"""Was anything that a credential owes something to signed with a compromised key?

A thief can neither help a credential nor spoil one. What it *owes* is what it would not hold
without: its issuance, what was granted and defined for it, who brought those in that granted it,
the last word of each kind where a later one takes the place of an earlier. What ends or takes
something away can only count against it, and what others did beside it does not count at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from testamur.catalogue import events as e
from testamur.catalogue.submission import SignedHeader
from testamur.catalogue.table import Effect, row_of
from testamur.errors import Refuted, Unavailable, detached
from testamur.verification.finding import Fault
from testamur.verification.issuance import Issuance, Recognised
from testamur.verification.trust.meaning import Meaning, Need, Needed
from testamur.verification.trust.vouching import Vouching

# Of recognitions that lead to an anchor, so many are tried for one that no thief signed: more than
# an organization can have keys.
_TRIED: Final = 100


@dataclass(frozen=True, slots=True)
class Followed:
    """A submission that a fold went through, with those of its events that were shown."""

    position: int
    header: SignedHeader
    events: tuple[e.Event, ...]
    meanings: tuple[Meaning, ...]


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a credential owes something to, and whether a compromised key is under any of it.

    `chosen` is the recognition that the verdict rests on; `fault` says what does not count.
    """

    chosen: Recognised | None
    notes: tuple[str, ...] = ()
    fault: Fault | None = None


def weigh(followed: Sequence[Followed], issued: Issuance, vouching: Vouching) -> Weighed:
    """Choose the recognition that counts, and find what is owed to a compromised key."""
    cut_off = CutOff(followed)
    weighed = Weighed(None)
    for candidate in _candidates(issued, followed, cut_off):
        try:
            counted = _check_owed(followed, _owed(issued, candidate, vouching), cut_off)
        except (Refuted, Unavailable) as fault:
            weighed = Weighed(candidate, fault=detached(fault))
        else:
            return Weighed(candidate, _notes(followed, counted, cut_off, vouching))
    return weighed


class CutOff:
    """From which position on each key was compromised.

    A compromise declared with a key that is itself declared compromised at that position is
    *disputed*: either declaration may be the thief's, and events cannot be withdrawn. What a key
    says of itself is not disputed.
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
        """Return from when on the key under `submission` was compromised, if it was then."""
        since = self._since.get(submission.header.protected.kid)
        return None if since is None or submission.position < since else since

    def dispute(self, submission: Followed) -> str | None:
        """Return in a sentence why it is disputed whether the key under it was compromised."""
        kid = submission.header.protected.kid
        since, by = self._disputed.get(kid, (0, None))
        if by is None or submission.position < since:
            return None
        return (
            f"submission at {submission.position} was signed with {kid}, declared compromised from "
            f"position {since} on; but the declaration at {by.position} was signed with "
            f"{by.header.protected.kid}, which is declared compromised as well"
        )

    def clear(self, submission: Followed) -> bool:
        """Return whether nobody says that the key under `submission` was compromised."""
        return self.since(submission) is None and self.dispute(submission) is None


@dataclass(slots=True)
class _Owed:
    """What a credential owes something to, found from the end of a log towards its beginning.

    `position` is that of its issuance; what was needed for that must stand before it.
    """

    credential: Needed
    position: int
    needed: frozenset[Needed]
    _signing: set[str] = field(default_factory=set)
    _told: set[type[e.Event]] = field(default_factory=set)

    def take(self, submission: Followed) -> bool:
        """Return whether it owes anything to `submission`, which none before it followed."""
        counted = [
            event
            for event, meaning in zip(submission.events, submission.meanings, strict=True)
            if self._counts(event, meaning.needed, submission.position)
        ]
        if counted:
            self._signing.add(submission.header.protected.kid)
            self._told.update(map(type, counted))
        return bool(counted)

    def _counts(self, event: e.Event, needed: Needed | None, position: int) -> bool:
        if needed is None:
            return False
        if needed.need is Need.KEY:
            return needed.name in self._signing
        if needed.need is Need.CREDENTIAL:
            counts = needed == self.credential
        else:
            counts = position < self.position and needed in self.needed
        replaced = row_of(event).effect is Effect.REPLACES and type(event) in self._told
        return counts and not replaced


def _owed(issued: Issuance, chosen: Recognised | None, vouching: Vouching) -> _Owed:
    event, issuer = issued.event, issued.issuer
    organizations = {issuer}
    needed = {
        Needed(Need.PARTICULARS, issuer),
        Needed(Need.ACHIEVEMENT, event.achievement),
        Needed(Need.ACHIEVEMENT, event.achievement, event.achievement_version),
    }
    if issued.accreditation is not None:
        organizations.add(issued.accreditation.accreditor)
        needed.add(Needed(Need.ACCREDITATION, issued.accreditation.id))
    if chosen is not None:
        organizations.update(vouching.path(chosen.authority, chosen.anchor))
        needed.add(Needed(Need.RECOGNITION, chosen.id))
    entries = {Needed(Need.ENTRY, did) for did in organizations}
    credential = Needed(Need.CREDENTIAL, event.credential)
    return _Owed(credential, issued.position, frozenset(needed | entries))


def _candidates(
    issued: Issuance, followed: Sequence[Followed], cut_off: CutOff
) -> Sequence[Recognised | None]:
    """Return the recognitions to try: those in no doubt, of each authority and key the latest."""
    granting = {
        meaning.needed.name: each
        for each in followed
        for meaning in each.meanings
        if meaning.needed is not None and meaning.needed.need is Need.RECOGNITION
    }
    good: dict[tuple[str, str], Recognised] = {}
    for each in issued.anchored:
        granted = granting[each.id]
        if cut_off.clear(granted):
            good[each.authority, granted.header.protected.kid] = each
    return list(good.values())[-_TRIED:] or issued.anchored[:1] or [None]


def _check_owed(followed: Sequence[Followed], owed: _Owed, cut_off: CutOff) -> list[Followed]:
    """Return the submissions that a credential owes something to, the last of them first.

    Raises `Refuted` if one was signed with a compromised key, `Unavailable` if that is disputed.
    """
    counted = [each for each in reversed(followed) if owed.take(each)]
    for each in counted:
        if cut_off.since(each) is not None:
            raise Refuted(_stolen(each, cut_off))
    for each in counted:
        if (why := cut_off.dispute(each)) is not None:
            raise Unavailable(why)
    return counted


def _notes(
    followed: Sequence[Followed], counted: list[Followed], cut_off: CutOff, vouching: Vouching
) -> tuple[str, ...]:
    lent = [
        note for each in reversed(counted) for note in vouching.lent_key(each.position, each.header)
    ]
    stolen = [
        _stolen(each, cut_off)
        for each in followed
        if cut_off.since(each) is not None
        and not all(isinstance(event, e.KeyCompromised) for event in each.events)
    ]
    return *lent, *stolen


def _stolen(submission: Followed, cut_off: CutOff) -> str:
    return (
        f"submission at {submission.position} was signed with {submission.header.protected.kid}, "
        f"which was compromised from position {cut_off.since(submission)} on"
    )
