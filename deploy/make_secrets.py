"""Makes the secrets of a registry: random passwords, each in a file of its own.

    python3 deploy/make_secrets.py        # deploy/secrets/, deploy/objects/ and .env

It needs Python alone, and changes nothing that is there. Files that Testamur reads are for their
owner alone (mode 0600), since Testamur and libpq refuse others. Files for images that run as other
users are readable by all, in a folder that only its owner can enter. The log's own key is not made
here: `init` makes it.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from pathlib import Path
from typing import Final

BUCKET: Final = "testamur"
DATABASE: Final = "testamur"
USER: Final = "testamur"
_DEPLOY: Final = Path(__file__).resolve().parent
_NOBODY: Final = 10_001  # who the processes run as if root makes the secrets


def make_secrets(folder: Path) -> None:
    """Make the folder and every secret in it, as the user who runs this; raises `OSError`."""
    folder.mkdir(mode=0o700)
    (folder / "log").mkdir(mode=0o700)
    database = _password()
    _write(folder / "database-password", database, 0o444)
    _write(folder / "pgpass", f"*:*:{DATABASE}:{USER}:{database}\n", 0o600)
    _write(folder / "grafana-password", _password(), 0o444)
    identities: list[dict[str, object]] = [{"name": "anonymous", "actions": [f"Read:{BUCKET}"]}]
    for name, actions in (("publisher", ("Read", "List", "Write")), ("reader", ("Read", "List"))):
        secret = _password()
        identities.append(_identity(name, secret, [f"{action}:{BUCKET}" for action in actions]))
        _write(
            folder / f"bucket-{name}",
            f"[default]\naws_access_key_id = {name}\naws_secret_access_key = {secret}\n",
            0o600,
        )
    _write(folder / "bucket-identities", json.dumps({"identities": identities}, indent=1), 0o600)


def _identity(name: str, secret: str, actions: list[str]) -> dict[str, object]:
    """Return an account as SeaweedFS reads it."""
    keys = [{"accessKey": name, "secretKey": secret}]
    return {"name": name, "credentials": keys, "actions": actions}


def _password() -> str:
    """Return 256 random bits, in letters that need no quoting anywhere."""
    return secrets.token_hex(32)


def _write(path: Path, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        os.fchmod(descriptor, mode)
        file.write(text)


def main() -> int:
    """Make deploy/secrets/ and .env; return the exit code."""
    folder, environment = _DEPLOY / "secrets", _DEPLOY.parent / ".env"
    for path in (folder, environment):
        if path.exists():
            sys.stderr.write(f"{path} is there already, and secrets are made once\n")
            return 1
    user, group = (os.getuid(), os.getgid()) if os.getuid() else (_NOBODY, _NOBODY)
    make_secrets(folder)
    (_DEPLOY / "authorities").mkdir(exist_ok=True)
    objects = _DEPLOY / "objects"
    objects.mkdir(mode=0o700, exist_ok=True)
    if os.getuid() == 0:
        for path in (objects, folder, *folder.iterdir()):
            os.chown(path, user, group)
    environment.write_text(f"TESTAMUR_UID={user}\nTESTAMUR_GID={group}\n", encoding="ascii")
    sys.stdout.write(f"made {folder} and {environment}; keep copies of both in a safe place\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
