"""W3C Data Integrity proofs of suite eddsa-jcs-2022 on credentials, by did:key keys.

A proof that passes was made over this very document by the holder of the key that the
returned DID spells out. It says nothing about who that is: the caller asks whether the key is one
of the credential's issuer, and compares `created` and `expires` with the time it goes by.

Sources: W3C Data Integrity 1.0, Data Integrity EdDSA Cryptosuites 1.0 section 3.3, did:key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, TypeAlias

import msgspec

from testamur.canonical import jcs, jcs_of_items, jcs_of_members
from testamur.errors import Refusal, Refuted, Unavailable, shown
from testamur.keys import PrivateKey, PublicKey, base58_decode, base58_encode

SUITE: Final = "eddsa-jcs-2022"
SUITE_CURVE: Final = "Ed25519"
# A proof set or chain in the wild has a handful; each costs a hash of the whole document.
MAX_PROOFS: Final = 16

_NAME: Final = re.compile(r"[A-Za-z0-9:/#._-]{1,100}")
_DATE_TIME_STAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


class BadProof(Refuted):
    """The proof was examined and does not hold for this document."""


class Unresolved(Unavailable):
    """No proof could be examined, and of some the verification method is not one known here.

    `methods` are these methods.
    """

    def __init__(self, reason: str, methods: tuple[str, ...]) -> None:
        self.methods = methods
        super().__init__(reason)


Resolve: TypeAlias = Callable[[str], PublicKey | None]
"""Returns the key of a verification method that is not a did:key, or None if it is not known."""


def _none(_method: str) -> None:
    """Know no method but those of did:key."""


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """A proof that holds: whose it is, and the times it claims for itself."""

    signer: str  # did:key DID of the key, whatever method names it
    created: datetime | None = None
    expires: datetime | None = None


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """The proofs of one document: those that hold, and why others could not be examined."""

    proven: tuple[Proven, ...]
    unexamined: tuple[str, ...]


def sign(
    credential: dict[str, Any], key: PrivateKey, *, created: datetime, did: str | None = None
) -> dict[str, Any]:
    """Return `credential` with one proof more, by `key`; `proof` is then an array.

    Its verification method is that of the key's own did:key, or `did#multikey` where the document
    of another DID lists the key. Raises `Refusal` (`proof-key`, `proof-form`) when `key` is not
    Ed25519 or the proofs already there are not what proofs look like.
    """
    if key.curve != SUITE_CURVE:
        raise Refusal("proof-key", f"{SUITE} needs an {SUITE_CURVE} key", value=key.curve)
    did, multikey = did or key.public.did_key(), key.public.multikey()
    options: dict[str, Any] = {
        "type": "DataIntegrityProof",
        "cryptosuite": SUITE,
        "created": created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "verificationMethod": f"{did}#{multikey}",
        "proofPurpose": "assertionMethod",
    }
    if "@context" in credential:
        options["@context"] = credential["@context"]
    parts = _Parts(credential)
    signature = key.sign(_hash_data(jcs(options), jcs_of_members(parts.members)))
    proof = {**options, "proofValue": "z" + base58_encode(signature)}
    unsigned = {name: value for name, value in credential.items() if name != "proof"}
    return {**unsigned, "proof": [*proofs_of(credential), proof]}


def proofs_of(credential: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the credential's proofs: none, the one object, or the array of objects.

    Raises `Refusal` (`proof-form`).
    """
    found = credential.get("proof", [])
    proofs = found if isinstance(found, list) else [found]
    if len(proofs) > MAX_PROOFS:
        raise Refusal(
            "proof-form", f"a credential has at most {MAX_PROOFS} proofs", value=len(proofs)
        )
    for proof in proofs:
        if not isinstance(proof, dict):
            raise Refusal("proof-form", "a proof is an object", value=proof)
    return proofs


def suite_of(proof: dict[str, Any]) -> str:
    """Return the suite's name: the `cryptosuite`, or the `type` of suites older than that."""
    name = proof.get("type")
    if name == "DataIntegrityProof":
        name = proof.get("cryptosuite")
    # It is told in reports, and anybody who has a credential can add a proof.
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Refusal("proof-form", "a proof names its type and cryptosuite", value=name)
    return name


def verify_proofs(credential: dict[str, Any], resolve: Resolve = _none) -> Examined:
    """Examine every proof of `credential`.

    Raises `Refuted` when one that can be examined is false or when there is none at all, and
    `Unavailable` when none can be examined, naming their suites and methods: `Unresolved` if a
    key was all that was missing for one.
    """
    proofs = proofs_of(credential)
    if not proofs:
        raise BadProof("the credential has no proof")
    proven: list[Proven] = []
    unexamined: list[str] = []
    methods: list[str] = []
    parts = _Parts(credential)
    for proof in proofs:
        try:
            proven.append(_verify(parts, proof, resolve))
        except Unavailable as reason:
            unexamined.append(str(reason))
            methods += reason.methods if isinstance(reason, Unresolved) else ()
    if not proven and methods:
        raise Unresolved("; ".join(unexamined), tuple(methods))
    if not proven:
        raise Unavailable("; ".join(unexamined))
    return Examined(proven=tuple(proven), unexamined=tuple(unexamined))


