"""Identifiers of organizations in other registers, each in its one spelling.

Only the spelling and, where there is one, the checksum: nobody is asked whether the register has
such an entry, nor whose it is.

    CTID       ce- and a UUID in small letters (Credential Engine)
    DAPIP      6 to 9 digits (United States Department of Education)
    DEQARINST  DEQARINST and the number, filled up to 4 digits (EQAR)
    ETER       the country and 4 digits; ETER writes UK and EL as Eurostat does
    PIC        9 digits (European Commission, participant register)
    ROR        the address https://ror.org/ and 9 characters, the last 2 a checksum
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from testamur.catalogue.members import Identifier
from testamur.recording.tables import places

_ROR: Final = re.compile(
    r"(?:(?:https?://)?(?:www\.)?ror\.org/|ror:)?(0[0-9a-hjkmnp-tv-z]{6}[0-9]{2})/?", re.IGNORECASE
)
_CTID: Final = re.compile(
    r"(?:https?://[^?#]*/|ctid:)?(?:ce-)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/?",
    re.IGNORECASE,
)
_DEQARINST: Final = re.compile(
    r"(?:https?://[^?#]*/institutions?/|DEQARINST[-:]?)?0*([1-9][0-9]{0,6})/?", re.IGNORECASE
)
_ETER: Final = re.compile(r"(?:ETER[-:]?)?([A-Z]{2})[.-]?([0-9]{4})", re.IGNORECASE)
_PIC: Final = re.compile(
    r"(?:PIC[-:]?)?([1-9][0-9]{2})[.-]?([0-9]{3})[.-]?([0-9]{3})", re.IGNORECASE
)
_DAPIP: Final = re.compile(
    r"(?:https?://[^?]*/institution-profile/(?:[0-9]+/)?|DAPIP[-:]?)?([1-9][0-9]{5,8})/?",
    re.IGNORECASE,
)
_BASE_32: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's


def fault(identifier: Identifier) -> str | None:
    """Return what is wrong with an identifier, and what to write; None if nothing is."""
    scheme, value = identifier.scheme, identifier.value
    try:
        right = spelt(scheme, value)
    except ValueError as error:
        return str(error)
    return None if right == value else f"this {scheme} is written {right}"


def spelt(scheme: str, value: str) -> str:
    """Return an identifier in its one spelling; raises `ValueError` if it is none.

    `scheme` is one of `SCHEMES`.
    """
    return _SPELLINGS[scheme](value)


def ror_checksum(number: str) -> str:
    """Return the last 2 characters of a ROR id from the first 7 (ISO 7064, modulo 97-10)."""
    value = 0
    for char in number:
        value = value * 32 + _BASE_32.index(char)
    return f"{98 - value * 100 % 97:02}"


def _ror(value: str) -> str:
    found = _ROR.fullmatch(value)
    if found is None:
        raise ValueError("a ROR is an address such as https://ror.org/04dkp9463")
    short = found[1].lower()
    if short[7:] != ror_checksum(short[:7]):
        raise ValueError(f"the checksum of ROR {short} is wrong; copy it anew from ror.org")
    return f"https://ror.org/{short}"


def _ctid(value: str) -> str:
    found = _CTID.fullmatch(value)
    if found is None:
        raise ValueError(
            "a CTID is ce- and a UUID, such as ce-52a45d0f-8d5e-4b6c-9d7b-0a1b2c3d4e5f"
        )
    return f"ce-{found[1].lower()}"


def _deqarinst(value: str) -> str:
    found = _DEQARINST.fullmatch(value)
    if found is None:
        raise ValueError("a DEQARINST is that word and 4 digits or more, such as DEQARINST0034")
    return f"DEQARINST{found[1]:>04}"


def _eter(value: str) -> str:
    found = _ETER.fullmatch(value)
    if found is None or found[1].upper() not in _eter_countries():
        raise ValueError("an ETER id is a country and 4 digits, such as AT0001")
    return found[1].upper() + found[2]


@cache
def _eter_countries() -> frozenset[str]:
    return frozenset({*places().parts, "EL", "UK"})


def _pic(value: str) -> str:
    found = _PIC.fullmatch(value)
    if found is None:
        raise ValueError("a PIC is 9 digits, such as 999986096")
    return "".join(found.groups())


def _dapip(value: str) -> str:
    found = _DAPIP.fullmatch(value)
    if found is None:
        raise ValueError("a DAPIP id is 6 to 9 digits, such as 133562")
    return found[1]


_SPELLINGS: Final[Mapping[str, Callable[[str], str]]] = {
    "CTID": _ctid,
    "DAPIP": _dapip,
    "DEQARINST": _deqarinst,
    "ETER": _eter,
    "PIC": _pic,
    "ROR": _ror,
}

SCHEMES: Final = tuple(_SPELLINGS)
"""The registers whose identifiers are known."""
