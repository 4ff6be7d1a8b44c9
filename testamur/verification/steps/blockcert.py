"""Steps 14 and 15: the receipt that a Blockcert carries, and the blockchain that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from testamur.badges.blockcert_receipts import Held, carries_receipt, examine
from testamur.badges.blockcert_versions import version_of
from testamur.badges.merkle_proofs import NOT_ANCHORED
from testamur.errors import Refusal, Unavailable
from testamur.verification.finding import Fault, Finding, need

_BLOCKCERTS: Final = "Blockcerts/"


def receipts(credential: Mapping[str, Any], logged: str | None) -> tuple[Held, ...]:
    """Return the receipts that hold; none where there is nothing that claims to be a Blockcert.

    `logged` is the format that the issuance states, if it is known. A credential that was logged as
    a Blockcert and has lost its receipt could not be checked. Raises `Refuted` and `Unavailable`.
    """
    stated = logged is not None and logged.startswith(_BLOCKCERTS)
    if stated or version_of(credential) is not None or _carries_receipt(credential):
        return examine(credential)
    return ()


def _carries_receipt(credential: Mapping[str, Any]) -> bool:
    try:
        return carries_receipt(credential)
    except Refusal:
        return False  # of proofs that are none, as `proof` says


def blockcert(found: tuple[Held, ...] | Fault) -> Finding:
    """(14) The document is the one in its receipt, and that leads to the root; no chain asked."""
    held = need(found)
    if not held:
        return Finding("", None)
    said = (
        f"{len(each.receipt.path)} steps of {each.suite} lead from it to the Merkle root "
        f"{each.receipt.root}"
        for each in held
    )
    return Finding(f"the receipt is for this document: {'; '.join(said)}")


def blockchain(found: tuple[Held, ...] | Fault) -> Finding:
    """(15) The root is in a transaction: never looked up, so what one would look up is told."""
    if not isinstance(found, tuple):
        raise Unavailable("the receipt says nothing that holds of a blockchain")
    if not found:
        return Finding("", None)
    anchors = [(each.receipt.root, anchor) for each in found for anchor in each.receipt.anchors]
    raise Unavailable("; ".join(_to_look_up(root, str(anchor)) for root, anchor in anchors[:3]))


def _to_look_up(root: str, anchor: str) -> str:
    if anchor == NOT_ANCHORED:
        return f"the Merkle root {root} is on {anchor}"
    return f"not looked up: whether {anchor} holds the Merkle root {root}"
