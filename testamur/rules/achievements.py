"""What a provider awards: definitions, which are versioned and never change in place."""

from __future__ import annotations

from typing import assert_never

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import ACHIEVEMENT, status_after
from testamur.catalogue.members import Definition
from testamur.errors import Irreparable, Refusal
from testamur.rules.facets import missing_elements, write_facets
from testamur.rules.flags import Flag, Flags
from testamur.rules.occurrence import Occurrence
from testamur.rules.register import Achievement, Register


def admit_achievement(register: Register, at: Occurrence, event: e.AchievementEvent) -> Flags:
    """Let a provider define, revise or retire an achievement of its own."""
    match event:
        case e.AchievementDefined():
            return define_achievement(register, at, event)
        case e.AchievementRevised():
            return revise_achievement(register, at, event)
        case e.AchievementRetired():
            return retire_achievement(register, at, event)
        case _:
            assert_never(event)


def define_achievement(register: Register, at: Occurrence, event: e.AchievementDefined) -> Flags:
    """Let a provider define an achievement."""
    provider = register.organizations[at.actor]
    if "provider" not in provider.roles:
        raise Refusal("role", f"{at.actor} must be a provider", value=list(provider.roles))
    known = register.achievements.get(event.achievement)
    register.achievements[event.achievement] = Achievement(
        id=event.achievement,
        provider=provider.did,  # one string for all its achievements
        facets=write_facets(event.definition),
        revision=1,
        status=status_after(ACHIEVEMENT, known.status if known else None, event, event.achievement),
        version=1,
    )
    return _flags(event.definition)


def revise_achievement(register: Register, at: Occurrence, event: e.AchievementRevised) -> Flags:
    """Let its provider publish the next version of a definition."""
    before = _own(register, at, event.achievement)
    following = before.revision + 1
    if event.version != following:
        # A version that exists can never come again. One too far ahead may come later, after those
        # that are missing.
        raise (Refusal if event.version > following else Irreparable)(
            "achievement-version", f"the next version is {following}", value=event.version
        )
    register.revisions[f"{before.id}/{following}"] = write_facets(event.definition)
    register.achievements[before.id] = msgspec.structs.replace(
        before,
        revision=following,
        status=status_after(ACHIEVEMENT, before.status, event, before.id),
        version=before.version + 1,
    )
    return _flags(event.definition)


def retire_achievement(register: Register, at: Occurrence, event: e.AchievementRetired) -> Flags:
    """Let its provider end the awarding of an achievement."""
    before = _own(register, at, event.achievement)
    register.achievements[before.id] = msgspec.structs.replace(
        before,
        status=status_after(ACHIEVEMENT, before.status, event, before.id),
        version=before.version + 1,
    )
    return ()


def _own(register: Register, at: Occurrence, achievement_id: str) -> Achievement:
    achievement = register.achievements.get(achievement_id)
    if achievement is None:
        raise Refusal(
            "unknown-achievement", "no achievement with this id was defined", value=achievement_id
        )
    if achievement.provider != at.actor:
        raise Refusal(
            "achievement-of-another",
            f"defined by {achievement.provider}, not by {at.actor}",
            value=achievement_id,
        )
    return achievement


def _flags(definition: Definition) -> Flags:
    return (Flag.ELEMENTS_MISSING,) if missing_elements(definition) else ()
