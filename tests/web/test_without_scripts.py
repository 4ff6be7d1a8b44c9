"""Every page tells its facts where no script runs: what programs get as JSON stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from typing import Any, Final

import pytest

from tests.harness.chromium import Tab
from tests.web.addresses import pages
from tests.web.shown_log import ShownLog

pytestmark = pytest.mark.web
_OF_EACH: Final = frozenset(("did", "id", "name", "status"))
_OF_ONE: Final = _OF_EACH | {
    *("country", "decision", "flags", "format", "level", "reason", "recordedAt", "url"),
    *("accreditor", "authority", "by", "issuer", "organization", "provider", "sponsor"),
    *("effectiveAt", "validFrom", "validUntil"),
}
"""Members whose texts a page tells: of each thing in a list, and of the one that it is about."""


def facts(told: Any, member: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts in a JSON answer, each with the member that holds it."""
    if isinstance(told, dict):
        for name, value in told.items():
            yield from facts(value, name)
    elif isinstance(told, list):
        for each in told:
            yield from facts(each, member)
    elif isinstance(told, str) and not told.startswith("testamur/"):  # the format of a file
        yield member, told


def test_every_page_tells_the_facts_of_its_json(without_scripts: Tab, shown: ShownLog) -> None:
    missing = {}
    for address, status in pages(shown).items():
        twin = shown.served.get(address, headers={"Accept": "application/json"})
        if status == 200 and twin.headers["content-type"] == "application/json":
            told = twin.json()
            for each in told.get("items", ()):
                each.get("definition", {}).pop("outcomes", None)  # a row has no place for them
            wanted = _OF_EACH if "items" in told else _OF_ONE
            source = unescape(without_scripts.open(address).content())
            missing[address] = [
                f"{member}: {text}"
                for member, text in facts(told)
                if member in wanted and text not in source
            ]
    assert {address: left for address, left in missing.items() if left} == {}
