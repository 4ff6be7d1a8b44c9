"""What the tests of the command line start from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import World
from tests.harness.http_registry import HttpRegistry
from tests.harness.story import Story


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
