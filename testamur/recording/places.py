"""Codes of countries and of their parts, in the one spelling of ISO 3166.

Kosovo is XK, which ISO leaves to its users: the European Commission, the IMF and Unicode CLDR write
it so. A place has one code: what ISO 3166-2 publishes a second time, under another country, is
refused with its code of ISO 3166-1.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from testamur.recording.tables import places

# Reserved in ISO 3166-1, or used in its place, for bodies of several countries.
_INTERNATIONAL: Final = frozenset({"EU", "EZ", "UN", "QU"})
_USERS: Final = frozenset(
    {"AA", "ZZ", *(f"Q{letter}" for letter in "MNOPQRSTUVWXYZ")}
    | {f"X{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
)


def fault(code: str) -> str | None:
    """Return what is wrong with a code such as NL or NL-UT, and what to write; None if nothing."""
    if code in _known():
        return None
    country = code[:2]
    for each in (code, country):
        if right := replacements(each):
            return f"{each} is written {one_of(right)} in ISO 3166"
    if country in _INTERNATIONAL:
        return (
            f"{code} is no country: an international body states the country of its seat, and a "
            "scope lists each country"
        )
    if country in _USERS and country not in _known():
        return f"ISO 3166 gives {country} to no country; write the code of a country"
    if country not in _known():
        return f"{country} is no country of ISO 3166-1; write its code of two letters, such as NL"
    return f"ISO 3166-2 has no {code}; write its code, or {country} alone"


def replacements(code: str) -> list[str]:
    """Return the codes to write in place of one that is not to be used; none if nobody says."""
    replaced = places().replaced
    if code in replaced:
        return replaced[code].split()
    country, hyphen, part = code.partition("-")
    if not hyphen:
        return []
    # The country may have another code, as in UK-SCT.
    renamed = f"{replaced.get(country)}-{part}"
    return [renamed] if renamed in _known() else replaced.get(renamed, "").split()


def one_of(codes: Sequence[str]) -> str:
    """Return the codes that may be meant, in words."""
    return " or ".join(filter(None, (", ".join(codes[:-1]), codes[-1])))


@cache
def _known() -> frozenset[str]:
    parts = places().parts
    inner = (f"{country}-{part}" for country, each in parts.items() for part in each.split())
    return frozenset({*parts, *inner})
