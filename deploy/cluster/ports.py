"""Which ports of the loopback are free, and stay so while the part that has one is down?"""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from testamur.errors import Unavailable

_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST: Final = 15_000
_TRIES: Final = 2_000


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens, none of them one that a client's socket may be given.

    Otherwise a part that was killed could find its port taken. Raises `Unavailable`.
    """
    try:
        end = int(_RANGE.read_text("ascii").split()[0])
    except (OSError, ValueError):
        end = 32_768
    # Not a secret, but two clusters that start at once should not meet.
    candidates = random.SystemRandom().sample(range(_FIRST, max(end, _FIRST + _TRIES)), _TRIES)
    found = []
    with ExitStack() as stack:
        for port in candidates:
            one = stack.enter_context(socket.socket())
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise Unavailable(f"{count} free ports were not found on the loopback")
