"""Pages of a large cohort are made by processes, which end with the command however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from testamur.pages.makers import how_many
from tests.cli.commands import World, run
from tests.harness.http_registry import HttpRegistry
from tests.harness.served import PROJECT
from tests.harness.spring import spring
from tests.harness.waiting import until

pytestmark = pytest.mark.slow
_MANY = 48


def finished() -> list[Path]:
    return [each for each in Path("spring-pages").glob("0*") if each.is_dir()]


def is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(how_many(_MANY) < 2, reason="this machine has one core")
def test_an_interrupted_run_ends_quietly_with_its_processes_and_goes_on_later(
    world: World, registry: HttpRegistry
) -> None:
    spring(
        world.log,
        world.story,
        *(f"l{number}@example.org,Ada L.,2026-11-20" for number in range(_MANY)),
    )
    words = ["pages", "spring", "--url", registry.url, "--vkey", "log.vkey", "--no-pdf"]
    command = [sys.executable, "-m", "testamur", *words]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as started:
        until(lambda: bool(finished()), 60)
        # As Ctrl-C does: to all processes of the terminal.
        os.killpg(started.pid, signal.SIGINT)
        _, err = started.communicate(timeout=60)
    assert started.returncode == 130, err
    assert "Traceback" not in err
    until(lambda: not is_there(started.pid), 60)

    kept = len(finished())
    assert kept < _MANY
    done = run(*words, "--json")
    assert done.code == 0, done.out + done.err
    assert done.json["kept from an earlier run"] >= kept
    assert len(finished()) == _MANY
