"""A store that is no longer what was written: the damage is named, and the gate stays shut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import cast
from uuid import UUID, uuid4

import pytest

from registry import integrity
from registry.gate import StorageDamaged
from registry.store import Reading, Store
from testamur.catalogue import events as e
from testamur.catalogue.lines import encode_event
from testamur.errors import Unavailable
from testamur.tlog.merkle import leaf_hashes
from tests.harness.gates import OPENING, Desk
from tests.harness.stores import Kept
from tests.harness.story import Story


@pytest.fixture
def grown(kept: Kept, story: Story) -> Kept:
    """Return a store with a cohort, an issuance that was flagged and a definition at its end."""
    with Desk(kept, story) as desk:
        desk.open_log()
        desk.record(story.cohort(5))
        desk.record(story.submission(story.provider, story.issued(accredited=False)))
        desk.record(story.submission(story.provider, story.defined(story.new_id())))
    return kept


def flip(kept: Kept, table: str, column: str, where: str) -> None:
    ((value,),) = kept.sql(f"SELECT {column} FROM {table} WHERE {where}")  # noqa: S608
    middle = len(value) // 2
    changed = value[:middle] + bytes([value[middle] ^ 4]) + value[middle + 1 :]
    kept.sql(f"UPDATE {table} SET {column} = ? WHERE {where}", changed)  # noqa: S608


DAMAGE: dict[str, tuple[Callable[[Kept], object], str]] = {
    "an entry": (
        lambda kept: flip(kept, "entries", "state", "notification_id = 14"),
        "entry 13 does not hash to its leaf",
    ),
    "a leaf hash": (
        lambda kept: flip(kept, "entries", "leaf", "notification_id = 3"),
        "entry 2 does not hash to its leaf",
    ),
    "an entry that is gone": (
        lambda kept: kept.sql("DELETE FROM entries WHERE notification_id = 12"),
        "the head counts 20 entries, but there are 19",
    ),
    "the last entry gone": (
        lambda kept: kept.sql("DELETE FROM entries WHERE notification_id = 20"),
        "the head counts 20 entries, but there are 19, with ids 1 to 19",
    ),
    "a head too low": (
        lambda kept: kept.sql("UPDATE head SET count = 19"),
        "the head counts 19 entries, but there are 20",
    ),
    "a head too high": (
        lambda kept: kept.sql("UPDATE head SET count = 21"),
        "the head counts 21 entries, but there are 20",
    ),
    "no head": (lambda kept: kept.sql("DELETE FROM head"), "the head row is missing"),
    "a submission gone": (
        lambda kept: kept.sql("DELETE FROM submissions WHERE position = 16"),
        "the submission at 18 was to begin at 16",
    ),
    "the last submission gone": (
        lambda kept: kept.sql("DELETE FROM submissions WHERE position = 18"),
        "submissions reach to 18, but the head counts 20",
    ),
    "an entry of the register that is not listed": (
        lambda kept: kept.sql("DELETE FROM register WHERE position = 9"),
        "6 entries of the register are listed, and submissions have 7",
    ),
    "an entry of the register that is listed in the place of another": (
        lambda kept: kept.sql("UPDATE register SET position = 12 WHERE position = 9"),
        "entry 12, filed as 'credential.issued/1', is none of the register's",
    ),
    "a submission's register events": (
        lambda kept: kept.sql("UPDATE submissions SET register_events = 0 WHERE position = 2"),
        "7 entries of the register are listed, and submissions have 5",
    ),
    "the events of a submission": (
        lambda kept: kept.sql("UPDATE submissions SET events = 4 WHERE position = 10"),
        "the submission at 16 was to begin at 15",
    ),
    "a register event's topic": (
        lambda kept: kept.sql(
            "UPDATE entries SET topic = 'achievement.defined/2' WHERE notification_id = 20"
        ),
        "entry 19 is filed as 'achievement.defined/2'",
    ),
    "a missing table": (
        lambda kept: kept.sql("DROP TABLE submissions"),
        "submissions",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_not_opened_and_the_damage_is_named(
    grown: Kept, story: Story, damage: str
) -> None:
    inflict, named = DAMAGE[damage]
    inflict(grown)
    with pytest.raises(StorageDamaged) as found:
        Desk(grown, story)
    assert named in str(found.value)


NOWHERE = UUID(int=0)

# A statement, the damage that is named, and the values of the statement.
DEEP_DAMAGE: dict[str, tuple[str, str, *tuple[object, ...]]] = {
    "a submission's issuer": (
        "UPDATE submissions SET issuer = 'did:key:z6MkEvil' WHERE position = 10",
        "the submission at 10 is listed as (5, 'did:key:z6MkEvil'",
    ),
    "a submission's key": (
        "UPDATE submissions SET key = 'z6MkEvil' WHERE position = 10",
        "the submission at 10 is listed as (5,",
    ),
    "when a submission was recorded": (
        "UPDATE submissions SET recorded_at = recorded_at + 1 WHERE position = 10",
        "the submission at 10 is listed as (5,",
    ),
    "the submission of an entry of the register": (
        "UPDATE register SET header = 16 WHERE position = 19",
        "the register that a start folds is not what the rules admit",
    ),
    "the running totals of a key": (
        "UPDATE submissions SET issuances = 4 WHERE position = 10",
        "with totals (4, 0, 0)",
    ),
    "a submission's flags": (
        "UPDATE submissions SET flags = ? WHERE position = 16",
        "the submission at 16",
        b"\0",
    ),
    "a credential's stream": (
        "UPDATE entries SET originator_id = ? WHERE notification_id = 13",
        "entry 12 is filed as credential.issued/1, version 1 of 00000000000000000000000000000000",
        NOWHERE,
    ),
    "a submission's stream": (
        "UPDATE entries SET originator_id = ? WHERE notification_id = 11",
        "entry 10 is filed as",
        NOWHERE,
    ),
    "a version": (
        "UPDATE entries SET originator_version = 7 WHERE notification_id = 13",
        "entry 12 is filed as credential.issued/1, version 7 of",
    ),
    "a register event's stream": (
        "UPDATE entries SET originator_id = ? WHERE notification_id = 20",
        "entry 19 is filed as achievement.defined/1, version 1 of 00000000000000000000000000000000",
        NOWHERE,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DEEP_DAMAGE)
def test_a_thorough_examination_finds_what_a_start_does_not(
    grown: Kept, story: Story, damage: str
) -> None:
    statement, named, *values = DEEP_DAMAGE[damage]
    with Desk(grown, story) as desk:
        desk.examine()
        grown.sql(statement, *values)
        with pytest.raises(StorageDamaged) as found:
            desk.examine()
    assert named in str(found.value)


@pytest.mark.slow
def test_a_bit_of_the_flags_that_flipped_is_found_by_a_thorough_examination(
    grown: Kept, story: Story
) -> None:
    ((flags,),) = grown.sql("SELECT flags FROM submissions WHERE position = 16")
    with Desk(grown, story) as desk:
        for at in range(len(flags)):
            changed = flags[:at] + bytes([flags[at] ^ 1 << at % 8]) + flags[at + 1 :]
            grown.sql("UPDATE submissions SET flags = ? WHERE position = 16", changed)
            with pytest.raises(StorageDamaged, match="the submission at 16 is listed as"):
                desk.examine()
        grown.sql("UPDATE submissions SET flags = ? WHERE position = 16", flags)
        desk.examine()


def test_credentials_are_replayed_as_they_stood_at_each_submission(
    grown: Kept, story: Story
) -> None:
    """What became of one later does not make an earlier event impossible."""
    with Desk(grown, story) as desk:
        issued = story.issued()
        credential = issued.credential
        suspended = e.CredentialSuspended(credential=credential, reason="administrative")
        reinstated = e.CredentialReinstated(credential=credential)
        revoked = e.CredentialRevoked(credential=credential, reason="misconduct")
        desk.record(story.submission(story.provider, issued, suspended))
        desk.record(story.submission(story.provider, reinstated))
        desk.record(story.submission(story.provider, revoked))
        desk.examine()


def test_a_forged_entry_is_found_by_its_root(grown: Kept, story: Story) -> None:
    """Entry and leaf hash agree, but the provider signed another root."""
    with Desk(grown, story) as desk:
        forged = encode_event(story.issued())
        grown.sql(
            "UPDATE entries SET state = ?, leaf = ? WHERE notification_id = 13",
            forged,
            leaf_hashes([forged])[0],
        )
        desk.examine(thorough=False)
        with pytest.raises(StorageDamaged, match="the submission at 10: entry 10: root"):
            desk.examine()


def test_a_gate_that_meets_damage_stops_and_says_so(desk: Desk, story: Story) -> None:
    desk.kept.sql("UPDATE head SET count = count + 1")
    outcome = desk.submit(story.cohort(1))
    assert type(outcome) is Unavailable
    assert "head counts 11" in str(outcome)
    assert isinstance(desk.gate.failure, StorageDamaged)
    with pytest.raises(Unavailable, match="the gate has stopped"):
        desk.submit(story.cohort(1))


def test_entries_that_no_submission_covers_stop_the_gate(desk: Desk, story: Story) -> None:
    """They were written past the gate."""
    with desk.store.writing() as transaction:
        row = (OPENING + 1, uuid4().bytes, 1, "note", b"{}", leaf_hashes([b"{}"])[0])
        transaction.append([row], [])
        transaction.commit()
    outcome = desk.submit(story.cohort(1))
    assert "submissions reach to 10, but the head counts 11" in str(outcome)


def test_a_credential_with_an_impossible_history_stops_the_gate(desk: Desk, story: Story) -> None:
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    desk.kept.sql(
        "UPDATE entries SET topic = 'credential.invented/1' WHERE originator_id = ?",
        UUID(credential),
    )
    event = e.CredentialRevoked(credential=credential, reason="misconduct")
    outcome = desk.submit(story.submission(story.provider, event))
    assert "version 1 of its stream is 'credential.invented/1'" in str(outcome)


class OtherwiseRead:
    """A reading whose publisher's face returns another entry than its notification log."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def __getattr__(self, name: str) -> object:
        return getattr(self._reading, name)

    def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
        entries, leaves = self._reading.read(start, limit)
        return [entry.replace(b"provider", b"prowider") for entry in entries], leaves


def test_every_reader_is_given_the_same_entries(grown: Kept, story: Story) -> None:
    """In-house consumers read the notification log, the publisher reads beside it."""
    with closing(grown.open()) as store:

        class Two:
            """The store, read in two ways that differ."""

            def __getattr__(self, name: str) -> object:
                return getattr(store, name)

            @contextmanager
            def reading(self) -> Iterator[Reading]:
                with store.reading() as reading:
                    yield cast(Reading, OtherwiseRead(reading))

        with pytest.raises(StorageDamaged, match="entry 6 is not the same to every reader"):
            integrity.examine(cast(Store, Two()), story.log_key.public, thorough=True)
