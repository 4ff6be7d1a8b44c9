"""What every bench prints last: one line of JSON, with the machine it was measured on."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sqlite3
import statistics
import time
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, of a process and its children so far (Linux).

    The time of a child that has ended stays in it, once the process has waited for that child.
    """
    while True:
        _, before = _ticks(pid)
        ticks = sum(sum(_ticks(each)) for each in family(pid))
        _, after = _ticks(pid)
        # Otherwise a child was waited for meanwhile, and counted twice or not at all.
        if before == after:
            return ticks / _TICKS


def family(pid: int) -> list[int]:
    """Return a process and its children, also those that ended and were not waited for."""
    stats = Path("/proc").glob("[0-9]*/stat")
    found = [int(stat.parent.name) for stat in stats]
    children = [each for each in found if (fields := _fields(each)) and int(fields[1]) == pid]
    return [pid, *children]


def _ticks(pid: int) -> tuple[int, int]:
    """Return the clock ticks of a process, and of the children it has waited for."""
    fields = _fields(pid)
    return sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))


def _fields(pid: int) -> list[str]:
    """Return what proc(5) numbers from 3 on in /proc/PID/stat; none once it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return stat.rpartition(")")[2].split()  # the command before it may hold anything


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of `values` lie."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1]


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu_name(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load": round(os.getloadavg()[0], 2),
        "node_hash_us": round(_node_hash_us(), 3),
    }


def _node_hash_us() -> float:
    """Return what one hash of an interior node takes: how fast the machine is just now."""
    node = bytes(65)
    taken = []
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(10_000):
            hashlib.sha256(node).digest()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) / 10_000 * 1e6


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
