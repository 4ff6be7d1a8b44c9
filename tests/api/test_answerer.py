"""Questions and downloads keep their promises when projections lag or halt, and in a crowd."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from threading import Event
from typing import TypeVar

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from api.entries import Entries
from api.http.problems import Problem, problem_of
from api.processes.following import Following
from api.processes.wakeups import Wakeups
from api.published import Published
from api.questions.answerer import Answerer, View
from api.questions.from_log import FromLog
from api.questions.moment import NOW, Moment
from log.directory import DirectoryStore
from log.proven_files import ProvenFiles
from testamur.errors import Refusal, Refuted
from testamur.verification.evidence import parse_evidence
from tests.harness.checkpoints import no_newer
from tests.harness.chronicle import Chronicle

T = TypeVar("T")


class Desk:
    """An answerer to ask: the tables hold all of `told`, of which `heard` entries are told so.

    `published` is the checkpoint that the server knows to be out.
    """

    def __init__(self, told: Chronicle, published: Published) -> None:
        self.told = told
        self.published = published
        with told.answers() as connection:
            self.engine = connection.engine
        self.following = Following(
            told.log.root, told.log.root, told.log.key, self.engine, size=len(told.log.entries)
        )
        latest = lambda: self.published  # noqa: E731
        self.answerer = Answerer(self.following, FromLog(told.log.reader), latest, no_newer(latest))

    def ask(self, *questions: Callable[[Answerer], Awaitable[T]]) -> list[T | BaseException]:
        """Return what comes of questions that are asked at once; fails after 10 s."""

        async def asked() -> list[T | BaseException]:
            return await asyncio.wait_for(
                asyncio.gather(
                    *(question(self.answerer) for question in questions), return_exceptions=True
                ),
                10,
            )

        return asyncio.run(asked())

    def size(self, when: Moment) -> int:
        """Return the size that an answer is as of."""
        (found,) = self.ask(lambda answerer: answerer.ask(when, lambda view: view.size))
        if isinstance(found, BaseException):
            raise found
        return found


def published(told: Chronicle) -> Published:
    checkpoint = told.log.publish()
    return Published(checkpoint, told.log.reader().signed_checkpoint())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a desk with ten entries of which it knows, and two with an issuance."""
    told = Chronicle.opened(tmp_path / "log")
    told.story.now += 60
    told.issued()
    found = Desk(told, published(told))
    yield found
    found.answerer.close()
    found.engine.dispose()


def refused(found: object, status: int, rule: str) -> None:
    assert isinstance(found, Problem), found
    assert (found.document.status, found.document.rule) == (status, rule)


def test_an_answer_says_nothing_of_a_checkpoint_that_was_not_heard_of_yet(tmp_path: Path) -> None:
    """The projections may be ahead of what the server was told, and can be checked later."""
    told = Chronicle.opened(tmp_path / "log")
    before = published(told)
    (one,) = told.issued()
    after = published(told)
    desk = Desk(told, before)
    assert before.size < after.size == desk.following.size
    assert desk.size(NOW) == before.size
    refused(
        desk.ask(lambda answerer: answerer.ask(Moment(after.size, None), lambda view: view))[0],
        422,
        "size-ahead",
    )
    desk.published = after
    assert desk.size(NOW) == after.size
    (found,) = desk.ask(lambda answerer: answerer.ask(NOW, lambda _: answerer.issuance(11)))
    assert getattr(found, "credential", found) == one
    desk.answerer.close()
    desk.engine.dispose()


def test_a_time_is_not_answered_from_tables_that_may_lack_what_was_recorded_by_then(
    desk: Desk,
) -> None:
    """They are waited for, as for a size, and while they stay behind there is no answer."""
    desk.following.size = 10
    desk.following.failure = Refuted("entry 10")
    when = Moment(None, desk.told.story.milliseconds)
    with pytest.raises(Problem, match="answers reach size 10, not yet 12"):
        desk.size(when)
    desk.following.size = 12
    assert desk.size(when) == 12


def test_a_size_within_reach_is_answered_whatever_the_time_asked_about(desk: Desk) -> None:
    desk.following.size = 10
    assert desk.size(Moment(10, desk.told.story.milliseconds)) == 10
    assert desk.size(Moment(9, None)) == 8


def test_who_asks_ahead_of_projections_that_halted_is_told_at_once(desk: Desk) -> None:
    desk.following.size, desk.following.failure = 10, Refuted("entry 10")
    began = time.monotonic()
    with pytest.raises(Problem) as told:
        desk.size(Moment(12, None))
    refused(told.value, 503, "projections-behind")
    assert time.monotonic() - began < 1
    assert desk.size(Moment(10, None)) == 10


