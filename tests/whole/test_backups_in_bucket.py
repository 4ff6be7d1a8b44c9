"""A log whose files are in a bucket is backed up, restored and compared as one in a folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.folder import Folder
from log.directory import DirectoryStore
from testamur.tlog.checkpoint import open_checkpoint
from testamur.tlog.earlier import earlier_checkpoint
from testamur.tlog.source import NotFound
from testamur.verification.replay import replay
from tests.harness import postgres
from tests.harness.bucket_log import BucketLog, made, unmade
from tests.harness.postgres import Cluster
from tests.harness.served import called
from tests.harness.simulators import flipped
from tests.harness.tile_resources import tile_resources

pytestmark = [pytest.mark.objects, pytest.mark.postgres, pytest.mark.server]


@dataclass(frozen=True, slots=True)
class Told:
    """A log that grew: backups of it at two sizes, and what somebody kept of it at each."""

    log: BucketLog
    old: Path
    new: Path
    saw_old: Path
    saw_new: Path
    sizes: tuple[int, int]


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with closing(Cluster()) as cluster:
        yield cluster.url


@pytest.fixture(scope="module")
def told(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("told")
    old, new, saw_old, saw_new = (folder / n for n in ("old", "new", "saw-old", "saw-new"))
    with made(database, folder / "log") as log:
        served, sizes = log.served, list[int]()
        with served.running(*log.options):
            served.open_register()
            for count, saw in ((5, saw_old), (300, saw_new)):
                served.submit(served.story.cohort(count))
                done = called("backup", "--data", served.data, *log.options, "--to", new)
                assert done.returncode == 0, done.stderr
                sizes.append(int(done.stdout))
                saw.write_bytes(log.bucket.read("checkpoint"))
                if not old.exists():
                    shutil.copytree(new, old)
        assert not (served.data / "log").exists()
        yield Told(log, old, new, saw_old, saw_new, (sizes[0], sizes[1]))


@pytest.fixture
def target(told: Told, database: str, tmp_path: Path) -> Iterator[BucketLog]:
    """Give tables without entries, and a bucket without files."""
    with unmade(database, tmp_path / "target") as found:
        found.served.story, found.served.vkey = told.log.served.story, told.log.served.vkey
        yield found


def restore(target: BucketLog, backup: Path, *published: Path) -> tuple[int, str]:
    """Return the exit code, and what was said."""
    named = [word for each in published for word in ("--published", str(each))]
    done = called(
        "restore", "--from", backup, "--data", target.served.data, *named, *target.options
    )
    return done.returncode, done.stdout + done.stderr


def files(log: BucketLog) -> dict[str, bytes]:
    return {path: log.bucket.read(path) for path in log.bucket.paths()}


def entries(log: BucketLog) -> int:
    """Return how many entries the database holds."""
    ((count,),) = postgres.sql(log.store, "SELECT count(*) FROM entries")
    return int(count)


def test_a_log_goes_on_in_another_bucket_and_who_saw_it_before_sees_one_history(
    told: Told, target: BucketLog
) -> None:
    assert restore(target, told.new, told.saw_old, told.saw_new) == (0, f"{told.sizes[1]}\n")
    published = files(target)
    assert published == {path: told.log.bucket.read(path) for path in published}
    assert not (target.served.data / "log").exists()
    # Until the key is put in, nothing can sign.
    again = target.served
    shutil.copy(told.log.served.data / "key", again.data / "key")
    with again.running(*target.options):
        again.submit(again.story.cohort(5))
        found = replay(again.source, again.key).checkpoint
        for kept in (told.saw_old, told.saw_new):
            before, _ = open_checkpoint(kept.read_bytes(), again.key)
            assert earlier_checkpoint(again.source, found, before.size).root == before.root
    assert found.size == told.sizes[1] + 6
    checked = target.fsck()
    assert (checked.returncode, checked.stdout) == (0, "")


def test_a_bucket_that_is_behind_the_backup_is_brought_up(told: Told, target: BucketLog) -> None:
    """As one of which a part is left, or one to which a restore was on its way."""
    for path in DirectoryStore(told.old / "log").paths():
        data = (told.old / "log" / path).read_bytes()
        if path == "checkpoint":
            with pytest.raises(NotFound):
                target.bucket.read(path)
            target.bucket.write_checkpoint(data)
        else:
            target.bucket.write_many([(path, data)])
    assert restore(target, told.new, told.saw_new)[0] == 0
    assert target.bucket.read("checkpoint") == told.saw_new.read_bytes()
    for path in tile_resources(told.sizes[1]):
        assert target.bucket.read(path) == told.log.bucket.read(path)


def test_a_log_is_not_restored_behind_what_the_bucket_shows(told: Told, target: BucketLog) -> None:
    """Whatever else was named: the bucket itself is what the public saw."""
    target.bucket.write_many(
        [(path, data) for path, data in files(told.log).items() if path != "checkpoint"]
    )
    with pytest.raises(NotFound):
        target.bucket.read("checkpoint")
    target.bucket.write_checkpoint(told.saw_new.read_bytes())
    before = files(target)
    code, said = restore(target, told.old, told.saw_old)
    assert code == 1
    assert f"the public saw {told.sizes[1]} entries" in said
    assert f"there are {told.sizes[0]} here" in said
    assert restore(target, told.old, told.saw_new)[0] == 1
    assert files(target) == before
    assert entries(target) == 0
    assert not target.served.data.exists()
    # With the newer backup it goes on where it was.
    assert restore(target, told.new, told.saw_old)[0] == 0


def test_a_log_is_not_restored_into_the_bucket_of_another(
    told: Told, database: str, tmp_path: Path
) -> None:
    with made(database, tmp_path / "other") as other:
        before = files(other)
        elsewhere = ("--store", other.store, "--log", other.address)
        done = called(
            *("restore", "--from", told.new, "--data", tmp_path / "again"),
            *("--published", told.saw_new, *elsewhere),
        )
        assert done.returncode == 2
        assert "is signed by" in done.stderr
        assert files(other) == before


def test_a_bucket_with_other_bytes_stops_a_restore_before_anything_is_signed(
    told: Told, target: BucketLog
) -> None:
    whole = told.log.bucket.read("tile/entries/000")
    target.bucket.write_many([("tile/entries/000", flipped(whole, 3000))])
    code, said = restore(target, told.new, told.saw_new)
    assert code == 1
    assert "tile/entries/000" in said
    assert "checkpoint" not in files(target)
    assert not Folder(target.served.data).log_keys.exists()
    target.bucket.put_back("tile/entries/000", whole)
    assert restore(target, told.new, told.saw_new)[0] == 0


def test_what_is_in_a_bucket_is_compared_with_what_the_public_saw(
    told: Told, target: BucketLog
) -> None:
    assert restore(target, told.old, told.saw_old)[0] == 0

    def compared(log: BucketLog, published: Path) -> tuple[int, str]:
        options = ("--published", published, "--log", log.address)
        done = called("compare", "--data", told.log.served.data, *options)
        return done.returncode, done.stdout + done.stderr

    assert compared(told.log, told.saw_old) == (0, f"{told.sizes[1]}\n")
    assert compared(told.log, told.saw_new) == (0, f"{told.sizes[1]}\n")
    assert compared(target, told.saw_old) == (0, f"{told.sizes[0]}\n")
    code, said = compared(target, told.saw_new)
    assert code == 1
    assert "would sign another history" in said
    target.proxy.plan = lambda _: "503"
    assert compared(target, told.saw_old)[0] == 2


def test_a_bucket_that_fails_is_no_damage_and_the_backup_before_it_stands(
    told: Told, tmp_path: Path
) -> None:
    """Half of the files are there when it fails; a backup is finished by its checkpoint."""
    kept = tmp_path / "kept"
    shutil.copytree(told.old, kept)
    command = ("backup", "--data", told.log.served.data, *told.log.options, "--to", kept)
    with ExitStack() as stack:
        stack.callback(setattr, told.log.proxy, "plan", lambda _: None)
        told.log.proxy.plan = lambda request: "503" if "/tile/0/" in request.target else None
        assert called(*command).returncode == 2
    assert (kept / "log" / "checkpoint").read_bytes() == told.saw_old.read_bytes()
    assert called(*command).stdout == f"{told.sizes[1]}\n"
    assert (kept / "log" / "checkpoint").read_bytes() == told.saw_new.read_bytes()
