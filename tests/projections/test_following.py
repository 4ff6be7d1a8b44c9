"""The follower's process beside the server: kept going, woken, ended, given no more than it needs.

The processes are real and killed for real. Where it is the keeper's conduct that matters, a few
lines of Python stand in for the follower: a process that tells nonsense, hangs, or dies.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from sqlalchemy import select, text

from api import wiring
from api.health import MAX_LAG, Progress, readiness
from api.processes import child_process
from api.processes.following import Following
from projections.__main__ import main as follow
from projections.database import open_live, sqlite_engine
from projections.follower import Follower
from projections.tables import METADATA
from registry.gate import Gate
from testamur.catalogue.members import Authority
from testamur.errors import Unavailable
from testamur.tlog.reader import LogReader
from testamur.tlog.source import DirectorySource
from testamur.tlog.tiles import WIDTH, bundle_path, decode_bundle
from testamur.verification.receipt import Receipt
from tests.harness.published_log import PublishedLog, opened_log
from tests.harness.served import PROJECT, Served, authority_of, in_background, processes
from tests.harness.simulators import flipped
from tests.harness.story import Story, credentials_of


def opened(data: Path) -> Served:
    """Return a log whose provider may issue; its genesis is published, and nobody serves it."""
    log = Served(data)
    authority = msgspec.json.decode(authority_of(log.story), type=Authority)
    log.vkey = str(wiring.init(data, log.story.origin, [authority]))
    with Gate.open(data / "registry.db", log_key=log.log_key, settled=lambda _: None) as gate:
        for body in log.story.opening()[1:]:
            gate.offer(gate.check(body), None)
    return log


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The log of all tests that need a server."""
    found = opened(tmp_path_factory.mktemp("following") / "data")
    yield found
    found.close()
    until(lambda: followers(found.data) == [])
    assert "Traceback" not in found.errors()


@pytest.fixture
def served(log: Served) -> Served:
    """Its server, running, whatever the test before did to it."""
    if log.process is None or log.process.poll() is not None:
        log.start()
    return log


def followers(data: Path) -> list[int]:
    """Return the processes that follow into a server's tables, whoever started them."""
    return processes(b"projections", os.fsencode(data / "projections"))


def the_follower(log: Served, *, but: int = 0) -> int:
    """Return the one process that follows, once it is there; `but` is one that is gone."""
    until(lambda: len(followers(log.data)) == 1 and followers(log.data) != [but])
    (found,) = followers(log.data)
    return found


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Return once it holds, and fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.05)


def ask(log: Served, body: bytes, receipt: Receipt) -> None:
    """Ask for the last credential of a submission as of its receipt, and get it."""
    size = receipt.position + 1 + receipt.events
    found = log.get(f"/credentials/{credentials_of(body)[-1]}?size={size}")
    assert found.status_code == 200, found.text
    assert (found.json()["size"], found.json()["issued"]["position"]) == (size, size - 1)


def submit_and_ask(log: Served, events: int = 1) -> None:
    """Submit a cohort, and read what was written."""
    body = log.story.cohort(events)
    ask(log, body, log.submit(body))


def check_tables(log: Served) -> None:
    """The tables hold every row that a fresh follower makes of the log, once."""
    reader = LogReader(DirectorySource(log.data / "log"), log.key)
    assert rows(log.data / "projections") == built(reader, log.data.parent / "fresh.db")


def built(reader: LogReader, file: Path) -> dict[str, list[Any]]:
    """Return the rows that a fresh follower makes."""
    engine = sqlite_engine(file)
    Follower(engine, reader).catch_up()
    engine.dispose()
    return rows(file)


def rows(place: Path) -> dict[str, list[Any]]:
    """Return every row of every table, in a file or in a folder of one."""
    (file,) = [place] if place.is_file() else place.glob("projections-*.db")
    engine = sqlite_engine(file)
    with engine.connect() as connection:
        found = {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in METADATA.sorted_tables
        }
    engine.dispose()
    return found


# --- What it is given ---


