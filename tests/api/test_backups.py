"""A backup holds a whole log, and no log begins again behind what the public saw."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from api.backups.published import refuse_running
from api.folder import Folder
from api.operations.port import Answer, OperationsPort
from log.copied_tree import tree_files
from testamur.errors import Refuted
from testamur.tlog.checkpoint import open_checkpoint, sign_checkpoint
from testamur.tlog.earlier import earlier_checkpoint
from testamur.tlog.note import SignerKey
from testamur.tlog.source import DirectorySource
from testamur.verification.replay import replay
from tests.harness.served import PROJECT, Served, called
from tests.harness.tile_resources import tile_resources
from tests.harness.waiting import until

pytestmark = pytest.mark.server


@pytest.fixture
def log(opened_log: Served, tmp_path: Path) -> Iterator[Served]:
    copied = opened_log.copy(tmp_path / "data")
    yield copied
    copied.close()


def backup(log: Served, to: Path) -> int:
    done = called("backup", "--data", log.data, "--to", to)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def restored(log: Served, source: Path, to: Path, *published: object) -> str:
    """Restore, expecting that it succeeds; return what it printed."""
    done = called("restore", "--from", source, "--data", to, *_named(published))
    assert done.returncode == 0, done.stderr
    shutil.copy(log.data / "key", to / "key")
    return done.stdout


def refused(source: Path, to: Path, *published: object, code: int = 1) -> str:
    done = called("restore", "--from", source, "--data", to, *_named(published))
    assert done.returncode == code, (done.stdout, done.stderr)
    assert not Folder(to).registry.exists()
    return done.stderr


def _named(published: tuple[object, ...]) -> list[str]:
    return [word for each in published for word in ("--published", str(each))]


def kept_checkpoint(log: Served, to: Path) -> Path:
    """Keep what anybody may keep of a log: its checkpoint."""
    shutil.copy(log.data / "log" / "checkpoint", to)
    return to


def test_a_log_goes_on_from_its_backup_and_who_saw_it_before_sees_one_history(
    log: Served, tmp_path: Path
) -> None:
    old = kept_checkpoint(log, tmp_path / "old.checkpoint")
    log.record(log.story.cohort(300))
    size = backup(log, tmp_path / "backup")
    seen = kept_checkpoint(log, tmp_path / "seen.checkpoint")
    assert not list((tmp_path / "backup").glob("key*"))

    again = Served(tmp_path / "again")
    again.story, again.vkey = log.story, log.vkey
    assert restored(log, tmp_path / "backup", again.data, old, seen) == f"{size}\n"
    body = log.story.cohort(5)
    with again.running():
        again.submit(body)
        found = replay(again.source, again.key).checkpoint
        for kept in (old, seen):
            before, _ = open_checkpoint(kept.read_bytes(), log.key)
            was = earlier_checkpoint(again.source, found, before.size)
            assert was.root == before.root
    assert found.size == size + 6
    checked = called("fsck", "--data", again.data)
    assert checked.returncode == 0, checked.stdout
    again.close()


def test_a_log_is_not_restored_behind_what_the_public_saw(log: Served, tmp_path: Path) -> None:
    size = backup(log, tmp_path / "backup")
    log.record(log.story.cohort(5))
    newer = kept_checkpoint(log, tmp_path / "newer.checkpoint")
    told = refused(tmp_path / "backup", tmp_path / "again", newer)
    assert f"the public saw {size + 6} entries" in told
    assert f"there are {size} here" in told
    # A folder that is served as it is, by any server of files.
    assert "the public saw" in refused(tmp_path / "backup", tmp_path / "again", log.data / "log")

    assert backup(log, tmp_path / "backup") == size + 6  # the same backup, brought up
    restored(log, tmp_path / "backup", tmp_path / "again", newer)


def test_a_log_is_not_restored_beside_another_tree_or_key(log: Served, tmp_path: Path) -> None:
    size = backup(log, tmp_path / "backup")
    signer = SignerKey.parse((log.data / "key").read_text().strip())
    held, _ = open_checkpoint((log.data / "log" / "checkpoint").read_bytes(), log.key)
    for name, root, key, told in (
        ("fork", bytes(32), signer, "the public saw another tree"),
        ("stranger", held.root, SignerKey.generate(signer.name), "is signed by"),
    ):
        text = type(held)(held.origin, size, root)
        (tmp_path / name).write_bytes(sign_checkpoint(text, key))
        code = 1 if name == "fork" else 2
        assert told in refused(tmp_path / "backup", tmp_path / "again", tmp_path / name, code=code)


def test_what_was_not_asked_or_cannot_be_known_restores_nothing(
    log: Served, tmp_path: Path
) -> None:
    backup(log, tmp_path / "backup")
    kept, again = tmp_path / "backup", tmp_path / "again"
    seen = kept_checkpoint(log, tmp_path / "seen")
    assert called("restore", "--from", kept, "--data", again).returncode == 2
    told = refused(kept, again, kept / "log" / "checkpoint", code=2)
    assert "is of the very copy to be judged" in told
    assert "cannot be reached" in refused(kept, again, "http://127.0.0.1:9", code=2)
    assert "cannot be read" in refused(kept, again, tmp_path / "nowhere", code=2)
    occupied = called("restore", "--from", kept, "--data", log.data, "--published", seen)
    assert "is not an empty folder" in occupied.stderr
    with log.running():
        told = refused(kept, again, log.url)
        assert "is running (/healthz answers 200), and may sign: stop it first" in told
    (kept / "log" / "checkpoint").unlink()
    assert "was not finished" in refused(kept, again, seen, code=2)
    inside = called("backup", "--data", log.data, "--to", log.data / "backup")
    assert "in the log's own folder" in inside.stderr


@pytest.mark.parametrize(
    ("path", "status", "running"),
    [
        ("/healthz", 200, True),
        ("/readyz", 200, True),
        ("/readyz", 503, True),
        ("/openapi.json", 200, True),
        ("/readyz", 502, False),
        ("/healthz", 503, False),
        ("/checkpoint", 200, False),
    ],
)
def test_a_registry_that_is_not_ready_is_taken_for_one_that_runs(
    path: str, status: int, *, running: bool
) -> None:
    """The other paths do not exist, as behind a proxy that keeps them to itself."""
    port = OperationsPort("127.0.0.1", 0, {path: lambda: Answer(status, "text/plain", b"")})
    port.start()
    refusal = pytest.raises(Refuted, match=f"{path} answers {status}")
    with closing(port), refusal if running else nullcontext():
        refuse_running(f"{port.address}/log")


@pytest.mark.parametrize("how", ["option", "environment"])
@pytest.mark.parametrize("command", ["backup", "restore", "compare"])
def test_a_bucket_is_never_taken_for_the_folder(
    log: Served, tmp_path: Path, command: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tests/whole/test_backups_in_bucket.py has logs whose files are in one."""
    kept, seen = tmp_path / "backup", kept_checkpoint(log, tmp_path / "seen")
    backup(log, kept)
    words: dict[str, list[object]] = {
        "backup": ["--data", log.data, "--to", kept],
        "restore": ["--from", kept, "--data", tmp_path / "again", "--published", seen],
        "compare": ["--data", log.data, "--published", seen],
    }
    bucket = "s3://bucket/log?endpoint=https://127.0.0.1:9"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "B")
    if how == "environment":
        monkeypatch.setenv("TESTAMUR_LOG", bucket)
    options = ["--log", bucket] if how == "option" else []
    done = called(command, *map(str, words[command]), *options)
    assert done.returncode == 2
    told = "checkpoint cannot be read" if command == "compare" else "name it by --store"
    assert told in done.stderr
    assert not (tmp_path / "again").exists()


