"""Log records: one line each, whatever clients sent, and never in the way of the server."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.operations.records import JsonLines, RecordWriter, TextLines
from tests.harness.waiting import until

HOSTILE = 'a\n2026-01-01 INFO forged\r\x1b[2J\x9b\u2028\u202e"},{"level":"x'


def record(message: str, *arguments: object, **fields: object) -> logging.LogRecord:
    """Return a record with these fields."""
    made = logging.LogRecord("api.x", logging.INFO, "", 0, message, arguments, None)
    if fields:
        made.fields = fields
    return made


def test_a_record_is_one_line_of_json() -> None:
    line = json.loads(JsonLines().format(record("%d entries", 3, size=9, root="00ff")))
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "api.x",
        "message": "3 entries",
        "size": 9,
        "root": "00ff",
    }


@pytest.mark.parametrize("formatter", [JsonLines(), TextLines()], ids=["json", "text"])
def test_what_a_client_sent_begins_no_line_and_moves_no_cursor(
    formatter: logging.Formatter,
) -> None:
    lines = formatter.format(record("refused: %s", HOSTILE, value=HOSTILE)).split("\n")
    assert all(line.isprintable() for line in lines)
    assert all(line.startswith("    ") for line in lines[1:])
    if isinstance(formatter, JsonLines):
        assert json.loads(lines[0])["value"] == HOSTILE
        assert len(lines) == 1


@given(st.text())
def test_any_text_stays_within_its_record(text: str) -> None:
    (line,) = JsonLines().format(record("%s", text)).splitlines()
    assert json.loads(line)["message"] == text
    assert all(
        each.startswith("    ") for each in TextLines().format(record("%s", text)).split("\n")[1:]
    )


def test_a_traceback_is_a_member_of_its_record() -> None:
    made = record("failed")
    try:
        int(HOSTILE)
    except ValueError:
        made.exc_info = sys.exc_info()
    line = json.loads(JsonLines().format(made))
    assert line["error"].startswith("Traceback")
    assert "forged" in line["error"]
    assert all(each.startswith("    ") for each in TextLines().format(made).split("\n")[1:])


@contextmanager
def written(writer: RecordWriter) -> Iterator[RecordWriter]:
    with closing(writer):
        yield writer


def test_records_come_out_in_order_and_all_of_them_at_the_end() -> None:
    stream = StringIO()
    with written(RecordWriter(stream, TextLines())) as writer:
        for number in range(500):
            writer.handle(record("number %d", number))
    numbers = [int(line.rsplit(" ", 1)[1]) for line in stream.getvalue().splitlines()]
    assert numbers == list(range(500))
    assert writer.lost == 0


def test_a_reader_that_stands_still_stops_nobody() -> None:
    """A pipe that nobody reads takes 64 KiB; what waits beyond that is bounded, and counted."""
    readable, writable = os.pipe()
    with (
        open(readable, "rb", buffering=0) as reader,  # noqa: PTH123
        open(writable, "w", buffering=1) as stream,  # noqa: PTH123
        written(RecordWriter(stream, TextLines(), most=100)) as writer,
    ):
        for number in range(5_000):
            writer.handle(record("%d %s", number, "x" * 500))
        assert writer.lost >= 4_000
        got = bytearray()

        def caught_up() -> bool:
            got.extend(reader.read(65_536))
            return not writer._lines

        until(caught_up)
        before = writer.lost
        writer.handle(record("goes on"))

        def went_on() -> bool:
            got.extend(reader.read(65_536))
            return b"goes on" in got

        until(went_on)
        assert writer.lost == before


def test_a_closed_stream_raises_nowhere() -> None:
    stream = StringIO()
    with written(RecordWriter(stream, TextLines())) as writer:
        stream.close()
        writer.handle(record("to nobody"))
