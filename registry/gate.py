"""The gate: from the bytes of a submission to a durable position in the one sequence.

What is reported as `Recorded` was well-formed, signed by a key active at its position, admitted
by the rules that every replayer checks again, and is on disk. Nothing is reported as anything
else than what happened: a submission of unknown outcome is `Unavailable`, and sending it again
tells. The gate does not publish: whether others can see an entry is for `log/` to say.
"""

from __future__ import annotations

import logging
import math
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Final, TypeAlias

from registry import credential_streams, integrity, policy_state, sequence, submissions
from registry.application import Registry
from registry.committer import Committer, Connect
from registry.deliberation import Checked
from registry.outcomes import Outcome, Overloaded, Recorded, StorageFull
from registry.rehearsal import DryRun, rehearse
from registry.sequence import StorageDamaged
from registry.waiting import WaitingRoom
from testamur.errors import Refusal, Unavailable
from testamur.keys import PublicKey
from testamur.submission import parse

__all__ = [
    "Checked",
    "DryRun",
    "Gate",
    "Limits",
    "Outcome",
    "Overloaded",
    "Recorded",
    "Settled",
    "StorageDamaged",
    "StorageFull",
]

Settled: TypeAlias = Callable[[list[tuple[object, Outcome]]], None]

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the gate takes on. Sizes in bytes, times in seconds."""

    group_events: int = 2_000
    waiting: int = 10_000
    # A submission takes about three times its size in memory while it waits.
    waiting_bytes: int = 128 * 1024 * 1024
    free_space: int = 256 * 1024 * 1024
    snapshot_every: int = 50_000
    lock_patience: float = 10.0


def now() -> int:
    """Return the time in Unix milliseconds."""
    return time.time_ns() // 1_000_000


class Gate:
    """Admits submissions into the sequence in one file; see `open`."""

    def __init__(...)
