"""The store beneath the gate: disks that fail, files that changed, and what survives of them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import StoredEvent

from registry import policy_state, sequence
from registry.gate import Limits, Overloaded, Recorded, StorageDamaged, StorageFull
from testamur.catalogue import events as e
from testamur.catalogue.lines import encode_event
from testamur.errors import Unavailable
from testamur.rules.register import dump_register
from testamur.tlog.merkle import leaf_hashes
from tests.harness.gates import Desk, other_provider, sql
from tests.harness.story import Story

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


# --- A disk that fails ---


class Disk:
    """Connections to one file that can be told to run full, or to fail at COMMIT."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.room: int | None = None
        self.commit: str | None = None
        self.opened = 0

    def __call__(self) -> sqlite3.Connection:
        """Open a connection."""
        self.opened += 1
        made = sequence.connect(self.path, timeout=0)
        made.close()
        disk = self

        class Faulty(sqlite3.Connection):
            def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
                if statement == "COMMIT" and disk.commit is not None:
                    when, disk.commit = disk.commit, None
                    if when == "after":
                        super().execute("COMMIT")
                    error = sqlite3.OperationalError("disk I/O error")
                    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
                    raise error
                return super().execute(statement, *values)

        connection = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, check_same_thread=False, factory=Faulty
        )
        connection.execute("PRAGMA synchronous = FULL")
        if self.room is not None:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages + self.room}")
        return connection


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(path: Path, story: Story) -> None:
    """SQLite itself runs out of pages half way through the second submission of a group."""
    with Desk(path, story) as desk:
        desk.open_log()
        desk.record(story.cohort(10))
    disk = Disk(path)
    disk.room = 40
    with Desk(path, story, connect=disk) as desk:
        size = desk.gate.committed()
        achievement = story.new_id()
        group = [
            story.submission(story.provider, story.defined(achievement)),
            story.cohort(2_000),
        ]
        outcomes = desk.together(*group)
        assert [type(outcome) for outcome in outcomes] == [StorageFull, StorageFull]
        assert desk.gate.committed() == size
        desk.gate.verify_storage(thorough=True)
        assert achievement not in desk.gate._committer.register.achievements
        # The small one fits by itself; the same two pass once there is room.
        assert isinstance(desk.submit(group[0]), Recorded)
        assert isinstance(desk.submit(group[1]), StorageFull)
        disk.room = None
        desk.gate._committer._abandon_connection()
        repeated, recorded = desk.together(*group)
        assert isinstance(repeated, Recorded)
        assert repeated.repeated
        assert isinstance(recorded, Recorded)
        assert recorded.position == size + 2
        desk.gate.verify_storage(thorough=True)


def test_a_commit_that_failed_is_not_acknowledged(path: Path, story: Story) -> None:
    disk = Disk(path)
    with Desk(path, story, connect=disk) as desk:
        desk.open_log()
        disk.commit = "instead"
        body = story.submission(story.provider, story.defined(story.new_id()))
        outcome = desk.submit(body)
        assert type(outcome) is Unavailable
        assert "not known" in str(outcome)
        assert desk.gate.committed() == OPENING
        recorded = desk.record(body)
        assert (recorded.position, recorded.repeated) == (OPENING, False)
        assert disk.opened > 1


def test_a_commit_that_succeeded_after_all_is_acknowledged(path: Path, story: Story) -> None:
    """The error came after the transaction was in the file: the head tells."""
    disk = Disk(path)
    with Desk(path, story, connect=disk) as desk:
        desk.open_log()
        disk.commit = "after"
        body = story.submission(story.provider, story.defined(story.new_id()), story.issued())
        recorded = desk.record(body)
        assert (recorded.position, recorded.repeated) == (OPENING, False)
        assert desk.record(body) == replace(recorded, repeated=True)
        assert desk.record(story.cohort(1)).position == OPENING + 3
        desk.gate.verify_storage(thorough=True)


