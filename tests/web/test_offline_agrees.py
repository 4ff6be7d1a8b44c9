"""verify.html from a disk, without a network, comes to the same verdict on each check as Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from api.web.offline import offline_page
from testamur.errors import Refuted
from testamur.verification.report import EvidenceFrom
from tests.harness.chromium import PATIENCE, Tab, tab
from tests.vectors.judge import judge

pytestmark = pytest.mark.web
FOLDER: Final = Path(__file__).parents[1] / "vectors/evidence"
RECEIPTS: Final = {"blockcert", "blockchain"}  # which pages declare not to check


@pytest.fixture
def kept(browser: Browser, tmp_path: Path) -> Iterator[Tab]:
    """The file, which trusts no log yet, opened from a disk in a browser without a network."""
    file = tmp_path / "verify.html"
    file.write_bytes(offline_page(""))
    with tab(browser, "http://nobody.example") as opened:
        opened.page.context.set_offline(offline=True)
        opened.page.goto(file.as_uri())
        yield opened


def as_file(name: str, document: Any) -> Any:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return {"name": name, "mimeType": "application/json", "buffer": text.encode()}


def trust(page: Page, found: Any) -> None:
    """State the log and the authorities that a vector trusts."""
    page.locator("details.trust").evaluate("part => part.open = true")
    page.fill("#trusted-log", found["policy"])
    page.fill("#trusted-anchors", "\n".join(found["anchors"]))
    page.locator(".trust-form button").click()


def shown(page: Page) -> tuple[str, dict[str, str]]:
    """Return the answer that is shown, and the verdict of each check."""
    page.locator("article.answer").wait_for(timeout=PATIENCE)
    answer, checks = page.evaluate(
        """() => {
          const answer = document.querySelector("article.answer");
          const checks = [...answer.querySelectorAll("[data-check]")].map((each) =>
            [each.dataset.check, each.className.replaceAll("-", " ")]);
          return [answer.className.replace("answer ", ""), Object.fromEntries(checks)];
        }"""
    )
    return answer, checks


def due(found: Any) -> tuple[str, dict[str, str]] | None:
    """Return the same by Python, for which the evidence came in a file; None if it refuses."""
    try:
        report = judge({**found, "evidenceFrom": EvidenceFrom.FILE})
    except Refuted:
        return None
    return str(report.verdict), {each.name: str(each.verdict) for each in report.checks}


def differences(
    name: str, page: tuple[str, dict[str, str]], python: tuple[str, dict[str, str]]
) -> list[str]:
    """Return where page and Python differ about a vector, a line each."""
    (answer, checks), (wanted, of_each) = page, python
    if not checks:  # the page says why it did not begin, and then nobody may know more
        return [] if answer == wanted == "could-not-tell" else [f"{name}: {answer}, not {wanted}"]
    made = (checks.keys() | of_each.keys()) - RECEIPTS
    found = [
        f"{name}: {check}: {checks.get(check)}, not {of_each.get(check)}"
        for check in sorted(made)
        if checks.get(check) != of_each.get(check)
    ]
    if RECEIPTS.isdisjoint(checks) and answer != wanted:
        found.append(f"{name}: {answer}, not {wanted}")
    return found


def test_every_vector_gets_the_verdicts_of_python(kept: Tab) -> None:
    page, different, compared = kept.page, list[str](), 0
    for path in sorted(FOLDER.glob("*.json")):
        found = json.loads(path.read_text("utf-8"))
        python = due(found)
        if python is None or "at" in found:  # no page asks about another day
            continue
        page.clock.set_fixed_time(found["now"])
        page.reload()
        trust(page, found)
        page.set_input_files(
            "#files",
            [as_file("c.json", found["holder"]), as_file("c.testamur.json", found["evidence"])],
        )
        answer, checks = shown(page)
        if "learner" in found:
            page.fill("#learner", found["learner"])
            page.locator(".ask button").click()
            page.locator("[data-check=learner]").wait_for(timeout=PATIENCE)
            answer, checks = shown(page)
        compared += len(checks)
        different += differences(path.stem, (answer, checks), python)
    assert different == []
    assert compared > 2_500
    assert [each.url for each in kept.requests if not each.url.startswith("file:")] == []
