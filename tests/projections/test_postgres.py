"""Tables in PostgreSQL: made once, with a bound on what a question costs, looked up by indexes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.event import listen
from sqlalchemy.exc import IntegrityError

from projections import postgres as driver
from projections.bulk import write
from projections.database import at_most
from projections.dids import DIDS
from projections.follower import Follower
from projections.issuances import INTO_ISSUED
from projections.postgres import open_tables, remove_tables
from projections.tables import LAYOUT
from projections.too_long import TooLong
from registry.postgres.address import Address
from testamur.errors import Unavailable
from tests.harness import postgres
from tests.harness.chronicle import Chronicle
from tests.harness.random_submissions import RandomSubmissions
from tests.harness.tables import postgres_engine
from tests.projections.test_query_plans import every_question

pytestmark = pytest.mark.postgres


@pytest.fixture
def address(tmp_path: Path) -> Address:
    schema = postgres.schema_of(tmp_path)
    postgres.sql(postgres.shared(), f"CREATE SCHEMA {schema}")
    return Address.parse(postgres.in_schema(postgres.shared(), schema))


@pytest.fixture
def engine(address: Address) -> Iterator[Engine]:
    engine = open_tables(address.connect)
    yield engine
    engine.dispose()


def issued(position: int, *, credential: bytes = b"") -> dict[str, Any]:
    """Return the row of an issuance."""
    return {
        "position": position,
        "credential": credential or position.to_bytes(16, "big"),
        "flags": 0,
        "achievement": 3,
        "revision": 1,
        "accreditation": None,
    }


# --- Where they lie ---


def test_servers_that_start_together_make_the_tables_once(address: Address) -> None:
    with ThreadPoolExecutor(6) as threads:
        engines = list(threads.map(lambda _: open_tables(address.connect), range(6)))
    for engine in engines:
        with engine.connect() as connection:
            assert connection.execute(DIDS.select()).all() == []
        engine.dispose()


def test_tables_of_another_layout_lie_beside_those_that_answer(
    address: Address, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.begin() as connection:
        write(connection, insert(DIDS), [{"number": 1, "did": "did:key:z", "registered": 0}])
    monkeypatch.setattr(driver, "LAYOUT", LAYOUT + 1)
    other = open_tables(address.connect)
    with other.connect() as connection:
        assert connection.execute(DIDS.select()).all() == []
    other.dispose()
    with engine.connect() as connection:
        assert len(connection.execute(DIDS.select()).all()) == 1


def test_tables_that_were_removed_are_made_anew(address: Address, engine: Engine) -> None:
    with engine.begin() as connection:
        write(connection, insert(DIDS), [{"number": 1, "did": "did:key:z", "registered": 0}])
    remove_tables(address.connect)
    again = open_tables(address.connect)
    with again.connect() as connection:
        assert connection.execute(DIDS.select()).all() == []
    again.dispose()


def test_a_schema_that_is_not_there_is_named() -> None:
    url = postgres.in_schema(postgres.shared(), "nowhere_at_all")
    with pytest.raises(Unavailable, match="a schema that is not there"):
        open_tables(Address.parse(url).connect)


def test_an_answer_is_of_one_moment(engine: Engine) -> None:
    rows = [{"number": number, "did": f"did:key:{number}", "registered": 0} for number in (1, 2)]
    with engine.connect() as reading:
        assert reading.execute(DIDS.select()).all() == []
        with engine.begin() as writing:
            write(writing, insert(DIDS), rows)
        assert reading.execute(DIDS.select()).all() == []


# --- What goes in ---


@pytest.mark.parametrize("number", [3, 200])
def test_rows_go_in_whole_by_one_statement_or_by_copy(engine: Engine, number: int) -> None:
    rows = [issued(position) for position in range(number)]
    rows[1]["accreditation"] = 7
    with engine.begin() as connection:
        write(connection, INTO_ISSUED, rows)
        found = connection.execute(text("SELECT * FROM credentials ORDER BY position")).all()
    assert [row._asdict() for row in found] == [{**row, "version": 1} for row in rows]


@pytest.mark.parametrize("number", [3, 200])
def test_a_row_that_is_there_already_is_the_same_error_either_way(
    engine: Engine, number: int
) -> None:
    rows = [issued(position) for position in range(number)]
    rows.append(issued(number, credential=rows[0]["credential"]))
    with pytest.raises(IntegrityError, match="credential_stream"), engine.begin() as connection:
        write(connection, INTO_ISSUED, rows)


# --- What a question costs ---


def test_a_statement_that_takes_too_long_is_ended(engine: Engine) -> None:
    began = time.monotonic()
    with (
        pytest.raises(TooLong, match="took more than"),
        engine.connect() as connection,
        at_most(0.05, connection),
    ):
        connection.execute(text("SELECT pg_sleep(60)"))
    assert time.monotonic() - began < 30


def test_no_statement_begins_once_the_time_is_over(engine: Engine) -> None:
    def many(connection: Connection) -> None:
        with at_most(0.02, connection):
            for _ in range(1000):
                connection.execute(text("SELECT pg_sleep(0.005)"))

    with engine.connect() as connection:
        with pytest.raises(TooLong):
            many(connection)
        connection.rollback()
        connection.execute(text("SELECT pg_sleep(0.05)"))  # the next question has its own time


def test_a_session_that_is_cut_is_unavailable_and_the_next_question_is_not(
    engine: Engine,
) -> None:
    def asked(first: str) -> None:
        with engine.connect() as connection, at_most(5, connection):
            connection.execute(text(first))
            connection.execute(DIDS.select()).all()

    with pytest.raises(Unavailable, match="the tables cannot be read"):
        asked("SELECT pg_terminate_backend(pg_backend_pid())")
    asked("SELECT 1")


def test_no_question_scans_a_table(tmp_path: Path) -> None:
    """Sequential scans are made to look dear: one that is left has no index that would serve."""
    told = Chronicle.opened(tmp_path / "log")
    (one,) = told.issued()
    RandomSubmissions(told, 3).go(30)
    plans: dict[str, str] = {}

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        if statement.startswith("SELECT") and statement not in plans:
            with cursor.connection.cursor() as other:
                found = other.execute(f"EXPLAIN {statement}".encode(), parameters).fetchall()
            plans[statement] = "\n".join(line for (line,) in found)

    told.log.publish()
    engine = postgres_engine(tmp_path / "tables")
    size = Follower(engine, told.log.reader()).catch_up()
    listen(engine, "before_cursor_execute", explain)
    with engine.connect() as connection:
        for question in every_question(connection, told, one, size):
            question()
    engine.dispose()
    assert len(plans) > 20
    costly = [plan for plan in plans.values() if "Seq Scan" in plan]
    assert costly == []
