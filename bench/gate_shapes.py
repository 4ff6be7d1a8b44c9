"""What may stand in a register when the worst event comes: shapes for `bench.gate_worst`.

A shape folds events into a register without the submissions that would have brought them there,
and says who may act on them. The rules cannot tell.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from operator import attrgetter
from typing import Any, Final

import msgspec

from registry.credential_streams import CredentialStreams
from testamur.catalogue import events as e
from testamur.catalogue.members import Definition, Level, Outcome, Range, Scope
from testamur.rules import Register, Signed
from testamur.rules.fold import take
from testamur.rules.granting import LOOKED_AT
from testamur.rules.register import Grant
from tests.harness.story import Party, Story, private_key, uuid7

START: Final = date(2026, 1, 1)
FORMER: Final = date(2026, 1, 2)
EARLIER: Final = 5_000
"""Credentials that were issued after the opening: what is in a shape was said among them."""

LISTING: Final = 20
LATE: Final = 4_000
"""Where keys were listed, and where everything else was said."""

_KEPT: Final[tuple[Range, ...]] = tuple((number, number) for number in range(20, 1_020, 2))

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
        fields=tuple(f"{number:04d}" for number in range(1001, 9001, 40)),
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
    register: Register = field(default_factory=Register)
    achievements: list[str] = field(default_factory=list)
    accreditations: list[str] = field(default_factory=list)
    recognitions: list[str] = field(default_factory=list)
    retiring: list[str] = field(default_factory=list)
    newcomers: list[Party] = field(default_factory=list)
    revision: int = 1

    def say(self, signer: Party, *events: e.Event, at: int = LATE, ago: int = 0) -> None:
        """Fold events as a submission of `signer` after the opening, so many ms ago."""
        known = self.register.organizations[signer.did]
        key = known.keys.keys[signer.key_id].key
        signed = Signed(known.did, key, at, self.story.milliseconds - ago)
        take(self.register, CredentialStreams(), signed, [(at, event) for event in events])

    def strangers(self, count: int) -> Iterator[str]:
        """Yield the DIDs of organizations that enter the register, each with four keys."""
        story, sponsor = self.story, self.story.accreditor
        like = story.registered(sponsor, story.provider, "provider")
        for number in range(count):
            keys = tuple(f"z6Mk{number:043d}{key}" for key in range(1, 5))
            did = f"did:key:{keys[0]}"
            self.say(
                sponsor,
                msgspec.structs.replace(
                    like, organization=did, recovery_keys=keys[1:2], signing_keys=keys[2:]
                ),
            )
            yield did


Shape = Callable[[Filled, int], Any]


def _organizations(filled: Filled, things: int) -> None:
    for _ in filled.strangers(things):
        pass


def _achievements(filled: Filled, things: int) -> None:
    definitions = [
        msgspec.structs.replace(
            filled.story.definition(), languages=tuple(_TAGS[:19]), field=f"{number:04d}"
        )
        for number in range(1000)
    ]
    for number in range(things):
        event = e.AchievementDefined(
            achievement=achievement_id(number), definition=definitions[number % 1000]
        )
        filled.say(filled.story.provider, event)
        filled.achievements.append(event.achievement)


def _accreditations(filled: Filled, things: int) -> None:
    """Grant the provider as many as a life of keys may: 16 for each of a thousand."""
    scope = largest_scope()
    for number in range(min(things, 16_000)):
        event = msgspec.structs.replace(
            filled.story.accredited(uuid7(1_700_000_000_001, number)),
            # A few large ones are objects of their own: their sets are made for each.
            scope=largest_scope() if number < LOOKED_AT else scope,
        )
        filled.say(filled.story.accreditor, event)
        filled.accreditations.append(event.accreditation)


def _recognitions(
    filled: Filled, things: int, scope: Callable[[int], Scope | None], until: date | None = None
) -> None:
    story = filled.story
    # The one of the opening covers everything, and nobody would look any further.
    withdrawn = e.RecognitionWithdrawn(recognition=story.recognition, reason="voluntary")
    filled.say(story.authority, withdrawn)
    for number in range(min(things, 16_000)):
        event = msgspec.structs.replace(
            story.recognised(uuid7(1_700_000_000_002, number)),
            scope=scope(number),
            valid_until=until,
        )
        filled.say(story.authority, event)
        filled.recognitions.append(event.recognition)


def _accreditors(filled: Filled, things: int) -> None:
    """Let each of many accredit the provider, whose recognitions fell or were withdrawn.

    Each has as many recognitions as are looked at.
    """
    story, register = filled.story, filled.register
    thief = story.authority.with_key("of a thief")
    filled.say(story.authority.founding, story.key_listed(thief), at=LISTING)
    like, accredited = story.recognised(), story.accredited()
    grants: dict[str, list[e.RecognitionGranted]] = {}
    for number, did in enumerate(filled.strangers(max(1, things // LOOKED_AT))):
        grants[did] = [
            msgspec.structs.replace(
                like,
                organization=did,
                recognition=uuid7(1_700_000_000_005, number * LOOKED_AT + place),
            )
            for place in range(LOOKED_AT)
        ]
        id_ = uuid7(1_700_000_000_006, number)
        filled.say(story.accreditor, msgspec.structs.replace(accredited, accreditation=id_))
        granted = register.accreditations[id_].grants[0]
        # As that stranger granted it: nobody has its keys.
        signed = Signed(did, did.removeprefix("did:key:"), LATE + 1, story.milliseconds)
        said = msgspec.structs.replace(granted, signed=signed)
        register.accreditations[id_] = Grant((said,))
        filled.accreditations.append(id_)
    for recognised in grants.values():
        fallen, withdrawn = recognised[::2], recognised[1::2]
        filled.say(thief, *fallen)
        filled.say(story.authority, *withdrawn)
        for each in withdrawn:
            over = e.RecognitionWithdrawn(recognition=each.recognition, reason="voluntary")
            filled.say(story.authority, over)
    filled.say(story.authority.founding, story.key_compromised(thief, LISTING + 1), at=LATE + 1)


def _authorities(filled: Filled, things: int) -> None:
    """Let one authority recognise others without end."""
    story = filled.story
    like = story.recognised(as_="authority")
    for number, did in enumerate(filled.strangers(things)):
        id_ = uuid7(1_700_000_000_003, number)
        event = msgspec.structs.replace(like, organization=did, recognition=id_)
        filled.say(story.authority, event)
        filled.recognitions.append(id_)


def _all(filled: Filled, things: int) -> None:
    part = max(LOOKED_AT, things // 4)
    _organizations(filled, part)
    _achievements(filled, part)
    _accreditations(filled, part)
    _recognitions(filled, part, wide_scope)


def _revisions(filled: Filled, things: int) -> None:
    """Bring the story's achievement to as many versions as a life of keys may make."""
    story, definition = filled.story, filled.story.definition()
    versions = max(2, min(things, 9_990))
    known = filled.register.achievements[story.achievement]
    first = known.definitions[0]
    filled.register.achievements[story.achievement] = msgspec.structs.replace(
        known,
        definitions=tuple(
            msgspec.structs.replace(first, version=version) for version in range(1, versions)
        ),
    )
    filled.say(
        story.provider,
        e.AchievementRevised(
            achievement=story.achievement, definition=definition, version=versions
        ),
    )
    filled.revision = versions


