"""A full disk under the whole server: refusals, not corruption, and it heals once there is room.

The file system is real, and small; it takes the right to mount one.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from api.checking import check_log
from testamur.verification.receipt import Receipt, parse_receipt, verify_receipt
from testamur.verification.replay import replay
from tests.harness.served import Served

MIB = 1024 * 1024
# The gate keeps 256 MiB in reserve; more than that must be free to begin with.
SIZE = 300 * MIB


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of `SIZE` bytes."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode != 0:
        pytest.skip(f"this user may not mount a file system: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(ballast: Path, *, leaving: int) -> None:
    """Fill the disk up to its last `leaving` bytes."""
    disk = ballast.parent
    block = bytes(MIB)
    with suppress(OSError), ballast.open("ab", buffering=0) as stream:
        while True:
            stream.write(block[: min(MIB, max(1, free(disk) - leaving))])
            if free(disk) <= leaving:
                break


def free(disk: Path) -> int:
    """Return the bytes that are free."""
    found = subprocess.run(
        ["stat", "-f", "-c", "%a %S", str(disk)], check=True, capture_output=True, text=True
    )
    blocks, size = map(int, found.stdout.split())
    return blocks * size


def test_a_full_disk_refuses_and_loses_nothing(opened_log: Served, small_disk: Path) -> None:
    log = opened_log.copy(small_disk / "data")
    with log.running():
        acknowledged: list[tuple[bytes, Receipt]] = []
        for leaving in (200 * MIB, 0):  # into the reserve, and to the last byte
            for _ in range(5):
                body = log.story.cohort(100)
                acknowledged.append((body, log.submit(body)))

            ballast = small_disk / "ballast"
            fill(ballast, leaving=leaving)
            time.sleep(0.2)  # the gate looks at the disk every 0.1 s
            refused = [log.story.cohort(100) for _ in range(5)]
            for body in refused:
                answer = log.post(body)
                assert answer.status_code == 503, answer.text
                assert "retry-after" in answer.headers
            for body, receipt in acknowledged:
                issuer, jti = receipt.issuer, receipt.jti
                again = parse_receipt(log.get(f"/submissions/{issuer}/{jti}").content)
                verify_receipt(again, body, log.policy)
            assert log.get("/healthz").status_code == 200

            ballast.unlink()
            deadline = time.monotonic() + 60
            for body in refused:
                while (answer := log.post(body)).status_code == 503:
                    assert time.monotonic() < deadline, answer.text
                    time.sleep(0.2)
                acknowledged.append((body, parse_receipt(answer.content)))
            assert log.get("/readyz").status_code == 200
        replayed = replay(log.source, log.key)
        assert replayed.statistics.credentials["active"] == 100 * len(acknowledged)
    assert check_log(log.data) == []
    log.close()
