"""The picture of the verifier's page in the README, of a credential of the demo.

While `make demo` serves: python -m tests.web.picture http://127.0.0.1:8765 .demo docs/verify.png
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from playwright.sync_api import expect

from tests.harness.chromium import chromium, tab

_WIDTH, _HEIGHT = 1000, 1180


def main(
    url: Annotated[str, typer.Argument(help="Where the demo is served.")],
    folder: Annotated[Path, typer.Argument(help="Its folder.")],
    out: Annotated[Path, typer.Argument(help="The PNG file.")],
) -> None:
    """Have the page judge the demo's valid credential, and take a picture of the answer."""
    with chromium() as browser, tab(browser, url) as visitor:
        page = visitor.open("/verify")
        visitor.show("light", _WIDTH)
        page.locator("input[type=file]").first.set_input_files(folder / "valid.json")
        expect(page.locator("article.answer")).to_contain_text("Valid")
        page.set_viewport_size({"width": _WIDTH, "height": _HEIGHT})
        page.screenshot(path=out)


if __name__ == "__main__":
    typer.run(main)
