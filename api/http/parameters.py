"""Which query parameters a path takes: those that the OpenAPI document names, and no others.

A misspelt parameter must not be ignored: a question about the past would get the answer of today.
The paths themselves check the values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Request

from api.http.problems import Problem


def check_named(given: Iterable[tuple[str, str]], known: Mapping[str, bool]) -> None:
    """Raise a 422 `Problem` for a parameter that is not known, or given twice.

    `known` says of each whether it may be repeated.
    """
    seen = set()
    for name, _ in given:
        if name not in known:
            takes = f"the parameters here are {', '.join(known)}" if known else "none is taken here"
            raise Problem(422, "parameter", f"there is no such parameter: {takes}", value=name)
        if name in seen and not known[name]:
            # Of two values, one would be ignored.
            detail = "this parameter is given twice; give it once"
            raise Problem(422, "parameter", detail, value=name)
        seen.add(name)


def without_blanks(query: str) -> str | None:
    """Return a query without the parameters that have no value; None if each has one."""
    pairs = parse_qsl(query, keep_blank_values=True)
    given = [(name, value) for name, value in pairs if value.strip()]
    return None if len(given) == len(pairs) else urlencode(given, safe=":")


async def _only_known(request: Request) -> None:
    # Most requests have no query, and must not pay for this.
    if request.scope["query_string"]:
        check_named(request.query_params.multi_items(), _named(request))


def _named(request: Request) -> dict[str, bool]:
    """Return the parameters of a path, and whether each may be repeated."""
    paths: dict[str, Any] = request.app.openapi()["paths"]
    operation = paths[request.scope["route"].path_format][request.method.lower()]
    return {
        each["name"]: each["schema"].get("type") == "array"
        for each in operation.get("parameters", ())
        if each["in"] == "query"
    }


OnlyKnown: Final = Depends(_only_known)
"""Makes a path refuse unknown parameters (422, rule `parameter`)."""
