"""What a list costs does not grow with the log: counted in steps of the database, not in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert

from projections.bulk import write
from projections.credential_lists import Chosen, listed
from projections.database import sqlite_engine
from projections.defined import ACHIEVEMENTS
from projections.dids import DIDS
from projections.flags import mask
from projections.grants import GRANTS
from projections.issuances import AWARDS, CREDENTIALS
from projections.marks import MARKS, List, flag_mark, party_mark
from projections.page import WHOLE
from projections.submissions import SUBMISSIONS, submissions
from projections.tables import METADATA
from testamur.rules import Flag

EVERY, RARE = Flag.NO_ACCREDITATION_CLAIMED, Flag.BACKDATED
SUBMITTED, EVENTS = 60, 500
SIZE = SUBMITTED * (EVENTS + 1)
AWARDED = str(UUID(int=1))


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """Tables of 30,000 issuances by two providers in turn; all are flagged, and some twice."""
    engine = sqlite_engine(tmp_path_factory.mktemp("cost") / "tables.db")
    METADATA.create_all(engine)
    submitted, issued, awards, marks = [], [], [], []
    for number in range(SUBMITTED):
        at, rare = number * (EVENTS + 1), number % 20 == 19
        provider = number % 2
        flags = mask((EVERY, RARE)) if rare else mask((EVERY,))
        submitted.append(
            {"position": at, "recorded_at": at, "issuer": provider, "jti": bytes(16), "key": "k"}
            | {"events": EVENTS, "flags": flags, "reach": None}
            | {"issuances": 0, "grants": 0, "endings": 0}
        )
        submitted[-1]["jti"] = at.to_bytes(16, "big")
        awards.append({"achievement": provider, "first": at + 1, "last": at + EVENTS})
        names = [flag_mark(EVERY), party_mark("by", 5), *([flag_mark(RARE)] if rare else [])]
        row = {"list": int(List.SUBMISSIONS), "thing": at, "position": at}
        marks += [{**row, "mark": name} for name in names]
        issued += [
            {"position": at + place, "credential": (at + place).to_bytes(16, "big"), "version": 1}
            | {"flags": flags if place == EVENTS else mask((EVERY,)), "revision": 1}
            | {"achievement": provider, "accreditation": 9}
            for place in range(1, EVENTS + 1)
        ]
    with engine.begin() as open_tables:
        for table, rows in (
            (DIDS, [{"number": n, "did": f"did:{n}", "registered": 0} for n in range(6)]),
            (ACHIEVEMENTS, [_defined(0), _defined(1)]),
            (GRANTS, [{"position": 9, "id": bytes(16), "makes": 0, "granter": 5, "subject": 0}]),
            (SUBMISSIONS, submitted),
            (CREDENTIALS, issued),
            (AWARDS, awards),
            (MARKS, marks),
        ):
            write(open_tables, insert(table), rows)
    with engine.connect() as found:
        yield found
    engine.dispose()


def _defined(number: int) -> dict[str, Any]:
    return {"position": number, "achievement": UUID(int=number).bytes, "provider": number}


def thousands_of_steps(connection: Connection, ask: Any) -> int:
    """Return how many thousand instructions SQLite takes to answer."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(count, 1000)
    try:
        ask()
    finally:
        driver.set_progress_handler(None, 0)
    return steps


@pytest.mark.parametrize("after", [0, SIZE // 2, SIZE - 2 * (EVENTS + 1)])
@pytest.mark.parametrize(
    "chosen",
    [
        Chosen(),
        Chosen(provider=1),
        Chosen(achievement=AWARDED),
        Chosen(accreditor=5),
        Chosen(flagged=True),
        Chosen(provider=1, flagged=True),
        Chosen(achievement=AWARDED, flagged=True),
        Chosen(provider=1, achievement=AWARDED, accreditor=5),
    ],
)
def test_a_page_costs_what_it_holds(connection: Connection, chosen: Chosen, after: int) -> None:
    """Wherever it begins."""

    def ask() -> None:
        page = listed(connection, chosen, SIZE, within=WHOLE, after=after, limit=50)
        assert len(page.items) == 50

    assert thousands_of_steps(connection, ask) <= 20


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (Chosen(flag=RARE), 3),
        (Chosen(provider=1, flag=RARE), 3),
        (Chosen(achievement=AWARDED, flag=RARE), 3),
        (Chosen(accreditor=5, flag=RARE), 3),
        (Chosen(provider=1, accreditor=4), 0),
        (Chosen(provider=0, achievement=AWARDED), 0),
    ],
)
def test_what_is_rare_is_found_on_pages_that_each_look_at_a_bounded_number(
    connection: Connection, chosen: Chosen, found: int
) -> None:
    seen, pages, most = 0, 0, 0
    after: int | None = 0
    while after is not None:
        before = after

        def ask(before: int = before) -> None:
            nonlocal seen, after
            page = listed(connection, chosen, SIZE, within=WHOLE, after=before, limit=50)
            seen, after = seen + len(page.items), page.next

        most = max(most, thousands_of_steps(connection, ask))
        pages += 1
    assert seen == found
    assert pages <= 4
    assert most <= 1000


@pytest.mark.parametrize("choice", [{}, {"issuer": 1}, {"flag": RARE}, {"issuer": 1, "flag": RARE}])
def test_a_page_of_submissions_costs_what_it_holds(
    connection: Connection, choice: dict[str, Any]
) -> None:
    def ask() -> None:
        assert submissions(connection, SIZE, **choice, limit=3).items

    assert thousands_of_steps(connection, ask) <= 10
