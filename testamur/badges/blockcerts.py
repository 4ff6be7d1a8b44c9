"""What does a Blockcert say? Read into the same `Badge` as an Open Badge of version 3.

A Blockcert of version 2 is an Open Badge of version 2; one of version 3 is a verifiable credential
that states what was awarded in a `claim`, in its own name, or not at all. Whether its receipt holds
is not said here (`blockcert_receipts.py`).

Sources: Blockcerts cert-schema 2.0 to 3.2, Open Badges 2.0, W3C VC Data Model 1.1 and 2.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from testamur.badges.blockcert_versions import BLOCKCERTS_2, BLOCKCERTS_3, version_of
from testamur.badges.contexts import VC_1, VC_2
from testamur.badges.elements import Learner, read_elements
from testamur.badges.merkle_proofs import SUITE_2017
from testamur.badges.nodes import Node, Wording
from testamur.badges.openbadges import (
    BADGE_TYPES,
    Achievement,
    Badge,
    read_badge,
    read_issuer,
    suites_in,
    validity_in,
)
from testamur.errors import Refusal


def read_credential(credential: Mapping[str, Any]) -> Badge:
    """Return what `credential` says: a Blockcert, or an Open Badge as `read_badge` reads it.

    Raises `Refusal` with the JSON path and the value, as `read_badge` does.
    """
    version = version_of(credential)
    if version is None:
        return read_badge(credential)
    root = Node(dict(credential))
    if version == BLOCKCERTS_2:
        return _version_2(root)
    if BADGE_TYPES.intersection(root.need("type").texts()):
        return msgspec.structs.replace(read_badge(credential), format=BLOCKCERTS_3)
    return _version_3(root)


def _version_2(root: Node) -> Badge:
    if "Assertion" not in root.need("type").texts():
        root.need("type").refuse("must hold Assertion", "not-an-open-badge")
    badge = root.need("badge").one()
    issuer = read_issuer(badge.need("issuer").one())
    narrative, address = _criteria(badge)
    achievement = Achievement(
        id=badge.need("id").uri(),
        names=badge.need("name").wordings(),
        criteria_narrative=narrative,
        criteria_url=address,
    )
    start, until = root.need("issuedOn").date_time(), root.get("expires")
    end = None if until is None else until.date_time()
    if until is not None and end is not None and end < start:
        until.refuse(f"must not be before {start.isoformat()}", "ob-validity")
    return Badge(
        id=root.need("id").uri(),
        achievement=achievement,
        data_model="Open Badges 2.0",
        elements=read_elements(
            (),
            awarding_body=issuer.name,
            country=None,
            credits_stated=None,
            issued=start.date(),
            learner="identifier" if root.get("recipient") else None,
            outcomes_narrative=achievement.criteria_narrative is not None,
            title=achievement.name,
        ),
        format=BLOCKCERTS_2,
        issuer=issuer,
        suites=(SUITE_2017,) if root.get("signature") else (),
        valid_from=start,
        valid_until=end,
    )


def _version_3(root: Node) -> Badge:
    data_model = _data_model(root)
    if "VerifiableCredential" not in root.need("type").texts():
        root.need("type").refuse("must hold VerifiableCredential", "not-an-open-badge")
    issuer = read_issuer(root.need("issuer").one())
    subject = root.need("credentialSubject").one()
    achievement = _awarded(root, subject)
    start, end = validity_in(root, data_model)
    identity = subject.get("id")
    learner: Learner | None = "id" if identity is not None and identity.text() else None
    return Badge(
        id=root.need("id").uri(),
        achievement=achievement,
        data_model=data_model,
        elements=read_elements(
            (),
            awarding_body=issuer.name,
            country=issuer.country,
            credits_stated=None,
            issued=start.date(),
            learner=learner,
            outcomes_narrative=achievement.criteria_narrative is not None,
            title=achievement.name,
        ),
        format=BLOCKCERTS_3,
        issuer=issuer,
        names=_names(root),
        suites=suites_in(root),
        valid_from=start,
        valid_until=end,
    )


def _data_model(root: Node) -> Literal["1.1", "2.0"]:
    contexts = root.need("@context").many()
    first = contexts[0].value if contexts else None
    if first not in (VC_1, VC_2):
        detail = f"$.@context must begin with {VC_2} or {VC_1}"
        raise Refusal("ob-context", detail, value=first)
    return "2.0" if first == VC_2 else "1.1"


def _awarded(root: Node, subject: Node) -> Achievement:
    """Return what was awarded: the claim, or what the credential calls itself."""
    claim = subject.get("claim")
    if claim is None:
        return Achievement(id=None, names=_names(root))
    claim = claim.one()
    identity, (narrative, address) = claim.get("id"), _criteria(claim)
    return Achievement(
        id=None if identity is None else identity.text(),
        names=_names(claim) or _names(root),
        criteria_narrative=narrative,
        criteria_url=address,
    )


def _names(node: Node) -> tuple[Wording, ...]:
    found = node.get("name")
    return () if found is None or found.value == "" else found.wordings()


def _criteria(node: Node) -> tuple[str | None, str | None]:
    """Return the criteria in words, and where they are: one text may stand for the words alone."""
    criteria = node.get("criteria")
    if criteria is None or criteria.value == "":
        return None, None
    inner = criteria.one()
    if isinstance(inner.value, str):
        return inner.text(), None
    narrative, address = inner.get("narrative"), inner.get("id")
    return (
        None if narrative is None else narrative.text(),
        None if address is None else address.text(),
    )
