"""What speaks against recording an event, though every replayer would take it.

Names, codes and identifiers are found by the types of the members that hold them
(`catalogue/members.py`), in events and in what a provider states in a file. So a new member of
such a type is judged without a word here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, Final, TypeAlias, get_args, get_type_hints

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.lines import encode_event
from testamur.catalogue.members import (
    AchievementType,
    Country,
    Identifier,
    IscedField,
    Language,
    Name,
)
from testamur.errors import Refusal, detached
from testamur.private_keys import THIS_IS_ONE, holds_private_key
from testamur.recording import achievement_types, fields, identifiers, languages, names, places

Judge: TypeAlias = Callable[[Any], str | None]
"""Returns what is wrong with a value, and what to write; None if nothing is."""

JUDGES: Final[Mapping[Any, tuple[str, Judge]]] = {
    AchievementType: ("achievement-type", achievement_types.fault),
    Country: ("country-code", places.fault),
    Identifier: ("identifier", identifiers.fault),
    IscedField: ("isced-field", fields.fault),
    Language: ("language-tag", languages.fault),
    Name: (names.RULE, names.imitation),
}
"""The rule and the judge of the members of each type."""

MOST: Final = 1_000
"""A person mends a file long before this many refusals."""


MAX_OTHERS: Final = 1_000
"""Events in a submission that are not about credentials: each costs the register's lock more."""


def objections(
    events: Iterable[e.Event], first_line: int = 2, *, most: int = MOST
) -> list[Refusal]:
    """Return a `Refusal` for each value that is not recorded, the first `most` of them.

    Their rules are `private-key`, `register-events` and those of `JUDGES`. Nothing is judged after
    the last one returned, so a caller that asks for one pays for one.
    """
    return list(islice(each_objection(events, first_line), most))


def check_given(stated: msgspec.Struct) -> None:
    """Raise `Refusal` for the first value of what a provider states that is not recorded."""
    for refusal in _of_values(stated, ""):
        raise refusal


def each_objection(events: Iterable[e.Event], first_line: int = 2) -> Iterator[Refusal]:
    """Yield what `objections` returns, without an end."""
    others = 0
    for line, event in enumerate(events, first_line):
        if isinstance(event, e.CredentialEvent):
            continue  # it holds no such value, and there may be a hundred thousand
        others += type(event) not in e.KEY_EVENTS  # they have a cap of their own
        if others > MAX_OTHERS:
            yield Refusal(
                "register-events",
                f"a submission holds at most {MAX_OTHERS} events that are not about credentials; "
                "submit the others apart",
                line=line,
            )
            return
        if holds_private_key(encode_event(event)):
            # Once recorded it could never be taken back.
            yield Refusal("private-key", THIS_IS_ONE, line=line)
        for refusal in _of_values(event, ""):
            yield detached(refusal.at(line))


def _of_values(struct: msgspec.Struct, place: str) -> Iterator[Refusal]:
    for attribute, member, judged in _judged_members(type(struct)):
        value = getattr(struct, attribute)
        if value is None:
            continue
        for each in value if isinstance(value, tuple) else (value,):
            if judged is None:
                yield from _of_values(each, f"{place}{member}.")
                continue
            rule, judge = judged
            why = judge(each)
            if why is not None:
                shown = each.value if isinstance(each, Identifier) else each
                yield Refusal(rule, f"{place}{member}: {why}", value=shown)


_Member: TypeAlias = tuple[str, str, tuple[str, Judge] | None]


@cache
def _judged_members(kind: type[Any]) -> list[_Member]:
    """Return the members of a struct in which something is judged: attribute, name, by whom.

    None in place of the judge: it is a struct that holds what is judged.
    """
    hints = get_type_hints(kind, include_extras=True)
    members = zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
    found: list[_Member] = []
    for attribute, name in members:
        for part in _parts(hints[attribute]):
            if part in JUDGES:
                found.append((attribute, name, JUDGES[part]))
            elif _is_struct(part) and _judged_members(part):
                found.append((attribute, name, None))
    return found


def _is_struct(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, msgspec.Struct)


def _parts(hint: Any) -> Iterator[Any]:
    """Return the types that a type is made of: of `tuple[Name, ...] | None`, `Name` and None."""
    if hint in JUDGES or not get_args(hint):
        yield hint
        return
    for each in get_args(hint):
        if isinstance(each, type) or get_args(each):
            yield from _parts(each)
