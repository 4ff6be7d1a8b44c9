"""What does an event say, for a verifier, that the register does not keep?

The register keeps what an event did. A verifier must also know who brought whom in, who listed
whose keys, and for what a credential needs the event, so that a thief's word for it spoils the
credential. This is the one place in verification where a new event must be thought about.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple, assert_never

from testamur.catalogue import events as e
from testamur.catalogue.members import Key


class Need(Enum):
    """For what a credential may need an event."""

    ENTRY = auto()
    """That an organization is in the register."""
    PARTICULARS = auto()
    """What an organization says of itself."""
    KEY = auto()
    RECOGNITION = auto()
    ACCREDITATION = auto()
    ACHIEVEMENT = auto()
    CREDENTIAL = auto()


class Needed(NamedTuple):
    """The thing that would not be as it is without the event; `version` is an achievement's."""

    need: Need
    name: str
    version: int = 1


class Entered(NamedTuple):
    """An organization that an event brings in, with what its sponsor says of it."""

    did: str
    name: str
    url: str | None


class Listed(NamedTuple):
    """A key that an event lists, `entering` with its organization or added to it later."""

    did: str
    key: Key
    entering: bool


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an event says beyond what the register keeps.

    `needed` is None for what ends or takes something away: it can only count against a credential.
    """

    needed: Needed | None = None
    enters: tuple[Entered, ...] = ()
    lists: tuple[Listed, ...] = ()


_NOTHING: Final = Meaning()


def meaning_of(event: e.Event) -> Meaning:  # noqa: C901, PLR0911  # one case per event
    """Return what an event means to a verifier."""
    match event:
        case e.LogOpened():
            # The genesis is signed with the log's key, which no event can cut off.
            return Meaning(
                enters=tuple(
                    Entered(each.organization, each.name, None) for each in event.authorities
                ),
                lists=tuple(
                    Listed(each.organization, key, entering=True)
                    for each in event.authorities
                    for key in each.keys
                ),
            )
        case e.OrganizationRegistered():
            return Meaning(
                Needed(Need.ENTRY, event.organization),
                enters=(Entered(event.organization, event.name, event.url),),
                lists=(Listed(event.organization, event.key, entering=True),),
            )
        case e.OrganizationUpdated():
            return Meaning(Needed(Need.PARTICULARS, event.organization))
        case e.KeyAdded():
            return Meaning(
                Needed(Need.KEY, f"{event.organization}#{event.key.id}"),
                lists=(Listed(event.organization, event.key, entering=False),),
            )
        case e.RecognitionGranted():
            return Meaning(Needed(Need.RECOGNITION, event.recognition))
        case e.AccreditationGranted() | e.AccreditationReinstated():
            return Meaning(Needed(Need.ACCREDITATION, event.accreditation))
        case e.AchievementDefined():
            return Meaning(Needed(Need.ACHIEVEMENT, event.achievement))
        case e.AchievementRevised():
            return Meaning(Needed(Need.ACHIEVEMENT, event.achievement, event.version))
        case e.CredentialIssued() | e.CredentialReinstated():
            return Meaning(Needed(Need.CREDENTIAL, event.credential))
        case (
            e.OrganizationClosed()
            | e.KeyRetired()
            | e.KeyCompromised()
            | e.RecognitionWithdrawn()
            | e.AccreditationSuspended()
            | e.AccreditationWithdrawn()
            | e.AchievementRetired()
            | e.CredentialSuspended()
            | e.CredentialRevoked()
            | e.CredentialSuperseded()
        ):
            return _NOTHING
        case _:
            assert_never(event)
