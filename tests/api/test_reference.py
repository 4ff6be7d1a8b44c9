"""The API explains itself: every part of its document, and a page that is made of it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from markupsafe import escape

from api import questions
from api.health import SHAPES as OF_HEALTH
from api.http.examples import example
from api.http.openapi import example_of
from api.reference.page import example_text, pieces, spans
from api.submissions.routes import SHAPES as OF_SUBMISSIONS
from api.web.policy import POLICY
from testamur.rules import Flag
from testamur.verification.evidence import Evidence
from tests.harness.served import Served


@pytest.fixture(scope="module")
def document(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = served.get("/openapi.json").json()
    return found


def lacking(document: dict[str, Any]) -> list[str]:
    """Return every part of the document that has no description, or no example."""
    found = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            found += [
                f"{where}: {part}" for part in ("summary", "description") if not operation.get(part)
            ]
            found += [] if operation.get("x-codeSamples") else [f"{where}: example"]
            for each in operation.get("parameters", ()):
                name = f"{where} {each['in']} {each['name']}"
                examples = [each[k] for k in ("example", "examples") if k in each]
                examples += each["schema"].get("examples", ())
                found += [] if each.get("description") else [f"{name}: description"]
                found += [] if examples else [f"{name}: example"]
            bodies = {"body": operation.get("requestBody")} | operation["responses"]
            for status, each in bodies.items():
                found += lacking_in_body(f"{where} {status}", each) if each is not None else []
    return found


def lacking_in_body(where: str, body: dict[str, Any]) -> list[str]:
    found = [] if body.get("description") else [f"{where}: description"]
    for media_type, content in body.get("content", {}).items():
        # The bytes of a tile are no text to show.
        if "example" not in content and content["schema"].get("format") != "binary":
            found.append(f"{where} {media_type}: example")
    for name, header in body.get("headers", {}).items():
        found += [
            f"{where} {name}: {part}" for part in ("description", "example") if part not in header
        ]
    return found


def test_every_part_of_the_document_has_a_description_and_an_example(
    document: dict[str, Any],
) -> None:
    assert lacking(document) == []
    (choices,) = [document["components"]["schemas"]["Flag"]["oneOf"]]
    assert [each["const"] for each in choices] == list(Flag)
    assert all(each["description"] and each["examples"] for each in choices)


def test_a_part_without_one_is_noticed(document: dict[str, Any]) -> None:
    damaged = json.loads(json.dumps(document))
    operation = damaged["paths"]["/credentials"]["get"]
    del operation["description"], operation["x-codeSamples"]
    operation["parameters"][0].pop("description")
    operation["parameters"][0]["schema"].pop("examples")
    del operation["responses"]["200"]["content"]["text/csv"]["example"]
    del operation["responses"]["404"]["description"]
    assert len(lacking(damaged)) == 6


def test_every_example_of_a_parameter_is_taken(served: Served, document: dict[str, Any]) -> None:
    """What is not there may be asked for; a cursor goes with the list that named it."""
    asked = 0
    for path, operations in document["paths"].items():
        operation = operations.get("get", {})
        given = {each["name"]: example_of(each) for each in operation.get("parameters", ())}
        where = path.format_map(given)
        required = {
            each["name"]: given[each["name"]]
            for each in operation.get("parameters", ())
            if each["in"] == "query" and each["required"]
        }
        for each in operation.get("parameters", ()):
            if each["in"] == "query" and each["name"] != "cursor" and path != "/stream":
                query = required | {each["name"]: given[each["name"]]}
                if each["name"] == "key" and path == "/submissions":
                    query["organization"] = given["organization"]
                answer = served.get(where, params=query)
                refused = answer.status_code == 422 and answer.json()["rule"] != "size-ahead"
                assert not refused, (where, query, answer.text)
                asked += 1
    assert asked > 150


@pytest.mark.parametrize(
    "shape", [*questions.SHAPES, *OF_HEALTH, *OF_SUBMISSIONS, Evidence], ids=str
)
def test_every_example_has_the_shape_that_it_is_an_example_of(shape: Any) -> None:
    found = msgspec.convert(example(shape), shape)
    assert msgspec.to_builtins(found, str_keys=True)


def test_a_member_without_an_example_stops_the_document() -> None:
    class Shape(msgspec.Struct):
        never_heard_of: str

    with pytest.raises(LookupError, match="never_heard_of in Shape"):
        example(Shape)


# --- The page ---


class Seen(HTMLParser):
    """What a page consists of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [found[name] or "" for name in ("href", "src") if name in found]
        if tag not in {"meta", "link", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(served: Served) -> str:
    return served.get("/docs").text


def test_the_page_runs_nothing_and_loads_its_own_style_sheet_alone(
    served: Served, page: str
) -> None:
    answer = served.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers.get_list("content-security-policy") == [POLICY]
    assert "'unsafe" not in POLICY
    seen = Seen()
    seen.feed(page)
    assert seen.open == []
    assert not seen.tags & {"script", "style", "img", "iframe", "object", "embed", "base"}
    assert not {name for name in seen.attributes if name.startswith("on")} | (
        seen.attributes & {"style", "srcset"}
    )
    assert all(link.startswith(("/", "#")) for link in seen.links)
    (sheet,) = [link for link in seen.links if link.endswith("/reference.css")]
    text = served.get(sheet).text
    assert "url(" not in text
    assert "@import" not in text
    # It is a page like the others.
    others = Seen()
    others.feed(served.get("/organizations", headers={"Accept": "text/html"}).text)
    assert {"/", "/verify", "/achievements"} <= set(others.links) & set(seen.links)
    again = served.get("/docs", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_it_is_sent_small_to_a_client_that_takes_gzip(served: Served, page: str) -> None:
    plain = served.get("/docs", headers={"Accept-Encoding": "identity"})
    small = served.get("/docs", headers={"Accept-Encoding": "gzip, deflate, br"})
    assert small.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.text == small.text == page
    assert int(small.headers["content-length"]) < 150_000
    assert small.headers["etag"] == plain.headers["etag"], "a weak one: both say the same"


def test_every_place_that_the_page_leads_to_is_there_once(page: str) -> None:
    seen = Seen()
    seen.feed(page)
    assert len(set(seen.ids)) == len(seen.ids)
    assert {link[1:] for link in seen.links if link.startswith("#")} <= set(seen.ids)


def test_the_page_tells_all_that_the_document_does(page: str, document: dict[str, Any]) -> None:
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
    told = [each.meaning for each in Flag] + list(document["components"]["schemas"])
    for path, operations in document["paths"].items():
        for operation in operations.values():
            told += [path, operation["summary"], operation["description"]]
            told += [each["description"] for each in operation.get("parameters", ())]
            told += [each["description"] for each in operation["responses"].values()]
    for words in told:
        spelt = str(escape(words.replace("`", "")))
        assert " ".join(spelt.split()) in text, words


def test_text_on_the_page_is_text(served: Served) -> None:
    assert spans("a `b<c>` d") == [("a ", False), ("b<c>", True), (" d", False)]
    assert example_text({"ä": 1}) == '{\n  "ä": 1\n}'
    assert len(example_text("x" * 9000)) < 4100
    assert pieces({"$ref": "#/components/schemas/Flag"}) == [("Flag", "Flag")]
    assert "".join(piece.text for piece in pieces({"type": "array", "items": {"enum": ["a"]}})) == (
        "list of `a`"
    )
    assert "&lt;!doctype html&gt;" in served.get("/docs").text
