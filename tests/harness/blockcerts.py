"""Blockcerts of our own: documents, batches, and the receipts that an issuer would give.

Written from the formats with the libraries alone, so that no line of the product is in what it is
tested with: the contexts come from its folder, as files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cbor2
from merkletools import MerkleTools  # type: ignore[import-untyped]
from pyld import jsonld  # type: ignore[import-untyped]

import testamur.badges.contexts as pinned
from testamur.keys import base58_encode

JSON = dict[str, Any]
VC_1: Final = "https://www.w3.org/2018/credentials/v1"
VC_2: Final = "https://www.w3.org/ns/credentials/v2"
OTHERS: Final = tuple(hashlib.sha256(name.encode()).hexdigest() for name in ("b", "c", "d", "e"))
"""Targets of other documents of a batch."""
TRANSACTION: Final = hashlib.sha256(b"a transaction").hexdigest()
MOCK: Final = [[0, -1], [1, cbor2.dumps("This has not been issued on a blockchain")]]
BITCOIN: Final = [[0, 0], [1, 1], [2, cbor2.dumps(TRANSACTION)]]


def version_3(**members: Any) -> JSON:
    """Return a Blockcert of version 3.2 without a proof."""
    return {
        "@context": [VC_2, "https://w3id.org/blockcerts/v3.2"],
        "id": "urn:uuid:019a3b1c-7f00-7abc-8def-0123456789ab",
        "type": ["VerifiableCredential", "BlockcertsCredential"],
        "issuer": {"id": "https://college.example/issuer", "name": "An Organization"},
        "validFrom": "2026-11-20T00:00:00Z",
        "name": "Soil Science",
        "credentialSubject": {
            "id": "did:example:learner",
            "claim": {
                "id": "urn:uuid:019a3b1c-7f00-7abc-8def-0123456789ac",
                "name": "Soil Science",
                "description": "What soils are made of.",
                "criteria": "Pass the examination.",
            },
        },
        "display": {"contentMediaType": "text/html", "content": "<b>Soil\tScience</b>\n"},
        **members,
    }


def version_2(**members: Any) -> JSON:
    """Return a Blockcert of version 2 without a signature."""
    return {
        "@context": ["https://w3id.org/openbadges/v2", "https://w3id.org/blockcerts/v2"],
        "type": "Assertion",
        "id": "urn:uuid:019a3b1c-7f00-7abc-8def-0123456789ad",
        "recipient": {"type": "email", "identity": "ada@example.org", "hashed": False},
        "recipientProfile": {"type": ["RecipientProfile", "Extension"], "name": "Ada Lovelace"},
        "badge": {
            "type": "BadgeClass",
            "id": "urn:uuid:019a3b1c-7f00-7abc-8def-0123456789ae",
            "name": "Soil Science",
            "description": "What soils are made of.",
            "criteria": {"narrative": "Pass the examination."},
            "issuer": {
                "type": "Profile",
                "id": "https://college.example/issuer",
                "name": "An Organization",
            },
        },
        "issuedOn": "2026-11-20T00:00:00.123456+00:00",
        "verification": {
            "type": ["MerkleProofVerification2017", "Extension"],
            "publicKey": "ecdsa-koblitz-pubkey:1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
        },
        **members,
    }


def target(document: JSON) -> str:
    """Return the hash of a document in canonical N-Quads, in hex."""
    options = {
        "algorithm": "URDNA2015",
        "format": "application/n-quads",
        "documentLoader": _load,
    }
    return hashlib.sha256(jsonld.normalize(document, options).encode()).hexdigest()


def batch(*targets: str) -> tuple[str, list[list[JSON]]]:
    """Return the root of a batch, and the path of each target to it."""
    tree = MerkleTools(hash_type="sha256")
    tree.add_leaf(list(targets))
    tree.make_tree()
    return tree.get_merkle_root(), [tree.get_proof(at) for at in range(len(targets))]


def chainpoint(leaf: str, others: Sequence[str] = OTHERS, **members: Any) -> JSON:
    """Return the `signature` of version 2 for the first of a batch."""
    root, paths = batch(leaf, *others)
    anchor = {"sourceId": TRANSACTION, "type": "BTCOpReturn", "chain": "bitcoinMainnet"}
    return {
        "type": ["MerkleProof2017", "Extension"],
        "merkleRoot": root,
        "targetHash": leaf,
        "proof": paths[0],
        "anchors": [anchor],
        **members,
    }


def parts_2019(leaf: str, others: Sequence[str] = OTHERS, anchor: Any = None) -> list[Any]:
    """Return what the `proofValue` of version 3 for the first of a batch holds, not yet encoded."""
    root, paths = batch(leaf, *others)
    path = [[0 if "left" in step else 1, cbor2.dumps(*step.values())] for step in paths[0]]
    return [
        [3, path],
        [0, cbor2.dumps(root)],
        [1, cbor2.dumps(leaf)],
        [2, [BITCOIN if anchor is None else anchor]],
    ]


def multibase(data: bytes) -> str:
    """Return bytes in base58btc Multibase."""
    return "z" + base58_encode(data)


def proof_2019(parts: list[Any] | bytes, *, older: bool = False, **members: Any) -> JSON:
    """Return a proof of version 3 that holds `parts`, or bytes in their place."""
    kind = (
        {"type": "MerkleProof2019"}
        if older
        else {"type": "DataIntegrityProof", "cryptosuite": "merkle-proof-2019"}
    )
    return {
        **kind,
        "created": "2026-11-20T00:00:00Z",
        "proofPurpose": "assertionMethod",
        "verificationMethod": "https://college.example/issuer#key-1",
        "proofValue": multibase(parts if isinstance(parts, bytes) else cbor2.dumps(parts)),
        **members,
    }


def issued_2(document: JSON, **members: Any) -> JSON:
    """Return a Blockcert of version 2 with its receipt."""
    return {**document, "signature": chainpoint(target(document), **members)}


def issued_3(document: JSON, *, older: bool = False, anchor: Any = None) -> JSON:
    """Return a Blockcert of version 3 with its receipt."""
    parts = parts_2019(target(document), anchor=anchor)
    return {**document, "proof": proof_2019(parts, older=older)}


def issued_twice(document: JSON) -> JSON:
    """Return a Blockcert of version 3 with two receipts: the second covers the first."""
    first = {**proof_2019(parts_2019(target(document))), "id": "urn:uuid:first"}
    second = proof_2019(parts_2019(target({**document, "proof": first})))
    return {**document, "proof": [first, second]}


def _load(address: str, _options: object = None) -> JSON:
    text = (Path(pinned.__file__).parent / pinned.PINNED[address]).read_text(encoding="utf-8")
    return {
        "contentType": "application/ld+json",
        "contextUrl": None,
        "documentUrl": address,
        "document": json.loads(text),
    }
