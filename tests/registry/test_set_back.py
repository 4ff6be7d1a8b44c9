"""A store that lacks entries which a gate built upon, as after a failover to a lagging standby."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from api.processes.watching import WatchedSequence
from registry.gate import Recorded
from registry.store import SetBack
from testamur.errors import Unavailable
from tests.harness.gates import Desk
from tests.harness.stores import Kept
from tests.harness.story import Story


def set_back(kept: Kept, size: int) -> None:
    """Leave the first `size` entries, which end with a submission."""
    kept.sql("DELETE FROM submissions WHERE position >= ?", size)
    kept.sql("DELETE FROM register WHERE position >= ?", size)
    kept.sql("DELETE FROM entries WHERE notification_id > ?", size)
    kept.sql("UPDATE head SET count = ?", size)


def issued_for(story: Story, achievement: str) -> bytes:
    issued = msgspec.structs.replace(story.issued(), achievement=achievement, achievement_version=1)
    return story.submission(story.provider, issued)


@pytest.mark.parametrize("again", [0, 1, 2])
def test_a_gate_records_nothing_upon_an_entry_that_the_store_has_lost(
    kept: Kept, desk: Desk, story: Story, again: int
) -> None:
    """Whether the store has fewer entries than the gate saw, as many again, or more."""
    size, lost = desk.committed(), story.new_id()
    desk.record(story.submission(story.provider, story.defined(lost)))
    set_back(kept, size)
    with Desk(kept, story) as restarted:
        for _ in range(again):
            restarted.record(story.cohort(1))
        written = restarted.entries()
        outcome = desk.submit(issued_for(story, lost))
        assert isinstance(outcome, Unavailable)
        assert "set back" in str(outcome)
        assert isinstance(desk.gate.failure, SetBack)
        with pytest.raises(Unavailable, match="the gate has stopped"):
            desk.gate.offer(desk.gate.check(story.cohort(1)), None)
        assert restarted.entries() == written
        assert restarted.refuse(issued_for(story, lost)).rule == "unknown-achievement"
        restarted.record(story.cohort(1))
        restarted.examine()


def test_a_gate_tells_nobody_what_follows_from_an_entry_that_the_store_has_lost(
    kept: Kept, desk: Desk, story: Story
) -> None:
    body, size, lost = story.cohort(1), desk.committed(), story.new_id()
    desk.record(story.submission(story.provider, story.defined(lost)))
    set_back(kept, size)
    with Desk(kept, story) as restarted:
        restarted.record(body)
    header = desk.gate.check(body).submission.header.payload
    issued = msgspec.structs.replace(story.issued(), achievement=lost, achievement_version=1)
    with pytest.raises(SetBack, match=f"entry {size + 1} is another than before"):
        desk.gate.receipt(header.iss, header.jti)
    with pytest.raises(SetBack):
        desk.gate.dry_run(story.dry_run(story.provider, issued))


def test_a_gate_that_knew_only_what_the_store_still_has_goes_on(
    kept: Kept, desk: Desk, story: Story
) -> None:
    """What it recorded of the last submission is what the store holds, credentials included."""
    for body in (story.cohort(3), story.submission(story.provider, story.defined(story.new_id()))):
        desk.record(body)
        with desk.store.reading() as reading:
            _, (leaf,) = reading.read(reading.count() - 1, 1)
        assert desk.gate._committer.register.last_leaf == desk.register().last_leaf == leaf
    with Desk(kept, story) as elsewhere:
        elsewhere.record(story.cohort(1))
        desk.record(story.cohort(1))
        elsewhere.record(story.cohort(1))
    desk.examine()


def test_a_gate_that_was_stopped_answers_what_is_queued_and_records_nothing(
    desk: Desk, story: Story
) -> None:
    size = desk.committed()
    with desk.gate._committer._lock:  # a group that is under way waits here
        tickets = [desk.offer(story.cohort(1)) for _ in range(3)]
        desk.gate.stop(SetBack("of the test"))
    outcomes = [ticket.result(timeout=30) for ticket in tickets]
    recorded = [one for one in outcomes if isinstance(one, Recorded)]
    assert all(isinstance(one, Recorded | Unavailable) for one in outcomes)
    assert desk.committed() == size + 2 * len(recorded)
    checked = desk.gate.check(story.cohort(1))
    with pytest.raises(Unavailable, match="the gate has stopped: of the test"):
        desk.gate.offer(checked, None)
    (late,) = desk.gate._outcomes([checked])  # as one that was queued just before
    assert isinstance(late, Unavailable)
    assert desk.committed() == size + 2 * len(recorded)


def test_a_set_back_that_was_seen_stops_the_gate_when_the_store_has_grown_again(
    kept: Kept, desk: Desk
) -> None:
    story, size = desk.story, desk.committed()
    desk.record(story.cohort(1))
    log: Any = SimpleNamespace(latest=SimpleNamespace(size=size + 2))
    counts: list[int] = []
    watched = WatchedSequence(desk.store, log)
    watched.on_counted, watched.on_set_back = counts.append, desk.gate.stop
    watched.look()
    assert (watched.obstacle, counts) == (None, [size + 2])
    set_back(kept, size)
    watched.look()
    assert isinstance(watched.obstacle, SetBack)
    assert isinstance(desk.gate.failure, SetBack)
    with Desk(kept, story) as restarted:
        restarted.record(story.cohort(2))
    watched.look()
    assert isinstance(watched.obstacle, SetBack)
    assert counts == [size + 2]
    with pytest.raises(Unavailable, match="set back"):
        desk.gate.offer(desk.gate.check(story.cohort(1)), None)


def test_an_obstacle_that_is_no_set_back_is_taken_back(desk: Desk) -> None:
    log: Any = SimpleNamespace(latest=SimpleNamespace(size=0))
    watched = WatchedSequence(desk.store, log)
    watched.on_set_back = desk.gate.stop
    with pytest.MonkeyPatch.context() as patched:

        def away() -> None:
            raise Unavailable("away")

        patched.setattr(desk.store, "reading", away)
        watched.look()
        assert str(watched.obstacle) == "away"
    watched.look()
    assert (watched.obstacle, watched.size) == (None, desk.committed())
    assert desk.gate.failure is None
