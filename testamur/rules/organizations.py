"""What an organization says of itself, and who may name its successor."""

from __future__ import annotations

from typing import assert_never

from testamur.catalogue import events as e
from testamur.errors import Refusal
from testamur.rules.flags import Flag, Flags
from testamur.rules.register import Register
from testamur.rules.registrations import shared_flags
from testamur.rules.said import Said
from testamur.rules.status import may_name
from testamur.rules.vouching import particulars


def admit_organization(register: Register, said: Said, event: e.OrganizationEvent) -> Flags:
    """Let an organization update its particulars, close, object, or name a successor.

    Only what it says of another organization can be refused here. Raises `TypeError` for a
    registration and for key events, which are admitted elsewhere.
    """
    if isinstance(event, e.OrganizationRegistered | e.KeyEvent):
        raise TypeError(f"{e.wire_name(event)} brings keys or is about them; this file has none")
    match event:
        case e.OrganizationUpdated():
            before = particulars(register, register.organizations[said.actor])
            changed = (Flag.COUNTRY_CHANGED,) if event.country != before.country else ()
            return (*changed, *shared_flags(register, said.actor, event))
        case e.OrganizationSucceeded():
            check_succession(register, said, event)
        case e.OrganizationClosed() | e.OrganizationObjected():
            pass
        case _:
            assert_never(event)
    return ()


def check_succession(register: Register, said: Said, event: e.OrganizationSucceeded) -> None:
    """Raise `Refusal` unless the signer may name a successor of that organization.

    Rules `unknown-organization`, `succession-of-another`. When the naming takes effect, and on
    what, is judged where the successor acts (`status.speakers`).
    """
    for did in (event.organization, event.successor):
        check_registered(register, did)
    if not may_name(register, event.organization, said.actor, said.position):
        raise Refusal(
            "succession-of-another",
            "a successor is named by the organization itself, or by an accreditor that "
            f"accredited it; {said.actor} is neither",
            value=event.organization,
        )


def check_registered(register: Register, did: str) -> None:
    """Raise `Refusal` (rule `unknown-organization`) unless an organization is in the register."""
    if did not in register.organizations:
        raise Refusal(
            "unknown-organization", "no organization with this DID is in the register", value=did
        )
