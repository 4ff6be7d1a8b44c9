"""Debian's Chromium, driven by Playwright: one browser a process, and tabs that note everything.

    with chromium() as browser, tab(browser, served.url) as page:
        page.open("/organizations", scheme="dark", width=320)

A tab fails its test at the end if its page broke the content policy, wrote an error to the
console, raised one, or asked another server. What it asked is in `requests`.

`python -m tests.harness.chromium` installs the browser where it is missing and this user may
install packages; elsewhere it says in one line how to. Nothing is ever skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, TypeAlias

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    sync_playwright,
)

PROGRAM: Final = "chromium"
PACKAGES: Final = ("chromium", "fonts-dejavu-core")
Scheme: TypeAlias = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
NARROW: Final = 320
WIDE: Final = 1280
PATIENCE: Final = 60_000.0
"""Milliseconds that a page may take for anything: the machine may be busy."""
_HOW: Final = f"Chromium is not here; on Debian: apt-get install {' '.join(PACKAGES)}"
_OWN: Final = ("data:", "blob:", "file:", "about:")


class Tab:
    """A page in a context of its own. `origin` is the only server that it may ask."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.origin = origin
        self.requests: list[Request] = []
        self.faults: list[str] = []
        context.set_default_timeout(PATIENCE)
        context.on("request", self._note)
        context.on("console", self._hear)
        context.on("weberror", lambda raised: self.faults.append(f"uncaught: {raised.error}"))
        self.page: Page = context.new_page()

    def open(
        self,
        address: str,
        *,
        scheme: Scheme = "light",
        width: int = WIDE,
        status: int = 200,
    ) -> Page:
        """Open an address of the server, fail on another status, and return the page."""
        self.show(scheme, width)
        answer = self.page.goto(self.origin + address, wait_until="load")
        assert answer is not None
        assert answer.status == status, f"{address}: {answer.status}"
        if status >= 400:  # the console tells of it, as it should
            self.faults = [each for each in self.faults if f"status of {status}" not in each]
        return self.page

    def show(self, scheme: Scheme, width: int) -> None:
        """Show the page in light or dark colours, so many CSS pixels wide."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size({"width": width, "height": 900})

    def checked(self) -> None:
        """Fail if anything went wrong so far."""
        if self.faults:
            raise AssertionError("\n".join(self.faults))

    def _note(self, request: Request) -> None:
        self.requests.append(request)
        if not request.url.startswith((f"{self.origin}/", *_OWN)):
            self.faults.append(f"asked elsewhere: {request.method} {request.url}")

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"}:
            self.faults.append(f"{said.type}: {said.text} ({said.location['url']})")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser, and end it afterwards."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise AssertionError(_HOW)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=program,
            # A user namespace of its own is refused to root, and to most containers.
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
            timeout=PATIENCE,
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def tab(
    browser: Browser, origin: str, *, scripts: bool = True, downloads: Path | None = None
) -> Iterator[Tab]:
    """Open a tab in a context of its own; `scripts` says whether its pages may run any."""
    context = browser.new_context(
        java_script_enabled=scripts, accept_downloads=downloads is not None, locale="en-GB"
    )
    try:
        opened = Tab(context, origin)
        yield opened
        opened.checked()
    finally:
        context.close()


def install() -> str | None:
    """Install the browser if it is missing and we may; return how to, if it is still missing."""
    if shutil.which(PROGRAM) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
        for each in (["apt-get", "update", "-qq"], command):
            subprocess.run(each, check=False, env=quiet, stdout=subprocess.DEVNULL)
    return None if shutil.which(PROGRAM) else _HOW


if __name__ == "__main__":
    sys.exit(install())
