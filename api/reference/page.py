"""The OpenAPI document as an HTML page, for people.

It is made on the server from the document alone, so that it cannot tell anything else, with the
header, the style and the content security policy of all pages (`api/web`), and needs no script.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from api.web.rendering import render

Json = Mapping[str, Any]

_REFERENCE: Final = "#/components/schemas/"
_SHOWN_BYTES: Final = 4000  # of one example


class Piece(NamedTuple):
    """A part of the words for a type; `schema` is the name of the schema that it leads to."""

    text: str
    schema: str | None = None


class Operation(NamedTuple):
    """An operation of the document, at a place of the page."""

    anchor: str
    method: str
    path: str
    told: Json


def page(document: Json, origin: str) -> bytes:
    """Return the page of an OpenAPI document, at the server of the log of this `origin`."""
    facts = {
        "example": example_text,
        "info": document["info"],
        "origin": origin,
        "paragraphs": document["info"].get("description", "").strip().split("\n\n"),
        "pieces": pieces,
        "present": present,
        "schemas": sorted(document["components"]["schemas"].items()),
        "spans": spans,
        "tags": [(tag, list(_operations(document, tag["name"]))) for tag in document["tags"]],
    }
    return render("reference.html", facts)


def _operations(document: Json, tag: str) -> Iterator[Operation]:
    for path, operations in sorted(document["paths"].items()):
        for method, told in operations.items():
            if tag in told["tags"]:
                anchor = f"{method}{path}".replace("/", "-").replace("{", "").replace("}", "")
                yield Operation(anchor.strip("-"), method.upper(), path, told)


def example_text(value: Any) -> str:
    """Return an example as text: JSON indented, a text as it is."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return text if len(text) <= _SHOWN_BYTES else f"{text[:_SHOWN_BYTES]}\n..."


def spans(text: str) -> list[tuple[str, bool]]:
    """Return the parts of a text in Markdown's simplest form, and whether each is code."""
    return [(part, number % 2 == 1) for number, part in enumerate(text.split("`")) if part]


def present(schema: Json) -> Json:
    """Return what a parameter is if it is there: null stands for one that is left out."""
    choices = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    return choices[0] if len(choices) == 1 else schema


def pieces(schema: Json) -> list[Piece]:
    """Return in words what a schema allows."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REFERENCE)
        return [Piece(name, name)]
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return _joined(" or ", [pieces(each) for each in schema[choice]])
    if "const" in schema:
        return [Piece(f"`{schema['const']}`")]
    if "enum" in schema:
        return [Piece(", ".join(f"`{each}`" for each in schema["enum"]))]
    if schema.get("type") == "array":
        items = schema.get("prefixItems", [schema.get("items") or {}])
        return [Piece("list of "), *_joined(", ", [pieces(each) for each in items])]
    return [Piece(schema.get("type", "anything") + _bounds(schema))]


def _joined(between: str, parts: list[list[Piece]]) -> list[Piece]:
    found: list[Piece] = []
    for part in parts:
        found += [Piece(between)] * bool(found) + part
    return found


def _bounds(schema: Json) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        return f" {'' if low is None else low}..{'' if high is None else high}"
    longest = schema.get("maxLength")
    form = schema.get("format") or schema.get("contentEncoding")
    return (f", {form}" if form else "") + (f", at most {longest} characters" if longest else "")
