"""The documents of the formats show what the vectors hold, and list every event and member."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from testamur.catalogue import members
from testamur.catalogue.events import EVENTS
from testamur.catalogue.submission import base64url_decode
from testamur.verification.checks import CHECKS, RESTS_ON, CheckName

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors"
DOCUMENTS = ("formats.md", "dry-runs.md")
TEXT = "\n".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in DOCUMENTS)
EXAMPLES = re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)\n```", TEXT, re.DOTALL)
PARTS = ("Key", "Authority", "Identifier", "Level", "Workload", "Outcome", "Document", "Scope")


def shown(reference: str) -> str:
    """Return the value that a reference names, as the document must show it."""
    file, _, rest = reference.partition("#/")
    place, _, part = rest.partition("?")
    found: Any = json.loads((VECTORS / file).read_text(encoding="utf-8"))
    for step in place.split("/"):
        found = found[int(step) if step.isdigit() else step]
    if part in ("protected", "payload"):
        number = ("protected", "payload").index(part)
        found = json.loads(base64url_decode(found.split("\n")[0].split(".")[number]))
    elif part == "json":
        found = json.loads(found)
    return (found if isinstance(found, str) else laid_out(found)).removesuffix("\n")


def laid_out(value: Any, indent: str = "") -> str:
    """Return JSON with a line for each member, objects and lists of plain values in one line."""
    parts = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list) or not any(isinstance(p, dict | list) for p in parts):
        return json.dumps(value, ensure_ascii=False)
    inner = indent + "  "
    if isinstance(value, dict):
        lines = [f'{inner}"{name}": {laid_out(part, inner)}' for name, part in value.items()]
    else:
        lines = [inner + laid_out(part, inner) for part in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n" + ",\n".join(lines) + f"\n{indent}{closing}"


def listed(name: str, kind: type) -> str:
    fields = sorted(msgspec.structs.fields(kind), key=lambda field: field.encode_name)
    names = [f"`{field.encode_name}{'' if field.required else '?'}`" for field in fields]
    return f"| `{name}` | {', '.join(names)} |"


def rows() -> list[str]:
    """Return a row for each event and each object in one."""
    events = [listed(name, kind) for name, kind in EVENTS.items()]
    parts = [listed(name, getattr(members, name)) for name in (*PARTS, "Definition")]
    return events + parts


@pytest.mark.parametrize(("reference", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_an_example_is_what_its_vector_holds(reference: str, example: str) -> None:
    assert example == shown(reference)


def test_every_format_has_an_example() -> None:
    sections = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    formats = re.findall(r"^\| \[([a-z ]+)\]\(\S*#", TEXT, flags=re.MULTILINE)

    assert len(formats) == 9
    for name in formats:
        (section,) = [each for each in sections if each.lower().startswith(name + "\n")]
        assert "<!-- " in section
        assert "Vectors:" in section
        assert "MUST" in section


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.split("`")[1])
def test_every_event_is_listed_with_its_members(row: str) -> None:
    assert row in TEXT.splitlines()


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_is_explained_with_what_it_rests_on(name: CheckName) -> None:
    premises = ", ".join(f"`{each}`" for each in RESTS_ON[name]) or "nothing"

    assert f"\n| `{name}` | {premises} | " in TEXT


def test_every_vector_that_is_named_is_there_and_every_kind_is_named() -> None:
    named = set(re.findall(r"`((?:submission/|formats/)?[a-z-]+\.json)`", TEXT))

    for name in named:
        assert (VECTORS / name).is_file(), name
    there = {str(path.relative_to(VECTORS)) for path in VECTORS.glob("*.json")}
    there |= {str(path.relative_to(VECTORS)) for path in VECTORS.glob("[sf]*/*.json")}
    assert there == named


def test_every_rule_that_a_submission_can_break_is_named() -> None:
    rules = {
        case["rule"]
        for path in (VECTORS / "submission").glob("*.json")
        for case in json.loads(path.read_text(encoding="utf-8"))["refused"]
    }

    assert {rule for rule in rules if f"`{rule}`" not in TEXT} == set()
