"""What is counted from running totals is what a fold that keeps everything counts one by one."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Connection, select

from projections import counted, defined, dids, grants, submissions
from projections.counted import between, first_header, in_all, positions_of
from projections.tallies import COUNTS, Of, What, of_flag
from projections.too_long import TooLong
from testamur.catalogue import events as e
from testamur.rules import Flag
from tests.harness.chronicle import Chronicle
from tests.harness.random_submissions import RandomSubmissions
from tests.harness.story import party
from tests.projections.naive import Naive

pytestmark = pytest.mark.usefixtures("each_database")

WHATS = [*map(int, What), *map(of_flag, Flag)]
STATUS: dict[type, What] = {
    e.CredentialRevoked: What.REVOKED,
    e.CredentialSuperseded: What.SUPERSEDED,
    e.CredentialSuspended: What.SUSPENDED,
    e.CredentialReinstated: What.REINSTATED,
}
Happened = tuple[int, Of, int, int]


def happened(connection: Connection, naive: Naive) -> list[Happened]:
    """Return (header, of, thing, what) of all that counts, by a fold of everything."""
    numbers, achievements = dids.numbers(connection), defined.numbers(connection)
    accreditations, _ = grants.numbers(connection)
    first: dict[str, tuple[str, e.CredentialIssued]] = {}
    found: list[Happened] = []
    for _, signed, event, admitted in naive.located():
        if isinstance(event, e.CredentialIssued):
            first.setdefault(event.credential, (signed.organization, event))
        elif not isinstance(event, e.CredentialStatusEvent):
            continue
        if not naive.register.counts(signed):
            continue
        owner, line = first[event.credential]
        subjects = [(Of.PROVIDER, numbers[owner]), (Of.ACHIEVEMENT, achievements[line.achievement])]
        if line.accreditation in accreditations:
            subjects.append((Of.ACCREDITATION, accreditations[line.accreditation]))
        issued = isinstance(event, e.CredentialIssued)
        what = What.ISSUED if issued else STATUS[type(event)]
        for of, thing in subjects:
            found.append((signed.position, of, thing, what))
            if issued and admitted.flags:
                found.append((signed.position, of, thing, What.FLAGGED))
        if issued:
            found += (
                (signed.position, Of.PROVIDER, numbers[owner], of_flag(flag))
                for flag in admitted.flags
            )
    return found


def summed(found: list[Happened]) -> dict[tuple[Of, int], Counter[int]]:
    sums: dict[tuple[Of, int], Counter[int]] = defaultdict(Counter)
    for _, of, thing, what in found:
        sums[of, thing][what] += 1
    return sums


def nonzero(counts: Any) -> dict[int, int]:
    return {int(what): count for what, count in counts.items() if count}


@pytest.mark.parametrize("seed", [1, 2, 10])
def test_every_number_as_of_any_size_is_that_of_the_fold_of_that_prefix(
    told: Chronicle, seed: int
) -> None:
    """With keys that retire, are declared compromised, and come back by a higher declaration."""
    RandomSubmissions(told, seed).go(150)
    draw, fallen = random.Random(seed), 0
    with told.answers() as connection:
        ends: list[int] = []
        for length, naive in enumerate(Naive.of(told.log)):
            ends += [naive.size] if naive.size == length else []
            # More often would take longer and show nothing more.
            if naive.size != length or (len(ends) % 5 and length != len(told.log.entries)):
                continue
            found, size = happened(connection, naive), naive.size
            fallen += sum(not naive.register.counts(each[1]) for each in naive.located())
            sums = summed(found)
            for of in Of:
                things = sorted({thing for each, thing in sums if each is of} | {0, 3})
                counts = in_all(connection, of, things, WHATS, size)
                assert {thing: nonzero(counts[thing]) for thing in things} == {
                    thing: nonzero(sums[of, thing]) for thing in things
                }, (of, size)
            bounds = sorted(draw.sample(range(size + 1), k=min(5, size)))
            for of, thing in list(sums)[:6]:
                stretches = between(connection, of, thing, WHATS, bounds, size)
                for (low, high), counts_in in zip(pairwise(bounds), stretches, strict=True):
                    within = [each for each in found if low <= each[0] < high]
                    assert nonzero(counts_in) == nonzero(summed(within)[of, thing])
    assert len(ends) > 20
    assert fallen, "the story has nothing that does not count"


def test_a_declaration_of_compromise_changes_no_row_and_the_numbers_all_the_same(
    told: Chronicle,
) -> None:
    story = told.story
    told.issued(3)
    before = len(told.log.entries)
    told.issued(2, accredited=False)

    def rows(connection: Connection) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in connection.execute(select(COUNTS).order_by(*COUNTS.c))]

    with told.answers() as connection:
        kept, size = rows(connection), submissions.as_of(connection)
        (number,) = {dids.number_of(connection, story.provider.did, size)}
        assert number is not None
        ask = [What.ISSUED, What.FLAGGED, of_flag(Flag.NO_ACCREDITATION_CLAIMED)]
        assert list(in_all(connection, Of.PROVIDER, [number], ask, size)[number].values()) == [
            5,
            2,
            2,
        ]
    assert told.offer(story.provider.recovery, story.key_compromised(story.provider, before))
    with told.answers() as connection:
        assert rows(connection) == kept
        now = submissions.as_of(connection)
        counts = in_all(connection, Of.PROVIDER, [number], ask, now)[number]
        assert nonzero(counts) == {What.ISSUED: 3}
        assert in_all(connection, Of.PROVIDER, [number], ask, size)[number][What.ISSUED] == 5


def test_what_a_successor_ends_is_counted_of_the_provider_and_with_its_own_key(
    told: Chronicle,
) -> None:
    story = told.story
    (one, _) = told.issued(2)
    other = party("other")
    assert told.offer(story.accreditor, story.registered(story.accreditor, other, "provider"))
    assert told.offer(story.provider, story.succeeded(story.provider, other))
    assert told.offer(story.provider, story.closed())
    assert told.offer(other, e.CredentialRevoked(credential=one, reason="unspecified"))
    with told.answers() as connection:
        size = submissions.as_of(connection)
        number = dids.number_of(connection, story.provider.did, size)
        assert number is not None
        counts = in_all(connection, Of.PROVIDER, [number], list(What), size)[number]
        assert nonzero(counts) == {What.ISSUED: 2, What.REVOKED: 1}


def test_times_are_positions_and_a_time_to_come_is_the_end(told: Chronicle) -> None:
    told.issued(1)
    with told.answers() as connection:
        size = submissions.as_of(connection)
        now = told.story.milliseconds
        assert positions_of(connection, [0, now + 1], size) == [0, size]
        assert first_header(connection, Of.PROVIDER, 3, [What.ISSUED], size) == 10
        assert first_header(connection, Of.PROVIDER, 3, [What.REVOKED], size) is None
        assert first_header(connection, Of.PROVIDER, 3, [What.ISSUED], 10) is None


def test_what_needs_too_many_look_ups_is_refused(
    told: Chronicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.issued(3)
    monkeypatch.setattr(counted, "MAX_LOOKED_UP", 3)
    with told.answers() as connection:
        size = submissions.as_of(connection)
        assert between(connection, Of.PROVIDER, 3, [What.ISSUED], [0, size], size)
        with pytest.raises(TooLong):
            between(connection, Of.PROVIDER, 3, [What.ISSUED], [0, 10, 11, 12, size], size)
