"""deploy/Dockerfile, as far as it can be held against reality where no image can be built."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.served import PROJECT

TEXT = (PROJECT / "deploy/Dockerfile").read_text()
COPIED = [
    source
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", TEXT, re.MULTILINE)
    for source in sources.split()
]
LAST_STAGE = TEXT.rpartition("\nFROM ")[2]


def test_each_file_that_is_copied_is_there_and_reaches_the_builder() -> None:
    ignored = (PROJECT / "deploy/Dockerfile.dockerignore").read_text().splitlines()
    kept = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored
    assert kept == set(COPIED)
    for source in COPIED:
        assert (PROJECT / source).exists(), source


@pytest.mark.server
def test_what_the_image_holds_is_enough_for_every_command(tmp_path: Path) -> None:
    """The packages that are not installed are found in the working directory, and nowhere else."""
    packages = re.findall(r"^COPY (\w+) \1$", LAST_STAGE, re.MULTILINE)
    assert packages == ["registry", "log", "projections", "api"]
    ignore = shutil.ignore_patterns("__pycache__")
    for package in packages:
        shutil.copytree(PROJECT / package, tmp_path / package, ignore=ignore)
    program = (
        "import sys, pathlib, api.server, api.processes.publisher, projections.__main__, log.s3, "
        "registry.postgres.migrating, log.postgres\n"
        "for name, module in sorted(sys.modules.items()):\n"
        "    if name.partition('.')[0] in {'api', 'registry', 'log', 'projections', 'tests'}:\n"
        "        assert module.__file__ is None or "
        f"pathlib.Path(module.__file__).is_relative_to({str(tmp_path)!r}), name\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_it_runs_as_nobody_in_particular_from_a_pinned_image_with_hashes() -> None:
    bases = re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE)
    assert set(bases) == {"python:3.13.7-slim-bookworm"}
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", LAST_STAGE, re.MULTILINE)
    assert "--require-hashes" in TEXT
    assert "pip" not in LAST_STAGE
    assert 'ENTRYPOINT ["python", "-m", "api"]' in LAST_STAGE