def test_a_store_that_is_locked_is_overload(path: Path, story: Story) -> None:
    with Desk(path, story, limits=Limits(lock_patience=0.05)) as desk:
        desk.open_log()
        holder = sequence.connect(path)
        sequence.begin(holder)
        outcome = desk.submit(story.cohort(1))
        assert type(outcome) is Overloaded
        holder.execute("ROLLBACK")
        holder.close()
        desk.record(story.cohort(1))


# --- A file that is no longer what it was ---


@pytest.fixture
def grown(path: Path, story: Story) -> Path:
    """Return a file with a snapshot in the middle and something of everything after it."""
    with Desk(path, story, limits=Limits(snapshot_every=8)) as desk:
        desk.open_log()
        desk.record(story.cohort(5))
    with Desk(path, story, limits=Limits(snapshot_every=1_000)) as desk:
        desk.record(story.submission(story.provider, story.issued(accredited=False)))
        desk.record(story.submission(story.provider, story.defined(story.new_id())))
        desk.gate._committer._snapshot_at = 1_000  # so that closing writes none
    return path


def flip(path: Path, table: str, column: str, where: str) -> None:
    ((value,),) = sql(path, f"SELECT {column} FROM {table} WHERE {where}")  # noqa: S608
    middle = len(value) // 2
    changed = value[:middle] + bytes([value[middle] ^ 4]) + value[middle + 1 :]
    sql(path, f"UPDATE {table} SET {column} = ? WHERE {where}", changed)  # noqa: S608


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "an entry": (
        lambda path: flip(path, "entries", "state", "notification_id = 14"),
        "entry 13 does not hash to its leaf",
    ),
    "a leaf hash": (
        lambda path: flip(path, "entries", "leaf", "notification_id = 3"),
        "entry 2 does not hash to its leaf",
    ),
    "an entry that is gone": (
        lambda path: sql(path, "DELETE FROM entries WHERE notification_id = 12"),
        "the head counts 20 entries, but there are 19",
    ),
    "the last entry gone": (
        lambda path: sql(path, "DELETE FROM entries WHERE notification_id = 20"),
        "the head counts 20 entries, but there are 19, with ids 1 to 19",
    ),
    "a head too low": (
        lambda path: sql(path, "UPDATE head SET count = 19"),
        "the head counts 19 entries, but there are 20",
    ),
    "a head too high": (
        lambda path: sql(path, "UPDATE head SET count = 21"),
        "the head counts 21 entries, but there are 20",
    ),
    "no head": (lambda path: sql(path, "DELETE FROM head"), "the head row is missing"),
    "a submission gone": (
        lambda path: sql(path, "DELETE FROM submissions WHERE position = 16"),
        "the submission at 18 was to begin at 16",
    ),
    "the last submission gone": (
        lambda path: sql(path, "DELETE FROM submissions WHERE position = 18"),
        "submissions reach to 18, but the head counts 20",
    ),
    "the policy snapshot": (
        lambda path: flip(path, "policy", "register", "id = 0"),
        "the policy snapshot at 16 entries does not match its digest",
    ),
    "the digest of the policy snapshot": (
        lambda path: flip(path, "policy", "digest", "id = 0"),
        "the policy snapshot at 16 entries does not match its digest",
    ),
    "the size of the policy snapshot": (
        lambda path: sql(path, "UPDATE policy SET size = 13"),
        "the policy snapshot at 13 entries holds 16",
    ),
    "a policy event's topic": (
        lambda path: sql(
            path, "UPDATE entries SET topic = 'achievement.defined/2' WHERE notification_id = 20"
        ),
        "entry 19 is filed as 'achievement.defined/2'",
    ),
    "a missing table": (
        lambda path: sql(path, "DROP TABLE submissions"),
        "no such table: submissions",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_not_opened_and_the_damage_is_named(
    grown: Path, story: Story, damage: str
) -> None:
    inflict, named = DAMAGE[damage]
    inflict(grown)
    with pytest.raises(StorageDamaged) as found:
        Desk(grown, story)
    assert named in str(found.value)


DEEP_DAMAGE: dict[str, tuple[str, str]] = {
    "a submission's issuer": (
        "UPDATE submissions SET issuer = 'did:web:evil.example' WHERE position = 10",
        "the submission at 10 is listed as (5, 'did:web:evil.example'",
    ),
    "a submission's policy events": (
        "UPDATE submissions SET policy_events = 0 WHERE position = 2",
        "the submission at 2 is listed as (2,",
    ),
    "a submission's flags": (
        "UPDATE submissions SET flags = x'00' WHERE position = 16",
        "the submission at 16",
    ),
    "a credential's stream": (
        "UPDATE entries SET originator_id = zeroblob(16) WHERE notification_id = 13",
        "entry 12 is filed as credential.issued/1, version 1 of 00000000000000000000000000000000",
    ),
    "a submission's stream": (
        "UPDATE entries SET originator_id = zeroblob(16) WHERE notification_id = 11",
        "entry 10 is filed as",
    ),
    "a version": (
        "UPDATE entries SET originator_version = 7 WHERE notification_id = 13",
        "entry 12 is filed as credential.issued/1, version 7 of",
    ),
    "a policy event's stream": (
        "UPDATE entries SET originator_id = zeroblob(16) WHERE notification_id = 20",
        "entry 19 is filed as achievement.defined/1, version 1 of 00000000000000000000000000000000",
    ),
    "one event fewer": (
        "UPDATE submissions SET events = events - 1 WHERE position = 10",
        "the submission at 10: entry 10: cut-submission",
    ),
    "one event more": (
        "UPDATE submissions SET events = events + 1 WHERE position = 10",
        "the submission at 10: ",
    ),
    "no events": (
        "UPDATE submissions SET events = 0 WHERE position = 10",
        "the submission at 10 is listed with 0 events, of 20 entries",
    ),
    "less than no events": (
        "UPDATE submissions SET events = -11 WHERE position = 10",
        "the submission at 10 is listed with -11 events, of 20 entries",
    ),
    "more events than entries": (
        "UPDATE submissions SET events = 10 WHERE position = 10",
        "the submission at 10 is listed with 10 events, of 20 entries",
    ),
    "as many events as a flipped bit makes": (
        "UPDATE submissions SET events = events | (1 << 40) WHERE position = 10",
        "the submission at 10 is listed with 1099511627781 events, of 20 entries",
    ),
}


@pytest.mark.parametrize("damage", DEEP_DAMAGE)
def test_a_thorough_examination_finds_what_a_start_does_not(
    grown: Path, story: Story, damage: str
) -> None:
    statement, named = DEEP_DAMAGE[damage]
    with Desk(grown, story) as desk:
        desk.gate.verify_storage(thorough=True)
        sql(grown, statement)
        with pytest.raises(StorageDamaged) as found:
            desk.gate.verify_storage(thorough=True)
    assert named in str(found.value)


def test_any_bit_of_the_flags_that_flipped_is_found_by_a_thorough_examination(
    grown: Path, story: Story
) -> None:
    ((flags,),) = sql(grown, "SELECT flags FROM submissions WHERE position = 16")
    with Desk(grown, story) as desk:
        for at in range(len(flags)):
            for bit in range(8):
                changed = flags[:at] + bytes([flags[at] ^ 1 << bit]) + flags[at + 1 :]
                sql(grown, "UPDATE submissions SET flags = ? WHERE position = 16", changed)
                with pytest.raises(StorageDamaged, match="the submission at 16 is listed as"):
                    desk.gate.verify_storage(thorough=True)
        sql(grown, "UPDATE submissions SET flags = ? WHERE position = 16", flags)
        desk.gate.verify_storage(thorough=True)


def test_credentials_are_replayed_as_they_stood_at_each_submission(
    grown: Path, story: Story
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
        desk.gate.verify_storage(thorough=True)


def test_an_id_that_the_unique_index_forgot_keeps_the_gate_shut(path: Path, story: Story) -> None:
    """It would be given a second time, and signed."""
    with Desk(path, story) as desk:
        desk.open_log()
        event = story.issued()
        desk.record(story.submission(story.provider, event))
    raw = path.read_bytes()
    key = UUID(event.credential).bytes
    places = [at for at in range(len(raw)) if raw.startswith(key, at)]
    assert len(places) == 2  # the table, and its index
    for at in places:
        for bit in range(8):
            changed = bytearray(raw)
            changed[at + 13] ^= 1 << bit
            path.write_bytes(changed)
            with pytest.raises(StorageDamaged, match="SQLite finds its pages damaged: "):
                Desk(path, story)
    path.write_bytes(raw)
    Desk(path, story).close()


def test_a_snapshot_that_was_forged_is_found_by_a_thorough_examination(
    grown: Path, story: Story
) -> None:
    """Its digest is right, but no history leads to it."""
    with Desk(grown, story) as desk:
        register = desk.gate.registry.register()
        forged = register.copied()
        forged.organizations.pop(story.authority.did)
        with sequence.connect(grown) as connection:
            sequence.begin(connection)
            connection.execute("DELETE FROM policy")
            policy_state.save(connection, forged)
            connection.execute("COMMIT")
        connection.close()
        desk.gate.verify_storage()
        with pytest.raises(StorageDamaged, match="not what the entries fold to"):
            desk.gate.verify_storage(thorough=True)


def test_a_forged_entry_is_found_by_its_root(grown: Path, story: Story) -> None:
    """Entry and leaf hash agree, but the provider signed another root."""
    with Desk(grown, story) as desk:
        forged = encode_event(story.issued())
        sql(
            grown,
            "UPDATE entries SET state = ?, leaf = ? WHERE notification_id = 13",
            forged,
            leaf_hashes([forged])[0],
        )
        desk.gate.verify_storage()
        with pytest.raises(StorageDamaged, match="the submission at 10: entry 10: root"):
            desk.gate.verify_storage(thorough=True)


def test_damaged_pages_are_named(path: Path, story: Story) -> None:
    with Desk(path, story) as desk:
        desk.open_log()
        for _ in range(3):
            desk.record(story.cohort(500))
    raw = bytearray(path.read_bytes())
    for page in range(20, len(raw) // 4096, 3):
        raw[page * 4096 : page * 4096 + 64] = os.urandom(64)
    path.write_bytes(raw)
    with pytest.raises(StorageDamaged, match="SQLite cannot read the file"):
        Desk(path, story)


def test_a_flipped_bit_in_the_schema_is_named(path: Path, story: Story) -> None:
    """SQLite quotes the damage in what it says, and that is no UTF-8 then."""
    with Desk(path, story) as desk:
        desk.open_log()
    raw = path.read_bytes()
    start = raw.index(b"CREATE TABLE submissions")
    named = []
    for at in range(start, raw.index(b"STRICT", start)):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 0x80]) + raw[at + 1 :])
        try:
            Desk(path, story).close()  # as where only the name of a type is another
        except StorageDamaged as damage:
            named.append(str(damage))
    assert len(named) > 100
    assert any("codec" in text for text in named)


