"""Conditional answers: a client that has the answer already is told so, and not sent it again.

RFC 9110 sections 8.8.3 and 13.1.2. Tags are weak: an answer in gzip says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final

from fastapi import Response

from api.http.asgi import Headers, listed

_MOST: Final = 64  # tags that are read


def held(headers: Headers) -> bytes | None:
    """Return what the request says in `If-None-Match`, if it says anything."""
    return listed(headers, b"if-none-match")


def answer(
    body: bytes,
    media_type: str,
    headers: Mapping[str, str],
    held: bytes | None,
    *,
    zipped: Callable[[], bytes] | None = None,
) -> Response:
    """Return a 200 with `body`, or a 304 if what the client holds is the same.

    `zipped` makes gzip of the body, which is sent in its place.
    """
    tag = sha256(media_type.encode() + body).hexdigest()[:32]
    named = {**headers, "ETag": f'W/"{tag}"'}
    if held is not None and matches(held, f'"{tag}"'.encode()):
        return Response(status_code=304, headers=named)
    if zipped is not None:
        body, named["Content-Encoding"] = zipped(), "gzip"
    # The media type as it is: the framework would add a charset to what is text.
    return Response(body, headers={**named, "Content-Type": media_type})


def matches(held: bytes, tag: bytes) -> bool:
    """Return whether one of the tags that a client holds is `tag`, by weak comparison."""
    tags = [each.strip().removeprefix(b"W/") for each in held.split(b",", _MOST)[:_MOST]]
    return tag in tags or tags == [b"*"]
