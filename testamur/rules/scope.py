"""What a scope covers: an achievement under it, or a narrower scope within it.

A scope may name two thousand things and is asked again for every issuance. So its sets are made
once, at the event that states it or at the first question, and stay with the object: a
question then costs a few look-ups for each thing asked about, whatever the scope names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple

from testamur.catalogue.members import Definition, Scope
from testamur.rules.facets import Facets

_Wider = Callable[[str], tuple[str, ...]]


def uncovered(
    scope: Scope | None, achievement: str, definition: Definition | Facets, country: str
) -> list[str]:
    """Return the members of `scope` that do not cover this achievement; empty if all do.

    A scope that limits a member does not cover a definition that leaves this member out.
    """
    if scope is None:
        return []
    names = sets_of(scope).names
    judged = (
        names.achievement_types is None or definition.achievement_type in names.achievement_types,
        names.achievements is None or achievement in names.achievements,
        names.fields is None or _covers(names.fields, definition.field, _wider_fields),
        names.jurisdictions is None or _covers(names.jurisdictions, country, _wider_tags),
        names.languages is None or _covers_all(names.languages, definition.languages, _wider_tags),
        names.levels is None or definition.level in names.levels,
        names.participation is None or _covers_all(names.participation, definition.participation),
    )
    if all(judged):
        return []
    return [member for member, covered in zip(_MEMBERS, judged, strict=True) if not covered]


def exceeding(child: Scope | None, parent: Scope | None) -> list[str]:
    """Return the members in which `child` reaches beyond `parent`; empty if it lies within."""
    if parent is None:
        return []
    inner, outer = _NOTHING_NAMED if child is None else sets_of(child), sets_of(parent)
    return [
        member
        for place, (member, allowed) in enumerate(zip(_MEMBERS, outer.names, strict=True))
        if allowed is not None and not inner.lie_within(place, allowed)
    ]


def prepare(scope: Scope) -> None:
    """Make all that a comparison needs of a narrower scope, which takes a millisecond at most."""
    sets = sets_of(scope)
    for place in range(len(_MEMBERS)):
        sets.held(place)


def names_in(scope: Scope | None) -> int:
    """Return how many things a scope names: what a comparison with it costs."""
    return 0 if scope is None else sum(map(len, filter(None, sets_of(scope).names)))


class _Names(NamedTuple):
    """What a scope names, member by member; None is everything."""

    achievement_types: frozenset[Any] | None = None
    achievements: frozenset[Any] | None = None
    fields: frozenset[Any] | None = None
    jurisdictions: frozenset[Any] | None = None
    languages: frozenset[Any] | None = None
    levels: frozenset[Any] | None = None
    participation: frozenset[Any] | None = None


_Held = Mapping[str, set[str]]


class _Sets:
    """The sets of a scope."""

    __slots__ = ("_held", "names")

    def __init__(self, names: _Names) -> None:
        self.names = names
        self._held: dict[int, _Held] = {}

    def lie_within(self, place: int, allowed: frozenset[Any]) -> bool:
        """Return whether all that is named in the member at `place` is allowed, or held by it."""
        # Sets as a whole, never name by name: some thousand times ten comparisons are at stake.
        named = self.names[place]
        if not named:
            return False
        beyond = named - allowed
        if not beyond:
            return True
        held = self.held(place)
        return beyond <= frozenset().union(*map(held.__getitem__, held.keys() & allowed))

    def held(self, place: int) -> _Held:
        """Return which names of the member at `place` each wider name holds."""
        held = self._held.get(place)
        if held is None:
            held = self._held[place] = _by_wider(self.names[place] or (), _WIDER[place])
        return held

    def forget_held(self) -> None:
        """Keep the sets alone: what is asked of the scope from now on is what it covers."""
        self._held.clear()


_NOTHING_NAMED: Final = _Sets(_Names())


def sets_of(scope: Scope) -> _Sets:
    """Return the sets of a scope, made at the first question about this object."""
    kept: dict[str, _Sets] = scope.__dict__
    sets = kept.get("sets")
    if sets is None:
        members = (getattr(scope, member) for member in _Names._fields)
        names = _Names(*(None if each is None else frozenset(each) for each in members))
        sets = kept["sets"] = _Sets(names)
    return sets


def _by_wider(names: Collection[str], wider: _Wider | None) -> _Held:
    """Return which of the names each wider name holds."""
    held: dict[str, set[str]] = {}
    if wider is not None:
        for name in names:
            for each in wider(name):
                held.setdefault(each, set()).add(name)
    return held


def _wider_fields(field: str) -> tuple[str, ...]:
    """Return the fields that hold this one: ISCED-F 06 and 061 hold 0612."""
    return tuple(field[:digits] for digits in range(2, len(field)))


def _wider_tags(tag: str) -> tuple[str, ...]:
    """Return the tags that hold this one: NL holds NL-UT, en holds en-GB.

    But ES-M (Madrid) does not hold ES-MA (Malaga), nor de (German) den (Slavey).
    """
    if "-" not in tag:
        return ()
    parts = tag.split("-")
    return tuple("-".join(parts[:end]) for end in range(1, len(parts)))


_MEMBERS: Final = (
    "achievementTypes",
    "achievements",
    "fields",
    "jurisdictions",
    "languages",
    "levels",
    "participation",
)
_WIDER: Final[tuple[_Wider | None, ...]] = (
    None,
    None,
    _wider_fields,
    _wider_tags,
    _wider_tags,
    None,
    None,
)


def _covers(allowed: frozenset[str], name: str | None, wider: _Wider) -> bool:
    return name is not None and (name in allowed or not allowed.isdisjoint(wider(name)))


def _covers_all(
    allowed: frozenset[str], names: Collection[str] | None, wider: _Wider | None = None
) -> bool:
    if not names:
        return False
    if wider is None:
        return allowed.issuperset(names)
    return all(_covers(allowed, name, wider) for name in names)