def test_it_is_given_the_published_log_the_tables_and_the_verifier_key_and_nothing_else(
    served: Served,
) -> None:
    submit_and_ask(served)
    process = Path(f"/proc/{the_follower(served)}")
    words = (process / "cmdline").read_bytes().decode().rstrip("\0").split("\0")
    folders = [str(served.data / "log"), str(served.data / "projections")]
    given = ["-m", "projections", *folders, "--key", served.vkey, "--attached"]
    assert (sys.executable, *given) == (words[0], *words[1:])
    held = [str(link.readlink()) for link in (process / "fd").iterdir()]
    # Neither the listening socket, the signing key, the sequence, the last note nor the lock.
    assert not [file for file in held if file.startswith("socket:")]
    inside = [file for file in held if file.startswith(str(served.data))]
    assert inside
    assert all(file.startswith(str(served.data / "projections")) for file in inside)


def test_who_holds_a_receipt_reads_what_it_shows(served: Served) -> None:
    for _ in range(10):
        submit_and_ask(served)


# --- When it dies, and when the server does ---


def test_a_follower_killed_under_load_is_started_again_and_loses_and_doubles_nothing(
    served: Served,
) -> None:
    """Although another one writes to the same tables, as after a quick restart of the server."""
    killed = the_follower(served)
    with crowded(served), by_hand(served.data, served.data / "projections", served.vkey) as other:
        assert other.stdout is not None
        other.stdout.readline()
        os.kill(killed, signal.SIGKILL)
        other.kill()
        submit_and_ask(served, 40)  # it waits for the next one
    assert the_follower(served) != killed
    submit_and_ask(served)
    assert "projections ended with code -9" in served.errors()
    assert served.get("/readyz").json()["ready"]
    check_tables(served)


@contextmanager
def crowded(log: Served) -> Iterator[None]:
    """Somebody else submits meanwhile."""
    done = threading.Event()
    bodies = [log.story.cohort(1 + number % 60) for number in range(400)]

    def submit() -> None:
        for body in bodies:
            if done.is_set():
                break
            assert log.post(body).status_code == 201

    thread = threading.Thread(target=submit)
    thread.start()
    try:
        yield
        assert thread.is_alive(), "there was no load at the end"
    finally:
        done.set()
        thread.join()


def test_a_server_killed_leaves_no_follower_behind(served: Served) -> None:
    the_follower(served)
    submit_and_ask(served)
    served.stop(how=signal.SIGKILL)
    until(lambda: followers(served.data) == [], seconds=2)
    check_tables(served)


def test_ctrl_c_stops_server_and_follower_cleanly(served: Served) -> None:
    submit_and_ask(served, 500)
    assert served.process is not None
    told = served.errors()
    follower = the_follower(served)
    assert os.getpgid(follower) != os.getpgid(served.process.pid) == served.process.pid
    os.killpg(served.process.pid, signal.SIGINT)
    assert served.stop() == 0
    assert followers(served.data) == []
    assert "projections" not in served.errors().removeprefix(told)
    # The last one to close the tables has put all of it into the one file.
    assert [file.suffix for file in (served.data / "projections").iterdir()] == [".db"]
    check_tables(served)


def test_damage_on_the_log_halts_the_follower_for_good_and_nothing_else(served: Served) -> None:
    before = served.story.cohort(2)
    known = served.submit(before)
    ask(served, before, known)
    follower = the_follower(served)
    os.kill(follower, signal.SIGSTOP)
    unread = served.story.cohort(2)
    receipt = served.submit(unread)
    index, place = divmod(receipt.position, WIDTH)
    width = min(WIDTH, served.size - index * WIDTH)
    bundle = served.data / "log" / bundle_path(index, width)
    whole = bundle.read_bytes()
    ahead = sum(2 + len(entry) for entry in decode_bundle(whole, width)[:place])
    bundle.write_bytes(flipped(whole, ahead + 2))  # the first byte after the entry's length
    os.kill(follower, signal.SIGCONT)

    until(lambda: served.get("/readyz").status_code == 503)
    told = served.get("/readyz")
    states = {part["part"]: part["state"] for part in told.json()["parts"]}
    assert states == {"gate": "works", "log": "works", "projections": "failed"}
    assert str(served.data) not in told.text
    assert "\ntestamur_ready 0\n" in served.get("/metrics").text
    assert f"halted: BadEntry: entry {receipt.position}: inclusion" in served.errors()
    ask(served, before, known)
    later = served.story.cohort(2)
    after = served.submit(later)
    found = served.get(f"/credentials/{credentials_of(later)[0]}")
    assert (found.status_code, found.headers["testamur-size"]) == (404, str(known.position + 3))
    until(lambda: followers(served.data) == [])

    bundle.write_bytes(whole)
    assert served.stop() == 0
    served.start()
    ask(served, unread, receipt)
    ask(served, later, after)