def test_a_gate_that_meets_damage_stops_and_says_so(desk: Desk, story: Story) -> None:
    sql(desk.path, "UPDATE head SET count = count + 1")
    outcome = desk.submit(story.cohort(1))
    assert type(outcome) is Unavailable
    assert "head counts 11" in str(outcome)
    assert isinstance(desk.gate.failure, StorageDamaged)
    with pytest.raises(Unavailable, match="the gate has stopped"):
        desk.submit(story.cohort(1))


def test_entries_that_no_submission_covers_stop_the_gate(desk: Desk, story: Story) -> None:
    """Somebody wrote past the gate."""
    desk.gate.registry.recorder.insert_events([StoredEvent(uuid4(), 1, "note", b"{}")])
    outcome = desk.submit(story.cohort(1))
    assert "submissions reach to 10, but the head counts 11" in str(outcome)


def test_a_credential_with_an_impossible_history_stops_the_gate(desk: Desk, story: Story) -> None:
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    sql(
        desk.path,
        "UPDATE entries SET topic = 'credential.invented/1' WHERE originator_id = ?",
        UUID(credential).bytes,
    )
    event = e.CredentialRevoked(credential=credential, reason="misconduct")
    outcome = desk.submit(story.submission(story.provider, event))
    assert "version 1 of its stream is 'credential.invented/1'" in str(outcome)


