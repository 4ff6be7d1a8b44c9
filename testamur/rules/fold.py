"""The fold of the register: what each event adds to it, whether or not it counts.

Nothing is refused here and nothing is concluded. An event about a thing that the register does
not know is left out, as is a second registration: so an excerpt folds as far as it goes. The
gate folds with this function after it admitted an event, replays fold with it after they checked
one, and verification folds an excerpt with it alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter
from typing import assert_never

from msgspec.structs import replace

from testamur.catalogue import events as e
from testamur.rules.facets import write_facets
from testamur.rules.granting import looked_at
from testamur.rules.key_table import KeySubmission, KeyTable
from testamur.rules.register import (
    Achievement,
    Credential,
    Credentials,
    Definition,
    Grant,
    Organization,
    Particulars,
    Register,
    authorities_with,
    grants_with,
    identifier_claims,
)
from testamur.rules.said import Said, Signed


def take(
    register: Register,
    credentials: Credentials,
    signed: Signed,
    events: Sequence[tuple[int, e.Event]],
) -> None:
    """Fold events of one submission, each with its position, into register and credentials.

    A submission of key events must be given whole. `register.size` is left to the caller.
    """
    if events and type(events[0][1]) in e.KEY_EVENTS:
        take_keys(register, signed.organization, key_submission(signed, events))
        return
    for position, event in events:
        take_one(register, credentials, Said(position, signed, event))


def key_submission(signed: Signed, events: Sequence[tuple[int, e.Event]]) -> KeySubmission:
    """Return a whole submission of key events as a table of keys takes it."""
    about_keys = (event for _, event in events if isinstance(event, e.KeyEvent))
    return KeySubmission.of(signed.position, signed.key, signed.recorded_at, about_keys)


def take_keys(
    register: Register, did: str, submission: KeySubmission, keys: KeyTable | None = None
) -> None:
    """Fold a whole submission of key events; `keys` is the table after it, if it is known."""
    take_key_submissions(register, did, (submission,), keys)


def take_key_submissions(
    register: Register,
    did: str,
    submissions: Sequence[KeySubmission],
    keys: KeyTable | None = None,
) -> None:
    """Fold whole submissions of key events of one organization, in log order."""
    organization = register.organizations.get(did)
    if organization is None or not submissions:
        return
    if keys is None:
        # A life of key events folded one by one would cost its square.
        before, one = organization.keys, len(submissions) == 1
        keys = before.plus(submissions[0]) if one else before.after(submissions)
    about_keys = [event for each in submissions for event in each.events]
    entries = organization.entries + len(about_keys)
    register.organizations[did] = replace(organization, keys=keys, entries=entries)
    for event in about_keys:
        if isinstance(event, e.KeyListed):
            _claim(register, event.key, did)


def take_one(register: Register, credentials: Credentials, said: Said) -> None:
    """Fold one event that is not about keys."""
    event = said.event
    if isinstance(event, e.CredentialIssued):
        issue(credentials, said.signed, event)
    elif isinstance(event, e.CredentialStatusEvent):
        known = credentials.get(event.credential)
        if known is not None:
            credentials[event.credential] = told_of(known, said)
    else:
        take_to_register(register, said)


def told_of(credential: Credential, said: Said) -> Credential:
    """Return what was said of a credential with one more status event."""
    return replace(credential, stream=(*credential.stream, said))


def take_to_register(register: Register, said: Said) -> None:
    """Fold one event that is neither about keys nor about a credential."""
    event = said.event
    if isinstance(event, e.AchievementEvent):  # most of a register
        _take_achievement(register, said, event)
    elif isinstance(event, e.CredentialIssued | e.CredentialStatusEvent):
        raise TypeError("the register holds no credentials; fold the event with take_one")
    elif isinstance(event, e.RecognitionGranted | e.AccreditationGranted):
        _grant(register, said, event)
    elif isinstance(event, e.RecognitionEvent | e.AccreditationEvent):
        _change_grant(register, said, event)
    elif isinstance(event, e.LogOpened):
        register.origin = event.origin
        for authority in event.authorities:
            _register(register, said, authority, None)
    else:
        _take_organization(register, said, event)


def issue(credentials: Credentials, signed: Signed, event: e.CredentialIssued) -> None:
    """Fold one issuance. An id belongs to the organization that wrote it first."""
    known = credentials.get(event.credential)
    if known is None:
        credentials[event.credential] = Credential(event.accreditation, (signed,))
    elif known.owner == signed.organization:
        credentials[event.credential] = replace(known, issuances=(*known.issuances, signed))


def _take_organization(register: Register, said: Said, event: e.OrganizationEvent) -> None:
    if isinstance(event, e.KeyEvent):
        raise TypeError("a submission of key events is folded whole, by take_keys")
    match event:
        case e.OrganizationRegistered():
            _register(register, said, event, said.actor)
        case e.OrganizationUpdated():
            _tell(register, said.actor, said)
            _claim_identifiers(register, event, said.actor)
        case e.OrganizationClosed() | e.OrganizationObjected():
            _tell(register, said.actor, said)
        case e.OrganizationSucceeded():
            _tell(register, event.organization, said)
        case _:
            assert_never(event)


def _take_achievement(register: Register, said: Said, event: e.AchievementEvent) -> None:
    match event:
        case e.AchievementDefined() | e.AchievementRevised():
            _define(register, said, event)
        case e.AchievementRetired():
            known = register.achievements.get(event.achievement)
            if known is not None:
                register.achievements[event.achievement] = replace(
                    known, stream=(*known.stream, said), entries=known.entries + 1
                )
        case _:
            assert_never(event)


def _register(
    register: Register, said: Said, event: e.OrganizationRegistered, sponsor: str | None
) -> None:
    did = event.organization
    if did in register.organizations:
        return  # the first registration of a DID on the log is the one
    register.organizations[did] = Organization(
        did=did,
        registered=said.signed.position,
        sponsor=sponsor,
        roles=event.roles,
        registration=Particulars(event.name, event.country, event.identifiers, event.url),
        keys=KeyTable.of(did, event.recovery_keys, event.signing_keys, said.signed.position),
        # The genesis is in the stream of the log.
        entries=0 if sponsor is None else 1,
    )
    for key in register.organizations[did].keys.keys:
        _claim(register, key, did)
    _claim_identifiers(register, event, did)


def _tell(register: Register, did: str, said: Said) -> None:
    organization = register.organizations.get(did)
    if organization is None:
        return
    told = replace(organization, entries=organization.entries + 1)
    if said.actor == did:
        told = replace(told, said=(*told.said, said))
    if type(said.event) is e.OrganizationClosed:
        told = replace(told, closings=(*told.closings, said))
    register.organizations[did] = told
    if said.actor != did:
        pair = f"{did} {said.actor}"
        register.successions[pair] = (*register.successions.get(pair, ()), said)


def _grant(
    register: Register, said: Said, event: e.RecognitionGranted | e.AccreditationGranted
) -> None:
    recognition = isinstance(event, e.RecognitionGranted)
    grants = register.recognitions if recognition else register.accreditations
    id_ = event.recognition if recognition else event.accreditation  # type: ignore[union-attr]
    known = grants.get(id_)
    if known is not None and known.owner != said.actor:
        return
    _count(register, grants_with(said.signed, event))
    if isinstance(event, e.RecognitionGranted) and event.as_ == "authority":
        _count(register, authorities_with(said.signed))
    if known is not None:
        grants[id_] = replace(known, grants=(*known.grants, said))
        return
    grants[id_] = granted = Grant((said,))
    pair = f"{granted.subject} {granted.owner}"
    register.grants_of[pair] = (*register.grants_of.get(pair, ()), id_)
    if granted.makes == "authority":
        number = register.authorities.get(granted.owner, 0)
        register.authorised[f"{granted.owner} {number}"] = id_
        register.authorities[granted.owner] = number + 1
    by_subject = register.recognised if recognition else register.accredited
    earlier = by_subject.get(granted.subject, ())
    by_subject[granted.subject] = looked_at(register, grants, (*earlier, id_))


def _count(register: Register, name: str) -> None:
    register.granted_with[name] = register.granted_with.get(name, 0) + 1


def _change_grant(
    register: Register, said: Said, event: e.RecognitionEvent | e.AccreditationEvent
) -> None:
    recognition = isinstance(event, e.RecognitionEvent)
    grants = register.recognitions if recognition else register.accreditations
    id_ = event.recognition if recognition else event.accreditation  # type: ignore[union-attr]
    known = grants.get(id_)
    if known is not None:
        grants[id_] = replace(known, stream=(*known.stream, said))


def _define(
    register: Register, said: Said, event: e.AchievementDefined | e.AchievementRevised
) -> None:
    number = event.version if isinstance(event, e.AchievementRevised) else 1
    known = register.achievements.get(event.achievement)
    signed = said.signed
    place = said.position - signed.position
    written = Definition(number, write_facets(event.definition), place, signed)
    if known is None:
        register.achievements[event.achievement] = Achievement((written,))
        return
    if known.owner != said.actor:
        return
    definitions = known.definitions
    place = bisect_left(definitions, number, key=attrgetter("version"))
    before = known.definition(number)
    if before is not None:
        written = replace(before, again=(*before.again, (said.position, said.signed)))
    # In an excerpt a version may come first that is not the highest.
    after = definitions[place:] if before is None else definitions[place + 1 :]
    definitions = (*definitions[:place], written, *after)
    register.achievements[event.achievement] = replace(
        known, definitions=definitions, entries=known.entries + 1
    )


def _claim_identifiers(
    register: Register, event: e.OrganizationRegistered | e.OrganizationUpdated, did: str
) -> None:
    for claim in identifier_claims(event.identifiers):
        _claim(register, claim, did)


def _claim(register: Register, claim: str, did: str) -> None:
    if claim not in register.claimed:
        register.claimed[claim] = did
