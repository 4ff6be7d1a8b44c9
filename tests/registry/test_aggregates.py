"""The aggregates as `eventsourcing` rebuilds them, over every store, and its notification log."""

from __future__ import annotations

from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from eventsourcing.application import AggregateNotFoundError
from eventsourcing.persistence import Notification

from registry.aggregates import Aggregates, EventMapper, Happened, UnknownTopic
from registry.gate import StorageDamaged
from testamur.catalogue import events as e
from testamur.catalogue.lines import encode_event
from testamur.catalogue.submission import format_time, parse_submission_entry
from testamur.errors import Refuted
from testamur.rules.register import Achievement, Organization
from tests.harness.gates import OPENING, Desk
from tests.harness.stores import Kept
from tests.harness.story import Party, Story, party


@pytest.fixture
def aggregates(desk: Desk) -> Aggregates:
    return Aggregates(desk.store)


def full_life(desk: Desk) -> None:
    """Let every kind of aggregate go through every event it knows."""
    story = desk.story
    authority, accreditor, provider = story.authority, story.accreditor, story.provider
    second, spare = provider.with_key("second", "P-256"), authority.with_key("spare")
    helper = party("helper")
    more, other, third = story.new_id(), story.new_id(), story.new_id()
    steps: list[tuple[Party, list[e.Event]]] = [
        (authority.founding, [story.key_listed(spare), story.key_retired(authority)]),
        (provider, [story.issued(), story.updated("Renamed", "BE")]),
        (provider.recovery, [story.key_listed(second), story.key_retired(provider)]),
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
                story.recognition_restated(),
                e.RecognitionWithdrawn(reason="unspecified", recognition=third),
            ],
        ),
        (accreditor, [story.accredited(more), story.accredited(other)]),
        (accreditor, [e.AccreditationSuspended(accreditation=more, reason="unspecified")]),
        (accreditor, [e.AccreditationReinstated(accreditation=more)]),
        (accreditor, [e.AccreditationWithdrawn(accreditation=more, reason="unspecified")]),
        (accreditor, [story.registered(accreditor, helper, "endorser")]),
        (accreditor, [story.succeeded(provider, helper)]),
        (helper, [story.closed()]),
        (provider.founding, [story.key_compromised(second, 15)]),
        (accreditor, [story.closed()]),
    ]
    for signer, events in steps:
        desk.record(story.submission(signer, *events))


def test_the_repositorys_fold_equals_the_register(desk: Desk, aggregates: Aggregates) -> None:
    full_life(desk)
    register = desk.register()
    for states in (
        register.organizations,
        register.recognitions,
        register.accreditations,
        register.achievements,
    ):
        assert len(states) >= 1
        for name, state in states.items():
            assert aggregates.get(name).state == state


def test_an_aggregate_can_be_loaded_as_of_a_version(
    desk: Desk, story: Story, aggregates: Aggregates
) -> None:
    full_life(desk)

    def organization(party: Party, version: int) -> Organization:
        state = aggregates.get(party.did, version=version).state
        assert isinstance(state, Organization)
        return state

    assert organization(story.provider, 1).said == ()
    (updated,) = organization(story.provider, 2).said
    assert updated.event == story.updated("Renamed", "BE")
    achievement = aggregates.get(story.achievement, version=1).state
    assert isinstance(achievement, Achievement)
    assert achievement.highest == 1
    authority = organization(story.authority, 0)
    assert len(authority.keys.keys) == 3
    assert len(organization(story.authority, 2).keys.keys) == 4


def test_an_aggregate_comes_with_its_history(
    desk: Desk, story: Story, aggregates: Aggregates
) -> None:
    full_life(desk)
    history = aggregates.history(story.achievement)
    assert [type(one.event) for one in history] == [
        e.AchievementDefined,
        e.AchievementRevised,
        e.AchievementRetired,
    ]
    assert [one.originator_version for one in history] == [1, 2, 3]
    entries = desk.entries()
    for one in history:
        assert entries[one.position] == encode_event(one.event)  # type: ignore[arg-type]  # no header


@pytest.mark.parametrize("name", ["no uuid", "01a1fd8c-6900-7000-8000-00000000ffff"])
def test_an_unknown_aggregate_is_not_found(aggregates: Aggregates, name: str) -> None:
    with pytest.raises(AggregateNotFoundError):
        aggregates.get(name)


def test_a_credential_is_no_aggregate(desk: Desk, story: Story, aggregates: Aggregates) -> None:
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    with pytest.raises(AggregateNotFoundError):
        aggregates.get(credential)


