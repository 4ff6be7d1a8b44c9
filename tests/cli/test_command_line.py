"""The command line does what it says, says what it did, and ends with the code that it means."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from testamur import __version__
from testamur.catalogue.lines import encode_event
from testamur.cli import app
from testamur.cli.outcome import Commands
from testamur.cli.terminal import plain
from testamur.errors import printable
from tests.cli.commands import Ended, World, key_folder, run
from tests.cli.parameters import COMMANDS
from tests.harness.http_registry import HttpRegistry
from tests.harness.story import Story


def test_the_version_is_told() -> None:
    assert run("--version").out == f"testamur {__version__}\n"


def commands() -> list[str]:
    groups = [group.typer_instance for group in app.registered_groups]
    found = [each for group in groups if group for each in group.registered_commands]
    return sorted(
        each.name or each.callback.__name__ for each in found if each.callback is not None
    )


@pytest.mark.slow
@pytest.mark.parametrize("command", commands())
def test_every_command_has_an_example_and_json(command: str) -> None:
    done = run(command, "--help")
    assert done.code == 0
    assert f"testamur {command} " in done.out
    assert "Example" in done.out
    assert "--json" in done.out
    # A DID is no picture of a key.
    assert "\U0001f511" not in done.out


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_what_a_day_is_stands_where_one_is_taken(command: str) -> None:
    for each in COMMANDS[command].params:
        if getattr(each, "metavar", None) in ("DATE", "TIME"):
            assert "UTC" in each.help, each.name


def test_nothing_at_all_is_answered_with_help() -> None:
    done = run()
    assert done.code == 2
    assert "Usage" in done.out + done.err


def test_a_bug_is_not_taken_for_a_verdict() -> None:
    broken = typer.Typer(cls=Commands, pretty_exceptions_enable=False)

    @broken.command()
    def fail() -> None:
        raise ZeroDivisionError

    @broken.command()
    def pass_() -> None:
        pass

    done = CliRunner().invoke(broken, ["fail"])
    assert isinstance(done.exception, ZeroDivisionError)


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert plain("a\x1b[2K\r\u202eb\n") == "a\\x1b[2K\\r\\u202eb\\n"
    assert plain("é 中 ✓ ok") == "é 中 ✓ ok"


def process(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-m", "testamur", *arguments]
    given = {"env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(command, text=True, **given)


def ended(started: subprocess.Popen[str]) -> Ended:
    with started:
        out, err = started.communicate(timeout=60)
    return Ended(started.returncode, out, err)


@pytest.mark.slow
def test_it_runs_as_a_module(world: World) -> None:
    done = ended(process("replay", "log", "--vkey", "log.vkey", "--json"))
    assert done.code == 0
    assert json.loads(done.out)["size"] == world.log.size
    assert done.err == ""
    done = ended(process("replay", "nowhere"))
    assert done.code == 2
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_a_full_disk_behind_stdout_is_told_on_stderr_and_no_verdict(world: World) -> None:
    where = ["replay", "log", "--vkey", "log.vkey"]
    for arguments in (where, [*where, "--json"], ["replay", "nowhere", "--json"], ["--version"]):
        with Path("/dev/full").open("w") as full:
            done = ended(process(*arguments, stdout=full))
        assert done.code == 2
        assert done.err == "standard output cannot be written: No space left on device\n"


@pytest.mark.slow
def test_a_reader_that_has_gone_is_no_verdict_either(world: World) -> None:
    read, written = os.pipe()
    os.close(read)
    with os.fdopen(written, "w") as pipe:
        done = ended(process("replay", "log", "--vkey", "log.vkey", stdout=pipe))
    assert (done.code, done.err) == (2, "")


@pytest.mark.slow
def test_a_bug_shows_its_traceback_and_ends_with_2(at: Path) -> None:
    (at / "sitecustomize.py").write_text(
        "import testamur.cli.research as r\n"
        "def broken(*_): raise ZeroDivisionError\n"
        "r.trusted_log = broken\n"
    )
    (at / "checkpoint").touch()
    root = Path(__file__).resolve().parents[2]
    started = process("replay", ".", env={**os.environ, "PYTHONPATH": f"{at}:{root}"})
    done = ended(started)
    assert done.code == 2
    assert "Traceback" in done.err
    assert "ZeroDivisionError" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["keygen", "--out", "-"],
        ["prepare", "cohort.csv", "--achievement", "a", "--provider", "p", "--out", "-"],
        ["recover", "--keys", "keys", "--lost", "did:key:z6Mk", "--out", "-"],
    ],
)
def test_a_folder_does_not_go_to_standard_output(at: Path, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert not Path("-").exists()


def test_a_file_goes_to_standard_output_and_the_result_to_the_terminal(
    world: World, registry: HttpRegistry
) -> None:
    key_folder(world.folder / "keys", world.story.provider)
    Path("s").write_bytes(world.story.cohort(1))
    log = ["log", "--vkey", "log.vkey"]
    for arguments, begins in (
        (["export", *log, "--format", "csv", "--out", "-"], "\ufeffposition,"),
        (["evidence", "0.json", "--log", *log, "--out", "-"], '{"checkpoint":'),
        (["submit", "s", "--url", registry.url, "--vkey", "log.vkey", "--out", "-"], "{\n  "),
        (["keygen", "--out", "keys", "--more", "signing", "--to", "-"], '{"as":"signing"'),
    ):
        for more in ([], ["--json"]):
            done = run(*arguments, *more)
            # The registry's clock stands still, which `submit` notices.
            assert done.code in ((0, 2) if arguments[0] == "submit" else (0,)), done.err
            assert done.out.startswith(begins)
            assert done.err
            if more and arguments[0] != "submit":
                assert json.loads(done.err)
    assert not Path("-").exists()
    assert run("status", "0.json", "--url", "http://127.0.0.1:9", "--json").json["error"]


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["replay", "n" * 300], "n" * 300),
        (["export", "log", "--vkey", "log.vkey", "--out", "n" * 300 + ".csv"], "n" * 300),
        (["export", "log", "--vkey", "log.vkey", "--out", "log.vkey/o.csv"], "log.vkey/o.csv"),
    ],
)
def test_what_the_machine_does_not_let_us_do_is_no_verdict(
    world: World, arguments: list[str], place: str
) -> None:
    done = run(*arguments, "--json")
    assert (done.code, done.json["error"]) == (2, "unavailable")
    assert done.json["detail"].startswith(place)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["verify", "--json"], "Missing argument 'CREDENTIAL|DIR'"),
        (["replay", "http://", "--json"], "does not look like https://registry.example"),
        (["nothing", "--json"], "No such command 'nothing'"),
        (["--nothing", "--json"], "No such option: --nothing"),
    ],
)
def test_wrong_usage_is_told_in_json_too(at: Path, arguments: list[str], why: str) -> None:
    done = run(*arguments)
    assert (done.code, done.err) == (2, "")
    assert done.json["error"] == "usage"
    assert why in done.json["detail"]


@pytest.mark.slow
def test_an_interrupted_command_ends_quietly_and_leaves_nothing(
    world: World, registry: HttpRegistry
) -> None:
    registry.script += ["unheard"] * 100
    where = ["--url", registry.url, "--vkey", "log.vkey", "--out", "r"]
    Path("s").write_bytes(world.story.cohort(1))
    started = process("submit", "s", *where)
    while not registry.asked:
        time.sleep(0.02)
    started.send_signal(signal.SIGINT)
    done = ended(started)
    assert done.code == 130
    assert "Traceback" not in done.err
    assert not Path("r").exists()


def test_the_clock_of_signing_is_utc(at: Path, now: Story) -> None:
    key_folder(at / "keys", now.provider)
    (at / "e").write_bytes(encode_event(now.issued()) + b"\n")
    arguments = ["sign", "e", "--keys", "keys", "--log", now.origin, "--out", "s", "--json"]
    signed = run(*arguments).json["iat"]
    assert abs(signed - datetime.now(UTC).timestamp()) < 10


@pytest.mark.slow
@pytest.mark.parametrize(
    "unseen", ["\u200b", "\u202e", "\u3164", "\u115f", "\u2800", "\ufe0f", "\u034f", "\U000e0100"]
)
def test_nothing_that_is_printed_is_invisible(unseen: str) -> None:
    escape = unseen.encode("unicode_escape").decode()
    assert plain(f"A{unseen}B") == f"A{escape}B"
    assert printable(f"A{unseen}B", 50) == f"A{escape}B"
    done = run("events", f"A{unseen}B", "--json")
    assert unseen not in done.out
    assert done.json["value"] == f"A{escape}B"
