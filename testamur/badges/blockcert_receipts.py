"""Does the receipt that a Blockcert carries hold for this very document?

The document is brought into canonical N-Quads and hashed: that is the target, from which the path
leads to the root. A proof covers the document with the proofs that stood in it before, as issuers
with several proofs make them, or the document alone. What a proof says beside its receipt (times,
verification method) is covered by nothing. Where the root is anchored is not looked up here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from testamur.badges.blockcert_versions import BLOCKCERTS_2, version_of
from testamur.badges.canonical_rdf import Form, canonical_form
from testamur.badges.data_integrity import proofs_of, suite_of
from testamur.badges.inline_terms import read_contexts
from testamur.badges.jsonld_guard import check_form, check_no_contexts_within, check_size
from testamur.badges.merkle_proofs import (
    SUITE_2017,
    SUITES_2019,
    BadReceipt,
    Receipt,
    check_path,
    read_2017,
    read_2019,
)
from testamur.errors import Unavailable

SUITES: Final = SUITES_2019 | {SUITE_2017}
MAX_RECEIPTS: Final = 2
"""Examined of one document: each takes a form of its own."""


class Held(msgspec.Struct, frozen=True):
    """A receipt that holds for a document: of which suite, and what it says."""

    suite: str
    receipt: Receipt


class _Given(NamedTuple):
    """A receipt as it stands in a document, and the documents that it may be about."""

    suite: str
    receipt: Receipt
    documents: tuple[dict[str, Any], ...]


def carries_receipt(credential: Mapping[str, Any]) -> bool:
    """Return whether there is a receipt in `credential`, whatever it is worth.

    Raises `Refusal` for proofs that are not what proofs look like.
    """
    if version_of(credential) == BLOCKCERTS_2:
        return "signature" in credential
    return any(suite_of(proof) in SUITES_2019 for proof in proofs_of(dict(credential)))


def examine(credential: Mapping[str, Any]) -> tuple[Held, ...]:
    """Return the receipts of a Blockcert, all of which hold for it.

    Raises `Refuted` when one does not, and `Unavailable` when there is none, when the document
    could not be read safely, or when the libraries that it takes are missing.
    """
    given = _given(dict(credential))
    if not given:
        raise Unavailable("the Blockcert carries no receipt")
    for each in given:
        check_path(each.receipt)
    contexts = read_contexts(credential.get("@context"))
    documents = {id(document): document for each in given for document in each.documents}
    for document in documents.values():
        check_size(document, len(documents))
        check_no_contexts_within(document)
    forms = {key: canonical_form(document) for key, document in documents.items()}
    covered = [_covered(each, forms) for each in given]
    # First whether all is refuted: a form that could be honest matters only where the hash fits.
    for document in covered:
        check_form(document, contexts, forms[id(document)])
    return tuple(Held(each.suite, each.receipt) for each in given)


def _given(credential: dict[str, Any]) -> list[_Given]:
    if version_of(credential) == BLOCKCERTS_2:
        if "signature" not in credential:
            return []
        alone = {name: value for name, value in credential.items() if name != "signature"}
        return [_Given(SUITE_2017, read_2017(credential["signature"]), (alone,))]
    proofs = proofs_of(credential)
    alone = {name: value for name, value in credential.items() if name != "proof"}
    found = []
    for at, proof in enumerate(proofs):
        suite = suite_of(proof)
        if suite in SUITES_2019:
            before = ({**alone, "proof": proofs[:at]},) if at else ()
            found.append(_Given(suite, read_2019(proof), (*before, alone)))
    if len(found) > MAX_RECEIPTS:
        raise Unavailable(f"the document has {len(found)} receipts; {MAX_RECEIPTS} are examined")
    return found


def _covered(given: _Given, forms: Mapping[int, Form]) -> dict[str, Any]:
    """Return the document whose hash is the target of a receipt; raises `BadReceipt`."""
    target = given.receipt.target
    for document in given.documents:
        if hashlib.sha256(forms[id(document)].canonical).hexdigest() == target:
            return document
    raise BadReceipt(f"the receipt is for another document, of hash {target}")
