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
from testamur.catalogue.lifecycle import AFTER, FINAL
from testamur.catalogue.submission import base64url_decode
from testamur.rules import LIMITS
from testamur.rules.chain import LONGEST
from testamur.rules.key_table import LIMIT
from testamur.rules.registrations import WINDOW
from testamur.rules.status import NOTICE
from testamur.verification.checks import CHECKS, RESTS_ON, CheckName

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors"
DOCUMENTS = ("formats.md", "what-counts.md", "evidence.md", "dry-runs.md")
TEXT = "\n".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in DOCUMENTS)
EXAMPLES = re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)\n```", TEXT, re.DOTALL)
EVENT_NAMES = {event: name for name, event in EVENTS.items()}
PARTS = ("Identifier", "Level", "Workload", "Outcome", "Document", "Scope")


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

    assert len(formats) == 10
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


def test_the_caps_are_those_of_the_rules() -> None:
    keys = LIMITS.keys
    for cap in (
        f"{keys.key_events:,} key events of an organization, the last {keys.founding_only} by its",
        f"{keys.in_submission} in a submission; {keys.by_recovery_key} by a recovery key",
        f"{keys.kept_ranges:,} ranges that the declarations of an organization keep, the last",
        f"the last {keys.kept_by_founding_only:,} by its founding key alone; ",
        f"; {keys.kept_by_recovery_key:,} by a recovery key other than the founding one",
        f"{keys.recovery_keys} recovery keys in force besides the founding one",
        f"{keys.signing_keys} signing keys in force for each key that lists",
        f"{LIMITS.status_events} status events and restatements of a key on one thing",
        f"{LIMITS.status_together} of all keys of an organization on one thing of its own, the",
        f"the last {LIMITS.status_reserve} by keys that its founding key listed",
        f"{LIMITS.revisions} revisions of a key on one achievement",
        f"{LIMITS.grants} recognitions, {LIMITS.grants} accreditations of a key for one subject",
        f"{LIMITS.authorities} recognitions of a key that make authorities",
        f"{LIMITS.writings} times the same line under one id",
    ):
        assert cap in TEXT


def test_the_periods_are_those_of_the_rules() -> None:
    day = 24 * 3600 * 1000
    for period in (
        f"recorded no more than {LIMIT // day} days before the *first* such word",
        f"was recorded {NOTICE // day} days or more after that of the statement",
        f"no more than {WINDOW} days before it",
        f"a chain of at most {LONGEST} recognitions",
    ):
        assert period in TEXT


@pytest.mark.parametrize("event", AFTER, ids=lambda event: EVENT_NAMES[event])
def test_every_status_that_an_event_sets_is_told(event: type) -> None:
    """An issuance, a grant and a definition set the first status of their row."""
    kind, _, past = EVENT_NAMES[event].partition("/")[0].partition(".")
    (row,) = (line for line in TEXT.splitlines() if line.startswith(f"| {kind} | `"))
    status = f"`{AFTER[event]}`"
    if past in ("issued", "granted", "defined", "revised"):
        assert row.startswith(f"| {kind} | {status} |")
    else:
        assert f"{past}: {f'*{status}*' if AFTER[event] in FINAL else status}" in row


def test_every_vector_that_is_named_is_there_and_every_kind_is_named() -> None:
    named = set(re.findall(r"`((?:submission/|formats/|counting/)?[a-z-]+\.json)`", TEXT))

    for name in named:
        assert (VECTORS / name).is_file(), name
    there = {str(path.relative_to(VECTORS)) for path in VECTORS.glob("*.json")}
    for folder in ("submission", "formats", "counting"):
        there |= {f"{folder}/{path.name}" for path in (VECTORS / folder).glob("*.json")}
    assert there == named


def test_every_rule_that_a_submission_can_break_is_named() -> None:
    rules = {
        case["rule"]
        for path in (VECTORS / "submission").glob("*.json")
        for case in json.loads(path.read_text(encoding="utf-8"))["refused"]
    }

    assert {rule for rule in rules if f"`{rule}`" not in TEXT} == set()
