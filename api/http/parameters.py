"""Which query parameters a path takes: those that the OpenAPI document names, and no others.

A misspelt parameter must not be ignored: a question about the past would get the answer of today.
The paths themselves check the values.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import Depends, Request

from api.http.problems import Problem


async def _only_known(request: Request) -> None:
    # Most requests have no query, and must not pay for this.
    if not request.scope["query_string"]:
        return
    known = _named(request)
    for name in request.query_params:
        if name not in known:
            takes = f"the parameters here are {', '.join(known)}" if known else "none is taken here"
            raise Problem(422, "parameter", f"there is no such parameter: {takes}", value=name)


def _named(request: Request) -> list[str]:
    paths: dict[str, Any] = request.app.openapi()["paths"]
    operation = paths[request.scope["route"].path_format][request.method.lower()]
    return [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]


OnlyKnown: Final = Depends(_only_known)
"""Makes a path refuse unknown parameters (422, rule `parameter`)."""
