"""The server with its sequence in PostgreSQL: made, served, killed, checked, moved and back."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from projections.tables import LAYOUT
from tests.harness import postgres
from tests.harness.postgres import Cluster
from tests.harness.served import Served, api, authority_of, processes
from tests.harness.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.server]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with closing(Cluster()) as cluster:
        yield cluster


@pytest.fixture
def store(cluster: Cluster, tmp_path: Path) -> str:
    """Return the address of an empty schema."""
    schema = postgres.schema_of(tmp_path)
    postgres.sql(cluster.url, f"CREATE SCHEMA {schema}")
    return postgres.in_schema(cluster.url, schema)


@pytest.fixture
def served(tmp_path: Path, store: str) -> Iterator[Served]:
    """Give a log that is made in the database, and not served yet."""
    with closing(Served(tmp_path / "data")) as served:
        assert api("migrate", "--store", store).returncode == 0
        made = init(served, store)
        assert made.returncode == 0, made.stderr
        served.vkey = made.stdout.strip()
        yield served


def init(served: Served, store: str) -> subprocess.CompletedProcess[str]:
    authority = authority_of(served.story, served.data.parent)
    options = ["--origin", served.story.origin, "--store", store]
    return api("init", "--data", served.data, "--authority", authority, *options)


def test_a_log_is_served_from_a_database_as_from_a_file(served: Served, store: str) -> None:
    with served.running("--store", store):
        served.open_register()
        body = served.story.cohort(300)
        receipt = served.submit(body)
        assert served.submit(body).position == receipt.position
        did = quote(served.story.provider.did, safe="")
        assert served.answer(f"/organizations/{did}?size={served.size}").status_code == 200
        # Killed at once, it has lost nothing that was answered.
        served.stop(how=signal.SIGKILL)
        until(lambda: not processes(str(served.data.resolve()).encode()))
        served.start("--store", store)
        assert served.size == receipt.position + 301
        served.submit(served.story.cohort(1))
    kept = {path.name for path in served.data.iterdir()}
    assert kept == {"key", "lock", "log"}  # all else is in the database
    checked = api("fsck", "--data", served.data, "--store", store)
    assert (checked.returncode, checked.stdout) == (0, "")
    inspected = api("inspect", served.story.provider.did, "--data", served.data, "--store", store)
    assert served.story.provider.did in inspected.stdout


def test_tables_that_were_damaged_are_built_anew(served: Served, store: str) -> None:
    with served.running("--store", store):
        served.open_register()
    ((schema,),) = postgres.sql(store, "SELECT current_schema()")
    tables = f"{schema}_read_{LAYOUT}"
    postgres.sql(store, f"UPDATE {tables}.position SET size = size - 1")  # noqa: S608  # our own
    with served.running("--store", store):
        did = quote(served.story.provider.did, safe="")
        assert served.answer(f"/organizations/{did}?size={served.size}").status_code == 200
    assert "the projections are built anew" in served.errors()


def test_a_server_goes_on_when_its_database_is_back(
    served: Served, store: str, cluster: Cluster
) -> None:
    with served.running("--store", store):
        served.open_register()
        cluster.end(signal.SIGQUIT)
        try:
            body = served.story.cohort(3)
            assert served.post(body).status_code == 503
        finally:
            cluster.start()
        until(lambda: served.get("/readyz").status_code == 200, 60)
        served.submit(body)


def test_a_log_moves_into_a_database_and_back(
    opened_log: Served, tmp_path: Path, store: str
) -> None:
    with closing(opened_log.copy(tmp_path / "data")) as log:
        assert api("migrate", "--store", store).returncode == 0
        with log.running():
            log.submit(log.story.cohort(2))
            refused = api("copy", "--data", log.data, "--to", store)
            assert refused.returncode == 2
            assert "another server is at work" in refused.stderr
        copied = api("copy", "--data", log.data, "--to", store)
        assert copied.returncode == 0, copied.stderr
        checkpoint = (log.data / "log/checkpoint").read_text().split("\n")
        assert copied.stdout.split() == checkpoint[1:3]
        with log.running("--store", store):
            log.submit(log.story.cohort(2))
        # The file was left behind, and a server on it would sign another history.
        stale = api("serve", "--data", log.data, "--port", "0")
        assert stale.returncode == 1
        assert "from-the-future" in stale.stderr
        again = api("copy", "--data", log.data, "--to", store)
        assert "the target went on" in again.stderr
        back = api("copy", "--data", log.data, "--from", store)
        assert back.returncode == 0, back.stderr
        with log.running():
            log.submit(log.story.cohort(2))


def test_a_log_is_not_made_in_a_database_that_holds_one(served: Served, store: str) -> None:
    shutil.rmtree(served.data)
    made = init(served, store)
    assert made.returncode == 1
    assert "the store holds 2 entries, and a log is made once" in made.stderr
    assert not served.data.exists()


def test_nothing_makes_tables_but_the_command_that_is_named(tmp_path: Path, store: str) -> None:
    with closing(Served(tmp_path / "data")) as served:
        made = init(served, store)
        assert made.returncode == 2
        assert "`python -m api migrate` makes them" in made.stderr
        assert not served.data.exists()
    assert postgres.sql(store, "SELECT to_regclass('entries')") == [(None,)]


def test_a_log_in_a_database_is_not_looked_for_in_the_folder(served: Served) -> None:
    for command, *options in (["serve", "--port", "0"], ["inspect", served.story.provider.did]):
        refused = api(command, *options, "--data", served.data)
        assert refused.returncode == 2
        assert "name it by --store" in refused.stderr


@pytest.mark.parametrize("command", ["serve", "fsck", "copy"])
def test_no_command_shows_a_password(served: Served, command: str) -> None:
    address = "postgresql://operator:correct-horse@127.0.0.1:1/log"
    options: dict[str, list[str | Path]] = {
        "copy": ["--data", served.data, "--from", address],
        "serve": ["--data", served.data, "--store", address, "--port", "0"],
        "fsck": ["--data", served.data, "--store", address],
    }
    refused = api(command, *options[command])
    assert refused.returncode == 2
    assert "horse" not in refused.stdout + refused.stderr


def test_a_log_in_a_database_is_backed_up_while_it_is_served_and_restored_into_another(
    served: Served, store: str, cluster: Cluster, tmp_path: Path
) -> None:
    backup, again = tmp_path / "backup", Served(tmp_path / "again")
    with served.running("--store", store):
        served.open_register()
        served.submit(served.story.cohort(300))
        assert api("backup", "--data", served.data, "--to", backup, "--store", store).stdout
        running = api("restore", "--from", backup, "--data", again.data, "--published", served.url)
        assert "is running (" in running.stderr
        done = api("backup", "--data", served.data, "--to", backup, "--store", store)
        assert done.returncode == 0, done.stderr
    seen = tmp_path / "seen"
    shutil.copy(served.data / "log" / "checkpoint", seen)
    schema = f"{postgres.schema_of(tmp_path)}_again"
    postgres.sql(cluster.url, f"CREATE SCHEMA {schema}")
    other = postgres.in_schema(cluster.url, schema)
    assert api("migrate", "--store", other).returncode == 0
    options: list[str | Path] = ["--from", backup, "--published", seen, "--store", other]
    restored = api("restore", "--data", again.data, *options)
    assert restored.returncode == 0, restored.stderr
    shutil.copy(served.data / "key", again.data / "key")
    twice = api("restore", "--data", tmp_path / "twice", *options)
    assert "has signed a checkpoint" in twice.stderr
    again.story, again.vkey = served.story, served.vkey
    with closing(again), again.running("--store", other):
        again.submit(served.story.cohort(3))
    assert api("fsck", "--data", again.data, "--store", other).returncode == 0
