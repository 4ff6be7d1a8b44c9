"""The events of a story as events of the catalogue, and its submissions as signed files.

Two lines of a story that are equal become equal bytes. What a story cannot say (the text of a
definition, an assessment) is the same in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, TypeAlias, assert_never

from msgspec.structs import replace

from testamur.catalogue import events as e
from testamur.catalogue.lines import encode_event
from testamur.catalogue.members import Definition, Level, Outcome, Scope, Workload
from testamur.catalogue.registration import UNSIGNED, registration_statement
from testamur.catalogue.submission import seal
from tests.trust_model import events as m
from tests.trust_model.submissions import LOG
from tests.trust_stories.naming import (
    DAY_0,
    ORIGIN,
    country_of,
    day_of,
    did_of,
    id_of,
    key_of,
    milliseconds_of,
    multikey_of,
    sponsor_of,
)

Commit: TypeAlias = Callable[[str, m.Issued], bytes]
"""Returns the commitment that an issuance by an organization puts on the log: 32 bytes."""

_CHANGES: Final[Mapping[tuple[m.Kind, m.Verb], type[e.Event]]] = MappingProxyType(
    {
        ("credential", "suspend"): e.CredentialSuspended,
        ("credential", "reinstate"): e.CredentialReinstated,
        ("credential", "revoke"): e.CredentialRevoked,
        ("credential", "supersede"): e.CredentialSuperseded,
        ("accreditation", "suspend"): e.AccreditationSuspended,
        ("accreditation", "reinstate"): e.AccreditationReinstated,
        ("accreditation", "withdraw"): e.AccreditationWithdrawn,
        ("recognition", "withdraw"): e.RecognitionWithdrawn,
        ("achievement", "retire"): e.AchievementRetired,
    }
)


class Unsayable(Exception):
    """The catalogue has no event for this line of a story."""


def digest_of(issued: m.Issued) -> bytes:
    """Return the hash of a commitment's name: a commitment that no credential opens."""
    return sha256(issued.commitment.encode()).digest()


def unopened(_issuer: str, issued: m.Issued) -> bytes:
    """Commit to nothing: for stories in which no credential is shown."""
    return digest_of(issued)


def genesis(authorities: tuple[m.Registered, ...]) -> bytes:
    """Return the submission that opens the log of a story."""
    return _sealed(LOG, LOG, 0, (_opened(m.Opened(authorities)),), "genesis")


def submission(
    organization: str,
    key: str,
    time: int,
    events: tuple[m.Event, ...],
    *,
    label: str,
    commit: Commit = unopened,
) -> bytes:
    """Return the signed file of one attempt; raises `Refusal`, or `Unsayable`.

    `time` is counted from the beginning of the story, in milliseconds. `label` makes the `jti`.
    """
    lines = tuple(line(organization, event, commit) for event in events)
    return _sealed(organization, key, time, lines, label)


def line(actor: str, event: m.Event, commit: Commit = unopened) -> e.Event:
    """Return the event of the catalogue; raises `Unsayable` if there is none."""
    made: e.Event
    match event:
        case m.Opened():
            made = _opened(event)
        case m.Registered():
            made = registration(event)
        case m.KeyListed() | m.KeyRetired() | m.KeyCompromised():
            made = _of_key(event)
        case m.Updated():
            made = e.OrganizationUpdated(country=country_of(event.country), name=event.name)
        case m.Closed():
            made = e.OrganizationClosed()
        case m.Succeeded():
            made = e.OrganizationSucceeded(
                organization=did_of(event.organization), successor=did_of(event.successor)
            )
        case m.Objected():
            made = e.OrganizationObjected()
        case _:
            made = _of_thing(actor, event, commit)
    return made


def registration(event: m.Registered) -> e.OrganizationRegistered:
    """Return the registration, signed by the key that the story names."""
    unsigned = e.OrganizationRegistered(
        country=country_of(event.country),
        name=event.organization,
        organization=did_of(event.organization),
        origin=ORIGIN if event.origin == "log.example" else event.origin,
        recovery_keys=tuple(map(multikey_of, event.recovery_keys)),
        roles=tuple(sorted(event.roles)),
        signature=UNSIGNED,
        signing_keys=tuple(sorted(map(multikey_of, event.signing_keys))),
        sponsor=sponsor_of(event.sponsor),
        until=day_of(event.until),
    )
    signer = key_of(event.signed_by or event.organization)
    return replace(unsigned, signature=signer.sign(registration_statement(unsigned)))


def definition(achievement: str, facts: m.Definition) -> Definition:
    """Return the definition that a story's facts stand for; no mandatory element is missing."""
    return Definition(
        name=f"About {achievement}",
        achievement_type=facts.achievement_type,
        assessment=("writtenExamination",),
        field="0811",
        languages=("en",),
        level=Level(framework="EQF", value=facts.level),
        outcomes=(Outcome(name=f"Knows {achievement}"),),
        participation=("blended",),
        quality_assurance=("institutional",),
        supervision="supervisedOnSiteWithIdentity",
        workload=Workload(amount=facts.workload, unit="tenthOfEcts"),
    )


