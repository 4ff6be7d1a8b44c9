"""Addresses that end in `.json` or `.csv`: the same as without, in that form.

For people, whose browsers ask for pages: such an address can be clicked, saved and sent. The front
page has no name, so its form is at `/index.json`. Nothing else is found by its ending.
"""

from __future__ import annotations

from typing import Final

from api.http.asgi import Scope
from api.http.problems import not_acceptable

_FORMS: Final = {".json": b"application/json", ".csv": b"text/csv"}
_ENDING: Final = "testamur.ending"
_AS_THEY_ARE: Final = frozenset({"/openapi.json"})
_FRONT: Final = "/index"


def asked_by_ending(scope: Scope) -> Scope:
    """Return the request for the address without its ending, which takes that form alone."""
    path = scope["path"]
    stem, dot, name = path.rpartition(".")
    form = _FORMS.get(dot + name)
    if form is None or not stem.rpartition("/")[2] or path in _AS_THEY_ARE:
        return scope
    stem = "/" if stem == _FRONT else stem
    others = [pair for pair in scope["headers"] if pair[0] != b"accept"]
    return {
        **scope,
        "path": stem,
        "raw_path": stem.encode("ascii", "replace"),
        "headers": [*others, (b"accept", form)],
        _ENDING: dot + name,
    }


def ending_of(scope: Scope) -> str:
    """Return the ending that the address of a request had, with its dot; empty for none."""
    ending: str = scope.get(_ENDING, "")
    return ending


def check_ending(scope: Scope, *taken: str) -> None:
    """Raise a 406 `Problem` if the address had an ending that is not one of those `taken`."""
    ending = ending_of(scope)
    if ending and ending not in taken:
        raise not_acceptable(f"this has no form {ending}; ask for it without an ending")
