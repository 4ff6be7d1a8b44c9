"""Several processes make what one would, and one that is ended stops nobody for ever."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import active_children

import pytest

from testamur.badges.commitment import HolderFile
from testamur.errors import Unavailable
from testamur.pages.addresses import Addresses, addresses_of
from testamur.pages.facts import Facts, facts_of
from testamur.pages.learner import files_of
from testamur.pages.makers import how_many, makers
from tests.harness.spring import prepared
from tests.harness.story import Story
from tests.pages.conftest import REGISTER

pytestmark = pytest.mark.slow
EVIDENCE = b"{}\n"


def test_a_few_learners_are_worth_no_process() -> None:
    assert how_many(0) == how_many(15) == 0
    assert how_many(16) == 1
    assert 1 <= how_many(10_000) <= 8


@pytest.mark.usefixtures("pango")
@pytest.mark.parametrize("count", [0, 2])
def test_any_number_of_processes_makes_the_same_bytes(count: int) -> None:
    rows = (f"l{number}@example.org,Learner {number},2026-11-20" for number in range(6))
    given = []
    for holder in prepared(Story(), *rows).holders:
        facts = facts_of(holder)
        given.append((facts, holder, EVIDENCE, addresses_of(facts, holder, REGISTER, None)))
    with makers(count, pdf=True) as make, ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda one: make(*one), given))
    assert made == [files_of(*one, pdf=True) for one in given]


def test_processes_end_with_the_work(
    facts: Facts, holder: HolderFile, addresses: Addresses
) -> None:
    before = set(active_children())
    with makers(2, pdf=False) as make:
        make(facts, holder, EVIDENCE, addresses)
        started = set(active_children()) - before
        assert started
    assert not any(each.is_alive() for each in started)


def test_a_process_that_is_killed_is_told_of(
    facts: Facts, holder: HolderFile, addresses: Addresses
) -> None:
    before = set(active_children())
    with makers(2, pdf=False) as make:
        make(facts, holder, EVIDENCE, addresses)
        for each in set(active_children()) - before:
            assert each.pid is not None
            os.kill(each.pid, signal.SIGKILL)
            each.join(60)
        with pytest.raises(Unavailable, match="run the same command again"):
            make(facts, holder, EVIDENCE, addresses)
