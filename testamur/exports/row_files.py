"""Files of rows: NDJSON, CSV and Parquet.

NDJSON keeps each event as it is on the log; CSV and Parquet have the columns of `rows.py`. What
is written is what is given: `whole_log.py` verifies it first.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import IO, Any, Final, Protocol

import msgspec

from testamur.catalogue.events import wire_name
from testamur.catalogue.submission import format_time
from testamur.errors import Unavailable
from testamur.exports.columns import described
from testamur.exports.dictionary import Form
from testamur.exports.rows import COLUMNS, Kind, Row, cells
from testamur.formulas import UTF8_MARK, inert, inert_json
from testamur.tlog.checkpoint import Checkpoint


class Writer(Protocol):
    """Writes rows into a file, which is complete once `finish` has returned.

    `close` must be called while the file is open, whatever happened before.
    """

    def write(self, batch: Sequence[Row]) -> None:
        """Add rows."""
        ...

    def finish(self, checkpoint: Checkpoint, dictionary: bytes) -> None:
        """Write what the form wants at its end.

        `checkpoint` covers all rows written, and `dictionary` describes them (`dictionary.py`).
        """
        ...

    def close(self) -> None:
        """Release the file."""
        ...


class NdjsonWriter:
    """A JSON object a line; `event` is the very text on the log."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._encoder = msgspec.json.Encoder()

    def write(self, batch: Sequence[Row]) -> None:
        """Add rows."""
        self._file.write(self._encoder.encode_lines(map(_object, batch)))

    def finish(self, checkpoint: Checkpoint, dictionary: bytes) -> None:
        """Add nothing: who reads lines expects rows."""

    def close(self) -> None:
        """Hold nothing."""


class CsvWriter:
    """RFC 4180 in UTF-8 after a byte order mark, lines ended by LF.

    Bytes are in base64, flags are parted by spaces, truths are `true` or `false`. A text that a
    spreadsheet would take for a formula has an apostrophe before it (`formulas.py`).
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._file.write(UTF8_MARK.encode())
        self._add([COLUMNS])

    def write(self, batch: Sequence[Row]) -> None:
        """Add rows."""
        self._add(map(_texts, batch))

    def finish(self, checkpoint: Checkpoint, dictionary: bytes) -> None:
        """Add nothing: who reads lines expects rows."""

    def close(self) -> None:
        """Hold nothing."""

    def _add(self, lines: Iterable[Iterable[Any]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        self._file.write(text.getvalue().encode())


class ParquetWriter:
    """Typed columns, compressed; the checkpoint and what each column means are in the file too."""

    def __init__(self, file: IO[bytes]) -> None:
        # An extra: a hundred megabytes that only this one form needs.
        try:
            import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415
            from pyarrow import parquet  # noqa: PLC0415
        except ImportError as error:
            raise Unavailable(
                "writing Parquet takes pyarrow: pip install 'testamur[parquet]'"
            ) from error
        types: dict[Kind, Any] = {
            "bytes": pa.binary(),
            "date": pa.date32(),
            "integer": pa.int64(),
            "json": pa.string(),
            "list": pa.list_(pa.string()),
            "text": pa.string(),
            "time": pa.timestamp("ms", tz="UTC"),
            "truth": pa.bool_(),
        }
        self._pa = pa
        self._schema = pa.schema(
            pa.field(name, types[kind], metadata={"description": described(name)})
            for name, kind in COLUMNS.items()
        )
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")

    def write(self, batch: Sequence[Row]) -> None:
        """Add rows, as one row group."""
        columns = zip(*map(cells, batch), strict=True)
        arrays = [
            self._pa.array(column, field.type)
            for column, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(self._pa.Table.from_arrays(arrays, schema=self._schema))

    def finish(self, checkpoint: Checkpoint, dictionary: bytes) -> None:
        """Add the log's name, size and root, and the dictionary."""
        self._writer.add_key_value_metadata(
            {
                "testamur.log": checkpoint.origin,
                "testamur.size": str(checkpoint.size),
                "testamur.root": base64.b64encode(checkpoint.root).decode(),
                "testamur.dictionary": dictionary.decode(),
            }
        )

    def close(self) -> None:
        """Add the footer."""
        # Else pyarrow writes the footer when the writer is collected, into a closed file.
        self._writer.close()


WRITERS: Final[dict[Form, Callable[[IO[bytes]], Writer]]] = {
    "ndjson": NdjsonWriter,
    "csv": CsvWriter,
    "parquet": ParquetWriter,
}


def _object(row: Row) -> dict[str, Any]:
    return {
        "position": row.position,
        "submission": row.submission,
        "recordedAt": _time(row.recorded_at),
        "issuer": row.issuer,
        "kid": row.kid,
        "counts": row.counts,
        "flags": row.flags,
        "type": wire_name(row.event),
        "event": msgspec.Raw(row.line),
    }


def _texts(row: Row) -> list[Any]:
    """Return the cells of a row as texts, or as values that `csv` writes as the right text."""
    found = cells(row)
    for at, as_text in _AS_TEXT:
        if found[at] is not None:
            found[at] = as_text(found[at])
    return found


# The events of a submission, up to a hundred thousand, share one time.
_time: Final = lru_cache(maxsize=1)(format_time)

_TEXTS: Final[dict[Kind, Callable[[Any], str]]] = {
    # Base64 too begins with a plus sign now and then.
    "bytes": lambda data: inert(base64.b64encode(data).decode()),
    "json": inert_json,
    "list": lambda items: inert(" ".join(items)),
    "text": inert,
    "time": _time,
    "truth": lambda true: "true" if true else "false",
}
_AS_TEXT: Final = [(at, _TEXTS[kind]) for at, kind in enumerate(COLUMNS.values()) if kind in _TEXTS]
