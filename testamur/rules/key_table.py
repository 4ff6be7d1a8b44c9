"""Which submissions of an organization count: what follows from its own key events alone.

    table = KeyTable.of(did, recovery=(...), signing=(...), position=12)
    table = table.plus(submission)                        after each of its key submissions
    table.as_of(size).counts(key, position, recorded_at)  does that submission count as of `size`?

A submission with its header at p counts as of N if, by those key events of its organization
before N that count, the key that signed it was listed before p, was not retired before p, and is
not cut off at p. Submissions count whole or not at all.

Only the key itself and recovery keys of higher rank are heard about a key. So the fold goes down
the ranks from the founding key: when it reaches a key, all that counts about that key is known,
and with it which of the key's own submissions count. One pass, no circles, no other organization.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from testamur.catalogue.events import KeyCompromised, KeyEvent, KeyListed, KeyRetired
from testamur.rules.kept import Kept

LIMIT: Final = 90 * 24 * 3600 * 1000
"""90 days in ms: how far back a declaration reaches, and for how long it may be restated."""

FOUNDING: Final = 0
SIGNING: Final = 2**31
"""The ranks of the founding key and of all signing keys; recovery keys stand between."""


class KeyDeclared(msgspec.Struct, frozen=True, gc=False):
    """A `key.compromised/1`, its ranges packed."""

    key: str
    since: int | None
    kept: Kept


KeyWord: TypeAlias = KeyListed | KeyRetired | KeyDeclared


class KeySubmission(msgspec.Struct, frozen=True, gc=False):
    """A submission that holds key events alone: its header's `position` and time, its signer."""

    position: int
    key: str
    recorded_at: int
    events: tuple[KeyWord, ...]

    @classmethod
    def of(
        cls, position: int, key: str, recorded_at: int, events: Iterable[KeyEvent]
    ) -> KeySubmission:
        """Return the submission of these events, as a table remembers it."""
        return cls(position, key, recorded_at, tuple(map(_word, events)))

    @property
    def kept(self) -> int:
        """How many ranges its declarations keep."""
        return sum(len(each.kept) for each in self.events if isinstance(each, KeyDeclared))

    @property
    def end(self) -> int:
        """The position after its last entry."""
        return self.position + 1 + len(self.events)

    def entries(self) -> Iterator[tuple[int, KeyWord]]:
        """Return its events, each with its position."""
        return enumerate(self.events, start=self.position + 1)


class Declaration(msgspec.Struct, frozen=True, gc=False):
    """The last word of one key about the compromise of a key; `position` is where it stands.

    `first` is when the first word of that key about it was recorded.
    """

    position: int
    since: int
    kept: Kept
    first: int

    def cuts_off(self, position: int, recorded_at: int) -> bool:
        """Return whether what the compromised key signed then and there is cut off."""
        return (
            position >= self.since
            and recorded_at >= self.first - LIMIT
            and (not self.kept.packed or position not in self.kept)
        )


_NOTHING: Final = Kept()
_NOBODY: Final[Mapping[str, Declaration]] = MappingProxyType({})


class ListedKey(msgspec.Struct, frozen=True, gc=False):
    """A key that was listed, and what counts of what was said about it.

    `lister` signed the listing at position `listed`, which may not count. `compromised` has the
    declarations by the key that made them.
    """

    key: str
    rank: int
    lister: str
    listed: int
    listing_counts: bool = False
    retired: int | None = None
    compromised: Mapping[str, Declaration] = _NOBODY

    @property
    def in_force(self) -> bool:
        """Whether it may sign the next submission."""
        return self.listing_counts and self.retired is None and not self.compromised

    def counts(self, position: int, recorded_at: int) -> bool:
        """Return whether a submission with its header there, signed by this key, counts."""
        if not self.listing_counts or self.listed >= position:
            return False
        if self.retired is not None and self.retired <= position:
            return False
        if self.compromised:  # of hardly any key was that ever declared
            for declaration in self.compromised.values():
                if declaration.cuts_off(position, recorded_at):
                    return False
        return True

    def cut_off_by(self, position: int, recorded_at: int) -> Declaration | None:
        """Return a declaration that cuts off such a submission."""
        for declaration in self.compromised.values():
            if declaration.cuts_off(position, recorded_at):
                return declaration
        return None

    def heeds(self, signer: ListedKey) -> bool:
        """Return whether `signer` may retire this key or declare it compromised."""
        return signer.rank < self.rank or signer.key == self.key


class NotCounted(msgspec.Struct, frozen=True, gc=False):
    """Why a submission does not count, and the position of the key event that says so."""

    reason: str
    position: int | None = None


