"""The JSON-LD contexts that a Blockcert may name: pinned copies, by address.

What a document means depends on its contexts, so none is ever fetched: the server of an address
could change what was signed. Origin and licence of each file are in the README beside it.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

_W3C: Final = "https://www.w3.org/"
_W3ID: Final = "https://w3id.org/"
_BLOCKCERTS: Final = "https://www.blockcerts.org/schema/"

VC_1: Final = _W3C + "2018/credentials/v1"
VC_2: Final = _W3C + "ns/credentials/v2"

FILES: Final[dict[str, str]] = {
    "blockcerts-v2.0-alpha.json": (
        "1b85185c93a2923a50292fc8ec41b26e4dc404e79ec19bf32c02a3136c1eaf81"
    ),
    "blockcerts-v2.0.json": "9aeb82c65913f2b727170778a81b9f882254b12d4b66c7aca1c8ee4765d4fc57",
    "blockcerts-v2.1.json": "3c0621311db8d15a6aee9921a641d75d3cb72ebc296ff2c6d11597f23e4615b5",
    "blockcerts-v3.0.json": "7b5a4f9771640918b6e3169af29374b38a9f914dcfed77675db7944c8f1a1152",
    "blockcerts-v3.1.json": "2fc073679f0e05bba5984a3110c0bfcfbc9401c2a5874115e9a9bb12204001f3",
    "blockcerts-v3.2.json": "fa5afe993720de6d030dc78cb8d33085e4e8a58704e26c8eefa536f4ab7b9731",
    "merkle-proof-2019.json": "953b934ec954fab06c3d48e524ac66f0f66531b86fa91330f66e8fc4ba536ff4",
    "openbadges-v2.json": "ee8c373cb831e92f0033b7f26b61a43b2719932a20da2c396e5dad48ec429b2d",
    "status-list-2021.json": "6dd06a52bedb771e059c1083ba8ba7848dce22f6b4a8cfa0b98ba3fc188870e4",
    "w3c-credentials-v1.json": "ab4ddd9a531758807a79a5b450510d61ae8d147eab966cc9a200c07095b0cdcc",
    "w3c-credentials-v2.json": "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
    "w3c-data-integrity-v1.json": (
        "b5d829bd09aa7c42abc6efa0c8ed7635313b5487f37ccfce3ecd149ca9418554"
    ),
    "w3c-data-integrity-v2.json": (
        "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4"
    ),
}
"""SHA-256 (hex) of each file."""

BLOCKCERTS_2: Final[dict[str, str]] = {
    address: f"blockcerts-v{version}.json"
    for version in ("2.0-alpha", "2.0", "2.1")
    for address in (
        f"{_W3ID}blockcerts/schema/{version}/context.json",
        f"{_BLOCKCERTS}{version}/context.json",
    )
} | {
    _W3ID + "blockcerts/v2": "blockcerts-v2.0.json",
    _W3ID + "blockcerts/v2.1": "blockcerts-v2.1.json",
}
"""File by address, as all below: what makes an Open Badge of version 2 a Blockcert."""

BLOCKCERTS_3: Final[dict[str, str]] = {
    address: f"blockcerts-v{version}.json"
    for version in ("3.0", "3.1", "3.2")
    for address in (
        f"{_W3ID}blockcerts/schema/{version}/context.json",
        f"{_BLOCKCERTS}{version}/context.json",
        f"{_W3ID}blockcerts/v{version}",
    )
} | {_W3ID + "blockcerts/v3": "blockcerts-v3.0.json"}
"""What makes a verifiable credential a Blockcert."""

PINNED: Final[dict[str, str]] = {
    VC_1: "w3c-credentials-v1.json",
    VC_2: "w3c-credentials-v2.json",
    _W3ID + "security/data-integrity/v1": "w3c-data-integrity-v1.json",
    _W3ID + "security/data-integrity/v2": "w3c-data-integrity-v2.json",
    _W3ID + "openbadges/v2": "openbadges-v2.json",
    "https://openbadgespec.org/v2/context.json": "openbadges-v2.json",
    _W3ID + "security/suites/merkle-2019/v1": "merkle-proof-2019.json",
    _W3ID + "vc/status-list/2021/v1": "status-list-2021.json",
    **BLOCKCERTS_2,
    **BLOCKCERTS_3,
}


@cache
def pinned(address: str) -> dict[str, Any]:
    """Return the context document of a pinned address; raises `KeyError` for any other."""
    found: dict[str, Any] = json.loads(file_bytes(PINNED[address]))
    return found


def file_bytes(name: str) -> bytes:
    """Return the bytes of a file in `FILES`."""
    return (files(__package__) / name).read_bytes()