def vouched(words: m.Words) -> dict[str, Any]:
    """Return the members of a grant, or of a restatement, by which its signer vouches."""
    return {
        "country": country_of(words.country),
        "name": words.name,
        "other_ids": tuple(sorted(map(_other_id, words.other_ids))) or None,
        "other_names": tuple(sorted(words.other_names)) or None,
        "url": words.url,
    }


def _other_id(id_: str) -> str:
    """Return a DID or an address as it is, and the DID that spells a key for a key's name."""
    return id_ if id_.startswith(("did:", "http")) else did_of(id_)


def scope(extent: m.Scope) -> Scope | None:
    """Return the scope, or None for one that covers everything."""
    if extent == m.EVERYTHING:
        return None
    return Scope(
        achievement_types=_set(extent.achievement_types, str),
        achievements=_set(extent.achievements, id_of),
        jurisdictions=_set(extent.jurisdictions, country_of),
        levels=None
        if extent.levels is None
        else tuple(Level(framework="EQF", value=each) for each in sorted(extent.levels)),
    )


def _opened(event: m.Opened) -> e.LogOpened:
    return e.LogOpened(
        admission="testamur/admission/1",
        authorities=tuple(map(registration, event.authorities)),
        format="testamur/log/1",
        origin=ORIGIN,
    )


def _of_key(event: m.KeyEvent) -> e.KeyEvent:
    key = multikey_of(event.key)
    match event:
        case m.KeyListed():
            return e.KeyListed(as_=event.kind, key=key)
        case m.KeyRetired():
            return e.KeyRetired(key=key)
        case m.KeyCompromised():
            return e.KeyCompromised(key=key, since=event.since, kept=event.kept or None)
        case _:
            assert_never(event)


def _of_thing(actor: str, event: m.Created | m.Restated | m.Changed, commit: Commit) -> e.Event:
    match event:
        case m.RecognitionGranted() | m.AccreditationGranted():
            return _granted(event)
        case m.Defined():
            return _defined(event)
        case m.Issued():
            return _issued(event, commit(actor, event))
        case m.Restated():
            return _restated(event)
        case m.Changed():
            return _changed(event)
        case _:
            assert_never(event)


def _granted(event: m.Grant) -> e.Event:
    members: dict[str, Any] = {
        **vouched(event.words),
        "scope": scope(event.scope),
        "valid_from": day_of(event.term.first),
        "valid_until": None if event.term.last is None else day_of(event.term.last),
    }
    subject = did_of(event.organization)
    if isinstance(event, m.RecognitionGranted):
        return e.RecognitionGranted(
            as_=event.recognised_as,
            organization=subject,
            recognition=id_of(event.recognition),
            **members,
        )
    return e.AccreditationGranted(
        accreditation=id_of(event.accreditation),
        decision="positive",
        kind="institutional",
        provider=subject,
        **members,
    )


def _defined(event: m.Defined) -> e.Event:
    facts, id_ = definition(event.achievement, event.definition), id_of(event.achievement)
    if event.version == 1:
        return e.AchievementDefined(achievement=id_, definition=facts)
    return e.AchievementRevised(achievement=id_, definition=facts, version=event.version)


def _issued(event: m.Issued, commitment: bytes) -> e.CredentialIssued:
    return e.CredentialIssued(
        accreditation=None if event.accreditation is None else id_of(event.accreditation),
        achievement=id_of(event.achievement),
        achievement_version=event.version,
        commitment=commitment,
        credential=id_of(event.credential),
        format="OpenBadgeCredential/3.0",
        valid_from=DAY_0,
    )


def _restated(event: m.Restated) -> e.Event:
    words = vouched(event.words)
    if event.kind == "recognition":
        return e.RecognitionRestated(recognition=id_of(event.id), **words)
    return e.AccreditationRestated(accreditation=id_of(event.id), **words)


def _changed(event: m.Changed) -> e.Event:
    kind = _CHANGES.get((event.kind, event.verb))
    if kind is None:
        raise Unsayable(f"{event.verb} of a {event.kind}")
    members: dict[str, Any] = {event.kind: id_of(event.id)}
    if "reason" in kind.__struct_fields__:
        members["reason"] = "unspecified"
    if event.verb == "supersede":
        members["successor"] = id_of(event.replacement or "")
    return kind(**members)


def _set(names: tuple[str, ...] | None, spelt: Callable[[str], str]) -> tuple[str, ...] | None:
    return None if names is None else tuple(sorted(map(spelt, names)))


def _sealed(
    organization: str, key: str, time: int, events: tuple[e.Event, ...], label: str
) -> bytes:
    return seal(
        [encode_event(event) for event in events],
        key=key_of(key),
        kid=f"{did_of(organization)}#{multikey_of(key)}",
        aud=ORIGIN,
        iat=milliseconds_of(time) // 1000,
        jti=id_of(f"submission {label}"),
    )
