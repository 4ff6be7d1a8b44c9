"""Recognitions: an authority makes an organization an accreditor or an authority."""

from __future__ import annotations

from datetime import date
from typing import assert_never

from testamur.catalogue import events as e
from testamur.catalogue.table import Kind
from testamur.errors import Refusal
from testamur.rules.flags import Flag, Flags
from testamur.rules.identity import check_again, check_free, check_line
from testamur.rules.organizations import check_registered
from testamur.rules.register import Credentials, Register
from testamur.rules.registrations import vouched_flags
from testamur.rules.rights import check_change, check_restated
from testamur.rules.roles import require_role
from testamur.rules.said import Said


def admit_recognition(
    register: Register, credentials: Credentials, said: Said, event: e.RecognitionEvent
) -> Flags:
    """Let an authority recognise an organization, restate its words, or withdraw.

    A successor withdraws too. Raises `Refusal`.
    """
    known = register.recognitions.get(event.recognition)
    match event:
        case e.RecognitionGranted():
            require_role(register, said.actor, "authority")
            check_grant(register, credentials, said, event, event.recognition)
            check_registered(register, event.organization)
            check_dates(event.valid_from, event.valid_until)
            own = (Flag.SELF_RECOGNITION,) if event.organization == said.actor else ()
            return (*own, *vouched_flags(register, event.organization, event))
        case e.RecognitionRestated():
            known = check_restated(register, Kind.RECOGNITION, known, said, event.recognition)
            return vouched_flags(register, known.subject, event)
        case e.RecognitionWithdrawn():
            check_change(register, Kind.RECOGNITION, known, said, event.recognition)
        case _:
            assert_never(event)
    return ()


def check_grant(
    register: Register,
    credentials: Credentials,
    said: Said,
    event: e.RecognitionGranted | e.AccreditationGranted,
    id_: str,
) -> None:
    """Raise `Refusal` unless the id of a grant is free, or its line may be written again.

    Rules `id-taken`, `another-line`, `ended-by-owner`.
    """
    check_free(register, credentials, event, id_)
    recognition = isinstance(event, e.RecognitionGranted)
    known = register.grant(Kind.RECOGNITION if recognition else Kind.ACCREDITATION, id_)
    if known is not None:
        check_again(register, known, known, said.actor, id_)
        check_line(register, known, event, known.event, id_)


def check_dates(start: date, end: date | None) -> None:
    """Raise `Refusal` (rule `dates`) for a term that ends before it begins."""
    if end is not None and end < start:
        raise Refusal("dates", f"validUntil lies before validFrom {start}", value=str(end))
