"""The follower's process beside the server: kept going, woken, ended, given no more than it needs.

The processes are real and killed for real. How any child process
is kept is tested in `test_child_process.py`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import typer
from sqlalchemy import text

from api import wiring
from api.making import make_log
from projections.__main__ import main as follow
from projections.database import open_tables, sqlite_engine
from projections.follower import Follower
from registry.gate import Gate
from registry.sqlite.store import SqliteStore
from testamur.catalogue.events import OrganizationRegistered
from testamur.catalogue.lines import decode_event
from testamur.errors import Unavailable
from testamur.tlog.reader import LogReader
from testamur.tlog.source import DirectorySource
from testamur.tlog.tiles import WIDTH, bundle_path, decode_bundle
from testamur.verification.receipt import Receipt
from tests.harness.published_log import PublishedLog, opened_log
from tests.harness.served import PROJECT, Served, authority_of, files_of, in_background, processes
from tests.harness.simulators import flipped
from tests.harness.story import Story, credentials_of
from tests.harness.tables import built, rows_in
from tests.harness.waiting import until

pytestmark = pytest.mark.server


def opened(data: Path) -> Served:
    """Return a log whose provider may issue; its genesis is published, and nobody serves it."""
    log = Served(data)
    line = authority_of(log.story, data.parent).read_bytes().removesuffix(b"\n")
    authority = decode_event(line)
    assert isinstance(authority, OrganizationRegistered)
    log.vkey = str(make_log(data, log.story.origin, [authority]))
    with (
        closing(SqliteStore(data / "registry.db")) as store,
        Gate(store, log_key=log.log_key, settled=lambda _: None) as gate,
    ):
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
    """Return every process that follows into a server's tables."""
    return processes(b"projections", os.fsencode(data / "projections"))


def the_follower(log: Served, *, but: int = 0) -> int:
    """Return the one process that follows, once it is there; `but` is one that is gone."""
    until(lambda: len(followers(log.data)) == 1 and followers(log.data) != [but])
    (found,) = followers(log.data)
    return found


def ask(log: Served, body: bytes, receipt: Receipt) -> None:
    """Ask for the last credential of a submission as of its receipt, and get it."""
    size = receipt.position + 1 + receipt.events
    found = log.answer(f"/credentials/{credentials_of(body)[-1]}?size={size}")
    assert found.status_code == 200, found.text
    assert (found.json()["size"], found.json()["issued"]["position"]) == (size, size - 1)


def submit_and_ask(log: Served, events: int = 1) -> None:
    """Submit a cohort, and read what was written."""
    body = log.story.cohort(events)
    ask(log, body, log.submit(body))


def check_tables(log: Served) -> None:
    """The tables hold every row that a fresh follower makes of the log, once."""
    reader = LogReader(DirectorySource(log.data / "log"), log.key)
    assert rows_in(log.data / "projections") == built(reader)


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
    held = files_of(int(process.name))
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
    until(lambda: followers(served.data) == [])
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
    assert "\ntestamur_ready 0.0\n" in served.metrics()
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
    engine = open_tables(data / "projections")
    assert Follower(engine, reader).catch_up() == 2  # the genesis is published
    engine.dispose()
    (file,) = (data / "projections").glob("*.db")
    damage(file)
    with wiring.opened(data) as parts:
        assert "the projections are built anew" in caplog.text
        assert parts.following.size == 0
        engine = parts.following.engine
        committed = parts.gate.entries.committed()
        until(lambda: parts.latest().size == committed)
        assert Follower(engine, parts.reader()).catch_up() == committed
        assert rows_in(data / "projections") == built(parts.reader())


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
        _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert rows_in(tmp_path / "tables") == built(served.reader())


def test_what_it_cannot_begin_with_is_told_with_its_exit_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log, _ = opened_log(tmp_path / "log")
    other = PublishedLog(tmp_path / "other", Story(origin="other.example/log"))
    tables = tmp_path / "tables"
    engine = open_tables(tables)
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
            follow(str(place), folder, [str(key)])
        assert ended.value.exit_code == code
        line = capfd.readouterr().out
        assert line.startswith(told)
        assert line.index("\n") == len(line) - 1


def test_attached_to_no_input_it_ends(tmp_path: Path) -> None:
    log, _ = opened_log(tmp_path / "log")
    words = [sys.executable, "-m", "projections", log.root, tmp_path / "tables"]
    words += ["--key", str(log.key), "--attached"]
    shell = ["sh", "-c", 'exec "$@" <&-', "sh", *map(str, words)]
    ended = subprocess.run(shell, cwd=PROJECT, check=False, capture_output=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, b"")


# --- Rebuilding beside the tables that answer ---


def test_tables_built_beside_those_that_answer_take_their_place_at_a_restart(
    served: Served,
) -> None:
    """However long building takes, the server answers meanwhile; swapping takes a restart."""
    log = served
    live, fresh = log.data / "projections", log.data / "projections.new"
    body = log.story.cohort(20)
    log.submit(body)
    path = f"/credentials/{credentials_of(body)[0]}"
    until(lambda: log.get(path).status_code == 200, 60)  # a busy machine is slow to start it
    engine = sqlite_engine(next(live.glob("*.db")))
    with engine.begin() as connection:
        connection.execute(text("UPDATE credentials SET flags = 1"))  # somebody changed the tables
    engine.dispose()
    assert log.get(path).json()["flags"] == ["no-accreditation-claimed"]
    with by_hand(log.data / "log", fresh, log.vkey) as process:
        assert process.stdout is not None
        while process.stdout.readline() != f"size {log.size}\n":
            assert process.poll() is None
        submit_and_ask(log)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    log.stop()
    live.rename(log.data / "projections.old")
    fresh.rename(live)
    log.start()
    size = log.size
    assert log.answer(f"{path}?size={size}").json()["flags"] == []
    log.stop()
    assert "built anew" not in log.errors()
    check_tables(log)
