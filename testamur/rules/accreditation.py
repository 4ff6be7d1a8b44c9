"""Who vouches for whom: recognitions of accreditors, accreditations of providers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
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
from testamur.rules.scope import exceeding, names_in, sets_of

LOOKED_AT: Final = 64
"""How many recognitions of an accreditor the flags look at: bounded, so that an event costs the
same however many there are."""

NAMES_LOOKED_AT: Final = 8192
"""How many things the scopes of these may name in all."""


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
    known = register.recognitions.get(event.recognition)
    accreditor = register.organizations[event.accreditor].did  # one string for all that name it
    recognition = Recognition(
        id=event.recognition,
        authority=register.organizations[at.actor].did,
        accreditor=accreditor,
        status=status_after(RECOGNITION, known.status if known else None, event, event.recognition),
        valid_from=event.valid_from,
        version=1,
        scope=event.scope,
        valid_until=event.valid_until,
    )
    add_recognition(register, recognition)
    return (Flag.SELF_RECOGNITION,) if accreditor == at.actor else ()


def add_recognition(register: Register, recognition: Recognition) -> None:
    """Put a recognition that was granted last into the register."""
    register.recognitions[recognition.id] = recognition
    earlier = register.recognised.get(recognition.accreditor, ())
    register.recognised[recognition.accreditor] = _looked_at(register, (*earlier, recognition.id))


def _looked_at(register: Register, granted: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of an accreditor's recognitions, oldest first, that flags look at.

    While there are too many, the authority that granted the most of them loses its oldest. So no
    authority can crowd out what another granted, however much it grants.
    """
    kept = [register.recognitions[id_] for id_ in granted]
    if len(kept) > LOOKED_AT:
        _leave_one_out(kept, [1] * len(kept))
    while sum(names := [names_in(each.scope) for each in kept]) > NAMES_LOOKED_AT:
        _leave_one_out(kept, names)
    return granted if len(kept) == len(granted) else tuple(each.id for each in kept)


def _leave_one_out(kept: list[Recognition], shares: list[int]) -> None:
    """Take out the oldest of the authority with the largest sum of shares; one without stays."""
    of_authority: Counter[str] = Counter()
    for each, share in zip(kept, shares, strict=True):
        of_authority[each.authority] += share
    most = of_authority.most_common(1)[0][0]
    del kept[
        next(
            place
            for place, (each, share) in enumerate(zip(kept, shares, strict=True))
            if share and each.authority == most
        )
    ]


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
        accreditor=register.organizations[at.actor].did,  # one string for all that name it
        provider=register.organizations[event.provider].did,
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
    in_force = recognitions_in_force(register, at.actor, at.day)
    if Flag.ACCREDITOR_NOT_RECOGNISED not in flags and all(
        exceeding(event.scope, each.scope) for each in in_force
    ):
        flags.append(Flag.OUTSIDE_RECOGNITION)
    if event.scope is not None:
        sets_of(event.scope).forget_held()
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
    recognised = standing = independent = False
    for each in recognitions_in_force(register, accreditor, day):
        recognised = True
        standing = standing or not register.closed(each.authority)
        independent = independent or each.authority != accreditor
        if standing and independent:
            break
    if not recognised:
        flags.append(Flag.ACCREDITOR_NOT_RECOGNISED)
    elif not standing:
        flags.append(Flag.AUTHORITY_CLOSED)
    if recognised and not independent:
        flags.append(Flag.SELF_RECOGNITION)
    if register.closed(accreditor):
        flags.append(Flag.ACCREDITOR_CLOSED)
    if accreditor == provider:
        flags.append(Flag.SELF_ACCREDITATION)
    return flags


def recognitions_in_force(register: Register, accreditor: str, day: date) -> Iterator[Recognition]:
    """Yield the recognitions that flags look at and that `accreditor` holds on `day`.

    Also those of closed authorities.
    """
    for id_ in register.recognised.get(accreditor, ()):
        recognition = register.recognitions[id_]
        if recognition.in_force(day):
            yield recognition


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
