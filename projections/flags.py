"""Flags as the bits of one integer, so that a flagged credential costs no row of its own.

Bit n is the flag at place n of `testamur.rules.Flag`. A bit keeps its meaning within a layout of
the tables: new flags go to the end of that enum, or `LAYOUT` counts on (`tables.py`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from testamur.rules import Flag, Flags

_BIT: Final = {flag: 1 << number for number, flag in enumerate(Flag)}


@lru_cache(maxsize=1024)
def mask(flags: Flags) -> int:
    """Return the bits of `flags`."""
    bits = 0
    for flag in flags:
        bits |= _BIT[flag]
    return bits


@lru_cache(maxsize=1024)
def names(bits: int) -> Flags:
    """Return the flags whose bits are set, in the order of `Flag`."""
    return tuple(flag for flag, bit in _BIT.items() if bits & bit)
