"""Everything on the pages for files is done by keyboard, and one sees where one is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from testamur.badges.holder_link import holder_link
from tests.harness.chromium import PATIENCE, SCHEMES, Scheme, Tab
from tests.web.given_files import content, file, give, verdict
from tests.web.shown_log import ShownLog

pytestmark = pytest.mark.web
_MOST = 80
_FOCUSED = """() => {
  const { tagName, id, textContent, type } = document.activeElement;
  const style = getComputedStyle(document.activeElement);
  const isSeen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const { width, height } = document.activeElement.getBoundingClientRect();
  return { tag: tagName, id, text: textContent.trim(), type, isSeen, isThere: width * height > 0 };
}"""


def tab_to(page: Page, wanted: Callable[[dict[str, object]], bool]) -> None:
    """Press Tab until an element has the focus, and fail where one does not see which has it."""
    for _ in range(_MOST):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        if focused["tag"] == "BODY":
            continue
        assert focused["isSeen"], focused
        assert focused["isThere"], focused
        if wanted(focused):
            return
    raise AssertionError(f"not reached by Tab: {page.evaluate(_FOCUSED)}")


def says(text: str) -> Callable[[dict[str, object]], bool]:
    return lambda focused: str(focused["text"]) == text


def has_id(name: str) -> Callable[[dict[str, object]], bool]:
    return lambda focused: focused["id"] == name


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_credential_is_checked_from_the_front_page_on(
    visitor: Tab, shown: ShownLog, scheme: Scheme
) -> None:
    page = visitor.open("/", scheme=scheme)
    tab_to(page, says("Verify"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/verify")
    page.locator("#files").wait_for(timeout=PATIENCE)
    tab_to(page, says("Or paste a text or a link"))
    page.keyboard.press("Enter")
    tab_to(page, has_id("pasted"))
    page.keyboard.insert_text(content(shown, "valid").decode())
    tab_to(page, says("Check"))
    page.keyboard.press("Enter")
    assert verdict(page) == "Valid"
    tab_to(page, has_id("learner"))
    page.keyboard.insert_text("valid@learner.example")
    page.keyboard.press("Enter")
    expect(page.locator(".whose .found")).to_contain_text("this person")
    tab_to(page, says("The cryptography"))
    page.keyboard.press("Enter")
    expect(page.locator("details.cryptography")).to_have_attribute("open", "")


def test_of_many_files_one_is_opened(visitor: Tab, shown: ShownLog) -> None:
    page = visitor.open("/verify")
    give(page, file(shown, "valid"), file(shown, "revoked"))
    page.locator(".many").wait_for(timeout=PATIENCE)
    tab_to(page, says("revoked.json"))
    page.keyboard.press("Enter")
    assert verdict(page) == "Not valid"
    assert page.evaluate("document.activeElement.className") == "verdict-words"


def test_every_control_of_the_holders_page_is_reached(visitor: Tab, shown: ShownLog) -> None:
    page = visitor.open(holder_link("", shown.holders["valid"]))
    page.locator(".holder-head").wait_for(timeout=PATIENCE)
    for words in (
        "Credential (JSON)",
        "Picture (PNG)",
        "Picture (SVG)",
        "Evidence for offline checking",
    ):
        tab_to(page, says(words))
    for name in ("link", "entry", "with-link", "credential-id", "credential-position"):
        tab_to(page, has_id(name))


def test_the_verdict_is_told_to_those_who_do_not_see_it(visitor: Tab, shown: ShownLog) -> None:
    page = visitor.open("/verify")
    told = page.locator("[role=status]")
    expect(told).to_have_count(1)
    assert (
        page.evaluate("getComputedStyle(document.querySelector('[role=status]')).display") != "none"
    )
    for name, words in (("valid", "Valid. Every check holds."), ("revoked", "Not valid. ")):
        give(page, file(shown, name))
        expect(told).to_contain_text(words)
