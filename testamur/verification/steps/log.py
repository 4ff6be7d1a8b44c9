"""Steps 4 and 5: the entries shown are in the log's tree, which the log and witnesses signed."""

from __future__ import annotations

from collections.abc import Sequence

from testamur.errors import Refuted, Unavailable
from testamur.tlog.merkle import leaf_hash, verify_inclusion
from testamur.verification.excerpt import Shown
from testamur.verification.finding import Finding
from testamur.verification.tree import Tree


def inclusion(submissions: Sequence[Shown], tree: Tree) -> Finding:
    """(4) Every entry shown is in the log, in a whole submission."""
    checkpoint, size = tree.checkpoint, tree.size()
    count = 0
    for submission in submissions:
        _check_whole(submission, size)
        shown = [(submission.position, submission.entry, submission.inclusion)]
        shown += [
            (submission.position + event.number, event.line, event.inclusion)
            for event in submission.events
        ]
        for position, text, path in shown:
            if position >= size:
                raise Refuted(f"entry {position} is shown as evidence as of size {size}")
            leaf = leaf_hash(text.encode())
            verify_inclusion(position, checkpoint.size, leaf, path, checkpoint.root)
            count += 1
    return Finding(f"all {count} entries shown are in the tree of size {checkpoint.size}")


def _check_whole(submission: Shown, size: int) -> None:
    # A submission is all or nothing: cut, one that issues and revokes could be shown without its
    # revocation.
    events = submission.header.payload.events
    if submission.position < size <= submission.position + events:
        raise Refuted(
            f"size {size} cuts the submission at {submission.position}, which has {events} events"
        )


def checkpoint(tree: Tree, log: str | None) -> Finding:
    """(5) The log, and the quorum of witnesses the policy asks for, signed the tree.

    `log` is the one that the holder file names, if it names one.
    """
    signed = tree.checkpoint
    if log not in (None, signed.origin):
        raise Unavailable(f"the evidence is of log {signed.origin}, the holder file names {log}")
    names = [name for name, _ in tree.verified.witnesses]
    seen = f"cosigned by {', '.join(names)}" if names else "no witness is asked for by the policy"
    return Finding(f"{signed.origin} signed tree size {signed.size}; {seen}", attested=True)
