"""veraPDF, the validator of the PDF Association, as a judge of PDF/A that is not ours.

    python -m tests.harness.verapdf        # fetches and builds it, where Maven and Java are

Maven fetches its jars once, into a folder of the user's cache; their digests are in `jars.sha256`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

_HERE: Final = Path(__file__).parent
_HOW: Final = "veraPDF is not there, and is fetched where Maven, Java 17 and Maven Central are"
_BUILT: Final = "Validate.class"


def broken_rules(flavour: str, files: Sequence[Path]) -> dict[str, list[str]]:
    """Return, by name of each file, the rules of a flavour such as `3a` that it breaks.

    Skips, and says so, where the validator is not there.
    """
    folder = _folder()
    if not (folder / _BUILT).is_file():
        pytest.skip(_HOW)
    done = _run(folder, "java", "-cp", "lib/*:.", "Validate", flavour, *map(str, files))
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = {file.name: [] for file in files}
    judged = set()
    for line in done.stdout.splitlines():
        file, rule, message = line.split("\t")
        if message == "assertions":
            judged.add(Path(file).name)
            assert int(rule) > 1_000, line
        else:
            found[Path(file).name].append(f"{rule}: {message}")
    assert judged == set(found)
    return found


def build() -> str | None:
    """Fetch and build it unless it is there; return what is missing, or None."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / _BUILT).is_file():
            return None
        if not all(map(shutil.which, ("mvn", "java", "javac"))):
            return f"{_HOW}: `mvn`, `java` and `javac` are not all on the path"
        for name in ("pom.xml", "Validate.java"):
            shutil.copy(_HERE / name, folder / name)
        jars = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"]
        fetched = _run(folder, *jars)
        if fetched.returncode:
            return f"{_HOW}: {(fetched.stdout + fetched.stderr).strip()[-300:]}"
        strange = _strange(folder / "lib")
        if strange:
            return f"{_HOW}: {', '.join(strange)} are not the jars that were seen before"
        made = _run(folder, "javac", "-cp", "lib/*", "Validate.java")
        return made.stderr[-300:] if made.returncode else None


def _strange(lib: Path) -> list[str]:
    """Return the jars that are not those of `jars.sha256`."""
    lines = (_HERE / "jars.sha256").read_text().splitlines()
    due = {name: digest for digest, name in (line.split() for line in lines)}
    found = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in lib.glob("*.jar")}
    return sorted(name for name in due | found if due.get(name) != found.get(name))


def _folder() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    version = hashlib.sha256((_HERE / "jars.sha256").read_bytes()).hexdigest()[:12]
    return cache / "testamur" / f"verapdf-{version}"


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, timeout=600
    )
