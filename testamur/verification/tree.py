"""The tree that an excerpt is shown under: its checkpoint, as far as a policy believes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from testamur.errors import Refuted
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.policy import Policy, Verified
from testamur.verification.clock import is_ahead
from testamur.verification.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Tree:
    """A checkpoint that the policy believes; `stated` is the size that the evidence is as of."""

    verified: Verified
    stated: int

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint itself."""
        return self.verified.checkpoint

    @property
    def as_of(self) -> int:
        """The size that the evidence is as of, which cannot be beyond the tree."""
        return min(self.stated, self.checkpoint.size)

    def size(self) -> int:
        """Return the size that the evidence is as of; raises `Refuted` if the tree is smaller."""
        if self.stated > self.checkpoint.size:
            raise Refuted(
                f"the evidence is as of size {self.stated}, its checkpoint is of "
                f"{self.checkpoint.size}"
            )
        return self.stated

    def witnessed_at(self, now: datetime) -> int | None:
        """Return the latest time (POSIX seconds) of a cosignature, leaving out future ones."""
        times = (time for _, time in self.verified.witnesses if not is_ahead(time * 1000, now))
        return max(times, default=None)


def read_tree(evidence: Evidence, policy: Policy) -> Tree:
    """Return the tree of the evidence; raises `Refuted` and `Unavailable` as `Policy.check`."""
    verified = policy.check(evidence.checkpoint.encode())
    stated = verified.checkpoint.size if evidence.size is None else evidence.size
    return Tree(verified, stated)
