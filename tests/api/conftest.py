"""One server for all tests of what is answered over HTTP; each test process starts it once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.harness.served import Served


@pytest.fixture(scope="session")
def served(opened_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of a log whose provider may issue. Tests that stop it serve a copy of their own."""
    with closing(opened_log.copy(tmp_path_factory.mktemp("api") / "data")) as log:
        with log.running():
            yield log
        assert "Traceback" not in log.errors()
