"""The one box of the front page: a text is looked up, a credential is checked, and stays here."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from testamur.badges.holder_link import holder_link
from tests.harness.chromium import Tab
from tests.web.given_files import content, file, give, paste, refuse_leaks, verdict
from tests.web.shown_log import ShownLog

pytestmark = pytest.mark.web
FIELDS = ("#q", "#find")


def test_a_file_that_is_chosen_there_is_checked_there(visitor: Tab, shown: ShownLog) -> None:
    page = visitor.open("/")
    give(page, file(shown, "revoked"))
    assert verdict(page) == "Not valid"
    refuse_leaks(visitor, shown.holders["revoked"].blind)


@pytest.mark.parametrize("where", [*FIELDS, "body"])
def test_a_credential_that_is_pasted_anywhere_is_checked_and_not_looked_up(
    visitor: Tab, shown: ShownLog, where: str
) -> None:
    page = visitor.open("/")
    paste(page, content(shown, "valid").decode(), where)
    assert verdict(page) == "Valid"
    assert [page.input_value(each) for each in FIELDS] == ["", ""]
    refuse_leaks(visitor, shown.holders["valid"].blind)


@pytest.mark.parametrize("where", FIELDS)
def test_a_link_that_is_pasted_into_a_field_is_checked(
    visitor: Tab, shown: ShownLog, where: str
) -> None:
    page = visitor.open("/")
    paste(page, holder_link("https://mirror.example", shown.holders["valid"]), where)
    assert verdict(page) == "Valid"
    refuse_leaks(visitor, shown.holders["valid"].blind)


def test_a_name_is_looked_up(visitor: Tab) -> None:
    page = visitor.open("/")
    paste(page, "Harbour", "#q")
    page.fill("#q", "Harbour")
    page.get_by_role("search").last.get_by_role("button", name="Find").click()
    page.wait_for_url("**/organizations?name=Harbour")
    expect(page.locator("main")).to_contain_text("Harbour Polytechnic")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("address", ["/", "/organizations"])
def test_a_credential_is_not_sent_even_where_no_script_runs(
    without_scripts: Tab, shown: ShownLog, address: str, field: str
) -> None:
    page = without_scripts.open(address)
    if page.locator(field).count() == 0:
        return
    loaded = len(without_scripts.requests)
    link = holder_link(without_scripts.origin, shown.holders["valid"])
    for text in (content(shown, "valid").decode(), link):
        page.fill(field, text[:200])  # more has no room
        page.press(field, "Enter")
        assert page.locator(f"{field}:invalid").count() == 1
    assert len(without_scripts.requests) == loaded


def test_without_scripts_the_box_looks_up_and_leads_to_the_verifier(
    without_scripts: Tab,
) -> None:
    page = without_scripts.open("/")
    assert page.locator("main a[href='/verify']").count() == 1
    page.fill("#q", "Harbour")
    page.press("#q", "Enter")
    page.wait_for_url("**/organizations?name=Harbour")
