"""`POST /submissions`, beneath the framework: from the body to the receipt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Final, Literal, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

import msgspec

from api.http.asgi import JSON, NOT_KEPT, Receive, Scope, Send, answer, answer_problem
from api.http.intake import HungUp, Intake
from api.http.parameters import check_named
from api.http.problems import Problem, no_such_method, not_now, problem_of, refused
from api.operations.observer import Observer
from api.parts import Publication
from api.processes.wakeups import PUBLISH_SECONDS, Wakeups
from api.submissions.dry_runs import DryRuns
from api.submissions.hops import Hops
from api.submissions.quota import Quota
from api.submissions.receipts import Counted, Receipts
from api.submissions.recording import Recorder, RefusedForFlags
from log.proofs import Proofs
from registry.gate import Examined, Gate, Recorded
from testamur.catalogue import dry_run
from testamur.catalogue.submission import (
    MAX_BYTES,
    MEDIA_TYPE,
    first_line,
    submission_entry,
)
from testamur.errors import detached
from testamur.verification.receipt import Receipt

Wait: TypeAlias = Literal["durable", "published"]

BODIES_BYTES: Final = 256 * 1024 * 1024
"""What all bodies under way may take together."""
MAX_UNPUBLISHED: Final = 1_000_000
"""Entries that may wait for a checkpoint before new submissions are turned away."""
# From so many events on the receipt is made in a thread: it sums up flags line by line. Where the
# files of the log are beyond a network, every receipt is.
_INLINE_EVENTS: Final = 2_000
_CHECKERS: Final = 2
_PROVERS: Final = 4
_MOST_RECEIPTS: Final = 1_024  # that wait for a prover, or are with one

_encode: Final = msgspec.json.Encoder().encode


class Submissions:
    """Takes submissions in, and gives receipts out."""

    def __init__(
        self,
        gate: Gate,
        publishing: Publication,
        proofs: Proofs,
        wakeups: Wakeups,
        observer: Observer,
        quota: Quota | None = None,
        *,
        remote: bool = False,
    ) -> None:
        """Take submissions in for `gate`; `remote` says that proofs wait for a network."""
        self._publishing = publishing
        self._wakeups = wakeups
        self._observer = observer
        self._threads = ThreadPoolExecutor(_CHECKERS, thread_name_prefix="testamur-check")
        # Apart from the checks: while a bucket is silent, submissions are recorded all the same.
        self._provers = ThreadPoolExecutor(_PROVERS, thread_name_prefix="testamur-receipt")
        self._proving = 0
        self._inline_events = 0 if remote else _INLINE_EVENTS
        quota = quota or Quota()
        self._recorder = Recorder(gate, wakeups, self._threads, quota, observer.ways)
        self._receipts = Receipts(gate, proofs, lambda: publishing.latest)
        self._dry_runs = DryRuns(gate, quota)
        self.intake = Intake(self._threads, limit=MAX_BYTES, budget=BODIES_BYTES)

    def close(self) -> None:
        """Wait for checks under way."""
        self._threads.shutdown()
        self._provers.shutdown(wait=False, cancel_futures=True)
        self._dry_runs.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `POST /submissions`."""
        if scope["method"] != "POST":
            await answer_problem(send, no_such_method("GET, HEAD, POST, OPTIONS"))
            return
        hops = Hops()
        try:
            status, receipt = await self.submit(scope, receive, hops)
        except HungUp:
            self._observer.hung_up(hops, scope)
            return
        except Exception as error:  # noqa: BLE001  # the last place where it can be answered
            problem = problem_of(error)
            detached(error)
            found = problem.document
            self._observer.refused(hops, scope, found.status, found.rule)
            await answer_problem(send, problem)
        else:
            self._observer.receipt(hops, scope, status)
            await answer(send, status, [JSON, NOT_KEPT], receipt)

    async def submit(self, scope: Scope, receive: Receive, hops: Hops) -> tuple[int, bytes]:
        """Return the status (201, or 200 if it was recorded before) and the receipt as JSON.

        Its way is noted in `hops`. Raises `Problem`, `Refusal`, `Unavailable`, and `HungUp` when
        the client is gone.
        """
        wait, refuse_flags = wanted(scope.get("query_string", b""))
        self._refuse_while_behind()
        examined: Examined | None = None

        async def examine(start: bytes) -> bool:
            nonlocal examined
            line = first_line(start)
            if line is not None:
                examined = await self._recorder.examine(line)
                hops.header = examined.header
            return line is not None

        body = await self.intake.read(scope, receive, [MEDIA_TYPE], look=examine)
        hops.received, hops.bytes = perf_counter(), len(body)
        try:
            checked, recorded = await self._recorder.record(
                body, examined, hops, refuse_flags=refuse_flags
            )
        except RefusedForFlags as outcome:
            flags = await self._dry_runs.explain(outcome.checked, outcome.refusal)
            raise refused(outcome.refusal, flags) from None
        finally:
            self.intake.release(len(body))
        header, hops.recorded = checked.submission.header, recorded
        # The budget no longer counts the body, so it must not stay in memory while we wait.
        del body, checked
        entry = submission_entry(header.jws, recorded.recorded_at)
        if recorded.repeated:  # and perhaps recorded with another signature than this one
            entry = await asyncio.to_thread(self._receipts.entry, recorded)
        if wait == "published":
            await self._until_published(recorded)
            hops.published = perf_counter()
            hops.root = self._publishing.latest.checkpoint.root
        if recorded.events < self._inline_events:
            receipt = self._receipts.make(header.payload, entry, recorded)
        else:
            receipt = await self._proven(
                lambda: self._receipts.make(header.payload, entry, recorded)
            )
        return (200 if recorded.repeated else 201), _encode(receipt)

    async def check(self, scope: Scope, receive: Receive) -> bytes:
        """Return the check report of a dry run, as JSON; nothing is recorded.

        Raises what `submit` does; line 1 decides whether the others are read.
        """
        examined: Examined | None = None

        async def examine(start: bytes) -> bool:
            nonlocal examined
            line = first_line(start)
            if line is not None:
                examined = await self._recorder.examine_dry_run(line)
            return line is not None

        body = await self.intake.read(scope, receive, [dry_run.MEDIA_TYPE], look=examine)
        try:
            return await self._dry_runs.report(body, examined)
        finally:
            self.intake.release(len(body))

    async def find(self, issuer: str, jti: str, then: Counted | None = None) -> bytes:
        """Return the receipt of a submission recorded before; raises a 404 `Problem`.

        With `then`, it says whether the submission counted as of that size.
        """
        return _encode(await self._proven(lambda: self._receipts.find(issuer, jti, then)))

    async def _proven(self, make: Callable[[], Receipt]) -> Receipt:
        """Return the receipt that `make` makes in a thread; raises a 503 when too many wait."""
        if self._proving >= _MOST_RECEIPTS:
            raise not_now(
                "overloaded",
                "too many receipts wait for the files of the log; what was recorded stays "
                "recorded: send the same submission again for its receipt",
                retry_after=5,
            )
        self._proving += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._provers, make)
        finally:
            self._proving -= 1

    async def _until_published(self, recorded: Recorded) -> None:
        try:
            await self._wakeups.until(recorded.position + recorded.events + 1)
        except TimeoutError:
            raise not_now(
                "publication-delayed",
                f"recorded durably at position {recorded.position}, but no checkpoint covers it "
                f"within {PUBLISH_SECONDS:.0f} s; send the same submission again for its receipt",
                retry_after=10,
            ) from None

    def _refuse_while_behind(self) -> None:
        # Every recorded entry must be published; while that fails, no more may pile up.
        if self._publishing.failure is not None:
            raise not_now("publication-stopped", "the log is not being published", retry_after=60)
        if self._wakeups.stuck > PUBLISH_SECONDS:
            raise not_now("publication-delayed", "no checkpoint is being published", retry_after=10)
        if self._wakeups.unpublished > MAX_UNPUBLISHED:
            raise not_now("overloaded", "too many entries wait for a checkpoint")


