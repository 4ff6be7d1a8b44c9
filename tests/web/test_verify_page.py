"""The verifier's page: each file gets its verdict in the browser, and none of it leaves there."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from api.web.offline import SAME_EVERYWHERE, digest
from testamur.tlog.note import SignerKey
from tests.harness.chromium import Tab, tab
from tests.web.given_files import content, evidence, file, give, paste, refuse_leaks, verdict
from tests.web.shown_log import LONG, ShownLog

pytestmark = pytest.mark.web
DUE = {
    "valid": "Valid",
    "revoked": "Not valid",
    "suspended": "Not valid",
    "superseded": "Not valid",
    "unaccredited": "Not valid",
    "bent": "Not valid",
}


# --- One file ---


@pytest.mark.parametrize("name", DUE)
def test_a_file_gets_its_verdict_in_words_first(visitor: Tab, shown: ShownLog, name: str) -> None:
    page = visitor.open("/verify")
    give(page, file(shown, name))
    assert verdict(page) == DUE[name]
    lines = [each for each in page.locator("article.answer").inner_text().split("\n") if each]
    assert lines[1].endswith(DUE[name])
    expect(page.get_by_role("status")).to_contain_text(DUE[name])


def test_no_request_carries_any_of_the_file(visitor: Tab, shown: ShownLog) -> None:
    page = visitor.open("/verify")
    loaded = len(visitor.requests)
    for name in ("valid", "bent"):
        give(page, file(shown, name))
        verdict(page)
    page.get_by_label("E-mail address").fill("valid@learner.example")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".whose .found")).to_be_visible()
    holder = shown.holders["valid"]
    refuse_leaks(visitor, holder.blind, b"valid@learner.example", b"Soil Science")
    asked = {each.url.removeprefix(visitor.origin) for each in visitor.requests[loaded:]}
    assert {each for each in asked if not each.endswith("/icon.svg")} == {
        f"/credentials/{holder.id}",
        f"/credentials/{holder.id}/evidence",
    }
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert page.context.cookies() == []


def test_whose_it_is_is_compared_with_the_hash_in_the_credential(
    visitor: Tab, shown: ShownLog
) -> None:
    page = visitor.open("/verify")
    give(page, file(shown, "valid"))
    for who, due, told in (
        ("valid@learner.example", "Valid", "It is this person\u2019s."),
        ("revoked@learner.example", "Not valid", "It is another person\u2019s."),
        ("12345", "Could not tell", "It could not be told"),
    ):
        page.get_by_label("E-mail address").fill(who)
        page.get_by_role("button", name="Compare").click()
        expect(page.locator(".whose .found")).to_contain_text(told)
        assert verdict(page) == due


def test_a_learner_that_is_none_is_told_beside_the_field(visitor: Tab, shown: ShownLog) -> None:
    page = visitor.open("/verify")
    give(page, file(shown, "valid"))
    page.get_by_label("E-mail address").fill("\u200b")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".whose [role=alert]")).not_to_be_empty()


def test_text_that_is_pasted_anywhere_is_checked(visitor: Tab, shown: ShownLog) -> None:
    page = visitor.open("/verify")
    paste(page, content(shown, "revoked").decode())
    assert verdict(page) == "Not valid"
    page.get_by_text("Or paste a text or a link").click()
    page.get_by_label("The text of a credential").fill(content(shown, "valid").decode())
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator(".verdict-words")).to_contain_text("Valid")


def test_a_file_that_is_dropped_anywhere_is_checked(visitor: Tab, shown: ShownLog) -> None:
    page = visitor.open("/verify")
    page.evaluate(
        """text => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([text], "dropped.json"));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
        }""",
        content(shown, "revoked").decode(),
    )
    assert verdict(page) == "Not valid"
    expect(page.locator(".answer")).to_contain_text("dropped.json")


def test_a_file_of_another_log_is_no_refutation(visitor: Tab, shown: ShownLog) -> None:
    found = json.loads(content(shown, "valid"))
    found["log"] = "elsewhere.example/log"
    page = visitor.open("/verify")
    give(page, {**file(shown, "valid"), "buffer": json.dumps(found).encode()})
    assert verdict(page) == "Could not tell"
    expect(page.locator(".why")).to_contain_text("elsewhere.example/log")


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"[]", b"{}", bytes(1000)])
def test_what_is_no_credential_could_not_be_told(
    visitor: Tab, shown: ShownLog, data: bytes
) -> None:
    page = visitor.open("/verify")
    give(page, {"name": "x.json", "mimeType": "text/plain", "buffer": data})
    assert verdict(page) == "Could not tell"


def test_a_hostile_file_is_shown_as_text(visitor: Tab, shown: ShownLog) -> None:
    found = json.loads(content(shown, "valid"))
    hostile = "<img src=x onerror=alert(1)>"
    found["credential"]["credentialSubject"]["achievement"]["name"] = hostile
    page = visitor.open("/verify")
    name = "<script>alert(1)</script>.json"
    give(page, {**file(shown, "valid"), "name": name, "buffer": json.dumps(found).encode()})
    assert verdict(page) == "Not valid"
    assert name in page.locator(".answer .file").inner_text()
    assert page.locator(".answer img, .answer script").count() == 0


def test_a_key_of_another_log_is_trusted_only_where_the_reader_says_so(
    visitor: Tab, shown: ShownLog
) -> None:
    page = visitor.open("/verify")
    other = SignerKey.generate("elsewhere.example/log").verifier
    give(page, {"name": "policy", "mimeType": "text/plain", "buffer": str(other).encode()})
    expect(page.locator(".said")).to_contain_text("This is a policy.")
    give(page, file(shown, "valid"))
    assert verdict(page) == "Valid"
    page.get_by_text("Whom you trust").click()
    page.get_by_label("The key of the log, or a policy").fill(str(other))
    page.get_by_role("button", name="Use these").click()
    expect(page.locator(".verdict-words")).to_contain_text("Could not tell")
    expect(page.locator(".why")).to_contain_text("elsewhere.example/log")


# --- Many files ---


def test_many_files_get_a_table_the_worst_first_and_the_same_as_csv(
    browser: Browser, shown: ShownLog, tmp_path: Path
) -> None:
    with tab(browser, shown.served.url, downloads=tmp_path) as opened:
        page = opened.open("/verify")
        given = [{**file(shown, name), "name": f"{name}.json"} for name in DUE]
        hostile = {**file(shown, "valid"), "name": '=cmd|"x",1.json'}
        give(page, *given, hostile, evidence(shown, "valid"))
        rows = page.locator(".many tbody tr")
        expect(rows).to_have_count(len(DUE) + 1)
        answers = [each.split("\t")[1].split()[1:] for each in rows.all_inner_texts()]
        assert answers == sorted(answers, key=[["Not", "valid"], ["Valid"]].index)
        with page.expect_download() as saved:
            page.get_by_text("Download the table").click()
        text = saved.value.path().read_text("utf-8-sig")
        table = list(csv.DictReader(io.StringIO(text, newline="")))
        assert {each["file"].removesuffix(".json"): each["answer"] for each in table} == {
            **{name: due.lower() for name, due in DUE.items()},
            '\'=cmd|"x",1': "valid",
        }


def test_one_of_many_is_opened_from_the_table(visitor: Tab, shown: ShownLog) -> None:
    page = visitor.open("/verify")
    give(page, *(file(shown, name) for name in DUE))
    page.get_by_role("button", name="suspended.json").click()
    assert verdict(page) == "Not valid"
    assert "suspended" in page.locator(".answer").inner_text()
    assert page.evaluate("document.activeElement.className") == "verdict-words"


# --- Without scripts, and without Ed25519 ---


def test_without_scripts_the_page_says_what_it_needs_and_gives_the_command(
    without_scripts: Tab, shown: ShownLog
) -> None:
    page = without_scripts.open("/verify")
    text = page.locator("main").inner_text()
    assert f"testamur verify FILE --url {shown.served.url} --vkey" in text
    assert shown.served.vkey in text
    assert "Firefox from 130 on" in text


def test_where_the_browser_lacks_ed25519_it_could_not_be_told(
    visitor: Tab, shown: ShownLog
) -> None:
    visitor.page.add_init_script(
        """const { importKey } = SubtleCrypto.prototype;
        SubtleCrypto.prototype.importKey = function (format, key, algorithm, ...rest) {
          if ((algorithm.name ?? algorithm) === "Ed25519") {
            return Promise.reject(new DOMException("", "NotSupportedError"));
          }
          return importKey.call(this, format, key, algorithm, ...rest);
        };"""
    )
    page = visitor.open("/verify")
    give(page, file(shown, "valid"))
    assert verdict(page) == "Could not tell"
    expect(page.locator(".why")).to_contain_text("Firefox 130")


# --- The same as one file, from a disk, without a network ---


@pytest.fixture
def offline(browser: Browser, shown: ShownLog, tmp_path: Path) -> Any:
    """The file as the server gives it, opened from a disk in a browser without a network."""
    kept = tmp_path / "verify.html"
    kept.write_bytes(shown.served.answer("/verify.html").content)
    with tab(browser, shown.served.url) as opened:
        opened.page.context.set_offline(offline=True)
        opened.page.goto(kept.as_uri())
        yield opened


@pytest.mark.parametrize("name", DUE)
def test_from_a_disk_the_same_is_refuted_and_what_holds_could_not_be_told(
    offline: Tab, shown: ShownLog, name: str
) -> None:
    page = offline.page
    about = "valid" if name == "bent" else name
    give(page, file(shown, name), evidence(shown, about))
    # A file may leave out that a suspension has ended.
    due = "Could not tell" if name in {"valid", "suspended"} else DUE[name]
    assert verdict(page) == due
    if name == "valid":
        told = "Everything in the file holds. Whether it was revoked since could not be told"
        expect(page.locator(".in-short")).to_contain_text(told)
    assert [each.url for each in offline.requests if not each.url.startswith("file:")] == []


def test_from_a_disk_a_file_without_evidence_is_told_what_is_missing(
    offline: Tab, shown: ShownLog
) -> None:
    give(offline.page, file(shown, "valid"))
    assert verdict(offline.page) == "Could not tell"
    expect(offline.page.locator(".why")).to_contain_text(".testamur.json")
    give(offline.page, evidence(shown, "valid"))
    expect(offline.page.locator(".in-short")).to_contain_text("Everything in the file holds")


def test_the_reader_of_the_file_sees_which_log_it_trusts(offline: Tab, shown: ShownLog) -> None:
    offline.page.get_by_text("Whom you trust").click()
    expect(offline.page.locator(".trust p").first).to_contain_text(shown.served.story.origin)
    expect(offline.page.locator(".trust p").first).to_contain_text("compare it with another source")


def test_the_digest_on_the_page_is_that_of_the_file(visitor: Tab, shown: ShownLog) -> None:
    from hashlib import sha256

    body = shown.served.answer("/verify.html").content
    page = visitor.open("/verify")
    told = page.locator(".offline").inner_text()
    assert sha256(body).hexdigest() in told
    assert digest("") in told
    assert SAME_EVERYWHERE in told


def test_the_long_name_and_the_one_from_the_right_break_nothing(
    visitor: Tab, shown: ShownLog
) -> None:
    page = visitor.open("/verify", width=320)
    found = json.loads(content(shown, "valid"))
    found["credential"]["name"] = LONG + shown.served.story.provider.did
    name = re.sub(r"\W", "", LONG) * 2 + ".json"
    give(page, {**file(shown, "valid"), "name": name, "buffer": json.dumps(found).encode()})
    verdict(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