class KeyTable(msgspec.Struct, frozen=True, gc=False):
    """An organization's keys, folded from its registration and the key events in `history`.

    `registered` is the position of the registration's header; `keys` are all that were ever
    listed, in order. Never modified: each further submission makes another table.
    """

    registered: int
    history: tuple[KeySubmission, ...]
    keys: Mapping[str, ListedKey]

    @classmethod
    def of(
        cls, did: str, recovery: Sequence[str], signing: Iterable[str], position: int
    ) -> KeyTable:
        """Return the keys of a registration whose submission has its header at `position`.

        The founding key is the one that `did` spells, `recovery` the others in order of rank.
        """
        founding = did.removeprefix("did:key:")
        ranked = [*enumerate((founding, *recovery), FOUNDING), *((SIGNING, key) for key in signing)]
        return cls(
            position,
            (),
            {key: ListedKey(key, rank, founding, position, True) for rank, key in ranked},
        )

    def plus(self, submission: KeySubmission) -> KeyTable:
        """Return the table after one more key submission, which comes after all in `history`."""
        history = (*self.history, submission)
        signers = {each.key for each in self.history}
        if any(type(event) is KeyDeclared and event.key in signers for event in submission.events):
            # Key submissions of the compromised key may stop counting, or count again.
            return self._folded(history)
        keys = dict(self.keys)
        counts = self.counts(submission.key, submission.position, submission.recorded_at)
        take = hear if counts else _enter
        for position, event in submission.entries():
            take(keys, submission, position, event)
        return KeyTable(self.registered, history, keys)

    def after(self, submissions: Iterable[KeySubmission]) -> KeyTable:
        """Return the table that `plus` of each leads to, folded once however many they are."""
        return self._folded((*self.history, *submissions))

    def as_of(self, size: int) -> KeyTable:
        """Return the table by the key submissions that lie wholly before position `size`."""
        before = tuple(each for each in self.history if each.end <= size)
        return self if len(before) == len(self.history) else self._folded(before)

    def counts(self, key: str, position: int, recorded_at: int) -> bool:
        """Return whether a submission with its header there, signed by `key`, counts."""
        listed = self.keys.get(key)
        return listed is not None and listed.counts(position, recorded_at)

    def why_not(self, key: str, position: int, recorded_at: int) -> NotCounted | None:
        """Return why such a submission does not count, or None if it does."""
        listed = self.keys.get(key)
        if listed is None:
            return NotCounted(f"{key} was never listed as a key of the organization")
        if listed.listed >= position:
            return NotCounted(f"{key} was listed at {listed.listed}, not before", listed.listed)
        if not listed.listing_counts:
            return self._listed_in_vain(listed)
        if listed.retired is not None and listed.retired < position:
            return NotCounted(f"{key} was retired at {listed.retired}", listed.retired)
        cut = listed.cut_off_by(position, recorded_at)
        if cut is None:
            return None
        return NotCounted(
            f"{key} was declared compromised at {cut.position} since {cut.since}", cut.position
        )

    def _folded(self, history: tuple[KeySubmission, ...]) -> KeyTable:
        """Return the table by the registration and `history`, from the founding key down."""
        keys = {
            each.key: replace(each, retired=None, compromised=_NOBODY)
            for each in self.keys.values()
            if each.listed == self.registered
        }
        signed: dict[str, list[KeySubmission]] = {}
        for submission in history:
            signed.setdefault(submission.key, []).append(submission)
            for position, event in submission.entries():
                _enter(keys, submission, position, event)
        for signer in sorted(signed.keys() & keys.keys(), key=lambda key: keys[key].rank):
            for submission in signed[signer]:
                if keys[signer].counts(submission.position, submission.recorded_at):
                    for position, event in submission.entries():
                        hear(keys, submission, position, event)
        return KeyTable(self.registered, history, keys)

    def _listed_in_vain(self, listed: ListedKey) -> NotCounted:
        listing = next(each for each in self.history if each.position < listed.listed < each.end)
        because = self.why_not(listing.key, listing.position, listing.recorded_at)
        reason = f"{listed.key} was listed at {listed.listed}, which does not count"
        if because is None:
            return NotCounted(reason, listed.listed)
        return NotCounted(f"{reason}: {because.reason}", because.position)


_Keys: TypeAlias = dict[str, ListedKey]


def hear(keys: _Keys, submission: KeySubmission, position: int, event: KeyWord) -> None:
    """Let the event at `position` hold in `keys`; it is one of a submission that counts.

    An event that its signer has no right to say changes nothing. Which other submissions count is
    left as it was: `KeyTable.plus` draws that conclusion.
    """
    _enter(keys, submission, position, event)
    about = keys.get(event.key)
    if about is None:
        return
    signer = keys.get(submission.key)
    heeded = signer is not None and about.heeds(signer)
    match event:
        case KeyListed():
            if about.listed == position:
                keys[about.key] = replace(about, listing_counts=True)
        case KeyDeclared():
            if heeded:
                keys[about.key] = _declared(about, submission, position, event)
        case KeyRetired():
            if heeded and (about.retired is None or position < about.retired):
                keys[about.key] = replace(about, retired=position)
        case _:
            assert_never(event)


def _enter(keys: _Keys, submission: KeySubmission, position: int, event: KeyWord) -> None:
    """Give a key its place by the event that lists it, whether or not the listing counts."""
    signer = keys.get(submission.key)
    if type(event) is not KeyListed or event.key in keys or signer is None:
        return
    if signer.rank == FOUNDING or (event.as_ == "signing" and signer.rank < SIGNING):
        # Every key entered later ranks behind, with gaps where signing keys were entered.
        rank = len(keys) if event.as_ == "recovery" else SIGNING
        keys[event.key] = ListedKey(event.key, rank, signer.key, position)


def _declared(
    about: ListedKey, submission: KeySubmission, position: int, event: KeyDeclared
) -> ListedKey:
    before = about.compromised.get(submission.key)
    first = submission.recorded_at if before is None else before.first
    if submission.recorded_at > first + LIMIT:
        return about  # its first word is final by now
    # A key says nothing about its own past.
    past = None if about.key == submission.key else event.since
    declaration = Declaration(
        position=position,
        since=submission.end if past is None else past,
        kept=_NOTHING if past is None else event.kept,
        first=first,
    )
    return replace(about, compromised={**about.compromised, submission.key: declaration})


def _word(event: KeyEvent) -> KeyWord:
    match event:
        case KeyListed() | KeyRetired():
            return event
        case KeyCompromised():
            kept = _NOTHING if event.kept is None else Kept.of(event.kept)
            return KeyDeclared(event.key, event.since, kept)
        case _:
            assert_never(event)
