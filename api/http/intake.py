"""Request bodies: read whole, or refused without a trace.

`Intake.read` returns a whole body: a client that hangs up or falls silent half-way leaves nothing
behind. Size is bounded while bytes arrive and after decompression, per body and over all bodies
together, so that neither a gzip bomb nor many slow uploads can fill memory. The bytes are not
interpreted.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Final, NamedTuple

from api.http.asgi import Receive, Scope
from api.http.problems import Problem, not_now

IDLE_SECONDS: Final = 30.0
"""How long a client may be silent in the middle of a body."""
WHOLE_SECONDS: Final = 600.0
"""How long a body may take in all: 64 MiB at 1 Mbit/s."""
_STEP: Final = 1 << 20
_LENGTH: Final = re.compile(rb"[0-9]{1,18}", re.ASCII)


class Stated(NamedTuple):
    """What a request header states about its body."""

    media_type: str
    encoding: str
    length: int | None


class HungUp(Exception):
    """The client is gone, so no answer is needed."""


class Intake:
    """Reads bodies, inflating on `pool`: of at most `limit` bytes, compressed and inflated, each,
    and together of at most `budget`.
    """

    def __init__(self, pool: Executor, *, limit: int, budget: int) -> None:
        self._pool = pool
        self.limit = limit
        self._budget = budget
        self.held = 0

    async def read(self, scope: Scope, receive: Receive, media_types: Sequence[str]) -> bytes:
        """Return the body, decompressed. The caller gives its length back by `release`.

        Raises `Problem`: 415 for another media type or coding, 413, 408, 400 for bad gzip, 503
        when all bodies together are too much; `HungUp` when the client is gone.
        """
        stated = stated_of(scope)
        if stated.media_type not in media_types:
            raise Problem(
                415,
                "media-type",
                f"the body must be {' or '.join(media_types)}",
                value=stated.media_type,
                headers={"Accept-Post": ", ".join(media_types)},
            )
        if stated.encoding not in ("identity", "gzip"):
            raise Problem(
                415,
                "content-encoding",
                "the body may be sent plain or in gzip",
                value=stated.encoding,
                headers={"Accept-Encoding": "gzip"},
            )
        if stated.length is not None and stated.length > self.limit:
            raise self.too_large(f"{stated.length} bytes")
        body = _Body(self, _Inflation(self._pool) if stated.encoding == "gzip" else None)
        try:
            await self._fill(body, receive)
        except BaseException:
            self.release(body.size)
            raise
        return body.whole()

    def release(self, size: int) -> None:
        """Return the bytes of a body to the budget."""
        self.held -= size

    def take(self, body: _Body, part: bytes) -> None:
        """Add `part` to `body`, within the bounds of one body and of all."""
        if body.size + len(part) > self.limit:
            raise self.too_large(f"more than {self.limit} bytes")
        if self.held + len(part) > self._budget:
            raise not_now("overloaded", "too many bytes of other submissions are under way")
        self.held += len(part)
        body.size += len(part)
        body.parts.append(part)

    async def _fill(self, body: _Body, receive: Receive) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + WHOLE_SECONDS
        more = True
        while more:
            try:
                async with asyncio.timeout_at(min(ends, loop.time() + IDLE_SECONDS)):
                    message = await receive()
            except TimeoutError:
                raise Problem(
                    408,
                    "timeout",
                    f"a body must keep coming (every {IDLE_SECONDS:.0f} s) and be whole within "
                    f"{WHOLE_SECONDS:.0f} s",
                    headers={"Connection": "close"},
                ) from None
            if message["type"] != "http.request":
                raise HungUp
            more = message.get("more_body", False)
            await body.add(message.get("body", b""), last=not more)

    def too_large(self, found: str) -> Problem:
        """Return the 413 of a body that has `found` bytes."""
        return Problem(
            413,
            "submission-size",
            f"a body is at most {self.limit} bytes, before and after decompression",
            value=found,
        )


class _Body:
    """The part of one body that has arrived."""

    def __init__(self, intake: Intake, inflation: _Inflation | None) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self._deflated = 0
        self._intake = intake
        self._inflation = inflation

    async def add(self, part: bytes, *, last: bool) -> None:
        if self._inflation is None:
            if part:
                self._intake.take(self, part)
            return
        self._deflated += len(part)
        if self._deflated > self._intake.limit:  # deflate can be long and inflate to nothing
            raise self._intake.too_large(f"more than {self._intake.limit} bytes of gzip")
        self._inflation.feed(part)
        while inflated := await self._inflation.step():
            self._intake.take(self, inflated)
        if last:
            self._inflation.finish()

    def whole(self) -> bytes:
        return self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)


class _Inflation:
    """Exactly one gzip member (RFC 1952), inflated off the loop at most 1 MiB at a time."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self._pending = b""

    def feed(self, part: bytes) -> None:
        self._pending += part

    async def step(self) -> bytes:
        """Return the next bytes, or none when more input is needed."""
        if not self._pending:
            return b""
        if self._inflate.eof:
            raise _bad_gzip("bytes follow the end of the gzip member")
        loop = asyncio.get_running_loop()
        try:
            inflated = await loop.run_in_executor(
                self._pool, self._inflate.decompress, self._pending, _STEP
            )
        except zlib.error as error:
            raise _bad_gzip(str(error)) from None
        self._pending = self._inflate.unconsumed_tail or self._inflate.unused_data
        return inflated

    def finish(self) -> None:
        """Raise a 400 unless the member was whole."""
        if not self._inflate.eof:
            raise _bad_gzip("the gzip member is cut off")
        if self._pending:
            raise _bad_gzip("bytes follow the end of the gzip member")


def stated_of(scope: Scope) -> Stated:
    """Return what the request header states about the body; raises a 400 for a bad length."""
    media_type, encoding, length = "", "identity", None
    for name, value in scope["headers"]:
        if name == b"content-type":
            media_type = value.partition(b";")[0].strip().lower().decode("latin-1")
        elif name == b"content-encoding":
            encoding = value.strip().lower().decode("latin-1")
        elif name == b"content-length":
            if not _LENGTH.fullmatch(value):
                raise Problem(400, "content-length", "not a number", value=value.decode("latin-1"))
            length = int(value)
    return Stated(media_type, encoding, length)


def _bad_gzip(detail: str) -> Problem:
    return Problem(400, "content-encoding", f"not one whole gzip member: {detail}")
