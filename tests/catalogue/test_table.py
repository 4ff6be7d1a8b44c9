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
    # A registration names no other, and a succession may be stated by another than its subject.
    named = members_that_name_things(row.event)

    assert named - {row.subject} <= set(row.refers) <= named


@pytest.mark.parametrize("name", EVENTS)
def test_the_wire_name_of_an_event_begins_with_its_kind(name: str) -> None:
    assert name.startswith(f"{table.BY_NAME[name].kind}.")


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_about_the_thing_that_its_subject_names(name: str) -> None:
    event = EVENTS[name]
    row = table.row_of(event)

    assert table.kind_of(event) is row.kind
    expected = "did:key:signer" if row.subject is None else getattr(event, row.subject)
    assert table.subject_of(event, "did:key:signer") == expected


def test_the_events_about_their_signer_name_no_organization() -> None:
    assert {row.name for row in TABLE.values() if row.subject is None} == {
        "key.compromised/1",
        "key.listed/1",
        "key.retired/1",
        "organization.closed/1",
        "organization.objected/1",
        "organization.updated/1",
    }
    for row in TABLE.values():
        assert row.subject is not None or not members_that_name_things(row.event)


def test_a_succession_is_about_the_organization_that_is_succeeded_not_about_its_author() -> None:
    event = EVENTS["organization.succeeded/1"]
    assert isinstance(event, e.OrganizationSucceeded)

    assert table.subject_of(event, event.successor) == event.organization
    assert set(table.row_of(event).refers) == {"organization", "successor"}


def test_what_is_restated_replaces_what_was_stated() -> None:
    restated = {"accreditation.restated/1", "recognition.restated/1", "organization.updated/1"}

    assert {table.BY_NAME[name].effect for name in restated} == {Effect.REPLACES}


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


def test_an_event_without_a_row_or_a_status_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Amended(e._Event, frozen=True, gc=False, kw_only=True, tag="accreditation.amended/1"):
        accreditation: Id

    monkeypatch.setitem(e.EVENTS, "accreditation.amended/1", Amended)

    assert table.gaps() == [
        "accreditation.amended/1 has no row in testamur/catalogue/table.py",
        "accreditation.amended/1 has no status in testamur/catalogue/lifecycle.py",
    ]


def test_an_event_about_an_organization_needs_no_status(monkeypatch: pytest.MonkeyPatch) -> None:
    class Merged(e._Event, frozen=True, gc=False, kw_only=True, tag="organization.merged/1"):
        successor: Did

    monkeypatch.setitem(e.EVENTS, "organization.merged/1", Merged)

    assert table.gaps() == ["organization.merged/1 has no row in testamur/catalogue/table.py"]
