"""What the tests of the command line start from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from tests.cli.commands import World
from tests.cli.robbed import Robbed
from tests.harness.http_registry import HttpRegistry
from tests.harness.served import Served
from tests.harness.story import Story

_numbers: Final = count(1)


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, which is also where commands run."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def now() -> Story:
    """Return a story that takes place now, since the command line signs by the clock."""
    return Story(now=int(time.time()))


@pytest.fixture
def world(at: Path) -> World:
    return World(at)


@pytest.fixture
def registry(world: World) -> Iterator[HttpRegistry]:
    with HttpRegistry(world.log) as found:
        yield found


@pytest.fixture(scope="session")
def served(opened_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for all these tests; each test process starts it once."""
    with closing(opened_log.copy(tmp_path_factory.mktemp("cli") / "data")) as log, log.running():
        yield log


@pytest.fixture
def college(served: Served) -> Story:
    """Return the story of a provider that is new on the server's log, and may issue."""
    story = served.story.of_another_provider(next(_numbers))
    served.submit(*story.joining())
    return story


@pytest.fixture
def robbed(served: Served, college: Story, at: Path) -> Robbed:
    return Robbed(at, served, college)
