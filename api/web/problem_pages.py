"""Pages of problems: what went wrong and what to do now, and what each rule says.

A problem's `type` is the address of the page of its rule, which is made from the table of the
rules (`api/http/problem_types`).
"""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Path, Request, Response

from api.http import conditional, openapi, problem_types
from api.http.asgi import CSP
from api.http.negotiation import media_type_taken
from api.http.problem_types import GROUPS, TYPES
from api.http.problems import Problem, not_acceptable
from api.http.zipping import in_gzip
from api.questions.answerer import Answerer, View
from api.questions.moment import NOW
from api.questions.table import CONTENT_TYPE, CSV, table
from api.web.finding import kinds_of
from api.web.languages import language_asked
from api.web.meant import Meant, meant
from api.web.moments import PATH, Moments, moments_of
from api.web.policy import HTML, PAGES_VARY, POLICY
from api.web.rendering import render

_JSON: Final = "application/json"
_HEADERS: Final = {"Cache-Control": "no-cache", "Vary": "Accept, Accept-Encoding"}
_NOTHING_THERE: Final = frozenset({404, 422})
_encode: Final = msgspec.json.Encoder().encode


class ProblemType(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A rule, what it says, and what the client that broke it can do. `type` is its address."""

    rule: str
    type: str
    group: str
    says: str
    remedy: str


class ProblemTypes(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Every rule that a problem document of this server names."""

    items: tuple[ProblemType, ...]


SHAPES: Final = (ProblemType, ProblemTypes)
_ALL: Final = ProblemTypes(
    items=tuple(
        ProblemType(
            rule=rule,
            type=problem_types.address(rule),
            group=group.heading,
            says=told.says,
            remedy=told.remedy,
        )
        for group in GROUPS
        for rule, told in sorted(group.types.items())
    )
)
_BY_RULE: Final = {each.rule: each for each in _ALL.items}

routes: Final = APIRouter(tags=["server"])


@routes.get(
    "/problems",
    summary="Every rule that a problem document names.",
    description="The same table that the server answers with: what each rule says, and what to do "
    "when it is broken.",
    response_class=Response,
    responses={200: openapi.answer(ProblemTypes, "All of them.")},
)
async def every_rule(request: Request) -> Response:
    return _answered(request, _ALL, "rules.html", groups=GROUPS)


@routes.get(
    problem_types.PATH + "/{rule}",
    summary="What a rule says, and what to do when it is broken.",
    description="The `type` of a problem document leads here.",
    response_class=Response,
    responses={
        200: openapi.answer(ProblemType, "The rule."),
        **openapi.problems(
            p404="No problem names such a rule.", p422="This is not the name of a rule."
        ),
    },
)
async def one_rule(
    request: Request,
    rule: Annotated[
        str,
        Path(
            pattern=r"^[a-z][a-z0-9-]{0,59}$",
            description="The member `rule` of a problem.",
            examples=["size-ahead"],
        ),
    ],
) -> Response:
    found = _BY_RULE.get(rule)
    if found is None:
        raise Problem(404, "no-such-path", "no problem names such a rule", value=rule)
    return _answered(request, found, "rule.html", rule=found)


def _answered(request: Request, found: msgspec.Struct, template: str, **facts: Any) -> Response:
    asker = request.scope["headers"]
    taken = media_type_taken(asker, (_JSON, CSV, HTML))
    headers = dict(_HEADERS)
    if taken == HTML:
        origin = request.app.state.origin
        body = render(template, {**facts, "origin": origin, "path": request.url.path, "query": ""})
        headers[CSP] = POLICY
        content = f"{HTML}; charset=utf-8"
    elif taken == CSV:
        body, content = table(found, type(found)), CONTENT_TYPE
    elif taken == _JSON:
        body, content = _encode(found), _JSON
    else:
        raise not_acceptable(f"this is sent as {_JSON}, {CSV} or {HTML}")
    return conditional.answer(
        body,
        content,
        headers,
        conditional.held(asker),
        zipped=in_gzip(body, asker) if taken == HTML else None,
    )


async def problem_page(request: Request, problem: Problem) -> Response:
    """Return a problem as a page: the rule, the remedy, and what may have been meant."""
    document = problem.document
    path = request.scope["path"]
    facts = {
        "problem": document,
        "told": TYPES.get(document.rule),
        "origin": request.app.state.origin,
        "moments": _moments(request, document.rule),
        "meant": await _meant(request, path) if document.status in _NOTHING_THERE else [],
        "asked": path,
        "typed": request.query_params.get("q") or request.query_params.get("name") or "",
    }
    language = language_asked(request.scope["headers"], request.query_params.get("lang"))
    headers = {"Cache-Control": "no-store", CSP: POLICY, "Vary": PAGES_VARY}
    return Response(
        render("problem.html", facts, language),
        document.status,
        headers={**headers, **problem.headers, "Content-Type": f"{HTML}; charset=utf-8"},
    )


def _moments(request: Request, rule: str) -> Moments | None:
    """Return what the page tells of other moments; None where the address asks about no moment."""
    path = quote(request.scope["path"], safe="/:")
    if rule == "no-such-path" or path == PATH:
        return None
    found = moments_of(f"{path}?{request.url.query}")
    return found if found.is_asked else None


async def _meant(request: Request, path: str) -> list[Meant]:
    """Return what may have been meant, and first what the register has under that very name."""
    guesses = meant(path)
    name = path.rstrip("/").rpartition("/")[2]
    answerer: Answerer = request.app.state.answerer

    def look(view: View) -> list[Meant]:
        return [Meant(f"{kind} with this id", address) for kind, address in kinds_of(view, name)]

    try:
        known = await answerer.ask(NOW, look)
    except Exception:  # noqa: BLE001  # a page that helps must not fail where its subject did
        known = []
    if not known:
        return [each for each in guesses if each.address.partition("?")[0] not in ("/find", path)]
    return known
