"""Each export carries a dictionary that describes all that is in it, generated from the code."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from testamur.catalogue.events import EVENTS
from testamur.catalogue.meanings import MEANINGS
from testamur.errors import Unavailable
from testamur.exports.columns import described, fields
from testamur.exports.dictionary import ENDING, Form
from testamur.exports.row_files import WRITERS
from testamur.exports.rows import COLUMNS
from testamur.exports.taking import take
from testamur.exports.whole_log import export
from testamur.formulas import inert, inert_json
from testamur.rules import Flag
from tests.harness.published_log import PublishedLog, opened_log


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> PublishedLog:
    return opened_log(tmp_path_factory.mktemp("log"), 5)[0]


def exported(log: PublishedLog, folder: Path, form: Form) -> dict[str, Any]:
    out = folder / f"out.{form}"
    export(take(log.source(), log.key), out, form)
    found: dict[str, Any] = json.loads((folder / f"out.{form}{ENDING}").read_bytes())
    return found


def test_every_column_is_described_and_nothing_else() -> None:
    assert [name for name in COLUMNS if not described(name)] == []
    assert MEANINGS.keys() - COLUMNS.keys() == set()


@pytest.mark.parametrize("form", WRITERS)
def test_the_dictionary_names_the_log_its_size_and_its_root(
    log: PublishedLog, tmp_path: Path, form: Form
) -> None:
    found = exported(log, tmp_path, form)
    checkpoint = log.reader().checkpoint()
    assert (found["log"], found["size"]) == (log.key.name, log.size)
    assert found["root"] == checkpoint.root.hex()
    assert found["checkpoint"].encode() == log.reader().signed_checkpoint()
    (resource,) = found["resources"]
    assert (resource["path"], resource["format"]) == (f"out.{form}", form)
    assert [each["type"] for each in found["events"]] == list(EVENTS)
    members = {one["name"]: one for each in found["events"] for one in each["members"]}
    assert set(members) == MEANINGS.keys()
    assert "issuedInError" in members["reason"]["constraints"]["enum"]
    assert [each["code"] for each in found["flags"]] == list(Flag)


@pytest.mark.parametrize("form", WRITERS)
def test_the_dictionary_has_the_columns_of_the_file(
    log: PublishedLog, tmp_path: Path, form: Form
) -> None:
    (resource,) = exported(log, tmp_path, form)["resources"]
    names = [each["name"] for each in resource["schema"]["fields"]]
    match form:
        case "csv":
            with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
                assert next(csv.reader(file)) == names
        case "ndjson":
            assert list(json.loads((tmp_path / "out.ndjson").read_text().split("\n")[0])) == names
        case "parquet":
            file = pq.ParquetFile(tmp_path / "out.parquet")
            assert file.schema_arrow.names == names
            about = file.schema_arrow.field("commitment").metadata[b"description"]
            assert about.decode() == described("commitment")
            beside = (tmp_path / f"out.parquet{ENDING}").read_bytes()
            assert file.metadata.metadata[b"testamur.dictionary"] == beside


def test_a_column_says_its_type_its_words_and_the_events_that_have_it() -> None:
    found = {each["name"]: each for each in fields()}
    assert found["position"]["constraints"] == {"required": True}
    assert "issuedInError" in found["reason"]["constraints"]["enum"]
    assert found["validFrom"]["type"] == "date"
    assert (found["definition"]["type"], found["kept"]["type"]) == ("object", "array")
    assert found["commitment"]["events"] == ["credential.issued/1"]


def test_neither_file_is_overwritten_and_neither_is_left_alone(
    log: PublishedLog, tmp_path: Path
) -> None:
    beside = tmp_path / f"out.csv{ENDING}"
    beside.write_text("precious")
    with pytest.raises(Unavailable, match="exists already"):
        export(take(log.source(), log.key), tmp_path / "out.csv", "csv")
    assert [path.name for path in tmp_path.iterdir()] == [beside.name]
    beside.unlink()
    (tmp_path / "out.csv").write_text("precious")
    with pytest.raises(Unavailable, match="exists already"):
        export(take(log.source(), log.key), tmp_path / "out.csv", "csv")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+AbC=", "'+AbC="),
        ("\uff1d1", "'\uff1d1"),
        ("A; B", "A; B"),
        ("A;=1", "A;'=1"),
        ("A\t@SUM(1)", "A\t'@SUM(1)"),
        ("A - B", "A - B"),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_would_run_has_an_apostrophe(text: str, shown: str) -> None:
    assert inert(text) == shown


def test_json_text_keeps_its_value_and_nothing_of_it_is_run() -> None:
    name = "A;=cmd|' /C calc'!A0;@SUM(1)"
    text = json.dumps([{"name": name}])
    assert json.loads(inert_json(text)) == [{"name": name}]
    assert not any(f";{each}" in inert_json(text) for each in "=+-@")
