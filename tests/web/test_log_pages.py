"""The pages of the log: every proof is computed again in the browser, and refuted if it is bent."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from testamur.tlog.reader import LogReader
from tests.harness.chromium import Tab, tab
from tests.harness.served import Served
from tests.web.shown_log import PROVIDER, ShownLog

pytestmark = pytest.mark.web


def computed(page: Page, section: str) -> str:
    """Return what the page says that it computed in a section, once it has."""
    found = page.locator(f"{section} .recomputed .found")
    expect(found).to_be_visible()
    return found.inner_text()


# --- What holds ---


@pytest.mark.parametrize("position", [0, 1, 12, 255, 256, 340])
def test_an_entry_is_computed_up_to_the_signed_root(
    visitor: Tab, shown: ShownLog, position: int
) -> None:
    page = visitor.open(f"/entries/{position}")
    size = shown.served.size
    due = f"Entry {position} leads to the root that the log signed for {size} entries."
    assert computed(page, "[data-inclusion]") == f"Computed in this browser: {due}"
    assert f"this checkpoint of {size} entries" in computed(page, "section:has([data-note])")
    hashes = page.locator(".hashes td code").all_inner_texts()
    boxes = page.locator(".proof-tree g").count()
    assert boxes == 2 * len(hashes) + 1
    short = [f"{each[:8]}…" for each in hashes]
    given = page.locator(".proof-tree .given .hash").all_text_contents()
    assert sorted(given) == sorted(short)


def test_an_entry_in_an_earlier_tree_is_led_on_to_the_signed_one(visitor: Tab) -> None:
    page = visitor.open("/entries/12?size=100")
    assert "which the signed tree extends" in computed(page, "[data-inclusion]")
    assert "begins with the tree of" in computed(page, "[data-growth]")


@pytest.mark.parametrize("earlier", [1, 2, 100, 256, 300])
def test_the_growth_of_the_log_is_computed(visitor: Tab, shown: ShownLog, earlier: int) -> None:
    page = visitor.open(f"/consistency?earlier={earlier}")
    due = f"The tree of {shown.served.size} entries begins with the tree of {earlier}."
    assert computed(page, "[data-growth]").endswith(due)


def test_a_log_extends_itself_and_the_empty_one(visitor: Tab, shown: ShownLog) -> None:
    page = visitor.open("/consistency?earlier=0")
    assert "Every log extends the empty one." in computed(page, "[data-growth]")
    page = visitor.open(f"/consistency?earlier={shown.served.size}")
    assert "begins with the tree of" in computed(page, "[data-growth]")


# --- What does not hold ---


def bent(page: Page, address: str, before: str, after: str) -> None:
    """Have the server send the page at `address` with another text in it."""

    def answer(route: Route) -> None:
        sent = route.fetch()
        assert before in sent.text()
        route.fulfill(response=sent, body=sent.text().replace(before, after))

    page.route(f"**{address}", answer)


def other(digest: str) -> str:
    """Return a hash that differs in one digit."""
    return digest[:-1] + ("0" if digest[-1] != "0" else "1")


def test_another_entry_does_not_lead_to_the_root(visitor: Tab, shown: ShownLog) -> None:
    told = shown.served.answer("/entries/12").json()
    leaf = base64.b64decode(told["leaf"]).hex()
    bent(visitor.page, "/entries/12", leaf, other(leaf))
    page = visitor.open("/entries/12")
    assert computed(page, "[data-inclusion]").startswith("It does not hold: the hash of the entry")


def test_another_hash_on_the_way_does_not_lead_to_the_root(visitor: Tab, shown: ShownLog) -> None:
    told = shown.served.answer("/entries/12").json()
    digest = base64.b64decode(told["path"][3]["hash"]).hex()
    bent(visitor.page, "/entries/12", digest, other(digest))
    page = visitor.open("/entries/12")
    assert computed(page, "[data-inclusion]").startswith(
        "It does not hold: the proof leads to root"
    )
    assert page.locator(".proof-tree").count() == 0


def test_a_root_that_the_log_did_not_sign_is_refuted(visitor: Tab, shown: ShownLog) -> None:
    told = shown.served.answer("/consistency?earlier=100").json()
    digest = base64.b64decode(told["root"]).hex()
    bent(visitor.page, "/consistency?earlier=100", digest, other(digest))
    page = visitor.open("/consistency?earlier=100")
    assert computed(page, "[data-growth]").startswith("It does not hold: the log signed root")


def test_a_signature_that_is_none_is_refuted_and_nothing_holds(
    visitor: Tab, shown: ShownLog
) -> None:
    note = shown.served.get("/log/checkpoint").text
    root = note.split("\n")[2]
    bent(visitor.page, "/entries/12", root, base64.b64encode(bytes(32)).decode())
    page = visitor.open("/entries/12")
    for section in ("[data-inclusion]", "section:has([data-note])"):
        assert "did not sign this text" in computed(page, section)


def test_where_the_browser_lacks_ed25519_it_could_not_be_checked(visitor: Tab) -> None:
    visitor.page.add_init_script(
        """SubtleCrypto.prototype.importKey = () =>
          Promise.reject(new DOMException("", "NotSupportedError"));"""
    )
    page = visitor.open("/entries/12")
    assert computed(page, "[data-inclusion]").startswith("Could not check:")


# --- A checkpoint that the reader kept ---


def compared(page: Page, note: str) -> str:
    page.get_by_label("The signed checkpoint, as you kept it").fill(note)
    page.get_by_role("button", name="Compare").click()
    return computed(page, "#kept")


@pytest.fixture
def grown(
    browser: Browser, grown_log: Served, tmp_path: Path
) -> Iterator[tuple[Served, Tab, str, int]]:
    """A log that has grown since a checkpoint was kept, a tab on it, that checkpoint, its size."""
    with closing(grown_log.copy(tmp_path / "data")) as served, served.running():
        note, size = served.get("/log/checkpoint").text, served.size
        served.submit(served.story.cohort(5))
        with tab(browser, served.url) as opened:
            yield served, opened, note, size


def test_the_reader_sees_that_the_log_only_grew_since_a_kept_checkpoint(
    grown: tuple[Served, Tab, str, int],
) -> None:
    served, opened, note, size = grown
    page = opened.open("/log")
    due = f"The log only grew, from your {size} entries to {served.size}."
    assert compared(page, note).endswith(due)
    newest = served.get("/log/checkpoint").text
    assert f"from your {served.size} entries" in compared(page, newest)
    assert compared(page, "not a note").startswith("It does not hold: a note has an empty line")
    other_size = note.replace(f"\n{size}\n", f"\n{size + 1}\n")
    assert "did not sign this text" in compared(page, other_size)


def test_a_server_that_proves_another_history_is_refuted(
    grown: tuple[Served, Tab, str, int],
) -> None:
    served, opened, note, size = grown
    asked = f"/consistency?earlier={size}&size={served.size}"
    given = served.answer(asked).json()["path"][-1]["hash"]
    bent(opened.page, asked, given, base64.b64encode(bytes(32)).decode())
    page = opened.open("/log")
    assert compared(page, note).startswith("It does not hold: the proof leads to root")


# --- Without scripts, and for programs ---


def test_without_scripts_the_proof_stands_in_the_page(
    without_scripts: Tab, shown: ShownLog
) -> None:
    told = shown.served.answer("/entries/12").json()
    text = without_scripts.open("/entries/12").locator("main").inner_text()
    assert told["entry"] in text
    for each in (told["leaf"], told["root"], *(step["hash"] for step in told["path"])):
        assert base64.b64decode(each).hex() in text
    assert shown.served.get("/log/checkpoint").text.strip() in text


def test_the_log_page_tells_its_files_how_to_replay_and_what_was_recorded_last(
    without_scripts: Tab, shown: ShownLog
) -> None:
    page = without_scripts.open("/log")
    text = page.locator("main").inner_text()
    assert f'testamur replay {shown.served.url} --vkey "{shown.served.vkey}"' in text
    links = [str(each.get_attribute("href")) for each in page.locator("main a").all()]
    files = [each for each in links if each.startswith("/log/tile/")]
    assert len(files) == 3
    for each in files:
        assert shown.served.get(each).status_code == 200


def test_a_submission_is_shown_with_its_events(without_scripts: Tab, shown: ShownLog) -> None:
    story = shown.served.story
    listed = shown.served.answer(f"/organizations/{story.provider.did}/submissions").json()["items"]
    first = next(each for each in listed if each["events"] == 5)
    page = without_scripts.open(first["links"]["self"])
    text = page.locator("main").inner_text()
    assert PROVIDER in text
    assert text.count("credential.issued") == 5
    for name in ("valid", "revoked"):
        assert page.locator(f"a[href='/credentials/{shown.holders[name].id}']").count() == 1


def test_programs_get_what_they_always_got_at_the_entrance(shown: ShownLog) -> None:
    for accept in ("*/*", "text/plain"):
        answer = httpx2.get(shown.served.url + "/log", headers={"Accept": accept})
        assert answer.headers["location"] == "/log/checkpoint"
    reader: LogReader = shown.served.reader()
    assert reader.entry(12, reader.checkpoint())
