"""The publisher's process beside the server: alone with the key, woken, kept going, ended.

The processes are real and killed for real. How any process beside the server is kept is tested
with the follower's (`test_following.py`); what is published and signed, in `test_publisher.py`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from api.folder import Folder
from api.processes import publisher, publishing
from api.processes.publishing import Publishing
from log.directory import DirectoryStore
from log.sqlite import SqliteLastSigned
from testamur.errors import Unavailable
from testamur.tlog.checkpoint import Checkpoint, sign_checkpoint
from testamur.tlog.note import SignerKey
from testamur.tlog.reader import LogReader
from testamur.tlog.source import DirectorySource
from testamur.verification.receipt import parse_receipt, verify_receipt
from tests.harness.served import Served, called, files_of, processes
from tests.harness.simulators import flipped
from tests.harness.waiting import until

ORIGIN = "log.example/registry"


@pytest.fixture(scope="module")
def copied(opened_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The log of all tests that need a server."""
    found = opened_log.copy(tmp_path_factory.mktemp("publishing") / "data")
    yield found
    found.close()
    assert "Traceback" not in found.errors()


@pytest.fixture
def log(copied: Served) -> Served:
    """It, served, whatever the test before did to it."""
    if copied.process is None or copied.process.poll() is not None:
        copied.start()
    return copied


def publishers(data: Path) -> list[int]:
    """Return every process that publishes the log in `data`."""
    return processes(b"api.processes.publisher", os.fsencode(data))


def followers(data: Path) -> list[int]:
    """Return the processes that follow it."""
    return processes(b"projections", os.fsencode(data / "projections"))


def the_publisher(log: Served, *, but: int = 0) -> int:
    """Return the one process that publishes, once it is there; `but` is one that is gone."""
    deadline = time.monotonic() + 10
    while len(found := publishers(log.data)) != 1 or found == [but]:
        assert time.monotonic() < deadline, "there never was one"
        time.sleep(0.05)
    return found[0]


# --- What it is given, and what the server is not ---


def test_the_process_that_talks_to_the_world_cannot_sign_and_the_one_that_signs_does_not_talk(
    log: Served,
) -> None:
    log.submit(log.story.cohort(3))
    assert log.process is not None
    assert str(log.data / "last-signed.db") not in files_of(log.process.pid)
    held = files_of(the_publisher(log))
    assert str(log.data / "last-signed.db") in held
    assert not [file for file in held if file.startswith("socket:")]


# --- When it dies, and when the server does ---


def test_while_nothing_is_published_the_server_is_not_ready_and_takes_nothing_in(
    log: Served,
) -> None:
    """Rather than acknowledge what nobody can see. What it said before, it goes on saying."""
    known = log.submit(log.story.cohort(2))
    # The follower has read it all: what it read before the damage, it may keep.
    until(lambda: log.get(f"/organizations?size={log.size}").status_code == 200)
    tile = log.data / "log" / "tile" / "0" / "000.p" / str(log.size)
    whole = tile.read_bytes()
    tile.write_bytes(flipped(whole, 5))
    signed = log.get("/log/checkpoint").content
    os.kill(killed := the_publisher(log), signal.SIGKILL)
    deadline = time.monotonic() + 20
    while f"publishing has stopped: tile/0/000.p/{tile.name}: altered" not in log.errors():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    answer = log.post(log.story.cohort(2))
    assert (answer.status_code, answer.json()["rule"]) == (503, "publication-stopped")
    states = {each["part"]: each["state"] for each in log.get("/readyz").json()["parts"]}
    assert states == {"gate": "works", "log": "failed", "projections": "works"}
    assert log.get(f"/organizations?size={known.position}").status_code == 200
    assert log.get("/log/checkpoint").content == signed  # nothing is signed over damage

    stands = the_publisher(log, but=killed)
    tile.write_bytes(whole)
    while log.post(body := log.story.cohort(2)).status_code == 503:
        assert time.monotonic() < deadline + 20
        time.sleep(0.1)
    log.submit(body)
    assert log.get("/readyz").status_code == 200
    assert the_publisher(log) == stands  # it waited, and looked again by itself


