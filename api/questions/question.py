"""What all questions share: their parameters, the form of a list, and how an answer is sent.

A question is a plain function of a `View` of the register, which finds something and returns one
of the shapes beside it. Every answer names the tree size it holds for, in its body and in the
header `Testamur-Size`, and in `recordedAt` the register's time of the last entry below that
size. So it can be asked again later and compared. No shape has room for personal data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from fastapi import Depends, Path, Query, Request, Response

from api.http.openapi import Responses, answer, problems
from api.questions.answerer import Answerer, View
from api.questions.moment import DID, UUID, Moment, PageRequest
from projections.page import Page
from projections.standing import Fallen, Happened
from testamur.catalogue.events import wire_name
from testamur.catalogue.submission import format_time
from testamur.rules import Flags, key_table, status
from testamur.rules.effective import effective_at
from testamur.rules.reach import Reach

Item = TypeVar("Item")
T = TypeVar("T")

Did = Annotated[
    str, Path(pattern=DID, examples=["did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"])
]
Uuid = Annotated[str, Path(pattern=UUID, examples=["019aa5f0-5c00-7000-8000-000000000001"])]
Flagged = Annotated[bool, Query(description="Only what was admitted in breach of policy.")]

_NO_SUCH: Final = problems(
    p404="Not in the register as of that size, which the problem names.",
    p422="A parameter is wrong, or asks about the future.",
    p503="The projections have not reached that size yet.",
)
_encode: Final = msgspec.json.Encoder().encode


class Shape(
    msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, rename="camel"
):
    """A JSON object; a member without a value is left out."""


class Listed(Shape, Generic[T], frozen=True, gc=False, kw_only=True):
    """A page of a list in log order; `next` is the address of the next page, if there is one."""

    size: int
    recorded_at: str | None
    items: tuple[T, ...]
    next: str | None = None


class BecauseOf(Shape, frozen=True, gc=False, kw_only=True):
    """Why something does not count, and the position of the key event that says so."""

    reason: str
    position: int | None = None


class HistoryLine(Shape, frozen=True, gc=False, kw_only=True):
    """An event that `by` signed with `key`, in the submission with its header at `submission`.

    `status` is what it set the status to, if it did, and `effective_at` the day from which it says
    that it holds. `acted_for` is given where its signer acted for another organization. Where
    `counts` is false, `because_of` says why. `reach` sums up what a declaration changed about the
    counting of earlier submissions, when it was admitted.
    """

    event: str
    version: int
    position: int
    submission: int
    recorded_at: str
    by: str
    key: str
    counts: bool
    status: str | None = None
    flags: Flags = ()
    reach: Reach | None = None
    reason: str | None = None
    effective_at: date | None = None
    successor: str | None = None
    acted_for: tuple[str, ...] = ()
    because_of: BecauseOf | None = None


class Act(Shape, frozen=True, gc=False, kw_only=True):
    """What an organization did to a thing, and for whom: its owner, or who named it successor.

    `effective_at` is the day from which it says that it holds. That is for people to know: the
    status changed at `position`.
    """

    event: str
    position: int
    recorded_at: str
    by: str
    acted_for: tuple[str, ...]
    reason: str | None = None
    effective_at: date | None = None
    successor: str | None = None


class NotCounted(Shape, frozen=True, gc=False, kw_only=True):
    """An entry about a thing that does not count, and why."""

    event: str
    position: int
    recorded_at: str
    by: str
    key: str
    because_of: BecauseOf


def because_of(why: key_table.NotCounted | None) -> BecauseOf | None:
    """Return why something does not count, as an answer says it; None if it counts."""
    return None if why is None else BecauseOf(reason=why.reason, position=why.position)


def history_line(found: Happened) -> HistoryLine:
    """Return one event, as an answer tells it."""
    by = found.signed.organization
    return HistoryLine(
        event=found.event,
        version=found.version,
        position=found.position,
        submission=found.signed.position,
        recorded_at=format_time(found.signed.recorded_at),
        by=by,
        key=found.signed.key,
        counts=found.because is None,
        status=found.status,
        flags=found.flags,
        reach=found.reach,
        reason=found.reason,
        effective_at=found.effective_at,
        successor=found.successor,
        acted_for=() if found.acted_for == (by,) else found.acted_for,
        because_of=because_of(found.because),
    )


def act(found: status.Act) -> Act:
    """Return what somebody did to a thing, as an answer tells it."""
    said = found.said
    return Act(
        event=wire_name(said.event),
        position=said.position,
        recorded_at=format_time(said.signed.recorded_at),
        by=said.actor,
        acted_for=found.acted_for,
        reason=getattr(said.event, "reason", None),
        effective_at=effective_at(said.event),
        successor=getattr(said.event, "successor", None),
    )


def not_counted(found: Iterable[Fallen]) -> tuple[NotCounted, ...]:
    """Return entries that do not count, as an answer tells them."""
    return tuple(
        NotCounted(
            event=each.event,
            position=each.position,
            recorded_at=format_time(each.signed.recorded_at),
            by=each.signed.organization,
            key=each.signed.key,
            because_of=BecauseOf(reason=each.because.reason, position=each.because.position),
        )
        for each in found
    )


def described(kind: Any) -> Responses:
    """Return what the OpenAPI document says of an answer of `kind`."""
    return {200: answer(kind, "As of the size named.", sized=True), **_NO_SUCH}


async def answered(answerer: Answerer, moment: Moment, find: Callable[[View], Any]) -> Response:
    """Return the answer to a question: what `find` finds in the register as of `moment`."""
    found = await answerer.ask(moment, find)
    return Response(
        _encode(found),
        media_type="application/json",
        headers={
            "Testamur-Size": str(found.size),
            # The answer for a size never changes. The answer for a time may, until the log has
            # grown past it.
            "Cache-Control": "no-cache" if moment.size is None else "public, max-age=3600",
        },
    )


def listed(
    view: View, asked: PageRequest, page: Page[Item], shown: Callable[[Item], T]
) -> Listed[T]:
    """Return a page, each item as `shown` shows it; the next page is asked as of the same size."""
    return Listed(
        size=view.size,
        recorded_at=view.recorded_at,
        items=tuple(map(shown, page.items)),
        next=None if page.next is None else asked.following(page.next, view.size),
    )


async def _answerer(request: Request) -> Answerer:
    answerer: Answerer = request.app.state.answerer
    return answerer


Answering = Annotated[Answerer, Depends(_answerer)]
