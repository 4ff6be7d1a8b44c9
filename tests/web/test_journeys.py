"""Four people get their answer, each from the front page on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from testamur.badges.commitment import read_holder_file
from testamur.badges.holder_link import holder_link
from tests.harness.chromium import Tab, tab
from tests.web.given_files import file, give, paste, refuse_leaks, verdict
from tests.web.shown_log import ACCREDITOR, LONG, PROVIDER, ShownLog

pytestmark = pytest.mark.web


@pytest.fixture
def saving(browser: Browser, shown: ShownLog, tmp_path: Path) -> Iterator[Tab]:
    """A tab that may save files."""
    with tab(browser, shown.served.url, downloads=tmp_path) as opened:
        yield opened


def look_up(page: Page, text: str) -> None:
    """Type a text into the box of the front page."""
    page.fill("#q", text)
    page.get_by_role("search").last.get_by_role("button", name="Find").click()


def test_an_employer_learns_which_of_four_files_to_believe_whose_it_is_and_who_stands_behind_it(
    visitor: Tab, shown: ShownLog
) -> None:
    page = visitor.open("/")
    page.get_by_role("navigation").first.get_by_role("link", name="Verify").click()
    page.wait_for_url("**/verify")
    for name in ("revoked", "unaccredited", "bent"):
        give(page, file(shown, name))
        expect(page.locator("article.answer")).to_contain_text(f"{name}.json")
        assert verdict(page) == "Not valid"
    give(page, file(shown, "valid"))
    expect(page.locator("article.answer")).to_contain_text("valid.json")
    assert verdict(page) == "Valid"
    for address, words in (("other", "another person"), ("valid", "It is this person")):
        page.get_by_label("E-mail address").fill(f"{address}@learner.example")
        page.get_by_role("button", name="Compare").click()
        expect(page.locator(".whose .found")).to_contain_text(words)
    refuse_leaks(visitor, shown.holders["valid"].blind, b"valid@learner.example")
    page.locator("article.answer").get_by_role("link", name=ACCREDITOR).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(ACCREDITOR)


def test_a_learner_sees_in_the_box_that_the_link_holds_and_keeps_what_it_carries(
    saving: Tab, shown: ShownLog
) -> None:
    holder = shown.holders["valid"]
    page = saving.open("/")
    paste(page, holder_link(saving.origin, holder), "#q")
    assert verdict(page) == "Valid"
    page = saving.open(holder_link("", holder))
    expect(page.get_by_role("heading", level=1)).to_have_text("Soil Science")
    with page.expect_download() as download:
        page.get_by_text("JSON", exact=False).first.click()
    assert read_holder_file(download.value.path().read_bytes()) == holder
    refuse_leaks(saving, holder.blind)


def test_a_quality_officer_finds_the_provider_whose_accreditation_is_suspended_and_what_is_flagged(
    visitor: Tab, shown: ShownLog
) -> None:
    page = visitor.open("/")
    look_up(page, ACCREDITOR)
    page.locator("main").get_by_role("link", name=ACCREDITOR).first.click()
    providers = page.get_by_role("row").filter(has_text=LONG)
    expect(providers.first).to_contain_text("suspended")
    expect(page.get_by_role("row").filter(has_text=PROVIDER).first).to_contain_text("active")
    page.get_by_role("row").filter(has_text=PROVIDER).first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(PROVIDER)
    page.get_by_role("link", name="no-accreditation-claimed").first.click()
    expect(page.locator("main")).to_contain_text(re.compile("no-accreditation-claimed"))
    assert shown.holders["unaccredited"].id[-6:] in page.content()


def test_a_registrar_finds_what_was_recorded_its_proof_and_what_a_refusal_means(
    visitor: Tab, shown: ShownLog
) -> None:
    page = visitor.open("/")
    look_up(page, shown.holders["valid"].id)
    page.locator("main").get_by_role("link", name=re.compile("^[0-9]+$")).first.click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(re.compile("^Entry [0-9]+$"))
    expect(page.locator("main")).to_contain_text(f"{heading.inner_text()} leads to the root")
    page.get_by_role("link", name="the whole submission").click()
    expect(page.locator("main")).to_contain_text(PROVIDER)
    page.get_by_role("navigation").first.get_by_role("link", name="API").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page = visitor.open("/credentials/none", status=422)
    expect(page.locator("main")).to_contain_text("What to do")
    page.get_by_role("link", name=re.compile("credential-id|parameter|id")).first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
