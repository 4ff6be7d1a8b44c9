"""A page in one file loads and runs nothing, and escapes what others wrote."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import msgspec
import pytest

from testamur.pages.addresses import Addresses, qr_png
from testamur.pages.facts import Facts
from testamur.pages.page import page_html
from testamur.pages.picture import badge_svg


class Read(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def links(self) -> list[str | None]:
        return [found["href"] for tag, found in self.tags if tag == "a"]


def page(facts: Facts, addresses: Addresses, certificate: str | None = None) -> bytes:
    picture, code = badge_svg(facts).encode(), qr_png(addresses.shared)
    return page_html(
        facts, picture=picture, code=code, addresses=addresses, certificate=certificate
    )


def test_it_states_the_facts_and_leads_to_the_page_that_checks_them(
    facts: Facts, addresses: Addresses
) -> None:
    read = Read(page(facts, addresses))
    for text in ("Soil Science", "An Organization", "Ada Lovelace", "2026-11-20"):
        assert text in read.text
    assert read.links() == [addresses.link, addresses.linkedin]


def test_it_offers_the_certificate_where_one_lies_beside_it(
    facts: Facts, addresses: Addresses
) -> None:
    read = Read(page(facts, addresses, "certificate.pdf"))
    assert read.links() == [addresses.link, "certificate.pdf", addresses.linkedin]
    assert "The credential and its evidence are attached" in read.text
    assert "PDF" not in Read(page(facts, addresses)).text


def test_it_loads_nothing_and_runs_nothing(facts: Facts, addresses: Addresses) -> None:
    made = page(facts, addresses)
    read = Read(made)
    sources = [found.get("src") or "" for _, found in read.tags if "src" in found]
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert {tag for tag, _ in read.tags}.isdisjoint({"script", "link", "iframe", "object", "form"})
    assert not [n for _, found in read.tags for n in found if n.startswith("on") or n == "style"]
    policy = next(found["content"] for _, found in read.tags if "http-equiv" in found) or ""
    (style,) = re.findall(rb"<style>(.*?)</style>", made, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:"


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=y>', "{{x}}"])
def test_what_others_wrote_stays_text(facts: Facts, addresses: Addresses, name: str) -> None:
    hostile = msgspec.structs.replace(
        facts, learner=name, title=name, issuer=name, outcomes=(name,), lines=(("x", name),)
    )
    read = Read(page(hostile, addresses))
    assert read.text.count(name) >= 5
    assert {tag for tag, _ in read.tags} == {tag for tag, _ in Read(page(hostile, addresses)).tags}
    assert "script" not in {tag for tag, _ in read.tags}
    assert not [n for _, found in read.tags for n in found if n.startswith("on")]


def test_a_code_that_leads_elsewhere_than_the_button_says_so(
    facts: Facts, addresses: Addresses
) -> None:
    status = "https://register.example/credentials/1"
    assert "A code for the same page" in Read(page(facts, addresses)).text
    other = Read(page(facts, addresses._replace(shared=status)))
    assert "A code for what the register says of it" in other.text
    without = Read(page(facts, addresses._replace(link=status, shared=status, carries=False)))
    assert "What the register says of it" in without.text
    assert "Open and check" not in without.text


def test_the_same_facts_make_the_same_bytes(facts: Facts, addresses: Addresses) -> None:
    assert page(facts, addresses) == page(facts, addresses)
