"""Values in PostgreSQL's binary format, packed by hand: a row costs a microsecond, not five.

The format of COPY is in https://www.postgresql.org/docs/15/sql-copy.html; an array is its number
of dimensions, a flag for NULLs, the type of its elements, and for each dimension its size and its
lowest index.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final

from psycopg import adapt, pq

from registry.store import EntryRow

_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no extension
_TRAILER: Final = b"\xff\xff"
_COLUMNS: Final = 6
# Each value after its length: id, stream, version, then the length of the topic.
_ENTRY: Final = struct.Struct("!hiqi16siii")
_LENGTH: Final = struct.Struct("!i")
_ARRAY: Final = struct.Struct("!iiIii")
_UUID: Final = 2950
_UUIDS: Final = 2951
_UUID_BYTES: Final = 16
_BEFORE_UUID: Final = _LENGTH.pack(_UUID_BYTES)


def packed(entries: Iterable[EntryRow]) -> bytes:
    """Return entries as `COPY entries FROM STDIN (FORMAT binary)` reads them."""
    parts = [_SIGNATURE]
    add, entry_of, length = parts.append, _ENTRY.pack, _LENGTH.pack
    for number, stream, version, topic, entry, leaf in entries:
        if len(stream) != _UUID_BYTES:
            raise ValueError(f"a stream id has {len(stream)} bytes, need {_UUID_BYTES}")
        filed = topic.encode()
        add(entry_of(_COLUMNS, 8, number, _UUID_BYTES, stream, 4, version, len(filed)))
        add(filed)
        add(length(len(entry)))
        add(entry)
        add(length(len(leaf)))
        add(leaf)
    add(_TRAILER)
    return b"".join(parts)


class Streams:
    """Stream ids as one value of a statement, of type uuid[]."""

    def __init__(self, streams: Sequence[bytes]) -> None:
        self.streams = streams


class StreamsDumper(adapt.Dumper):
    """Writes `Streams`."""

    format = pq.Format.BINARY
    oid = _UUIDS

    def dump(self, obj: Streams) -> bytes:
        """Return the array in the binary format."""
        head = _ARRAY.pack(1, 0, _UUID, len(obj.streams), 1)
        return b"".join([head, *(_BEFORE_UUID + stream for stream in obj.streams)])


class StreamLoader(adapt.Loader):
    """Reads one stream id, as its 16 bytes."""

    format = pq.Format.BINARY

    def load(self, data: adapt.Buffer) -> bytes:
        """Return the bytes of a uuid."""
        return bytes(data)
