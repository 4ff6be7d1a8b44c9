"""What became of a thing as of a register: whether it exists, its status, and who may change it.

Every right is judged anew: another organization is heard only while a succession that counts, and
has taken effect, names it. The status before is not judged anew: an event sets the status that
its row names, and nothing leads out of a final one. Nothing happens to what does not exist, save
that its owner's revocation or withdrawal of an id stands if the id comes back.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import (
    AFTER,
    FINAL,
    AccreditationStatus,
    AchievementStatus,
    CredentialStatus,
    RecognitionStatus,
)
from testamur.catalogue.table import Kind
from testamur.rules.heard import Among, Heard, nobody
from testamur.rules.pasts import others_in, said_by
from testamur.rules.register import (
    Achievement,
    Credential,
    Organization,
    Register,
    Thing,
    Written,
)
from testamur.rules.said import Said, Signed

NOTICE: Final = 30 * 24 * 3600 * 1000
"""30 days in ms: after them a succession takes effect for an organization that has not closed."""

ENDINGS: Final = frozenset(
    event
    for event, after in AFTER.items()
    if after in FINAL and not isinstance(after, AchievementStatus)
)
"""What an owner says of an id that stands even if the id comes back only later."""

_FINAL: Final = frozenset(event for event, after in AFTER.items() if after in FINAL)
_PASSING: Final = frozenset(AFTER) - _FINAL

FIRST: Final[Mapping[Kind, StrEnum]] = MappingProxyType(
    {
        Kind.CREDENTIAL: CredentialStatus.ACTIVE,
        Kind.ACCREDITATION: AccreditationStatus.ACTIVE,
        Kind.RECOGNITION: RecognitionStatus.ACTIVE,
        Kind.ACHIEVEMENT: AchievementStatus.DEFINED,
    }
)
"""The status of a thing of each kind when it comes into being."""


class Act(msgspec.Struct, frozen=True, gc=False):
    """A status event that counts, and for whom its signer acted; for nobody if that is empty."""

    said: Said
    acted_for: tuple[str, ...]


def existing(
    register: Register, thing: Written | None, before: int | None = None
) -> tuple[int, Signed] | None:
    """Return where the thing came into being: the first writing that counts, before a position."""
    if register.judged.began and isinstance(thing, Achievement):
        found = register.judged.began.get(thing.definitions[0].position)
        if found is not None:
            return found if before is None or found[0] < before else None
    counts, fallen = None, register.judged.fallen
    for position, signed in () if thing is None else thing.written():
        if before is not None and position >= before:
            return None
        if signed.position in fallen:
            continue
        if counts is None:  # one organization wrote them all, perhaps ten thousand times
            counts = register.counting(signed.organization)
        if counts(signed.key, signed.position, signed.recorded_at):
            return position, signed
    return None


def status(
    register: Register,
    kind: Kind,
    thing: Thing | None,
    *,
    before: int | None = None,
    heard: Heard = nobody,
) -> StrEnum | None:
    """Return the status of a thing before a position, or None for what does not exist then."""
    began = existing(register, thing, before)
    if thing is None or began is None:
        return None
    return status_since(register, kind, thing, began[0], before=before, heard=heard)


def status_since(
    register: Register,
    kind: Kind,
    thing: Thing,
    began: int,
    *,
    before: int | None = None,
    heard: Heard = nobody,
) -> StrEnum:
    """Return the status of a thing that came into being at a position, as `status` does."""
    if not thing.stream:
        return FIRST[kind]  # as of most things
    known = _concluded(register, thing, began, heard) if before is None else None
    if known is not None and (len(thing.stream) == known.size or known.status in FINAL):
        return known.status  # as of most long streams: nobody said more since
    applies = _Applying(register, thing, began, heard)
    if known is None:
        stream, first = applies.within(before), FIRST[kind]
    else:
        stream, first = thing.stream[known.size :], known.status
    if not _FINAL.isdisjoint([type(each.event) for each in stream]):
        # Nothing leads out of the first final status, however much follows it.
        for said in stream:
            if type(said.event) in _FINAL and applies(said):
                return AFTER[type(said.event)]
    # Else the last word holds. A long stream is seldom gone through to its beginning.
    for said in reversed(stream):
        if type(said.event) in _PASSING and applies(said):
            return AFTER[type(said.event)]
    return first


class _Concluded(NamedTuple):
    """The status that the first entries of a stream lead to, of a thing that began somewhere."""

    size: int
    began: int
    status: StrEnum


def conclude_status(register: Register, credential: Credential, heard: Heard = nobody) -> None:
    """Draw the conclusion which status the long stream of a credential leads to by itself.

    `heard` is `nobody`, or `Among` those for whom somebody acts next.
    """

    def draw() -> _Concluded | None:
        began = existing(register, credential)
        if began is None:
            return None
        found = status_since(register, Kind.CREDENTIAL, credential, began[0], heard=heard)
        return _Concluded(len(credential.stream), began[0], found)

    # Nothing else has an entry at that position, and `Judged.past` tells what its stream was.
    register.concluded(("status", credential.stream[0].position, heard), draw)


def _concluded(register: Register, thing: Thing, began: int, heard: Heard) -> _Concluded | None:
    """Return which status a past of a thing's stream leads to, if that was concluded and holds."""
    if heard is not nobody and not isinstance(heard, Among):
        return None
    past = register.judged.past(thing.stream)
    if past is None:
        return None
    known = register.concluded(("status", past.first, heard), _not_concluded)
    if known is None or known.began != began or known.size != past.size:
        return None
    return known


