"""What may stand in a register when the worst event comes: shapes for `bench.gate_worst`.

A shape puts things into a register without the submissions that would have brought them there, and
says who may act on them. The rules cannot tell.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import msgspec

from testamur.catalogue.lifecycle import (
    AccreditationStatus,
    AchievementStatus,
    KeyStatus,
    OrganizationStatus,
    RecognitionStatus,
)
from testamur.catalogue.members import Definition, Level, Outcome, Scope
from testamur.rules import Register
from testamur.rules.accreditation import LOOKED_AT, add_recognition
from testamur.rules.facets import write_facets
from testamur.rules.register import (
    Accreditation,
    Achievement,
    KeyState,
    Organization,
    Recognition,
)
from tests.harness.story import Story, uuid7

START: Final = date(2026, 1, 1)
FORMER: Final = date(2026, 1, 2)

_HEADS: Final = [one + two for one in string.ascii_uppercase for two in string.ascii_uppercase]
_TAGS: Final = [f"aa-{number // 10:02d}-{number % 10:02d}" + "-55" * 8 for number in range(100)]


def achievement_id(number: int) -> str:
    """Return the id of an achievement that a shape defines, or a scope names."""
    return uuid7(1_700_000_000_000, number)


def largest_scope(*, lacking: str = "") -> Scope:
    """Return as large a scope as an entry holds, without the achievement type `lacking`."""
    types = (f"ext:T{number:03d}{'x' * 50}" for number in range(64))
    return Scope(
        achievement_types=tuple(name for name in types if name != lacking),
        achievements=tuple(achievement_id(number) for number in range(1000)),
        fields=tuple(f"{number:04d}" for number in range(1000, 9000, 40)),
        jurisdictions=tuple(f"{head}-A1" for head in _HEADS[:300]),
        languages=tuple(_TAGS),
    )


def wide_scope(number: int) -> Scope:
    """Return a scope that all of the largest lies within, but for its levels."""
    return Scope(
        fields=tuple(f"{two:02d}" for two in range(10, 90)),
        jurisdictions=(*_HEADS[:299], _HEADS[300 + number % 300]),
        languages=("aa",),
        levels=(Level(framework="EQF", value=1 + number % 8),),
    )


def largest_definition(story: Story) -> Definition:
    """Return a definition of which the rules ask as much as can be, in a whole entry."""
    return msgspec.structs.replace(
        story.definition(),
        languages=tuple(_TAGS[:20]),
        outcomes=tuple(
            Outcome(name=f"{number:03d}" + "n" * 190, url="https://a.example/" + "u" * 350)
            for number in range(100)
        ),
    )


@dataclass
class Filled:
    """What a shape left for events to be about, all of it the story's own."""

    story: Story
    achievements: list[str] = field(default_factory=list)
    accreditations: list[str] = field(default_factory=list)
    recognitions: list[str] = field(default_factory=list)
    newcomers: list[str] = field(default_factory=list)
    revision: int = 1


Shape = Callable[[Register, Filled, int], Any]


def _organizations(register: Register, filled: Filled, things: int) -> None:
    for number in range(things):
        did = f"did:key:z6Mk{number:044d}"
        keys = tuple(
            KeyState(f"z6Mk{number:043d}{key}", f"z6Mk{number:043d}{key}", KeyStatus.ACTIVE, 2)
            for key in range(4)
        )
        register.organizations[did] = Organization(
            did,
            f"Organization {number}",
            "NL",
            ("provider",),
            filled.story.accreditor.did,
            OrganizationStatus.REGISTERED,
            keys,
            2,
            4,
        )


def _achievements(register: Register, filled: Filled, things: int) -> None:
    facets = [
        write_facets(
            msgspec.structs.replace(
                filled.story.definition(), languages=tuple(_TAGS[:19]), field=f"{field:04d}"
            )
        )
        for field in range(1000)
    ]
    for number in range(things):
        id_ = achievement_id(number)
        register.achievements[id_] = Achievement(
            id_, filled.story.provider.did, facets[number % 1000], 1, AchievementStatus.DEFINED, 1
        )
        filled.achievements.append(id_)


