"""In words, what a declaration changes about the counting of earlier submissions."""

from __future__ import annotations

from collections.abc import Iterator

from testamur.rules.reach import Reach, Sums


def would(reach: Reach) -> str:
    """Return what it would do: "would take back 12 issuances, 1 grant, 3 endings"."""
    return f"would {_told(reach, 'take back')}"


def did(reach: Reach) -> str:
    """Return what it did: "took back 12 issuances, 1 grant, 3 endings"."""
    return _told(reach, "took back")


def _told(reach: Reach, take_back: str) -> str:
    said = []
    if reach.fallen != Sums():
        said.append(f"{take_back} {', '.join(_sums(reach.fallen))}")
    if reach.returned != Sums():
        said.append(f"let {', '.join(_sums(reach.returned))} count again")
    return " and ".join(said) or f"{take_back} nothing"


def _sums(sums: Sums) -> Iterator[str]:
    for count, one in (
        (sums.issuances, "issuance"),
        (sums.grants, "grant"),
        (sums.endings, "ending"),
    ):
        if count:
            yield f"{count:,} {one}{'' if count == 1 else 's'}"
