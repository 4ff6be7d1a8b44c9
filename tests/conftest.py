"""What every test starts from."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

# A test of one part imports that part alone, so the server is imported where it is started.
if TYPE_CHECKING:
    from tests.harness.served import Served

# A shell's background job ignores SIGINT, and so would every process that a test starts and
# then interrupts: a disposition of "ignore" is inherited, a handler is not.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No test, and no process that it starts, takes anything from the profile of its user.
os.environ["TESTAMUR_PROFILE"] = f"{os.devnull}/profile.toml"
for _variable in ("TESTAMUR_URL", "TESTAMUR_VKEY"):
    os.environ.pop(_variable, None)


# How fast a busy machine makes examples says nothing of what is tested.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what serves a copy of the opened log: it starts the server."""
    if "opened_log" in getattr(item, "fixturenames", ()):
        item.add_marker("server")


def pytest_sessionfinish() -> None:
    """Stop the cluster of PostgreSQL that tests of this process started, if any did."""
    harness = sys.modules.get("tests.harness.postgres")
    if harness is not None:
        harness.stop_shared()


@pytest.fixture(scope="session")
def opened_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A log whose provider may issue, made once. No server has it open; tests serve a copy."""
    from tests.harness.served import Served

    with closing(Served(tmp_path_factory.mktemp("opened") / "data")) as log:
        log.init()
        log.record(*log.story.opening()[1:])
        yield log


@pytest.fixture(scope="session")
def grown_log(opened_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same with 600 credentials more: tiles of two levels, two full bundles."""
    with closing(opened_log.copy(tmp_path_factory.mktemp("grown") / "data")) as log:
        log.record(log.story.cohort(600))
        yield log


@pytest.fixture
def pango() -> None:
    """Skip, and say so, where the library of the system is missing that lays out certificates."""
    from tests.harness.pango import certificates_are_made

    if not certificates_are_made():
        pytest.skip("Pango is missing: apt-get install libpango-1.0-0 libpangoft2-1.0-0")
