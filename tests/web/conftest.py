"""One browser and one served log for all tests of a process; a tab for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser

from tests.harness.chromium import Tab, chromium, tab
from tests.harness.served import Served
from tests.web.shown_log import ShownLog


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser, started once."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShownLog]:
    """A log with one of each thing that a page shows, served; tests leave it as it is."""
    with closing(Served(tmp_path_factory.mktemp("shown") / "data")) as served:
        log = ShownLog(served)
        with served.running():
            yield log
        assert "Traceback" not in served.errors()


@pytest.fixture
def visitor(browser: Browser, shown: ShownLog) -> Iterator[Tab]:
    """A tab that may ask that log alone."""
    with tab(browser, shown.served.url) as opened:
        yield opened


@pytest.fixture
def without_scripts(browser: Browser, shown: ShownLog) -> Iterator[Tab]:
    """The same, in which no script runs."""
    with tab(browser, shown.served.url, scripts=False) as opened:
        yield opened