def _fallen_versions(filled: Filled, things: int, *, first: bool) -> None:
    """Define achievements of many versions, of which but one fell with the keys that wrote them.

    The keys are declared with ranges kept, so that each version is looked up among these.
    """
    story, register = filled.story, filled.register
    signer, versions = story.provider, max(2, min(things, 9_990))
    keys = [signer.with_key(f"reviser-{number}") for number in range(8)]
    filled.say(signer.founding, *map(story.key_listed, keys), at=LISTING)
    kept: tuple[Range, ...] = tuple((at, at) for at in range(LISTING + 10, LISTING + 20, 2))
    declared = [story.key_compromised(key, LISTING + 10, kept) for key in keys]
    known = register.achievements[story.achievement]
    counting = known.definitions[0]
    fallen = [
        Signed(signer.did, keys[number % 8].key_id, LISTING + 100 + number % 800, 0)
        for number in range(versions)
    ]
    fallen = [
        msgspec.structs.replace(each, recorded_at=story.milliseconds)
        for each in sorted(fallen, key=attrgetter("position"))
    ]
    definitions = [
        msgspec.structs.replace(counting, version=version, signed=signed)
        for version, signed in enumerate(fallen, 1)
    ]
    if first:
        definitions[0] = counting
    else:
        last = msgspec.structs.replace(counting.signed, position=LATE)
        definitions.append(msgspec.structs.replace(counting, version=versions + 1, signed=last))
    filled.say(signer.founding, *declared, at=LATE + 1)
    for number in range(100):
        id_ = uuid7(1_700_000_000_004, number)
        register.achievements[id_] = msgspec.structs.replace(
            known, definitions=tuple(definitions), entries=len(definitions)
        )
        (filled.achievements if first else filled.retiring).append(id_)


