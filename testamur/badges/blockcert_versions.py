"""Is a credential a Blockcert, and of which version?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from testamur.badges import contexts

Version: TypeAlias = Literal["Blockcerts/2", "Blockcerts/3"]

BLOCKCERTS_2: Final = "Blockcerts/2"
"""An Open Badge of version 2 with a receipt in its `signature`."""
BLOCKCERTS_3: Final = "Blockcerts/3"
"""A verifiable credential with a receipt among its proofs."""


def version_of(credential: Mapping[str, Any]) -> Version | None:
    """Return the version by type and contexts, with or without a receipt; None if it is none."""
    named = credential.get("@context")
    addresses = {each for each in _many(named) if isinstance(each, str)}
    if "BlockcertsCredential" in _many(credential.get("type")):
        return BLOCKCERTS_3
    if addresses & contexts.BLOCKCERTS_3.keys():
        return BLOCKCERTS_3
    signature = credential.get("signature")
    types = _many(signature.get("type")) if isinstance(signature, dict) else []
    if addresses & contexts.BLOCKCERTS_2.keys() or "MerkleProof2017" in types:
        return BLOCKCERTS_2
    return None


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
