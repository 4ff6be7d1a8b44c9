"""A reader chooses the moment of a page in the page itself: without scripts, and by keyboard."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from api.web.languages import translations
from tests.harness.chromium import NARROW, Tab
from tests.web.shown_log import LONG, PROVIDER, ShownLog
from tests.web.test_accessible import AXE, LEVELS, broken
from tests.web.test_by_keyboard import says, tab_to
from tests.web.test_languages import OTHERS

pytestmark = pytest.mark.web
OPENS = "Show it as it was earlier"
NOW = "Show it as it is now"


def choose(page: Page, label: str, typed: str) -> None:
    """Type into one of the two fields, and show the page as of that."""
    forms = page.locator("details.moments")
    if forms.get_attribute("open") is None:
        forms.get_by_text(OPENS).click()
    form = forms.locator("form").filter(has=page.get_by_label(label))
    form.get_by_label(label).fill(typed)
    form.get_by_role("button", name="Show").click()


def refused(visitor: Tab) -> None:
    """Pass over what the console told of the statuses of refusals, as it should."""
    visitor.faults = [each for each in visitor.faults if "status of 4" not in each]


def minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")


# --- What cannot be shown ---


def test_a_reader_who_asks_about_what_is_to_come_is_told_so_and_asks_again(
    without_scripts: Tab, shown: ShownLog
) -> None:
    page = without_scripts.open("/organizations?role=provider")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    choose(page, "Date and time (UTC)", minute(tomorrow))
    expect(page.locator("main")).to_contain_text("That time is in the future")
    expect(page.get_by_label("Date and time (UTC)")).to_have_value(minute(tomorrow))
    choose(page, "Number of entries", str(shown.served.size + 1))
    expect(page.locator("main")).to_contain_text(f"The log has {shown.served.size} entries")
    choose(page, "Number of entries", "12")
    expect(page.locator(".notice").first).to_contain_text("As of the first")
    assert "role=provider" in page.url
    page.get_by_role("link", name=NOW).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Organizations")
    assert page.url.endswith("/organizations?role=provider")
    expect(page.locator("details.moments")).not_to_have_attribute("open", "")
    refused(without_scripts)


def test_a_browser_sends_no_empty_field(visitor: Tab) -> None:
    page = visitor.open("/log")
    page.get_by_text(OPENS).click()
    for form in page.locator("details.moments form").all():
        form.get_by_role("button", name="Show").click()
        assert page.url.endswith("/log")
        assert not form.evaluate("form => form.checkValidity()")


# --- What is shown ---


def test_a_quality_officer_sees_what_counted_before_a_key_was_declared_stolen(
    without_scripts: Tab, shown: ShownLog
) -> None:
    did = shown.long.provider.did
    listed = shown.served.answer(f"/organizations/{did}/submissions").json()["items"]
    stolen = next(each for each in listed if not each["counts"])
    verdict = "main .verdict"
    page = without_scripts.open(stolen["links"]["self"])
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 events")
    expect(page.locator(verdict)).to_contain_text("does not count")
    choose(page, "Number of entries", str(stolen["becauseOf"]["position"] - 1))
    expect(page.locator(verdict)).to_have_text("counts")
    expect(page.locator(".notice")).to_contain_text("as the address asks")
    address = page.get_by_role("link", name="JSON").get_attribute("href")
    assert shown.served.answer(str(address)).json().get("counts", True)
    choose(page, "Number of entries", str(stolen["position"]))
    expect(page.locator("main")).to_contain_text("o such submission as of size")
    page.get_by_role("link", name=NOW).click()
    expect(page.locator(verdict)).to_contain_text("does not count")
    refused(without_scripts)


def test_a_search_is_repeated_as_of_another_moment(visitor: Tab, shown: ShownLog) -> None:
    page = visitor.open("/organizations?name=institute")
    expect(page.locator("main")).to_contain_text(LONG[:40])
    choose(page, "Number of entries", "7")
    expect(page.locator("main")).to_contain_text("Nothing was found.")
    expect(page.get_by_label("Name", exact=True)).to_have_value("institute")
    choose(page, "Date and time (UTC)", minute(datetime.now(UTC)))
    expect(page.locator(".notice")).to_be_visible()
    assert re.search(r"\?name=institute&at=[0-9T:-]{16}:00Z$", page.url)


def test_the_moment_of_a_page_is_chosen_by_keyboard_on_a_narrow_screen(
    visitor: Tab, shown: ShownLog
) -> None:
    page = visitor.open(f"/credentials/{shown.holders['revoked'].id}", width=NARROW)
    tab_to(page, says(OPENS))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Number of entries")).to_be_visible()
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.evaluate(AXE)
    assert broken(page, LEVELS) == []
    tab_to(page, lambda focused: focused["type"] == "number")
    page.keyboard.type(str(shown.served.size))
    page.keyboard.press("Enter")
    expect(page.locator(".notice").first).to_contain_text("as the address asks")
    expect(page.locator("main")).to_contain_text(PROVIDER)


@pytest.mark.parametrize("language", OTHERS)
def test_the_language_of_a_page_stays(visitor: Tab, shown: ShownLog, language: str) -> None:
    told = translations(language).gettext
    page = visitor.open(f"/credentials/{shown.holders['valid'].id}?lang={language}", width=NARROW)
    page.get_by_text(told(OPENS)).click()
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.get_by_label(told("Number of entries")).fill(str(shown.served.size))
    page.keyboard.press("Enter")
    expect(page.locator(".notice").first).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == language
