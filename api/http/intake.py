"""Request bodies: read whole, or refused without a trace.

`Intake.read` returns a whole body: a client that hangs up or falls silent half-way leaves nothing
behind. Size is bounded while bytes arrive and after decompression, per body and over all bodies
together, so that neither a gzip bomb nor many slow uploads can fill memory. When all bodies
together exceed the budget, the body that has held most for longest is given up, so that slow
uploads cannot keep others out. The bytes are not interpreted; the caller may look at the first of
them, and refuse the rest unread.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from io import BytesIO
from typing import Final, NamedTuple, TypeAlias

from api.http.asgi import Receive, Scope
from api.http.problems import Problem, not_now

IDLE_SECONDS: Final = 30.0
"""How long a client may be silent in the middle of a body."""
WHOLE_SECONDS: Final = 600.0
"""How long a body may take in all: 64 MiB at 1 Mbit/s."""
FIRST_BYTES: Final = 64 * 1024
"""How much of a compressed body is inflated before it is looked at."""
_STEP: Final = 1 << 20
_LENGTH: Final = re.compile(rb"[0-9]{1,18}", re.ASCII)


Look: TypeAlias = Callable[[bytes], Awaitable[bool]]
"""Looks at how a body begins, which is yet to come whole; raises what refuses it.

Returns whether it has seen enough, and is not asked again then.
"""


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
        self._arriving: set[_Body] = set()
        self.held = 0

    async def read(
        self,
        scope: Scope,
        receive: Receive,
        media_types: Sequence[str],
        *,
        look: Look | None = None,
    ) -> bytes:
        """Return the body, decompressed. The caller gives its length back by `release`.

        `look` may refuse a body that does not come in one piece by how it begins. Raises
        `Problem`: 415 for another media type or coding, 413, 408, 400 for bad gzip, 503 when all
        bodies together are too much; `HungUp` when the client is gone.
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
        inflation = _Inflation(self._pool) if stated.encoding == "gzip" else None
        body = _Body(self, inflation, look, asyncio.get_running_loop().time())
        self._arriving.add(body)
        try:
            await self._fill(body, receive)
        except BaseException:
            self.release(body.size)
            raise
        finally:
            self._arriving.discard(body)
        return body.whole()

    def release(self, size: int) -> None:
        """Return the bytes of a body to the budget."""
        self.held -= size

    def take(self, body: _Body, part: bytes) -> None:
        """Add `part` to `body`, within the bounds of one body and of all."""
        if body.size + len(part) > self.limit:
            raise self.too_large(f"more than {self.limit} bytes")
        while self.held + len(part) > self._budget:
            self._make_room()
        if body.given_up:
            raise _overloaded()
        self.held += len(part)
        body.append(part)

    def _make_room(self) -> None:
        """Give up the body that has held most for longest; raises a 503 when none is arriving."""
        now = asyncio.get_running_loop().time()
        most = max(self._arriving, key=lambda body: body.size * (now - body.since), default=None)
        if most is None or not most.size:
            raise _overloaded()
        self.held -= most.size
        most.give_up()

    async def _fill(self, body: _Body, receive: Receive) -> None:
        loop = asyncio.get_running_loop()
        ends = body.since + WHOLE_SECONDS
        more = True
        while more:
            try:
                async with asyncio.timeout_at(min(ends, loop.time() + IDLE_SECONDS)) as waiting:
                    body.waiting = waiting
                    message = await receive()
            except TimeoutError:
                if body.given_up:
                    raise _overloaded() from None
                raise Problem(
                    408,
                    "timeout",
                    f"a body must keep coming (every {IDLE_SECONDS:.0f} s) and be whole within "
                    f"{WHOLE_SECONDS:.0f} s",
                    headers={"Connection": "close"},
                ) from None
            finally:
                body.waiting = None
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

    def __init__(
        self, intake: Intake, inflation: _Inflation | None, look: Look | None, since: float
    ) -> None:
        self.size = 0
        self.since = since
        self.waiting: asyncio.Timeout | None = None
        self.given_up = False
        # Parts in a list would be there twice while they are joined.
        self._bytes = BytesIO()
        self._deflated = 0
        self._intake = intake
        self._inflation = inflation
        self._look = look

    async def add(self, part: bytes, *, last: bool) -> None:
        if self._inflation is None:
            if part:
                self._intake.take(self, part)
                if not last:
                    await self._be_looked_at()
            return
        self._deflated += len(part)
        if self._deflated > self._intake.limit:  # deflate can be long and inflate to nothing
            raise self._intake.too_large(f"more than {self._intake.limit} bytes of gzip")
        self._inflation.feed(part)
        step = _STEP if self._look is None else FIRST_BYTES
        while inflated := await self._inflation.step(step):
            self._intake.take(self, inflated)
            if len(inflated) == step or not last:
                await self._be_looked_at()
            step = _STEP
        if last:
            self._inflation.finish()

    def append(self, part: bytes) -> None:
        self._bytes.write(part)
        self.size += len(part)

    def give_up(self) -> None:
        """Forget what has arrived, and end the wait for more."""
        self.given_up = True
        self.size = 0
        self._bytes = BytesIO()
        if self.waiting is not None:
            self.waiting.reschedule(0)

    def whole(self) -> bytes:
        return self._bytes.getvalue()

    async def _be_looked_at(self) -> None:
        if self._look is not None and await self._look(
            bytes(self._bytes.getbuffer()[:FIRST_BYTES])
        ):
            self._look = None


class _Inflation:
    """Exactly one gzip member (RFC 1952), inflated off the loop at most 1 MiB at a time."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self._pending = b""

    def feed(self, part: bytes) -> None:
        self._pending += part

    async def step(self, most: int) -> bytes:
        """Return the next bytes, at most so many, or none when more input is needed."""
        if not self._pending:
            return b""
        if self._inflate.eof:
            raise _bad_gzip("bytes follow the end of the gzip member")
        loop = asyncio.get_running_loop()
        try:
            inflated = await loop.run_in_executor(
                self._pool, self._inflate.decompress, self._pending, most
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


def _overloaded() -> Problem:
    return not_now("overloaded", "too many bytes of other submissions are under way")


def _bad_gzip(detail: str) -> Problem:
    return Problem(400, "content-encoding", f"not one whole gzip member: {detail}")
