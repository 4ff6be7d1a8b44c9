"""What every question is made of: a moment, what to find as of then, and how that is shown.

A question about one thing finds it in a `View` of the register; a question for a list finds a
page and names what shows each item. What nobody knows is a 404, and every answer says in
`Testamur-Size` which size it holds for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from fastapi import Depends, Path, Query, Request, Response
from sqlalchemy import Connection

from api.http.openapi import Responses, answer, problems
from api.questions.answers import Listed
from api.questions.moment import DID, UUID, Asked, PageOf, Turned, When
from api.questions.register import Register, View
from projections.page import Page

Found = TypeVar("Found")
Item = TypeVar("Item")

Did = Annotated[str, Path(pattern=DID, max_length=240, examples=["did:web:university.example"])]
Uuid = Annotated[str, Path(pattern=UUID, examples=["019aa5f0-5c00-7000-8000-000000000001"])]
Flagged = Annotated[bool, Query(description="Only what was admitted in breach of policy.")]

Finding: TypeAlias = Callable[[View, Turned], Page[Item]]
"""Finds the page of a list that is asked for."""

_NO_SUCH: Final = problems(
    p404="Not in the register as of that size, which the problem names.",
    p422="A parameter is wrong, or asks about what is yet to come.",
    p503="The projections have not reached that size yet.",
)
_encode: Final = msgspec.json.Encoder().encode


def described(kind: Any) -> Responses:
    """Return what the OpenAPI document says of an answer of `kind`."""
    return {200: answer(kind, "As of the size named.", sized=True), **_NO_SUCH}


class Question:
    """A question to the register as of a moment."""

    def __init__(self, register: Register, when: Asked) -> None:
        self._register = register
        self._when = when

    async def answer(self, find: Callable[[View], Any]) -> Response:
        """Answer with what `find` finds."""
        found = await self._register.ask(self._when, find)
        return Response(
            _encode(found),
            media_type="application/json",
            headers={
                "Testamur-Size": str(found.size),
                # What was so at a size stays so; what is so at a time does once the time is past.
                "Cache-Control": (
                    "no-cache" if self._when.size is None else "public, max-age=3600"
                ),
            },
        )

    async def thing(
        self,
        kind: str,
        name: str,
        find: Callable[[Connection, str, int], Found | None],
        shown: Callable[[Found, str | None], Any],
    ) -> Response:
        """Answer with the thing `name`, as `shown` shows it; a 404 `Problem` if there is none."""
        return await self.answer(lambda view: shown(view.known(kind, name, find), view.as_of))


class ListQuestion(Question):
    """A question for one page of a list, asked at the address `path`."""

    def __init__(self, register: Register, when: Asked, turned: Turned, path: str) -> None:
        super().__init__(register, when)
        self._turned = turned
        self._path = path

    async def lines(
        self, find: Finding[Item], shown: Callable[[Item], Any], **choice: str | bool
    ) -> Response:
        """Answer with the page that `find` finds, each item as `shown` shows it.

        The address of the next page holds to the same size and `choice`.
        """
        return await self.answer(lambda view: self._listed(view, find, shown, choice))

    async def answers(
        self, find: Finding[Item], shown: Callable[[Item, str | None], Any], **choice: str | bool
    ) -> Response:
        """Answer with the same, where `shown` takes the time that the page is as of too."""

        def listed(view: View) -> Listed[Any]:
            return self._listed(view, find, lambda found: shown(found, view.as_of), choice)

        return await self.answer(listed)

    def _listed(
        self,
        view: View,
        find: Finding[Item],
        shown: Callable[[Item], Any],
        choice: dict[str, str | bool],
    ) -> Listed[Any]:
        page = find(view, self._turned)
        following = None
        if page.next is not None:
            chosen = {name: str(value).lower() for name, value in choice.items()}
            place = {"cursor": page.next, "limit": self._turned.limit, "size": view.size}
            following = f"{quote(self._path, safe='/:')}?{urlencode(place | chosen)}"
        items = tuple(map(shown, page.items))
        return Listed(size=view.size, as_of=view.as_of, items=items, next=following)


def of(
    kind: str,
    name: str,
    find: Callable[[Connection, str, int], object],
    listed: Callable[..., Page[Item]],
) -> Finding[Item]:
    """Return what finds the list of the thing `name`; a 404 `Problem` if `find` finds none."""

    def found(view: View, turned: Turned) -> Page[Item]:
        view.known(kind, name, find)
        return listed(view.connection, name, view.size, **turned.options)

    return found


async def _register(request: Request) -> Register:
    register: Register = request.app.state.register
    return register


Answering = Annotated[Register, Depends(_register)]


async def _question(register: Answering, when: When) -> Question:
    return Question(register, when)


async def _list_question(
    register: Answering, request: Request, when: When, turned: PageOf
) -> ListQuestion:
    return ListQuestion(register, when, turned, request.url.path)


OneThing = Annotated[Question, Depends(_question)]
ListOf = Annotated[ListQuestion, Depends(_list_question)]
