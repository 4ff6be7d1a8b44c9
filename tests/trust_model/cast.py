"""The people of the told stories, and the honest beginning that all of them share.

`Ministry` is the anchor. It brings in and recognises `Agency`, which brings in and accredits
`College`, which issues `c1`. `Rogue` is a root authority that the verifier does not trust; it
brings in the accreditor `Mint`, which accredits `Mill` and `Puppet`.
"""

from __future__ import annotations

from typing import Final

from tests.trust_model.events import (
    ALWAYS,
    AccreditationGranted,
    Changed,
    Defined,
    Definition,
    Issued,
    KeyCompromised,
    Kind,
    RecognisedAs,
    RecognitionGranted,
    Registered,
    Role,
    Scope,
    Term,
    Verb,
    Words,
)
from tests.trust_model.settings import PRODUCT, Settings
from tests.trust_model.story import Register
from tests.trust_model.submissions import LOG

ANCHORS: Final = frozenset({"Ministry"})
LEVEL: Final = 6


def registered(name: str, sponsor: str, *roles: Role, until: int = 30) -> Registered:
    """Return a registration with two recovery keys and two signing keys."""
    return Registered(
        organization=name,
        roles=frozenset(roles),
        sponsor=sponsor,
        until=until,
        recovery_keys=(f"{name}/r1", f"{name}/r2"),
        signing_keys=(f"{name}/s1", f"{name}/s2"),
    )


def recognise(
    id_: str,
    organization: str,
    as_: RecognisedAs = "accreditor",
    *,
    levels: tuple[int, ...] | None = None,
    jurisdictions: tuple[str, ...] | None = None,
    term: Term = ALWAYS,
) -> RecognitionGranted:
    """Return a recognition in words that name the organization as stories do."""
    scope = Scope(levels=levels, jurisdictions=jurisdictions)
    return RecognitionGranted(id_, organization, as_, Words(organization), scope, term)


def accredit(
    id_: str,
    organization: str,
    *,
    levels: tuple[int, ...] | None = None,
    jurisdictions: tuple[str, ...] | None = None,
    country: str = "NL",
    term: Term = ALWAYS,
) -> AccreditationGranted:
    """Return an accreditation in words that name the organization as stories do."""
    scope = Scope(levels=levels, jurisdictions=jurisdictions)
    words = Words(organization, country)
    return AccreditationGranted(id_, organization, words, scope, term)


def define(achievement: str, version: int = 1, level: int = LEVEL) -> Defined:
    """Return one version of a definition."""
    return Defined(achievement, version, Definition(level))


def issue(
    credential: str, accreditation: str | None = "za", achievement: str = "soil", version: int = 1
) -> Issued:
    """Return an issuance of College, unless another accreditation and achievement are named."""
    return Issued(credential, achievement, version, f"commitment of {credential}", accreditation)


def change(
    verb: Verb,
    id_: str,
    replacement: str | None = None,
) -> Changed:
    """Return a status event; the first letter of an id tells what kind of thing it names."""
    kinds: dict[str, Kind] = {
        "r": "recognition",
        "z": "accreditation",
        "c": "credential",
        "m": "credential",
    }
    return Changed(verb, kinds.get(id_[0], "achievement"), id_, replacement)


def of_itself(key: str) -> KeyCompromised:
    """Return what a key may say of itself."""
    return KeyCompromised(key)


def begun(settings: Settings = PRODUCT, *, scoped: bool = False) -> Register:
    """Return a register in which the honest beginning was told.

    `scoped` limits College's accreditation to the Netherlands.
    """
    register = Register(
        (registered("Ministry", LOG, "authority"), registered("Rogue", LOG, "authority")),
        settings,
    )
    submit = register.submit
    submit("Ministry", "Ministry/s1", registered("Agency", "Ministry", "accreditor"))
    submit("Ministry", "Ministry/s1", recognise("ra", "Agency"))
    submit("Agency", "Agency/s1", registered("College", "Agency", "provider"))
    where = ("NL",) if scoped else None
    submit("Agency", "Agency/s1", accredit("za", "College", jurisdictions=where))
    submit("Rogue", "Rogue/s1", registered("Mint", "Rogue", "accreditor"), by="stranger")
    submit("Rogue", "Rogue/s1", recognise("rm", "Mint"), by="stranger")
    for name in ("Mill", "Puppet"):
        submit("Mint", "Mint/s1", registered(name, "Mint", "provider"), by="stranger")
    submit("Mint", "Mint/s1", accredit("zm", "Mill"), by="stranger")
    submit("Mill", "Mill/s1", define("grind"), by="stranger")
    submit("College", "College/s1", define("soil"))
    submit("College", "College/s1", issue("c1"), days=1)
    return register


def mill(
    register: Register, credential: str, accreditation: str | None = "zm", days: float = 0
) -> None:
    """Let Mill issue a credential of its own under an accreditation."""
    event = issue(credential, accreditation, "grind")
    register.submit("Mill", "Mill/s1", event, by="stranger", days=days)


def holds(register: Register, credential: str = "c1") -> bool:
    """Return whether the credential holds for a reader who trusts the Ministry."""
    return register.verdict(credential, ANCHORS).holds