# --- What it starts from ---


def _garbage(file: Path) -> None:
    file.write_bytes(b"no database at all, whatever its name says" * 100)


def _changed_position(file: Path) -> None:
    _alter(file, "UPDATE position SET size = size - 1")


def _missing_column(file: Path) -> None:
    _alter(file, "ALTER TABLE position DROP COLUMN root")


def _foreign(file: Path) -> None:
    _alter(file, "UPDATE position SET log = 'other.example/log+00000000+AAAA'")


def _cut(file: Path) -> None:
    os.truncate(file, 8192)


def _alter(file: Path, statement: str) -> None:
    engine = sqlite_engine(file)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.mark.parametrize(
    "damage",
    [_garbage, _changed_position, _missing_column, _foreign, _cut],
    ids=lambda f: f.__name__,
)
def test_tables_that_are_not_what_they_must_be_are_built_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    data = tmp_path / "data"
    served = opened(data)
    served.close()
    reader = LogReader(DirectorySource(data / "log"), served.key)
    engine = open_live(data / "projections")
    assert Follower(engine, reader).catch_up() == 2  # the genesis is published
    engine.dispose()
    (file,) = (data / "projections").glob("projections-*.db")
    damage(file)
    with wiring.opened(data) as parts:
        assert "the projections are built anew" in caplog.text
        assert parts.following.size == 0
        engine = parts.following.engine
        committed = parts.gate.committed()
        until(lambda: parts.latest().size == committed)
        assert Follower(engine, parts.reader()).catch_up() == committed
        assert rows(data / "projections") == built(parts.reader(), tmp_path / "fresh.db")


def test_tables_that_cannot_be_made_are_unavailable_and_nothing_is_served(tmp_path: Path) -> None:
    opened(tmp_path / "data").close()
    (tmp_path / "data" / "projections").write_text("a file where the folder should be")
    with (
        pytest.raises(Unavailable, match="projections cannot be used"),
        wiring.opened(tmp_path / "data"),
    ):
        pass


# --- By hand ---


