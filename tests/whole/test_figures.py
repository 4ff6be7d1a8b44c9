"""The CPU time that the benches report is all of it: no child's share vanishes when it ends."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from bench.figures import cpu_seconds

BURN = "import time\nwhile time.process_time() < 0.3: pass\n"


@pytest.mark.slow
def test_the_time_of_a_child_counts_while_it_runs_when_it_has_ended_and_ever_after() -> None:
    before, readings = _waited_for(), [cpu_seconds(os.getpid())]
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-ISc", BURN]) as child:
            while child.poll() is None:
                readings.append(cpu_seconds(os.getpid()))
        readings.append(cpu_seconds(os.getpid()))
    assert readings == sorted(readings)
    assert readings[-1] - readings[0] >= 0.6
    # Children that run all the while, such as servers of other tests, are idle.
    assert abs(readings[-1] - readings[0] - (_waited_for() - before)) < 0.1


def _waited_for() -> float:
    """Return the CPU time of this process and of the children that it waited for, in seconds."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
