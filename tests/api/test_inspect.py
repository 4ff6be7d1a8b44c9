"""`python -m api inspect`: an operator looks into one aggregate of a log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.__main__ import commands
from api.making import make_log
from testamur.catalogue.events import LogOpened
from testamur.catalogue.lines import decode_event
from tests.harness.story import Story, party


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture
def data(tmp_path: Path, story: Story) -> Path:
    opened = decode_event(story.genesis()[:-1].split(b"\n")[1])
    assert isinstance(opened, LogOpened)
    make_log(tmp_path / "log", story.origin, opened.authorities)
    return tmp_path / "log"


def run(*arguments: object) -> tuple[int, str, str]:
    """Return the exit code and what was printed."""
    done = CliRunner().invoke(commands, ["inspect", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_an_organization_is_printed_readably_and_as_json(data: Path, story: Story) -> None:
    did = story.authority.did
    code, text, _ = run(did, "--data", data)
    assert (code, text.splitlines()[0]) == (0, f"organization {did}: version 0, as of 2 entries")
    code, line, _ = run(did, "--data", data, "--json")
    assert code == 0
    assert json.loads(line)["state"]["did"] == did


def test_what_is_not_there_is_refused(data: Path) -> None:
    code, text, error = run(party("nobody").did, "--data", data)
    assert (code, text) == (1, "")
    assert "names no organization" in error


def test_a_folder_without_a_log_is_unavailable_and_stays_empty(tmp_path: Path) -> None:
    code, _, error = run(party("nobody").did, "--data", tmp_path)
    assert code == 2
    assert "holds no log" in error
    assert list(tmp_path.iterdir()) == []
