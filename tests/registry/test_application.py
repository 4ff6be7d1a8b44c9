"""The registry as an application of the library: aggregates, mapper, notification log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from eventsourcing.application import AggregateNotFoundError
from eventsourcing.persistence import Notification

from registry.application import EventMapper, Happened, Registry, UnknownTopic
from registry.gate import Gate, StorageDamaged
from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import KeyStatus
from testamur.catalogue.lines import encode_event
from testamur.catalogue.submission import (
    format_time,
    parse_submission_entry,
)
from testamur.errors import Refuted, Unavailable
from testamur.rules import Register
from tests.harness.gates import Desk
from tests.harness.story import Party, Story, party

OPENING = 10  # entries of a story's opening


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def desk(path: Path, story: Story) -> Iterator[Desk]:
    with Desk(path, story) as desk:
        yield desk.open_log()


# --- The library's application ---


def full_life(desk: Desk) -> None:
    """Let every kind of aggregate go through every event it knows."""
    story = desk.story
    authority, accreditor, provider = story.authority, story.accreditor, story.provider
    second = provider.with_key("second", "P-256")
    spare = authority.with_key("spare")
    by_sponsor = provider.with_key("lost-and-found")
    updated = e.OrganizationUpdated(country="BE", name="Renamed", organization=provider.did)
    helper = party("helper")
    more, other, third = story.new_id(), story.new_id(), story.new_id()
    steps: list[tuple[Party, list[e.Event]]] = [
        (authority, [story.key_added(authority, spare)]),
        (spare, [e.KeyRetired(key=authority.key_id, organization=authority.did)]),
        (provider, [story.key_added(provider, second), story.issued(), updated]),
        (accreditor, [story.key_added(provider, by_sponsor, by=accreditor)]),
        (second, [e.KeyRetired(key=provider.key_id, organization=provider.did)]),
        (
            second,
            [
                story.issued(),
                e.AchievementRevised(
                    achievement=story.achievement, definition=story.definition(), version=2
                ),
                e.AchievementRetired(achievement=story.achievement),
            ],
        ),
        (
            spare,
            [
                story.recognised(third),
                e.RecognitionWithdrawn(reason="unspecified", recognition=third),
            ],
        ),
        (accreditor, [story.accredited(more), story.accredited(other)]),
        (accreditor, [e.AccreditationSuspended(accreditation=more, reason="unspecified")]),
        (accreditor, [e.AccreditationReinstated(accreditation=more)]),
        (accreditor, [e.AccreditationWithdrawn(accreditation=more, reason="unspecified")]),
        (accreditor, [story.registered(accreditor, helper, "endorser")]),
        (helper, [e.OrganizationClosed(organization=helper.did)]),
        (
            accreditor,
            [e.KeyCompromised(key=second.key_id, organization=provider.did, since=15)],
        ),
        (accreditor, [e.OrganizationClosed(organization=provider.did)]),
        (accreditor, [e.OrganizationClosed(organization=accreditor.did)]),
    ]
    for signer, events in steps:
        desk.record(story.submission(signer, *events))


def test_the_repositorys_fold_equals_the_policy_state(desk: Desk) -> None:
    full_life(desk)
    registry, register = desk.gate.registry, desk.gate._committer.register
    kinds: list[tuple[Any, Callable[[str], Any]]] = [
        (register.organizations, registry.organization),
        (register.recognitions, registry.recognition),
        (register.accreditations, registry.accreditation),
        (register.achievements, registry.achievement),
    ]
    for states, load in kinds:
        assert len(states) >= 1
        for name, state in states.items():
            assert load(name) == state


def test_an_aggregate_can_be_loaded_as_of_a_version(desk: Desk, story: Story) -> None:
    full_life(desk)
    registry = desk.gate.registry
    assert registry.organization(story.provider.did, version=1).name == "An Organization"
    assert registry.organization(story.provider.did, version=3).name == "Renamed"
    assert len(registry.achievement(story.achievement, version=1).definitions) == 1
    authority = registry.organization(story.authority.did, version=0)
    assert [key.status for key in authority.keys] == [KeyStatus.ACTIVE]


@pytest.mark.parametrize("name", ["no uuid", "01a1fd8c-6900-7000-8000-00000000ffff"])
def test_an_unknown_aggregate_is_not_found(desk: Desk, story: Story, name: str) -> None:
    registry = desk.gate.registry
    for load in (registry.achievement, registry.accreditation, registry.recognition):
        with pytest.raises(AggregateNotFoundError):
            load(name)
    with pytest.raises(AggregateNotFoundError):
        registry.organization(name)
    with pytest.raises(AggregateNotFoundError):
        registry.accreditation(story.achievement)


def test_the_application_writes_nothing(desk: Desk, story: Story) -> None:
    with pytest.raises(Refuted, match="signed submissions"):
        desk.gate.registry.save(Happened(uuid4(), 1, 0, story.defined()))


def test_the_notification_log_is_the_log(desk: Desk) -> None:
    registry = desk.gate.registry
    first = registry.notification_log["1,10"]
    assert [one.id for one in first.items] == list(range(1, OPENING + 1))
    assert [one.state for one in first.items] == desk.entries()
    happened: Any = registry.mapper.to_domain_event(first.items[1])
    assert (happened.position, type(happened.event)) == (1, e.LogOpened)


def test_rows_are_mapped_to_events_and_back(desk: Desk) -> None:
    mapper = EventMapper()
    for row in desk.gate.registry.recorder.select_notifications(1, 100):
        back = mapper.to_stored_event(mapper.to_domain_event(row))
        assert (back.topic, back.state, back.originator_id) == (
            row.topic,
            row.state,
            row.originator_id,
        )


@pytest.mark.parametrize(
    "topic", ["os:system", "testamur.catalogue.events:KeyAdded", "key.added/2", ""]
)
def test_a_row_of_an_unknown_kind_is_an_error_that_names_it(topic: str) -> None:
    """The library would import whatever a row names."""
    with pytest.raises(UnknownTopic) as unknown:
        EventMapper().to_domain_event(Notification(uuid4(), 1, topic, b"{}", 1))
    assert repr(topic) in str(unknown.value)


def test_a_row_filed_under_another_kind_is_an_error(story: Story) -> None:
    row = Notification(uuid4(), 1, "key.added/1", encode_event(story.defined()), 1)
    with pytest.raises(StorageDamaged, match=r"holds 'achievement\.defined/1'"):
        EventMapper().to_domain_event(row)
    garbled = Notification(uuid4(), 1, "key.added/1", b"{", 1)
    with pytest.raises(StorageDamaged, match="json"):
        EventMapper().to_domain_event(garbled)


def test_the_environment_cannot_redirect_or_encrypt_the_sequence(
    path: Path, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERSISTENCE_MODULE", "eventsourcing.popo")
    monkeypatch.setenv("SQLITE_DBNAME", str(path.parent / "elsewhere.db"))
    monkeypatch.setenv("COMPRESSOR_TOPIC", "zlib")
    monkeypatch.setenv("CREATE_TABLE", "n")
    with Desk(path, story) as desk:
        desk.open_log()
        assert desk.entries()[0].startswith(b'{"recordedAt"')
    assert path.exists()
    assert not (path.parent / "elsewhere.db").exists()


def test_subscribers_hear_of_what_the_gate_commits(desk: Desk, story: Story) -> None:
    woken = Event()
    desk.gate.registry.recorder.listen(woken)
    with desk.gate.registry.recorder.subscribe(gt=OPENING) as subscription:
        body = story.cohort(2)
        desk.record(body)
        assert woken.is_set()
        heard = [next(subscription) for _ in range(3)]
        woken.clear()
        desk.record(body)
        assert not woken.is_set()
    assert [one.topic for one in heard] == ["submission"] + ["credential.issued/1"] * 2


def test_the_header_entry_states_when_it_was_recorded(desk: Desk, story: Story) -> None:
    recorded_at, header = parse_submission_entry(desk.entries()[0])
    assert format_time(recorded_at) == "2026-11-21T10:00:00.000Z"
    assert header.payload.iss == story.log_key.public.did_key()


def test_a_registry_reads_without_a_gate(desk: Desk, story: Story) -> None:
    registry = Registry(desk.path, log_key=story.log_key.public)
    assert registry.register() == desk.gate._committer.register
    assert isinstance(registry.register(), Register)
    registry.close()


def test_a_file_in_no_folder_is_unavailable(tmp_path: Path, story: Story) -> None:
    opened = partial(Gate.open, log_key=story.log_key.public, settled=lambda _: None)
    with pytest.raises(Unavailable, match="cannot be opened"):
        opened(tmp_path / "nowhere" / "log.db")
