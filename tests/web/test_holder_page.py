"""The holder's page shows what a link carries, and makes of it all that a learner hands on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import zxingcpp
from playwright.sync_api import Browser, Locator, Page, Route, expect

from testamur.badges.commitment import HolderFile, read_holder_file, render_holder_file
from testamur.badges.holder_link import MAX_IN_QR, holder_link, read_holder_link
from tests.harness.chromium import PATIENCE, SCHEMES, Tab, tab
from tests.web.given_files import file, give, refuse_leaks, verdict
from tests.web.shown_log import ShownLog

pytestmark = pytest.mark.web


@pytest.fixture
def saving(browser: Browser, shown: ShownLog, tmp_path: Path) -> Iterator[Tab]:
    """A tab that may save files."""
    with tab(browser, shown.served.url, downloads=tmp_path) as opened:
        yield opened


def link(shown: ShownLog, name: str) -> str:
    """Return the address of the page with a credential, from the origin on."""
    return holder_link("", shown.holders[name])


def opened(visitor: Tab, shown: ShownLog, name: str, **options: Any) -> Page:
    page = visitor.open(link(shown, name), **options)
    page.locator(".holder-head").wait_for(timeout=PATIENCE)
    return page


def saved(page: Page, words: str) -> bytes:
    """Return the file that is saved by a link or button with these words."""
    with page.expect_download() as download:
        page.locator(f"text={words}").first.click()
    return download.value.path().read_bytes()


def shown_code(picture: Locator) -> str:
    """Return what a QR code says that a page shows, read off the screen."""
    from io import BytesIO

    from PIL import Image

    (found,) = zxingcpp.read_barcodes(Image.open(BytesIO(picture.screenshot())))
    return str(found.text)


# --- What it shows ---


@pytest.mark.parametrize(
    ("name", "due"), [("valid", "Valid"), ("revoked", "Not valid"), ("unaccredited", "Not valid")]
)
def test_a_link_shows_its_badge_with_its_answer(
    visitor: Tab, shown: ShownLog, name: str, due: str
) -> None:
    page = opened(visitor, shown, name)
    expect(page.get_by_role("heading", level=1)).to_have_text("Soil Science")
    expect(page.locator(".badge-verdict strong")).to_contain_text(due)
    expect(page.locator("svg.badge-picture title")).to_have_text("Soil Science")
    expect(page.locator(".holder-head")).to_contain_text("Harbour Polytechnic")
    assert page.locator("li", has_text="revoked → revoked").count() == (name == "revoked")


def test_no_request_carries_what_the_link_does(visitor: Tab, shown: ShownLog) -> None:
    page = opened(visitor, shown, "valid")
    expect(page.get_by_role("heading", name="What the register holds about it")).to_be_visible()
    holder = shown.holders["valid"]
    refuse_leaks(visitor, holder.blind, link(shown, "valid").split("#1.")[1].encode())
    about = [each.url for each in visitor.requests if "/credentials/" in each.url]
    assert {each.removeprefix(visitor.origin) for each in about} == {
        f"/credentials/{holder.id}{part}" for part in ("", "/evidence", "/history")
    }


def test_the_page_names_whom_to_turn_to_if_it_is_wrong(visitor: Tab, shown: ShownLog) -> None:
    page = opened(visitor, shown, "valid")
    part = page.locator("section", has_text="If it is wrong").last
    story = shown.served.story
    for party in (story.provider, story.accreditor, story.authority):
        assert part.locator(f"a[href='/organizations/{party.did}']").count() == 1
    assert page.input_value("#credential-id") == shown.holders["valid"].id


@pytest.mark.parametrize(
    "bend",
    [lambda text: text[:-30], lambda text: text.replace("#1.", "#2."), lambda text: text + "A"],
)
def test_a_link_that_was_damaged_on_its_way_could_not_be_told(
    visitor: Tab, shown: ShownLog, bend: Any
) -> None:
    page = visitor.open(bend(link(shown, "valid")))
    assert verdict(page) == "Could not tell"
    expect(page.locator(".why")).to_contain_text("holder-link")


def test_of_a_file_that_was_changed_nothing_is_shown_as_true(visitor: Tab, shown: ShownLog) -> None:
    bent = read_holder_file(shown.bent("valid"))
    page = visitor.open(holder_link("", bent))
    assert verdict(page) == "Not valid"
    assert page.locator("svg.badge-picture").count() == 0
    assert "Advanced Soil Science" not in page.locator(".told").inner_text()


@pytest.mark.parametrize(
    ("status", "due"),
    [
        (404, "It holds nothing under this number."),
        (429, "nothing is known about it"),
        (503, "nothing is known about it"),
        (None, "nothing is known about it"),
    ],
)
def test_a_register_that_does_not_answer_is_not_said_to_hold_nothing(
    visitor: Tab, shown: ShownLog, status: int | None, due: str
) -> None:
    def answer(route: Route) -> None:
        route.abort() if status is None else route.fulfill(status=status, body="")

    visitor.page.route("**/history", answer)
    page = opened(visitor, shown, "valid")
    expect(page.locator("section[aria-labelledby=log]")).to_contain_text(due)
    assert "Valid" in page.locator(".badge-verdict").inner_text()
    visitor.faults = [each for each in visitor.faults if "Failed to load resource" not in each]


def test_without_a_link_a_file_is_taken(visitor: Tab, shown: ShownLog) -> None:
    page = visitor.open("/holder")
    give(page, file(shown, "valid"))
    page.locator(".holder-head").wait_for(timeout=PATIENCE)
    assert page.input_value("#link").startswith(f"{visitor.origin}/holder#1.")


def test_without_scripts_the_page_says_what_it_needs(without_scripts: Tab, shown: ShownLog) -> None:
    page = without_scripts.open(link(shown, "valid"))
    text = page.locator("main").inner_text()
    assert "was not sent to this register" in text
    assert "testamur verify FILE" in text


# --- What it makes ---


def test_the_files_that_it_makes_hold_the_credential(saving: Tab, shown: ShownLog) -> None:
    page = opened(saving, shown, "valid")
    holder = shown.holders["valid"]
    as_json = saved(page, "Credential (JSON)")
    assert as_json == render_holder_file(holder)
    for words, start in (("Picture (PNG)", b"\x89PNG"), ("Picture (SVG)", b"<svg")):
        picture = saved(page, words)
        assert picture.startswith(start)
        assert render_holder_file(read_holder_file(picture)) == as_json
    evidence = json.loads(saved(page, "Evidence for offline checking"))
    assert evidence["credential"] == holder.id


def test_a_picture_that_it_made_is_taken_by_the_verifier(saving: Tab, shown: ShownLog) -> None:
    picture = saved(opened(saving, shown, "valid"), "Picture (PNG)")
    page = saving.open("/verify")
    give(page, {"name": "badge.png", "mimeType": "image/png", "buffer": picture})
    assert verdict(page) == "Valid"


def test_the_png_shows_the_picture_and_not_nothing(saving: Tab, shown: ShownLog) -> None:
    from io import BytesIO

    from PIL import Image

    picture = Image.open(BytesIO(saved(opened(saving, shown, "valid"), "Picture (PNG)")))
    assert picture.size == (600, 600)
    assert len(picture.convert("RGB").getcolors(600 * 600) or ()) > 50


def test_its_link_carries_the_same_credential(visitor: Tab, shown: ShownLog) -> None:
    page = opened(visitor, shown, "valid")
    made = page.input_value("#link")
    assert made.startswith(f"{visitor.origin}/holder#1.")
    again = read_holder_link(made)
    assert render_holder_file(again) == shown.file("valid")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_code_says_the_link(visitor: Tab, shown: ShownLog, scheme: Any) -> None:
    page = opened(visitor, shown, "valid", scheme=scheme)
    made = page.input_value("#link")
    assert len(made) <= MAX_IN_QR
    assert shown_code(page.locator("svg.qr")) == made


def test_the_code_of_a_longer_link_says_the_public_entry(visitor: Tab, shown: ShownLog) -> None:
    holder = shown.holders["valid"]
    noise = "".join(f"{at * at:x}" for at in range(1, 900))
    longer = HolderFile(
        blind=holder.blind,
        # The proof is not under the commitment.
        credential={**holder.credential, "proof": [{"type": "x", "note": noise}]},
        id=holder.id,
        log=holder.log,
    )
    assert len(holder_link(visitor.origin, longer)) > MAX_IN_QR
    page = visitor.open(holder_link("", longer))
    page.locator(".holder-head").wait_for(timeout=PATIENCE)
    assert shown_code(page.locator("svg.qr")) == f"{visitor.origin}/credentials/{holder.id}"


def test_the_form_of_linkedin_is_filled_in_with_what_is_shown_to_copy(
    visitor: Tab, shown: ShownLog
) -> None:
    page = opened(visitor, shown, "valid")
    holder = shown.holders["valid"]
    button = page.get_by_role("link", name="Add to your LinkedIn profile")
    split = urlsplit(str(button.get_attribute("href")))
    values = {name: value for name, (value,) in parse_qs(split.query).items()}
    assert f"{split.scheme}://{split.netloc}{split.path}" == (
        "https://www.linkedin.com/profile/add"
    )
    entry = f"{visitor.origin}/credentials/{holder.id}"
    assert values == {
        "startTask": "CERTIFICATION_NAME",
        "name": "Soil Science",
        "organizationName": "Harbour Polytechnic",
        "issueYear": "2026",
        "issueMonth": "11",
        "certId": holder.id,
        "certUrl": page.input_value("#link"),
    }
    page.get_by_text("Or copy the values").click()
    shown_values = [each.input_value() for each in page.locator("[id^=linkedin-]").all()]
    assert set(values.values()) - {"CERTIFICATION_NAME", "2026", "11"} <= {*shown_values}
    page.get_by_label("Let visitors check it").uncheck()
    href = str(page.get_by_role("link", name="Add to your LinkedIn profile").get_attribute("href"))
    assert parse_qs(urlsplit(href).query)["certUrl"] == [entry]
