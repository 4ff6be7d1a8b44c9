"""What an organization may submit holds for submissions that are sent at the same time too."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.http.problems import TooMany
from api.http.rate_limits import Buckets
from api.processes.wakeups import Wakeups
from api.submissions.hops import Hops
from api.submissions.quota import Quota
from api.submissions.recording import Recorder
from registry.gate import Examined, Recorded
from testamur.catalogue.submission import first_line
from testamur.errors import Refusal, Unavailable
from tests.harness.gates import Desk
from tests.harness.stores import Kept
from tests.harness.story import Story

WAKEUPS = Wakeups()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Desk(Kept("sqlite", tmp_path), Story(), settled=WAKEUPS.on_settled) as desk:
        yield desk.open_log_apart()


def at_once(desk: Desk, quota: Quota, bodies: list[bytes]) -> list[object]:
    """Return what becomes of submissions, of which each first line came before any whole body."""

    async def story() -> list[object]:
        WAKEUPS.bind(asyncio.get_running_loop(), committed=0)
        recorder = Recorder(desk.gate, WAKEUPS, threads, quota)
        examined = [await recorder.examine(first_line(body) or b"") for body in bodies]
        going = map(one, bodies, examined, [recorder] * len(bodies))
        return list(await asyncio.gather(*going))

    async def one(body: bytes, examined: Examined, recorder: Recorder) -> object:
        try:
            return (await recorder.record(body, examined, Hops()))[1]
        except (Refusal, Unavailable) as error:
            return error

    with ThreadPoolExecutor(2) as threads:
        return asyncio.run(story())


def still(rate: float) -> Buckets:
    """Return buckets of a clock that stands still."""
    return Buckets(rate, clock=lambda: 0.0)


@pytest.mark.parametrize("size", [1, 100], ids=["checked-together", "checked-alone"])
def test_no_more_pass_at_once_than_one_after_the_other(desk: Desk, size: int) -> None:
    quota = Quota(submissions=still(0.3))
    found = at_once(desk, quota, [desk.story.cohort(size) for _ in range(20)])
    assert Counter(map(type, found)) == {Recorded: 3, TooMany: 17}


def test_of_submissions_sent_at_once_one_may_owe_events(desk: Desk) -> None:
    quota = Quota(events=still(1))
    found = at_once(desk, quota, [desk.story.cohort(20) for _ in range(20)])
    assert Counter(map(type, found)) == {Recorded: 1, TooMany: 19}


def test_copies_of_what_is_on_the_log_cost_its_signer_nothing(desk: Desk) -> None:
    public, own = desk.story.cohort(1), [desk.story.cohort(1) for _ in range(3)]
    at_once(desk, Quota(), [public])
    quota = Quota(still(0.3), still(0.3))
    found = at_once(desk, quota, [public] * 20 + own + [public] * 20)
    assert Counter(map(type, found)) == {Recorded: 43}


def test_a_submission_sent_twice_at_once_is_paid_for_once(desk: Desk) -> None:
    quota = Quota(still(0.3))
    at_once(desk, quota, [desk.story.cohort(1)] * 2)
    found = at_once(desk, quota, [desk.story.cohort(1) for _ in range(3)])
    assert Counter(map(type, found)) == {Recorded: 2, TooMany: 1}


def test_another_submission_by_a_name_on_the_log_is_paid_for(desk: Desk) -> None:
    jti = "0190b1a0-0000-7000-8000-000000000077"
    at_once(desk, Quota(), [desk.story.cohort(1, jti=jti)])
    quota = Quota(still(0.1))
    (found,) = at_once(desk, quota, [desk.story.cohort(2, jti=jti)])
    assert isinstance(found, Refusal)
    assert found.rule == "jti-conflict"
    with pytest.raises(TooMany):
        quota.check(desk.story.provider.did)


def test_what_the_gate_cannot_take_is_given_back(desk: Desk) -> None:
    quota = Quota(still(0.1), still(0.1))
    bodies = [desk.story.cohort(5)]
    desk.gate.close()
    (found,) = at_once(desk, quota, bodies)
    assert type(found) is Unavailable
    quota.check(desk.story.provider.did)
