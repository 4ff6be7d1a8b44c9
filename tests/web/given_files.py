"""Files as they are put into a field of a page, and what a page says about them."""

from __future__ import annotations

import base64
from typing import Any

from playwright.sync_api import Page

from tests.harness.chromium import PATIENCE, Tab
from tests.web.shown_log import ShownLog


def content(shown: ShownLog, name: str) -> bytes:
    """Return the holder file of a status; `bent` is one that was changed."""
    return shown.bent("valid") if name == "bent" else shown.file(name)


def file(shown: ShownLog, name: str) -> Any:
    """Return that file as it is put into a field."""
    return {
        "name": f"{name}.json",
        "mimeType": "application/json",
        "buffer": content(shown, name),
    }


def evidence(shown: ShownLog, name: str) -> Any:
    """Return the evidence about it, likewise."""
    body = shown.served.answer(f"/credentials/{shown.holders[name].id}/evidence").content
    return {"name": f"{name}.testamur.json", "mimeType": "application/json", "buffer": body}


def give(page: Page, *files: Any) -> None:
    """Choose files."""
    page.set_input_files("#files", list(files))


def verdict(page: Page) -> str:
    """Return the verdict that is shown, once it is."""
    heading = page.locator(".verdict-words").last
    heading.wait_for(timeout=PATIENCE)
    return heading.inner_text().split(maxsplit=1)[1]


def refuse_leaks(opened: Tab, *secrets: bytes) -> None:
    """Fail if any request carries a secret, however it is spelt."""
    for request in opened.requests:
        if request.url.startswith(("data:", "blob:")):  # which never leave the browser
            continue
        sent = " ".join((request.url.split("#")[0], request.post_data or "", str(request.headers)))
        assert request.method == "GET", sent
        assert "?" not in request.url, sent
        for secret in secrets:
            for text in (secret.decode("latin-1"), base64.b64encode(secret).decode(), secret.hex()):
                assert text[:24] not in sent


def paste(page: Page, text: str, where: str = "body") -> None:
    """Paste a text where an element is."""
    page.evaluate(
        """([text, where]) => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text", text);
          const event = new ClipboardEvent("paste", { clipboardData, bubbles: true });
          document.querySelector(where).dispatchEvent(event);
        }""",
        [text, where],
    )
