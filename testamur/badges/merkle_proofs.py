"""Receipts of Blockcerts: from the hash of a document to a Merkle root, and where that is anchored.

Two forms carry one thing: `MerkleProof2017` is JSON (Chainpoint 2), `MerkleProof2019` and
`merkle-proof-2019` are CBOR in base58btc, with each hash in CBOR once more. Each has one spelling:
what a reader would take for the same in another spelling is refused, so that no byte can change
unnoticed. Only what lies on the way from target to root is proven by it; whether the root is in a
transaction is on a blockchain, which nobody asks here.

Sources: Merkle Proof Signature Suite 2019 (W3C CCG), Blockcerts cert-schema 2.0 to 3.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from testamur.badges.installed import library
from testamur.errors import Refuted, printable, shown
from testamur.keys import base58_decode

SUITE_2017: Final = "MerkleProof2017"
SUITES_2019: Final = frozenset({"MerkleProof2019", "merkle-proof-2019"})
MAX_STEPS: Final = 64
"""Between target and root: no batch has more than 2^64 documents."""
MAX_ANCHORS: Final = 16
_MAX_TEXT: Final = 12_000
_MAX_REFERENCE: Final = 200

_HASH: Final = re.compile("[0-9a-f]{64}")
_TRANSACTION: Final = re.compile("(0x)?[0-9a-f]{64}")
_ROOT, _TARGET, _ANCHORS, _PATH = 0, 1, 2, 3
_SIDES: Final[tuple[Literal["left", "right"], ...]] = ("left", "right")
_MEMBERS_2017: Final = frozenset({"type", "targetHash", "merkleRoot", "proof", "anchors"})
_NETWORKS: Final[dict[int, tuple[str, dict[int, str]]]] = {
    0: ("Bitcoin", {1: "mainnet", 3: "testnet"}),
    1: ("Ethereum", {1: "mainnet", 3: "Ropsten", 4: "Rinkeby", 5: "Goerli", 11155111: "Sepolia"}),
}
"""Chains and their networks by the codes of MerkleProof2019."""
_MOCK: Final = -1
NOT_ANCHORED: Final = "no blockchain: it says of itself that it is a test"
_CHAINS_2017: Final[dict[str, str]] = {
    "bitcoinMainnet": "Bitcoin mainnet",
    "bitcoinTestnet": "Bitcoin testnet",
    "bitcoinRegtest": NOT_ANCHORED,
    "ethereumMainnet": "Ethereum mainnet",
    "ethereumRopsten": "Ethereum Ropsten",
    "ethereumRinkeby": "Ethereum Rinkeby",
    "ethereumGoerli": "Ethereum Goerli",
    "ethereumSepolia": "Ethereum Sepolia",
    "ethereumTest": NOT_ANCHORED,
    "mockchain": NOT_ANCHORED,
    "regtest": NOT_ANCHORED,
}
_KINDS_2017: Final[dict[str, str]] = {
    "BTCOpReturn": "Bitcoin",
    "ETHData": "Ethereum",
    "Mock": NOT_ANCHORED,
    "REGOpReturn": NOT_ANCHORED,
}


class BadReceipt(Refuted):
    """The receipt was examined, and is none or leads to no such root."""


class Anchor(msgspec.Struct, frozen=True):
    """A transaction that is said to hold the root, as the bearer has it: nobody looked it up."""

    chain: str
    transaction: str | None

    def __str__(self) -> str:
        if self.transaction is None:
            return self.chain
        return f"transaction {self.transaction} of {self.chain}"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The way from a target to a root: siblings in hex, each with the side that it stands on."""

    target: str
    root: str
    path: tuple[tuple[Literal["left", "right"], str], ...]
    anchors: tuple[Anchor, ...]


def read_2017(signature: object) -> Receipt:
    """Return the receipt in the `signature` of a Blockcert of version 2; raises `BadReceipt`."""
    if not isinstance(signature, dict) or signature.keys() != _MEMBERS_2017:
        names = ", ".join(sorted(_MEMBERS_2017))
        raise BadReceipt(f"the receipt does not have the members {names}, and no others")
    types = signature["type"]
    if not isinstance(types, list) or sorted(map(str, types)) != ["Extension", SUITE_2017]:
        raise BadReceipt(f"the type of the receipt is {shown(types)}")
    return Receipt(
        target=_hash(signature["targetHash"], "targetHash"),
        root=_hash(signature["merkleRoot"], "merkleRoot"),
        path=tuple(map(_step_2017, _items(signature["proof"], "proof", 0, MAX_STEPS))),
        anchors=tuple(map(_anchor_2017, _items(signature["anchors"], "anchors", 1, MAX_ANCHORS))),
    )


def read_2019(proof: Mapping[str, Any]) -> Receipt:
    """Return the receipt in a proof of a Blockcert of version 3.

    Raises `BadReceipt`, and `Unavailable` without the library that reads CBOR.
    """
    if proof.get("proofPurpose") != "assertionMethod":
        purpose = shown(proof.get("proofPurpose"))
        raise BadReceipt(f"the purpose of the receipt is {purpose}, not assertionMethod")
    text = proof.get("proofValue")
    if not isinstance(text, str) or not text.startswith("z") or len(text) > _MAX_TEXT:
        raise BadReceipt(f"the proofValue is no base58btc Multibase of at most {_MAX_TEXT}")
    pairs = _items(_cbor(base58_decode(text[1:], most=_MAX_TEXT)), "proofValue", 4, 4)
    found = dict(_pair(each) for each in pairs)
    if found.keys() != {_ROOT, _TARGET, _ANCHORS, _PATH}:
        raise BadReceipt("the proofValue does not hold path, root, target and anchors once each")
    return Receipt(
        target=_hash_2019(found[_TARGET], "target"),
        root=_hash_2019(found[_ROOT], "root"),
        path=tuple(map(_step_2019, _items(found[_PATH], "path", 0, MAX_STEPS))),
        anchors=tuple(map(_anchor_2019, _items(found[_ANCHORS], "anchors", 1, MAX_ANCHORS))),
    )


