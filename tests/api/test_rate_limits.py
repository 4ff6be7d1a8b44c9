"""Token buckets: how often somebody may ask, in bounded memory."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.address_limits import AddressLimits
from api.http.client_address import ClientAddresses
from api.http.problems import TooMany, problem_of
from api.http.rate_limits import BURST_SECONDS, MAX_KEYS, Buckets
from api.submissions.quota import Quota


class Clock:
    """A clock that stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_burst_is_taken_and_then_the_rate_holds(clock: Clock) -> None:
    buckets = Buckets(2, clock=clock)
    assert [buckets.take("a") for _ in range(20)] == [0.0] * 20
    assert buckets.take("a") == 0.5
    clock.now = 0.5
    assert (buckets.take("a"), buckets.take("a")) == (0.0, 0.5)
    assert buckets.take("b") == 0.0, "another one has a bucket of its own"


def test_a_rate_below_one_lets_one_through(clock: Clock) -> None:
    buckets = Buckets(0.01, clock=clock)
    assert (buckets.take("a"), buckets.take("a")) == (0.0, 100.0)


def test_who_is_refused_pays_nothing_for_asking(clock: Clock) -> None:
    buckets = Buckets(1, clock=clock)
    while not buckets.take("a"):
        pass
    assert [buckets.take("a") for _ in range(100)] == [1.0] * 100


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 4)), max_size=60))
def test_no_more_pass_than_the_rate_gives(steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    buckets, passed = Buckets(1.5, clock=clock), 0
    for pause, asked in steps:
        clock.now += pause
        passed += sum(not buckets.take("a") for _ in range(asked))
        assert passed <= 1.5 * (BURST_SECONDS + clock.now) + 1e-6


def test_a_debt_is_waited_for(clock: Clock) -> None:
    buckets = Buckets(10, clock=clock)
    assert buckets.wait("a") == 0
    buckets.charge("a", 100_000)
    assert buckets.wait("a") == pytest.approx((100_001 - 100) / 10)
    clock.now = buckets.wait("a") - 0.1
    assert buckets.wait("a") > 0, "a debt that is paid off leaves nothing to spend"
    clock.now += buckets.wait("a")
    assert buckets.wait("a") == 0


def test_a_clock_that_stands_still_gives_nothing(clock: Clock) -> None:
    buckets = Buckets(1, clock=clock)
    buckets.charge("a", 10)
    assert buckets.wait("a") > 0


def test_a_crowd_of_addresses_takes_bounded_memory(clock: Clock) -> None:
    buckets = Buckets(1, most=100, clock=clock)
    for number in range(10_000):
        buckets.take(f"2001:db8:{number:x}::/64")
    assert len(buckets) == 100


def test_so_many_keys_take_the_memory_that_is_stated() -> None:
    buckets = Buckets(1)
    for number in range(MAX_KEYS):
        buckets.take(f"2001:db8:1:{number:x}::/64")
    size = sys.getsizeof(buckets._tokens)
    size += sum(map(sys.getsizeof, buckets._tokens)) + len(buckets) * (56 + 2 * 24)
    assert size < 20_000_000


def scope(path: str, host: str = "203.0.113.9") -> dict[str, Any]:
    """Return a request, as far as limits look at it."""
    return {"path": path, "client": (host, 1), "headers": []}


def test_files_of_the_log_have_a_limit_of_their_own(clock: Clock) -> None:
    limits = AddressLimits(ClientAddresses(), Buckets(0.1, clock=clock), Buckets(5, clock=clock))
    assert limits.refusal(scope("/organizations"), tile=False) is None
    refused = limits.refusal(scope("/organizations"), tile=False)
    assert refused is not None
    assert (refused.document.status, refused.headers["Retry-After"]) == (429, "10")
    assert limits.refusal(scope("/log/checkpoint"), tile=True) is None
    assert limits.refusal(scope("/organizations", "203.0.113.10"), tile=False) is None
    assert limits.refusal(scope("/readyz"), tile=False) is None


def test_without_limits_nothing_is_remembered() -> None:
    limits = AddressLimits(ClientAddresses(), None, None)
    assert not limits.limited
    assert limits.refusal(scope("/organizations"), tile=False) is None


def test_an_organization_that_owes_waits_and_others_do_not(clock: Clock) -> None:
    limited: list[None] = []
    quota = Quota(
        Buckets(1, clock=clock), Buckets(100, clock=clock), on_limited=lambda: limited.append(None)
    )
    quota.check("did:key:a")
    quota.charge("did:key:a", 100_000)
    with pytest.raises(TooMany) as caught:
        quota.check("did:key:a")
    problem = problem_of(caught.value)
    assert (problem.document.status, problem.document.rule) == (429, "too-many")
    assert problem.headers["Retry-After"] == "991"
    assert "100 events a second" in problem.document.detail
    quota.check("did:key:b")
    assert len(limited) == 1
