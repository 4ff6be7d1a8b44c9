"""How log records are written: as text for a terminal, or as one line of JSON each for a collector.

What a client sent may stand in a message. Neither form lets it begin a line or move a cursor: JSON
escapes all that is not ASCII, text escapes what cannot be printed, and indents further lines.

A thread of its own writes, so that a reader of standard error that stands still never stops the
event loop. Of more than `MOST` records that wait, further ones are dropped and counted.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import deque
from threading import Condition, Thread
from typing import Any, Final, Literal, TextIO, TypeAlias

LogFormat: TypeAlias = Literal["text", "json"]

FORMAT_VARIABLE: Final = "TESTAMUR_LOG_FORMAT"
"""What a server tells its children the form by."""
MOST: Final = 10_000
_CLOSE_SECONDS: Final = 5.0


class JsonLines(logging.Formatter):
    """One line of JSON for each record: `time` (RFC 3339, UTC), `level`, `logger`, `message`.

    Then the members of its `fields` (`logger.info(..., extra={"fields": {...}})`), and `error`, the
    traceback, if it has one.
    """

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line: dict[str, Any] = {
            "time": f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, separators=(",", ":"), default=str)


class TextLines(logging.Formatter):
    """A line for each record; the lines of a traceback follow, indented."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and perhaps further ones, without the last one's end."""
        lines = super().format(record).splitlines() or [""]
        return "\n    ".join(map(_printable, lines))


class RecordWriter(logging.Handler):
    """Writes to `stream` from a thread of its own; `lost` records were dropped."""

    def __init__(self, stream: TextIO, formatter: logging.Formatter, *, most: int = MOST) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lost = 0
        self._stream = stream
        self._most = most
        self._lines: deque[str] = deque()
        self._changed = Condition()
        self._closing = False
        self._thread = Thread(target=self._write, name="log records", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record; drop it if too many wait."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001  # of a record that cannot be written, as the library does
            self.handleError(record)
            return
        with self._changed:
            if len(self._lines) >= self._most:
                self.lost += 1
                return
            self._lines.append(f"{line}\n")
            self._changed.notify()

    def close(self) -> None:
        """Write what waits, unless nobody reads it; the library calls this at the end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(_CLOSE_SECONDS)
        super().close()

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._closing)
                lines = "".join(self._lines)
                self._lines.clear()
            if not lines:
                return
            try:
                self._stream.write(lines)
                self._stream.flush()
            except (OSError, ValueError):  # standard error is closed: nowhere left to report it
                return


def write_records(form: LogFormat) -> RecordWriter:
    """Write the records of this process to standard error in this form from now on."""
    writer = RecordWriter(sys.stderr, JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.addHandler(writer)
    root.setLevel(logging.INFO)
    return writer


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in line
    )
