"""When one submission passed each place on its way, for traces and the log."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from time import perf_counter

from registry.group import Group
from registry.outcomes import Recorded
from testamur.catalogue.submission import SignedHeader


@dataclass(slots=True)
class Hops:
    """The way of one submission, in seconds of `perf_counter`; None where it did not come.

    `header` is known once its signature is checked, and its signer is in the register: before
    that anybody may have written anybody's name there.
    """

    began: int = field(default_factory=time.time_ns)
    """Unix nanoseconds."""
    started: float = field(default_factory=perf_counter)
    received: float | None = None
    checked: float | None = None
    group: Group | None = None
    settled: float | None = None
    published: float | None = None
    root: bytes | None = None
    """Of the checkpoint that it was published with."""
    bytes: int | None = None
    """Of its body, decompressed."""
    header: SignedHeader | None = None
    recorded: Recorded | None = None

    def at(self, moment: float) -> int:
        """Return a moment of `perf_counter` in Unix nanoseconds."""
        return self.began + round((moment - self.started) * 1e9)

    @property
    def seconds(self) -> float:
        """How long ago it began."""
        return perf_counter() - self.started