def check_path(receipt: Receipt) -> None:
    """Raise `BadReceipt` unless the path of `receipt` leads from its target to its root.

    The library tells no node from a leaf and takes hashes of any length, so that it is given hashes
    that were read here alone. A target is the hash of a document in canonical N-Quads, of which
    none has the form of two hashes in a row: so no node of the tree can stand for a document.
    """
    path = [{side: sibling} for side, sibling in receipt.path]
    tools = library("merkletools").MerkleTools(hash_type="sha256")
    if tools.validate_proof(path, receipt.target, receipt.root) is not True:
        raise BadReceipt(f"the path of the receipt does not lead to its root {receipt.root}")


def _cbor(data: bytes) -> Any:
    """Return the value that `data` spells in the one encoding that there is of it."""
    cbor2 = library("cbor2")
    try:
        value = cbor2.loads(data)
        # What is spelt in another way, is followed by more, or is no plain value, differs.
        same = cbor2.dumps(value) == data
    except (cbor2.CBORError, ValueError, TypeError, RecursionError, OverflowError):
        same = False
    if not same:
        raise BadReceipt("the proofValue is not CBOR in its one encoding")
    return value


def _items(value: object, what: str, least: int, most: int) -> list[Any]:
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise BadReceipt(f"{what} of the receipt is no array of {least} to {most}")
    return value


def _pair(value: object) -> tuple[int, Any]:
    key, inner = _items(value, "a pair", 2, 2)
    if type(key) is not int:
        raise BadReceipt(f"a pair of the receipt begins with {shown(key)}, not a code")
    return key, inner


def _hash(value: object, what: str) -> str:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise BadReceipt(f"{what} of the receipt is {shown(value)}, not 64 digits in small hex")
    return value


def _hash_2019(value: object, what: str) -> str:
    inner = _inner(value, what)
    if isinstance(inner, bytes) and len(inner) == 32:
        return inner.hex()
    return _hash(inner, what)


def _inner(value: object, what: str) -> Any:
    if not isinstance(value, bytes):
        raise BadReceipt(f"{what} of the receipt is no byte string")
    return _cbor(value)


def _step_2017(value: object) -> tuple[Literal["left", "right"], str]:
    for side in _SIDES:
        if isinstance(value, dict) and value.keys() == {side}:
            return side, _hash(value[side], side)
    raise BadReceipt(f"a step of the receipt is {shown(value)}, not one of left and right")


def _step_2019(value: object) -> tuple[Literal["left", "right"], str]:
    side, sibling = _pair(value)
    if side not in (0, 1):
        raise BadReceipt(f"a step of the receipt is on side {side}, not 0 or 1")
    return _SIDES[side], _hash_2019(sibling, _SIDES[side])


def _anchor_2017(value: object) -> Anchor:
    names = {"sourceId", "type", "chain"}
    if not isinstance(value, dict) or not {"sourceId", "type"} <= value.keys() <= names:
        raise BadReceipt(f"an anchor of the receipt is {shown(value)}")
    kind, chain, source = value["type"], value.get("chain"), value["sourceId"]
    if not isinstance(kind, str) or not isinstance(chain, str | None):
        raise BadReceipt(f"an anchor of the receipt is of type {shown(kind)} on {shown(chain)}")
    named = _KINDS_2017.get(kind, f"a chain of type {shown(kind)}")
    if NOT_ANCHORED in (named, _CHAINS_2017.get(chain or "")):
        _reference(source)
        return Anchor(NOT_ANCHORED, None)
    if chain is None:
        return Anchor(f"{named}, of which it names no network", _transaction(source))
    return Anchor(_CHAINS_2017.get(chain, f"chain {shown(chain)}"), _transaction(source))


def _anchor_2019(value: object) -> Anchor:
    pairs = _items(value, "an anchor", 2, 3)
    found = dict(_pair(each) for each in pairs)
    chain = found.get(0)
    if chain == _MOCK:
        *_, reference = found.values()
        _reference(_inner(reference, "an anchor"))
        return Anchor(NOT_ANCHORED, None)
    network = found.get(1)
    if found.keys() != {0, 1, 2} or type(chain) is not int or type(network) is not int:
        raise BadReceipt("an anchor of the receipt does not name chain, network and transaction")
    if chain not in _NETWORKS:
        return Anchor(f"chain {chain}, network {network}", _transaction(_inner(found[2], "it")))
    name, networks = _NETWORKS[chain]
    where = f"{name} {networks.get(network, f'network {network}')}"
    return Anchor(where, _transaction(_inner(found[2], "an anchor")))


def _transaction(value: object) -> str:
    if isinstance(value, bytes) and len(value) == 32:
        return value.hex()
    if not isinstance(value, str) or not _TRANSACTION.fullmatch(value):
        raise BadReceipt(f"an anchor of the receipt names {shown(value)}, not a transaction")
    return value


def _reference(value: object) -> None:
    text = value.hex() if isinstance(value, bytes) else value
    if not isinstance(text, str) or printable(text, _MAX_REFERENCE) != text:
        raise BadReceipt("an anchor of the receipt names nothing that could be shown")
