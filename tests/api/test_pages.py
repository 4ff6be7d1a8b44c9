"""Pages for people: the facts of the answers, for browsers alone, with nothing that could run."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from babel import Locale

from api.web import rendering, static_files
from api.web.policy import POLICY
from tests.harness.served import Served

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
LISTS = (
    "/organizations",
    "/achievements",
    "/credentials",
    "/accreditations",
    "/recognitions",
    "/submissions",
)


class Page(HTMLParser):
    """What a browser without scripts finds in a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def links(self) -> list[str]:
        return [str(each["href"]) for tag, each in self.elements if tag == "a" and "href" in each]


def browse(served: Served, address: str, status: int = 200) -> Page:
    """Return the page at an address, as a browser asks for it."""
    answer = asked(served, address)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    return Page(answer.text)


def asked(served: Served, address: str, accept: str = BROWSER) -> httpx2.Response:
    return served.get(address, headers={"Accept": accept})


@pytest.fixture(scope="module")
def things(served: Served) -> dict[str, Any]:
    """The first item of each list, as programs get it; the provider awarded ten."""
    return {path: items(served, path, recorded(served, 10))[0] for path in LISTS}


def recorded(served: Served, credentials: int, *, accredited: bool = True) -> int:
    """Issue so many, and return the size of the log that has them."""
    story = served.story
    lines = (story.issued(accredited=accredited) for _ in range(credentials))
    receipt = served.submit(story.submission(story.provider, *lines))
    return receipt.position + 1 + receipt.events


def items(served: Served, path: str, size: int) -> list[Any]:
    """Return the first item of a list as of a size, which is waited for."""
    found: list[Any] = served.answer(
        f"{path}{'&' if '?' in path else '?'}limit=1&size={size}"
    ).json()["items"]
    return found


def addresses(things: dict[str, Any]) -> list[str]:
    """Return the address of a page of every shape."""
    each = [things[path]["links"]["self"] for path in LISTS if path != "/submissions"]
    provider = things["/achievements"]["provider"]
    below = [f"{address}/history" for address in each]
    achievement = things["/achievements"]["links"]["self"]
    of_provider = [
        f"/organizations/{provider}{name}"
        for name in ("", "/keys", "/numbers", "/providers", "/recognised")
    ]
    compared = f"/achievements/compare?id={achievement.rpartition('/')[2]}"
    return ["/", *LISTS, *each, *below, *of_provider, f"{achievement}/numbers", compared]


# --- What a browser gets, and what a program gets ---


def test_every_page_tells_its_size_and_holds_nothing_inline_or_from_elsewhere(
    served: Served, things: dict[str, Any]
) -> None:
    for address in addresses(things):
        page = browse(served, address)
        assert re.search(r"As of [0-9,]+ entries of the log", page.text), address
        assert "h1" in [tag for tag, _ in page.elements]
        for tag, attributes in page.elements:
            assert tag != "foreignobject", address
            assert tag not in {"style", "iframe", "object", "embed", "base"}, address
            if tag == "script" and attributes["type"] != "application/json":
                assert str(attributes["src"]).startswith("/static/"), address
            assert not [name for name in attributes if name.startswith("on") or name == "style"]
            if tag in {"link", "img", "form"}:
                target = attributes.get("href") or attributes.get("src") or attributes["action"]
                assert str(target).startswith("/"), address


def test_a_program_gets_what_it_always_got(served: Served, things: dict[str, Any]) -> None:
    for address in addresses(things):
        for accept in ("*/*", "application/json", "application/*;q=0.5, text/html;q=0.1"):
            answer = asked(served, address, accept)
            assert answer.headers["content-type"] == "application/json", (address, accept)
            assert answer.json()
        assert served.get(address).headers["content-type"] == "application/json"


def test_every_link_of_every_page_leads_somewhere(served: Served, things: dict[str, Any]) -> None:
    tried: set[str] = set()
    for address in addresses(things):
        for link in browse(served, address).links():
            if link.startswith("/") and link not in tried:
                tried.add(link)
                assert asked(served, link).status_code == 200, f"{link} on {address}"
    assert len(tried) > 40


