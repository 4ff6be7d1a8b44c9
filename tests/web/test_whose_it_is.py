"""A reader types a name: it is compared with the one in the credential, and told for what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect

from testamur.badges.commitment import HolderFile, render_holder_file
from testamur.badges.holder_link import holder_link
from tests.harness.awards import awards
from tests.harness.chromium import NARROW, WIDE, Tab, tab
from tests.harness.judged import altered
from tests.harness.served import Served
from tests.web.given_files import give, paste, refuse_leaks, verdict
from tests.web.test_accessible import AXE, LEVELS, broken

pytestmark = pytest.mark.web
NAME: Final = "Ada Lovelace"
SALT: Final = "3b0c6f0e5c9d4f1f8a2f7d1b6e4c9a10"
SAME: Final = "It is made out to this name, which others may have too."
UNTOLD: Final = "It could not be told whether it is this person\u2019s."


def hashed(text: str, kind: str) -> dict[str, Any]:
    digest = sha256((text + SALT).encode()).hexdigest()
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": f"sha256${digest}",
        "identityType": kind,
        "salt": SALT,
    }


def in_the_clear(name: str) -> dict[str, Any]:
    return {"type": "IdentityObject", "hashed": False, "identityHash": name, "identityType": "name"}


NAMED: Final[dict[str, list[dict[str, Any]]]] = {
    "hashed": [hashed(NAME, "name")],
    "clear": [hashed("ada@example.org", "emailAddress"), in_the_clear(NAME)],
    "number": [hashed("1046783", "identifier")],
}


class Register:
    """A served log with a credential for each way to name a learner."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.holders: dict[str, HolderFile] = {}

    def file(self, name: str) -> Any:
        body = render_holder_file(self.holders[name])
        return {"name": f"{name}.json", "mimeType": "application/json", "buffer": body}

    def record(self) -> None:
        story, events = self.served.story, []
        for name, identifiers in NAMED.items():
            made = altered(awards(story, 1), naming(identifiers)).made[0]
            self.holders[name] = made.holder
            events.append(made.event)
        self.served.init()
        self.served.record(*story.opening()[1:], story.submission(story.provider, *events))


def naming(identifiers: list[dict[str, Any]]) -> Callable[[dict[str, Any]], None]:
    return lambda credential: credential["credentialSubject"].update(identifier=identifiers)


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    with closing(Served(tmp_path_factory.mktemp("named") / "data")) as served:
        register = Register(served)
        register.record()
        with served.running():
            yield register


@pytest.fixture
def visitor(browser: Browser, register: Register) -> Iterator[Tab]:
    """A tab that may ask the server of these credentials alone."""
    with tab(browser, register.served.url) as opened:
        yield opened


def asked(page: Page, who: str) -> str:
    """Ask whose the credential is, and return what is told of it."""
    page.get_by_label("E-mail address, name, student number or DID of that person").fill(who)
    page.get_by_role("button", name="Compare").click()
    found = page.locator(".whose .found")
    expect(found).to_be_visible()
    return found.inner_text()


@pytest.mark.parametrize(
    ("name", "who", "how"),
    [
        ("hashed", NAME, "this name, hashed with a salt; others may have the same name"),
        ("hashed", "  Ada   Lovelace ", "this name, hashed with a salt; others may"),
        ("clear", NAME, "this name; others may have the same name"),
    ],
)
def test_the_name_in_a_credential_is_found_and_said_to_be_no_proof_of_who_it_is(
    visitor: Tab, register: Register, name: str, who: str, how: str
) -> None:
    page = visitor.open("/verify")
    give(page, register.file(name))
    assert verdict(page) == "Valid"
    told = asked(page, who)
    assert told.startswith(SAME)
    assert how in told
    assert "this person" not in told
    assert verdict(page) == "Valid"
    expect(page.locator("[data-check=learner]")).to_contain_text("Does it name this person?")
    refuse_leaks(visitor, register.holders[name].blind, NAME.encode())


@pytest.mark.parametrize(
    ("name", "who", "why"),
    [
        ("hashed", "Ada Byron", "another name than was asked about, hashed with a salt"),
        ("hashed", "ada lovelace", "in capitals alone"),
        ("hashed", "ada@example.org", "by a name alone, which many people may have"),
        ("clear", "Ada Byron", "another name than was asked about; one person may write"),
        ("number", NAME, "by a number; it was asked about by a name"),
    ],
)
def test_another_name_makes_it_nobody_elses(
    visitor: Tab, register: Register, name: str, who: str, why: str
) -> None:
    page = visitor.open("/verify")
    give(page, register.file(name))
    assert verdict(page) == "Valid"
    told = asked(page, who)
    assert told.startswith(UNTOLD)
    assert why in told
    assert verdict(page) == "Could not tell"
    expect(page.locator("article.answer")).not_to_contain_text("another person")


def test_an_address_and_a_number_say_more_than_a_name(visitor: Tab, register: Register) -> None:
    page = visitor.open("/verify")
    for name, who, told, answer in (
        ("clear", "ada@example.org", "It is this person\u2019s.", "Valid"),
        ("clear", "bob@example.org", "It is another person\u2019s.", "Not valid"),
        ("number", "1046783", "It is this person\u2019s.", "Valid"),
        ("number", "1046784", "It is another person\u2019s.", "Not valid"),
    ):
        give(page, register.file(name))
        expect(page.locator(".file")).to_have_text(f"{name}.json")
        assert asked(page, who).startswith(told)
        assert verdict(page) == answer


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_the_answer_about_a_name_is_accessible_and_fits_the_screen(
    visitor: Tab, register: Register, width: int
) -> None:
    page = visitor.open("/verify", width=width)
    paste(page, holder_link(visitor.origin, register.holders["clear"]))
    assert verdict(page) == "Valid"
    asked(page, NAME)
    page.evaluate(AXE)
    assert broken(page, LEVELS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
