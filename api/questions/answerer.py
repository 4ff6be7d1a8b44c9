"""Asks the projections, in threads of its own, as of a size or a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import Connection

from api.http.problems import Problem, not_now
from api.parts import ReadModels
from api.published import Published
from api.questions.excerpts import Excerpt, Excerpts
from api.questions.from_log import FromLog, Grown, Included
from api.questions.moment import NOW, Moment
from projections import submissions
from projections.database import at_most
from projections.evidence import evidence_positions, too_large
from projections.too_long import TooLong
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.lines import decode_event
from testamur.catalogue.submission import format_time
from testamur.errors import Refuted
from testamur.verification.evidence import MAX_EVIDENCE, render_evidence

T = TypeVar("T")
Found = TypeVar("Found")

CATCH_UP_SECONDS: Final = 5.0
MAX_QUESTIONS: Final = 1024
"""Questions under way at once, including those that wait for the projections."""
MAX_EXCERPTS: Final = 64
"""Questions for evidence under way at once, which count as questions too."""
READ_SECONDS: Final = 3.0
"""How long one question may read from the database."""
_THREADS: Final = 8
_EXCERPTS: Final = 2  # of these threads
_FIRST_LOOK: Final = 0.005  # seconds
_LAST_LOOK: Final = 0.1


class View(NamedTuple):
    """The register as of `size`; `recorded_at` is the time of the last entry below it.

    `asked` is the size that was asked about: it is greater if it lies inside a submission.
    """

    connection: Connection
    size: int
    recorded_at: str | None
    asked: int

    def known(
        self, kind: str, name: str, find: Callable[[Connection, str, int], Found | None]
    ) -> Found:
        """Return what `find` finds under that name; raises a 404 `Problem` for nothing."""
        found = find(self.connection, name, self.size)
        if found is None:
            raise self.missing(kind, name)
        return found

    def missing(self, kind: str, name: str) -> Problem:
        """Return the 404 for something that did not exist at that size."""
        return Problem(
            404,
            f"unknown-{kind}",
            f"{self._inside()}no such {kind} as of size {self.size}",
            value=name,
            headers={"Testamur-Size": str(self.size)},
        )

    def _inside(self) -> str:
        last = submissions.last_before(self.connection, self.asked)
        if self.asked == self.size or last is None:
            return ""
        end = last.position + last.events
        return f"{self.asked} lies inside the submission at {last.position}..{end}; "


class Answerer:
    """Answers questions from the projections, in threads of its own, a bounded number at once.

    `latest` returns the newest published checkpoint, and `at_least` the same after it has looked
    for one of a given size. What is read from the log is read off the event loop, but for
    `evidence`. `asked` questions are under way.
    """

    def __init__(
        self,
        following: ReadModels,
        log: FromLog,
        latest: Callable[[], Published],
        at_least: Callable[[int], Awaitable[Published]],
    ) -> None:
        self._following = following
        self._log = log
        self._latest = latest
        self._at_least = at_least
        # Threads of its own, so that receipts and the published log never wait for questions.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="testamur-answer")
        # Evidence from a huge submission takes a second; questions must not queue behind it.
        self._excerpts = asyncio.Semaphore(_EXCERPTS)
        self._kept = Excerpts()
        self.asked = 0
        self._excerpts_asked = 0

    def close(self) -> None:
        """Stop answering."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def ask(self, when: Moment, question: Callable[[View], T]) -> T:
        """Return the answer to `question` as of the moment asked about."""
        if self.asked >= MAX_QUESTIONS:
            raise not_now("overloaded", f"{self.asked} questions are under way")
        self.asked += 1
        try:
            await self._caught_up(when)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._answer, when, question)
        except TooLong as error:
            raise not_now("question-too-long", f"{error}; replay the log instead") from None
        finally:
            self.asked -= 1

    async def _caught_up(self, when: Moment) -> None:
        """Wait until the projections reach the moment asked about, if that is published.

        An entry recorded by a given time may be anywhere in the published log.
        """
        published = (await self._at_least(when.size or 0)).size
        if when.time is not None and when.time > datetime.now(UTC).timestamp() * 1000:
            raise Problem(
                422, "time-ahead", "that time is in the future", value=_shown_time(when.time)
            )
        size = published if when.size is None and when.time is not None else when.size
        if size is None:
            return
        if size > published:
            raise Problem(422, "size-ahead", f"the log has {published} entries", value=size)
        deadline, pause = time.monotonic() + CATCH_UP_SECONDS, _FIRST_LOOK
        while size > self._following.size:
            if self._following.failure is not None or time.monotonic() > deadline:
                raise not_now(
                    "projections-behind",
                    f"answers reach size {self._following.size}, not yet {size}",
                )
            await asyncio.sleep(pause)
            # They are milliseconds behind, or much longer; many waiting requests must cost little.
            pause = min(1.5 * pause, _LAST_LOOK)

    def _answer(self, when: Moment, question: Callable[[View], T]) -> T:
        with self._following.engine.connect() as connection, at_most(READ_SECONDS, connection):
            # The tables may hold a newer checkpoint, which this process has not heard of yet, and
            # what it reads from the log is checked against those that it knows.
            size = min(
                submissions.as_of(connection, size=when.size, time=when.time), self._latest().size
            )
            asked = size if when.size is None else when.size
            return question(View(connection, size, _time_of(connection, size), asked))

    # --- Read from the log, not from a table ---

    def issuance(self, position: int) -> CredentialIssued:
        """Return the issuance that is entry `position` of the published log."""
        event = decode_event(self._log.entry(position, self._latest().checkpoint))
        if not isinstance(event, CredentialIssued):
            raise Refuted(f"the projections call entry {position} an issuance, and it is not")
        return event

    def inclusion(self, position: int, size: int) -> Included:
        """Return an entry with its proof in the tree of the first `size`."""
        return self._log.inclusion(position, size, self._latest().checkpoint)

    def growth(self, earlier: int, later: int) -> Grown:
        """Return the proof that the tree of `later` entries extends that of `earlier`."""
        return self._log.growth(earlier, later, self._latest().checkpoint)

    async def evidence(
        self, credential: str, when: Moment, anchors: frozenset[str] = frozenset()
    ) -> Excerpt:
        """Return the evidence file of a credential, and the size it is as of; 404 if none.

        It has a chain to each of the `anchors`, DIDs, and to each root authority, that has one.
        Its proofs are under the newest published checkpoint. As of an earlier size the file says
        so, and so does every report on it, because it leaves out every later revocation.
        """
        published = await self._at_least(when.size or 0)
        if when == NOW:
            when = Moment(published.size, None)
        if when.size is None:
            return await self._make_evidence(credential, when, published, anchors)
        key = credential, when.size, published.size, anchors
        return await self._kept.find(
            key, lambda: self._make_evidence(credential, when, published, anchors)
        )

    async def _make_evidence(
        self, credential: str, when: Moment, published: Published, anchors: frozenset[str]
    ) -> Excerpt:
        def find(view: View) -> Excerpt:
            # The projections may have gone beyond this checkpoint by now.
            size = min(view.size, published.size)
            positions = evidence_positions(
                view.connection,
                credential,
                size,
                self.issuance,
                anchors=sorted(anchors),
            )
            if not positions:
                raise view.missing("credential", credential)
            excerpt = self._log.evidence(published, credential, positions, as_of=size)
            file = render_evidence(excerpt)
            if len(file) > MAX_EVIDENCE:
                raise too_large(credential)
            return Excerpt(file, size)

        if self._excerpts_asked >= MAX_EXCERPTS:
            raise not_now(
                "overloaded", f"{self._excerpts_asked} questions for evidence are under way"
            )
        self._excerpts_asked += 1
        try:
            async with self._excerpts:
                return await self.ask(when, find)
        finally:
            self._excerpts_asked -= 1


def _time_of(connection: Connection, size: int) -> str | None:
    last = submissions.last_before(connection, size)
    return None if last is None else format_time(last.recorded_at)


def _shown_time(milliseconds: int) -> str:
    """Return a time as text; years after 9999 cannot be written."""
    return format_time(min(milliseconds, 253_402_300_799_999))
