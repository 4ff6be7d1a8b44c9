"""The newest published checkpoint, as the parts of the server pass it around."""

from __future__ import annotations

from dataclasses import dataclass

from testamur.tlog.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class Published:
    """A published checkpoint and its signed note."""

    checkpoint: Checkpoint
    note: bytes

    @property
    def size(self) -> int:
        """The number of entries it covers."""
        return self.checkpoint.size