def _said(filled: Filled, _things: int) -> None:
    """Let keys of every signer say of everything nearly as much as they may together."""
    story = filled.story
    granting: list[e.Event] = [
        e.AccreditationSuspended(accreditation=story.accreditation, reason="misconduct"),
        e.AccreditationReinstated(accreditation=story.accreditation),
    ]
    words: list[tuple[Party, list[e.Event]]] = [
        (story.authority, [story.recognition_restated()] * 6),
        (story.accreditor, [*granting, *granting, story.accreditation_restated()]),
        (story.provider, []),
    ]
    own: list[e.Event] = [story.updated(), story.objected()]
    for signer, about in words:
        keys = [signer.with_key(f"talker-{number}") for number in range(7)]
        filled.say(signer.founding, *map(story.key_listed, keys), at=LISTING)
        for key in keys:
            filled.say(key, *about)
            filled.say(key, *own * 4)
        filled.say(signer.founding, *map(story.key_retired, keys), at=LATE + 1)


def _keys(filled: Filled, _things: int, kept: tuple[Range, ...] | None = None) -> None:
    """Let every organization of the story have said nearly as much of its keys as it may.

    Ranges are kept by four declarations, which is nearly all of them.
    """
    for signer in (filled.story.authority, filled.story.accreditor, filled.story.provider):
        fresh = [private_key(f"{signer.did} {number}").public for number in range(32)]
        listed = [filled.story.key_listed(key) for key in fresh]
        declared = [filled.story.key_compromised(key, 10) for key in fresh]
        keeping = [filled.story.key_compromised(key, 10, kept) for key in fresh[:4]]
        filled.say(signer.founding, *listed, *keeping, *declared[4:], at=LISTING)
        for number in range(10):
            filled.say(signer.founding, *declared, *declared, at=LISTING + 65 * (number + 1))


def _lists(filled: Filled, _things: int) -> None:
    """Let recovery keys list and retire all that they may, and be declared again and again."""
    story = filled.story
    for signer in (story.authority, story.accreditor, story.provider):
        at = LISTING
        recovery = [signer.founding.with_key(f"recovery-{number}") for number in range(8)]
        as_recovery = [story.key_listed(key, "recovery") for key in recovery]
        filled.say(signer.founding, *as_recovery, at=at)
        for lister in recovery:
            for part in range(4):
                at += 65
                keys = [private_key(f"{lister.key_id} {part} {n}").public for n in range(8)]
                filled.say(lister, *map(story.key_listed, keys), at=at)
                filled.say(lister, *map(story.key_retired, keys), at=at + 20)
        for _ in range(3):
            at += 65
            declared = [story.key_compromised(key, 10) for key in recovery]
            filled.say(signer.founding, *declared * 8, at=at)


SHAPES: Final[dict[str, Shape]] = {
    "the opening alone": lambda *_: None,
    "organizations with four keys": _organizations,
    "achievements of one provider": _achievements,
    "accreditations of one provider, of the largest scope": _accreditations,
    "recognitions, each wide and lacking one thing": lambda filled, things: _recognitions(
        filled, things, wide_scope
    ),
    "recognitions, each large and lacking one thing": lambda filled, things: _recognitions(
        filled,
        min(things, 1000),
        lambda number: largest_scope(lacking=f"ext:T{number % 64:03d}{'x' * 50}"),
    ),
    "recognitions that are over": lambda filled, things: _recognitions(
        filled, things, lambda _: None, FORMER
    ),
    "accreditors, each by recognitions that fell or were withdrawn": _accreditors,
    "authorities that one authority recognised": _authorities,
    "revisions of one achievement": _revisions,
    "versions of which only the first counts": partial(_fallen_versions, first=True),
    "versions of which only the last counts": partial(_fallen_versions, first=False),
    "what all keys together may say of everything": _said,
    "a life of key events": _keys,
    "a life of recovery keys that were declared": _lists,
    "a life of declarations that keep ranges": lambda filled, things: _keys(filled, things, _KEPT),
    "some of everything": _all,
}
