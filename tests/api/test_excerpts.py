"""Evidence files are made once for all that ask at the same time, and kept within bounds."""

from __future__ import annotations

import asyncio

import pytest

from api.http.problems import Problem
from api.questions.excerpts import Excerpt, Excerpts

NO_ANCHORS = frozenset[str]()


class Maker:
    """Makes files of 40 bytes, and counts them."""

    def __init__(self, failure: Problem | None = None) -> None:
        self.made = 0
        self._failure = failure

    async def __call__(self) -> Excerpt:
        self.made += 1
        await asyncio.sleep(0)
        if self._failure is not None:
            raise self._failure
        return Excerpt(bytes(40), 7)


def test_a_crowd_that_asks_at_once_gets_one_file_made_once() -> None:
    async def crowd() -> None:
        excerpts, make = Excerpts(), Maker()
        found = await asyncio.gather(
            *(excerpts.find(("a", 7, 7, NO_ANCHORS), make) for _ in range(50))
        )
        assert len({id(each.file) for each in found}) == 1
        assert await excerpts.find(("a", 7, 7, NO_ANCHORS), make) is found[0]
        assert make.made == 1
        await excerpts.find(("a", 7, 8, NO_ANCHORS), make)  # another checkpoint
        await excerpts.find(("a", 7, 7, frozenset({"did:key:z6Mk"})), make)  # another anchor
        assert make.made == 3

    asyncio.run(crowd())


def test_what_is_kept_is_bounded_and_the_last_that_was_asked_for_stays() -> None:
    async def story() -> None:
        excerpts, make = Excerpts(100), Maker()
        for name in "abac":
            await excerpts.find((name, 7, 7, NO_ANCHORS), make)
        assert make.made == 3
        await excerpts.find(("a", 7, 7, NO_ANCHORS), make)
        assert make.made == 3
        await excerpts.find(("b", 7, 7, NO_ANCHORS), make)
        assert make.made == 4

    asyncio.run(story())


def test_a_failure_reaches_all_that_asked_and_is_not_kept() -> None:
    async def story() -> None:
        excerpts, make = Excerpts(), Maker(Problem(404, "unknown-credential", "none"))
        asked = [excerpts.find(("a", 7, 7, NO_ANCHORS), make) for _ in range(3)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(each) for each in found] == [Problem] * 3
        with pytest.raises(Problem):
            await excerpts.find(("a", 7, 7, NO_ANCHORS), make)
        assert make.made == 2

    asyncio.run(story())


def test_a_client_that_hangs_up_takes_the_file_from_nobody() -> None:
    async def story() -> None:
        excerpts, make = Excerpts(), Maker()
        first = asyncio.create_task(excerpts.find(("a", 7, 7, NO_ANCHORS), make))
        second = asyncio.create_task(excerpts.find(("a", 7, 7, NO_ANCHORS), make))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).file == bytes(40)
        assert make.made == 1

    asyncio.run(story())
