"""Back-pressure: a full queue, a busy store, a full volume, a closed gate."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import closing

import pytest

from registry.gate import Limits, Outcome, Overloaded, Recorded, StorageFull
from testamur.errors import Unavailable
from tests.harness.gates import OPENING, Desk
from tests.harness.stores import Kept
from tests.harness.story import Story


class Waits:
    """A callback that keeps the committer waiting until it is released."""

    def __init__(self) -> None:
        self.entered: Future[None] = Future()
        self.released: Future[None] = Future()
        self.outcomes: dict[object, object] = {}

    def __call__(self, answers: list[tuple[object, Outcome]]) -> None:
        self.outcomes.update(answers)
        if not self.entered.done():
            self.entered.set_result(None)
        self.released.result(timeout=30)


@pytest.mark.parametrize(
    "limits",
    [Limits(queued=3), Limits(queued_bytes=6_000)],
    ids=["in number", "in bytes"],
)
def test_the_queue_is_bounded(kept: Kept, story: Story, limits: Limits) -> None:
    waits = Waits()
    desk = Desk(kept, story, settled=waits, limits=limits).open_log_apart()
    gate = desk.gate
    offered: list[int] = []
    gate.offer(gate.check(story.cohort(1)), 0)
    waits.entered.result(timeout=30)
    with pytest.raises(Overloaded, match="are waiting") as overloaded:  # noqa: PT012
        for ticket in range(1, 100):
            gate.offer(gate.check(story.cohort(3)), ticket)
            offered.append(ticket)
    assert overloaded.value.retry_after >= 1
    assert not isinstance(overloaded.value, StorageFull)
    assert offered in ([1, 2, 3], [1, 2])
    waits.released.set_result(None)
    desk.close()
    assert sorted(waits.outcomes, key=str) == [0, *offered]
    assert all(isinstance(outcome, Recorded) for outcome in waits.outcomes.values())


def test_a_lone_large_submission_is_taken_whatever_the_bound(kept: Kept, story: Story) -> None:
    with Desk(kept, story, limits=Limits(queued_bytes=1, group_events=10)) as desk:
        desk.open_log()
        assert desk.record(story.cohort(50)).events == 50


def test_a_group_holds_no_more_than_it_should(kept: Kept, story: Story) -> None:
    waits = Waits()
    groups: list[int] = []

    def settled(answers: list[tuple[object, Outcome]]) -> None:
        groups.append(len(answers))
        waits(answers)

    desk = Desk(kept, story, settled=settled, limits=Limits(group_events=10)).open_log_apart()
    gate = desk.gate
    for ticket, size in enumerate((1, 4, 5, 2, 30, 3, 3)):
        gate.offer(gate.check(story.cohort(size)), ticket)
        if ticket == 0:
            waits.entered.result(timeout=30)
    waits.released.set_result(None)
    desk.close()
    assert groups == [1, 2, 1, 1, 2]


def test_nothing_is_taken_when_the_volume_is_nearly_full(kept: Kept, story: Story) -> None:
    with Desk(kept, story) as desk:
        desk.open_log()
    with Desk(kept, story, limits=Limits(free_space=2**62)) as desk:
        if desk.store.free_space() is None:  # a driver that cannot tell refuses nothing
            assert desk.record(story.cohort(1)).position == OPENING
            return
        with pytest.raises(StorageFull, match="are kept as a reserve") as full:
            desk.submit(story.cohort(1))
        assert full.value.retry_after > 1
        assert desk.committed() == OPENING


def test_closing_commits_what_waits(kept: Kept, story: Story) -> None:
    with Desk(kept, story) as desk:
        desk.open_log()
        waiting = [desk.offer(story.cohort(5)) for _ in range(30)]
    assert all(isinstance(ticket.result(timeout=0), Recorded) for ticket in waiting)
    with Desk(kept, story) as desk:
        assert desk.committed() == OPENING + 30 * 6


def test_a_closed_gate_takes_nothing(kept: Kept, story: Story) -> None:
    desk = Desk(kept, story).open_log()
    checked = desk.gate.check(story.cohort(1))
    desk.close()
    with pytest.raises(Unavailable, match="closed"):
        desk.gate.offer(checked, object())
    with pytest.raises(Unavailable, match="closed"):
        desk.committed()


def test_a_store_that_is_locked_is_overload(kept: Kept, story: Story) -> None:
    with Desk(kept, story, store={"patience": 0.05}) as desk:
        desk.open_log()
        with closing(kept.open()) as holder, holder.writing():
            outcome = desk.submit(story.cohort(1))
        assert type(outcome) is Overloaded
        desk.record(story.cohort(1))
