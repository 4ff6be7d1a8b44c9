"""The pages of a verifier and a learner in each language: on a narrow screen, and from a disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from api.web.languages import ENGLISH, languages, script_words, translations
from testamur.badges.holder_link import holder_link
from tests.harness.chromium import NARROW, PATIENCE, Tab, tab
from tests.web.given_files import evidence, file, give, verdict
from tests.web.shown_log import ShownLog

pytestmark = pytest.mark.web
OTHERS = sorted(languages().keys() - {ENGLISH})


def in_english(page: Page) -> set[str]:
    """Return the texts of the catalogue that a page shows in English, and not as English."""
    found: list[str] = page.evaluate(
        """() => {
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          const found = [];
          while (walker.nextNode()) {
            const { parentElement, data } = walker.currentNode;
            const isSaid = !parentElement.closest("script, style, code, bdi");
            if (isSaid && parentElement.closest("[lang]").lang !== "en") found.push(data.trim());
          }
          return found;
        }"""
    )
    language = page.evaluate("document.documentElement.lang")
    catalogue = translations(language)
    return {text for text in found if text and catalogue.gettext(text) not in ("", text)}


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("language", OTHERS)
def test_the_verifier_speaks_a_language_and_fits_a_narrow_screen(
    visitor: Tab, shown: ShownLog, language: str
) -> None:
    words = script_words(language)
    page = visitor.open(f"/verify?lang={language}", width=NARROW)
    expect(page.get_by_text(words["Drop files here, paste them, or choose them"])).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == language
    for name, due in (("valid", "Valid"), ("unaccredited", "Not valid")):
        give(page, file(shown, name))
        expect(page.locator(".file")).to_contain_text(name)
        assert verdict(page) == words[due]
        assert fits(page), name
    assert page.locator(".why [lang=en]").count() == 1
    give(page, file(shown, "valid"), file(shown, "revoked"))
    expect(page.locator(".many")).to_contain_text(words["File"])
    assert fits(page)
    assert in_english(page) == set()


@pytest.mark.parametrize("language", OTHERS)
def test_a_learners_page_speaks_a_language_and_keeps_the_credential_in_its_links(
    visitor: Tab, shown: ShownLog, language: str
) -> None:
    page = visitor.open(holder_link("", shown.holders["valid"]), width=NARROW)
    page.locator(".holder-head").wait_for(timeout=PATIENCE)
    page.locator(f".languages a[lang={language}]").click()
    told = script_words(language)["What the register holds about it"]
    expect(page.get_by_text(told)).to_be_visible(timeout=PATIENCE)
    assert page.evaluate("document.documentElement.lang") == language
    assert page.locator(".languages [aria-current=true]").get_attribute("lang") == language
    assert page.evaluate("location.hash.length") > 100
    assert fits(page)
    label = page.locator("label[for=with-link]").bounding_box()
    assert label is not None
    assert label["width"] > NARROW / 2, "one word a line"
    assert in_english(page) == set()


@pytest.mark.parametrize("language", OTHERS)
def test_from_a_disk_the_language_is_that_of_the_reader_or_chosen(
    browser: Browser, shown: ShownLog, tmp_path: Path, language: str
) -> None:
    kept = tmp_path / "verify.html"
    kept.write_bytes(shown.served.answer("/verify.html").content)
    words = script_words(language)
    with tab(browser, shown.served.url) as opened:
        page = opened.page
        page.set_viewport_size({"width": NARROW, "height": 900})
        page.goto(kept.as_uri())
        assert page.evaluate("document.documentElement.lang") == ENGLISH
        page.locator(f".languages a[lang={language}]").click()
        expect(page.locator("h1")).to_have_text(words["Check a credential"])
        assert page.title() == words["Check a credential"]
        assert page.evaluate("document.documentElement.lang") == language
        give(page, file(shown, "valid"), evidence(shown, "valid"))
        assert verdict(page) == words["Could not tell"]
        assert fits(page)
        assert in_english(page) == set()
