"""Pages in gzip: a reader may be on a slow network, without a proxy in front that compresses.

A page is made anew for each reader, so it is compressed at the lowest level, by the thread that
made it, which costs a hundredth of making it. What is sent to programs goes out as it is. Nothing
in a page is secret, so its size tells nobody anything.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Final

from api.http.asgi import Headers
from api.http.negotiation import coding_taken

FIRST_FLIGHT: Final = 14_000
"""Bytes that a new connection is sent at once (RFC 6928): with fewer, no page comes sooner."""
_LEVEL: Final = 1


def in_gzip(page: bytes, asked: Headers) -> Callable[[], bytes] | None:
    """Return what makes gzip of a page for a request with these headers; None to send it plain."""
    if len(page) < FIRST_FLIGHT or not coding_taken(asked).gladly_gzip:
        return None
    return lambda: gzip.compress(page, _LEVEL, mtime=0)
