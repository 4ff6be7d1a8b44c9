"""A wire between a client and a PostgreSQL server that can be cut at the moment of COMMIT."""

from __future__ import annotations

import shutil
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Final

_NAME: Final = ".s.PGSQL.5432"
_CHUNK: Final = 1 << 16
_HEAD: Final = 5
_NOTIFICATION: Final = b"A"
_COMMIT: Final = b"; COMMIT\0"  # the end of a query


class Wire:
    """Passes on what clients send to the server whose socket is in `server`, and its answers.

    `cut` says what becomes of the next COMMIT: "before" it reaches the server, the connection is
    cut; "after" the server has answered it, the answer is lost. One that is `deaf` withholds every
    notification, and counts them.
    """

    def __init__(self, server: Path, *, deaf: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="testamur-wire-"))
        self.cut: str | None = None
        self.withheld = 0
        self._deaf = deaf
        self._server = server / _NAME
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / _NAME))
        self._listener.listen()
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()
        shutil.rmtree(self.folder)

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                lost = [False]
                Thread(target=self._send, args=(client, server, lost), daemon=True).start()
                Thread(target=self._answer, args=(server, client, lost), daemon=True).start()

    def _send(self, client: socket.socket, server: socket.socket, lost: list[bool]) -> None:
        with suppress(OSError):
            while sent := client.recv(_CHUNK):
                if _COMMIT in sent and self.cut is not None:
                    when, self.cut = self.cut, None
                    if when == "before":
                        break
                    lost[0] = True
                server.sendall(sent)
        _end(client, server)

    def _answer(self, server: socket.socket, client: socket.socket, lost: list[bool]) -> None:
        begun = b""
        with suppress(OSError):
            while (answer := server.recv(_CHUNK)) and not lost[0]:
                if self._deaf:
                    answer, begun = self._without_notifications(begun + answer)
                client.sendall(answer)
        _end(client, server)

    def _without_notifications(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the other messages, and the beginning of one that is not whole yet.

        A message is its kind, a byte, and its length, four bytes that count themselves.
        """
        kept, start = [], 0
        while len(data) - start >= _HEAD:
            end = start + 1 + int.from_bytes(data[start + 1 : start + _HEAD], "big")
            if end > len(data):
                break
            if data[start : start + 1] == _NOTIFICATION:
                self.withheld += 1
            else:
                kept.append(data[start:end])
            start = end
        return b"".join(kept), data[start:]


def _end(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
