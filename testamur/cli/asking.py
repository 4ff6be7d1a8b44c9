"""Asking a registry from a command: what its user is told while an answer is awaited.

A server that cannot be reached is told once, after one attempt: waiting helps nobody who has
mistyped its address. One that is busy gets a few seconds, and each of its reasons is told once.
"""

from __future__ import annotations

from typing import Final

from testamur.cli.terminal import note
from testamur.http.client import RegistryClient

_PATIENCE: Final = 10.0


def asked(url: str) -> RegistryClient:
    """Return the registry at `url`, to be asked and not kept waiting for. Close it."""
    return RegistryClient(
        url, patience=_PATIENCE, wait_for_server=False, on_retry=Retries(_PATIENCE).tell
    )


class Retries:
    """Tells why a registry is asked again, each reason once. `patience` is in seconds."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._told: set[str] = set()

    def tell(self, reason: str, _seconds: float) -> None:
        """Tell of another attempt, unless its reason was told before."""
        if reason not in self._told:
            self._told.add(reason)
            note(f"{reason}; trying again, for {self._patience:.0f} s in all")
