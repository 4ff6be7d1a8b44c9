"""What a scope covers: an achievement under it, or a narrower scope within it."""

from __future__ import annotations

from collections.abc import Collection

from testamur.catalogue.members import Definition, Scope


def uncovered(
    scope: Scope | None, achievement: str, definition: Definition, country: str
) -> list[str]:
    """Return the members of `scope` that do not cover this achievement; empty if all do.

    A scope that limits a member does not cover a definition that leaves this member out.
    """
    if scope is None:
        return []
    level = None if definition.level is None else [definition.level]
    field = None if definition.field is None else [definition.field]
    judged = {
        "achievementTypes": _subset([definition.achievement_type], scope.achievement_types),
        "achievements": _subset([achievement], scope.achievements),
        "fields": _prefixed(field, scope.fields),
        "jurisdictions": _prefixed([country], scope.jurisdictions, "-"),
        "languages": _prefixed(definition.languages, scope.languages, "-"),
        "levels": _subset(level, scope.levels),
        "participation": _subset(definition.participation, scope.participation),
    }
    return [member for member, covered in judged.items() if not covered]


def exceeding(child: Scope | None, parent: Scope | None) -> list[str]:
    """Return the members in which `child` reaches beyond `parent`; empty if it lies within."""
    if parent is None:
        return []
    child = child or Scope()
    judged = {
        "achievementTypes": _subset(child.achievement_types, parent.achievement_types),
        "achievements": _subset(child.achievements, parent.achievements),
        "fields": _prefixed(child.fields, parent.fields),
        "jurisdictions": _prefixed(child.jurisdictions, parent.jurisdictions, "-"),
        "languages": _prefixed(child.languages, parent.languages, "-"),
        "levels": _subset(child.levels, parent.levels),
        "participation": _subset(child.participation, parent.participation),
    }
    return [member for member, within in judged.items() if not within]


def _subset(named: Collection[object] | None, allowed: Collection[object] | None) -> bool:
    if allowed is None:
        return True
    return bool(named) and set(named or ()) <= set(allowed)


def _prefixed(
    named: Collection[str] | None, allowed: Collection[str] | None, separator: str = ""
) -> bool:
    # ISCED-F 06 holds 0612; NL holds NL-UT and en holds en-GB, but ES-M (Madrid) does not hold
    # ES-MA (Malaga), nor de (German) den (Slavey).
    if allowed is None:
        return True
    beginnings = tuple(name + separator for name in allowed)
    return bool(named) and all((name + separator).startswith(beginnings) for name in named or ())
