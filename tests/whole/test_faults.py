"""Faults at the system calls of a server under load: 50 of those that `make faults` strikes.

TESTAMUR_FAULTS_SEED   which faults, in which order (1)
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bench.faults.campaign import campaign
from bench.faults.interposer import Fault, compiler

pytestmark = [
    pytest.mark.server,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="calls are struck on Linux"),
    pytest.mark.skipif(compiler() is None, reason="a C compiler is needed: apt-get install gcc"),
]

FAULTS = 25
SEED = int(os.environ.get("TESTAMUR_FAULTS_SEED", "1"))


@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_nothing_acknowledged_is_lost_whichever_call_fails_or_kills(
    store: str, tmp_path: Path
) -> None:
    found = campaign(store, tmp_path, faults=FAULTS, seed=SEED)
    assert found.broken == []
    assert found.odd == []
    assert found.faults >= FAULTS
    assert found.receipts > FAULTS


@pytest.mark.skipif(
    "TESTAMUR_FAULTS_SEED" not in os.environ,
    reason="waits for minutes for what was lost: TESTAMUR_FAULTS_SEED=1 asks for it",
)
def test_a_server_that_acknowledges_what_is_not_durable_is_found_out(tmp_path: Path) -> None:
    def only(role: str, fault: Fault) -> bool:
        return role == "writer" and fault.call == "fdatasync" and fault.action == "fail"

    hasty = ("-m", "tests.harness.hasty_server")
    found = campaign("sqlite", tmp_path, faults=4, seed=SEED, program=hasty, only=only)
    assert any("lost: " in broken for broken in found.broken), found
