"""An export holds every event of a log that was verified whole, or there is no export."""

from __future__ import annotations

import base64
import csv
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from msgspec import inspect

from testamur.catalogue import events as e
from testamur.catalogue.lines import encode_event
from testamur.catalogue.submission import parse_submission_entry
from testamur.errors import Unavailable
from testamur.exports.dictionary import Form
from testamur.exports.row_files import WRITERS
from testamur.exports.rows import COLUMNS, Row, cells
from testamur.exports.taking import take
from testamur.exports.whole_log import export
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.log_keys import UnknownLogKey
from testamur.verification.replay import BadEntry
from tests.harness.any_event import any_event
from tests.harness.published_log import PublishedLog, opened_log
from tests.harness.story import Story


@pytest.fixture
def log(tmp_path: Path) -> PublishedLog:
    """Return a log of many kinds of events, some of them flagged."""
    found, story = opened_log(tmp_path / "log", 300)
    issued = story.issued(accredited=False)
    revoked = e.CredentialRevoked(
        credential=issued.credential, reason="issuedInError", effective_at=date(2026, 11, 1)
    )
    found.append(story.submission(story.provider, issued, revoked))
    found.publish()
    return found


def exported(log: PublishedLog, form: Form) -> bytes:
    path = log.root.parent / f"out.{form}"
    export(take(log.source(), log.key), path, form)
    return path.read_bytes()


def table(data: bytes) -> list[dict[str, str]]:
    """Return the rows of an exported CSV, which begins with a byte order mark."""
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def event_entries(log: PublishedLog) -> list[tuple[int, int, bytes]]:
    """Return (position, position of the header, entry) of every event, read another way."""
    found, at = [], 0
    while at < log.size:
        count = parse_submission_entry(log.entries[at])[1].payload.events
        found += [(at + i, at, log.entries[at + i]) for i in range(1, count + 1)]
        at += 1 + count
    return found


def test_ndjson_keeps_every_event_byte_for_byte(log: PublishedLog) -> None:
    lines = exported(log, "ndjson").splitlines()
    expected = event_entries(log)
    assert len(lines) == len(expected) == 308
    for line, (position, header, entry) in zip(lines, expected, strict=True):
        row = json.loads(line)
        assert (row["position"], row["submission"]) == (position, header)
        assert line.endswith(b'"event":' + entry + b"}")
        assert row["type"] == row["event"]["type"]
        assert row["recordedAt"] == "2026-11-21T10:00:00.000Z"
        assert row["kid"].startswith(row["issuer"] + "#")


def test_flags_are_told(log: PublishedLog) -> None:
    rows = [json.loads(line) for line in exported(log, "ndjson").splitlines()]
    assert [row["flags"] for row in rows if row["flags"]] == [["no-accreditation-claimed"]]


def test_csv_has_a_column_for_every_member(log: PublishedLog) -> None:
    text = exported(log, "csv").decode()
    assert "\r" not in text
    assert text.startswith("\ufeffposition,")
    header, *lines = csv.reader(io.StringIO(text[1:]))
    assert header == list(COLUMNS)
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    assert len(rows) == 308
    last, first = rows[-1], rows[0]
    assert last["type"] == "credential.revoked/1"
    assert (last["reason"], last["effectiveAt"]) == ("issuedInError", "2026-11-01")
    assert last["commitment"] == ""
    assert rows[-2]["flags"] == "no-accreditation-claimed"
    assert len(base64.b64decode(rows[-2]["commitment"], validate=True)) == 32
    assert json.loads(first["authorities"])[0]["country"] == "NL"


def test_parquet_has_typed_columns_and_names_its_checkpoint(log: PublishedLog) -> None:
    exported(log, "parquet")
    file = pq.ParquetFile(log.root.parent / "out.parquet")
    assert file.metadata.metadata[b"testamur.size"] == str(log.size).encode()
    rows = file.read().to_pylist()
    assert [row["position"] for row in rows] == [at for at, _, _ in event_entries(log)]
    last = rows[-2]
    assert last["flags"] == ["no-accreditation-claimed"]
    assert last["recordedAt"] == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert last["validUntil"] == date(2031, 11, 20)
    assert len(last["commitment"]) == 32
    assert last["achievementVersion"] == 1
    assert last["reason"] is None


@pytest.mark.slow
@given(any_event())
def test_every_member_of_every_event_is_in_its_own_cell(event: e.Event) -> None:
    line = encode_event(event)
    row = Row(7, 5, 0, "did:key:z", "did:key:z#z", True, (), event, line)
    found = {
        name: value for name, value in zip(COLUMNS, cells(row), strict=True) if value is not None
    }
    members = json.loads(line)
    head = {"position", "submission", "recordedAt", "issuer", "kid", "counts", "flags"}
    assert found.keys() - head == members.keys()
    assert {name: _as_json(found[name], COLUMNS[name]) for name in members} == members


def _as_json(value: Any, kind: str) -> Any:
    match kind:
        case "bytes":
            return base64.b64encode(value).decode()
        case "date":
            return value.isoformat()
        case "json":
            return json.loads(value)
        case _:
            return value


def test_no_member_is_named_like_a_column_of_every_row() -> None:
    head = {"position", "submission", "recordedAt", "issuer", "kid", "counts", "flags", "type"}
    for event in e.EVENTS.values():
        struct = inspect.type_info(event)
        assert isinstance(struct, inspect.StructType)
        assert not head & {field.encode_name for field in struct.fields}


# --- What counts ---


class Robbed(NamedTuple):
    """A log on which a thief issued, the checkpoint before that was declared, and what counts."""

    log: PublishedLog
    earlier: Checkpoint
    due: list[bool]