def test_a_damaged_backup_is_not_restored(log: Served, tmp_path: Path) -> None:
    backup(log, tmp_path / "backup")
    seen = kept_checkpoint(log, tmp_path / "seen")
    bundle = next((tmp_path / "backup" / "log" / "tile" / "entries").rglob("*.p/*"))
    data = bytearray(bundle.read_bytes())
    data[40] ^= 1
    bundle.write_bytes(data)
    assert bundle.name in refused(tmp_path / "backup", tmp_path / "again", seen)


def test_a_backup_that_is_killed_goes_on_and_the_one_before_it_stands(
    log: Served, tmp_path: Path
) -> None:
    kept = tmp_path / "backup"
    first = backup(log, kept)
    log.record(log.story.cohort(2000))
    command = [sys.executable, "-m", "api", "backup", "--data", str(log.data), "--to", str(kept)]
    before = Folder(kept).registry.with_name("registry.db-wal")
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE)
    try:
        # In the middle: the copy of the sequence has begun, or it is over already.
        until(lambda: process.poll() is not None or (before.exists() and before.stat().st_size > 0))
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    held, _ = open_checkpoint((kept / "log" / "checkpoint").read_bytes(), log.key)
    assert held.size in (first, first + 2001)
    assert backup(log, kept) == first + 2001
    seen = kept_checkpoint(log, tmp_path / "seen")
    restored(log, kept, tmp_path / "again", seen)
    assert called("fsck", "--data", tmp_path / "again").returncode == 0


def test_a_log_is_backed_up_under_load(log: Served, tmp_path: Path) -> None:
    bodies = [log.story.cohort(40) for _ in range(20)]
    with log.running():
        answers: list[int] = []

        def submit() -> None:
            answers.extend(log.post(body).status_code for body in bodies)

        load = threading.Thread(target=submit)
        load.start()
        sizes = [backup(log, tmp_path / "backup") for _ in range(2)]
        load.join()
        assert answers == [201] * len(bodies)
        last = backup(log, tmp_path / "backup")
    assert sizes == sorted(sizes)
    assert last == log_size(log.data)
    seen = kept_checkpoint(log, tmp_path / "seen")
    restored(log, tmp_path / "backup", tmp_path / "again", seen)
    assert called("fsck", "--data", tmp_path / "again").returncode == 0


def log_size(data: Path) -> int:
    note = DirectorySource(data / "log").fetch("checkpoint")
    return int(note.split(b"\n")[1])


def test_a_log_that_was_put_back_by_other_means_is_compared_before_it_starts(
    log: Served, tmp_path: Path
) -> None:
    shutil.copytree(log.data, tmp_path / "copy")
    log.record(log.story.cohort(3))
    newer = kept_checkpoint(log, tmp_path / "newer")
    done = called("compare", "--data", tmp_path / "copy", "--published", newer)
    assert done.returncode == 1
    assert "would sign another history" in done.stderr
    assert called("compare", "--data", log.data, "--published", newer).returncode == 0
    own = log.data / "log" / "checkpoint"
    assert called("compare", "--data", log.data, "--published", own).returncode == 2


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 512, 65_535, 65_536, 65_800])
def test_the_files_of_a_tree_are_those_of_the_specification(size: int) -> None:
    assert sorted(tree_files(size)) == sorted(tile_resources(size))
