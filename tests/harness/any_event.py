"""Every event there can be: hypothesis strategies read off the schema itself.

What the schema allows is what is drawn, so a member added to an event is tested from the day
it is added. Ids that an event creates are drawn as the UUIDs of version 7 they must be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from testamur.catalogue import events as e
from testamur.catalogue import names
from testamur.catalogue.members import Level
from tests.harness.story import uuid7

new_ids: Final = st.builds(uuid7, st.integers(0, 2**48 - 1), st.integers(0, 2**74 - 1))
_CREATED: Final = {
    e.CredentialIssued: "credential",
    e.AchievementDefined: "achievement",
    e.AccreditationGranted: "accreditation",
    e.RecognitionGranted: "recognition",
}


_NAME: Final = re.compile(names.PATTERN)
_encode: Final = msgspec.json.Encoder(order="sorted").encode


def as_set(members: Iterable[Any]) -> tuple[Any, ...]:
    """Return the one spelling of a set: its members by their bytes, none twice."""
    distinct = {_encode(member): member for member in members}
    return tuple(distinct[key] for key in sorted(distinct))


# Outcomes and recovery keys stand as their author ranks them, authorities as they are seated.
_LISTS: Final = frozenset({"authorities", "outcomes", "recovery_keys"})


def any_event(kind: type[e.Event] | None = None) -> st.SearchStrategy[e.Event]:
    """Return a strategy for events of `kind`, or of every kind."""
    return st.one_of([_events(each) for each in ([kind] if kind else e.EVENTS.values())])


def _events(kind: type[e.Event]) -> st.SearchStrategy[Any]:
    given = {_CREATED[kind]: new_ids} if kind in _CREATED else {}
    return _structs(inspect.type_info(kind), given)


def _structs(info: Any, given: dict[str, Any] | None = None) -> st.SearchStrategy[Any]:
    if info.cls is Level:
        return st.one_of(
            st.builds(Level, framework=st.just("EQF"), value=st.integers(1, 8)),
            st.builds(Level, framework=st.just("QF-EHEA"), value=st.integers(0, 3)),
        )
    members = {field.name: _values(field.type, field.name) for field in info.fields}
    if info.cls is e.KeyCompromised:
        return st.one_of(
            st.builds(info.cls, **{**members, "kept": st.none()}),
            st.builds(_compromised, members["key"], _bounds),
        )
    return st.builds(info.cls, **{**members, **(given or {})})


_bounds: Final = st.sets(st.integers(0, 2**53 - 1), min_size=2, max_size=6)


def _compromised(key: str, bounds: set[int]) -> e.KeyCompromised:
    """Return a declaration that keeps ranges between these positions."""
    ordered = sorted(bounds)
    kept = tuple(zip(ordered[::2], ordered[1::2], strict=False))
    return e.KeyCompromised(key=key, since=ordered[0], kept=kept)


def _values(info: Any, name: str) -> st.SearchStrategy[Any]:  # noqa: C901, PLR0911  # one line per kind of member
    match info:
        case inspect.Metadata():
            return _values(info.type, name)
        case inspect.NoneType():
            return st.none()
        case inspect.UnionType():
            return st.one_of([_values(each, name) for each in info.types])
        case inspect.LiteralType():
            return st.sampled_from(info.values)
        case inspect.IntType():
            return st.integers(info.ge, info.le)
        case inspect.BytesType():
            return st.binary(min_size=info.min_length or 0, max_size=info.max_length)
        case inspect.DateType():
            return st.dates(date.min, date.max)
        case inspect.VarTupleType():
            item = _values(info.item_type, name)
            parts = st.lists(item, min_size=info.min_length or 0, max_size=3)
            return parts.map(tuple if name in _LISTS else as_set)
        case inspect.TupleType():
            return st.tuples(*(_values(each, name) for each in info.item_types))
        case inspect.StructType():
            return _structs(info)
        case inspect.StrType():
            return _texts(info)
        case _:
            raise AssertionError(f"the schema has a kind of member without a strategy: {info}")


def _texts(info: inspect.StrType) -> st.SearchStrategy[str]:
    least, most = info.min_length or 0, info.max_length or 10_000
    if info.pattern is None:
        return st.text(min_size=least, max_size=most)
    if info.pattern == names.PATTERN:
        # Drawn from the pattern itself, four of five would fail its look-aheads.
        text = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "))
        return text.filter(lambda text: len(text) <= most and _NAME.search(text) is not None)
    return st.from_regex(info.pattern).filter(lambda text: least <= len(text) <= most)
