"""Every step of the runbook is a command that works, in the order in which it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.__main__ import commands as api_commands
from tests.harness.served import PROJECT, Served, called

PAGE = PROJECT / "docs" / "runbook.md"
RUNBOOK = PAGE.read_text(encoding="utf-8")
TODAY = datetime.now(UTC).date()


def sections() -> list[tuple[str, list[str]]]:
    """Return each heading, and the blocks below it that are marked `sh`."""
    parts = re.split(r"^## (.*)\n", RUNBOOK, flags=re.MULTILINE)[1:]
    return [
        (heading, re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
        for heading, text in zip(parts[::2], parts[1::2], strict=True)
    ]


class Operator:
    """Somebody who does what the runbook says, at a shell."""

    def __init__(self, log: Served, folder: Path) -> None:
        self.log = log
        self.words = {
            "DATA": str(log.data),
            "BACKUP": str(folder / "backup"),
            "KEPT": str(folder / "kept"),
            "URL": log.url,
            "FIRST_DAY": str(TODAY + timedelta(days=1)),
            "LAST_DAY": str(TODAY + timedelta(days=30)),
            "OLD_KEY": log.key.key_id.hex(),
        }

    def does(self, block: str) -> str:
        """Run a block, and expect that each command of it ends with 0; return what it printed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=PROJECT,
            env={**os.environ, **self.words, "PATH": f"{_programs()}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, (block, done.stdout, done.stderr)
        return done.stdout


def _programs() -> Path:
    return Path(sys.executable).parent


@pytest.fixture
def operator(opened_log: Served, tmp_path: Path) -> Iterator[Operator]:
    log = opened_log.copy(tmp_path / "data")
    with log.running():
        yield Operator(log, tmp_path)
    log.close()


@pytest.mark.server
@pytest.mark.slow
def test_an_operator_can_do_what_the_runbook_says(operator: Operator, tmp_path: Path) -> None:
    log = operator.log

    def stopped() -> None:
        log.stop()  # as "Restore" demands: no registry answers, no publisher signs

    def started() -> None:
        log.start()
        operator.words["URL"] = log.url
        (tmp_path / "kept" / "log.vkey").write_bytes(log.get("/log/vkey").content)

    before: dict[str, Callable[[], None]] = {"Restore": stopped, "The disk is full": started}
    said: dict[str, str] = {}
    for heading, blocks in sections():
        before.get(heading, lambda: None)()
        said[heading] = "".join(map(operator.does, blocks))

    assert '"ready"' in said["Start and stop"]
    assert sorted(each.name for each in (tmp_path / "kept").iterdir()) == [
        "key", "log.vkey", "published.checkpoint",
    ]  # fmt: skip
    listed = said["Change the log's key"].splitlines()
    assert listed[1].startswith(str(log.key))
    assert listed[2] == f"{listed[0]} {operator.words['FIRST_DAY']} - here"
    assert listed[3] == " ".join([*listed[1].split()[:2], operator.words["LAST_DAY"]])
    assert "It holds" in said["The projections are halted"]
    # What was restored is served: it is the log, with every entry of it.
    restored = Served(Path(f"{log.data}-restored"))
    restored.story, restored.vkey = log.story, log.vkey
    size = log.size
    log.stop()
    with restored.running():
        assert restored.size == size
        restored.submit(log.story.cohort(2))
    restored.close()
    log.start()  # which the fixture stops


@pytest.mark.parametrize("words", sorted(set(re.findall(r"python -m api ([^`\n]*)", RUNBOOK))))
def test_a_command_that_is_named_takes_the_options_that_are_shown(words: str) -> None:
    assert api_commands.registered_commands
    command, *rest = words.replace("\\", "").split()
    help_of = [command] if command != "log-key" else [command, rest.pop(0)]
    shown = called(*help_of, "--help")
    assert shown.returncode == 0, words
    for option in rest:
        if option.startswith("--"):
            assert option in shown.stdout, (words, option)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", RUNBOOK))))
def test_a_place_that_is_named_is_there(link: str) -> None:
    file, _, heading = link.partition("#")
    named = PROJECT / "docs" / file if file else PAGE
    assert named.exists()
    if heading:
        headings = re.findall(r"^#+ (.+)$", named.read_text(), re.MULTILINE)
        plain = (re.sub(r"[^a-z0-9 -]", "", each.lower()) for each in headings)
        slugs = {each.replace(" ", "-") for each in plain}
        assert heading in slugs


@pytest.mark.parametrize("test", sorted(set(re.findall(r"`(tests/[\w/]+\.py)", RUNBOOK))))
def test_a_test_that_is_named_is_there(test: str) -> None:
    assert (PROJECT / test).exists()
