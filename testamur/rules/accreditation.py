"""Accreditations: an accreditor accredits a provider, and reviews that."""

from __future__ import annotations

from typing import assert_never

from testamur.catalogue import events as e
from testamur.catalogue.table import Kind
from testamur.rules.accreditors import Accreditors
from testamur.rules.flags import Flag, Flags, in_order
from testamur.rules.organizations import check_registered
from testamur.rules.recognition import check_dates, check_grant
from testamur.rules.register import Credentials, Register
from testamur.rules.registrations import vouched_flags
from testamur.rules.rights import check_change, check_restated
from testamur.rules.roles import require_role
from testamur.rules.said import Said
from testamur.rules.scope import exceeding, sets_of


def admit_accreditation(
    register: Register,
    credentials: Credentials,
    said: Said,
    event: e.AccreditationEvent,
    accreditors: Accreditors,
) -> Flags:
    """Let an accreditor accredit, restate its words, suspend, reinstate or withdraw.

    A successor changes the status too. Raises `Refusal`.
    """
    known = register.accreditations.get(event.accreditation)
    match event:
        case e.AccreditationGranted():
            require_role(register, said.actor, "accreditor")
            check_grant(register, credentials, said, event, event.accreditation)
            check_registered(register, event.provider)
            check_dates(event.valid_from, event.valid_until)
            return _granted(register, said, event, accreditors)
        case e.AccreditationRestated():
            known = check_restated(register, Kind.ACCREDITATION, known, said, event.accreditation)
            return vouched_flags(register, known.subject, event)
        case e.AccreditationSuspended() | e.AccreditationReinstated() | e.AccreditationWithdrawn():
            check_change(register, Kind.ACCREDITATION, known, said, event.accreditation)
        case _:
            assert_never(event)
    return ()


def _granted(
    register: Register, said: Said, event: e.AccreditationGranted, accreditors: Accreditors
) -> Flags:
    """Return the flags of a grant, whose scope may reach beyond what its accreditor is given."""
    flags = accreditors.flags(said.actor, event.provider)
    flags += vouched_flags(register, event.provider, event)
    if Flag.ACCREDITOR_NOT_RECOGNISED not in flags and all(
        exceeding(event.scope, each.event.scope) for each in accreditors.recognised(said.actor)
    ):
        flags.append(Flag.OUTSIDE_RECOGNITION)
    if event.scope is not None:
        sets_of(event.scope).forget_held()
    return in_order(flags)