def _not_concluded() -> _Concluded | None:
    return None


def statuses(
    register: Register, thing: Thing, *, before: int | None = None, heard: Heard = nobody
) -> Iterator[tuple[Said, StrEnum]]:
    """Yield the events that set the status of a thing that exists, each with the status it set.

    What follows a final status sets none, and is not yielded.
    """
    began = existing(register, thing, before)
    return iter(()) if began is None else _statuses(register, thing, began[0], before, heard)


def _statuses(
    register: Register, thing: Thing, began: int, before: int | None, heard: Heard
) -> Iterator[tuple[Said, StrEnum]]:
    applies = _Applying(register, thing, began, heard)
    for said in thing.stream:
        if before is not None and said.position >= before:
            return
        after = AFTER.get(type(said.event))
        if after is not None and applies(said):
            yield said, after
            if after in FINAL:
                return


def acts(register: Register, thing: Thing) -> list[Act]:
    """Return who did what to a thing that exists, in order, and for whom."""
    began = existing(register, thing)
    speak = _speakers_of(register, thing)
    return [
        Act(said, speak.of(said.signed, said.position))
        for said in (thing.stream if began is not None else ())
        if type(said.event) in AFTER
        and began is not None
        and said.position > began[0]
        and register.counts(said.signed)
    ]


def ended_by_owner(register: Register, thing: Thing | None) -> bool:
    """Return whether the first writer of an id ended it, whether or not the thing exists now."""
    return thing is not None and any(
        type(said.event) in ENDINGS and said.actor == thing.owner and register.counts(said.signed)
        for said in thing.stream
    )


def speakers(register: Register, thing: Thing, actor: Signed, position: int) -> tuple[str, ...]:
    """Return those for whom an organization acts at a position: the owner, or who named it.

    `actor` is the submission in which it acts. At most the owner and the accreditor of the
    accreditation that a credential names can have named it.
    """
    return _speakers_of(register, thing).of(actor, position)


def may_name(register: Register, organization: str, speaker: str, before: int) -> bool:
    """Return whether an organization may name a successor of another at a position.

    It may if it accredited that one before, by a submission that counts.
    """
    return speaker == organization or first_accredited(register, organization, speaker) < before


def closed(register: Register, did: str, before: int | None = None) -> bool:
    """Return whether an organization closed, before a position."""
    organization = register.organizations.get(did)
    return organization is not None and closing(register, organization, before) is not None


