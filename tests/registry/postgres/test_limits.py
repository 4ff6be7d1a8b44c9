"""Every wait ends, and a server that is full, slow or not durable is named as such."""

from __future__ import annotations

import re
import socket
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

import registry
from registry.outcomes import Overloaded, StorageFull
from registry.postgres import store as driver
from registry.postgres.connection import Connection
from registry.postgres.migrating import migrate
from registry.postgres.store import PostgresStore
from registry.store import StorageDamaged
from testamur.errors import Unavailable
from tests.harness import postgres
from tests.harness.gates import Desk
from tests.harness.postgres import Cluster
from tests.harness.stores import Kept
from tests.harness.story import Story
from tests.registry.postgres.conftest import at
from tests.registry.test_store import append, row

pytestmark = pytest.mark.postgres

README = Path(registry.__file__).with_name("README.md")


def asked(store: PostgresStore, statement: str) -> None:
    with store.reading() as reading:
        reading._connection.run(statement)


def test_a_statement_that_takes_too_long_is_overload(store: PostgresStore) -> None:
    def wait() -> None:
        with store.reading() as reading:
            reading._connection.run("SET LOCAL statement_timeout = 20")
            reading._connection.run("SELECT pg_sleep(60)")

    with pytest.raises(Overloaded, match="statement timeout"):
        wait()
    append(store, b"next")


def test_every_session_bounds_its_statements_its_locks_and_its_idleness(url: str) -> None:
    with closing(PostgresStore(url, patience=2.5, durable=False)) as store:
        for name, expected in {
            "statement_timeout": "1min",
            "lock_timeout": "2500ms",
            "idle_in_transaction_session_timeout": "10min",
            "jit": "off",
        }.items():
            with store.reading() as reading:
                assert reading._connection.run(f"SHOW {name}") == [(expected,)]
        with store.writing() as writing:
            assert writing._connection.run("SHOW lock_timeout") == [("2500ms",)]
            idle = writing._connection.run("SHOW idle_in_transaction_session_timeout")
            assert idle == [("1min",)]


def test_a_process_that_stops_while_it_holds_the_lock_loses_it(
    url: str, store: PostgresStore
) -> None:
    """Its session is ended by the server, and what it had not committed is gone."""

    def stop() -> None:
        with closing(PostgresStore(url, durable=False)) as stopped, stopped.writing() as holder:
            holder.append([row(1, entry=b"lost")], [])
            holder._connection.run("SET LOCAL idle_in_transaction_session_timeout = 50")
            append(store, b"kept")  # waits until the server has ended the other's session
            holder.commit()

    with pytest.raises(Unavailable, match="idle-in-transaction"):
        stop()
    with store.reading() as reading:
        assert reading.read(0, 9)[0] == [b"kept"]


def test_readers_beyond_the_bound_wait_and_are_then_overload(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "_READERS", 1)
    with closing(PostgresStore(url, patience=0.05, durable=False)) as store:
        with store.reading(), pytest.raises(Overloaded, match="1 readers were at work"):
            asked(store, "SELECT 1")
        asked(store, "SELECT 1")


def test_a_full_volume_is_told_for_the_whole_group_and_leaves_nothing(
    kept: Kept, story: Story
) -> None:
    """The error is the server's own; that it comes from a trigger is all that is arranged."""
    with Desk(kept, story) as desk:
        desk.open_log()
        size = desk.committed()
        kept.sql(
            "CREATE FUNCTION full_volume() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN RAISE 'no space left on device' USING ERRCODE = 'disk_full'; END$$"
        )
        kept.sql(
            "CREATE TRIGGER full_volume BEFORE INSERT ON entries FOR EACH ROW"
            f" WHEN (NEW.notification_id > {size + 5}) EXECUTE FUNCTION full_volume()"
        )
        bodies = [story.cohort(1), story.cohort(9)]
        assert [type(each) for each in desk.together(*bodies)] == [StorageFull] * 2
        assert desk.committed() == size
        kept.sql("DROP TRIGGER full_volume ON entries")
        desk.record(bodies[1])
        desk.examine()


