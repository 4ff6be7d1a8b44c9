"""Answers that never change: each is compressed once, and costs nobody anything after that.

Other answers, but for pages, are sent as they are to a client that takes either: a proxy compresses
better than this process, which has one core for everything.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fastapi import Response

from api.http import conditional
from api.http.asgi import Headers
from api.http.negotiation import coding_taken


@dataclass(frozen=True)
class Kept:
    """A body of a media type, as it is and in gzip."""

    body: bytes
    media_type: str

    @cached_property
    def zipped(self) -> bytes:
        """The body in gzip."""
        return gzip.compress(self.body, mtime=0)

    def answer(self, asked: Headers, headers: Mapping[str, str]) -> Response:
        """Return it as an answer to a request with these headers; gzip to whom that is as good."""
        named = {**headers, "Vary": "Accept-Encoding"}
        return conditional.answer(
            self.body,
            self.media_type,
            named,
            conditional.held(asked),
            zipped=(lambda: self.zipped) if coding_taken(asked).gladly_gzip else None,
        )
