"""The harness itself: a tab fails on what a page must not do, and notes all that it asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.harness.chromium import NARROW, Tab, tab
from tests.web.shown_log import STATUSES, ShownLog

pytestmark = pytest.mark.web


def test_a_tab_notes_every_request(visitor: Tab) -> None:
    visitor.open("/organizations")
    asked = [request.url.removeprefix(visitor.origin) for request in visitor.requests]
    assert asked[0] == "/organizations"
    assert any(each.endswith("/style.css") for each in asked)


def test_a_page_is_shown_in_dark_colours_and_at_a_width(visitor: Tab) -> None:
    page = visitor.open("/", scheme="dark", width=NARROW)
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    assert page.evaluate("innerWidth") == NARROW
    visitor.show("light", NARROW)
    assert page.evaluate(background) != dark


@pytest.mark.parametrize(
    ("script", "heard", "fault"),
    [
        ("document.body.setAttribute('style', 'color: red')", "console", "Content Security Policy"),
        ("document.body.innerHTML = '<b>x</b>'", "console", "TrustedHTML"),
        ("fetch('http://127.0.0.1:9/').catch(() => 0)", "console", "Content Security Policy"),
        ("fetch('/nothing.mjs')", "console", "404"),
        ("console.error('it failed')", "console", "it failed"),
        ("throw new Error('nobody caught it')", "pageerror", "nobody caught it"),
    ],
    ids=("style", "markup", "elsewhere", "missing", "console", "error"),
)
def test_what_a_page_must_not_do_fails_its_test(
    browser: Browser,
    shown: ShownLog,
    script: str,
    heard: Literal["console", "pageerror"],
    fault: str,
) -> None:
    with pytest.raises(AssertionError, match=fault), tab(browser, shown.served.url) as opened:
        run(opened.open("/organizations"), script, heard)


def run(page: Page, script: str, heard: Literal["console", "pageerror"]) -> None:
    """Run a script in a page, and wait until something is heard of it."""
    with page.expect_event(heard):
        page.evaluate(f"() => {{ setTimeout(() => {{ {script} }}) }}")


def test_what_is_asked_of_another_server_fails_its_test(browser: Browser, shown: ShownLog) -> None:
    with (
        pytest.raises(AssertionError, match="asked elsewhere"),
        tab(browser, "http://other.example") as opened,
    ):
        opened.page.goto(shown.served.url)


def test_no_script_runs_where_none_may(without_scripts: Tab, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<title>before</title><script>document.title = 'after'</script>")
    without_scripts.page.goto(file.as_uri())
    assert without_scripts.page.title() == "before"


def test_the_log_holds_what_pages_show(shown: ShownLog) -> None:
    for name in STATUSES:
        answer = shown.served.answer(f"/credentials/{shown.holders[name].id}").json()
        due = {"valid": "active", "successor": "active", "unaccredited": "active"}.get(name, name)
        assert answer["status"] == due, name
    flags = shown.served.answer(f"/credentials/{shown.holders['unaccredited'].id}").json()["flags"]
    assert flags == ["no-accreditation-claimed"]
