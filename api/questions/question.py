"""What all questions share: their parameters, the form of a list, and how an answer is sent.

A question is a plain function of a `View` of the register, which finds something and returns one
of the shapes beside it. Every answer names the tree size it holds for, in its body and in the
header `Testamur-Size`, and in `recordedAt` the register's time of the last entry below that
size. So it can be asked again later and compared. No shape has room for personal data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec
from fastapi import Depends, Path, Query, Request, Response

from api.http import conditional, examples
from api.http.asgi import CSP, Headers
from api.http.negotiation import media_type_taken
from api.http.openapi import Responses, answer, problems
from api.http.own_address import address_of
from api.http.problems import not_acceptable
from api.http.zipping import in_gzip
from api.questions import links as at
from api.questions.answerer import Answerer, View
from api.questions.filters import ListRequest
from api.questions.links import Links
from api.questions.moment import DID, UUID, Moment, PageRequest
from api.questions.table import CONTENT_TYPE, CSV, columns, table
from api.web.languages import language_asked
from api.web.policy import HTML, PAGES_VARY, POLICY
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
    str,
    Path(
        pattern=DID,
        description="The DID of an organization: the did:key of its founding key. Another "
        "spelling is led to this one (308).",
        examples=[examples.DID],
    ),
]
Uuid = Annotated[
    str,
    Path(
        pattern=UUID,
        description="An id, a UUID in small letters. Another spelling is led to this one (308).",
        examples=[examples.ID],
    ),
]
Flagged = Annotated[
    bool,
    Query(description="Only what was admitted in breach of policy.", examples=[True]),
]

_NO_NAME: Final = re.compile(r"[^A-Za-z0-9.-]+")
_JSON: Final = "application/json"
_MEDIA_TYPES: Final = (_JSON, CSV)
_CONTENT_TYPES: Final = {_JSON: _JSON, CSV: CONTENT_TYPE, HTML: f"{HTML}; charset=utf-8"}
_NOT_HERE: Final = problems(
    p308="An id is in another spelling: the thing is at `Location`.",
    p404="Not in the register as of that size, which the problem names.",
    p406="Neither JSON nor CSV is acceptable, nor gzip where a plain answer is not.",
    p422="A parameter is wrong, unknown, given twice, or asks about the future.",
    p503="The projections have not reached that size yet, or the server is busy.",
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
    links: Links
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
        links={"entry": at.entry(found.position)} | at.signer(by, found.signed.position, "by"),
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


class Asker(NamedTuple):
    """A client that asks: where its answer comes from, what it takes, and what it has already.

    `name` is what a file with the answer may be called, `address` the path and query asked for at
    the address `server`, `lang` the language in that query.
    """

    answerer: Answerer
    pages: Mapping[Any, PageMaker]
    headers: Headers
    name: str
    server: str
    address: str
    lang: str | None

    @property
    def language(self) -> str:
        """The language of a page for this client."""
        return language_asked(self.headers, self.lang)

    @property
    def held(self) -> bytes | None:
        """The tags of what the client has already, if it names any."""
        return conditional.held(self.headers)

    def takes(self, offered: Sequence[str]) -> str:
        """Return the media type that the client likes best; raises a 406 `Problem` for none."""
        taken = media_type_taken(self.headers, offered)
        if taken is None:
            raise not_acceptable(f"this is sent as {' or '.join(offered)}")
        return taken


PageMaker: TypeAlias = Callable[[View, Any, Asker], bytes]
"""Makes the page of an answer for people: of a view, what was found there, and who asked."""


def described(kind: Any, *, csv: bool = True) -> Responses:
    """Return what the OpenAPI document says of an answer of `kind`, in JSON or also in CSV."""
    found = answer(kind, "As of the size named.", sized=True)
    if csv:
        header = ",".join(columns(kind))
        found["content"][CSV] = {"schema": {"type": "string"}, "example": f"{header}\n"}
    return {200: found, 304: {"description": "What the client has is still right."}, **_NOT_HERE}


async def answered(
    asker: Asker, moment: Moment, kind: Any, find: Callable[[View], Any]
) -> Response:
    """Return the answer to a question: what `find` finds in the register as of `moment`.

    `kind` is the shape of what it finds.
    """

    page = asker.pages.get(kind)
    media_type = asker.takes(_MEDIA_TYPES if page is None else (*_MEDIA_TYPES, HTML))

    def answer_to(view: View) -> Response:
        found = find(view)
        if media_type == HTML and page is not None:
            body = page(view, found, asker)
        else:
            body = table(found, kind) if media_type == CSV else _encode(found)
        return conditional.answer(
            body,
            _CONTENT_TYPES[media_type],
            _headers(asker, moment, media_type, found),
            asker.held,
            zipped=in_gzip(body, asker.headers) if media_type == HTML else None,
        )

    return await asker.answerer.ask(moment, answer_to)


def _headers(asker: Asker, moment: Moment, media_type: str, found: Any) -> dict[str, str]:
    headers = {
        "Testamur-Size": str(found.size),
        # The answer for a size never changes. The answer for a time may, until the log has grown
        # past it.
        "Cache-Control": "no-cache" if moment.size is None else "public, max-age=3600",
        "Vary": "Accept, Accept-Encoding",
    }
    following = getattr(found, "next", None)
    if following is not None:
        headers["Link"] = f'<{following}>; rel="next"'
    if media_type == CSV:
        # A table has no place for the size it holds for, and a file loses the header.
        headers["Content-Disposition"] = f'attachment; filename="{asker.name}-{found.size}.csv"'
    if media_type == HTML:
        # It says how old it is.
        headers |= {"Cache-Control": "no-cache", CSP: POLICY, "Vary": PAGES_VARY}
    return headers


def listed(
    view: View, asked: PageRequest | ListRequest, page: Page[Item], shown: Callable[[Item], T]
) -> Listed[T]:
    """Return a page, each item as `shown` shows it; the next page is asked as of the same size."""
    request = asked.page if isinstance(asked, ListRequest) else asked
    return Listed(
        size=view.size,
        recorded_at=view.recorded_at,
        items=tuple(map(shown, page.items)),
        next=None if page.next is None else request.following(page.next, view.size),
    )


async def _asker(request: Request) -> Asker:
    path, query = request.url.path, request.url.query
    return Asker(
        answerer=request.app.state.answerer,
        pages=request.app.state.pages,
        headers=request.scope["headers"],
        name=_NO_NAME.sub("-", path.rpartition("/")[2]),
        server=address_of(request),
        address=f"{path}?{query}" if query else path,
        lang=request.query_params.get("lang") if query else None,
    )


Asking = Annotated[Asker, Depends(_asker)]