def test_who_asks_a_little_early_is_answered(desk: Desk) -> None:
    desk.following.size = 10

    async def catch_up(_: Answerer) -> int:
        await asyncio.sleep(0.05)
        desk.following.size = 12
        return 0

    found = desk.ask(lambda r: r.ask(Moment(12, None), lambda view: view.size), catch_up)
    assert found == [12, 0]


def test_a_crowd_of_questions_is_turned_away_and_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.questions.answerer.MAX_QUESTIONS", 12)
    going_on = Event()

    def slow(view: View) -> int:
        going_on.wait(5)
        return view.size

    async def crowd(answerer: Answerer) -> list[int | BaseException]:
        asked = [asyncio.create_task(answerer.ask(NOW, slow)) for _ in range(20)]
        await asyncio.sleep(0.05)
        going_on.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    (found,) = desk.ask(crowd)
    assert isinstance(found, list)
    assert found[:12] == [12] * 12
    for each in found[12:]:
        refused(each, 503, "overloaded")
    assert desk.size(NOW) == 12


def test_a_question_that_takes_too_much_reading_is_given_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gives back its thread and its connection, fit for the next question."""
    monkeypatch.setattr("api.questions.answerer.READ_SECONDS", 0.1)
    endless = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    )
    brief = text(str(endless).replace("FROM n)", "FROM n LIMIT 1000000)"))
    began = time.monotonic()
    for each in desk.ask(
        *[lambda answerer: answerer.ask(NOW, lambda view: view.connection.scalar(endless))] * 4
    ):
        refused(each, 503, "question-too-long")
    assert time.monotonic() - began < 3
    with desk.engine.connect() as connection:
        assert connection.scalar(brief) == 1_000_000


def test_a_database_that_fails_is_not_said_to_take_too_long(desk: Desk) -> None:
    wrong = text("SELECT 1 FROM nowhere")
    (found,) = desk.ask(lambda r: r.ask(NOW, lambda view: view.connection.scalar(wrong)))
    assert isinstance(found, OperationalError), found


def test_a_file_of_evidence_that_no_verifier_would_read_is_not_given(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((credential, _),) = desk.told.credentials.items()
    monkeypatch.setattr("api.questions.answerer.MAX_EVIDENCE", 100)
    (refusal,) = desk.ask(lambda answerer: answerer.evidence(credential, NOW))
    assert isinstance(refusal, Refusal), refusal
    refused(problem_of(refusal), 413, "evidence-size")
    monkeypatch.undo()
    (found,) = desk.ask(lambda answerer: answerer.evidence(credential, NOW))
    assert isinstance(found, tuple), found
    file, size = found
    assert (parse_evidence(file).credential, size) == (credential, 12)


def test_a_crowd_that_asks_for_evidence_is_turned_away_and_questions_go_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.questions.answerer.MAX_EXCERPTS", 4)
    unknown = [desk.told.story.new_id() for _ in range(6)]
    found = desk.ask(
        *[lambda answerer, each=each: answerer.evidence(each, NOW) for each in unknown]
    )
    for each in found[:4]:
        refused(each, 404, "unknown-credential")
    for each in found[4:]:
        refused(each, 503, "overloaded")
    assert desk.size(NOW) == 12


def test_a_crowd_of_downloads_is_turned_away_and_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that were left half way: each holds a bundle while its client reads slowly."""
    monkeypatch.setattr("api.entries.MAX_DOWNLOADS", 3)
    latest = lambda: desk.published  # noqa: E731
    files = ProvenFiles(DirectoryStore(desk.told.log.root), lambda: desk.published.checkpoint)
    reading = Entries(files, Wakeups(), latest, no_newer(latest), lambda: False)

    async def story() -> None:
        downloads = [reading.lines(0, 12, 12) for _ in range(3)]
        for each in downloads:
            assert (await anext(each)).count(b"\n") == 12
        with pytest.raises(Problem) as told:
            await anext(reading.lines(0, 12, 12))
        refused(told.value, 503, "overloaded")
        with pytest.raises(StopAsyncIteration):
            await anext(downloads[0])
        del downloads, each
        for _ in range(100):
            await asyncio.sleep(0)  # what nobody reads any more is closed by the loop
        assert reading.downloads == 0
        assert b"".join([part async for part in reading.lines(3, 5, 12)]).count(b"\n") == 2

    asyncio.run(asyncio.wait_for(story(), 10))
    reading.close()
