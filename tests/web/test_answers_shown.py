"""Answers are accessible as the pages are, print on one page, and come soon, however many."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from playwright.sync_api import Browser, Page, expect

from testamur.badges.commitment import render_holder_file
from testamur.badges.holder_link import holder_link
from tests.harness.awards import awards
from tests.harness.chromium import NARROW, PATIENCE, SCHEMES, WIDE, Scheme, Tab, tab
from tests.harness.served import Served
from tests.web.given_files import evidence, file, give, verdict
from tests.web.shown_log import ShownLog
from tests.web.test_accessible import AXE, LEVELS, broken

pytestmark = pytest.mark.web
MANY = 500
SOON = 10.0  # seconds of a processor


def of_one(page: Page, shown: ShownLog, name: str) -> None:
    give(page, file(shown, name))
    verdict(page)
    for part in page.locator("details").all():
        part.evaluate("part => part.open = true")


def of_a_person(page: Page, shown: ShownLog) -> None:
    of_one(page, shown, "valid")
    page.get_by_label("E-mail address").fill("revoked@learner.example")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".whose .found")).to_be_visible()


def of_many(page: Page, shown: ShownLog) -> None:
    give(page, *(file(shown, name) for name in ("valid", "revoked", "bent", "unaccredited")))
    page.get_by_role("button", name="bent.json").click()
    verdict(page)


def of_a_link(page: Page, shown: ShownLog, name: str) -> None:
    page.goto("about:blank")
    page.goto(holder_link(shown.served.url, shown.holders[name]))
    page.locator(".holder-head").wait_for(timeout=PATIENCE)
    for part in page.locator("details").all():
        part.evaluate("part => part.open = true")


STATES: dict[str, Callable[[Page, ShownLog], None]] = {
    "valid": lambda page, shown: of_one(page, shown, "valid"),
    "revoked": lambda page, shown: of_one(page, shown, "revoked"),
    "another person's": of_a_person,
    "many": of_many,
    "a link": lambda page, shown: of_a_link(page, shown, "valid"),
    "a link to what was revoked": lambda page, shown: of_a_link(page, shown, "revoked"),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_no_answer_breaks_a_rule_of_wcag_2_2_in_light_or_dark(
    visitor: Tab, shown: ShownLog, state: str, width: int
) -> None:
    page = visitor.open("/verify", width=width)
    STATES[state](page, shown)
    page.evaluate(AXE)
    found = {}
    for scheme in SCHEMES:
        visitor.show(scheme, width)
        found[scheme] = broken(page, LEVELS)
    assert found == {"light": [], "dark": []}
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["valid", "revoked"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_answer_is_printed_on_one_page(
    visitor: Tab, shown: ShownLog, name: str, scheme: Scheme
) -> None:
    page = visitor.open("/verify", scheme=scheme)
    give(page, file(shown, name))
    verdict(page)
    with pikepdf.open(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True))) as printed:
        assert len(printed.pages) == 1


# --- How soon ---


def test_an_answer_takes_no_longer_than_a_moment(visitor: Tab, shown: ShownLog) -> None:
    page = visitor.open("/verify")
    took = page.evaluate(
        """async ([holder, evidence, key]) => {
          const { read, judge } = await import(
            document.querySelector('link[href$="verify/verify.mjs"]').href);
          const bytes = (text) => new TextEncoder().encode(text);
          const policy = await read(bytes(key), "key");
          const times = [];
          for (let at = 0; at < 20; at += 1) {
            const begun = performance.now();
            const file = await read(bytes(holder), "holder");
            const about = await read(bytes(evidence), "evidence");
            const report = await judge({ file, evidence: [about], policy });
            times.push(performance.now() - begun);
            if (report.verdict !== "could-not-tell") throw new Error(report.why);
          }
          return times.sort((one, other) => one - other)[10];
        }""",
        [
            shown.file("valid").decode(),
            evidence(shown, "valid")["buffer"].decode(),
            shown.served.vkey,
        ],
    )
    assert took < 50


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server of a log with hundreds of credentials, and their holder files in a folder."""
    folder = tmp_path_factory.mktemp("many")
    served = Served(folder / "data")
    story, prepared = served.story, awards(served.story, MANY)
    served.init()
    served.record(*story.opening()[1:], story.submission(story.provider, *prepared.events))
    files = folder / "files"
    files.mkdir()
    for at, holder in enumerate(prepared.holders):
        (files / f"{at}.json").write_bytes(render_holder_file(holder))
    with served.running():
        yield served, sorted(files.iterdir())
    served.close()


def test_hundreds_of_files_are_checked_in_seconds(
    browser: Browser, many: tuple[Served, list[Path]]
) -> None:
    served, files = many
    with tab(browser, served.url) as opened:
        page = opened.open("/verify")
        before = processor_time(page, served)
        page.set_input_files("#files", files)
        expect(page.locator(".many tbody tr")).to_have_count(MANY, timeout=2 * PATIENCE)
        # Of page and server together, as if they shared a processor: others may be busy meanwhile.
        took = processor_time(page, served) - before
        assert page.locator(".counts").inner_text().endswith(f"Valid: {MANY}")
    assert took < SOON


def processor_time(page: Page, served: Served) -> float:
    """Return the seconds that the thread of the page and the process of the server took."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    metrics = session.send("Performance.getMetrics")["metrics"]
    of_page = next(each["value"] for each in metrics if each["name"] == "TaskDuration")
    assert served.process is not None
    fields = Path(f"/proc/{served.process.pid}/stat").read_text().rpartition(")")[2].split()
    ticks = sum(map(int, fields[11:13]))
    return float(of_page) + ticks / os.sysconf("SC_CLK_TCK")
