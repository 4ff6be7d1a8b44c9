"""Submissions over HTTP: from bytes to a receipt.

`POST /submissions` answers 201 with a receipt of the state that was asked for, or with a
problem: what it acknowledges is durable at least, and what it calls published is proven to be in
the checkpoint that the receipt carries. A receipt is a function of the log and never stored, so
the same submission sent again gets the same receipt. A problem with status 503 after the body
arrived says nothing about whether the submission was recorded: send it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Final, Literal, TypeAlias, cast
from urllib.parse import parse_qsl

import msgspec
from fastapi import APIRouter, Depends, Path, Request, Response

from api.health import Tally
from api.http import openapi
from api.http.asgi import JSON, NOT_KEPT, Receive, Scope, Send, answer, answer_problem
from api.http.intake import HungUp, Intake
from api.http.problems import Problem, not_now, problem_of
from api.processes.publishing import Publishing
from api.processes.wakeups import COMMIT_SECONDS, PUBLISH_SECONDS, Wakeups
from api.questions.moment import DID, UUID
from log.proofs import Proofs
from registry.gate import Checked, DryRun, Gate, Outcome, Recorded
from testamur.catalogue.submission import (
    MAX_BYTES,
    MEDIA_TYPE,
    Header,
    format_time,
    parse_submission_entry,
    submission_entry,
)
from testamur.errors import Refusal, Unavailable, detached
from testamur.tlog.proof import TlogProof
from testamur.verification.receipt import Flagged, Receipt, encode_path, flagged

Wait: TypeAlias = Literal["durable", "published", "witnessed"]

# From this size on a submission is checked by itself, below it together with so many others.
ALONE_BYTES: Final = 32 * 1024
TOGETHER: Final = 32
# From so many events on the receipt is made in a thread: it sums up flags line by line.
INLINE_EVENTS: Final = 2_000
BODIES_BYTES: Final = 512 * 1024 * 1024
"""What all bodies under way may take together."""
MAX_UNPUBLISHED: Final = 1_000_000
"""Entries that may wait for a checkpoint before new submissions are turned away."""
MAX_REPORTED: Final = 1_000
"""Refusals that a dry run lists: a few bytes sent must not make megabytes to answer."""
_CHECKERS: Final = 2


_log: Final = logging.getLogger(__name__)
_encode: Final = msgspec.json.Encoder().encode


class RefusalReport(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, rename="camel"
):
    """One broken rule; `line` counts from 1, the header of the submission being line 1."""

    rule: str
    detail: str
    line: int | None = None
    value: str | None = None


class CheckReport(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """What a dry run found: `accepted` as of `size`, and everything that is wrong.

    Of more than 1,000 refusals the first are listed, and `left_off` counts the others.
    """

    format: Literal["testamur/check/1"]
    accepted: bool
    size: int
    refusals: tuple[RefusalReport, ...]
    flags: tuple[Flagged, ...]
    left_off: int = 0


@dataclass(slots=True)
class _Offered:
    """A body on its way through a thread to the gate; `ticket` tells what came of it."""

    body: bytes
    ticket: asyncio.Future[Outcome]
    checked: Checked | None = None


class Submissions:
    """Takes submissions in, and gives receipts out."""

    def __init__(
        self, gate: Gate, publishing: Publishing, proofs: Proofs, wakeups: Wakeups, tally: Tally
    ) -> None:
        self._gate = gate
        self._publishing = publishing
        self._proofs = proofs
        self._wakeups = wakeups
        self._tally = tally
        self._pool = ThreadPoolExecutor(_CHECKERS, thread_name_prefix="testamur-check")
        # Of their own, so that no crowd of dry runs keeps submissions from being checked.
        self._rehearsals = ThreadPoolExecutor(1, thread_name_prefix="testamur-dry-run")
        self._unchecked: list[_Offered] = []
        self.intake = Intake(self._pool, limit=MAX_BYTES, budget=BODIES_BYTES)

    def close(self) -> None:
        """Wait for checks under way."""
        self._pool.shutdown()
        self._rehearsals.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `POST /submissions`."""
        if scope["method"] != "POST":
            allow = {"Allow": "POST, OPTIONS"}
            problem = Problem(405, "method", "submissions are posted", headers=allow)
            await answer_problem(send, problem)
            return
        try:
            status, receipt = await self.submit(scope, receive)
        except HungUp:
            return
        except Exception as error:  # noqa: BLE001  # the last place where one can be answered
            problem = problem_of(error)
            detached(error)
            self._tally.refused(problem.document.rule)
            await answer_problem(send, problem)
        else:
            await answer(send, status, [JSON, NOT_KEPT], receipt)

    async def submit(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        """Return the status, 201 or 200 if it was recorded before, and the receipt as JSON.

        Raises `Problem`, `Refusal`, `Unavailable`, and `HungUp` when the client is gone.
        """
        started = perf_counter()
        wait = wanted(scope.get("query_string", b""))
        self._refuse_while_behind()
        body = await self.intake.read(scope, receive, [MEDIA_TYPE])
        try:
            checked, recorded = await self._record(body)
        finally:
            self.intake.release(len(body))
        header = checked.submission.header
        # What was sent is counted no more, so whoever waits for a checkpoint must not hold it.
        del body, checked
        entry = submission_entry(header.jws, recorded.recorded_at)
        if recorded.repeated:  # and perhaps recorded with another signature than this one
            entries, _ = await asyncio.to_thread(self._gate.read, recorded.position, 1)
            entry = entries[0]
        if wait == "published":
            await self._until_published(recorded)
        if recorded.events < INLINE_EVENTS:
            receipt = self._receipt(header.payload, entry, recorded)
        else:
            receipt = await asyncio.to_thread(self._receipt, header.payload, entry, recorded)
        self._tally.accepted(recorded.events, perf_counter() - started)
        return (200 if recorded.repeated else 201), _encode(receipt)

    async def check(self, scope: Scope, receive: Receive) -> bytes:
        """Return what a submission would meet with, as JSON; nothing is recorded."""
        body = await self.intake.read(scope, receive, [MEDIA_TYPE])
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._rehearsals, self._rehearse, body)
        finally:
            self.intake.release(len(body))

    def _rehearse(self, body: bytes) -> bytes:
        return _encode(report_of(self._gate.dry_run(body)))

    async def find(self, issuer: str, jti: str) -> bytes:
        """Return the receipt of a submission recorded before; raises a 404 `Problem`."""
        return await asyncio.to_thread(self._found, issuer, jti)

    def _found(self, issuer: str, jti: str) -> bytes:
        recorded = self._gate.receipt(issuer, jti)
        if recorded is None:
            raise Problem(404, "unknown-submission", f"{issuer} never submitted this", value=jti)
        (entry,), _ = self._gate.read(recorded.position, 1)
        header = parse_submission_entry(entry)[1].payload
        return _encode(self._receipt(header, entry, recorded))

    def _receipt(self, header: Header, entry: bytes, recorded: Recorded) -> Receipt:
        """Return the receipt in the furthest state that holds now."""
        proof, end_path = self._proof(recorded.position, recorded.position + recorded.events)
        return Receipt(
            format="testamur/receipt/1",
            state="durable" if proof is None else "published",
            log=header.aud,
            issuer=header.iss,
            jti=header.jti,
            position=recorded.position,
            events=recorded.events,
            recorded_at=format_time(recorded.recorded_at),
            entry=entry.decode(),
            flags=flagged(recorded.flags),
            repeated=recorded.repeated,
            proof=proof,
            end_path=end_path,
        )

    def _proof(self, position: int, end: int) -> tuple[str, tuple[str, ...]] | tuple[None, None]:
        """Return the proof of entry `position` and the path of entry `end`, if published."""
        latest = self._publishing.latest
        if latest.size <= end:
            return None, None
        path = self._proofs.inclusion(position, latest.size)
        proof = TlogProof(position, tuple(path), latest.note).render().decode()
        return proof, encode_path(self._proofs.inclusion(end, latest.size))

    async def _record(self, body: bytes) -> tuple[Checked, Recorded]:
        """Return the submission in `body`, and where it was recorded."""
        offered = _Offered(body, self._wakeups.ticket())
        if len(body) >= ALONE_BYTES:
            self._pool.submit(self._offer_each, [offered])
        else:
            self._unchecked.append(offered)
            if len(self._unchecked) == 1:
                # What else arrives in this turn of the loop goes along: crossing to a thread
                # costs as much as checking, unless it is shared.
                asyncio.get_running_loop().call_soon(self._offer_together)
        try:
            outcome = await offered.ticket
        except TimeoutError:
            raise not_now(
                "commit-delayed",
                f"not settled within {COMMIT_SECONDS:.0f} s; it may still be recorded, so send "
                "the same submission again",
            ) from None
        if isinstance(outcome, Exception):
            raise outcome
        assert offered.checked is not None  # noqa: S101  # or it had not been offered
        return offered.checked, outcome

    def _offer_together(self) -> None:
        together, self._unchecked = self._unchecked, []
        for at in range(0, len(together), TOGETHER):
            self._pool.submit(self._offer_each, together[at : at + TOGETHER])

    def _offer_each(self, together: Sequence[_Offered]) -> None:
        """Check submissions and let the gate have them; in a thread.

        The event loop hears of them when they are settled, and not before: it may have a crowd
        to attend to.
        """
        failed: list[tuple[object, Outcome]] = []
        for offered in together:
            try:
                offered.checked = self._gate.check(offered.body)
                self._gate.offer(offered.checked, offered.ticket)
            except (Refusal, Unavailable) as error:
                failed.append((offered.ticket, detached(error)))
            except Exception:  # noqa: BLE001  # a fault of ours: whoever waits must hear of it
                _log.exception("a submission could not be checked")
                failed.append((offered.ticket, Unavailable("it could not be checked")))
        if failed:
            self._wakeups.on_settled(failed)

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
        # What is recorded must be published: while that cannot be, more must not pile up.
        if self._publishing.failure is not None:
            raise not_now("publication-stopped", "the log is not being published", retry_after=60)
        if self._wakeups.stuck > PUBLISH_SECONDS:
            raise not_now("publication-delayed", "no checkpoint comes out", retry_after=10)
        if self._wakeups.unpublished > MAX_UNPUBLISHED:
            raise not_now("overloaded", "too many entries wait for a checkpoint")


