"""Which methods a path takes, as the OpenAPI document says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI

_ALSO: Final = {"/openapi.json": {"get"}}
_PLACE: Final = re.compile(r"\{[^}]*\}")


_METHODS: Final = frozenset(("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"))


def known_method(method: str) -> str:
    """Return the method, or `other`, to count it under: a client may send any word."""
    return method if method in _METHODS else "other"


def methods_of(framework: FastAPI, path: str) -> str | None:
    """Return the methods of a path, as `Allow` lists them; None if there is no such path."""
    known = getattr(framework.state, "methods", None)
    if known is None:
        known = framework.state.methods = _read(framework.openapi())
    return next((methods for pattern, methods in known if pattern.fullmatch(path)), None)


def _read(document: Mapping[str, Any]) -> list[tuple[re.Pattern[str], str]]:
    paths: dict[str, Any] = {**document["paths"], **_ALSO}
    return [
        (re.compile(_PLACE.sub("[^/]+", path)), _allowed(operations))
        for path, operations in paths.items()
    ]


def _allowed(operations: Mapping[str, Any] | set[str]) -> str:
    methods = [name.upper() for name in operations]
    if "GET" in methods:
        methods.insert(1, "HEAD")
    return ", ".join((*methods, "OPTIONS"))
