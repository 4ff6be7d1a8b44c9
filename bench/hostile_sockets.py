"""Hostile clients: raw sockets that send what they like and read what they like."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import httptools

from bench.figures import family

_READ_ALL: Final = 1024  # a client that reads more at a time than this reads as fast as it can
_AT_ONCE: Final = 256 * 1024  # bytes: a crowd that copied its bodies would fill the memory itself
_PAUSE: Final = 0.1  # seconds between two reads of a slow one
_LOOK: Final = 0.02  # seconds between two looks at the server's memory


def memory_of(pid: int) -> int:
    """Return the bytes that a process and its children have in memory (Linux)."""
    pages = 0
    for each in family(pid):
        with suppress(OSError, IndexError):
            pages += int(Path(f"/proc/{each}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Crowd:
    """So many clients that send `requests` to 127.0.0.1, and read `reads` bytes at a time."""

    def __init__(self, port: int, requests: Iterator[bytes], clients: int, reads: int) -> None:
        self._port = port
        self._requests = requests
        self._clients = clients
        self._reads = reads
        self.sent = 0
        self.statuses: Counter[int] = Counter()

    @property
    def answered(self) -> int:
        """How many answers came whole."""
        return self.statuses.total()

    def attack(self, seconds: float, memory: Callable[[], int]) -> int:
        """Attack for so long; return the most memory that `memory` told meanwhile."""
        return asyncio.run(self._attack(seconds, memory))

    async def _attack(self, seconds: float, memory: Callable[[], int]) -> int:
        clients = [asyncio.create_task(self._client()) for _ in range(self._clients)]
        most, ends = 0, time.perf_counter() + seconds
        while time.perf_counter() < ends:
            await asyncio.sleep(_LOOK)
            most = max(most, memory())
        for each in clients:
            each.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        return most

    async def _client(self) -> None:
        """Connect again and again: the server may end what it does not like."""
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    await self._converse(reader, writer)
                finally:
                    writer.transport.abort()
            await asyncio.sleep(0.01)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = next(self._requests)
            self.sent += 1
            answer = asyncio.create_task(self._answer(reader, bodiless=request[:5] == b"HEAD "))
            try:
                for start in range(0, len(request), _AT_ONCE):
                    writer.write(request[start : start + _AT_ONCE])
                    await writer.drain()
                    if answer.done():
                        return  # it was answered unread, and nothing can follow on this connection
            except OSError:
                await answer  # what was sent before the server closed
                raise
            if not await answer:
                return

    async def _answer(self, reader: asyncio.StreamReader, *, bodiless: bool) -> bool:
        """Read one answer, and return whether another request may follow."""
        if not self._reads:
            await asyncio.Event().wait()
        answer = _Answer(bodiless=bodiless)
        while not answer.whole:
            data = await reader.read(self._reads)
            if not data:
                return False
            answer.feed(data)
            if self._reads <= _READ_ALL:
                await asyncio.sleep(_PAUSE)
        self.statuses[answer.status] += 1
        return answer.goes_on


class _Answer:
    """One answer, as far as it has come."""

    def __init__(self, *, bodiless: bool) -> None:
        self.whole = False
        self.goes_on = True
        self._bodiless = bodiless
        self.status = 0
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        """End with the head, if no body follows."""
        if self._bodiless:
            self.on_message_complete()

    def on_message_complete(self) -> None:
        """End with the answer."""
        self.whole = True
        self.status = self._parser.get_status_code()
        self.goes_on = self._parser.should_keep_alive()
