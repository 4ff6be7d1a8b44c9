"""`docker compose config` without Docker: what a compose file says, as compose itself reads it.

    python -m tests.harness.compose        # builds the program, where Go is

It is built once from its Go module, into a folder of the user's cache, in two minutes of processor
time. No daemon is needed to read a file.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.harness.served import PROJECT

FILE: Final = PROJECT / "docker-compose.yml"
# What deploy/make_secrets.py writes into .env.
ENVIRONMENT: Final = {"TESTAMUR_UID": "1000", "TESTAMUR_GID": "1000"}
_MODULE: Final = "github.com/docker/compose/v5@v5.6.0"
_HOW: Final = "docker compose is not there, and is built where Go and its module proxy are"


def program() -> Path | None:
    """Return the program, or None if it was not built."""
    found = _folder() / "docker-compose"
    return found if found.is_file() else None


def compose(
    *words: str | Path, file: Path = FILE, environment: Mapping[str, str] = ENVIRONMENT
) -> subprocess.CompletedProcess[str]:
    """Run `docker compose` on a file; skips, and says so, where the program is not there."""
    found = program()
    if found is None:
        pytest.skip(_HOW)
    # Nothing of this machine: no .env of a developer, and no settings of Docker.
    command = [found, "--env-file", "/dev/null", "--project-directory", PROJECT, "-f", file, *words]
    own = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment}
    return subprocess.run(
        list(map(str, command)), env=own, check=False, capture_output=True, text=True, timeout=120
    )


def read_compose() -> dict[str, Any]:
    """Return our compose file as compose reads it, the services of every profile among them."""
    read = compose("--profile", "*", "config", "--format", "json")
    assert read.returncode == 0, read.stderr
    found: dict[str, Any] = json.loads(read.stdout)
    return found


def _folder() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "testamur" / f"compose-{_MODULE.rpartition('@v')[2]}"


def build() -> str | None:
    """Build the program unless it is there; return what is missing, or None."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if program() is not None:
            return None
        if shutil.which("go") is None:
            return f"{_HOW}: `go` is not on the path"
        # `go install` refuses a module that excludes versions of others, so it is built where it
        # lies. Under another name first: an interrupted build leaves no program.
        found = _go(folder, "mod", "download", "-json", _MODULE)
        if found.returncode == 0:
            source = Path(json.loads(found.stdout)["Dir"])
            found = _go(source, "build", "-o", str(folder / "new-docker-compose"), "./cmd")
        if found.returncode:
            return f"{_HOW}: {found.stderr.strip()[-300:]}"
        (folder / "new-docker-compose").replace(folder / "docker-compose")
    return None


def _go(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GOFLAGS": "-trimpath -mod=readonly -buildvcs=false"}
    command = ["go", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True
    )


if __name__ == "__main__":
    missing = build()
    if missing:
        sys.stderr.write(f"{missing}\n")
