"""A network of our own, whose links can be cut: network namespaces on one bridge (Linux, as root).

    with Network("clients", "server", "database") as network:
        with network.inside("server"):          # this thread, and what it starts
            process = subprocess.Popen(...)
        network.cut("server", "database")       # what the first sends the second is lost
        network.heal()

Nothing leaves it: no namespace has a route to the outside. What is lost is lost silently, as behind
a broken switch: neither side is told.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

_NAMESPACES: Final = Path("/var/run/netns")
_NEW_NETWORK: Final = 0x40000000  # CLONE_NEWNET
_NOBODY: Final = "02:00:00:00:00:99"  # a hardware address that no interface has
SUBNET: Final = "10.77.0"


class NetworkRefused(Exception):
    """This machine, or this user, makes no network namespaces."""


class Network:
    """Namespaces by name, each with an address that all others reach."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self._prefix = f"t{os.getpid()}-"
        self._cut: list[tuple[str, str]] = []

    def address(self, name: str) -> str:
        """Return the address of a namespace."""
        return f"{SUBNET}.{self._names.index(name) + 1}"

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Put this thread, and the threads and processes that it starts, into a namespace."""
        with Path(f"/proc/self/task/{threading.get_native_id()}/ns/net").open("rb") as before:
            with (_NAMESPACES / f"{self._prefix}{name}").open("rb") as there:
                _enter(there.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    def cut(self, sender: str, receiver: str) -> None:
        """Lose what one sends the other; the other way round goes on."""
        self._ip(sender, "neigh", "replace", self.address(receiver), "lladdr", _NOBODY, "nud",
                 "permanent", "dev", "eth0")  # fmt: skip
        self._cut.append((sender, receiver))

    def part(self, one: str, other: str) -> None:
        """Lose what they send each other."""
        self.cut(one, other)
        self.cut(other, one)

    def heal(self) -> None:
        """Lose nothing any more."""
        for sender, receiver in self._cut:
            self._ip(sender, "neigh", "del", self.address(receiver), "dev", "eth0")
        self._cut.clear()

    def __enter__(self) -> Self:
        """Make it; raises `NetworkRefused`."""
        try:
            self._make()
        except (OSError, subprocess.CalledProcessError) as error:
            self._remove()
            detail = getattr(error, "stderr", None) or error
            raise NetworkRefused(f"no network namespaces can be made: {detail}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def _make(self) -> None:
        self._run("netns", "add", f"{self._prefix}switch")
        self._ip("switch", "link", "add", "bridge", "type", "bridge")
        self._ip("switch", "link", "set", "bridge", "up")
        for name in self._names:
            there, port = f"{self._prefix}{name}", f"to-{name}"[:15]
            self._run("netns", "add", there)
            self._ip("switch", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns",
                     there)  # fmt: skip
            self._ip("switch", "link", "set", port, "master", "bridge", "up")
            self._ip(name, "addr", "add", f"{self.address(name)}/24", "dev", "eth0")
            self._ip(name, "link", "set", "eth0", "up")
            self._ip(name, "link", "set", "lo", "up")
        with self.inside(self._names[0]):
            pass

    def _remove(self) -> None:
        for name in ("switch", *self._names):
            with suppress(OSError, subprocess.CalledProcessError):
                self._run("netns", "del", f"{self._prefix}{name}")

    def _ip(self, name: str, *arguments: str) -> None:
        self._run("-n", f"{self._prefix}{name}", *arguments)

    def _run(self, *arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "setns")
