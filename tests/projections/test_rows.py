"""How flags, ids and changes are kept in rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, inspect, select

from projections import achievements, credentials, organizations
from projections.database import sqlite_engine
from projections.flags import mask, names
from projections.follower import Follower
from projections.position import reached
from projections.tables import LAYOUT, METADATA, Known, Rows, uuid_bytes, uuid_text
from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import CredentialStatus
from testamur.catalogue.members import Definition
from testamur.catalogue.table import TABLE, Kind, event_types
from testamur.rules import Flag
from testamur.tlog.merkle import leaf_hashes
from testamur.verification.replay import Replayer
from tests.harness.chronicle import Chronicle
from tests.harness.random_submissions import RandomSubmissions


def test_a_bit_keeps_its_meaning_within_a_layout_of_the_tables() -> None:
    """Moving a flag needs a new `LAYOUT`; a new flag goes to the end."""
    assert (LAYOUT, list(Flag)) == (
        5,
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
        ],
    )


def test_a_number_keeps_its_event_and_its_status_within_a_layout_of_the_tables() -> None:
    assert set(credentials.KINDS) == event_types(Kind.CREDENTIAL)
    assert (LAYOUT, [TABLE[kind].name for kind in credentials.KINDS]) == (
        5,
        [
            "credential.issued/1",
            "credential.suspended/1",
            "credential.reinstated/1",
            "credential.revoked/1",
            "credential.superseded/1",
        ],
    )
    assert credentials.STATUSES == ("active", "suspended", "revoked", "superseded")


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
            return found and (found.revision, found.status.value, found.flags)

        assert flags(16) == flags(16, 2) == (2, "retired", ())
        assert flags(16, 1) == (1, "retired", ("elements-missing",))
        assert flags(12) == flags(12, 1) == (1, "defined", ("elements-missing",))
        assert [flags(12, 2), flags(16, 3), flags(16, 0), flags(10, 1)] == [None] * 4


def test_two_changes_of_one_organization_in_one_submission_make_one_state(
    told: Chronicle,
) -> None:
    story = told.story
    assert told.offer(
        story.provider,
        e.OrganizationUpdated(country="BE", name="First", organization=story.provider.did),
        e.OrganizationUpdated(country="FR", name="Second", organization=story.provider.did),
    )
    with told.answers() as connection:
        found = organizations.organization_at(connection, story.provider.did, 13)
        assert found is not None
        assert (found.organization.name, found.position) == ("Second", 12)
        events = organizations.history(connection, story.provider.did, 13).items
        assert [event.position for event in events] == [6, 11, 12]
        assert [event.flags for event in events] == [(), *[("country-changed",)] * 2]


def test_the_tables_hold_nothing_that_is_not_on_the_log(told: Chronicle) -> None:
    """No clock, no random number, no path: two folds of one log are the same rows."""
    RandomSubmissions(told, 11).go(40)
    with told.answers() as one:
        first = {table.name: one.execute(select(table)).all() for table in METADATA.sorted_tables}
        assert set(inspect(one).get_table_names()) == {
            table.name for table in METADATA.sorted_tables
        }
        assert reached(one).root == told.log.reader().checkpoint().root
    engine: Engine = sqlite_engine(told.log.root.parent / "again.db")
    Follower(engine, told.log.reader()).catch_up()
    with engine.connect() as two:
        again = {table.name: two.execute(select(table)).all() for table in METADATA.sorted_tables}
    engine.dispose()
    assert first == again


def test_a_row_holds_the_status_that_the_rules_reached(told: Chronicle) -> None:
    """Whatever such an event leads to elsewhere: another one may leave the status as it was."""
    (credential,) = told.issued()
    revoked = e.CredentialRevoked(credential=credential, reason="duplicate")
    assert told.offer(told.story.provider, revoked)
    entries = told.log.entries
    *_, last = Replayer(told.log.log_key).feed(entries, leaf_hashes(entries))
    (admitted,) = last.admitted
    left = msgspec.structs.replace(admitted, status=CredentialStatus.SUSPENDED)
    rows: Rows = defaultdict(list)
    credentials.fold(replace(last, admitted=[left]), Known(), rows)

    (written,) = (row for found in rows.values() for row in found)
    assert credentials.STATUSES[written["status"]] is CredentialStatus.SUSPENDED