def closing(
    register: Register, organization: Organization, before: int | None = None
) -> Said | None:
    """Return the first closing that counts, before a position."""
    for said in organization.closings:
        if before is not None and said.position >= before:
            return None
        if register.counts(said.signed):
            return said
    return None


def objections(register: Register, organization: Organization) -> tuple[int, ...]:
    """Return where an organization objected to the successors that others named, oldest first."""
    return tuple(
        each.position
        for each in organization.said
        if type(each.event) is e.OrganizationObjected and register.counts(each.signed)
    )


def accreditor_of(register: Register, thing: Thing) -> tuple[str | None, int]:
    """Return the accreditor, if not the owner, of the accreditation that a credential names.

    With it, the position at which that accreditation came into being.
    """
    if not isinstance(thing, Credential) or thing.accreditation is None:
        return None, 0
    granted = register.accreditations.get(thing.accreditation)
    if granted is None or granted.subject != thing.owner or granted.owner == thing.owner:
        return None, 0
    began = existing(register, granted)
    return (None, 0) if began is None else (granted.owner, began[0])


def first_accredited(register: Register, did: str, accreditor: str) -> int:
    """Return where an accreditor first accredited an organization, or else `sys.maxsize`.

    All its keys may do so thousands of times: a conclusion.
    """

    def draw() -> int:
        first = sys.maxsize
        for id_ in register.grants_of.get(f"{did} {accreditor}", ()):
            granted = register.accreditations.get(id_)
            if granted is not None and granted.grants[0].position < first:
                began = existing(register, granted)
                first = first if began is None else min(first, began[0])
        return first

    return register.concluded(("first-accredited", did, accreditor), draw)


class _Applying:
    """Which status events of a thing count, and are the word of somebody who is heard."""

    def __init__(self, register: Register, thing: Thing, began: int, heard: Heard) -> None:
        self._register = register
        self._thing = thing
        self._owner = thing.owner
        owner = register.organizations.get(self._owner)
        self._keys = None if owner is None else owner.keys
        self._began = began
        self._heard = heard
        self.speakers = _speakers_of(register, thing)
        self._submission: Signed | None = None
        self._counts = False

    def within(self, before: int | None) -> Sequence[Said]:
        """Return the stream before a position, without most of what does not apply."""
        stream: Sequence[Said] = self._thing.stream
        past = None
        if before is not None:
            stream = stream[: bisect_left(stream, before, key=attrgetter("position"))]
        else:
            past = self._register.judged.past(stream)
        if others_in(stream, self._owner, past):
            # Others act in crowds, each a few times. Nobody is heard who was never named.
            named = self.speakers.named_by_owner
            if self._heard is not nobody:
                named |= self.speakers.named_by_accreditor
            stream = said_by(stream, named, past)
        fallen = self._register.judged.fallen
        if fallen:
            stream = [each for each in stream if each.signed.position not in fallen]
        return stream

    def __call__(self, said: Said) -> bool:
        """Return whether one event of the stream does."""
        signed = said.signed
        if signed is not self._submission:  # of a long stream, many entries share one
            self._submission = signed
            if self._keys is not None and signed.organization == self._owner:
                # Most of a stream is its owner's, and the register is then asked for it only once.
                self._counts = self._keys.counts(signed.key, signed.position, signed.recorded_at)
            else:
                self._counts = self._register.counts(signed)
        return self._counts and self._is_heard(said)

    def _is_heard(self, said: Said) -> bool:
        own = said.signed.organization == self._owner
        if said.position < self._began and not (own and type(said.event) in ENDINGS):
            return False
        if own or isinstance(self._thing, Achievement):
            return own
        return any(
            speaker == self._owner or self._heard(speaker, said.position)
            for speaker in self.speakers.of(said.signed, said.position)
        )


