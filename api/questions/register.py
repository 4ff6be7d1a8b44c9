"""Who answers: the projections, in threads, as of the size or the time that was asked about."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import Connection

from api.http.problems import Problem, not_now
from api.processes.following import Following
from api.processes.waiting import Published
from api.questions.moment import Asked
from projections import submissions
from projections.database import TooLong, at_most
from projections.evidence import evidence_positions, too_large
from testamur.catalogue.events import CredentialIssued, decode_event
from testamur.catalogue.submission import format_time
from testamur.errors import Refuted
from testamur.tlog.reader import LogReader
from testamur.verification.evidence import MAX_EVIDENCE, build_evidence, render_evidence

T = TypeVar("T")
Found = TypeVar("Found")

CATCH_UP_SECONDS: Final = 5.0
MAX_QUESTIONS: Final = 1024
"""Questions that may be under way at once, those that wait for the projections among them."""
MAX_EXCERPTS: Final = 64
"""Questions for evidence among them."""
READ_SECONDS: Final = 3.0
"""What one question may take of the database."""
_THREADS: Final = 8
_EXCERPTS: Final = 2  # of these threads
_FIRST_LOOK: Final = 0.005  # seconds
_LAST_LOOK: Final = 0.1


class View(NamedTuple):
    """The register as it stood at `size`; `as_of` is `recordedAt` of the last entry in it.

    `asked` is the size that was asked about: greater, if it lies inside a submission.
    """

    connection: Connection
    size: int
    as_of: str | None
    asked: int

    def known(
        self, kind: str, name: str, find: Callable[[Connection, str, int], Found | None]
    ) -> Found:
        """Return what `find` finds of that name; raises a 404 `Problem` if that is nothing."""
        found = find(self.connection, name, self.size)
        if found is None:
            raise self.missing(kind, name)
        return found

    def missing(self, kind: str, name: str) -> Problem:
        """Return the problem that there was no such thing by then."""
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


class Register:
    """Answers from the projections, in threads of its own, so many at once and no more.

    `read` returns a reader of the log that no other thread uses, `latest` the checkpoint that is
    out. All but `issuance` is for the event loop.
    """

    def __init__(
        self,
        following: Following,
        read: Callable[[], LogReader],
        latest: Callable[[], Published],
    ) -> None:
        self._following = following
        self._read = read
        self._latest = latest
        # Receipts and the published log are not to wait for questions.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="testamur-answer")
        # Evidence of a huge cohort is a second's work; questions must not queue behind it.
        self._excerpts = asyncio.Semaphore(_EXCERPTS)
        self._asked = 0
        self._excerpts_asked = 0

    def close(self) -> None:
        """Answer nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def ask(self, when: Asked, question: Callable[[View], T]) -> T:
        """Return the answer to `question` as of the moment asked about."""
        if self._asked >= MAX_QUESTIONS:
            raise not_now("overloaded", f"{self._asked} questions are under way")
        self._asked += 1
        try:
            await self._caught_up(when)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._answer, when, question)
        except TooLong as error:
            raise not_now("question-too-long", f"{error}; replay the log instead") from None
        finally:
            self._asked -= 1

    async def _caught_up(self, when: Asked) -> None:
        """Wait until the projections reach the moment asked about, if that is published.

        What was recorded by a time may be anywhere in what is published.
        """
        published = self._latest().size
        if when.time is not None and when.time > datetime.now(UTC).timestamp() * 1000:
            raise Problem(
                422, "time-ahead", "that time is yet to come", value=_shown_time(when.time)
            )
        size = published if when.size is None and when.time is not None else when.size
        if size is None or size <= self._following.size:
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
            # They are milliseconds behind, or much longer: a crowd that waits must cost little.
            pause = min(1.5 * pause, _LAST_LOOK)

    def _answer(self, when: Asked, question: Callable[[View], T]) -> T:
        with self._following.engine.connect() as connection, at_most(READ_SECONDS, connection):
            size = submissions.as_of(connection, size=when.size, time=when.time)
            asked = size if when.size is None else when.size
            return question(View(connection, size, _time_of(connection, size), asked))

    # --- What is on the log rather than in a table ---

    def issuance(self, position: int, size: int) -> CredentialIssued:
        """Return the issuance that is entry `position` of the first `size`."""
        # Only the partial bundle of a checkpoint that is out surely exists. The projections may
        # have read one of which this process has not been told yet.
        published = max(self._latest().size, size)
        ((_, (line,)),) = self._read().bundles(position, position + 1, size=published)
        event = decode_event(line)
        if not isinstance(event, CredentialIssued):
            raise Refuted(f"entry {position} is no issuance, as the projections have it")
        return event

    async def evidence(self, credential: str, when: Asked) -> tuple[bytes, int]:
        """Return the evidence file of a credential, and the size it is as of; 404 if none.

        It is under the checkpoint that is out. As of an earlier size it says so, and so does
        every report on it: it leaves out whatever was revoked since.
        """
        published = self._latest()
        if when == Asked(None, None):
            when = Asked(published.size, None)

        def find(view: View) -> tuple[bytes, int]:
            # The projections may have read on meanwhile, beyond this checkpoint.
            size = min(view.size, published.size)
            positions = evidence_positions(view.connection, credential, size)
            if not positions:
                raise view.missing("credential", credential)
            excerpt = build_evidence(
                self._read(), published.note, credential, positions, as_of=size
            )
            file = render_evidence(excerpt)
            if len(file) > MAX_EVIDENCE:
                raise too_large(credential)
            return file, size

        if self._excerpts_asked >= MAX_EXCERPTS:
            raise not_now("overloaded", f"{self._excerpts_asked} ask for evidence")
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
    """Return a time as text, however far ahead."""
    return format_time(min(milliseconds, 253_402_300_799_999))
