"""Key events in their heaviest spellings: trials for `bench.gate_worst`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from bench.gate_shapes import Filled
from bench.gate_trial import Act, Trial, made
from testamur.catalogue import events as e
from testamur.catalogue.members import Range
from testamur.rules.key_admission import CAPS
from tests.harness.story import Party, party


class _Listing:
    """Listings of keys by the provider's founding key, of which only so many may be in force."""

    def __init__(self) -> None:
        self._listed: list[Party] = []

    def before(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return the submission that retires the keys listed so far."""
        founding = filled.story.provider.founding
        known = filled.register.organizations[founding.did].keys.keys
        retired = [filled.story.key_retired(key) for key in self._listed if key.key_id in known]
        self._listed = []
        return [(founding, retired)] if retired else []

    def acts(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return a submission that lists a key."""
        founding = filled.story.provider.founding
        self._listed.append(founding.with_key(f"key-{next(made)}"))
        return [(founding, [filled.story.key_listed(self._listed[-1])])]


_listing: Final = _Listing()


class _Keys:
    """Keys of the provider that are listed before, for what may become of them."""

    def __init__(self, last: Callable[[Filled, Party], e.Event]) -> None:
        self._last = last
        self._keys: list[Party] = []

    def before(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return the submission that lists the keys."""
        founding = filled.story.provider.founding
        self._keys = [founding.with_key(f"key-{next(made)}") for _ in range(3)]
        return [(founding, [filled.story.key_listed(key) for key in self._keys])]

    def acts(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return what becomes of one of them."""
        key, founding = self._keys.pop(), filled.story.provider.founding
        return [(founding, [self._last(filled, key)])]


def _key_retired(filled: Filled, key: Party) -> e.Event:
    return filled.story.key_retired(key)


def _key_compromised(filled: Filled, key: Party) -> e.Event:
    return filled.story.key_compromised(key, 10)


def _of_keys(name: str, last: Callable[[Filled, Party], e.Event]) -> Trial:
    keys = _Keys(last)
    return Trial(name, keys.acts, keys.before)


# --- Declarations that keep all that an organization may keep ---

_LARGEST: Final = 1_000  # ranges of one declaration
_WITHIN: Final = 2 * CAPS.kept_ranges  # positions that others fill

Said: TypeAlias = Callable[[Filled, Party, int], Iterable[Act]]
"""What an organization says of its keys; its ranges begin at a position."""


def _ranges(since: int, count: int, wide: int = 0) -> tuple[Range, ...]:
    step = 2 + wide
    return tuple((at, at + wide) for at in range(since, since + step * count, step))


def _nothing(_filled: Filled, _who: Party, _since: int) -> Iterable[Act]:
    return ()


def _large(filled: Filled, who: Party, since: int) -> Iterator[Act]:
    kept = _ranges(since, _LARGEST)
    yield who.founding, [filled.story.key_compromised(who, since, kept)]


def _two_declare(filled: Filled, who: Party, since: int) -> Iterator[Act]:
    kept = _ranges(since, CAPS.kept_by_recovery_key, 2)
    yield who.recovery, [filled.story.key_compromised(who, since, kept)]
    yield from _large(filled, who, since)


def _restated(filled: Filled, who: Party, since: int) -> Iterator[Act]:
    left = CAPS.kept_ranges - _LARGEST - CAPS.kept_by_recovery_key
    kept = _ranges(since + 1, left)
    yield who.founding, [filled.story.key_compromised(who, since, kept)]


def _listed(who: Party) -> list[Party]:
    """Return the signing keys that its recovery key lists: as many as may be in force."""
    return [who.with_key(f"{who.did} {number}") for number in range(CAPS.signing_keys)]


def _recovery_lists(filled: Filled, who: Party, _: int) -> Iterator[Act]:
    yield who.recovery, [filled.story.key_listed(key) for key in _listed(who)]


def _all_declared(filled: Filled, who: Party, since: int) -> Iterator[Act]:
    kept = _ranges(since, CAPS.kept_ranges // CAPS.signing_keys)
    yield who.founding, [filled.story.key_compromised(key, since, kept) for key in _listed(who)]


def _recovery_declared(filled: Filled, who: Party, _: int) -> Iterator[Act]:
    """Declare from the beginning, so that no key counts that the recovery key listed."""
    yield who.founding, [filled.story.key_compromised(who.recovery, 10)]


def _recovery_cleared(filled: Filled, who: Party, _: int) -> Iterator[Act]:
    yield who.founding, [filled.story.key_compromised(who.recovery, filled.register.size)]


class _Declared:
    """Organizations that each say one thing of their keys; others signed a great deal before."""

    def __init__(self, first: Said, earlier: Sequence[Said], last: Said) -> None:
        self._first = first
        self._earlier = earlier
        self._last = last
        self._ready: list[Party] = []
        self._since = 0

    def before(self, filled: Filled, _: int) -> Iterator[Act]:
        """Yield what brings the organizations in, and what is said before the last."""
        story = filled.story
        self._ready = [party(f"declarer {next(made)}") for _ in range(3)]
        entering = [story.registered(story.accreditor, each, "provider") for each in self._ready]
        yield story.accreditor, entering
        for each in self._ready:
            yield from self._first(filled, each, filled.register.size)
        self._since = filled.register.size
        yield story.provider, [story.issued() for _ in range(_WITHIN)]
        for each in self._ready:
            for said in self._earlier:
                yield from said(filled, each, self._since)

    def acts(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return the last declaration of one of them."""
        return list(self._last(filled, self._ready.pop(), self._since))


def _declared(name: str, last: Said, *earlier: Said, first: Said = _nothing) -> Trial:
    declared = _Declared(first, earlier, last)
    return Trial(name, declared.acts, declared.before)


KEY_KINDS: Final[dict[str, tuple[Trial, ...]]] = {
    "key.listed/1": (Trial("the provider's", _listing.acts, _listing.before),),
    "key.retired/1": (_of_keys("one of many", _key_retired),),
    "key.compromised/1": (
        _of_keys("one of many", _key_compromised),
        _declared("with a thousand ranges kept", _large),
        _declared("again, with other ranges, beside a recovery key's", _restated, _two_declare),
        _declared(
            "a recovery key whose 16 keys were declared with ranges",
            _recovery_declared,
            _all_declared,
            first=_recovery_lists,
        ),
        _declared(
            "the same, taken back",
            _recovery_cleared,
            _all_declared,
            _recovery_declared,
            first=_recovery_lists,
        ),
    ),
}
"""By wire name, the trials of each kind of key event."""
