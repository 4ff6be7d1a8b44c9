"""The decisions can be found: each is in the index, and what enforces it exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = sorted((REPOSITORY / "docs" / "decisions").glob("*.md"))
TEXT = "\n".join(file.read_text(encoding="utf-8") for file in FILES)
RECORDS = dict(re.findall(r"^### (\d+)\. (.+)$", TEXT, flags=re.MULTILINE))
INDEX = dict(
    re.findall(
        r"^\| (\d+) \| (.+) \| .+ \|$",
        (REPOSITORY / "DECISIONS.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
)
PATHS = sorted(set(re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.[a-z]+)?)`", TEXT)))


def test_the_index_lists_every_record_by_its_statement() -> None:
    assert len(RECORDS) >= 47
    assert INDEX.items() >= RECORDS.items()


def test_every_record_says_what_enforces_it() -> None:
    bodies = re.split(r"^### \d+\. .+$", TEXT, flags=re.MULTILINE)[1:]
    assert [
        body.strip()[:40] for body in bodies if "*Enforced by*" not in " ".join(body.split())
    ] == []


@pytest.mark.parametrize("path", PATHS)
def test_what_enforces_a_decision_exists(path: str) -> None:
    assert (REPOSITORY / path).exists()
