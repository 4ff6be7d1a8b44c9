"""Which submissions count is what `vectors/counting` says, in Python and in JavaScript."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from testamur.catalogue.events import KeyEvent
from testamur.catalogue.submission import parse_time
from testamur.rules.key_table import KeySubmission, KeyTable
from tests.vectors.make_counting import FOLDER, counting_files

FILES = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
CHECK = FOLDER.parent / "check_counting.mjs"
CASES = [
    pytest.param(case, id=f"{name}: {case['desc']}")
    for name, text in sorted(FILES.items())
    for case in json.loads(text)["cases"]
]


@pytest.mark.slow
def test_the_files_are_what_the_program_beside_them_makes() -> None:
    assert counting_files() == FILES


@pytest.mark.parametrize("case", CASES)
def test_what_counts_is_what_is_due(case: Any) -> None:
    table = _table(case)
    signed = {each["position"]: each for each in case["submissions"]}
    for asked in case["counts"]:
        then = table.as_of(asked["asOf"])
        counting = {
            position
            for position in (*asked["counting"], *asked["not"])
            if then.counts(
                signed[position]["key"], position, parse_time(signed[position]["recordedAt"])
            )
        }
        assert counting == set(asked["counting"])


def _table(case: Any) -> KeyTable:
    registered = case["registered"]
    table = KeyTable.of(
        registered["organization"],
        registered["recoveryKeys"],
        registered["signingKeys"],
        registered["position"],
    )
    for each in case["submissions"]:
        if "events" in each:
            events = msgspec.convert(each["events"], tuple[KeyEvent, ...])
            at = parse_time(each["recordedAt"])
            table = table.plus(KeySubmission.of(each["position"], each["key"], at, events))
    return table


# --- A program in another language, which shares no code with ours ---


def run(program: Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("node") is None:
        pytest.skip("node is not on the path")
    return subprocess.run(
        ["node", program], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("listed.json", '20],"not":[22]', '20,22],"not":[]'),
        ("compromised.json", ':00.001Z"', ':00.000Z"'),
        ("thieves.json", '"counting":[12', '"counting":[0'),
        ("stories.json", '"since":51', '"since":70'),
    ],
)  # fmt: skip
def test_that_implementation_notices_what_is_wrong(
    tmp_path: Path, name: str, old: str, new: str
) -> None:
    """It is worth something only if it can fail."""
    folder = shutil.copytree(FOLDER.parent, tmp_path / "vectors")
    changed = FILES[name].replace(old, new, 1)
    assert changed != FILES[name]
    (folder / "counting" / name).write_text(changed, encoding="utf-8")

    assert run(folder / CHECK.name).returncode == 1
