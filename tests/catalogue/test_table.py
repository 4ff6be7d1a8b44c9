"""The table of events: a row for each, and what it says agrees with the structs themselves."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec import inspect

from testamur.catalogue import events as e
from testamur.catalogue import table
from testamur.catalogue.members import Did, Id
from testamur.catalogue.table import TABLE, Effect, Kind
from tests.catalogue.lines import smallest

EVENTS = {name: smallest(event) for name, event in e.EVENTS.items()}
IDS_AND_DIDS = [inspect.type_info(Id), inspect.type_info(Did)]


def members_that_name_things(event: type[e.Event]) -> set[str]:
    """Return the members of an event that are an id or a DID."""
    found = set()
    for member in inspect.type_info(event).fields:  # type: ignore[attr-defined]
        kinds = getattr(member.type, "types", [member.type])
        if any(kind in IDS_AND_DIDS for kind in kinds):
            found.add(member.name)
    return found


def test_every_event_has_one_row_under_its_type_and_its_wire_name() -> None:
    assert set(get_args(e.Event)) == set(TABLE)
    assert {name: TABLE[event] for name, event in e.EVENTS.items()} == table.BY_NAME


@pytest.mark.parametrize("name", EVENTS)
def test_a_row_names_every_member_that_names_a_thing(name: str) -> None:
    row = table.BY_NAME[name]
    named = members_that_name_things(row.event)

    assert named - {row.subject} == set(row.refers)


@pytest.mark.parametrize("name", EVENTS)
def test_the_wire_name_of_an_event_begins_with_its_kind(name: str) -> None:
    assert name.startswith(f"{table.BY_NAME[name].kind}.")


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_about_the_thing_that_its_subject_names(name: str) -> None:
    event = EVENTS[name]
    row = table.row_of(event)

    assert table.kind_of(event) is row.kind
    assert table.subject_of(event) == getattr(event, row.subject)


def test_each_small_thing_is_brought_about_by_one_event_with_a_new_id() -> None:
    created = [row.kind for row in TABLE.values() if row.creates]

    assert sorted(created) == ["accreditation", "achievement", "credential", "recognition"]
    assert {TABLE[event].subject for event in table.CREATED} == set(created)


def test_what_creates_a_thing_gives() -> None:
    assert {TABLE[event].effect for event in table.CREATED} == {Effect.GIVES}


def test_the_events_of_all_kinds_together_are_all_events() -> None:
    assert table.event_types(*Kind) == set(TABLE)
    assert sorted(table.wire_names(*Kind)) == sorted(e.EVENTS)


def test_the_events_of_a_key_are_in_the_stream_of_its_organization() -> None:
    assert {kind.stream for kind in Kind} == set(Kind) - {Kind.KEY}
    assert Kind.KEY.stream is Kind.ORGANIZATION


def test_an_event_without_a_row_or_a_step_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Amended(e._Event, frozen=True, gc=False, kw_only=True, tag="accreditation.amended/1"):
        accreditation: Id

    monkeypatch.setitem(e.EVENTS, "accreditation.amended/1", Amended)

    assert table.gaps() == [
        "accreditation.amended/1 has no row in testamur/catalogue/table.py",
        "accreditation.amended/1 has no step in testamur/catalogue/lifecycle.py",
    ]
