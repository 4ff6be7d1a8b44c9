"""What must hold after a fault: every receipt is there, in one log without a hole."""

from __future__ import annotations

from itertools import pairwise

from api.checking import check_log
from testamur.catalogue.submission import parse
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.merkle import prove_consistency, verify_consistency
from testamur.tlog.proof import TlogProof
from testamur.tlog.source import Source
from testamur.tlog.tiles import TileHashes
from testamur.verification.receipt import verify_receipt
from testamur.verification.replay import ReplayedSubmission, replay
from tests.harness.crowd import Given
from tests.harness.served import Served


class Broken(Exception):
    """A promise did not hold."""


class Witness:
    """An outsider who keeps what one log said, and compares it with what it says later."""

    def __init__(self, served: Served, store: str | None) -> None:
        self._served = served
        self._store = store
        self.receipts = 0
        """How many were checked so far."""
        self._checkpoints: dict[int, Checkpoint] = {}

    def check(self, receipts: list[Given], source: Source) -> int:
        """Check all receipts against the log at `source`, and the log itself; return its size.

        Raises `Broken`, and what verification raises.
        """
        submissions: list[ReplayedSubmission] = []
        size = replay(source, self._served.key, on_submission=submissions.append).statistics.size
        _check_sequence(submissions, size)
        self._check_receipts(receipts, submissions)
        self._check_checkpoints(size, source)
        wrong = check_log(self._served.data, store=self._store)
        if wrong:
            raise Broken(f"fsck: {wrong}")
        return size

    def _check_receipts(self, receipts: list[Given], submissions: list[ReplayedSubmission]) -> None:
        at = {submission.position: submission for submission in submissions}
        for body, receipt in receipts:
            found = at.get(receipt.position)
            if found is None:
                raise Broken(f"lost: nothing is at {receipt.position}, where {receipt.jti} was")
            sent = parse(body)
            if (found.header.jws, found.lines) != (sent.header.jws, sent.lines):
                raise Broken(f"lost: another submission is at {receipt.position}")
            if found.entry.decode() != receipt.entry or len(found.events) != receipt.events:
                raise Broken(f"the entry at {receipt.position} is not that of its receipt")
        for body, receipt in receipts[self.receipts :]:
            if receipt.proof is not None:
                verify_receipt(receipt, body, self._served.policy)
                note = TlogProof.parse(receipt.proof.encode()).checkpoint
                self._remember(open_checkpoint(note, self._served.key)[0])
        self.receipts = len(receipts)

    def _remember(self, checkpoint: Checkpoint) -> None:
        if self._checkpoints.setdefault(checkpoint.size, checkpoint) != checkpoint:
            raise Broken(f"two checkpoints of {checkpoint.size} entries")

    def _check_checkpoints(self, size: int, source: Source) -> None:
        """Each checkpoint that was given out is a prefix of the one that is public now."""
        last, _ = open_checkpoint(source.fetch("checkpoint"), self._served.key)
        if last.size < size or last.size < max(self._checkpoints, default=0):
            raise Broken("the public checkpoint went back")
        self._remember(last)
        ordered = [self._checkpoints[each] for each in sorted(self._checkpoints)]
        hashes = TileHashes(last.size, source.fetch)
        for old, new in pairwise(ordered):
            proof = prove_consistency(old.size, new.size, hashes.at(new.size))
            verify_consistency(old.size, new.size, old.root, new.root, proof)
        self._checkpoints = {last.size: last}


def _check_sequence(submissions: list[ReplayedSubmission], size: int) -> None:
    end = 0
    names = set()
    for submission in submissions:
        if submission.position != end:
            raise Broken(f"a hole: {submission.position} follows {end}")
        end += 1 + len(submission.events)
        header = submission.header.payload
        if (header.iss, header.jti) in names:
            raise Broken(f"twice: {header.iss} {header.jti}")
        names.add((header.iss, header.jti))
    if end != size:
        raise Broken(f"a hole: the log has {size} entries, and its submissions end at {end}")
