"""Runs a process that takes no requests: it looks after its children until a signal stops it.

It listens on the port for operators alone.
"""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import ExitStack

from api.leaving import Leaving
from api.operations.numbers import Numbers
from api.operations.options import Operations
from api.operations.port import shown
from api.sharing import Workers
from api.worker_health import WorkerHealth


def work(workers: Workers, operations: Operations, numbers: Numbers, leaving: Leaving) -> None:
    """Let `workers`, which run, do their work until SIGTERM or SIGINT.

    `operations` has the address to listen on; raises `Unavailable` if it cannot be used.
    """
    told = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: told.set())
    health = WorkerHealth(workers, leaving)
    health.show(numbers)
    with ExitStack() as stack:
        port = operations.port(shown(numbers, health.ready), stack)
        if port is not None:
            port.start()
            sys.stdout.write(f"operations on {port.address}\n")
            sys.stdout.flush()
        told.wait()
        leaving.begin()
        # Nobody sends requests here, so nothing is to be announced.
        workers.stop(leaving.left)
