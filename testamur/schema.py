"""How a document breaks its schema, in words a person can act on.

msgspec names the place and, for a text that does not match, the pattern. This module looks up the
value at that place, and replaces the pattern by an example that matches it. It decides nothing:
the document was refused before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, get_args

import msgspec

_PLACED: Final = re.compile(r"(?P<what>.*) - at `(?P<place>\$[^`]*)`", re.DOTALL)
_PATTERN: Final = "Expected `str` matching regex "
_NO_DATE: Final = "Invalid RFC3339 encoded date"
_STEP: Final = re.compile(r"\.(?P<member>[^.\[]+)|\[(?P<index>[0-9]+)\]")

Form: TypeAlias = str | Callable[[str | None], str]
"""What a text must be, in words; or a function from the text to these words."""


def pattern_of(kind: Any) -> str:
    """Return the pattern of an annotated text."""
    return next(str(each.pattern) for each in get_args(kind)[1:] if each.pattern is not None)


def explained(
    error: msgspec.ValidationError, document: Any, forms: Mapping[str, Form]
) -> tuple[str, str | None]:
    """Return what is wrong, and the value at fault if there is one.

    `forms` has, by pattern, what a text must be, such as "a DID such as did:web:a.example".
    """
    placed = _PLACED.fullmatch(str(error))
    if placed is None:
        return str(error), None
    what, place = placed["what"], placed["place"]
    value = _found(document, place)
    known = {f"{_PATTERN}{pattern!r}": form for pattern, form in forms.items()}
    if what in known:
        form = known[what]
        return f"{place} is not {form if isinstance(form, str) else form(value)}", value
    if what == _NO_DATE:
        return f"{place} is not a date such as 2026-11-21", value
    if what.startswith(_PATTERN):
        what = "has characters that this member does not take"
    return f"{place}: {what}", value


def _found(document: Any, place: str) -> str | None:
    """Return the value at `place`, such as `$.key.id`, as text."""
    found = document
    for step in _STEP.finditer(place):
        try:
            found = found[step["member"] or int(step["index"])]
        except (KeyError, IndexError, TypeError):
            return None
    if isinstance(found, str):
        return found
    try:
        return msgspec.json.encode(found).decode()
    except (msgspec.MsgspecError, TypeError, RecursionError):
        return None
