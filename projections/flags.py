"""Policy breaches as bits of one integer, so that a flagged credential costs no row of its own.

A bit keeps its meaning within a layout of the tables: new flags go to the end, or the layout
counts on (`tables.py`). What a flag means
is decided in `testamur.rules`; a flag that is not listed here stops the follower.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

FLAGS: Final = (
    "no-accreditation-claimed",
    "accreditation-not-in-force",
    "outside-accredited-scope",
    "accreditor-not-recognised",
    "authority-closed",
    "accreditor-closed",
    "self-accreditation",
    "outside-recognition",
    "achievement-retired",
    "achievement-version-outdated",
    "backdated",
    "postdated",
    "elements-missing",
    "country-changed",
    "self-recognition",
)
"""Every flag that the rules give, by bit."""

_BIT: Final = {flag: 1 << number for number, flag in enumerate(FLAGS)}


@lru_cache(maxsize=1024)
def mask(flags: tuple[str, ...]) -> int:
    """Return the bits of `flags`; raises `KeyError` for a flag that is not in `FLAGS`."""
    bits = 0
    for flag in flags:
        bits |= _BIT[flag]
    return bits


@lru_cache(maxsize=1024)
def names(bits: int) -> tuple[str, ...]:
    """Return the flags whose bits are set, in the order of `FLAGS`."""
    return tuple(flag for flag, bit in _BIT.items() if bits & bit)