_OFFERED: Final[dict[str, Wait]] = {"durable": "durable", "published": "published"}
_WANTED: Final[dict[bytes, Wait]] = {
    b"": "published",
    b"wait=published": "published",
    b"wait=durable": "durable",
}
"""What is asked for nearly always, so that it need not be taken apart."""


def wanted(query: bytes) -> Wait:
    """Return the `wait` of a query string; raises `Problem` for one that cannot be had."""
    known = _WANTED.get(query)
    if known is not None:
        return known
    wait = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)).get("wait", "published")
    if wait == "witnessed":
        # Refused before anything is recorded: a receipt may not claim what nobody attested.
        raise Problem(
            422,
            "no-witness-policy",
            "this log has no witnesses configured, so no receipt can be witnessed; nothing was "
            "recorded; ask for wait=published",
            value=wait,
        )
    if wait not in _OFFERED:
        raise Problem(422, "parameter", "wait is durable, published or witnessed", value=wait)
    return _OFFERED[wait]


def report_of(found: DryRun) -> CheckReport:
    """Return the report that a dry run makes."""
    refusals = tuple(
        RefusalReport(rule=each.rule, detail=each.detail, line=each.line, value=each.value)
        for each in found.refusals[:MAX_REPORTED]
    )
    return CheckReport(
        format="testamur/check/1",
        accepted=not refusals,
        size=found.size,
        refusals=refusals,
        flags=flagged(found.flags),
        left_off=len(found.refusals) - len(refusals),
    )