@contextmanager
def by_hand(log: str | Path, tables: Path, key: str) -> Iterator[subprocess.Popen[str]]:
    """A follower in the background that nobody attends to; its input has ended already."""
    process = subprocess.Popen(
        in_background(sys.executable, "-m", "projections", log, tables, "--key", key),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_by_hand_it_follows_over_http_into_a_folder_of_its_own(
    served: Served, tmp_path: Path
) -> None:
    with by_hand(served.url, tmp_path / "tables", served.vkey) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "size 0\n"
        assert process.stdout.readline() == f"size {served.size}\n"
        served.submit(served.story.cohort(300))
        while process.stdout.readline() != f"size {served.size}\n":
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert "Traceback" not in errors
    assert rows(tmp_path / "tables") == built(served.reader(), tmp_path / "fresh.db")


def test_what_it_cannot_begin_with_is_told_with_its_exit_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log, _ = opened_log(tmp_path / "log")
    other = PublishedLog(tmp_path / "other", Story(origin="other.example/log"))
    tables = tmp_path / "tables"
    engine = open_live(tables)
    Follower(engine, log.reader()).catch_up()
    engine.dispose()
    (tmp_path / "file").touch()
    for place, folder, key, code, told in (
        (tmp_path / "nowhere", tables, log.key, 2, "obstacle neither "),
        (log.root, tmp_path / "file", log.key, 2, "obstacle "),
        (log.root, tables, "no key", 1, "halted "),
        (log.root, tables, other.key, 1, "halted the tables are of log "),
    ):
        with pytest.raises(typer.Exit) as ended:
            follow(str(place), folder, str(key))
        assert ended.value.exit_code == code
        line = capfd.readouterr().out
        assert line.startswith(told)
        assert line.index("\n") == len(line) - 1


def test_attached_to_no_input_it_ends(tmp_path: Path) -> None:
    log, _ = opened_log(tmp_path / "log")
    words = [sys.executable, "-m", "projections", log.root, tmp_path / "tables"]
    words += ["--key", str(log.key), "--attached"]
    shell = ["sh", "-c", 'exec "$@" <&-', "sh", *map(str, words)]
    ended = subprocess.run(shell, cwd=PROJECT, check=False, capture_output=True, timeout=10)
    assert ended.stdout.startswith(b"size 0\n")
    assert ended.returncode == 0


# --- The keeper ---


@pytest.fixture
def following(tmp_path: Path) -> Iterator[Following]:
    """The keeper of a real follower of a small log, not started."""
    log, _ = opened_log(tmp_path / "log", 5)
    yield from kept(log, tmp_path / "tables")


def kept(log: PublishedLog, tables: Path) -> Iterator[Following]:
    engine = open_live(tables)
    found = Following(log.root, tables, log.key, engine, size=7)
    yield found
    found.stop()
    engine.dispose()


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"size\n",
        b"size \n",
        b"size -1\n",
        b"size +8\n",
        b"size 08\n",
        b"size 8_0\n",
        b"size 8 \n",
        b" size 8\n",
        b"size  8\n",
        b"Size 8\n",
        b"size 8\r\n",
        b"size 8",
        b"size 8\n\n",
        b"size " + b"8" * 17 + b"\n",
        b"size " + b"8" * 4_000 + b"\n",
        "size \N{ARABIC-INDIC DIGIT EIGHT}\n".encode(),
        b"\xff\xfe\n",
        b"halted",
        b"halted for good",
        b"halted\n",
        b"obstacle",
        b"obstacles all around\n",
        b"I halted at 8\n",
    ],
)
def test_a_line_that_makes_no_sense_changes_nothing(
    following: Following, caplog: pytest.LogCaptureFixture, line: bytes
) -> None:
    following._on_line(line.decode("utf-8", "replace"))
    assert (following.size, following.failure, following.obstacle) == (7, None, None)
    assert "makes no sense" in caplog.text


def test_a_line_that_makes_sense_is_believed(following: Following) -> None:
    following._on_line("obstacle the log is out of reach\n")
    assert str(following.obstacle) == "the log is out of reach"
    following._on_line("size 12\n")
    assert (following.size, following.obstacle) == (12, None)
    following._on_line("halted entry 5: \ufffd is not what was signed\n")
    assert "entry 5" in str(following.failure)


def says(following: Following, code: str) -> None:
    """Let these lines of Python stand in for the follower."""
    following._command = [sys.executable, "-ISc", f"import os, sys, time\n{code}"]


def test_what_a_dying_process_cuts_short_is_not_believed(following: Following) -> None:
    says(following, "os.write(1, b'size 99\\nsize 1')")
    following.start()
    until(lambda: following.obstacle is not None)
    assert (following.size, following.failure) == (99, None)
    assert "ended with code 0" in str(following.obstacle)


def test_a_line_without_an_end_takes_no_memory_and_what_follows_is_heard(
    following: Following, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "api.processes.following")  # what is captured takes memory
    says(following, "os.write(1, b'size 8' * 1_000_000 + b'\\nsize 12\\n')\nsys.stdin.read()")
    tracemalloc.start()
    following.start()
    until(lambda: following.size == 12)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_one_that_halted_is_not_started_again(
    following: Following, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "RESTART_SECONDS", 0.01)
    starts = tmp_path / "starts"
    says(following, f"open({str(starts)!r}, 'a').write('.')\nprint('halted for good')")
    following.start()
    until(lambda: not following._thread.is_alive())
    assert (starts.read_text(), str(following.failure)) == (".", "for good")


