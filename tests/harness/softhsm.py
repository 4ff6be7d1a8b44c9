"""A token made of software (SoftHSM 2), one for all tests of a process, in a folder of its own.

`python -m tests.harness.softhsm` says in one line how to get the program, where it is missing.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

PROGRAM = "softhsm2-util"
LABEL = "testamur-tests"
PIN = "8642-secret"
_MODULES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
)
_HOW = "SoftHSM is not here; on Debian: apt-get install softhsm2"


def missing() -> str | None:
    """Return how to get what is missing, None if nothing is."""
    there = shutil.which(PROGRAM) is not None and any(path.exists() for path in _MODULES)
    return None if there else _HOW


@cache
def token() -> Path:
    """Return the folder of the token of this process, with the file `pin`.

    The library reads where its tokens are once in a process: from then on this one, and those that
    it starts, find them by the environment.
    """
    folder = Path(tempfile.mkdtemp(prefix="testamur-token-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    pin = folder / "pin"
    pin.touch(mode=0o600)
    pin.write_text(f"{PIN}\n")
    subprocess.run(
        [PROGRAM, "--init-token", "--free", "--label", LABEL, "--so-pin", PIN, "--pin", PIN],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return folder


def address(label: str, *, pin: Path | None = None) -> str:
    """Return the RFC 7512 address of a key in the token of this process."""
    module = next(path for path in _MODULES if path.exists())
    source = pin or token() / "pin"
    return f"pkcs11:token={LABEL};object={label}?module-path={module}&pin-source=file:{source}"


if __name__ == "__main__" and missing():
    sys.exit(missing())