def _accreditations(register: Register, filled: Filled, things: int) -> None:
    scope = largest_scope()
    for number in range(things):
        id_ = uuid7(1_700_000_000_001, number)
        register.accreditations[id_] = Accreditation(
            id_,
            filled.story.accreditor.did,
            filled.story.provider.did,
            "positive",
            "programme",
            AccreditationStatus.ACTIVE,
            START,
            1,
            # A few large ones are objects of their own: their sets are made for each.
            largest_scope() if number < 64 else scope,
        )
        filled.accreditations.append(id_)


def _recognitions(
    register: Register, filled: Filled, things: int, scope: Callable[[int], Scope | None]
) -> None:
    story = filled.story
    # The one of the opening covers everything, and nobody would look any further.
    opening = register.recognitions[story.recognition]
    register.recognitions[opening.id] = msgspec.structs.replace(opening, valid_until=FORMER)
    for number in range(things):
        # A thousand are the accreditor's, the others somebody else's.
        accreditor = story.accreditor.did if number < 1000 else f"did:web:a{number // 100}.example"
        id_ = uuid7(1_700_000_000_002, number)
        add_recognition(
            register,
            Recognition(
                id_,
                story.authority.did,
                accreditor,
                RecognitionStatus.ACTIVE,
                START,
                1,
                scope(number) if number < 1000 else None,
            ),
        )
        filled.recognitions.append(id_)


def _former(register: Register, filled: Filled, things: int) -> None:
    """Put in recognitions of which none is in force any more: all are looked at in vain."""
    _recognitions(register, filled, things, lambda _: None)
    for id_ in register.recognised[filled.story.accreditor.did]:
        ended = msgspec.structs.replace(register.recognitions[id_], valid_until=FORMER)
        register.recognitions[id_] = ended


def _all(register: Register, filled: Filled, things: int) -> None:
    part = max(LOOKED_AT, things // 4)
    _organizations(register, filled, part)
    _achievements(register, filled, part)
    _accreditations(register, filled, part)
    _recognitions(register, filled, part, wide_scope)


def _revisions(register: Register, filled: Filled, things: int) -> None:
    """Bring the story's achievement to nearly as many versions as there can be."""
    versions = max(2, min(things, 9_000))
    known = register.achievements[filled.story.achievement]
    for version in range(2, versions + 1):
        register.revisions[f"{known.id}/{version}"] = known.facets
    register.achievements[known.id] = msgspec.structs.replace(
        known, revision=versions, version=versions
    )
    filled.revision = versions


def _keys(register: Register, _filled: Filled, _things: int) -> None:
    """Let every organization of the story have listed nearly as many keys as it may."""
    for did, known in list(register.organizations.items()):
        more = (
            KeyState(f"old-{key}", f"z6Mk{key:044d}", KeyStatus.RETIRED, 2, 3) for key in range(40)
        )
        register.organizations[did] = msgspec.structs.replace(known, keys=(*known.keys, *more))


SHAPES: Final[dict[str, Shape]] = {
    "the opening alone": lambda *_: None,
    "organizations with four keys": _organizations,
    "achievements of one provider": _achievements,
    "accreditations of one provider, of the largest scope": _accreditations,
    "recognitions, each wide and lacking one thing": lambda register, filled, things: _recognitions(
        register, filled, things, wide_scope
    ),
    "recognitions, each large and lacking one thing": lambda register, filled, things: (
        _recognitions(
            register,
            filled,
            min(things, 1000),
            lambda number: largest_scope(lacking=f"ext:T{number % 64:03d}{'x' * 50}"),
        )
    ),
    "recognitions that are over": _former,
    "revisions of one achievement": _revisions,
    "keys of one organization": _keys,
    "some of everything": _all,
}