def _submissions(request: Request) -> Submissions:
    return cast("Submissions", request.app.state.submitting)


Submitting = Annotated[Submissions, Depends(_submissions)]
routes: Final = APIRouter(tags=["submissions"])

_BODY: Final = {
    "requestBody": {
        "required": True,
        "description": "The submission file; Content-Encoding gzip is taken too.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}
_REFUSALS: Final = openapi.problems(
    p400="The body is not what its headers say.",
    p403="The signer is not entitled to this.",
    p408="The body did not arrive in time.",
    p409="The issuer used this jti for another submission.",
    p413="A limit on sizes is exceeded.",
    p415="Another media type or content coding.",
    p422="A rule is broken: which, on which line, by what value.",
    p503="Not now. Retry-After says when to send the same submission again.",
)


_RECEIPT: Final = openapi.answer(Receipt, "The receipt, in the state that was asked for.")
_RECORDED_BEFORE: Final = {
    **_RECEIPT,
    "description": "It was recorded before; this is its receipt.",
}

SUBMIT_PATH: Final[openapi.Json] = {
    "/submissions": {
        "post": {
            "tags": ["submissions"],
            "summary": "Submit events; the answer is a receipt.",
            "operationId": "submit",
            "parameters": [
                {
                    "name": "wait",
                    "in": "query",
                    "description": "How far it must have come before the answer.",
                    "schema": {
                        "type": "string",
                        "enum": ["durable", "published", "witnessed"],
                        "default": "published",
                    },
                }
            ],
            **_BODY,
            "responses": {
                "201": _RECEIPT,
                "200": _RECORDED_BEFORE,
                **{str(status): problem for status, problem in _REFUSALS.items()},
            },
        }
    }
}
"""What the OpenAPI document says of the path that is answered beneath the framework."""


@routes.post(
    "/submissions/check",
    summary="What a submission would meet with; nothing is recorded.",
    openapi_extra=_BODY,
    responses={200: openapi.answer(CheckReport, "Everything that is wrong."), **_REFUSALS},
)
async def check(submitting: Submitting, request: Request) -> Response:
    found = await submitting.check(request.scope, request.receive)
    return Response(found, media_type="application/json")


@routes.get(
    "/submissions/{issuer}/{jti}",
    summary="The receipt of a submission recorded before.",
    responses={
        200: openapi.answer(Receipt, "The receipt, in the furthest state that holds now."),
        **openapi.problems(p404="No such submission here.", p422="Not a DID or not a UUID."),
    },
)
async def receipt_of(
    submitting: Submitting,
    issuer: Annotated[str, Path(pattern=DID, max_length=240)],
    jti: Annotated[str, Path(pattern=UUID)],
) -> Response:
    found = await submitting.find(issuer, jti)
    return Response(found, media_type="application/json", headers={"Cache-Control": "no-cache"})
