"""What a campaign saw, and its record."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.faults.registry import version_of
from tests.harness.served import PROJECT

_PRODUCT: Final = ("testamur", "registry", "log", "projections", "api")
_EVERY: Final = 10  # faults, between two writes of the file


@dataclass
class Found:
    """What a campaign saw."""

    store: str
    seed: int
    struck: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """How many faults by role, call, fault and outcome."""
    at_what: Counter[str] = field(default_factory=Counter)
    calls: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    missed: int = 0
    logs: int = 0
    receipts: int = 0
    checks: int = 0
    entries: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def faults(self) -> int:
        """How many faults were struck."""
        return sum(self.struck.values())


class Record:
    """The record of one campaign, in `file` if that is given; a line on the console for a fault."""

    def __init__(self, store: str, seed: int, file: Path | None) -> None:
        self._file = file
        self._head = {
            "store": version_of(store),
            "seed": seed,
            "date": time.strftime("%Y-%m-%d"),
            "product of commit": _output("git", "log", "-1", "--format=%h", "--", *_PRODUCT),
            "machine": f"{os.cpu_count()} x {platform.machine()}, Linux {platform.release()}, "
            f"Python {platform.python_version()}",
        }

    def keep(self, found: Found, line: str) -> None:
        """Say what came of a fault; write the file now and then."""
        print(f"{found.faults:5} {line}", flush=True)
        if found.faults % _EVERY == 0:
            self.written(found)

    def written(self, found: Found) -> str:
        """Write the record; return it."""
        record = json.dumps({**self._head, **_as_json(found)}, indent=1)
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(record + "\n")
        return record


def _as_json(found: Found) -> dict[str, Any]:
    struck: dict[str, dict[str, int]] = defaultdict(dict)
    outcomes: Counter[str] = Counter()
    for (role, call, fault, outcome), times in sorted(found.struck.items()):
        struck[f"{role}: {call}: {fault}"][outcome] = times
        outcomes[outcome] += times
    return {
        "faults": found.faults,
        "broken": found.broken,
        "seconds": round(time.monotonic() - found.began),
        "logs": found.logs,
        "entries": found.entries,
        "receipts": found.receipts,
        "checks of all of them": found.checks,
        "answers": dict(sorted(found.answers.items())),
        "odd answers": found.odd,
        "outcomes": dict(outcomes.most_common()),
        "calls that did not come in time": found.missed,
        "calls under load": {
            role: {call: times for call, times in calls.items() if times}
            for role, calls in found.calls.items()
        },
        "struck": struck,
        "struck at": dict(found.at_what.most_common()),
    }


def _output(*command: str) -> str:
    return subprocess.run(
        command, cwd=PROJECT, check=True, capture_output=True, text=True
    ).stdout.strip()
