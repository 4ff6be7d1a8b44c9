"""A link that carries a holder file, for the holder's page of a register or of any mirror.

    https://register.example/holder#1.<base64url of the raw DEFLATE of the holder file>

A browser sends no server what follows `#` (RFC 3986, section 3.5): the server of the page learns
nothing of the credential. The link is as much personal data as the file, and does not expire. The
`1` is the version of this form. docs/formats.md states it for readers in any language.

Sources: RFC 1951 (DEFLATE), RFC 4648 section 5 (base64url).
"""

from __future__ import annotations

import zlib
from typing import Final

from testamur.badges.commitment import HolderFile, read_holder_file, render_holder_file
from testamur.catalogue.submission import base64url_decode, base64url_encode
from testamur.errors import Refusal

PAGE: Final = "/holder"
"""The path of the holder's page at every register."""

MAX_FRAGMENT: Final = 65_536
"""Characters after `#`: longer addresses are cut off on their way by programs of every kind."""

MAX_INFLATED: Final = 1 << 20
"""Bytes of a holder file in a link: what is that much longer than its link is no badge."""

MAX_IN_QR: Final = 2_300
"""Bytes of a link that a QR code shows; for a longer one it shows `/credentials/{id}` instead."""

_VERSION: Final = "1."
_RULE: Final = "holder-link"
_ANEW: Final = "copy the whole link anew, or use the holder file itself"


def holder_link(register: str, holder: HolderFile) -> str:
    """Return the link to the holder's page at `register`, such as `https://register.example`.

    Raises `Refusal` (`holder-link`) for a holder file that no link has room for.
    """
    return f"{register.rstrip('/')}{PAGE}#{fragment_of(holder)}"


def fragment_of(holder: HolderFile) -> str:
    """Return what follows `#` in the link; raises `Refusal` (`holder-link`) if it is too long."""
    data = render_holder_file(holder).removesuffix(b"\n")
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    fragment = _VERSION + base64url_encode(compressor.compress(data) + compressor.flush())
    if len(data) > MAX_INFLATED or len(fragment) > MAX_FRAGMENT:
        raise Refusal(
            _RULE,
            f"this credential is too long for a link, which carries at most {MAX_INFLATED} bytes "
            f"in {MAX_FRAGMENT} characters; hand over the holder file itself",
            value=f"{len(data)} bytes, {len(fragment)} characters",
        )
    return fragment


def read_holder_link(link: str) -> HolderFile:
    """Return the holder file that a link carries, whatever page the link leads to.

    Raises `Refusal`: `holder-link`, and those of `read_holder_file` for what the link carries. No
    part of a link is shown, since it is personal data.
    """
    _, mark, fragment = link.strip().partition("#")
    if not mark:
        raise Refusal(_RULE, f"nothing follows a # in this link; {_ANEW}")
    if len(fragment) > MAX_FRAGMENT:
        raise Refusal(
            _RULE,
            f"a link carries at most {MAX_FRAGMENT} characters after #; use the holder file itself",
            value=f"{len(fragment)} characters",
        )
    if not fragment.startswith(_VERSION):
        raise Refusal(_RULE, f"what follows # must begin with {_VERSION}; {_ANEW}")
    return read_holder_file(_inflated(_decoded(fragment.removeprefix(_VERSION))))


def _decoded(text: str) -> bytes:
    try:
        return base64url_decode(text)
    except Refusal:
        raise Refusal(_RULE, f"what follows # is not base64url; {_ANEW}") from None


def _inflated(data: bytes) -> bytes:
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = decompressor.decompress(data, MAX_INFLATED + 1)
    except zlib.error:
        raise Refusal(_RULE, f"what follows # is damaged; {_ANEW}") from None
    if len(found) > MAX_INFLATED:
        raise Refusal(_RULE, f"a link carries a holder file of at most {MAX_INFLATED} bytes")
    if not decompressor.eof:
        raise Refusal(_RULE, f"what follows # is cut off; {_ANEW}")
    if decompressor.unused_data:
        raise Refusal(_RULE, f"what follows # goes on after its end; {_ANEW}")
    return found