def test_what_the_browser_has_already_is_not_sent_again_but_pages_are_asked_for(
    served: Served,
) -> None:
    answer = asked(served, "/organizations")
    assert answer.headers["cache-control"] == "no-cache"
    assert "Accept" in answer.headers["vary"]
    assert asked(served, "/organizations?size=2").headers["cache-control"] == "no-cache"


# --- What the pages tell ---


def test_a_credential_is_told_with_its_issuer_accreditor_and_what_the_page_does_not_say(
    served: Served, things: dict[str, Any]
) -> None:
    line = things["/credentials"]
    answer = served.get(line["links"]["self"]).json()
    text = browse(served, line["links"]["self"]).text
    organization = served.get(line["links"]["issuer"]).json()
    for told in (answer["status"], answer["id"], answer["achievement"]["name"], answer["format"]):
        assert told in text
    assert organization["name"] in text
    assert answer["vouched"]["words"]["name"] in text
    assert "It says nothing about the file that you were sent. Check that" in text
    assert f"position {answer['issued']['position']:,}" in text


def test_an_organization_is_told_in_its_own_word_and_that_of_others(
    served: Served, things: dict[str, Any]
) -> None:
    did = things["/achievements"]["provider"]
    answer = served.get(f"/organizations/{did}").json()
    page = browse(served, f"/organizations/{did}")
    own = page.text.index("What it says of itself")
    assert answer["name"] in page.text[own:]
    assert answer["vouched"][0]["words"]["name"] in page.text[:own]
    assert did in page.text
    assert f"/organizations/{answer['sponsor']}" in page.links()


def test_a_flag_is_told_with_its_meaning_and_remedy(served: Served) -> None:
    size = recorded(served, 1, accredited=False)
    flagged = items(served, "/credentials?flagged=true", size)
    text = browse(served, flagged[0]["links"]["self"]).text
    for code in flagged[0]["flags"]:
        assert code in text
    assert "Remedy:" in text


def test_a_page_of_an_earlier_register_says_so_first_and_leads_to_the_present_one(
    served: Served, things: dict[str, Any]
) -> None:
    size = served.size
    one = things["/credentials"]["links"]["self"]
    for path in ("/", "/log", "/organizations?name=a", one):
        mark = "&" if "?" in path else "?"
        page = browse(served, f"{path}{mark}size={size}")
        assert f"As of the first {size:,} entries of the log, as the address asks." in page.text
        assert path in page.links()
        assert "as the address asks" not in browse(served, path).text
    further = asked(served, "/credentials.json?limit=1").json()["next"].replace(".json", "")
    assert "as the address asks" not in browse(served, further).text, "nobody asked for it"


# --- Addresses by their endings ---


def test_an_address_that_ends_in_a_form_gives_that_form_to_everybody(
    served: Served, things: dict[str, Any]
) -> None:
    one = things["/credentials"]["links"]["self"]
    for address in (one, "/organizations"):
        as_json = asked(served, f"{address}.json")
        assert as_json.headers["content-type"] == "application/json"
        assert as_json.json() == served.get(address).json()
        as_table = asked(served, f"{address}.csv")
        assert as_table.headers["content-type"].startswith("text/csv")
        assert as_table.text == asked(served, address, "text/csv").text


def test_the_next_page_has_the_ending_of_the_one_before(served: Served) -> None:
    first = asked(served, "/credentials.json?limit=1").json()
    assert first["next"].startswith("/credentials.json?")
    following = asked(served, first["next"]).json()
    assert following["items"] != first["items"]
    bare = first["next"].replace(".json", "")
    assert served.get(bare).json()["items"] == following["items"]


@pytest.mark.parametrize(
    "address", ["/.json", "/index", "/nothing.json", "/organizations.xml", "/a/.csv"]
)
def test_an_ending_makes_no_address_of_nothing(served: Served, address: str) -> None:
    assert served.get(address).status_code == 404


def test_the_openapi_document_is_found_as_before(served: Served) -> None:
    assert asked(served, "/openapi.json").json()["openapi"].startswith("3.")


# --- The box ---


