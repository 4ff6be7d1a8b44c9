"""How flags, ids and changes are kept in rows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, inspect, select

from projections import achievements, organizations
from projections.database import sqlite_engine
from projections.flags import mask, names
from projections.follower import Follower
from projections.position import reached
from projections.tables import LAYOUT, METADATA, uuid_bytes, uuid_text
from testamur.catalogue import events as e
from testamur.catalogue.members import Definition
from testamur.rules import Flag
from tests.harness.chronicle import Chronicle
from tests.harness.random_submissions import RandomSubmissions

pytestmark = pytest.mark.usefixtures("each_database")


def test_a_bit_keeps_its_meaning_within_a_layout_of_the_tables() -> None:
    """Moving a flag needs a new `LAYOUT`; a new flag goes to the end."""
    assert (LAYOUT, list(Flag)) == (
        10,
        [
            "no-accreditation-claimed",
            "accreditation-not-in-force",
            "outside-accredited-scope",
            "accreditor-not-recognised",
            "authority-closed",
            "accreditor-closed",
            "self-accreditation",
            "outside-recognition",
            "achievement-retired",
            "achievement-version-outdated",
            "backdated",
            "postdated",
            "elements-missing",
            "country-changed",
            "self-recognition",
            "identifier-shared",
            "key-shared",
            "reaches-back",
            "review-overdue",
            "did-of-another",
        ],
    )


@given(st.sets(st.sampled_from(list(Flag))))
def test_flags_survive_being_kept_as_bits(flags: set[Flag]) -> None:
    assert flags == set(names(mask(tuple(flags))))


def test_an_unknown_flag_is_not_dropped_silently() -> None:
    with pytest.raises(KeyError):
        mask(("never-heard-of",))


@given(st.uuids())
def test_an_id_survives_being_kept_as_bytes(one: Any) -> None:
    data = uuid_bytes(str(one))
    assert data is not None
    assert str(one) == uuid_text(data)
    assert uuid_bytes(str(one).upper()) in (None, data if str(one).upper() == str(one) else None)


def test_each_definition_has_the_flags_it_was_published_with(told: Chronicle) -> None:
    """A later definition with all elements does not clear the one that lacked them."""
    story = told.story
    achievement, bare = story.new_id(), Definition(name="Bare", achievement_type="Badge")
    defined = e.AchievementDefined(achievement=achievement, definition=bare)
    revised = e.AchievementRevised(
        achievement=achievement, definition=story.definition(), version=2
    )
    for event in (defined, revised, e.AchievementRetired(achievement=achievement)):
        assert told.offer(story.provider, event)
    with told.answers() as connection:

        def flags(size: int, revision: int | None = None) -> object:
            found = achievements.achievement_at(connection, achievement, size, revision=revision)
            return found and (found.revision, found.standing.status, found.flags)

        assert flags(16) == flags(16, 2) == (2, "retired", ())
        assert flags(16, 1) == (1, "retired", ("elements-missing",))
        assert flags(12) == flags(12, 1) == (1, "defined", ("elements-missing",))
        assert [flags(12, 2), flags(16, 3), flags(16, 0), flags(10, 1)] == [None] * 4


def test_two_changes_of_one_organization_in_one_submission_are_two_events(
    told: Chronicle,
) -> None:
    story = told.story
    assert told.offer(
        story.provider,
        e.OrganizationUpdated(country="BE", name="First"),
        e.OrganizationUpdated(country="FR", name="Second"),
    )
    with told.answers() as connection:
        found = organizations.organization_at(connection, story.provider.did, 13)
        assert found is not None
        assert (found.own.name, found.told, found.position) == ("Second", 12, 12)
        events = organizations.organization_history(connection, story.provider.did, 13).items
        assert [event.position for event in events] == [6, 11, 12]
        assert [event.flags for event in events] == [(), *[("country-changed",)] * 2]


def test_the_tables_hold_nothing_that_is_not_on_the_log(told: Chronicle) -> None:
    """No clock, no random number, no path: two folds of one log are the same rows."""
    RandomSubmissions(told, 11).go(40)
    with told.answers() as one:
        first = _rows(one)
        assert set(inspect(one).get_table_names()) == {
            table.name for table in METADATA.sorted_tables
        }
        assert reached(one).root == told.log.reader().checkpoint().root
    engine: Engine = sqlite_engine(told.log.root.parent / "again.db")
    Follower(engine, told.log.reader()).catch_up()
    with engine.connect() as two:
        again = _rows(two)
    engine.dispose()
    assert first == again


def _rows(connection: Connection) -> dict[str, list[Any]]:
    # PostgreSQL gives the rows of a table in any order.
    return {
        table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.c))]
        for table in METADATA.sorted_tables
    }


def test_no_table_holds_a_status(told: Chronicle) -> None:
    """What a declaration changes must be in no row, or one declaration would change a million."""
    before = rows_of(told)
    story = told.story
    assert told.offer(story.provider.recovery, story.key_compromised(story.provider, 8))
    after = rows_of(told)
    for name in METADATA.tables.keys() - {"position"}:
        assert before[name] <= after[name], name


def rows_of(told: Chronicle) -> dict[str, set[Any]]:
    with told.answers() as connection:
        return {
            table.name: set(map(tuple, connection.execute(select(table))))
            for table in METADATA.sorted_tables
        }
