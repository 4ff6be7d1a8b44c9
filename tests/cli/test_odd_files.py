"""A named pipe, a device, a folder or a link in place of a file is refused, and nothing hangs."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.cli.commands import World, run
from tests.cli.parameters import COMMANDS, READ, SECRET, WRITTEN, outputs, parameters, prepare_files
from tests.harness.no_files import NO_FILES

_ID: Final = "019a3b1c-7f00-7abc-8def-0123456789ab"


def _socket(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(place.name)


def _link_to_fifo(place: Path) -> None:
    os.mkfifo("pipe")
    place.symlink_to("pipe")


ODD: Final[dict[str, Callable[[Path], None]]] = {
    **NO_FILES,
    "socket": _socket,
    "link to a fifo": _link_to_fifo,
    "terminal": lambda place: place.symlink_to("/dev/tty"),
}


@pytest.fixture(autouse=True)
def _nothing_hangs() -> Iterator[None]:
    def hung(*_: object) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, hung)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_an_odd_file_is_refused_wherever_a_command_takes_a_path(world: World, command: str) -> None:
    prepare_files(world)
    for name, make in ODD.items():
        place = Path(f"{name.replace(' ', '-')}")
        make(place)
        for parameter in parameters(command):
            if parameter not in READ | WRITTEN | SECRET | {"place", "source"}:
                continue
            for code, output in outputs(command, parameter, str(place)):
                if parameter == "source" and name == "folder":
                    continue  # of badges; this one is empty
                assert code == (1 if (command, parameter) == ("event", "to") else 2), output
                assert output.strip()
        for made in (place, Path("pipe")):
            if made.is_dir() and not made.is_symlink():
                made.rmdir()
            else:
                made.unlink(missing_ok=True)


@pytest.mark.parametrize("name", [name for name in ODD if name != "folder"])
def test_a_member_from_an_odd_file_is_refused(at: Path, name: str) -> None:
    ODD[name](at / "odd")
    assert run("event", "organization.updated", "name:=@odd").code == 2


def test_what_is_written_does_not_go_through_a_link(at: Path) -> None:
    (at / "elsewhere").write_bytes(b"")
    (at / "link").symlink_to("elsewhere")
    (at / "to-nothing").symlink_to("nowhere")
    for link in ("link", "to-nothing"):
        for words in (["reinstate", _ID, "--to", link], ["keygen", "--out", link]):
            done = run(*words)
            assert done.code == 2
            assert "link" in done.err or "exists" in done.err
    assert (at / "elsewhere").read_bytes() == b""
    assert not (at / "nowhere").exists()


def test_what_is_read_may_be_a_link_to_a_file(at: Path) -> None:
    assert run("reinstate", _ID, "--to", "real").code == 0
    (at / "link").symlink_to("real")
    assert run("check", "link").code == 0


def test_a_key_with_a_link_for_its_name_is_judged_by_the_mode_of_the_file(at: Path) -> None:
    assert run("keygen", "--out", "keys").code == 0
    real = at / "keys/signing-1.key"
    (at / "link.key").symlink_to(real)
    assert run("did", "link.key").code == 0
    real.chmod(0o644)
    assert run("did", "link.key").code == 1


def test_lines_are_added_to_a_file_that_is_there_and_to_a_new_one(at: Path) -> None:
    for _ in range(2):
        assert run("reinstate", _ID, "--to", "events").code == 0
    assert (at / "events").read_bytes().count(b"\n") == 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x89PNG\r\n\x1a\n....", "a PNG picture"),
        (b'\xef\xbb\xbf{"blind":""}', "byte order mark; save it as UTF-8"),
        ('{"blind":""}'.encode("utf-16"), "UTF-16 or UTF-32; save it as UTF-8"),
        (b'{"type":["VerifiablePresentation"]}', "a presentation"),
        (b'{"credentialSubject":{}}', "a credential without its blind"),
        (b"eyJhbGciOiJFZERTQSJ9.e30.c2ln", "JWT form"),
        (b'{"blind":"AAAA"', "not JSON"),
        (b"{}", "holder-file"),
        (b"", "the file is empty"),
        (b'{"@context":"https://schema.org"}', "this is no holder file; give the holder file"),
    ],
)
def test_what_is_no_holder_file_could_not_be_checked(world: World, data: bytes, said: str) -> None:
    world.evidence()
    (Path("given")).write_bytes(data)
    options = ["--evidence", "e", "--policy", "policy.txt"]
    done = run("verify", "given", *options)
    assert done.code == 2
    assert said in done.err
    assert done.err.startswith("Could not tell: given could not be checked: ")
    told = run("verify", "given", *options, "--json").json
    assert (told["verdict"], told["error"]) == ("could-not-tell", "unavailable")
    # Nor is a credential refuted by what is no evidence.
    assert run("verify", "0.json", "--evidence", "given", "--policy", "policy.txt").code == 2
    for command in (["status", "given", "--url", "http://127.0.0.1:1"], ["evidence", "given"]):
        assert run(*command).code == 2
