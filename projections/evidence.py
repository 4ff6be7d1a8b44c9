"""Which entries bear on a credential: the excerpt of the log from which a verifier judges it alone.

They are those that `testamur.verification.premises` names, looked up in the tables. The answer is
a list of positions: the entries and their proofs come from the log, and nothing shows that the
list leaves nothing out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from sqlalchemy import Connection

from projections.lookups import LookUps, TooMany
from testamur.catalogue.events import CredentialIssued
from testamur.errors import Refusal
from testamur.verification.evidence import MAX_EVENTS, MAX_SUBMISSIONS
from testamur.verification.premises import bearing_on

MAX_ENTRIES: Final = 10_000
"""Events that evidence may need; a credential with more behind it is judged by a replay.

With their proofs more of them would hardly fit into a file that a verifier reads.
"""

MAX_READ: Final = 100_000
"""Events that may be read to find them: recognitions that lead nowhere are read, and not shown."""


def evidence_positions(
    connection: Connection,
    credential: str,
    size: int,
    issuance: Callable[[int], CredentialIssued],
    *,
    anchors: Collection[str] = (),
) -> list[tuple[int, list[int]]]:
    """Return (header position, its event positions), in log order, that bear on a credential.

    Only events before `size`, which is the end of a submission; empty if it was not issued by
    then. `issuance` returns the line of an issuance by its position. `anchors` are the DIDs that
    chains are wanted to, at most 8. Raises `Refusal` (rule `evidence-size`) when they are more
    than evidence may hold.
    """
    look_ups = LookUps(connection, size, issuance, most=MAX_READ)
    try:
        found = bearing_on(look_ups, credential, anchors)
    except TooMany:
        raise too_large(credential) from None
    counts = [len(events) for _, events in found]
    if (
        len(found) > MAX_SUBMISSIONS
        or sum(counts) > MAX_ENTRIES
        or max(counts, default=0) > MAX_EVENTS
    ):
        raise too_large(credential)
    return found


def too_large(credential: str) -> Refusal:
    """Return the refusal of evidence that no verifier would read."""
    detail = "more bears on this credential than evidence may hold; replay the log instead"
    return Refusal("evidence-size", detail, value=credential)
