"""A list comes in pages, and where the next one begins is the registry's word, not its choice."""

from __future__ import annotations

import json

import pytest

from testamur.errors import Unavailable
from testamur.http.listings import key_lines


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://[",
        "//[x]/keys?cursor=1-a",
        "?cursor=1-a&cursor=2-b",
        "?size=9",
        "?" + "a=1&" * 2000,
    ],
)
def test_a_next_page_that_cannot_be_asked_for_is_said_to_be_none(address: str) -> None:
    page = json.dumps({"size": 9, "items": [], "next": address}).encode()
    with pytest.raises(Unavailable, match="names no next page"):
        list(key_lines(lambda _: page, size=None))
