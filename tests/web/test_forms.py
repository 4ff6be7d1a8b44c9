"""Every page about the register has its JSON, and every list its CSV; what has neither says so."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.harness.served import problem
from tests.web.addresses import BROWSER, NOT_FOUND, pages
from tests.web.shown_log import ShownLog

pytestmark = pytest.mark.web
OF_THE_READER = {"/verify", "/holder"}
"""Pages about what their reader has, which the register does not know."""
RECEIPTS = "/submissions/did:key:"
"""A page about a submission, whose JSON is its receipt: one thing, and no table."""


def in_form(shown: ShownLog, address: str, ending: str) -> tuple[int, str]:
    """Return status and media type of what a browser gets at an address with an ending."""
    split = urlsplit(address)
    path = "/index" if split.path == "/" else split.path
    whole = f"{path}{ending}?{split.query}" if split.query else f"{path}{ending}"
    answer = shown.served.client.get(
        shown.served.url + whole, headers={"Accept": BROWSER}, follow_redirects=True
    )
    if ending == ".json" and answer.status_code == 200:
        answer.json()
    return answer.status_code, answer.headers["content-type"].partition(";")[0]


def test_every_page_of_the_register_has_its_json_and_every_list_its_csv(shown: ShownLog) -> None:
    asked = [address for address in pages(shown) if address not in NOT_FOUND]
    for address in asked:
        path = urlsplit(address).path
        has_table = path not in {"/", "/docs"} and not path.startswith(RECEIPTS)
        as_json, as_table = (in_form(shown, address, each) for each in (".json", ".csv"))
        if path in OF_THE_READER:
            assert {as_json, as_table} == {(406, "application/problem+json")}, address
            continue
        assert as_json == (200, "application/json"), address
        due = (200, "text/csv") if has_table else (406, "application/problem+json")
        assert as_table == due, address


def test_entries_as_text_have_no_other_form(shown: ShownLog) -> None:
    for address in ("/entries.json", "/entries.csv", "/stream.json"):
        problem(shown.served.get(address), 406, "not-acceptable")