def test_a_stream_that_holds_an_event_of_another_kind_is_damage(
    desk: Desk, story: Story, aggregates: Aggregates
) -> None:
    desk.kept.sql(
        "UPDATE entries SET originator_version = 2,"
        " originator_id = (SELECT originator_id FROM entries WHERE topic = 'achievement.defined/1')"
        " WHERE topic = 'accreditation.granted/1'"
    )
    with pytest.raises(StorageDamaged, match="is filed in the stream of the achievement"):
        aggregates.get(story.achievement)


def test_the_application_writes_nothing(aggregates: Aggregates, story: Story) -> None:
    happened = Happened(uuid4(), 1, 0, story.defined())
    with pytest.raises(Refuted, match="signed submissions"):
        aggregates.save(happened)
    with pytest.raises(Refuted, match="no signature"):
        aggregates.mapper.to_stored_event(happened)
    with pytest.raises(Refuted, match="without a signature"):
        aggregates.recorder.insert_events([])


def test_the_factory_makes_one_recorder_and_no_other(aggregates: Aggregates) -> None:
    for refused in (aggregates.factory.aggregate_recorder, aggregates.factory.process_recorder):
        with pytest.raises(NotImplementedError):
            refused()
    with pytest.raises(NotImplementedError):
        aggregates.factory.tracking_recorder()


def test_the_notification_log_is_the_log(desk: Desk, aggregates: Aggregates) -> None:
    first = aggregates.notification_log["1,10"]
    assert [one.id for one in first.items] == list(range(1, OPENING + 1))
    assert [one.state for one in first.items] == desk.entries()
    happened: Any = aggregates.mapper.to_domain_event(first.items[1])
    assert (happened.position, type(happened.event)) == (1, e.LogOpened)


def test_every_row_is_mapped_to_the_event_in_it(desk: Desk, aggregates: Aggregates) -> None:
    for row in aggregates.recorder.select_notifications(1, 100):
        happened: Any = aggregates.mapper.to_domain_event(row)
        assert (happened.originator_id, happened.position) == (row.originator_id, row.id - 1)
        if row.topic != "submission":
            assert encode_event(happened.event) == row.state


@pytest.mark.parametrize(
    "topic", ["os:system", "testamur.catalogue.events:KeyListed", "key.listed/2", ""]
)
def test_a_row_of_an_unknown_kind_is_an_error_that_names_it(topic: str) -> None:
    """The library would import whatever a row names."""
    with pytest.raises(UnknownTopic) as unknown:
        EventMapper().to_domain_event(Notification(uuid4(), 1, topic, b"{}", 1))
    assert repr(topic) in str(unknown.value)


def test_a_row_filed_under_another_kind_is_an_error(story: Story) -> None:
    row = Notification(uuid4(), 1, "key.listed/1", encode_event(story.defined()), 1)
    with pytest.raises(StorageDamaged, match=r"holds 'achievement\.defined/1'"):
        EventMapper().to_domain_event(row)
    garbled = Notification(uuid4(), 1, "key.listed/1", b"{", 1)
    with pytest.raises(StorageDamaged, match="json"):
        EventMapper().to_domain_event(garbled)


def test_the_environment_cannot_redirect_or_encrypt_the_sequence(
    kept: Kept, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERSISTENCE_MODULE", "eventsourcing.popo")
    monkeypatch.setenv("SQLITE_DBNAME", str(kept.folder / "elsewhere.db"))
    monkeypatch.setenv("COMPRESSOR_TOPIC", "zlib")
    monkeypatch.setenv("IS_SNAPSHOTTING_ENABLED", "y")
    with Desk(kept, story) as desk:
        desk.open_log()
        aggregates = Aggregates(desk.store)
        assert aggregates.snapshots is None
        first = aggregates.recorder.select_notifications(1, 1)[0]
        assert first.state.startswith(b'{"recordedAt"')
        assert aggregates.get(story.provider.did).version == 1
    assert not (kept.folder / "elsewhere.db").exists()


def test_subscribers_get_what_the_gate_commits(
    desk: Desk, story: Story, aggregates: Aggregates
) -> None:
    with aggregates.recorder.subscribe(gt=OPENING) as subscription:
        desk.record(story.cohort(2))
        heard = [next(subscription) for _ in range(3)]
    assert [one.topic for one in heard] == ["submission"] + ["credential.issued/1"] * 2


def test_the_header_entry_states_when_it_was_recorded(desk: Desk, story: Story) -> None:
    recorded_at, header = parse_submission_entry(desk.entries()[0])
    assert format_time(recorded_at) == "2026-11-21T10:00:00.000Z"
    assert header.payload.iss == story.log_key.public.did_key()


def test_aggregates_are_read_without_a_gate(kept: Kept, desk: Desk, story: Story) -> None:
    with closing(kept.open()) as store:
        aggregates = Aggregates(store)
        assert aggregates.register() == desk.register()
