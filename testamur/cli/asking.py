"""Asking a registry from a command: what its user is told while an answer is awaited.

A server that cannot be reached is told once, after one attempt: waiting helps nobody who has
mistyped its address. One that is busy gets a few seconds, and each of its reasons is told once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final, TypeVar

import typer

from testamur.cli.profile import is_offered
from testamur.cli.terminal import note
from testamur.errors import Unavailable
from testamur.http.client import RegistryClient
from testamur.http.exchange import NoServer

_PATIENCE: Final = 10.0
AT_ONCE: Final = 8
"""A registry answers so many questions of one client at once without turning others away."""
_WINDOW: Final = 16
_In = TypeVar("_In")
_Out = TypeVar("_Out")


def asked(url: str) -> RegistryClient:
    """Return the registry at `url`, to be asked and not kept waiting for. Close it."""
    return RegistryClient(
        url, patience=_PATIENCE, wait_for_server="never", on_retry=Retries(_PATIENCE).tell
    )


def reach(url: str) -> None:
    """Raise `NoServer` if nobody answers at the address of a registry."""
    with asked(url) as registry:
        try:
            registry.checkpoint()
        except NoServer:
            raise
        except Unavailable:
            return  # what else may be wrong there is told by what is asked next


def reached(context: typer.Context, url: str | None, without: str) -> str | None:
    """Return the registry's address; None if it was only offered and nobody answers there.

    The user is told what is done `without` it: one must be able to work without a network. Raises
    `NoServer` for an address that was typed.
    """
    if url is None:
        return None
    try:
        reach(url)
    except NoServer as error:
        if not is_offered(context, "url"):
            raise
        note(f"{error}; {without}", "yellow")
        return None
    return url


def ahead(
    work: Callable[[_In], _Out], items: Iterable[_In], *, at_once: int
) -> Generator[_Out, None, None]:
    """Yield `work(item)` in order, while the next few items are being worked on.

    Close it before what `work` uses is closed.
    """
    if at_once == 1:
        yield from map(work, items)
        return
    walk = iter(items)
    with ThreadPoolExecutor(at_once, thread_name_prefix="testamur-ask") as pool:
        try:
            # What is fetched and not yet taken is held in memory.
            while window := [pool.submit(work, item) for item in islice(walk, _WINDOW)]:
                yield from (each.result() for each in window)
        finally:
            # A reader that stops early, such as `head`, waits for no further answer.
            pool.shutdown(wait=False, cancel_futures=True)


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
