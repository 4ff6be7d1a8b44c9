"""A real log for a story that was told to the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.trust_model.story import Register
from tests.trust_stories.holders import NONE, Alteration
from tests.trust_stories.published import PublishedStory


class OnLog(Protocol):
    """Plays a story on a log of its own; fails if the gate answers otherwise than the model."""

    def __call__(
        self,
        told: Register,
        alterations: Mapping[str, Alteration] = NONE,
        *,
        thoroughly: bool = True,
    ) -> PublishedStory: ...


def codes(published: PublishedStory, *credentials: str) -> list[int]:
    """Return the exit codes of a verifier who trusts the Ministry and replayed the log."""
    return [published.report(each).exit_code for each in credentials]


@pytest.fixture
def on_log(tmp_path: Path) -> Iterator[OnLog]:
    """Return what plays a story that was told through a gate, and publishes it."""
    with ExitStack() as opened:
        number = 0

        def play(
            told: Register,
            alterations: Mapping[str, Alteration] = NONE,
            *,
            thoroughly: bool = True,
        ) -> PublishedStory:
            nonlocal number
            number += 1
            published = PublishedStory(tmp_path / str(number), told, alterations)
            opened.enter_context(published)
            assert published.play(thoroughly=thoroughly) == []
            return published

        yield play
