"""Who is in the register, and which of their keys may sign."""

from __future__ import annotations

from typing import Final, assert_never

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.events import LogOpened
from testamur.catalogue.lifecycle import (
    KEY,
    ORGANIZATION,
    KeyStatus,
    OrganizationStatus,
    status_after,
)
from testamur.catalogue.members import Key, Role
from testamur.errors import Refusal
from testamur.keys import PublicKey
from testamur.rules.flags import Flag, Flags
from testamur.rules.occurrence import Occurrence
from testamur.rules.register import KeyState, Organization, Register

SPONSORS: Final[dict[Role, frozenset[Role]]] = {
    "authority": frozenset({"authority"}),
    "accreditor": frozenset({"authority"}),
    "endorser": frozenset({"authority", "accreditor"}),
    "provider": frozenset({"authority", "accreditor"}),
}
"""The roles that let a sponsor register an organization of each role: any one of them."""

MAX_KEYS: Final = 64

_POSSESSION: Final = msgspec.json.Encoder(order="sorted")


def possession_statement(origin: str, sponsor: str, organization: str, key: Key) -> bytes:
    """Return the bytes a new key signs to show that its holder wants it in this register.

    They name the log, the sponsor and the organization, so the signature serves no other purpose.
    """
    claim = {
        "key": {"id": key.id, "publicKeyMultibase": key.public_key_multibase},
        "log": origin,
        "organization": organization,
        "sponsor": sponsor,
    }
    return b"testamur/possession/1\n" + _POSSESSION.encode(claim)


def admit_organization(register: Register, at: Occurrence, event: e.OrganizationEvent) -> Flags:
    """Let organizations enter, change what they say of themselves, change keys, and close."""
    match event:
        case e.OrganizationRegistered():
            return register_organization(register, at, event)
        case e.OrganizationUpdated():
            return update_organization(register, at, event)
        case e.OrganizationClosed():
            return close_organization(register, at, event)
        case e.KeyAdded():
            return add_key(register, at, event)
        case e.KeyRetired():
            return retire_key(register, at, event)
        case e.KeyCompromised():
            return compromise_key(register, at, event)
        case _:
            assert_never(event)


def open_log(register: Register, at: Occurrence, event: LogOpened) -> None:
    """Seat the root authorities; only the very first event may do so."""
    if register.origin is not None:
        raise Refusal("genesis-again", "the log is already open", value=event.origin)
    register.origin = event.origin
    for authority in event.authorities:
        if authority.organization in register.organizations:
            raise Refusal(
                "organization-twice",
                "the genesis lists each organization once",
                value=authority.organization,
            )
        for named in ("id", "public_key_multibase"):
            values = [getattr(key, named) for key in authority.keys]
            if len(set(values)) != len(values):
                raise Refusal(
                    "key-twice", "all keys of an organization are different", value=values
                )
        for key in authority.keys:
            _check_key_form(authority.organization, key, first=key is authority.keys[0])
        register.organizations[authority.organization] = Organization(
            did=authority.organization,
            name=authority.name,
            country=authority.country,
            roles=("authority",),
            sponsor=None,
            status=OrganizationStatus.REGISTERED,
            keys=tuple(_fresh(key, at.position) for key in authority.keys),
            registered=at.position,
            version=0,
        )


def register_organization(
    register: Register, at: Occurrence, event: e.OrganizationRegistered
) -> Flags:
    """Let a sponsor of the right role register an organization."""
    known = register.organizations.get(event.organization)
    status = status_after(ORGANIZATION, known.status if known else None, event, event.organization)
    sponsor = register.organizations[at.actor]
    for role in event.roles:
        if not SPONSORS[role] & set(sponsor.roles):
            raise Refusal(
                "sponsor-role",
                f"only {' or '.join(sorted(SPONSORS[role]))} may bring in "
                f"{'an' if role[0] in 'ae' else 'a'} {role}; {at.actor} is {list(sponsor.roles)}",
                value=role,
            )
    _check_key_form(event.organization, event.key, first=True)
    _check_possession(register, at, event)
    register.organizations[event.organization] = Organization(
        did=event.organization,
        name=event.name,
        country=event.country,
        roles=event.roles,
        sponsor=sponsor.did,
        status=status,
        keys=(_fresh(event.key, at.position),),
        registered=at.position,
        version=1,
        identifiers=event.identifiers,
        url=event.url,
    )
    return ()


def update_organization(register: Register, at: Occurrence, event: e.OrganizationUpdated) -> Flags:
    """Let an organization restate its public particulars; flag a change of country.

    Where an accreditation limits jurisdictions, issuances are judged by the country that the
    provider states at their position, on its own word.
    """
    before = _own(register, at, event.organization)
    register.organizations[before.did] = msgspec.structs.replace(
        before,
        name=event.name,
        country=event.country,
        identifiers=event.identifiers,
        url=event.url,
        status=status_after(ORGANIZATION, before.status, event, before.did),
        version=before.version + 1,
    )
    return (Flag.COUNTRY_CHANGED,) if event.country != before.country else ()


def close_organization(register: Register, at: Occurrence, event: e.OrganizationClosed) -> Flags:
    """Let an organization, or the sponsor that registered it, close the organization."""
    before = _own_or_sponsored(register, at, event.organization)
    register.organizations[before.did] = msgspec.structs.replace(
        before,
        status=status_after(ORGANIZATION, before.status, event, before.did),
        version=before.version + 1,
    )
    return ()


