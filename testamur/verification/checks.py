"""The fifteen checks: their names, their order in a report, and which rests on which.

A conclusion is no stronger than its premises: a check that rests on one which is refuted, or could
not be checked, could not be checked itself.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

CheckName = Literal[
    "commitment",
    "submission",
    "signature",
    "inclusion",
    "checkpoint",
    "status",
    "accreditation",
    "recognition",
    "achievement",
    "issuer",
    "validity",
    "proof",  # the credential's own (the credential proof), beside the Merkle proofs
    "learner",
    "blockcert",  # the receipt that a Blockcert carries, beside the log's own
    "blockchain",  # where its root is anchored: not looked up here
]

CHECKS: Final[tuple[CheckName, ...]] = get_args(CheckName)
"""In the order of a report, numbered from 1."""

RESTS_ON: Final[dict[CheckName, tuple[CheckName, ...]]] = {
    # What was logged: the entries shown are in the tree, and under the roots that were signed.
    "commitment": ("submission", "inclusion"),
    "submission": (),
    "signature": ("submission", "inclusion"),
    "inclusion": ("checkpoint",),
    "checkpoint": (),
    # What is known of something because of who signed it.
    "status": ("signature",),
    "accreditation": ("signature",),
    "recognition": ("accreditation",),
    # The reader's credential beside the log: it must be the one that was logged.
    "achievement": ("commitment", "signature"),
    "issuer": ("commitment", "signature"),
    "validity": ("commitment", "signature"),
    "proof": ("signature",),
    "learner": ("commitment", "signature"),
    # Of the document alone, by any issuer.
    "blockcert": (),
    "blockchain": ("blockcert",),
}
"""Directly; what these rest on counts too."""
