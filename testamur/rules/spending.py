"""Who spends what: caps count against the key that uses them up, in its life, counting or not.

So what a thief can add to anybody's evidence is bounded. What the thief spends is never missing
to the owner, who goes on with another key. The caps of key events are in `key_admission.py`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import AFTER, FINAL
from testamur.catalogue.table import row_of, subject_of
from testamur.errors import Refusal
from testamur.rules.key_admission import CAPS, Caps
from testamur.rules.pasts import spent_by, spent_by_key
from testamur.rules.register import (
    Achievement,
    Credentials,
    Register,
    Thing,
    authorities_with,
    grants_with,
)
from testamur.rules.said import Said, Signed
from testamur.rules.status import status


class Limits(msgspec.Struct, frozen=True, gc=False):
    """How much one key may say about one thing in its life, and about the keys (`keys`)."""

    status_events: int = 8
    """Status events and restatements of a thing, and what is said about an organization."""
    status_together: int = 64
    """So many of them of all keys of an organization on a thing of its own."""
    status_reserve: int = 32
    """Of these the last are for keys that the founding key listed: a thief of a recovery key
    lists hundreds."""
    revisions: int = 64
    """Revisions of an achievement."""
    grants: int = 16
    """Recognitions of one subject, and as many accreditations."""
    authorities: int = 64
    """Recognitions that make authorities, of all subjects together."""
    writings: int = 16
    """How often one line is written, by all keys."""
    keys: Caps = CAPS


LIMITS: Final = Limits()


def check_spending(
    register: Register, credentials: Credentials, said: Said, limits: Limits = LIMITS
) -> None:
    """Raise `Refusal` if the signer's key said as much before as it may.

    Rules `status-event-count`, `revision-count`, `grant-count`, `authority-count`,
    `writing-count`. On a thing of another's a successor spends for all its keys together, because
    it can list hundreds.
    """
    event, signer = said.event, said.signed
    if isinstance(event, e.OrganizationRegistered):
        return
    if isinstance(event, e.RecognitionGranted | e.AccreditationGranted):
        _check_grant(register, event, signer, limits)
    elif isinstance(event, e.AchievementDefined | e.AchievementRevised):
        _check_definition(register, event, signer, limits)
    else:
        row = row_of(event)
        thing = register.thing(credentials, row.kind, subject_of(event, said.actor))
        check_status_events(register, thing, said, limits)


def check_writings(written: int, limits: Limits = LIMITS) -> None:
    """Raise `Refusal` (rule `writing-count`) for a line that was written as often as it may be."""
    if written >= limits.writings:
        raise Refusal(
            "writing-count",
            f"a line is written at most {limits.writings} times, counting or not; make a fresh id",
            value=written,
        )


_ABOUT: Final = {
    "authority-count": "makes authorities",
    "grant-count": "grants one organization recognitions, or accreditations,",
    "revision-count": "revises one achievement",
    "status-event-count": "says something about one thing",
}


def _check(rule: str, spent: int, most: int, spender: str = "key") -> None:
    if spent >= most:
        remedy = "sign with another key" if spender == "key" else "its owner can still act"
        raise Refusal(
            rule,
            f"this {spender} {_ABOUT[rule]} at most {most} times in its life, counting or not; "
            f"{remedy}",
            value=spent,
        )


def _check_grant(
    register: Register,
    event: e.RecognitionGranted | e.AccreditationGranted,
    signer: Signed,
    limits: Limits,
) -> None:
    if isinstance(event, e.RecognitionGranted):
        known = register.recognitions.get(event.recognition)
    else:
        known = register.accreditations.get(event.accreditation)
    check_writings(0 if known is None else len(known.grants), limits)
    if isinstance(event, e.RecognitionGranted) and event.as_ == "authority":
        made = register.granted_with.get(authorities_with(signer), 0)
        _check("authority-count", made, limits.authorities)
    spent = register.granted_with.get(grants_with(signer, event), 0)
    _check("grant-count", spent, limits.grants)


def _check_definition(
    register: Register,
    event: e.AchievementDefined | e.AchievementRevised,
    signer: Signed,
    limits: Limits,
) -> None:
    known = register.achievements.get(event.achievement)
    if known is None:
        return
    version = event.version if isinstance(event, e.AchievementRevised) else 1
    written = known.definition(version)
    check_writings(0 if written is None else 1 + len(written.again), limits)
    if isinstance(event, e.AchievementRevised):
        _check("revision-count", _revised(known, signer), limits.revisions)


def check_status_events(
    register: Register, thing: Thing | None, said: Said, limits: Limits = LIMITS
) -> None:
    """Raise `Refusal` (rule `status-event-count`) for one status event, or restatement, too many.

    `thing` is what it is about, or None if that is an organization.
    """
    stream = _about_organization(register, said) if thing is None else thing.stream
    past = register.judged.past(stream)
    if thing is not None and thing.owner != said.actor:
        spent = spent_by(stream, said.actor, past)
        _check("status-event-count", spent, limits.status_events, "organization")
        return
    _check("status-event-count", spent_by_key(stream, said.signed, past), limits.status_events)
    reserved_from = limits.status_together - limits.status_reserve
    if len(stream) < reserved_from:
        return  # as of nearly everything
    spent = spent_by(stream, said.actor, past)
    if spent < reserved_from:
        return
    lister = register.organizations[said.actor].keys.keys[said.signed.key].lister
    founders = said.actor == f"did:key:{lister}"
    most = limits.status_together if founders else reserved_from
    if spent >= most and not _ends(register, thing, said):
        raise Refusal(
            "status-event-count",
            f"all keys of an organization say something about one thing of its own at most "
            f"{limits.status_together} times, counting or not, the last {limits.status_reserve} "
            "of them keys that the founding key listed; it can still be ended",
            value=spent,
        )


def _ends(register: Register, thing: Thing | None, said: Said) -> bool:
    """Return whether an event ends what has not ended: an owner can always say that."""
    if thing is None:
        return isinstance(said.event, e.OrganizationClosed)
    kind = row_of(said.event).kind
    return AFTER.get(type(said.event)) in FINAL and status(register, kind, thing) not in FINAL


def _revised(known: Achievement, signer: Signed) -> int:
    """Return how often the signer's key revised the achievement, which is its organization's."""
    spent = [each.signed.key for each in known.definitions].count(signer.key)
    if known.definitions[0].version == 1 and known.definitions[0].signed.key == signer.key:
        spent -= 1
    if known.entries > len(known.definitions) + len(known.stream):
        spent += sum(
            signed.key == signer.key
            for each in known.definitions
            if each.version > 1
            for _, signed in each.again
        )
    return spent


def _about_organization(register: Register, said: Said) -> tuple[Said, ...]:
    """Return what the signer said of itself, or of another organization's succession."""
    event = said.event
    if isinstance(event, e.OrganizationSucceeded) and event.organization != said.actor:
        return register.successions.get(f"{event.organization} {said.actor}", ())
    return register.organizations[said.actor].said