class Speakers:
    """Those for whom others act on the things of an owner that name one accreditation, or none.

    What the owner and the accreditor said about successors is gone through once, at the first
    question, however many acts are asked about.
    """

    def __init__(self, register: Register, thing: Thing) -> None:
        self._register = register
        self._thing = thing

    @cached_property
    def named_by_owner(self) -> frozenset[str]:
        """The owner, and all that it ever named its successor by what counts."""
        return frozenset({self._thing.owner, *self._own})

    @property
    def named_by_accreditor(self) -> AbstractSet[str]:
        """All that the accreditor ever named the owner's successor by what counts."""
        return self._foreign.keys()

    def of(self, actor: Signed, position: int) -> tuple[str, ...]:
        """Return those for whom the signer of a submission acts at a position."""
        owner = self._thing.owner
        if actor.organization == owner:
            return (owner,)
        found = []
        if self._in_effect(self._own.get(actor.organization, ()), 0, actor, position):
            found.append(owner)
        accreditor, since = self._accreditor
        if accreditor is not None and since < position:
            namings = self._foreign.get(actor.organization, ())
            objected = max((at for at in self._objections if at < position), default=0)
            if self._in_effect(namings, max(self._first_accredited, objected), actor, position):
                found.append(accreditor)
        return tuple(found)

    def _in_effect(self, namings: Sequence[Said], after: int, actor: Signed, position: int) -> bool:
        """Return whether one of a speaker's namings, oldest first, has taken effect."""
        # The oldest that is not barred takes effect first.
        first = next((each for each in namings if after < each.position < position), None)
        return first is not None and (
            actor.recorded_at - first.signed.recorded_at >= NOTICE or self._closed < position
        )

    @cached_property
    def _owner(self) -> Organization | None:
        return self._register.organizations.get(self._thing.owner)

    @cached_property
    def _own(self) -> Mapping[str, Sequence[Said]]:
        return self._by_successor(() if self._owner is None else self._owner.said)

    @cached_property
    def _foreign(self) -> Mapping[str, Sequence[Said]]:
        pair = f"{self._thing.owner} {self._accreditor[0]}"

        def draw() -> Mapping[str, Sequence[Said]]:
            return self._by_successor(self._register.successions.get(pair, ()))

        # All the keys of an accreditor may name thousands.
        return self._register.concluded(("named-by-accreditor", pair), draw)

    @cached_property
    def _closed(self) -> int:
        """The position of the owner's closing; none is reached if it did not close."""
        found = None if self._owner is None else closing(self._register, self._owner)
        return sys.maxsize if found is None else found.position

    @cached_property
    def _objections(self) -> tuple[int, ...]:
        return () if self._owner is None else objections(self._register, self._owner)

    @cached_property
    def _accreditor(self) -> tuple[str | None, int]:
        return accreditor_of(self._register, self._thing)

    @cached_property
    def _first_accredited(self) -> int:
        accreditor, _ = self._accreditor
        if accreditor is None:
            return sys.maxsize
        return first_accredited(self._register, self._thing.owner, accreditor)

    def _by_successor(self, said: Sequence[Said]) -> Mapping[str, Sequence[Said]]:
        """Return the namings that count, oldest first, by the successor that they name.

        One organization said them all.
        """
        found: dict[str, list[Said]] = {}
        counts = self._register.counting(said[0].actor) if said else _never
        for each in said:
            by = each.signed
            if isinstance(each.event, e.OrganizationSucceeded) and counts(
                by.key, by.position, by.recorded_at
            ):
                found.setdefault(each.event.successor, []).append(each)
        return found


def _speakers_of(register: Register, thing: Thing) -> Speakers:
    """Return the speakers for a thing; things may share them while only credentials are said."""
    shared = register.judged.speakers
    if shared is None:
        return Speakers(register, thing)
    name = thing.owner, thing.accreditation if isinstance(thing, Credential) else None
    found: Speakers | None = shared.get(name)
    if found is None:
        found = shared[name] = Speakers(register, thing)
    return found


def _never(_key: str, _position: int, _recorded_at: int) -> bool:
    return False
