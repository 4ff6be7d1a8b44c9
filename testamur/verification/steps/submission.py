"""Steps 1 to 3: the credential opens what was logged, and who signed the submissions shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from testamur.badges.commitment import HolderFile, verify_commitment
from testamur.catalogue.submission import format_time
from testamur.errors import Refuted
from testamur.rules import MAX_AHEAD
from testamur.tlog.merkle import leaf_hash, verify_inclusion
from testamur.verification.clock import check_not_ahead
from testamur.verification.excerpt import Excerpt, Shown
from testamur.verification.finding import Finding
from testamur.verification.issuance import Issuance
from testamur.verification.tree import Tree
from testamur.verification.trust.declared import uncounted
from testamur.verification.trust.speakers import Speakers


def commitment(holder: HolderFile, issued: Issuance) -> Finding:
    """(1) The credential, with its blind, opens the commitment that was logged."""
    verify_commitment(holder.credential, holder.blind, issued.event.commitment)
    return Finding(f"credential and blind open the commitment logged at position {issued.position}")


def submission(submissions: Sequence[Shown]) -> Finding:
    """(2) Every event shown is under the root its provider signed."""
    count = 0
    for each in submissions:
        total, root = each.header.payload.events, each.header.root
        for event in each.events:
            leaf = leaf_hash(event.line.encode())
            verify_inclusion(event.number - 1, total, leaf, event.path, root)
            count += 1
    return Finding(f"all {count} events shown lie under the roots their submitters signed")


def signature(excerpt: Excerpt, tree: Tree, speakers: Speakers, now: datetime) -> Finding:
    """(3) Every submission was signed by the key it names; the issuance's counts as of the size."""
    _check_recorded(excerpt.recorded_at, tree.witnessed_at(now), now)
    issued = excerpt.issued()
    if not issued.register.counts(issued.signed):
        raise uncounted(speakers, issued.said)
    excerpt.check_listed()
    name = speakers.called(issued.issuer)
    return Finding(
        f"{name} ({issued.issuer}) signed the issuance at position {issued.position} with a key "
        "that it had listed",
        subject={
            "issuer": name,
            "issuerDid": issued.issuer,
            "position": str(issued.position),
        },
    )


def _check_recorded(recorded_at: int, witnessed_at: int | None, now: datetime) -> None:
    # `recordedAt` is the operator's word; our clock and those of witnesses bound it from above.
    check_not_ahead("the log recorded an entry", recorded_at, now)
    if witnessed_at is not None and recorded_at > (witnessed_at + MAX_AHEAD) * 1000:
        raise Refuted(
            f"the log says {format_time(recorded_at)} of an entry that witnesses saw at "
            f"{format_time(witnessed_at * 1000)}"
        )
