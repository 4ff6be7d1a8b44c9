"""How much of an HTTP answer is read, and for how long?

What answers may be hostile: it may send without end, slowly, or what inflates to gigabytes or to
nothing at all. So both what arrives and what it inflates to are counted, and the time is.
"""

from __future__ import annotations

import time
import zlib
from typing import Final

import httpx2

from testamur.errors import Unavailable

SECONDS: Final = 120.0
"""For the body of one answer, however long the silence before it."""

ACCEPT: Final = {"Accept-Encoding": "gzip"}
"""The only content coding that `read_body` undoes."""

_GZIP: Final = 16 + zlib.MAX_WBITS


class TooLarge(Unavailable):
    """There is more than the question can have for an answer."""


def read_body(response: httpx2.Response, at_most: int, *, seconds: float = SECONDS) -> bytes:
    """Return the body, of at most `at_most` bytes once it is decoded.

    Raises `TooLarge` and other `Unavailable`, and what httpx2 raises for a transport that fails.
    """
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip"):
        raise Unavailable(f"{response.url} answered in content coding {coding[:60]!r}")
    until, received, body = time.monotonic() + seconds, 0, bytearray()
    inflate = None if coding == "identity" else zlib.decompressobj(_GZIP)
    for piece in response.iter_raw():
        received += len(piece)
        if inflate is None:
            body += piece
        else:
            try:
                body += inflate.decompress(piece, at_most + 1 - len(body))
            except zlib.error as error:
                raise Unavailable(f"{response.url} answered with bad gzip: {error}") from None
        # What does not compress is a little longer in gzip.
        if len(body) > at_most or received > at_most + at_most // 100 + 1024:
            raise TooLarge(f"{response.url} answered more than {at_most} bytes")
        if time.monotonic() > until:
            raise Unavailable(f"{response.url} took more than {seconds:.0f} s to answer")
    if inflate is not None and not inflate.eof:
        raise Unavailable(f"{response.url} answered with gzip that is cut short")
    return bytes(body)
