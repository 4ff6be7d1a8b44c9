"""deploy/make_secrets.py: random, whole, its owner's, and never over what is there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.make_secrets import make_secrets
from log.bucket import credentials_in_file
from tests.harness.served import PROJECT


def test_nobody_else_reads_a_secret(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make_secrets(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    # libpq and Testamur refuse files that others may read.
    assert {name for name, mode in modes.items() if mode == 0o600} == {
        *("pgpass", "bucket-publisher", "bucket-reader", "bucket-identities"),
    }
    assert {name for name, mode in modes.items() if mode == 0o444} == {
        *("database-password", "grafana-password"),
    }


def test_no_two_passwords_are_the_same(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        make_secrets(tmp_path / name)
        identities = json.loads((tmp_path / name / "bucket-identities").read_text())["identities"]
        found += [key["secretKey"] for each in identities for key in each.get("credentials", ())]
        found += [
            (tmp_path / name / file).read_text()
            for file in ("database-password", "grafana-password")
        ]
    assert len(set(found)) == len(found) == 8
    assert all(len(password) == 64 for password in found)


@pytest.mark.parametrize("account", ["publisher", "reader"])
def test_the_bucket_knows_the_accounts_that_are_handed_out(tmp_path: Path, account: str) -> None:
    folder = tmp_path / "secrets"
    make_secrets(folder)
    name = str(folder / f"bucket-{account}")
    handed = credentials_in_file({"AWS_SHARED_CREDENTIALS_FILE": name})
    identities = json.loads((folder / "bucket-identities").read_text())["identities"]
    (known,) = (each for each in identities if each["name"] == account)
    (keys,) = known["credentials"]
    assert handed == {
        "access_key_id": keys["accessKey"],
        "secret_access_key": keys["secretKey"],
    }
    assert ("Write:testamur" in known["actions"]) == (account == "publisher")
    (anybody,) = (each for each in identities if each["name"] == "anonymous")
    assert anybody["actions"] == ["Read:testamur"]


def test_secrets_are_made_once_and_by_python_alone(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    script = shutil.copy(PROJECT / "deploy/make_secrets.py", tmp_path / "deploy")
    command = [sys.executable, "-I", "-S", script]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    user = os.getuid() or 10_001
    assert f"TESTAMUR_UID={user}\n" in (tmp_path / ".env").read_text()
    key = tmp_path / "deploy/secrets/pgpass"
    before = key.read_text()
    assert key.stat().st_uid == user
    again = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (again.returncode, key.read_text()) == (1, before)
    assert "secrets are made once" in again.stderr
    password = before.strip().rpartition(":")[2]
    assert password not in made.stdout + made.stderr + again.stderr


def test_what_is_secret_is_never_committed() -> None:
    ignored = (PROJECT / ".gitignore").read_text().splitlines()
    assert {"deploy/secrets/", ".env"} <= set(ignored)
