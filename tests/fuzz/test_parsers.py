"""Whatever an outsider sends, a parser reads it, or says in its own errors what is wrong."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testamur.catalogue.lines import encode_event
from testamur.errors import Refuted
from tests.fuzz.judge import fault_of
from tests.fuzz.mutation import mutated
from tests.fuzz.row import Row
from tests.fuzz.table import EXEMPT, ROWS
from tests.harness.any_event import any_event

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("testamur", "registry", "log", "projections", "api")
READS: Final = re.compile(r"(parse|decode|open|read)(ed)?(_\w+)?|from_\w+")
NAMES: Final = {name.partition(" of ")[0] for row in ROWS for name in row.names}
INPUTS: Final = int(os.environ.get("TESTAMUR_FUZZ_INPUTS", "60"))
JSON: Final = [row for row in ROWS if row.samples()[0][:1] == b"{"]
each: Final = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])


@each
def test_a_valid_input_is_read(row: Row) -> None:
    read = 0
    for data in row.samples():
        try:
            row.read(data)
        except row.errors:
            continue  # some stand for what is nearly valid
        read += 1
    assert read
    assert [fault_of(row, data) for data in row.samples()] == [None] * len(row.samples())


@pytest.mark.slow
@each
def test_a_bent_input_is_read_or_refused(row: Row) -> None:
    """The same inputs in every run; `make fuzz` makes others."""
    random = Random(row.name)
    for _ in range(INPUTS):
        data = mutated(row.samples(), random)
        fault = fault_of(row, data)
        assert fault is None, f"{fault}\nof {data[:2_000]!r}"


def any_json() -> st.SearchStrategy[Any]:
    """Return JSON values whose members have names that are known somewhere."""
    words = {
        word for row in JSON for data in row.samples() for word in re.findall(rb'"(\w+)":', data)
    }
    names = st.sampled_from(sorted(word.decode() for word in words)) | st.text(max_size=3)
    leaves = (
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
    )
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    )


@pytest.mark.slow
@pytest.mark.parametrize("row", JSON, ids=[row.name for row in JSON])
def test_any_json_is_read_or_refused(row: Row) -> None:
    @settings(max_examples=INPUTS // 3, deadline=None, suppress_health_check=list(HealthCheck))
    @given(value=any_json())
    def holds(value: Any) -> None:
        data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        assert fault_of(row, data) is None

    holds()


@pytest.mark.slow
@settings(max_examples=2 * INPUTS, deadline=None, suppress_health_check=list(HealthCheck))
@given(event=any_event())
def test_any_event_that_the_schema_allows_is_read_again_or_refused(event: Any) -> None:
    for row in ROWS:
        if row.name in (
            "testamur.catalogue.lines.decode_event",
            "testamur.verification.replay.Replayer.feed",
        ):
            assert fault_of(row, encode_event(event)) is None


# --- The table ---


def public_readers() -> Iterator[str]:
    """Yield the name of every public function that reads something by its name."""
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    found = [(node.name, node.name)]
                elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found = [(f"{node.name}.{name}", name) for name in of_its_class(node)]
                else:
                    continue
                yield from (f"{module}.{name}" for name, last in found if READS.fullmatch(last))


def of_its_class(node: ast.ClassDef) -> Iterator[str]:
    """Yield the names of the methods that make an instance."""
    for method in node.body:
        if isinstance(method, ast.FunctionDef):
            marks = [mark.id for mark in method.decorator_list if isinstance(mark, ast.Name)]
            if {"classmethod", "staticmethod"} & set(marks):
                yield method.name


def test_every_public_parser_is_fuzzed() -> None:
    found = list(public_readers())
    assert len(found) > 50
    exempt = tuple(EXEMPT)
    missing = [name for name in found if name not in NAMES and not name.startswith(exempt)]
    assert missing == [], "add a row to tests/fuzz/of_*.py, or say in EXEMPT why it needs none"


def test_every_row_is_of_something_that_exists() -> None:
    for name in NAMES:
        path, attributes = name.split("."), list[str]()
        while True:
            try:
                found: Any = importlib.import_module(".".join(path))
                break
            except ModuleNotFoundError:
                attributes.insert(0, path.pop())
        for attribute in attributes:
            found = getattr(found, attribute)
        assert callable(found)


def test_every_exemption_is_of_something_that_exists() -> None:
    found = list(public_readers())
    unused = [start for start in EXEMPT if not any(name.startswith(start) for name in found)]
    assert unused == []


# --- The judge ---


def raising(error: Exception) -> Any:
    def read(_: bytes) -> None:
        raise error

    return read


def row_of(read: Any, **terms: Any) -> Row:
    return Row(("a row",), read, lambda: [b"x"], **terms)


def test_another_error_than_the_declared_ones_is_a_fault() -> None:
    assert fault_of(row_of(raising(Refuted("no"))), b"x") is None
    assert "IndexError at " in str(fault_of(row_of(raising(IndexError("no"))), b"x"))
    assert "RecursionError" in str(fault_of(row_of(raising(RecursionError())), b"x"))


def test_an_error_that_shows_a_secret_is_a_fault() -> None:
    secret = "correct horse battery"
    told = fault_of(row_of(raising(Refuted("found correct horse")), secrets=(secret,)), b"x")
    assert "shows a secret" in str(told)
    assert fault_of(row_of(raising(Refuted("found horses")), secrets=(secret,)), b"x") is None


def test_what_is_written_otherwise_than_it_was_read_is_a_fault() -> None:
    assert fault_of(row_of(int, render=lambda found: b"%d" % found), b"7") is None
    assert "written again" in str(fault_of(row_of(int, render=lambda found: b"%d" % found), b"07"))
