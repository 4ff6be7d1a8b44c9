"""Who vouches for whom: recognitions of accreditors, accreditations of providers."""

from __future__ import annotations

from datetime import date
from typing import Final, assert_never

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import (
    ACCREDITATION,
    RECOGNITION,
    OrganizationStatus,
    status_after,
)
from testamur.catalogue.members import Role
from testamur.errors import Refusal
from testamur.rules.flags import Flag, Flags
from testamur.rules.occurrence import Occurrence
from testamur.rules.register import Accreditation, Recognition, Register
from testamur.rules.scope import exceeding

MAX_RECOGNITIONS: Final = 1000
"""How many recognitions an accreditor may be granted in its life: the rules look through all of
them at every issuance under one of its accreditations."""


def admit_recognition(register: Register, at: Occurrence, event: e.RecognitionEvent) -> Flags:
    """Let an authority recognise an accreditor, or end its own recognition."""
    match event:
        case e.RecognitionGranted():
            return grant_recognition(register, at, event)
        case e.RecognitionWithdrawn():
            return withdraw_recognition(register, at, event)
        case _:
            assert_never(event)


def admit_accreditation(register: Register, at: Occurrence, event: e.AccreditationEvent) -> Flags:
    """Let an accreditor accredit a provider, or change its own accreditation."""
    match event:
        case e.AccreditationGranted():
            return grant_accreditation(register, at, event)
        case e.AccreditationSuspended() | e.AccreditationReinstated() | e.AccreditationWithdrawn():
            return change_accreditation(register, at, event)
        case _:
            assert_never(event)


def grant_recognition(register: Register, at: Occurrence, event: e.RecognitionGranted) -> Flags:
    """Let an authority recognise an accreditor; flag an authority that recognises itself."""
    _require_role(register, at.actor, "authority")
    _require_role(register, event.accreditor, "accreditor")
    _check_dates(event.valid_from, event.valid_until)
    earlier = register.recognised.get(event.accreditor, ())
    if len(earlier) >= MAX_RECOGNITIONS:
        raise Refusal(
            "recognition-count",
            f"an accreditor is recognised at most {MAX_RECOGNITIONS} times in its life",
            value=event.accreditor,
        )
    known = register.recognitions.get(event.recognition)
    register.recognitions[event.recognition] = Recognition(
        id=event.recognition,
        authority=at.actor,
        accreditor=event.accreditor,
        status=status_after(RECOGNITION, known.status if known else None, event, event.recognition),
        valid_from=event.valid_from,
        version=1,
        scope=event.scope,
        valid_until=event.valid_until,
    )
    register.recognised[event.accreditor] = (*earlier, event.recognition)
    return (Flag.SELF_RECOGNITION,) if event.accreditor == at.actor else ()


def withdraw_recognition(
    register: Register, at: Occurrence, event: e.RecognitionWithdrawn
) -> Flags:
    """Let the authority that granted a recognition end it."""
    before = register.recognitions.get(event.recognition)
    if before is None:
        raise Refusal(
            "unknown-recognition",
            "no recognition with this id was granted",
            value=event.recognition,
        )
    if before.authority != at.actor:
        raise Refusal(
            "recognition-of-another",
            f"granted by {before.authority}, not by {at.actor}",
            value=event.recognition,
        )
    register.recognitions[before.id] = msgspec.structs.replace(
        before,
        status=status_after(RECOGNITION, before.status, event, before.id),
        version=before.version + 1,
    )
    return ()


def grant_accreditation(register: Register, at: Occurrence, event: e.AccreditationGranted) -> Flags:
    """Let an accreditor accredit a provider; flag a grant that no recognition of it supports."""
    _require_role(register, at.actor, "accreditor")
    _require_role(register, event.provider, "provider")
    _check_dates(event.valid_from, event.valid_until)
    known = register.accreditations.get(event.accreditation)
    register.accreditations[event.accreditation] = Accreditation(
        id=event.accreditation,
        accreditor=at.actor,
        provider=event.provider,
        decision=event.decision,
        kind=event.kind,
        status=status_after(
            ACCREDITATION, known.status if known else None, event, event.accreditation
        ),
        valid_from=event.valid_from,
        version=1,
        scope=event.scope,
        valid_until=event.valid_until,
    )
    flags = accreditor_flags(register, at.actor, event.provider, at.day)
    recognitions = recognitions_in_force(register, at.actor, at.day)
    if recognitions and all(exceeding(event.scope, each.scope) for each in recognitions):
        flags.append(Flag.OUTSIDE_RECOGNITION)
    return tuple(flags)


def change_accreditation(
    register: Register,
    at: Occurrence,
    event: e.AccreditationSuspended | e.AccreditationReinstated | e.AccreditationWithdrawn,
) -> Flags:
    """Let the accreditor that granted an accreditation suspend, reinstate or withdraw it."""
    before = register.accreditations.get(event.accreditation)
    if before is None:
        raise Refusal(
            "unknown-accreditation",
            "no accreditation with this id was granted",
            value=event.accreditation,
        )
    if before.accreditor != at.actor:
        raise Refusal(
            "accreditation-of-another",
            f"granted by {before.accreditor}, not by {at.actor}",
            value=event.accreditation,
        )
    register.accreditations[before.id] = msgspec.structs.replace(
        before,
        status=status_after(ACCREDITATION, before.status, event, before.id),
        version=before.version + 1,
    )
    return ()


def accreditor_flags(register: Register, accreditor: str, provider: str, day: date) -> list[Flag]:
    """Return the flags, on `day`, of any accreditation of `provider` by `accreditor`.

    A decision outlives the organization that made it, for its term. A closed organization can no
    longer review or withdraw it, so that is flagged.
    """
    flags = []
    recognitions = recognitions_in_force(register, accreditor, day)
    if not recognitions:
        flags.append(Flag.ACCREDITOR_NOT_RECOGNISED)
    elif all(register.closed(each.authority) for each in recognitions):
        flags.append(Flag.AUTHORITY_CLOSED)
    if recognitions and all(each.authority == accreditor for each in recognitions):
        flags.append(Flag.SELF_RECOGNITION)
    if register.closed(accreditor):
        flags.append(Flag.ACCREDITOR_CLOSED)
    if accreditor == provider:
        flags.append(Flag.SELF_ACCREDITATION)
    return flags


def recognitions_in_force(register: Register, accreditor: str, day: date) -> list[Recognition]:
    """Return the recognitions that `accreditor` holds on `day`, also of closed authorities."""
    granted = (register.recognitions[id_] for id_ in register.recognised.get(accreditor, ()))
    return [recognition for recognition in granted if recognition.in_force(day)]


def _require_role(register: Register, did: str, role: Role) -> None:
    organization = register.organizations.get(did)
    if organization is None:
        raise Refusal(
            "unknown-organization", "no organization with this DID is in the register", value=did
        )
    if organization.status is not OrganizationStatus.REGISTERED:
        raise Refusal(
            "organization-closed", "the organization has closed and may cause nothing", value=did
        )
    if role not in organization.roles:
        raise Refusal(
            "role",
            f"{did} must be {'an' if role[0] in 'ae' else 'a'} {role}",
            value=list(organization.roles),
        )


def _check_dates(start: date, end: date | None) -> None:
    if end is not None and end < start:
        raise Refusal("dates", f"validUntil lies before validFrom {start}", value=str(end))
