"""Every page keeps WCAG 2.2, levels A and AA, as far as programs can tell."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

import pytest
from playwright.sync_api import Page

from tests.harness.chromium import NARROW, WIDE, Tab
from tests.web.addresses import pages
from tests.web.shown_log import ShownLog

pytestmark = pytest.mark.web
AXE: Final = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
LEVELS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_OF_COLOURS: Final = ("color-contrast", "link-in-text-block")


def broken(page: Page, rules: Sequence[str]) -> list[str]:
    """Return which rules of axe-core a page breaks, their meaning, and the elements."""
    asked = {"runOnly": rules, "resultTypes": ["violations"]}
    found: list[dict[str, Any]] = page.evaluate("asked => axe.run(asked)", asked)["violations"]
    return [
        f"{each['id']}: {each['help']}: {[node['target'][0] for node in each['nodes'][:3]]}"
        for each in found
    ]


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_no_page_breaks_a_rule_of_wcag_2_2_in_light_or_dark(
    visitor: Tab, shown: ShownLog, width: int
) -> None:
    found: dict[str, list[str]] = {}
    for address, status in pages(shown).items():
        page = visitor.open(address, width=width, status=status)
        page.locator("h1").first.wait_for()  # some pages are made by their scripts
        page.evaluate(AXE)
        found[f"{address} in light"] = broken(page, LEVELS)
        visitor.show("dark", width)
        # No other rule looks at colours, so none of them could find anything else now.
        found[f"{address} in dark"] = broken(page, _OF_COLOURS)
    assert {address: rules for address, rules in found.items() if rules} == {}
    assert len(found) > 60


def test_no_page_scrolls_sideways_on_a_narrow_screen(visitor: Tab, shown: ShownLog) -> None:
    wide = []
    for address, status in pages(shown).items():
        page = visitor.open(address, width=NARROW, status=status)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(address)
    assert wide == []


def test_axe_finds_what_is_wrong(visitor: Tab) -> None:
    page = visitor.open("/organizations")
    page.evaluate(AXE)
    visitor.show("dark", WIDE)
    page.evaluate("() => { document.querySelector('h1').style.color = '#222222' }")
    page.evaluate("() => { document.querySelector('button').textContent = '' }")
    assert [each.partition(":")[0] for each in broken(page, LEVELS)] == [
        "button-name",
        "color-contrast",
    ]
