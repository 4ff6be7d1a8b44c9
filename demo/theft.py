"""A theft, and what its victim does about it: the acts of a thief who copied a signing key.

The thief signs beside the owner, who notices submissions without a receipt, declares the key with
its recovery key, keeps its own submissions, and lists a new key. Then everything is as if the thief
had never been.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from demo.cast import COURSES
from demo.parties import Party, sealed
from testamur.badges.commitment import HolderFile
from testamur.catalogue import events as e
from testamur.cli.receipts import head_of, receipts_of, without_receipt
from testamur.cli.signer import Signer
from testamur.cli.theft import Recovery, plan_recovery

if TYPE_CHECKING:  # the story plays this act
    from demo.story import Story

FORGED: Final = 8
REVOKED: Final = 50
AWARDED: Final = 30


@dataclass(frozen=True, slots=True)
class Theft:
    """What came of it: what the thief issued and revoked, and what the owner declared."""

    forged: Sequence[HolderFile]
    revoked: Sequence[HolderFile]
    recovery: Recovery


def play_theft(story: Story) -> Theft:
    """Play the theft, its discovery and the recovery from it."""
    begun, victim = len(story.submissions), story.providers[0]
    thief = Signer(victim.did, victim.key)
    # Of an award that was never made the thief can make everything, since it has the key.
    forged = story.prepare(COURSES[0], FORGED, "forged")
    _hand_in(story, thief, forged.events, f"a thief issues {FORGED} credentials")
    story.award(COURSES[1], AWARDED, "autumn")
    robbed = story.holders[COURSES[4].definition.name][:REVOKED]
    revoked = [e.CredentialRevoked(credential=each.id, reason="misconduct") for each in robbed]
    _hand_in(story, thief, revoked, f"a thief revokes {REVOKED} credentials")
    name = victim.person.name
    story.tell(
        begun,
        f"A thief of its key issues {FORGED} and revokes {REVOKED} in the name of {name}, which "
        f"awards {AWARDED} meanwhile.",
    )
    begun = len(story.submissions)
    recovery = _recover(story, victim)
    story.tell(
        begun,
        f"{name} finds {len(recovery.strange)} submissions without a receipt, declares its key "
        f"compromised since {recovery.since}, keeps its own, and lists a new key.",
    )
    return Theft(forged.holders, robbed, recovery)


def _recover(story: Story, victim: Party) -> Recovery:
    size = head_of(story.registry).size
    lines = list(story.registry.submissions(victim.did, size=size))
    receipts = receipts_of(victim.keys, story.log)
    strange = {line.position for line in without_receipt(lines, receipts)}
    own = {line.position for line in lines} - strange
    plan = plan_recovery(victim.key.public.multikey(), lines, own)
    declared = e.KeyCompromised(key=plan.key, since=plan.since, kept=plan.kept or None)
    fresh = e.KeyListed(as_="signing", key=victim.new_key().public.multikey())
    story.submit(victim, [declared, fresh], "declares its key compromised and lists a new one")
    return plan


def _hand_in(story: Story, thief: Signer, events: Sequence[e.Event], what: str) -> None:
    story.hand_in(sealed(thief, events, log=story.log, now=int(time.time())), what)