def test_one_that_keeps_dying_is_started_again_each_time_and_leaves_no_descriptor(
    following: Following, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "RESTART_SECONDS", 0.01)
    starts = tmp_path / "starts"
    before = descriptors()
    says(following, f"open({str(starts)!r}, 'a').write('.')\nos.kill(os.getpid(), 9)")
    following.start()
    until(lambda: starts.exists() and len(starts.read_text()) >= 10)
    following.stop()
    assert descriptors() == before
    assert following.failure is None


def descriptors() -> set[str]:
    """Return the numbers of this process's open files."""
    return {link.name for link in Path("/proc/self/fd").iterdir()}


def test_one_that_cannot_be_started_is_tried_again(
    following: Following, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "RESTART_SECONDS", 0.01)
    program = tmp_path / "python"
    following._command = [str(program)]
    following.start()
    until(lambda: following.obstacle is not None)
    assert "cannot be started" in str(following.obstacle)
    program.write_text("#!/bin/sh\necho size 12\ncat\n")
    program.chmod(0o700)
    until(lambda: following.size == 12 and following.obstacle is None)


def test_it_can_be_stopped_at_any_moment_and_more_than_once(
    following: Following, tmp_path: Path
) -> None:
    following.stop()
    following.start()  # too late: it has been stopped
    following.stop()
    following.stop()
    assert following._process is None
    key = PublishedLog(tmp_path / "log").key
    for delay in (0, 0.001, 0.01, 0.03, 0.1):
        again = Following(tmp_path, tmp_path, key, following.engine, size=7)
        says(again, "sys.stdin.read()")
        again.start()
        time.sleep(delay)
        again.wake()
        began = time.monotonic()
        again.stop()
        assert time.monotonic() - began < 5
        assert again._process is None
        assert again.obstacle is None
        assert not again._thread.is_alive()


def test_one_that_hangs_is_killed_when_it_is_stopped(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "_STOP_SECONDS", 0.2)
    says(following, "os.write(1, b'size 12\\n')\ntime.sleep(1000)")
    following.start()
    until(lambda: following.size == 12)
    for _ in range(70_000):
        following.wake()  # nobody reads it, and no one is kept waiting for that
    began = time.monotonic()
    following.stop()
    assert 0.2 <= time.monotonic() - began < 2


def test_its_input_is_not_closed_under_somebody_who_writes_to_it(following: Following) -> None:
    """Else the wake might go to whichever file got the number of the descriptor."""
    says(following, "os.write(1, b'size 12\\n')\nsys.stdin.read(1)")
    following.start()
    until(lambda: following.size == 12)
    process = following._process
    assert process is not None
    assert process.stdin is not None
    following.wake()
    with following._input:
        until(lambda: process.poll() is not None)
        time.sleep(0.1)
        assert not process.stdin.closed
    until(lambda: process.stdin is not None and process.stdin.closed)
    following.wake()


def looked(following: Following) -> Following:
    following.wake()
    return following


def test_an_obstacle_is_told_and_taken_back(following: Following) -> None:
    following.start()
    until(lambda: following.size == 16)
    checkpoint = Path(following._command[3]) / "checkpoint"
    checkpoint.rename(checkpoint.with_name("elsewhere"))
    until(lambda: looked(following).obstacle is not None)
    checkpoint.with_name("elsewhere").rename(checkpoint)
    until(lambda: looked(following).obstacle is None)
    assert following.failure is None


def test_with_an_obstacle_in_its_way_the_least_lag_is_told() -> None:
    stands = Progress(
        committed=MAX_LAG + 2,
        published=MAX_LAG + 2,
        projected=2,
        gate_failure=None,
        publisher_failure=None,
        follower_failure=None,
        follower_obstacle=None,
    )
    obstacle = OSError("/a/path/of/ours")
    assert readiness(stands).ready
    assert not readiness(stands._replace(projected=1)).ready
    assert readiness(stands._replace(projected=MAX_LAG + 2, follower_obstacle=obstacle)).ready
    found = readiness(stands._replace(projected=MAX_LAG + 1, follower_obstacle=obstacle))
    assert [part.state for part in found.parts] == ["works", "works", "lags"]
    assert "path" not in str(found)
