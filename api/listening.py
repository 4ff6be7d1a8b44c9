"""Where does the server listen, and how does it stop without refusing a client that got through?

A client's connection stands once the kernel has agreed to it, before the server accepts it.
Closing the listener resets those that wait, with the requests that they carry. So the kernel is
first told to drop connections that begin, which their clients retry and then see refused; those
that stand already are accepted meanwhile.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import socket
import struct
from contextlib import AbstractContextManager, ExitStack
from typing import Final

from testamur.errors import Unavailable

BACKLOG: Final = 2048
"""Connections that wait to be accepted."""
# uvloop accepts one connection per loop turn and listening descriptor, and a busy turn takes tens
# of milliseconds. Under load new connections would starve, so the descriptor is duplicated.
_DESCRIPTORS: Final = 16

# `struct tcp_info` of linux/tcp.h: of a listener this counts the connections that wait.
_UNACKED: Final = struct.Struct("=24xI")
# asm-generic/socket.h and linux/filter.h; Python names none of them.
_SO_ATTACH_FILTER: Final = 26
_INSTRUCTION: Final = struct.Struct("=HBBI")
_PROGRAM: Final = struct.Struct("HP")
# What the filter is given begins with the TCP header (RFC 9293 section 3.1). It drops a segment
# with SYN and without ACK, and keeps all others: the ends of handshakes that were answered before.
_DROP_NEW: Final = b"".join(
    _INSTRUCTION.pack(*each)
    for each in (
        (0x30, 0, 0, 13),  # load the byte of the flags
        (0x54, 0, 0, 0x12),  # of these SYN and ACK
        (0x15, 0, 1, 0x02),  # SYN alone?
        (0x06, 0, 0, 0),  # drop
        (0x06, 0, 0, 0xFFFFFFFF),  # keep
    )
)

_log: Final = logging.getLogger(__name__)


class Listener(AbstractContextManager["Listener"]):
    """A listening socket on `host` and `port`, and duplicates of its descriptor.

    Raises `Unavailable` if nothing can listen there.
    """

    def __init__(self, host: str, port: int) -> None:
        self._stack = ExitStack()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            first = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError as error:
            raise Unavailable(f"cannot listen on {host} port {port}: {error.strerror}") from error
        self._first = self._stack.enter_context(first)
        self.sockets = [self._stack.enter_context(first.dup()) for _ in range(_DESCRIPTORS)]

    def __exit__(self, *_: object) -> None:
        """Close all of them."""
        self._stack.close()

    @property
    def waiting(self) -> int:
        """How many connections stand and are not accepted yet. Only Linux can tell; else none."""
        if not hasattr(socket, "TCP_INFO"):
            return 0
        told = self._first.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UNACKED.size)
        return int(_UNACKED.unpack(told)[0])

    def close(self) -> None:
        """Listen no more, once the duplicates are closed: they are those of the event loop."""
        self._first.close()

    def drop_new(self) -> None:
        """Begin no more connections; go on to accept those that stand. Only Linux can do that."""
        program = ctypes.create_string_buffer(_DROP_NEW, len(_DROP_NEW))
        length = len(_DROP_NEW) // _INSTRUCTION.size
        packed = _PROGRAM.pack(length, ctypes.addressof(program))
        try:
            self._first.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, packed)
        except OSError as error:
            _log.warning(
                "new connections are not dropped before the end (%s): some may be reset",
                errno.errorcode.get(error.errno or 0, error.errno),
            )