def verify_proof(credential: dict[str, Any], proof: dict[str, Any]) -> Proven:
    """Verify `proof`, one of those of `credential`.

    Raises `Refuted` when it is false, `Unavailable` when its suite or verification method
    cannot be examined here.
    """
    return _verify(_Parts(credential), proof, _none)


class _Parts:
    """The canonical forms of a credential's members and of its proofs, each made at most once.

    Proofs are made over nearly the same document, and may build on one another. Without this,
    sixteen proofs would bring it into its form sixteen times, and each other as often.
    """

    def __init__(self, credential: dict[str, Any]) -> None:
        self.credential = credential
        self._proofs: dict[int, dict[str, bytes]] = {}

    @cached_property
    def members(self) -> dict[str, bytes]:
        """All but the proofs."""
        return {name: jcs(value) for name, value in self.credential.items() if name != "proof"}

    @cached_property
    def contexts(self) -> list[bytes]:
        """The items of `@context`."""
        return [jcs(item) for item in _as_list(self.credential.get("@context"))]

    def of(self, proof: dict[str, Any]) -> dict[str, bytes]:
        """Return the members of a proof."""
        if id(proof) not in self._proofs:
            self._proofs[id(proof)] = {name: jcs(value) for name, value in proof.items()}
        return self._proofs[id(proof)]


def _verify(parts: _Parts, proof: dict[str, Any], resolve: Resolve) -> Proven:
    # First whether we can examine it: an unknown suite may have rules of its own for
    # everything below.
    if suite_of(proof) != SUITE:
        raise Unavailable(f"proofs of suite {shown(suite_of(proof))} cannot be examined")
    key = _key(proof.get("verificationMethod"), resolve)
    if proof.get("proofPurpose") != "assertionMethod":
        raise BadProof(
            f"the purpose of the proof is {shown(proof.get('proofPurpose'))}, not assertionMethod"
        )
    signature = _signature(proof.get("proofValue"))
    options = {name: form for name, form in parts.of(proof).items() if name != "proofValue"}
    document = jcs_of_members(_secured_document(parts, proof))
    key.verify(signature, _hash_data(jcs_of_members(options), document))
    return Proven(
        signer=key.did_key(),
        created=_time(proof, "created"),
        expires=_time(proof, "expires"),
    )


def _hash_data(options: bytes, document: bytes) -> bytes:
    """Return the 64 bytes that are signed (EdDSA Cryptosuites section 3.3.4)."""
    return hashlib.sha256(options).digest() + hashlib.sha256(document).digest()


def _secured_document(parts: _Parts, proof: dict[str, Any]) -> dict[str, bytes]:
    """Return what the proof was made over: other proofs gone, those it chains on put back."""
    document = dict(parts.members)
    if "previousProof" in proof:
        previous = _previous(parts.credential, proof["previousProof"])
        document["proof"] = jcs_of_items(jcs_of_members(parts.of(each)) for each in previous)
    if "@context" in proof:
        # Section 3.3.2 steps 4.1 and 4.2: contexts may be added after signing, not changed.
        signed = proof["@context"]
        form = parts.of(proof)["@context"]
        whole = form if isinstance(signed, list) else jcs_of_items([form])
        if jcs_of_items(parts.contexts[: len(_as_list(signed))]) != whole:
            raise BadProof("the document's @context does not begin with the proof's @context")
        document["@context"] = form
    return document


def _previous(credential: dict[str, Any], named: object) -> list[dict[str, Any]]:
    """Return the proofs that a chained proof builds on (Data Integrity section 4.5)."""
    proofs, names = proofs_of(credential), _as_list(named)
    if len(names) > len(proofs):
        # Else a proof of some size, named again and again, would be signed over as often.
        raise BadProof(f"previousProof names {len(names)} proofs, and there are {len(proofs)}")
    found = []
    for name in names:
        matching = [p for p in proofs if isinstance(name, str) and p.get("id") == name]
        if len(matching) != 1:
            raise BadProof(f"previousProof {shown(name)} names {len(matching)} proofs, not one")
        found += matching
    return found


def _key(method: object, resolve: Resolve) -> PublicKey:
    if not isinstance(method, str):
        raise BadProof(f"verificationMethod is {shown(method)}, not a DID URL")
    did, _, fragment = method.partition("#")
    if did.startswith("did:key:"):
        key = PublicKey.from_did_key(did)
        if fragment != key.multikey():
            raise BadProof(f"verificationMethod {shown(method)} names no key of its DID")
    else:
        resolved = resolve(method)
        if resolved is None:
            reason = f"verification method {shown(method)} is not a did:key"
            raise Unresolved(reason, (method,))
        key = resolved
    if key.curve != "Ed25519":
        raise BadProof(f"{SUITE} needs an Ed25519 key, and {shown(method)} is {key.curve}")
    return key


def _signature(value: object) -> bytes:
    if not isinstance(value, str) or not value.startswith("z"):
        raise BadProof(f"proofValue {shown(value)} is not base58btc Multibase, `z` first")
    signature = base58_decode(value[1:])
    if len(signature) != 64:
        raise BadProof(f"proofValue holds {len(signature)} bytes, an Ed25519 signature has 64")
    return signature


def _time(proof: dict[str, Any], member: str) -> datetime | None:
    if member not in proof:
        return None
    text = proof[member]
    if isinstance(text, str) and _DATE_TIME_STAMP.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise BadProof(f"the proof's {member} is {shown(text)}, not an XML dateTimeStamp")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