def test_the_box_leads_to_what_was_typed(served: Served, things: dict[str, Any]) -> None:
    did = things["/organizations"]["did"]
    credential = things["/credentials"]["links"]["self"]
    achievement = things["/achievements"]["links"]["self"]
    accreditation = things["/accreditations"]["links"]["self"]
    of_organization = things["/organizations"]["name"]
    of_achievement = things["/achievements"]["definition"]["name"]
    typed = {
        of_organization: f"/organizations?{urlencode({'name': of_organization})}",
        of_achievement: f"/achievements?{urlencode({'name': of_achievement})}",
        did: f"/organizations/{did}",
        f"  {did} ": f"/organizations/{did}",
        credential.rpartition("/")[2].upper(): credential,
        f"urn:uuid:{credential.rpartition('/')[2]}": credential,
        achievement.rpartition("/")[2]: achievement,
        accreditation.rpartition("/")[2]: accreditation,
        "12": "/entries/12",
        "1,234": "/entries/1234",
        "a college": "/organizations?name=a+college",
        "https://elsewhere.example/": "/organizations?name=https%3A%2F%2Felsewhere.example%2F",
        "//elsewhere.example": "/organizations?name=%2F%2Felsewhere.example",
        "\r\nSet-Cookie: a=b": "/organizations?name=Set-Cookie%3A+a%3Db",
    }
    for text, address in typed.items():
        answer = served.client.get(
            f"{served.url}/find", params={"q": text}, headers={"Accept": BROWSER}
        )
        assert (answer.status_code, answer.headers["location"]) == (303, address), text


# --- Problems ---


def test_a_browser_gets_a_problem_as_a_page_that_helps(served: Served) -> None:
    page = browse(served, "/credentials/019aa5f0-5c00-7000-8000-000000000001", status=404)
    assert "There is no such thing" in page.text
    assert "No such credential as of size" in page.text
    assert "/" in page.links()
    assert asked(served, "/nothing").status_code == 404
    assert "unknown-credential" in page.text


def test_what_a_stranger_typed_is_shown_as_text(served: Served) -> None:
    hostile = "<script>alert(1)</script>"
    for address in (f"/organizations?name={hostile}", f"/credentials?size={hostile}"):
        source = asked(served, address.replace("<", "%3C").replace(">", "%3E")).text
        assert "<script" not in source, address


def test_a_link_that_somebody_stated_is_followed_only_to_the_web() -> None:
    assert rendering.web_link("https://college.example/a?b=c") is not None
    for address in ("javascript:alert(1)", "data:text/html,x", " https://a", "https://a b", "//a"):
        assert rendering.web_link(address) is None


# --- Files that pages need ---


def test_a_static_file_is_kept_for_good_and_only_under_its_digest(served: Served) -> None:
    (sheet,) = [
        str(each["href"])
        for tag, each in browse(served, "/organizations").elements
        if tag == "link" and each["rel"] == "stylesheet"
    ]
    answer = served.get(sheet)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    other = sheet.replace(static_files.digest(), "0" * 16)
    for address in (other, f"{sheet}.map", f"/static/{static_files.digest()}/../pages.py"):
        assert served.get(address).status_code == 404


def test_times_days_and_numbers_are_told_in_the_words_of_a_language() -> None:
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    english, dutch, german = map(Locale.parse, ("en_GB", "nl", "de"))
    ages = {
        "2026-11-29T11:59:59.500Z": "1 second ago",
        "2026-11-29T11:59:58Z": "2 seconds ago",
        "2026-11-29T10:00:00Z": "2 hours ago",
        "2026-11-27T12:00:00Z": "2 days ago",
        "2026-11-29T12:00:01Z": "1 second ago",
    }
    assert {text: rendering.ago(english, text, now) for text in ages} == ages
    assert rendering.ago(german, "2026-11-27T12:00:00Z", now) == "vor 2 Tagen"
    time = "2026-03-29T09:05:59.000Z"
    assert ">29 March 2026, 09:05 UTC<" in rendering.moment(english, time)
    assert ">29 maart 2026, 09:05 UTC<" in rendering.moment(dutch, time)
    assert rendering.day(english, "2026-02-01").count("1 February 2026") == 1
    assert rendering.day(german, "2026-02-01").count("1. Februar 2026") == 1