def test_a_publisher_killed_under_load_is_started_again_and_nothing_acknowledged_is_lost(
    log: Served,
) -> None:
    killed = the_publisher(log)
    receipts = []
    deadline = time.monotonic() + 60
    for number in range(400):
        if number == 20:
            os.kill(killed, signal.SIGKILL)
        answer = log.post(body := log.story.cohort(1 + number % 9))
        if answer.status_code == 201:
            receipts.append((body, parse_receipt(answer.content)))
            if number > 20 and publishers(log.data) not in ([], [killed]):
                break
        else:
            # Only that it is not published now: coming back later is all that is asked.
            assert answer.status_code == 503
            assert answer.json()["rule"] in ("publication-stopped", "publication-delayed")
            assert "retry-after" in answer.headers
            time.sleep(0.05)
        assert time.monotonic() < deadline
    assert the_publisher(log) != killed
    assert len(receipts) > 20
    assert "api.processes.publisher ended with code -9" in log.errors()
    log.submit(log.story.cohort(1))
    assert log.get("/readyz").status_code == 200
    entries = [entry for _, found in log.reader().bundles(0, log.size) for entry in found]
    for body, receipt in receipts:
        verify_receipt(receipt, body, log.policy)
        end = receipt.position + 1 + receipt.events
        assert entries[receipt.position + 1 : end] == body[:-1].split(b"\n")[1:]


def test_a_server_killed_and_started_at_once_leaves_one_publisher(log: Served) -> None:
    """The old one may still be at work: the new one waits for its claim."""
    for _ in range(2):
        log.submit(log.story.cohort(200))
        log.stop(how=signal.SIGKILL)
        log.start()
    the_publisher(log)
    log.submit(log.story.cohort(1))
    log.stop(how=signal.SIGKILL)
    until(lambda: not publishers(log.data))


def test_ctrl_c_publishes_what_was_acknowledged_as_durable(log: Served) -> None:
    bodies = [log.story.cohort(100) for _ in range(5)]
    receipts = [parse_receipt(log.post(body, wait="durable").content) for body in bodies]
    assert log.process is not None
    os.killpg(log.process.pid, signal.SIGINT)
    assert log.stop() == 0
    assert publishers(log.data) == []
    reader = LogReader(DirectorySource(log.data / "log"), log.key)
    last = receipts[-1]
    assert reader.checkpoint().size == last.position + 1 + last.events


def test_a_service_manager_that_signals_every_process_stops_the_server_in_order(
    log: Served,
) -> None:
    process = the_publisher(log)
    body = log.story.cohort(300)
    for each in (process, *followers(log.data)):
        os.kill(each, signal.SIGTERM)
    log.submit(body)
    assert the_publisher(log) == process
    assert log.stop() == 0
    assert (publishers(log.data), followers(log.data)) == ([], [])


def test_a_publisher_waits_for_the_claim_of_one_that_is_about_to_end(
    opened_log: Served, tmp_path: Path
) -> None:
    log = opened_log.copy(tmp_path / "data")
    with (
        contextlib.closing(log),
        contextlib.closing(SqliteLastSigned(log.data / "last-signed.db")) as other,
    ):
        other.claim()
        with a_publisher(log.data) as process:
            until(lambda: str(log.data / "last-signed.db") in files_of(process.pid))
            time.sleep(0.5)
            other.release()
            assert first_told(process) == "published 10\n"


# --- What it starts from ---


@pytest.mark.parametrize(
    ("path", "damage", "named"),
    [
        ("tile/0/000.p/10", lambda tile: flipped(tile, 3), "altered-hash"),
        ("tile/entries/000", lambda bundle: flipped(bundle, 3000), "altered-entry"),
        ("tile/0/001", lambda tile: flipped(tile, 40), "altered-hash"),
        ("tile/0/001", lambda tile: tile[:-32], "malformed"),
        ("tile/0/001", None, "missing"),
    ],
)
def test_damage_anywhere_in_the_log_is_named_at_the_start_and_by_fsck(
    opened_log: Served,
    grown_log: Served,
    tmp_path: Path,
    path: str,
    damage: Callable[[bytes], bytes] | None,
    named: str,
) -> None:
    """That the server then ends with the same words is tested in `test_end_to_end.py`."""
    log = (opened_log if ".p/" in path else grown_log).copy(tmp_path / "data")
    checkpoint = (log.data / "log" / "checkpoint").read_bytes()
    file = log.data / "log" / path
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage(file.read_bytes()))
    assert told_at_the_start(log.data).startswith(f"refuted {path}: {named}: ")
    assert (log.data / "log" / "checkpoint").read_bytes() == checkpoint
    assert f"{path}: {named}: " in called("fsck", "--data", log.data).stdout


