"""What the holders of a story get: real credentials, which open what was logged for them.

A credential says what its line and the definition that this names say, as an honest issuer would
write it. A commitment of another name than its credential's is one that nobody can open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from testamur.badges.award_days import Dates
from testamur.badges.cohort_csv import (
    Award,
    Offering,
    Provider,
    credential,
    offered_achievement,
    profile,
)
from testamur.badges.commitment import HolderFile, commit
from tests.trust_model.events import Defined, Definition, Issued
from tests.trust_model.story import Story
from tests.trust_stories.naming import DAY_0, ORIGIN, did_of, id_of
from tests.trust_stories.rendering import definition, digest_of

Alteration: TypeAlias = Callable[[dict[str, Any]], None]
"""Changes what a credential says, before it is committed to."""

NONE: Final[Mapping[str, Alteration]] = MappingProxyType({})


class Holders:
    """The credentials of a story, by what was issued and by whom.

    `alterations` are by the credential's name: what its issuer made it say instead.
    """

    def __init__(self, story: Story, alterations: Mapping[str, Alteration] = NONE) -> None:
        self._alterations = alterations
        self._definitions: dict[tuple[str, int], Definition] = {}
        for step in story.steps:
            for event in step.events:
                if isinstance(event, Defined):
                    named = event.achievement, event.version
                    self._definitions.setdefault(named, event.definition)

    def commitment(self, issuer: str, issued: Issued) -> bytes:
        """Return the commitment that an issuance puts on the log: 32 bytes."""
        holder = self.holder(issuer, issued)
        return digest_of(issued) if holder is None else commit(holder.credential, holder.blind)

    def holder(self, issuer: str, issued: Issued) -> HolderFile | None:
        """Return what the holder gets; None if the commitment cannot be opened."""
        facts = self._definitions.get((issued.achievement, issued.version))
        if facts is None or issued.commitment != f"commitment of {issued.credential}":
            return None
        offering = Offering(
            achievement=id_of(issued.achievement),
            accreditation=None if issued.accreditation is None else id_of(issued.accreditation),
            version=issued.version,
            criteria="Pass the examination.",
            definition=definition(issued.achievement, facts),
            description="What it is about.",
        )
        award = Award(
            row=1, awarded=DAY_0, offering=offering, learner_did="did:web:learner.example"
        )
        stated = profile(Provider(country="NL", did=did_of(issuer), name=issuer))
        id_ = id_of(issued.credential)
        begun = f"{DAY_0}T00:00:00Z"
        when = Dates(begun, begun, None)
        document = credential(award, id_, stated, offered_achievement(offering), when)
        if alter := self._alterations.get(issued.credential):
            alter(document)
        blind = sha256(f"blind of {issuer} {issued}".encode()).digest()
        return HolderFile(blind=blind, credential=document, id=id_, log=ORIGIN)