@pytest.mark.slow
def test_a_batch_of_20_megabytes_goes_in_by_tcp_and_by_a_unix_socket() -> None:
    """Where each end waits for the other to read, this hangs (D1)."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with closing(Cluster(port=port)) as cluster:
        postgres.made(cluster.url, "log")
        for url in (cluster.url, cluster.url_by_tcp):
            with closing(PostgresStore(postgres.in_schema(url, "log"))) as store:
                append(store, *[bytes(4096)] * 5_000)
        with (
            closing(PostgresStore(postgres.in_schema(url, "log"))) as store,
            store.reading() as reading,
        ):
            assert (reading.count(), len(reading.read(0, 20_000)[0])) == (10_000, 10_000)


def test_a_group_is_announced_once(url: str, store: PostgresStore) -> None:
    """NOTIFY takes a lock of the whole instance at COMMIT (D9)."""
    with closing(Connection(store._address, patience=1, durable=False)) as listener:
        listener.run_all(f"LISTEN {store._channel}")
        append(store, *[b"entry"] * 50)
        assert listener.notified_of(store._channel, 5) == [store._name]
        assert listener.notified_of(store._channel, 0.1) == []


def test_several_logs_in_one_database_know_nothing_of_one_another(
    store: PostgresStore, empty: str
) -> None:
    """The function that stock recorders insert by is one for all tables of a schema (D4)."""
    migrate(empty)
    with closing(PostgresStore(empty, durable=False)) as other:
        append(store, b"1")
        append(other, b"2", b"3")
        with store.reading() as reading:
            assert reading.read(0, 9)[0] == [b"1"]
        with other.reading() as reading:
            assert reading.read(0, 9)[0] == [b"2", b"3"]
        assert other._channel != store._channel


def test_a_server_needs_no_right_to_change_or_remove_what_is_recorded(
    url: str, story: Story
) -> None:
    """The rights that `registry/README.md` lists are enough, and entries are safe from it."""
    ((schema,),) = postgres.sql(url, "SELECT current_schema()")
    role = f"server_{schema}"
    postgres.sql(url, f"CREATE ROLE {role} LOGIN")
    postgres.sql(url, f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    for grant in re.findall(r"^GRANT .* TO server;$", README.read_text(), re.MULTILINE):
        postgres.sql(url, grant.replace("server", role))
    limited = url.replace("//testamur@", f"//{role}@")
    with Desk(at(limited), story, store={"durable": False}) as desk:
        desk.open_log()
        desk.record(story.cohort(3))
        desk.examine()
    for statement in ("DELETE FROM entries", "UPDATE entries SET state = ''", "DROP TABLE head"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            postgres.sql(limited, statement)


# --- Durability ---


def test_a_server_that_does_not_keep_what_it_confirms_is_refused(url: str) -> None:
    with pytest.raises(Unavailable, match="the server runs with f"):
        PostgresStore(url)


def test_commits_are_durable_whatever_the_server_was_set_to(cluster: Cluster) -> None:
    url = postgres.made(cluster.url, "careless")
    for setting, expected in [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")]:
        postgres.sql(cluster.url, f"ALTER ROLE testamur SET synchronous_commit = {setting}")
        with closing(PostgresStore(url)) as store, store.writing() as transaction:
            assert transaction._connection.run("SHOW synchronous_commit") == [(expected,)]
    postgres.sql(cluster.url, "ALTER ROLE testamur RESET synchronous_commit")


def test_no_timeout_ends_a_commit(store: PostgresStore) -> None:
    """If one ended the wait for a standby, the server would confirm what the standby lacks."""
    with store.writing() as transaction:
        connection = transaction._connection
        transaction.append([row(1)], [])
        # A trigger that is deferred to COMMIT takes longer than any statement may.
        connection.run(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END$$"
        )
        connection.run(
            "CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON head DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION slow()"
        )
        connection.run("SET LOCAL statement_timeout = 100")
        transaction.commit()
    with store.reading() as reading:
        assert reading.count() == 1


# --- A store that was set back ---


def test_a_store_that_has_fewer_entries_than_it_had_is_damaged(
    kept: Kept, store: PostgresStore
) -> None:
    """As after the promotion of a standby that lacked the last commits."""
    append(store, b"0", b"1")
    kept.sql("DELETE FROM entries WHERE notification_id = 2")
    kept.sql("UPDATE head SET count = 1")
    with pytest.raises(StorageDamaged, match="counts 1 entries, and counted 2 before"):
        asked(store, "SELECT 1")
    with pytest.raises(StorageDamaged, match="was set back"):
        append(store, b"other")
    with closing(kept.open()) as fresh, fresh.reading() as reading:
        assert reading.count() == 1