def test_files_that_were_lost_or_damaged_are_repaired_and_publication_goes_on(
    grown_log: Served, tmp_path: Path
) -> None:
    log = grown_log.copy(tmp_path / "data")
    before = files_under(log.data / "log")
    lost, altered = log.data / "log/tile/0/001", log.data / "log/tile/entries/000"
    lost.unlink()
    altered.write_bytes(flipped(altered.read_bytes(), 3000))
    mended = called("fsck", "--repair", "--data", log.data)
    assert mended.returncode == 0, mended.stderr
    assert "repaired tile/0/001: it was missing\n" in mended.stdout
    assert "repaired tile/entries/000: byte 3000 is " in mended.stdout
    assert files_under(log.data / "log") == before
    assert told_at_the_start(log.data).startswith("published ")
    # What no sequence can prove stays as it is, and is named.
    checkpoint = log.data / "log/checkpoint"
    checkpoint.write_bytes(b"no note")
    left = called("fsck", "--repair", "--data", log.data)
    assert (left.returncode, left.stdout.partition(":")[0]) == (1, "checkpoint")
    assert checkpoint.read_bytes() == b"no note"


def files_under(root: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}


@contextmanager
def a_publisher(data: Path) -> Iterator[subprocess.Popen[str]]:
    """A publisher without a server."""
    with subprocess.Popen(
        [sys.executable, "-m", "api.processes.publisher", str(data)],
        cwd=Path(publishing.__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.communicate()


def first_told(process: subprocess.Popen[str]) -> str:
    """Return what a publisher tells of a log when it has gone through it."""
    assert process.stdout is not None
    return next(line for line in process.stdout if not line.startswith("checked "))


def told_at_the_start(data: Path) -> str:
    """Return the same of a publisher that is started for it."""
    with a_publisher(data) as process:
        return first_told(process)


def test_a_damaged_note_of_what_was_signed_last_is_named_at_the_start_and_by_fsck(
    opened_log: Served, tmp_path: Path
) -> None:
    log = opened_log.copy(tmp_path / "data")
    (log.data / "last-signed.db").write_bytes(b"no database at all" * 100)
    told = told_at_the_start(log.data)
    assert told.startswith("refuted last-signed: malformed: last-signed.db: ")
    checked = called("fsck", "--data", log.data)
    assert checked.returncode == 1
    assert "last-signed: malformed: last-signed.db: " in checked.stdout + checked.stderr
    log.close()


@pytest.mark.slow
def test_a_start_may_take_as_long_as_it_tells_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(publishing, "_START_SECONDS", 2.0)
    telling = "import time; [(print('checked', n, flush=True), time.sleep(0.5)) for n in (1, 2, 3"
    told = Told(tmp_path)
    told.store.write_checkpoint(sign_checkpoint(Checkpoint(ORIGIN, 7, bytes(32)), told.signer))
    ready = f"{telling}, 4, 5, 6)]; print('published', 7, flush=True); input()"
    told.keeper._command = [sys.executable, "-c", ready]
    told.keeper.start()
    assert told.size == 7
    assert "is being checked: 6 entries so far" in caplog.text
    told.keeper.stop()

    told = Told(tmp_path)
    told.keeper._command = [sys.executable, "-c", f"{telling})]; input()"]
    with pytest.raises(Unavailable, match="the publisher has been silent for 2 s"):
        told.keeper.start()


def test_a_publisher_tells_how_far_it_is_while_it_goes_through_the_log(
    grown_log: Served, tmp_path: Path
) -> None:
    log = grown_log.copy(tmp_path / "data")
    main = "from api.processes import publisher as p; p._REPORT_EVERY = 0; p.main(p.Path({!r}))"
    with subprocess.Popen(
        [sys.executable, "-c", main.format(str(log.data))],
        cwd=Path(publishing.__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(4)]
        process.communicate()
    assert told == [*(f"checked {count}\n" for count in (256, 512, 611)), "published 611\n"]
    assert process.returncode == 0


def test_a_publisher_that_is_to_end_does_not_go_through_the_log_first() -> None:
    ending = threading.Event()
    checked = publisher._progress(ending)
    checked(256, 10**9)
    ending.set()
    with pytest.raises(Unavailable, match="when 512 of"):
        checked(512, 10**9)


def test_what_it_cannot_begin_with_is_told_with_its_exit_code(
    opened_log: Served,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publisher, "_CLAIM_SECONDS", 0.1)
    log = opened_log.copy(tmp_path / "data")
    other = SqliteLastSigned(log.data / "last-signed.db")
    other.claim()
    for root, told in (
        (tmp_path / "nowhere", "unavailable "),
        (log.data, "unavailable another publisher"),
    ):
        with pytest.raises(typer.Exit) as ended:
            publisher.main(root)
        assert ended.value.exit_code == 2
        assert capfd.readouterr().out.startswith(told)
    other.close()
    (log.data / "key").chmod(0o644)
    with pytest.raises(typer.Exit) as ended:
        publisher.main(log.data)
    assert ended.value.exit_code == 1
    assert capfd.readouterr().out.startswith("refuted ")
    log.close()


# --- What it tells ---


class Told:
    """A keeper whose process is not started, and what it told others."""

    def __init__(self, root: Path) -> None:
        self.signer = SignerKey.generate(ORIGIN)
        self.store = DirectoryStore(Folder(root).log)
        self.sizes: list[int] = []
        self.keeper = Publishing(
            Folder(root),
            self.signer.verifier,
            store=None,
            interval=0.1,
            published=lambda checkpoint: self.sizes.append(checkpoint.size),
        )

    def hear(self, told: int, size: int, signer: SignerKey | None = None) -> None:
        """Hear of `told` entries while a checkpoint of `size` lies there."""
        checkpoint = Checkpoint(ORIGIN, size, bytes(32))
        self.store.write_checkpoint(sign_checkpoint(checkpoint, signer or self.signer))
        self.keeper._on_line(f"published {told}\n")

    @property
    def size(self) -> int | None:
        """The size of the checkpoint that is taken to be public."""
        return None if self.keeper._latest is None else self.keeper._latest.size

    @property
    def failure(self) -> str:
        """What kind of failure stands, if any."""
        return type(self.keeper.failure).__name__


def test_a_checkpoint_is_believed_if_the_log_signed_it(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.keeper._on_line("unavailable the disk is full\n")
    assert str(told.keeper.failure) == "the disk is full"
    told.hear(7, 7)
    assert (told.sizes, told.size, told.failure) == ([7], 7, "NoneType")
    told.hear(8, 9)  # the next one came meanwhile
    assert (told.sizes, told.size) == ([7, 9], 9)

    told.hear(12, 12, SignerKey.generate(ORIGIN))
    assert told.failure == "UnknownLogKey"
    told.hear(12, 11)
    assert "is of 11 entries, not of 12" in str(told.keeper.failure)
    (tmp_path / "log" / "checkpoint").unlink()
    told.keeper._on_line("published 12\n")
    assert told.failure == "NotFound"
    assert (told.sizes, told.size) == ([7, 9], 9)
    told.hear(12, 12)
    assert (told.size, told.failure) == (12, "NoneType")
    told.keeper._on_line("refuted tile: another-tree: it differs\n")
    assert told.failure == "Refuted"


@pytest.mark.parametrize(
    "line",
    [
        "\n",
        "published\n",
        "published \n",
        "published",
        "published 7",
        "published 0\n",
        "published 07\n",
        "published -7\n",
        "published 7 7\n",
        "published 7_0\n",
        "published \N{ARABIC-INDIC DIGIT EIGHT}\n",
        "published " + "7" * 20 + "\n",
        "publish 7\n",
        "refuted",
        "refuted cut sho",
        "Refuted x\n",
        " published 7\n",
        "published 7\n\n",
        "checked\n",
        "checked 0\n",
        "checked 7",
        "checked 7 of 9\n",
        "\N{REPLACEMENT CHARACTER}\n",
    ],
)
def test_a_line_that_makes_no_sense_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, line: str
) -> None:
    told = Told(tmp_path)
    told.keeper._on_line(line)
    assert (told.keeper._latest, told.keeper.failure, told.sizes) == (None, None, [])
    assert "makes no sense" in caplog.text
