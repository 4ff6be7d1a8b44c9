"""The entries as text: NDJSON to read in stretches, server-sent events to follow.

Both give the published entries, in order, byte for byte, each with its position, and both resume
where the reader left off. The server sends no entry that is not in the signed tree, whatever the
storage holds; but the text proves that to nobody. For proof read the tiles
(`testamur/tlog/reader.py`) or replay the log.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Annotated, Any, Final, cast

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Send

from api.http import openapi
from api.http.endings import check_ending
from api.http.examples import LINE, POSITION
from api.http.problems import Problem, not_now
from api.processes.wakeups import Wakeups
from api.published import Published
from log.proven_files import ProvenFiles
from testamur.errors import Refuted, Unavailable
from testamur.tlog.reader import read_bundle
from testamur.tlog.tiles import WIDTH

_log: Final = logging.getLogger(__name__)

NDJSON: Final = "application/x-ndjson"
EVENT_STREAM: Final = "text/event-stream"
DEFAULT_LIMIT: Final = 1_000
MAX_LIMIT: Final = 100_000
MAX_STREAMS: Final = 256
MAX_DOWNLOADS: Final = 256
_THREADS: Final = 2
# Entries may be 64 KiB each, and a bundle 16 MiB: the rest of it is read again for the next piece.
_PIECE_BYTES: Final = 512 * 1024
HEARTBEAT_SECONDS: Final = 15.0


class LogEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry at its position. `entry` is its text, byte for byte what the leaf hash is over."""

    position: int
    entry: str


class Size(msgspec.Struct, frozen=True, gc=False):
    """A new checkpoint; `root` is in base64."""

    size: int
    root: str


_encode: Final = msgspec.json.Encoder().encode


class Entries:
    """Reads published entries in `files`; `latest` returns the newest published checkpoint.

    `at_least` returns it after it has looked for one of a given size. `make_room` ends a connection
    whose client reads nothing, if there is one.
    """

    def __init__(
        self,
        files: ProvenFiles,
        wakeups: Wakeups,
        latest: Callable[[], Published],
        at_least: Callable[[int], Awaitable[Published]],
        make_room: Callable[[], bool],
    ) -> None:
        self._files = files
        self._wakeups = wakeups
        self._make_room = make_room
        self.latest = latest
        self._at_least = at_least
        self._stopping = asyncio.Event()
        # Threads of its own, so that downloads of the whole log never delay receipts.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="testamur-entries")
        self.streams = 0
        self.downloads = 0

    def stop(self) -> None:
        """End all streams, so that the server can stop."""
        self._stopping.set()

    def close(self) -> None:
        """Stop reading."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def published_from(self, start: int) -> Published:
        """Return the newest checkpoint; raises a `Problem` when `start` lies beyond it."""
        published = await self._at_least(start)
        if start > published.size:
            raise Problem(
                422, "size-ahead", f"the log has {published.size} published entries", value=start
            )
        return published

    async def pieces(
        self, start: int, end: int, size: int, render: Callable[[LogEntry], bytes]
    ) -> AsyncIterator[bytes]:
        """Yield entries `start` to `end` of the published tree of `size` as text, piece by piece.

        Between two pieces nothing is kept but a position, however slow the client is.
        """
        loop = asyncio.get_running_loop()
        while start < end:
            piece, start = await loop.run_in_executor(
                self._threads, self._piece, start, end, size, render
            )
            yield piece

    def _piece(
        self, start: int, end: int, size: int, render: Callable[[LogEntry], bytes]
    ) -> tuple[bytes, int]:
        """Return the text of some entries from `start` on, and where the next piece begins."""
        index, within = divmod(start, WIDTH)
        first = index * WIDTH
        # Up to `size`, not `end`: only the partial bundles of a published checkpoint exist.
        entries = read_bundle(self._files.read, index, min(WIDTH, size - first))
        parts: list[bytes] = []
        length = 0
        for position, entry in enumerate(entries[within : end - first], start):
            parts.append(render(LogEntry(position, entry.decode())))
            length += len(parts[-1])
            if length >= _PIECE_BYTES:
                break
        return b"".join(parts), start + len(parts)

    async def lines(self, start: int, end: int, size: int) -> AsyncGenerator[bytes, None]:
        """Yield the same as NDJSON.

        When too many downloads are open, one whose client reads nothing is ended; raises a 503
        `Problem` when all clients read.
        """
        if self.downloads >= MAX_DOWNLOADS and not self._make_room():
            raise not_now("overloaded", "too many downloads are open", retry_after=5)
        self.downloads += 1
        try:
            async for piece in self.pieces(start, end, size, _line):
                yield piece
        finally:
            self.downloads -= 1

    async def events(self, start: int) -> AsyncGenerator[bytes, None]:
        """Yield server-sent events from `start` on, until the client leaves or the server stops.

        Each entry is an event `entry` whose id is its position; after the entries of each
        checkpoint comes an event `checkpoint`. Comments keep idle connections open.
        """
        if self.streams >= MAX_STREAMS:
            raise not_now("overloaded", "too many streams are open", retry_after=30)
        self.streams += 1
        try:
            yield b"retry: 2000\n\n"
            while not self._stopping.is_set():
                published = self.latest()
                async for piece in self.pieces(start, published.size, published.size, _event):
                    yield piece
                if start < published.size:
                    start = published.size
                    yield _checkpoint_event(published)
                async for beat in self._until(start + 1):
                    yield beat
        finally:
            self.streams -= 1

    async def _until(self, size: int) -> AsyncIterator[bytes]:
        """Yield comments until a checkpoint of `size` is published or the server stops."""
        grown = asyncio.ensure_future(self._wakeups.until(size))
        stopped = asyncio.ensure_future(self._stopping.wait())
        try:
            while True:
                done, _ = await asyncio.wait(
                    (grown, stopped),
                    timeout=HEARTBEAT_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if done:
                    return
                yield b":\n\n"
        finally:
            grown.cancel()
            stopped.cancel()


def _line(entry: LogEntry) -> bytes:
    return _encode(entry) + b"\n"


def _event(entry: LogEntry) -> bytes:
    # JSON text holds no bare line break, so one data line is enough.
    return b"id: %d\nevent: entry\ndata: %b\n\n" % (entry.position, _encode(entry))


def _checkpoint_event(published: Published) -> bytes:
    root = base64.b64encode(published.checkpoint.root).decode()
    return b"event: checkpoint\ndata: %b\n\n" % _encode(Size(published.size, root))


def resumed_at(start: int, last_event_id: str | None) -> int:
    """Return where a stream resumes: after the event that the client names as the last it saw."""
    if last_event_id is None:
        return start
    if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > 18:
        raise Problem(422, "parameter", "Last-Event-ID is a position", value=last_event_id)
    return int(last_event_id) + 1


async def started(parts: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Return the same parts with the first one made, so that a failure of it gets an answer."""
    try:
        first = await anext(parts)
    except StopAsyncIteration:
        first = b""

    async def all_parts() -> AsyncGenerator[bytes, None]:
        async with aclosing(parts):
            yield first
            async for part in parts:
                yield part

    return all_parts()


