"""What a registrar mails works for its learner: a file on a disk, and the page that checks it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page

from testamur.badges.commitment import render_holder_file
from testamur.badges.holder_link import holder_link
from tests.cli.commands import run
from tests.harness.chromium import NARROW, PATIENCE, WIDE, Tab, tab
from tests.web.given_files import give, verdict
from tests.web.shown_log import ShownLog
from tests.web.test_accessible import AXE, broken

pytestmark = pytest.mark.web


@pytest.fixture(scope="module")
def folder(shown: ShownLog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `testamur pages` makes for the learner of the valid credential."""
    place = tmp_path_factory.mktemp("pages")
    holder = shown.holders["valid"]
    (place / "one.json").write_bytes(render_holder_file(holder))
    (place / "log.vkey").write_bytes(shown.served.get("/log/vkey").content)
    where = ["--url", shown.served.url, "--vkey", place / "log.vkey", "--out", place / "made"]
    done = run("pages", place / "one.json", *where, "--no-pdf")
    assert done.code == 0, done.out + done.err
    return place / "made" / holder.id


@pytest.fixture
def mailed(browser: Browser, shown: ShownLog, folder: Path) -> Iterator[Tab]:
    """A tab with the page as a learner opens it, from a disk."""
    with tab(browser, shown.served.url) as opened:
        opened.page.goto((folder / "page.html").as_uri())
        yield opened


def scanned(page: Page) -> str:
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(page.locator(".code").screenshot())))
    return str(found.text)


def test_the_file_asks_nobody_and_its_code_is_read_off_the_screen(
    mailed: Tab, shown: ShownLog
) -> None:
    assert all(each.url.startswith(("file:", "data:")) for each in mailed.requests)
    assert scanned(mailed.page) == holder_link(shown.served.url, shown.holders["valid"])


def test_its_button_opens_the_page_that_checks_the_credential(mailed: Tab) -> None:
    mailed.page.get_by_role("link", name="Open and check this credential").click()
    mailed.page.locator(".holder-head").wait_for(timeout=PATIENCE)
    words = mailed.page.locator(".badge-verdict strong")
    words.wait_for(timeout=PATIENCE)
    assert "Valid" in words.inner_text()


@pytest.mark.parametrize("name", ["badge.png", "badge.svg"])
def test_its_picture_is_verified_where_files_are_checked(
    visitor: Tab, folder: Path, name: str
) -> None:
    page = visitor.open("/verify")
    kind = "image/png" if name.endswith("png") else "image/svg+xml"
    give(page, {"name": name, "mimeType": kind, "buffer": (folder / name).read_bytes()})
    assert verdict(page) == "Valid"


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_the_file_breaks_no_rule_of_wcag_2_2_in_light_or_dark(mailed: Tab, width: int) -> None:
    levels = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
    mailed.page.evaluate(AXE)
    for scheme in ("light", "dark"):
        mailed.show(scheme, width)
        assert broken(mailed.page, levels) == [], scheme
    assert not mailed.page.evaluate("document.documentElement.scrollWidth > innerWidth")
