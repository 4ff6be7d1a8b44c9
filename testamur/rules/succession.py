"""Who may act for an organization as of a size: the successors named for it, and by whom.

What a successor did is judged where it acted (`status.speakers`). Here it is told who could act
now, which a reader must know of an organization that closed.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from testamur.catalogue import events as e
from testamur.rules.register import Organization, Register, Thing
from testamur.rules.said import Said
from testamur.rules.status import (
    NOTICE,
    accreditor_of,
    closing,
    first_accredited,
    objections,
)


class Naming(msgspec.Struct, frozen=True, gc=False):
    """A successor of `organization`, as it was first named, in `said`, by one that is heard.

    `in_effect` says whether it may act for the organization now.
    """

    organization: str
    successor: str
    said: Said
    in_effect: bool

    @property
    def by(self) -> str:
        """Who named it: the organization itself, or an accreditor of it."""
        return self.said.actor


def namings(
    register: Register, did: str, speaker: str, position: int, recorded_at: int
) -> tuple[Naming, ...]:
    """Return the successors of an organization that a speaker named before a position.

    They are in the order of their naming, each once. The speaker is the organization itself or an
    accreditor of it, of which nothing counts that the organization objected to later.
    `recorded_at` is the time there, in Unix milliseconds.
    """
    organization = register.organizations.get(did)
    if organization is None:
        return ()
    own = speaker == did
    said = organization.said if own else register.successions.get(f"{did} {speaker}", ())
    after = 0 if own else _barred_until(register, organization, speaker, position)
    closed = closing(register, organization, position) is not None
    found: dict[str, Naming] = {}
    for each in said:
        event = each.event
        if (
            isinstance(event, e.OrganizationSucceeded)
            and event.successor not in found
            and after < each.position < position
            and register.counts(each.signed)
        ):
            in_effect = closed or recorded_at - each.signed.recorded_at >= NOTICE
            found[event.successor] = Naming(did, event.successor, each, in_effect)
    return tuple(found.values())


def namings_for(
    register: Register, thing: Thing, position: int, recorded_at: int
) -> tuple[Naming, ...]:
    """Return the successors named for a thing: by its owner, and by a credential's accreditor."""
    accreditor, _ = accreditor_of(register, thing)
    speakers = (thing.owner,) if accreditor is None else (thing.owner, accreditor)
    return tuple(
        each
        for speaker in speakers
        for each in namings(register, thing.owner, speaker, position, recorded_at)
    )


def closed_in_words(who: str, position: int, acting: Iterable[str]) -> str:
    """Return in a sentence that an organization closed, and which others act for it."""
    named = list(dict.fromkeys(acting))
    acts = f"{' and '.join(named)} {'acts' if len(named) == 1 else 'act'} for it"
    return f"{who} closed at position {position}; {acts if named else 'nobody can revoke any more'}"


def _barred_until(
    register: Register, organization: Organization, accreditor: str, position: int
) -> int:
    """Return the position up to which nothing counts that an accreditor said of a successor."""
    objected = (at for at in objections(register, organization) if at < position)
    return max(first_accredited(register, organization.did, accreditor), *objected, 0)