@pytest.fixture
def robbed(tmp_path: Path) -> Robbed:
    log, story = opened_log(tmp_path / "log", 2)
    before = len(event_entries(log))
    theft = log.append(story.cohort(2))
    own = log.append(story.cohort(1))
    earlier = log.publish()
    stolen = story.key_compromised(story.provider, since=theft, kept=((own, own),))
    log.append(story.submission(story.provider.recovery, stolen))
    log.publish()
    return Robbed(log, earlier, [True] * before + [False, False, True, True])


@pytest.mark.parametrize("form", WRITERS)
def test_every_row_says_whether_it_counts_as_of_the_size(robbed: Robbed, form: Form) -> None:
    data = exported(robbed.log, form)
    match form:
        case "ndjson":
            counts = [json.loads(line)["counts"] for line in data.splitlines()]
        case "csv":
            counts = [{"true": True, "false": False}[row["counts"]] for row in table(data)]
        case "parquet":
            counts = pq.read_table(robbed.log.root.parent / "out.parquet")["counts"].to_pylist()
    assert counts == robbed.due


def test_as_of_an_earlier_checkpoint_a_later_declaration_is_not_heard(
    robbed: Robbed, tmp_path: Path
) -> None:
    log, out = robbed.log, tmp_path / "out.csv"
    export(take(log.source(), log.key, size=robbed.earlier.size), out, "csv")
    assert [row["counts"] for row in table(out.read_bytes())] == ["true"] * (len(robbed.due) - 1)


# --- All or nothing ---


@pytest.mark.parametrize("form", WRITERS)
def test_a_damaged_log_leaves_no_file_behind(log: PublishedLog, form: Form) -> None:
    entry = log.entries[-1].replace(b"issuedInError", b"administrative")
    log.republish([*log.entries[:-1], entry])
    with pytest.raises(BadEntry, match="root"):
        exported(log, form)
    assert files(log) == ["log"]


def test_a_log_under_another_key_leaves_no_file_behind(log: PublishedLog, tmp_path: Path) -> None:
    other = PublishedLog(tmp_path / "other", Story(name="another"))
    with pytest.raises(UnknownLogKey):
        export(take(log.source(), other.key), tmp_path / "out.csv", "csv")
    assert not (tmp_path / "out.csv").exists()


def test_a_log_that_goes_away_leaves_no_file_behind(log: PublishedLog) -> None:
    (partial,) = log.root.glob(f"tile/entries/001.p/{log.size - 256}")
    partial.unlink()
    with pytest.raises((BadEntry, Unavailable)):
        exported(log, "ndjson")
    assert files(log) == ["log"]


def test_an_interrupted_export_leaves_no_file_behind(log: PublishedLog, tmp_path: Path) -> None:
    def interrupted(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(take(log.source(), log.key), tmp_path / "out.csv", "csv", progress=interrupted)
    assert files(log) == ["log"]


def test_a_file_that_is_there_is_not_touched(log: PublishedLog, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("precious")
    with pytest.raises(Unavailable, match="exists already"):
        exported(log, "csv")
    assert (tmp_path / "out.csv").read_text() == "precious"


def test_a_folder_that_is_not_there_is_said_to_be_missing(log: PublishedLog) -> None:
    with pytest.raises(Unavailable, match="No such file or directory"):
        export(take(log.source(), log.key), log.root / "no/out.csv", "csv")


def test_parquet_without_its_library_says_what_to_install(log: PublishedLog) -> None:
    program = """
import sys
sys.modules["pyarrow"] = None
from pathlib import Path
from testamur.errors import Unavailable
from testamur.exports.taking import take
from testamur.exports.whole_log import export
from testamur.tlog.note import VerifierKey
from testamur.tlog.source import DirectorySource
try:
    log, key = DirectorySource(Path(sys.argv[1])), VerifierKey.parse(sys.argv[2])
    export(take(log, key), Path(sys.argv[3]), "parquet")
except Unavailable as error:
    print(error)
"""
    arguments = [str(log.root), str(log.key), str(log.root.parent / "out.parquet")]
    done = run([sys.executable, "-c", program, *arguments])
    assert "pip install 'testamur[parquet]'" in done.stdout
    assert files(log) == ["log"]


def files(log: PublishedLog) -> list[str]:
    return sorted(path.name for path in log.root.parent.iterdir())


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)


def test_every_form_has_the_same_rows(log: PublishedLog) -> None:
    ndjson = [json.loads(line)["position"] for line in exported(log, "ndjson").splitlines()]
    positions = [int(row["position"]) for row in table(exported(log, "csv"))]
    exported(log, "parquet")
    parquet = pq.read_table(log.root.parent / "out.parquet")["position"].to_pylist()
    assert ndjson == positions == parquet


def test_columns_are_named_as_on_the_wire() -> None:
    assert {"recordedAt", "validFrom", "achievementVersion"} <= COLUMNS.keys()
    assert {"as", "kept", "recoveryKeys", "since", "until"} <= COLUMNS.keys()
    assert (COLUMNS["key"], COLUMNS["signature"]) == ("text", "bytes")
    assert msgspec.json.encode(list(COLUMNS)).isascii()


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "@SUM(1)", "+1", "-2+3"])
def test_no_name_is_run_by_a_spreadsheet(tmp_path: Path, name: str) -> None:
    log, story = opened_log(tmp_path / "log", 1)
    renamed = e.OrganizationUpdated(country="NL", name=name)
    log.append(story.submission(story.provider, renamed))
    log.publish()
    assert table(exported(log, "csv"))[-1]["name"] == f"'{name}"
    told = [json.loads(line)["event"] for line in exported(log, "ndjson").splitlines()]
    assert told[-1]["name"] == name
