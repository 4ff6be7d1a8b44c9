"""What is declared after a theft keeps everything of the owner's, and nothing of the thief's."""

from __future__ import annotations

import random
from itertools import accumulate, pairwise

import pytest

from testamur.cli.theft import MAX_RANGES, plan_recovery
from testamur.errors import Refusal
from testamur.http.listings import SubmissionLine
from tests.harness.story import party

STOLEN, OTHER = party("stolen").key_id, party("other").key_id


def line(
    position: int, *, key: str = STOLEN, counts: bool = True, events: int = 1
) -> SubmissionLine:
    return SubmissionLine(
        position=position, events=events, jti=f"{position}", key=key,
        recorded_at="2026-11-21T10:00:00.000Z", counts=counts,
    )  # fmt: skip


def test_the_theft_begins_at_the_first_submission_without_a_receipt() -> None:
    lines = [line(10), line(12), line(14), line(16, key=OTHER), line(18), line(20)]
    plan = plan_recovery(STOLEN, lines, {10, 12, 16, 18})
    assert plan.since == 14
    assert plan.kept == ((18, 18),)
    assert [each.position for each in plan.strange] == [14, 20]
    assert plan.fallen == ()


def test_neighbours_are_kept_in_one_range_unless_a_stranger_lies_between() -> None:
    lines = [line(position) for position in (10, 12, 14, 16, 18, 20, 22)]
    assert plan_recovery(STOLEN, lines, {12, 14, 18, 20, 22}).kept == ((12, 14), (18, 22))


def test_another_key_of_the_owners_parts_no_range() -> None:
    lines = [line(10), line(12), line(14, key=OTHER), line(16)]
    assert plan_recovery(STOLEN, lines, {12, 14, 16}).kept == ((12, 16),)


def test_nothing_is_kept_where_there_is_room_for_what_a_register_does_not_list() -> None:
    """One that helps a thief leaves the thief's submission out."""
    lines = [line(10), line(12), line(16), line(19), line(21, key=OTHER), line(23)]
    plan = plan_recovery(STOLEN, lines, {12, 16, 19, 23})
    assert (plan.kept, plan.spanned) == (((12, 12), (16, 19), (23, 23)), 0)


def test_with_more_to_keep_than_ranges_the_narrowest_gaps_are_spanned() -> None:
    count = MAX_RANGES + 2
    gaps = [10] * (count - 4) + [4, 4, 7]
    positions = list(accumulate((2 + gap for gap in gaps), initial=20))
    lines = [line(10), *map(line, positions)]
    plan = plan_recovery(STOLEN, lines, set(positions))
    assert (len(plan.kept), plan.spanned, plan.fallen) == (MAX_RANGES, 2, ())


def test_how_large_a_submission_is_that_has_no_receipt_is_not_taken_from_a_listing() -> None:
    lines = [line(10), line(12, events=5), line(18)]
    plan = plan_recovery(STOLEN, lines, {12, 18}, proven={18})
    assert plan.kept == ((12, 12), (18, 18))
    assert plan_recovery(STOLEN, lines, {12, 18}).kept == ((12, 18),)


def test_a_key_of_which_all_is_the_owners_is_cut_off_where_that_is_said() -> None:
    lines = [line(10), line(12)]
    with pytest.raises(Refusal, match="--since"):
        plan_recovery(STOLEN, lines, {10, 12})
    plan = plan_recovery(STOLEN, lines, {10, 12}, since=13)
    assert (plan.since, plan.kept, plan.strange) == (13, (), ())


def test_what_does_not_count_any_more_is_said_again() -> None:
    lines = [line(10, key=OTHER, counts=False), line(12), line(14, counts=False), line(16)]
    plan = plan_recovery(STOLEN, lines, {10, 14, 16})
    # 14 counts again by this declaration; what the other key signed fell by an earlier one.
    assert [each.position for each in plan.fallen] == [10]
    assert plan.kept == ((14, 16),)


def test_what_a_declaration_has_no_room_to_keep_is_said_again() -> None:
    count = 2 * MAX_RANGES + 10
    lines = [line(position) for position in range(0, 2 * count, 2)]
    own = {each.position for each in lines[1::2]}
    plan = plan_recovery(STOLEN, lines, own)
    assert len(plan.kept) == MAX_RANGES
    assert [each.position for each in plan.fallen] == sorted(own)[MAX_RANGES:]


def test_nothing_of_the_owners_is_lost_and_nothing_of_the_thiefs_kept() -> None:
    """For random histories: what is kept or said again is exactly what is the owner's."""
    chance = random.Random(7)
    for _ in range(300):
        lines = [
            line(position, key=chance.choice([STOLEN, STOLEN, OTHER]))
            for position in sorted(chance.sample(range(400), chance.randint(1, 60)))
        ]
        own = {each.position for each in lines if chance.random() < 0.7}
        if all(each.position in own for each in lines if each.key == STOLEN):
            continue
        plan = plan_recovery(STOLEN, lines, own)
        for each in lines:
            kept = any(first <= each.position <= last for first, last in plan.kept)
            if each.key == STOLEN and each.position >= plan.since:
                assert kept is (each.position in own)
        assert {each.position for each in plan.strange} == {
            each.position for each in lines if each.key == STOLEN and each.position not in own
        }
        assert all(first <= last for first, last in plan.kept)
        assert all(before[1] < after[0] for before, after in pairwise(plan.kept))
