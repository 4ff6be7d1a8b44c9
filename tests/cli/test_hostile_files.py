"""A file made to cost its reader as much as it can is refused, with ten seconds and a gigabyte.

The aim is two seconds and 200 MB, which `bench.hostile_files` measures; a busy machine gets more.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from testamur.badges.commitment import MAX_HOLDER_FILE
from testamur.badges.spreadsheet import MAX_FILE
from testamur.canonical import MAX_DOCUMENT
from testamur.tlog.note import SignerKey
from testamur.verification.evidence import MAX_EVIDENCE
from testamur.verification.receipt import MAX_RECEIPT
from tests.harness.awards import offering, provider
from tests.harness.story import Story

pytestmark = pytest.mark.slow

VERIFY = "verify file --evidence evidence --policy policy"
PREPARE = "prepare cohort.csv --achievement offering --provider provider --out out"
ACHIEVEMENT = "019a3b1c-7f00-7abc-8def-0123456789ab"
POLICY = f"log {SignerKey.from_seed('log.example', bytes(32)).verifier}\nquorum none\n"


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


def arrays(size: int) -> bytes:
    return b"[" + b"[]," * (size // 3 - 1) + b"0]"


@pytest.mark.parametrize(
    ("command", "file", "made", "rule"),
    [
        (VERIFY, "file", lambda: arrays(MAX_HOLDER_FILE), "json-values"),
        (VERIFY, "file", lambda: b"[" * MAX_HOLDER_FILE, "json-values"),
        (VERIFY, "file", lambda: b"0." + b"1" * (MAX_HOLDER_FILE - 2), "json-number"),
        (VERIFY, "file", lambda: b'"' + b"\\ud800" * (MAX_HOLDER_FILE // 6 - 1) + b'"', "json-s"),
        ("prepare file --achievement ID --out out", "file", lambda: arrays(MAX_DOCUMENT), "json-v"),
        ("event organization.updated name:=@file", "file", lambda: arrays(MAX_DOCUMENT), "json-v"),
        (PREPARE, "provider", lambda: arrays(MAX_DOCUMENT), "json-values"),
        (PREPARE, "cohort.csv", lambda: b"learner,awarded\n" + b"," * (MAX_FILE - 16), "row"),
        (PREPARE, "cohort.csv", lambda: b"," * MAX_FILE, "cohort-header"),
        ("check file", "file", lambda: b"{\n" * 99_000, "98,000 more"),
        ("check file", "file", lambda: b'{"x":1.5}\n' * 99_000, "98,000 more"),
        ("verify-receipt file --submission file --policy policy", "file",
         lambda: arrays(MAX_RECEIPT), "receipt"),
    ],
)  # fmt: skip
def test_a_file_that_costs_much_is_refused_early(
    tmp_path: Path, command: str, file: str, made: Callable[[], bytes], rule: str
) -> None:
    story = Story()
    (tmp_path / "policy").write_text(POLICY)
    (tmp_path / "offering").write_bytes(msgspec.json.encode(offering(story)))
    (tmp_path / "provider").write_bytes(msgspec.json.encode(provider(story)))
    (tmp_path / "evidence").write_bytes(b" " * MAX_EVIDENCE)
    (tmp_path / file).write_bytes(made())
    done = subprocess.run(
        [sys.executable, "-m", "testamur", *command.replace("ID", ACHIEVEMENT).split()],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        preexec_fn=limited,
        timeout=300,
    )
    said = (done.stdout + done.stderr).decode()
    # What cannot be read says nothing about a credential.
    assert done.returncode == (2 if command == VERIFY else 1), said[-2_000:]
    assert rule in " ".join(said.split())
