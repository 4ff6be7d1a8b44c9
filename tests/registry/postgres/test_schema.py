"""Tables are made by migrations alone; a store of another version says what to do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from registry.postgres import migrating, schema
from registry.postgres.address import Address
from registry.postgres.migrating import migrate
from registry.postgres.store import PostgresStore
from testamur.errors import Unavailable
from tests.harness import postgres
from tests.harness.waiting import until
from tests.registry.test_store import append

pytestmark = pytest.mark.postgres


def opened(url: str) -> PostgresStore:
    return PostgresStore(url, durable=False)


def test_a_database_without_tables_names_the_command_that_makes_them(empty: str) -> None:
    with pytest.raises(Unavailable, match="no tables for a log yet; `python -m api migrate`"):
        opened(empty)
    migrate(empty)
    with closing(opened(empty)) as store:
        append(store, b"first")


def test_migrating_again_keeps_what_is_there(empty: str) -> None:
    migrate(empty)
    with closing(opened(empty)) as store:
        append(store, b"first")
        migrate(empty)
        with store.reading() as reading:
            assert reading.count() == 1


def test_tables_of_the_first_version_are_brought_to_this_one_with_what_they_hold(
    empty: str,
) -> None:
    migrate(empty, version="0001")
    postgres.sql(empty, "INSERT INTO register VALUES (5, 4)")
    with pytest.raises(Unavailable, match="of version 0001"):
        opened(empty)
    migrate(empty)
    with closing(opened(empty)) as store, store.reading() as reading:
        assert reading._connection.run("SELECT * FROM register") == [(5, 4)]


def test_migrations_that_start_together_do_the_work_once(empty: str) -> None:
    with psycopg.connect(empty) as first, ThreadPoolExecutor(1) as threads:
        first.execute(migrating.LOCK.encode())
        second = threads.submit(migrate, empty)
        until(lambda: bool(postgres.sql(empty, "SELECT 1 FROM pg_locks WHERE NOT granted")))
        first.execute(migrating.statements().replace("BEGIN;", "").encode())  # ends in COMMIT
        second.result(30)
    opened(empty).close()


@pytest.mark.parametrize(
    ("version", "remedy"),
    [("0001", "`python -m api migrate` brings them there"), ("0003", "run the later one"),
     ("feature", "run the later one")],
)  # fmt: skip
def test_tables_of_another_version_are_refused_with_the_remedy(
    url: str, version: str, remedy: str
) -> None:
    postgres.sql(url, "UPDATE registry_schema SET version_num = %s", version)
    with pytest.raises(Unavailable, match=remedy):
        opened(url)


def test_a_store_under_which_the_tables_were_migrated_says_so(url: str) -> None:
    with closing(opened(url)) as store:
        postgres.sql(url, "UPDATE registry_schema SET version_num = '0003'")
        with pytest.raises(Unavailable, match="a later Testamur"):
            append(store, b"entry")


def test_a_migration_that_fails_changes_nothing(empty: str) -> None:
    postgres.sql(empty, "CREATE TABLE register (position int)")
    with pytest.raises(Unavailable, match="could not be migrated, and is unchanged"):
        migrate(empty)
    assert postgres.sql(empty, "SELECT to_regclass('entries')") == [(None,)]


def test_the_version_that_the_code_knows_is_that_of_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrating._SCRIPTS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == schema.VERSION


# --- Addresses ---


SECRET = "correct%20horse"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://operator:{SECRET}@127.0.0.1:1/log",
        f"postgresql://operator@127.0.0.1:1/log?password={SECRET}",
        f"postgresql://operator:{SECRET}@127.0.0.1:one/log",
        f"postgresql://operator:{SECRET}@[::1/log",
        f"postgresql://127.0.0.1:1/log?pasword={SECRET}",
        f"mysql://operator:{SECRET}@127.0.0.1/log",
        f"operator:{SECRET}",
    ],
)
def test_no_message_shows_the_password_of_an_address(url: str) -> None:
    for attempt in (opened, migrate):
        with pytest.raises(Unavailable) as found:
            attempt(url)
        assert "horse" not in str(found.value)
    assert found.value.__cause__ is None


def test_an_address_shows_everything_but_its_password() -> None:
    shown = repr(Address.parse(f"postgresql://operator:{SECRET}@db.example/log"))
    assert "db.example" in shown
    assert "horse" not in shown