# --- The policy state ---


def test_the_policy_state_comes_back_from_its_snapshot(path: Path, story: Story) -> None:
    with Desk(path, story, limits=Limits(snapshot_every=5)) as desk:
        desk.open_log()
        desk.record(story.cohort(3))
        before = dump_register(desk.gate._committer.register)
    ((size,),) = sql(path, "SELECT size FROM policy")
    assert size == OPENING + 4
    with Desk(path, story) as desk:
        assert dump_register(desk.gate._committer.register) == before


def test_a_copy_of_the_policy_state_shares_nothing_that_can_change(
    path: Path, story: Story
) -> None:
    """Others read the register without a lock while a copy of it is changed."""
    with Desk(path, story).open_log() as desk:
        register = desk.gate.registry.register()
        copy = register.copied()
        assert copy == register
        for field in fields(register):
            value = getattr(register, field.name)
            assert not isinstance(value, MutableMapping) or getattr(copy, field.name) is not value


def test_the_policy_state_needs_no_snapshot(path: Path, story: Story) -> None:
    with Desk(path, story) as desk:
        desk.open_log()
        before = dump_register(desk.gate._committer.register)
    sql(path, "DELETE FROM policy")
    with Desk(path, story) as desk:
        assert dump_register(desk.gate._committer.register) == before


