"""Successors that others named for an organization, which it may object to.

An accreditor may name who acts for a provider of its own. That takes effect after 30 days, or when
the provider closes, unless the provider objects: so it must be told in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from testamur.catalogue.events import OrganizationObjected, OrganizationSucceeded
from testamur.catalogue.submission import format_time
from testamur.cli.terminal import note
from testamur.http.listings import HistoryLine
from testamur.rules.register import Register
from testamur.rules.said import Said

_SUCCEEDED: Final = "organization.succeeded/1"
_OBJECTED: Final = "organization.objected/1"
_CLOSED: Final = "organization.closed/1"
_TOLD: Final = 8


class Naming(NamedTuple):
    """At `position`, the organization `by` named a successor of another one."""

    by: str
    successor: str
    position: int
    recorded_at: str


def listed_namings(did: str, lines: Iterable[HistoryLine]) -> list[Naming]:
    """Return those that count and stand, of what a registry lists of the organization `did`."""
    found: list[Naming] = []
    for line in lines:
        if not line.counts:
            continue
        if line.event == _OBJECTED and line.by == did:
            found = []
        elif line.event == _SUCCEEDED and line.by != did and line.successor is not None:
            found.append(Naming(line.by, line.successor, line.position, line.recorded_at))
    return found


def listed_closing(lines: Iterable[HistoryLine]) -> int | None:
    """Return where the organization closed by what counts, of what a registry lists of it."""
    return next((line.position for line in lines if line.event == _CLOSED and line.counts), None)


def namings_in(register: Register, did: str) -> list[Naming]:
    """Return those that count and stand in a register folded from the whole log."""
    organization = register.organizations[did]
    objected = max(
        (each.position for each in organization.said if _objects(register, each)), default=0
    )
    return sorted(
        (
            Naming(each.actor, each.event.successor, each.position, _time(each))
            for pair, said in register.successions.items()
            if pair.startswith(f"{did} ")
            for each in said
            if isinstance(each.event, OrganizationSucceeded)
            and each.position > objected
            and register.counts(each.signed)
        ),
        key=lambda each: each.position,
    )


def tell_of_namings(namings: Sequence[Naming]) -> None:
    """Say who was named, and how to object."""
    for each in namings[:_TOLD]:
        note(
            f"{each.by} named {each.successor} your successor at {each.position}, "
            f"{each.recorded_at}. From 30 days after that on, or once you closed, it acts for you "
            "on what you issued under that accreditor.",
            "bold red",
        )
    if len(namings) > _TOLD:
        note(f"... and {len(namings) - _TOLD:,} more")
    if namings:
        note("If you do not want that: testamur event organization.objected --to FILE, then sign.")


def _objects(register: Register, said: Said) -> bool:
    return type(said.event) is OrganizationObjected and register.counts(said.signed)


def _time(said: Said) -> str:
    return format_time(said.signed.recorded_at)