def add_key(register: Register, at: Occurrence, event: e.KeyAdded) -> Flags:
    """Let an organization, or its sponsor when its own keys are lost, add a key."""
    before = _own_or_sponsored(register, at, event.organization)
    if before.key(event.key.id) is not None:
        raise Refusal("key-twice", "a key id is never used again", value=event.key.id)
    if any(key.multikey == event.key.public_key_multibase for key in before.keys):
        raise Refusal(
            "key-twice",
            "the organization already listed this very key",
            value=event.key.public_key_multibase,
        )
    if len(before.keys) >= MAX_KEYS:
        raise Refusal("key-count", f"an organization has at most {MAX_KEYS} keys in its life")
    _check_key_form(before.did, event.key, first=False)
    _check_possession(register, at, event)
    return _replace_keys(register, before, event, (*before.keys, _fresh(event.key, at.position)))


def retire_key(register: Register, at: Occurrence, event: e.KeyRetired) -> Flags:
    """Retire a key, but never the last active one: nobody could act for its owner then."""
    before = _own(register, at, event.organization)
    key = _known_key(before, event.key)
    status = status_after(KEY, key.status, event, f"{before.did}#{key.id}")
    if sum(other.status is KeyStatus.ACTIVE for other in before.keys) == 1:
        raise Refusal("last-key", "the last active key cannot be retired", value=key.id)
    # The rest of this submission stands: its key was judged at the header.
    retired = msgspec.structs.replace(key, status=status, until=at.position)
    return _replace_keys(register, before, event, _with(before.keys, retired))


def compromise_key(register: Register, at: Occurrence, event: e.KeyCompromised) -> Flags:
    """Cut a key off at the position from which it is compromised, or at an earlier one."""
    before = _own_or_sponsored(register, at, event.organization)
    key = _known_key(before, event.key)
    status = status_after(KEY, key.status, event, f"{before.did}#{key.id}")
    if not key.added <= event.since <= at.position:
        raise Refusal(
            "compromise-position",
            f"since must lie between {key.added}, where the key was added, "
            f"and {at.position}, this event's own position",
            value=event.since,
        )
    if key.status is KeyStatus.COMPROMISED and key.until is not None and event.since >= key.until:
        raise Refusal(
            "compromise-position",
            f"it is known to be compromised from {key.until} on; since can only move back",
            value=event.since,
        )
    until = event.since if key.until is None else min(event.since, key.until)
    cut = msgspec.structs.replace(key, status=status, until=until)
    return _replace_keys(register, before, event, _with(before.keys, cut))


def _own(register: Register, at: Occurrence, did: str) -> Organization:
    if did != at.actor:
        raise Refusal(
            "not-own-organization", f"only {did} itself may cause this, not {at.actor}", value=did
        )
    return register.organizations[did]


def _own_or_sponsored(register: Register, at: Occurrence, did: str) -> Organization:
    organization = register.organizations.get(did)
    if organization is None:
        raise Refusal(
            "unknown-organization", "no organization with this DID is in the register", value=did
        )
    if at.actor not in (did, organization.sponsor):
        raise Refusal(
            "not-own-organization",
            f"only {did} or its sponsor {organization.sponsor} may cause this, not {at.actor}",
            value=did,
        )
    return organization


def _known_key(organization: Organization, key_id: str) -> KeyState:
    key = organization.key(key_id)
    if key is None:
        raise Refusal("unknown-key", f"{organization.did} has no such key", value=key_id)
    return key


def _check_key_form(did: str, key: Key, *, first: bool) -> None:
    public = PublicKey.from_multikey(key.public_key_multibase)
    if first and did.startswith("did:key:") and did != public.did_key():
        # Else a sponsor could register somebody under the did:key of another.
        raise Refusal(
            "key-of-did",
            f"the first key of {did} must be the key the DID spells",
            value=key.public_key_multibase,
        )


def verify_possession(
    origin: str, sponsor: str, event: e.OrganizationRegistered | e.KeyAdded
) -> None:
    """Raise `Refusal` (rule `possession`) unless the new key signed for its organization."""
    key = event.key
    statement = possession_statement(origin, sponsor, event.organization, key)
    try:
        PublicKey.from_multikey(key.public_key_multibase).verify(event.possession, statement)
    except ValueError as error:
        raise Refusal(
            "possession", f"the new key has not signed for {event.organization}: {error}"
        ) from None


def _check_possession(
    register: Register, at: Occurrence, event: e.OrganizationRegistered | e.KeyAdded
) -> None:
    if not at.possessed:
        verify_possession(register.origin or "", at.actor, event)


def _fresh(key: Key, position: int) -> KeyState:
    multikey = key.public_key_multibase
    # Most keys are named by their Multikey, and one string is half of two.
    return KeyState(
        multikey if key.id == multikey else key.id, multikey, KeyStatus.ACTIVE, position
    )


def _with(keys: tuple[KeyState, ...], changed: KeyState) -> tuple[KeyState, ...]:
    return tuple(changed if key.id == changed.id else key for key in keys)


def _replace_keys(
    register: Register, before: Organization, event: e.Event, keys: tuple[KeyState, ...]
) -> Flags:
    register.organizations[before.did] = msgspec.structs.replace(
        before,
        keys=keys,
        status=status_after(ORGANIZATION, before.status, event, before.did),
        version=before.version + 1,
    )
    return ()
