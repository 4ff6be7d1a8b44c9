"""Told stories: each is a promise, played on a register, and names the rule that it needs.

A story takes the settings it is played under, fails by an assertion or by a refusal of what
must be admitted, and passes otherwise. `test_told.py` plays each with all rules, and again
without its rule, where it must fail: so no rule stands in the model for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from tests.trust_model.settings import SMALL, Rule, Settings

Play: TypeAlias = Callable[[Settings], None]


@dataclass(frozen=True, slots=True)
class Told:
    """A story, and the rule without which it fails; None for one that several rules keep."""

    play: Play
    rule: Rule | None

    @property
    def promise(self) -> str:
        """Return the story's name."""
        return self.play.__name__


STORIES: Final[list[Told]] = []


def told(rule: Rule | None = None) -> Callable[[Play], Play]:
    """Add a story to the collection."""

    def add(play: Play) -> Play:
        STORIES.append(Told(play, rule))
        return play

    return add


def small(settings: Settings) -> Settings:
    """Return the small caps, with the same rules taken away."""
    return replace(SMALL, without=settings.without)
