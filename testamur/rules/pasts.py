"""Who said what of a thing: gone through once, before anybody waits for it.

All that others say of a credential stays in its stream: hundreds of entries, of which its owner's
next act is judged by few. A past depends on the stream alone, not on what counts. It serves every
stream that goes on from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from operator import attrgetter
from typing import Final, NamedTuple

from testamur.rules.said import Said, Signed

LONG: Final = 16
"""So many entries of a stream are gone through again as fast as a past is looked up."""

_position: Final = attrgetter("position")


class Past(NamedTuple):
    """The first entries of a stream: how many, by whom, and how many by each key of each.

    `first` is the position of the first of them, and `last` the last of them.
    """

    size: int
    first: int
    last: Said
    by: Mapping[str, Sequence[Said]]
    by_key: Mapping[tuple[str, str], int]

    def begins(self, stream: Sequence[Said]) -> bool:
        """Return whether a stream goes on from this past."""
        # Nothing is said twice at one position, and a stream only grows.
        return len(stream) >= self.size and stream[self.size - 1] is self.last


def past_of(stream: Sequence[Said]) -> Past:
    """Return the past that a stream is, which has one entry at least."""
    by: dict[str, list[Said]] = {}
    for said in stream:
        by.setdefault(said.signed.organization, []).append(said)
    keys = Counter((said.signed.organization, said.signed.key) for said in stream)
    return Past(len(stream), stream[0].position, stream[-1], by, keys)


def said_by(
    stream: Sequence[Said], organizations: AbstractSet[str], past: Past | None
) -> list[Said]:
    """Return what some organizations said of a stream, oldest first."""
    parts = () if past is None else [past.by[each] for each in past.by.keys() & organizations]
    found = sorted(chain.from_iterable(parts), key=_position)
    found += [each for each in _since(stream, past) if each.signed.organization in organizations]
    return found


def others_in(stream: Sequence[Said], organization: str, past: Past | None) -> bool:
    """Return whether any other organization said something of a stream."""
    if past is not None and (len(past.by) > 1 or organization not in past.by):
        return True
    return any(each.signed.organization != organization for each in _since(stream, past))


def spent_by(stream: Sequence[Said], organization: str, past: Past | None) -> int:
    """Return how much of a stream the keys of one organization said together."""
    spent = 0
    if past is not None:
        spent = len(past.by.get(organization, ()))
        stream = stream[past.size :]
    return spent + [each.signed.organization for each in stream].count(organization)


def spent_by_key(stream: Sequence[Said], signer: Signed, past: Past | None) -> int:
    """Return how much of a stream the signer's key said for the signer's organization."""
    spent = 0
    if past is not None:
        spent = past.by_key.get((signer.organization, signer.key), 0)
        stream = stream[past.size :]
    if signer.key not in {each.signed.key for each in stream}:
        return spent
    # Another organization may list the same key.
    return spent + sum(
        each.signed.key == signer.key and each.actor == signer.organization for each in stream
    )


def _since(stream: Sequence[Said], past: Past | None) -> Sequence[Said]:
    return stream if past is None else stream[past.size :]
