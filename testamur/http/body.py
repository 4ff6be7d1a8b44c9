"""How much of an HTTP answer is read, and for how long?

The server may be hostile: it may send without end, or slowly, or send what inflates to gigabytes
or to nothing. So the bytes that arrive, the bytes they inflate to, and the time are all bounded.
"""

from __future__ import annotations

import time
import zlib
from typing import Final

import httpx2

from testamur.errors import Unavailable

SECONDS: Final = 120.0
"""For the body of one answer; the wait for its first byte is not counted."""

ACCEPT: Final = {"Accept-Encoding": "gzip"}
"""The only content coding that `read_body` undoes."""

# Codings that change nothing: some object stores keep the framing of the upload as one.
_NOTHING: Final = frozenset({"", "identity", "aws-chunked"})
_GZIP: Final = 16 + zlib.MAX_WBITS


class TooLarge(Unavailable):
    """The answer is larger than any answer to this question."""


def read_body(response: httpx2.Response, at_most: int, *, seconds: float = SECONDS) -> bytes:
    """Return the body, of at most `at_most` bytes once it is decoded.

    Raises `TooLarge` and other `Unavailable`, and what httpx2 raises for a transport that fails.
    """
    codings = response.headers.get("content-encoding", "").lower().split(",")
    gzipped = [name for name in map(str.strip, codings) if name not in _NOTHING]
    if gzipped not in ([], ["gzip"], ["x-gzip"]):
        raise Unavailable(f"{response.url} answered in content coding {', '.join(gzipped)[:60]!r}")
    until, received, body = time.monotonic() + seconds, 0, bytearray()
    inflate = _Gzip() if gzipped else None
    for piece in response.iter_raw():
        received += len(piece)
        try:
            body += inflate.inflated(piece, at_most + 1 - len(body)) if inflate else piece
        except zlib.error as error:
            raise Unavailable(f"{response.url} answered with bad gzip: {error}") from None
        # Data that does not compress is a little longer in gzip.
        if len(body) > at_most or received > at_most + at_most // 100 + 1024:
            raise TooLarge(f"{response.url} answered more than {at_most} bytes")
        if time.monotonic() > until:
            raise Unavailable(f"{response.url} took more than {seconds:.0f} s to answer")
    if inflate is not None and not inflate.whole:
        raise Unavailable(f"{response.url} answered with gzip that is cut short")
    return bytes(body)


class _Gzip:
    """A gzip file of one member or more (RFC 1952 section 2.2), as it comes."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)

    @property
    def whole(self) -> bool:
        """Whether it ends where a member does."""
        return self._member.eof

    def inflated(self, piece: bytes, at_most: int) -> bytes:
        """Return what `piece` inflates to, or the first `at_most` bytes or so of it."""
        found = bytearray()
        while piece and len(found) < at_most:
            if self._member.eof:
                piece = piece.lstrip(b"\0")  # padding, as on tapes
                if not piece:
                    break
                self._member = zlib.decompressobj(_GZIP)
            found += self._member.decompress(piece, at_most - len(found))
            piece = self._member.unused_data
        return bytes(found)