class Wanted(NamedTuple):
    """How far a submission must come before the answer, and whether its flags stop it."""

    wait: Wait
    refuse_flags: bool = False


_OFFERED: Final[dict[str, Wait]] = {"durable": "durable", "published": "published"}
_TAKEN: Final = {"wait": False, "flags": False}
_FLAGS: Final = {"admit": False, "refuse": True}
_WANTED: Final = {
    b"": Wanted("published"),
    b"wait=published": Wanted("published"),
    b"wait=durable": Wanted("durable"),
    b"wait=published&flags=refuse": Wanted("published", refuse_flags=True),
}
"""Nearly every query string, so that it need not be parsed."""


def wanted(query: bytes) -> Wanted:
    """Return what a query string asks for; raises a 422 `Problem` for any other value."""
    known = _WANTED.get(query)
    if known is not None:
        return known
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    # A misspelt wish to be refused would be recorded for ever.
    check_named(pairs, _TAKEN)
    asked = dict(pairs)
    wait, flags = asked.get("wait", "published"), asked.get("flags", "admit")
    if wait == "witnessed":
        # Refused before anything is recorded: a receipt must not claim a quorum that never was.
        raise Problem(
            422,
            "no-witness-policy",
            "this log has no witnesses configured, so no receipt can be witnessed; nothing was "
            "recorded; ask for wait=published",
            value=wait,
        )
    if wait not in _OFFERED:
        raise Problem(422, "parameter", "wait is durable, published or witnessed", value=wait)
    if flags not in _FLAGS:
        raise Problem(422, "parameter", "flags is admit or refuse", value=flags)
    return Wanted(_OFFERED[wait], _FLAGS[flags])
