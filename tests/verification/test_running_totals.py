"""The totals of a replay are what adding up all submissions anew comes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.catalogue import events as e
from testamur.rules.reach import Sums, sums_of
from testamur.rules.said import Signed
from testamur.verification.running_totals import RunningTotals
from tests.harness.story import Story

STORY = Story()
EVENTS = (
    STORY.issued(),
    STORY.recognised(STORY.new_id()),
    e.CredentialRevoked(credential=STORY.new_id(), reason="misconduct"),
    e.OrganizationClosed(),
)
SIGNERS = (("did:key:a", "one"), ("did:key:a", "two"), ("did:key:b", "one"))
SUBMISSIONS = st.lists(
    st.tuples(
        st.sampled_from(SIGNERS),
        st.lists(st.sampled_from(EVENTS), min_size=1, max_size=4),
        st.integers(0, 2),  # ms after the one before
    ),
    max_size=12,
)


@pytest.mark.slow
@given(SUBMISSIONS, st.lists(st.integers(0, 60), max_size=5), st.integers(0, 30))
def test_totals_of_each_key_are_added_up(
    submissions: list[tuple[tuple[str, str], list[e.Event], int]], asked: list[int], time: int
) -> None:
    running, added, position, now = RunningTotals(), list[tuple[Signed, list[e.Event]]](), 0, 0
    for (organization, key), events, after in submissions:
        now += after
        signed = Signed(organization, key, position, now)
        running.add(signed, events)
        added.append((signed, events))
        position += 1 + len(events)

    for organization, key in SIGNERS:
        expected = [
            sum(
                (
                    sums_of(organization, events)
                    for signed, events in added
                    if (signed.organization, signed.key) == (organization, key)
                    and signed.position < at
                ),
                Sums(),
            ).counts
            for at in asked
        ]
        assert running.totals(organization, key, asked) == expected
    headers = [signed.position for signed, _ in added]
    later = [signed.position for signed, _ in added if signed.recorded_at >= time]
    above_all = max(headers, default=-1) + 1
    assert running.first_recorded(time) == (later[0] if later else above_all)


def test_nothing_was_said_by_a_key_that_never_signed() -> None:
    running = RunningTotals()
    assert running.totals("did:key:a", "one", [0, 9]) == [(0, 0, 0)] * 2
    assert running.first_recorded(0) == 0