def test_an_older_snapshot_never_replaces_a_later_one(desk: Desk) -> None:
    register = desk.gate._committer.register
    connection = sequence.connect(desk.path)
    for size in (OPENING, 5):
        sequence.begin(connection)
        policy_state.save(connection, replace(register, size=size))
        connection.execute("COMMIT")
    connection.close()
    assert sql(desk.path, "SELECT size FROM policy") == [(OPENING,)]


def test_two_gates_on_one_file_know_of_each_other(path: Path, desk: Desk) -> None:
    story = desk.story
    with Desk(path, story) as elsewhere:
        newcomer = other_provider(elsewhere)
        achievement = story.new_id()
        desk.record(story.submission(newcomer, story.defined(achievement)))
        issued = story.issued(achievement=achievement, accredited=False)
        elsewhere.record(story.submission(newcomer, issued))
        body = story.submission(
            newcomer, e.CredentialRevoked(credential=issued.credential, reason="misconduct")
        )
        recorded = desk.record(body)
        assert elsewhere.record(body) == replace(recorded, repeated=True)
        assert desk.gate.committed() == elsewhere.gate.committed() == OPENING + 8
        before, after = desk.gate._committer.register, elsewhere.gate._committer.register
        assert dump_register(before) == dump_register(after)
    desk.gate.verify_storage(thorough=True)


def test_what_others_append_while_a_gate_opens_is_no_damage(path: Path, desk: Desk) -> None:
    """Head, submissions and entries are read by several statements, as of one moment."""
    story = desk.story

    class Interrupted(sqlite3.Connection):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            if statement == "SELECT count FROM head":
                found = super().execute(statement, *values)
                desk.record(story.cohort(1))
                return found
            return super().execute(statement, *values)

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=Interrupted
        )

    with Desk(path, story, connect=connect) as late:
        assert late.gate._committer.register.size < desk.gate.committed()
    desk.record(story.cohort(1))


def test_a_register_in_use_is_never_changed(desk: Desk, story: Story) -> None:
    """Other threads read it without a lock."""
    held = desk.gate._committer.register
    before = dump_register(held)
    desk.record(story.submission(story.provider, story.defined(story.new_id()), story.issued()))
    other_provider(desk)
    assert dump_register(held) == before
