"""Whose successors are heard? What another says of a thing rests on who named it a successor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Heard: TypeAlias = Callable[[str, int], bool]
"""Whether the successors that an accreditor (a DID) named are heard, at the position of the act."""


def nobody(_speaker: str, _position: int) -> bool:
    """Hear no successor but the owner's own: an answer that rests on no anchors."""
    return False


@dataclass(frozen=True, slots=True)
class Among:
    """Hears the successors that some organizations named: those for whom the next act is done."""

    speakers: tuple[str, ...]

    def __call__(self, speaker: str, _position: int) -> bool:
        """Return whether the successors of `speaker` are heard."""
        return speaker in self.speakers


def everybody(_speaker: str, _position: int) -> bool:
    """Hear the successors that any accreditor named."""
    return True
