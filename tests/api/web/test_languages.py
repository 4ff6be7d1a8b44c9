"""A page is whole in a language or whole in English, and says of each part in which."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from api.http.problems import TITLES
from api.web.catalogues import texts
from api.web.languages import ENGLISH, FOLDER, NAMES, TRANSLATED, languages, script_words
from api.web.offline import offline_page
from api.web.rendering import FOLDER as TEMPLATES
from tests.api.test_pages import BROWSER, recorded
from tests.harness.served import Served

OTHERS = sorted(languages().keys() - {ENGLISH})
_PLACE = re.compile(r"\{\w+\}|%\(\w+\)s")
_MARKUP = re.compile(r"[<>]|&#?\w+;")
_EMPTY = frozenset({"meta", "link", "input", "br"})
_PLAIN = frozenset({"API", "Format", "Id", "JSON", "CSV", "Status", "Log", "Register", "Position"})
"""Texts that some other language has as they are."""
_QUOTES = frozenset("“”„\u2018\u2019«»\"'")
_QUOTES_OF = {"de": "„“", "es": "«»", "fr": "«»", "nl": "\u2018"}
_LOOSE_IN_FRENCH = re.compile("(?<!\u202f)[;:!?»]|«(?!\u202f)")


def catalogue(language: str) -> Catalog:
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def translated(language: str) -> Iterator[tuple[str, str]]:
    """Yield each text with its translation."""
    for message in catalogue(language):
        if message.id:
            assert isinstance(message.id, str), f"no script knows plural forms: {message.id}"
            yield message.id, str(message.string)


class Spoken(HTMLParser):
    """The texts of a page, each with the language that it is marked to be in."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._open: list[tuple[str, str]] = []
        self.texts: list[tuple[str, str]] = []
        self.links: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        language = found.get("lang") or (self._open[-1][1] if self._open else "")
        if tag == "a" and found.get("hreflang"):
            self.links.append(str(found["href"]))
        for name in ("aria-label", "placeholder"):
            self.texts.append((language, found.get(name) or ""))
        if tag not in _EMPTY:
            self._open.append((tag, language))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag, language = self._open[-1] if self._open else ("", "")
        if tag not in {"script", "style", "code"}:
            self.texts.append((language, " ".join(data.split())))


def read(served: Served, address: str, likes: str) -> tuple[str, Spoken]:
    """Return the language of a page, and its texts, as a browser that likes a language gets it."""
    answer = served.get(address, headers={"Accept": BROWSER, "Accept-Language": likes})
    found = re.search(r'<html lang="(\w+)">', answer.text)
    assert found is not None, answer.text
    assert "Accept-Language" in answer.headers["vary"] or "Accept-Language" not in likes
    return found[1], Spoken(answer.text)


# --- The catalogues ---


def test_every_language_has_a_catalogue() -> None:
    assert languages() == NAMES
    assert OTHERS


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_every_text_of_the_translated_pages_and_no_others(language: str) -> None:
    due = {message.id for message in texts() if message.id}
    found = dict(translated(language))
    assert sorted(due - found.keys()) == [], "run `make words`, and translate what is new"
    assert sorted(found.keys() - due) == [], "run `make words`"
    assert [text for text, words in found.items() if not words.strip()] == [], "translate these"


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_places_of_its_text_and_no_markup(language: str) -> None:
    for text, words in translated(language):
        assert sorted(_PLACE.findall(text)) == sorted(_PLACE.findall(words)), words
        assert "%" not in _PLACE.sub("", words), words
        assert not _MARKUP.search(words), words
        assert not _MARKUP.search(text), f"keep elements out of texts: {text}"
        assert words == words.strip()
        ends = re.compile(r"[.:…?]$")
        assert bool(ends.search(text)) == bool(ends.search(words)), f"{text} | {words}"


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_punctuation_of_its_language(language: str) -> None:
    for _, words in translated(language):
        assert set(words) & _QUOTES <= {*_QUOTES_OF[language], "\u2019"}, words
        opened = words.count("?") if language == "es" else 0
        assert (words.count("¿"), words.count("¡")) == (opened, 0), words
        assert language != "fr" or not _LOOSE_IN_FRENCH.search(words), words


