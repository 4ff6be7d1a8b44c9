"""Who vouches for whom: recognitions of accreditors, accreditations of providers."""

from __future__ import annotations

from datetime import date
from typing import Final

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
from testamur.rules.occurrence import Occurrence
from testamur.rules.register import Accreditation, Recognition, Register
from testamur.rules.scope import exceeding

MAX_RECOGNITIONS: Final = 1000
"""How many recognitions an accreditor may be granted in its life: every issuance under one of
its accreditations looks through them."""


def grant_recognition(
    register: Register, at: Occurrence, event: e.RecognitionGranted
) -> tuple[str, ...]:
    """Let an authority recognise an accreditor; flags one that recognises itself."""
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
    return ("self-recognition",) if event.accreditor == at.actor else ()


def withdraw_recognition(register: Register, at: Occurrence, event: e.RecognitionWithdrawn) -> None:
    """Let the authority that granted a recognition end it."""
    before = register.recognitions.get(event.recognition)
    if before is None:
        raise Refusal("unknown-recognition", "never granted", value=event.recognition)
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


def grant_accreditation(
    register: Register, at: Occurrence, event: e.AccreditationGranted
) -> tuple[str, ...]:
    """Let an accreditor accredit a provider; flags a grant it is in no position to make."""
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
    flags = standing_flags(register, at.actor, event.provider, at.day)
    recognitions = recognitions_in_force(register, at.actor, at.day)
    if recognitions and all(exceeding(event.scope, each.scope) for each in recognitions):
        flags.append("outside-recognition")
    return tuple(flags)


def change_accreditation(
    register: Register,
    at: Occurrence,
    event: e.AccreditationSuspended | e.AccreditationReinstated | e.AccreditationWithdrawn,
) -> None:
    """Let the accreditor that granted an accreditation suspend, reinstate or withdraw it."""
    before = register.accreditations.get(event.accreditation)
    if before is None:
        raise Refusal("unknown-accreditation", "never granted", value=event.accreditation)
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


def standing_flags(register: Register, accreditor: str, provider: str, day: date) -> list[str]:
    """Return what is amiss on `day` with `accreditor` accrediting `provider`, whatever it covers.

    What an organization decided while it acted stands after it closed, for its term; but nobody
    watches over it any more, nor can take it back.
    """
    flags = []
    recognitions = recognitions_in_force(register, accreditor, day)
    if not recognitions:
        flags.append("accreditor-not-recognised")
    elif all(register.closed(each.authority) for each in recognitions):
        flags.append("authority-closed")
    if recognitions and all(each.authority == accreditor for each in recognitions):
        flags.append("self-recognition")
    if register.closed(accreditor):
        flags.append("accreditor-closed")
    if accreditor == provider:
        flags.append("self-accreditation")
    return flags


def recognitions_in_force(register: Register, accreditor: str, day: date) -> list[Recognition]:
    """Return the recognitions that `accreditor` holds on `day`, of authorities closed since too."""
    granted = (register.recognitions[id_] for id_ in register.recognised.get(accreditor, ()))
    return [recognition for recognition in granted if recognition.in_force(day)]


def _require_role(register: Register, did: str, role: Role) -> None:
    organization = register.organizations.get(did)
    if organization is None:
        raise Refusal("unknown-organization", "not in the register", value=did)
    if organization.status is not OrganizationStatus.REGISTERED:
        raise Refusal("organization-closed", "it acts no more", value=did)
    if role not in organization.roles:
        raise Refusal(
            "role",
            f"{did} must be {'an' if role[0] in 'ae' else 'a'} {role}",
            value=list(organization.roles),
        )


def _check_dates(start: date, end: date | None) -> None:
    if end is not None and end < start:
        raise Refusal("dates", f"validUntil lies before validFrom {start}", value=str(end))
