"""What every bench prints last: one line of JSON, with the machine it was measured on."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, of a process and its children so far (Linux)."""
    return (
        sum(ticks for process, parent, ticks in _processes() if pid in (process, parent)) / _TICKS
    )


def _processes() -> Iterator[tuple[int, int, int]]:
    """Yield (process id, parent's id, ticks used) of every process."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            # After the command's closing bracket; fields 4, 14 and 15 of proc(5).
            fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            yield int(stat.parent.name), int(fields[1]), int(fields[11]) + int(fields[12])


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of `values` lie."""
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1]


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu_name(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load": round(os.getloadavg()[0], 2),
    }


def report(bench: str, figures: dict[str, Any]) -> None:
    """Print the figures, one JSON object on the last line."""
    rounded = {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in figures.items()
    }
    print(json.dumps({"bench": bench, **rounded, "machine": machine()}), flush=True)


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
