"""Answers leave in one write, and a client that goes away in between disturbs nobody."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop
from uvicorn import Config
from uvicorn.server import ServerState

from api.asgi import Receive, Scope, Send
from api.transport import OneWrite

# Closing with this sends a reset: everything under way is lost at once.
RESET = struct.pack("ii", 1, 0)
REQUEST = b"GET / HTTP/1.1\r\nHost: log.example\r\n\r\n"


async def complaints(
    client: socket.socket, meanwhile: Callable[[], Awaitable[None]]
) -> list[dict[str, Any]]:
    """Answer a request of `client` after `meanwhile`, and return what the loop complained about."""
    heard: list[dict[str, Any]] = []
    answered = asyncio.Event()

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await meanwhile()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"whole"})
        answered.set()

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: heard.append(context))
    config = Config(app, log_config=None, lifespan="off")
    config.load()
    state = ServerState()
    server = await loop.create_server(lambda: OneWrite(config, state, {}), "127.0.0.1", 0)
    client.setblocking(False)
    await loop.sock_connect(client, server.sockets[0].getsockname())
    await loop.sock_sendall(client, REQUEST)
    await answered.wait()
    for _ in range(20):  # whatever was put off to a later turn of the loop has its turn
        await asyncio.sleep(0.001)
    server.close()
    return heard


@pytest.mark.parametrize("linger", [None, RESET], ids=["closed", "reset"])
@pytest.mark.parametrize("turns", range(8))
def test_a_client_that_goes_while_its_answer_is_written_disturbs_nobody(
    turns: int, linger: bytes | None
) -> None:
    client = socket.socket()
    if linger is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    async def leave() -> None:
        client.close()
        # The loop hears of it within a few turns; the answer is written in one of them.
        for _ in range(turns):
            await asyncio.sleep(0)

    assert uvloop.run(complaints(client, leave)) == []
