"""Events from the members that a person types: `name=text`, `name:=JSON` or `name:=@file`.

A name with dots reaches into an object, as in `definition.level.value=6`. Text becomes what the
member must be: a number, a date, a list where commas part the items. `new` stands for a fresh
id. The event has passed the same checks as any event line; who may send it, and when, is
for the rules of the register.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from testamur.canonical import MAX_DOCUMENT, parse_strict
from testamur.catalogue.events import EVENTS, Event
from testamur.catalogue.ids import Uuid7, new_id
from testamur.catalogue.lines import decode_event, encode_event
from testamur.catalogue.members import FORMS, AnyDid, Did, Digest, Id, Multikey, Signature
from testamur.cli.files import naming, read
from testamur.errors import Refusal
from testamur.schema import explained

E = TypeVar("E", bound=Event)
_NEW: Final = "new"
_ID: Final = inspect.type_info(Id)
# Types of the event schema that a person knows by another name.
_FORMS: Final = (
    (_ID, "id"),
    (inspect.type_info(Uuid7), "id"),
    (inspect.type_info(Did), "did:key of an organization"),
    (inspect.type_info(AnyDid), "DID"),
    (inspect.type_info(Multikey), "public key (Multikey)"),
    (inspect.DateType(), "date, such as 2026-11-21"),
    (inspect.type_info(Digest), "32 bytes in base64"),
    (inspect.type_info(Signature), "64 bytes in base64"),
)


def event_type(name: str) -> type[Event]:
    """Return the event of this wire name, of which the version may be left out."""
    found = EVENTS.get(name) or EVENTS.get(f"{name}/1")
    if found is None:
        raise Refusal("event-type", f"the events are {', '.join(EVENTS)}", value=name)
    return found


def build(name: str, given: Sequence[str], start: dict[str, Any] | None = None) -> Event:
    """Return the event `name` with the members in `start` and those `given`.

    Raises `Refusal` (`event-type`, `member`, and those of `decode_event`).
    """
    kind = event_type(name)
    struct = inspect.type_info(kind)
    members = dict(start or {})
    for assignment in given:
        _assign(members, assignment, struct)
    tag = str(kind.__struct_config__.tag)
    try:
        event = msgspec.convert({**members, "type": tag}, kind, strict=False)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, Refusal):
            raise error.__cause__ from None
        detail, value = explained(error, {**members, "type": tag}, FORMS, kind)
        detail = f"{tag}: {detail}; it has {described(kind)}"
        raise Refusal("event-schema", detail, value=value) from None
    return checked(event)


def checked(event: E) -> E:
    """Return the event, which meets every rule of form; raises `Refusal`, as `decode_event`."""
    # Through its line and back.
    found = decode_event(encode_event(event))
    if type(found) is not type(event):
        raise AssertionError(f"a line of {type(event)} was decoded to {type(found)}")
    return found


def described(kind: type[Event]) -> str:
    """Return the names of the members of an event, the optional ones in brackets."""
    return ", ".join(
        field.encode_name if field.required else f"[{field.encode_name}]"
        for field in msgspec.structs.fields(kind)
    )


def form(of: inspect.Type) -> str:
    """Return in a few words what a member must be."""
    kind = _needed(of)
    known = [words for other, words in _FORMS if other == kind]
    if known:
        return known[0]
    match kind:
        case inspect.LiteralType(values=values):
            words = " or ".join(map(str, values))
        case inspect.VarTupleType(item_type=item):
            words = f"list of {form(item)}"
        case inspect.StructType(fields=fields):
            words = f"object of {', '.join(field.encode_name for field in fields)}"
        case inspect.IntType():
            words = "whole number"
        case _:
            words = "text"
    return words


def _assign(members: dict[str, Any], assignment: str, struct: inspect.Type) -> None:
    try:
        assignment.encode()
    except UnicodeEncodeError:
        raise Refusal("member", "is not UTF-8 text", value=assignment) from None
    path, sign, text = assignment.partition("=")
    if not sign or not path.rstrip(":"):
        raise Refusal("member", "a member is name=text or name:=JSON", value=assignment)
    *outer, last = path.rstrip(":").split(".")
    kind, target = struct, members
    for name in outer:
        kind = _member(kind, name)
        target = target.setdefault(name, {})
        if not isinstance(target, dict):
            raise Refusal("member", f"{name} is given as a whole and in parts", value=assignment)
    kind = _member(kind, last)
    if last in target:
        raise Refusal("member", f"{path} is given twice", value=assignment)
    target[last] = _json(text) if path.endswith(":") else _value(text, kind)


def _member(struct: inspect.Type, name: str) -> inspect.Type:
    struct = _needed(struct)
    fields = struct.fields if isinstance(struct, inspect.StructType) else ()
    for field in fields:
        if field.encode_name == name:
            return _needed(field.type)
    known = ", ".join(field.encode_name for field in fields) or "none"
    raise Refusal("member", f"there is no such member; the members here are {known}", value=name)


def _needed(kind: inspect.Type) -> inspect.Type:
    if isinstance(kind, inspect.UnionType):
        return next(each for each in kind.types if not isinstance(each, inspect.NoneType))
    return kind


def _json(text: str) -> Any:
    if text.startswith("@"):
        with naming(Path(text[1:])) as path:
            return parse_strict(read(path, MAX_DOCUMENT), max_bytes=MAX_DOCUMENT)
    return parse_strict(text.encode(), max_bytes=MAX_DOCUMENT)


def _value(text: str, kind: inspect.Type) -> Any:
    if isinstance(kind, inspect.VarTupleType):
        # Every list of words is a set, and a set is written in order.
        return sorted(item.strip() for item in text.split(",") if item.strip())
    return new_id() if kind == _ID and text == _NEW else text
