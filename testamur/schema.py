"""How a document breaks its schema, in words a person can act on.

msgspec names the place and, for a text that does not match, the pattern. This module looks up the
value at that place, replaces the pattern by an example that matches it, and lists the words where
only some are allowed. It decides nothing: the document was refused before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias, get_args

import msgspec
from msgspec import inspect

_PLACED: Final = re.compile(r"(?P<what>.*) - at `(?P<place>\$[^`]*)`", re.DOTALL)
_PATTERN: Final = "Expected `str` matching regex "
_NO_DATE: Final = "Invalid RFC3339 encoded date"
_NO_SUCH_WORD: Final = ("Invalid enum value ", "Invalid value ")
_STEP: Final = re.compile(r"\.(?P<member>[^.\[]+)|\[(?P<index>[0-9]+)\]|\[(?P<any>\.\.\.)\]")

Form: TypeAlias = str | Callable[[str | None], str]
"""What a text must be, in words; or a function from the text to these words."""


def pattern_of(kind: Any) -> str:
    """Return the pattern of an annotated text."""
    return next(str(each.pattern) for each in get_args(kind)[1:] if each.pattern is not None)


def explained(
    error: msgspec.ValidationError, document: Any, forms: Mapping[str, Form], kind: Any
) -> tuple[str, str | None]:
    """Return what is wrong, and the value at fault if there is one.

    `forms` has, by pattern, what a text must be, such as "a DID such as did:web:a.example"; `kind`
    is the type that the document is not of.
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
    if what.startswith(_NO_SUCH_WORD) and (words := _words(kind, document, place)):
        return f"{place} is one of {', '.join(words)}", value
    if what == _NO_DATE:
        return f"{place} is not a date such as 2026-11-21", value
    if what.startswith(_PATTERN):
        what = "has characters that this member does not take"
    return f"{place}: {what}", value


def _words(kind: Any, document: Any, place: str) -> list[str]:
    """Return the words that are allowed at `place` of a document of this type."""
    here, found = _type_info(kind), document
    for step in _STEP.finditer(place):
        member, index = step["member"], step["index"]
        if member is not None and member == _tag_field(here):
            return _tags(here)
        here = _inner(here, member, found)
        try:
            found = found[member or int(index)] if member or index else None
        except (KeyError, IndexError, TypeError):
            found = None
    here = _only(here)
    return [str(word) for word in here.values] if isinstance(here, inspect.LiteralType) else []


# A file may have a hundred thousand bad lines of one type.
_type_info: Final = lru_cache(maxsize=16)(inspect.type_info)


def _inner(kind: inspect.Type, member: str | None, document: Any) -> inspect.Type:
    """Return the type of a member, of an item, or of a value of a mapping."""
    match _only(kind, document):
        case inspect.StructType(fields=fields):
            return next((each.type for each in fields if each.encode_name == member), kind)
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return item
        case inspect.DictType(value_type=value):
            return value
        case _:
            return kind


def _only(kind: inspect.Type, document: Any = None) -> inspect.Type:
    """Return the one type of a union that a document may be of: not null, and of its tag."""
    if not isinstance(kind, inspect.UnionType):
        return kind
    types = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
    tagged = (each for each in types if isinstance(each, inspect.StructType))
    known = document if isinstance(document, dict) else {}
    return next((each for each in tagged if known.get(each.tag_field) == each.tag), types[0])


def _tag_field(kind: inspect.Type) -> str | None:
    found = _only(kind)
    return found.tag_field if isinstance(found, inspect.StructType) else None


def _tags(kind: inspect.Type) -> list[str]:
    types = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return [str(each.tag) for each in types if isinstance(each, inspect.StructType)]


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