@pytest.mark.parametrize("language", OTHERS)
def test_a_legal_word_in_a_verdict_has_the_english_one_beside_it(language: str) -> None:
    for text, words in translated(language):
        for term in ("accredited", "recognised"):
            if re.search(rf"(?i)\b{term} (for it|by)|was (not )?{term}", text):
                assert f"({term})" in words, f"{text} | {words}"


# --- Which language a page is in ---


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("address", ["/", "/verify", "/holder"])
def test_a_page_is_in_the_language_of_its_address_else_of_the_browser(
    served: Served, language: str, address: str
) -> None:
    likes = f"{language}-XX, en;q=0.5"
    assert read(served, address, likes)[0] == language
    assert read(served, f"{address}?lang=en", likes)[0] == "en"
    assert read(served, f"{address}?lang={language}", "en")[0] == language
    assert read(served, f"{address}?lang=xx", likes)[0] == language
    assert read(served, address, "tlh")[0] == "en"
    assert read(served, address, likes)[1].links == [f"?lang={each}" for each in languages()]


@pytest.mark.parametrize("language", OTHERS)
def test_no_english_of_a_page_is_said_to_be_in_another_language(
    served: Served, language: str
) -> None:
    credential = issued(served)
    known = {text for text, words in translated(language) if text != words} - _PLAIN
    for address in (
        "/",
        "/verify",
        "/holder",
        credential,
        "/nothing",
        "/organizations?size=9999999",
    ):
        spoken, page = read(served, address, language)
        assert spoken == language
        for marked, text in page.texts:
            assert marked != language or text not in known, f"{address}: {text}"


def issued(served: Served) -> str:
    """Return the address of a credential."""
    size = recorded(served, 1)
    (found,) = served.answer(f"/credentials?limit=1&size={size}").json()["items"]
    return str(found["links"]["self"])


@pytest.mark.parametrize("language", OTHERS)
def test_what_the_register_says_in_english_is_marked_as_english(
    served: Served, language: str
) -> None:
    _, page = read(served, issued(served), language)
    assert (ENGLISH, "credential.issued") in page.texts
    _, page = read(served, "/nothing", language)
    remedies = [marked for marked, text in page.texts if text.startswith("Not ")]
    assert set(remedies) <= {ENGLISH}
    assert {marked for marked, text in page.texts if text in TITLES.values()} <= {ENGLISH}


@pytest.mark.parametrize(
    "address", ["/organizations", "/credentials", "/achievements", "/problems"]
)
def test_a_page_that_is_not_translated_is_english_and_says_so(served: Served, address: str) -> None:
    assert read(served, address, "nl, de, fr, es")[0] == "en"


def test_a_credential_is_asked_for_as_of_a_size_in_a_language(served: Served) -> None:
    address = f"{issued(served)}?size={recorded(served, 1)}"
    spoken, page = read(served, f"{address}&lang={OTHERS[0]}", "en")
    assert spoken == OTHERS[0]
    size = address.partition("?")[2]
    assert page.links == [f"?{size}&lang={each}" for each in languages()]
    for likes in ("en", OTHERS[0]):
        answer = served.get(address, headers={"Accept": BROWSER, "Accept-Language": likes})
        assert answer.headers["vary"] == "Accept, Accept-Language, Accept-Encoding"
        assert answer.headers["cache-control"] == "no-cache"


def test_a_page_in_one_language_is_not_taken_for_that_in_another(served: Served) -> None:
    address = issued(served)
    asked = {"Accept": BROWSER, "Accept-Language": "en"}
    tag = served.get(address, headers=asked).headers["etag"]
    other = asked | {"Accept-Language": OTHERS[0], "If-None-Match": tag}
    assert served.get(address, headers=other).status_code == 200


def test_a_language_is_no_parameter_of_lists(served: Served) -> None:
    assert served.get("/credentials?lang=nl").status_code == 422


# --- What scripts are told ---


def test_verify_html_has_the_words_of_all_languages() -> None:
    source = offline_page("").decode()
    found = re.search(r'id="settings">(.+?)</script>', source)
    assert found is not None
    words = json.loads(found[1])["words"]
    assert words.keys() == languages().keys()
    for language in OTHERS:
        assert words[language] == dict(script_words(language))
        assert "Could not tell" in words[language]
    assert Spoken(source).links == [f"?lang={each}" for each in languages()]


def test_the_pages_that_are_translated_are_there() -> None:
    assert {path.name for path in TEMPLATES.glob("*.html")} >= TRANSLATED
