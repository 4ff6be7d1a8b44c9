"""What all questions share: their parameters, the form of a list, and how an answer is sent.

A question is a plain function of a `View` of the register, which finds something and returns one
of the shapes beside it. Every answer names the tree size it holds for, in its body and in the
header `Testamur-Size`, and in `recordedAt` the register's time of the last entry below that
size. So it can be asked again later and compared. No shape has room for personal data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from fastapi import Depends, Path, Query, Request, Response

from api.http.openapi import Responses, answer, problems
from api.questions.answerer import Answerer, View
from api.questions.moment import DID, UUID, Moment, PageRequest
from projections.page import Page
from projections.versions import StreamEvent
from testamur.rules import Flags

Item = TypeVar("Item")
T = TypeVar("T")

Did = Annotated[str, Path(pattern=DID, max_length=240, examples=["did:web:university.example"])]
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


class HistoryLine(Shape, frozen=True, gc=False, kw_only=True):
    """One event of a stream and the status after it; `submission` is its header's position."""

    event: str
    version: int
    position: int
    status: str | None = None
    submission: int | None = None
    recorded_at: str | None = None
    flags: Flags = ()
    reason: str | None = None
    successor: str | None = None


def stream_line(found: StreamEvent) -> HistoryLine:
    """Return one event of an achievement, accreditation or recognition."""
    return HistoryLine(
        event=found.event, version=found.version, position=found.position, status=found.status
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