class Parts(StreamingResponse):
    """An answer in parts that ends its source when its client leaves, wherever it is by then.

    A client may leave while a part is being sent. The source is then not under way, so nothing
    but the garbage collector would end it, and its place would be taken until then.
    """

    def __init__(self, parts: AsyncGenerator[bytes, None], **options: Any) -> None:
        """Take the parts, and what `StreamingResponse` takes besides."""
        super().__init__(parts, **options)
        self._parts = parts

    async def stream_response(self, send: Send) -> None:
        """Send the parts. An answer ends without its end when one of them cannot be made."""
        async with aclosing(self._parts):
            try:
                await super().stream_response(send)
            except (Refuted, Unavailable) as error:
                _log.error("an answer was broken off: %s", error)


async def _entries(request: Request) -> Entries:
    check_ending(request.scope)  # lines and events have no other form
    return cast("Entries", request.app.state.reading)


Reading = Annotated[Entries, Depends(_entries)]
routes: Final = APIRouter(tags=["entries"])
EXAMPLE: Final = LogEntry(POSITION, LINE)
_AN_ENTRY: Final = f"{_encode(EXAMPLE).decode()}\n"
Start = Annotated[
    int,
    Query(
        ge=0,
        le=2**53 - 1,
        description="The position of the first entry.",
        examples=[POSITION],
    ),
]
_BEYOND: Final = openapi.problems(
    p406="The address ends in `.json` or `.csv`: there is no such form.",
    p422="A parameter is wrong, or lies beyond what is published.",
    p503="Too many downloads or streams are open, or a stored file is not what was signed.",
)


@routes.get(
    "/entries",
    summary="Published entries as NDJSON, from a position on.",
    description="Byte for byte as they are on the log, for scripts. They prove nothing: for proof "
    'read the tiles, or replay the log. `Link: rel="next"` leads on.',
    response_class=Response,
    responses={
        200: openapi.text(NDJSON, "One object a line: position, and entry as text.", _AN_ENTRY)
        | {"headers": openapi.SIZE_HEADER | openapi.NEXT_HEADER},
        **_BEYOND,
    },
)
async def some_entries(
    reading: Reading,
    start: Start = 0,
    limit: Annotated[
        int, Query(ge=1, le=MAX_LIMIT, description="Entries, at most.", examples=[DEFAULT_LIMIT])
    ] = DEFAULT_LIMIT,
) -> Response:
    published = await reading.published_from(start)
    end = min(start + limit, published.size)
    headers = {"Testamur-Size": str(published.size), "Cache-Control": "no-cache"}
    if end < published.size:
        headers["Link"] = f'</entries?start={end}&limit={limit}>; rel="next"'
    lines = await started(reading.lines(start, end, published.size))
    return Parts(lines, media_type=NDJSON, headers=headers)


@routes.get(
    "/stream",
    summary="Published entries as server-sent events, as they are published.",
    description="An endless answer. A client that was cut off resumes after the event whose id it "
    "sends as `Last-Event-ID`.",
    response_class=Response,
    responses={
        200: openapi.text(
            EVENT_STREAM,
            "Events `entry` (id: its position) and `checkpoint`.",
            f"id: {EXAMPLE.position}\nevent: entry\ndata: {_AN_ENTRY}\n",
        ),
        **_BEYOND,
    },
)
async def stream(
    reading: Reading,
    start: Start = 0,
    last_event_id: Annotated[
        str | None,
        Header(
            description="The id of the last event that the client has; browsers send it.",
            examples=[str(POSITION)],
        ),
    ] = None,
) -> Response:
    first = resumed_at(start, last_event_id)
    await reading.published_from(first)
    events = await started(reading.events(first))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Parts(events, media_type=EVENT_STREAM, headers=headers)
