"""A new event cannot be half added: every place that must know it is named when it is forgotten.

In a copy of the tree, one event is added to each kind, as a struct with its place in the union and
nothing else. One run of mypy and one import of the table then name, for each of them, every file
of the product that still has to be thought about: those that `CONTRIBUTING.md` lists.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("testamur", "registry", "log", "projections", "api", "demo")
EVENTS = "testamur/catalogue/events.py"
TABLE = "testamur/catalogue/table.py"
LIFECYCLE = "testamur/catalogue/lifecycle.py"
TOUCHED = "testamur/catalogue/touched.py"
FOLD = "testamur/rules/fold.py"
ADDED = {
    "AccreditationEvent": "accreditation",
    "RecognitionEvent": "recognition",
    "AchievementEvent": "achievement",
    "CredentialStatusEvent": "credential",
    "OrganizationEvent": "organization",
    "KeyEvent": "key",
}
"""The unions that get an event more, and the kind of thing that it is about."""

# Beside the struct itself, what has to be thought about.
EXPECTED = {
    "accreditation": {TABLE, LIFECYCLE, "testamur/rules/accreditation.py"},
    "recognition": {TABLE, LIFECYCLE, "testamur/rules/recognition.py"},
    "achievement": {TABLE, LIFECYCLE, TOUCHED, FOLD, "testamur/rules/achievements.py"},
    "credential": {TABLE, LIFECYCLE},
    "organization": {TABLE, TOUCHED, FOLD, "testamur/rules/organizations.py"},
    "key": {
        TABLE,
        TOUCHED,
        "testamur/cli/signer.py",
        # It turns events into words about keys; key_admission.py must know every word.
        "testamur/rules/key_table.py",
    },
}


def struct(kind: str) -> str:
    return f"{kind.capitalize()}Noted"


def forget(events: Path) -> None:
    """Add an event to each union, as somebody would who does nothing else."""
    source = events.read_text(encoding="utf-8")
    for union, kind in ADDED.items():
        member = {"key": "key: Multikey", "organization": "successor: Did"}.get(kind, f"{kind}: Id")
        options = f'frozen=True, gc=False, kw_only=True, tag="{kind}.noted/1"'
        added = f'class {struct(kind)}(_Event, {options}):\n    """A note."""\n\n    {member}\n\n\n'
        source, times = re.subn(
            rf"^{union}: TypeAlias = \(?\s*", rf"\g<0>{struct(kind)} | ", source, flags=re.MULTILINE
        )
        assert times == 1, union
        before = source.index("KeyEvent: TypeAlias")
        source = source[:before] + added + source[before:]
    events.write_text(source, encoding="utf-8")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        shutil.copytree(
            PROJECT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(PROJECT / "pyproject.toml", copy)
    if (PROJECT / ".mypy_cache").is_dir():  # else it takes twice as long
        shutil.copytree(PROJECT / ".mypy_cache", copy / ".mypy_cache")
    forget(copy / EVENTS)
    return copy


def judging(tree: Path) -> list[str]:
    """Return the packages that list events where a judgement is needed: mypy names no other."""
    return [
        package
        for package in PACKAGES
        if any("assert_never" in file.read_text("utf-8") for file in (tree / package).rglob("*.py"))
    ]


def run(tree: Path, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=tree, check=False, capture_output=True, text=True
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.mark.slow
def test_every_place_that_must_know_a_new_event_is_named(tree: Path) -> None:
    named: dict[str, set[str]] = defaultdict(set)
    kinds = {struct(kind): kind for kind in ADDED.values()}
    packages = [word for package in judging(tree) for word in ("-p", package)]
    checked = run(tree, "-m", "mypy", "--no-error-summary", *packages)
    for line in checked.splitlines():
        path, _, problem = line.partition(":")
        found = re.search(r'"assert_never" has incompatible type "([^"]+)"', problem)
        assert found is not None, line
        for name in found[1].split(" | "):
            named[kinds[name]].add(path)
    for kind, path in re.findall(
        r"(\w+)\.noted/1 has no \w+ in ([\w/]+\.py)",
        run(tree, "-c", "import testamur.catalogue.table"),
    ):
        named[kind].add(path)

    assert named == EXPECTED


@pytest.mark.parametrize("kind", EXPECTED)
def test_an_event_of_an_existing_kind_touches_at_most_six_files_of_the_product(kind: str) -> None:
    assert len(EXPECTED[kind] | {EVENTS}) <= 6


@pytest.mark.parametrize("kind", EXPECTED)
def test_the_guide_lists_every_file_that_such_an_event_touches(kind: str) -> None:
    guide = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = guide.split("## Add an event\n")[1].split("\n## ")[0]

    assert [path for path in EXPECTED[kind] | {EVENTS} if f"`{path}`" not in section] == []


def test_every_file_that_the_guide_names_is_there() -> None:
    guide = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/.]+(?:/|\.py|\.md))`", guide)

    assert len(named) > 30
    assert [path for path in named if "<" not in path and not (PROJECT / path).exists()] == []
