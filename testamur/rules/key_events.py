"""What an organization says of its own keys: `key.listed`, `key.retired`, `key.compromised`.

Each is about the organization that signs it, so none names one. A key is named by its public
Multikey, which is its id.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final, Literal, TypeAlias, get_args

import msgspec

from testamur.catalogue.members import Multikey, Part, Position, up_to
from testamur.errors import Refusal

KeyUse: TypeAlias = Literal["recovery", "signing"]
Range: TypeAlias = tuple[Position, Position]
"""The header positions from the first to the second, both included."""


class KeyListed(Part, frozen=True, gc=False, kw_only=True, tag_field="type", tag="key.listed/1"):
    """From here on the key signs for the organization."""

    as_: KeyUse = msgspec.field(name="as")
    key: Multikey


class KeyRetired(Part, frozen=True, gc=False, kw_only=True, tag_field="type", tag="key.retired/1"):
    """The key signs no more; its earlier submissions still count."""

    key: Multikey


class KeyCompromised(
    Part, frozen=True, gc=False, kw_only=True, tag_field="type", tag="key.compromised/1"
):
    """Nothing that the key signed at position `since` or later counts, but for `kept`.

    `kept` are the submissions from `since` on that the owner signed, by ranges of their header
    positions. A key that declares itself compromised states neither.
    """

    key: Multikey
    since: Position | None = None
    kept: Annotated[tuple[Range, ...], up_to(1000)] | None = None

    def __post_init__(self) -> None:
        """Raise `Refusal` (rule `kept-ranges`) unless the ranges have their one spelling."""
        if self.kept is None:
            return
        if self.since is None:
            raise Refusal("kept-ranges", "kept needs since: it lists exceptions to it")
        # A position below `since` needs no exception, so the ranges begin there.
        bounds = [bound for each in self.kept for bound in each]
        in_order = all(first <= last for first, last in self.kept) and all(
            before < after for (_, before), (after, _) in pairwise(self.kept)
        )
        if not in_order or bounds[0] < self.since:
            raise Refusal(
                "kept-ranges",
                f"kept lists disjoint ranges [from, to] in order, from {self.since} (since) on",
                value=list(self.kept[:8]),
            )


KeyEvent: TypeAlias = KeyListed | KeyRetired | KeyCompromised
KEY_EVENTS: Final = frozenset(get_args(KeyEvent))
