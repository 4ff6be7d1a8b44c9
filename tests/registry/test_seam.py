"""The seam holds: what knows a database stays in the folder of its driver."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import registry

FOLDER = Path(registry.__file__).parent
DRIVERS = {"sqlite", "postgres"}
OUTSIDE = [
    path
    for path in sorted(FOLDER.rglob("*.py"))
    if path.relative_to(FOLDER).parts[0] not in DRIVERS
]
TELLTALES = re.compile(
    r"sqlite|psycopg|statvfs|json_group_array|\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|BEGIN)\b"
)


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: path.name)
def test_nothing_outside_a_driver_knows_a_database(path: Path) -> None:
    code = re.sub(r'"""[\s\S]*?"""|#.*', "", path.read_text())
    assert TELLTALES.findall(code) == []


def test_the_test_would_notice() -> None:
    drivers = FOLDER / "sqlite"
    assert TELLTALES.findall((drivers / "store.py").read_text())
    assert len(OUTSIDE) > 10
