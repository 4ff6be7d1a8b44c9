"""A request wakes when what it waits for has happened, or after bounded patience."""

from __future__ import annotations

import asyncio
import time

import pytest

from api.processes.wakeups import Wakeups
from registry.outcomes import Outcome, Recorded
from testamur.errors import Refusal
from testamur.tlog.checkpoint import Checkpoint


def test_a_group_wakes_its_requests_and_a_checkpoint_those_it_covers() -> None:
    async def story() -> None:
        wakeups = Wakeups()
        wakeups.bind(asyncio.get_running_loop(), committed=2)
        wakeups.on_published(Checkpoint("o", 2, bytes(32)))
        await asyncio.sleep(0)
        tickets = [wakeups.ticket() for _ in range(3)]
        tickets[1].cancel()
        recorded = Recorded(2, 3, 0, (), repeated=False)
        outcomes: list[tuple[object, Outcome]] = [
            (tickets[0], recorded),
            (tickets[1], recorded),
            (tickets[2], Refusal("r", "d")),
        ]
        await asyncio.to_thread(wakeups.on_settled, outcomes)
        assert await tickets[0] == recorded
        assert isinstance(await tickets[2], Refusal)
        assert wakeups.unpublished == 4

        reached = [asyncio.create_task(wakeups.until(size)) for size in (2, 6, 6, 9)]
        left = asyncio.create_task(wakeups.until(8))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.to_thread(wakeups.on_published, Checkpoint("o", 6, bytes(32)))
        await asyncio.sleep(0.01)
        assert [task.done() for task in reached] == [True, True, True, False]
        assert wakeups.waiting == 1
        reached[3].cancel()

    asyncio.run(story())


def test_what_never_comes_is_waited_for_with_bounded_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.processes.wakeups.COMMIT_SECONDS", 0.05)
    monkeypatch.setattr("api.processes.wakeups.PUBLISH_SECONDS", 0.1)
    monkeypatch.setattr("api.processes.wakeups._LOOK_EVERY", 0.01)

    async def story() -> None:
        wakeups = Wakeups()
        wakeups.bind(asyncio.get_running_loop(), committed=2)
        started = time.perf_counter()
        late, settled = wakeups.ticket(), wakeups.ticket()
        recorded = Recorded(2, 3, 0, (), repeated=False)
        wakeups.on_settled([(settled, recorded)])
        with pytest.raises(TimeoutError):
            await late
        assert await settled == recorded
        with pytest.raises(TimeoutError):
            await wakeups.until(9)
        assert wakeups.waiting == 0
        assert 0.1 < time.perf_counter() - started < 5
        # What comes after all finds nobody, and that is no error.
        wakeups.on_settled([(late, recorded)])
        await asyncio.sleep(0.05)

    asyncio.run(story())
