"""How an organization enters: by a registration that its founding key signed, through a sponsor.

The root authorities enter with the genesis. Whatever becomes of the sponsor's key, a registration
that was admitted stands: `fold.py` takes it from submissions that do not count, too.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from testamur.catalogue import events as e
from testamur.catalogue.members import Role, Vouched
from testamur.catalogue.registration import verify_registration
from testamur.errors import Refusal
from testamur.keys import DID_KEY, PublicKey
from testamur.rules.flags import Flag, Flags
from testamur.rules.key_admission import CAPS, Caps, admit_first_keys
from testamur.rules.register import Register, identifier_claims
from testamur.rules.roles import has_role
from testamur.rules.said import Said, Signed

SPONSORS: Final[dict[Role, tuple[Role, ...]]] = {
    "authority": ("authority",),
    "accreditor": ("authority",),
    "endorser": ("authority", "accreditor"),
    "provider": ("authority", "accreditor"),
}
"""The roles that let a sponsor register an organization of each role: any one of them."""

WINDOW: Final = 30
"""How many days before the day `until` a registration is admitted."""

BRINGING_KEYS: Final = frozenset[type]({e.OrganizationRegistered, e.KeyListed})
"""The events that `verify_alone` judges, the genesis apart."""


def verify_alone(event: e.Event) -> None:
    """Raise `Refusal` for what is wrong with a registration or listing in any register.

    That is the form of a key, and the signature of the founding key: rules `key-form`, `base58`,
    `registration-signature`.
    """
    if isinstance(event, e.KeyListed):
        PublicKey.from_multikey(event.key)
    elif isinstance(event, e.OrganizationRegistered):
        for key in (*event.recovery_keys, *event.signing_keys):
            PublicKey.from_multikey(key)
        verify_registration(event)


def admit_registration(
    register: Register, said: Said, event: e.OrganizationRegistered, caps: Caps = CAPS
) -> Flags:
    """Let a sponsor of the right role register an organization that signed its registration.

    Raises `Refusal` (rules `organization-twice`, `sponsor`, `origin`, `until`, `key-twice`,
    `key-count`, `sponsor-role`). The founding signature is judged by `verify_alone`.
    """
    if event.organization in register.organizations:
        raise Refusal(
            "organization-twice",
            "an organization with this DID is in the register already",
            value=event.organization,
        )
    if event.sponsor != said.actor:
        raise Refusal(
            "sponsor",
            f"the founding key signed for another sponsor than {said.actor}, who signs this "
            "submission",
            value=event.sponsor,
        )
    _check_meant(event, register.origin or "", said.signed.day, caps)
    for role in event.roles:
        if not any(has_role(register, said.actor, each) for each in SPONSORS[role]):
            raise Refusal(
                "sponsor-role",
                f"only an organization that is {' or '.join(SPONSORS[role])} may register one as "
                f"{role}, and {said.actor} is not",
                value=role,
            )
    flags = list(shared_flags(register, event.organization, event))
    keys = (event.organization.removeprefix("did:key:"), *event.recovery_keys, *event.signing_keys)
    if any(_claimed(register, key, event.organization) for key in keys):
        flags.append(Flag.KEY_SHARED)
    return tuple(flags)


def admit_authorities(signed: Signed, opened: e.LogOpened) -> None:
    """Raise `Refusal` unless the genesis may seat its root authorities.

    Rules as for any registration, but that the sponsor is the log's origin; `role` for one that
    is registered as anything but an authority.
    """
    seen: set[str] = set()
    for authority in opened.authorities:
        if authority.organization in seen:
            raise Refusal(
                "organization-twice",
                "the genesis seats each organization once",
                value=authority.organization,
            )
        seen.add(authority.organization)
        if authority.sponsor != opened.origin:
            raise Refusal(
                "sponsor",
                f"a root authority has no sponsor but the log: name {opened.origin}",
                value=authority.sponsor,
            )
        if authority.roles != ("authority",):
            raise Refusal(
                "role", "the genesis seats authorities alone", value=list(authority.roles)
            )
        _check_meant(authority, opened.origin, signed.day, CAPS)
        verify_alone(authority)


def listing_flags(register: Register, did: str, event: e.KeyEvent) -> Flags:
    """Return the flags of a key event that is about to be folded: whose key it is besides."""
    listed = isinstance(event, e.KeyListed)
    return (Flag.KEY_SHARED,) if listed and _claimed(register, event.key, did) else ()


def shared_flags(
    register: Register, did: str, event: e.OrganizationRegistered | e.OrganizationUpdated
) -> Flags:
    """Return the flag of an identifier that another organization stated before."""
    shared = any(_claimed(register, claim, did) for claim in identifier_claims(event.identifiers))
    return (Flag.IDENTIFIER_SHARED,) if shared else ()


def vouched_flags(register: Register, subject: str, words: Vouched) -> Flags:
    """Return the flag of words that give an organization the DID or the key of another one."""
    of_another = any(_claimed(register, key, subject) for key in keys_in(words))
    return (Flag.DID_OF_ANOTHER,) if of_another else ()


def keys_in(words: Vouched) -> list[str]:
    """Return the keys, as Multikeys, that stand among the DIDs by which an organization goes."""
    dids = words.other_ids or ()
    return [each.removeprefix(DID_KEY) for each in dids if each.startswith(DID_KEY)]


def _claimed(register: Register, claim: str, did: str) -> bool:
    return register.claimed.get(claim, did) != did


def _check_meant(event: e.OrganizationRegistered, origin: str, day: date, caps: Caps) -> None:
    """Raise `Refusal` unless the founding key signed for this log and about now."""
    if event.origin != origin:
        raise Refusal(
            "origin", f"the founding key signed for another log than {origin}", value=event.origin
        )
    if not 0 <= (event.until - day).days <= WINDOW:
        raise Refusal(
            "until",
            f"recorded on {day}; a registration is admitted up to the day `until`, and at most "
            f"{WINDOW} days before it: sign it anew",
            value=str(event.until),
        )
    founding = event.organization.removeprefix("did:key:")
    admit_first_keys(founding, event.recovery_keys, event.signing_keys, caps)
