"""Parts of the OpenAPI document that the framework cannot derive: schemas, bodies, headers.

Answers are msgspec structs, so their schemas come from msgspec; paths under /log/ are served
beneath the framework, so they are written down here. Nothing is enforced by this module.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from api.http.problems import MEDIA_TYPE as PROBLEM
from api.http.problems import ProblemDocument
from testamur.rules import Flag

Json = dict[str, Any]
Responses = dict[int | str, dict[str, Any]]

_REFERENCE: Final = "#/components/schemas/{name}"
_TEXT: Final[Json] = {"schema": {"type": "string"}}
_BYTES: Final[Json] = {"schema": {"type": "string", "format": "binary"}}

SIZE_HEADER: Final[Json] = {
    "Testamur-Size": {
        "description": "The tree size that the answer holds for.",
        "schema": {"type": "integer", "minimum": 0},
    }
}


def schemas(*types: type) -> Json:
    """Return the components that these structs, and the problem document, consist of."""
    _, components = msgspec.json.schema_components(
        (ProblemDocument, *types), ref_template=_REFERENCE
    )
    if (flag := components.get(Flag.__name__)) is not None:
        flag["description"] = "\n".join(f"- `{each}`: {each.meaning}" for each in Flag)
    return components


def reference(kind: type) -> Json:
    """Return the reference to the schema of `kind`."""
    schema, _ = msgspec.json.schema_components((kind,), ref_template=_REFERENCE)
    return dict(schema[0])


def answer(kind: type, description: str, example: object = None, *, sized: bool = False) -> Json:
    """Return the response object of an answer of `kind`, in JSON."""
    media: Json = {"schema": reference(kind)}
    if example is not None:
        media["example"] = example
    found: Json = {"description": description, "content": {"application/json": media}}
    if sized:
        found["headers"] = SIZE_HEADER
    return found


def text(media_type: str, description: str) -> Json:
    """Return the response object of an answer that is text of `media_type`."""
    return {"description": description, "content": {media_type: _TEXT}}


def problems(**meanings: str) -> Responses:
    """Return response objects of problems; keywords are such as `p404="no such thing"`."""
    media = {PROBLEM: {"schema": reference(ProblemDocument)}}
    return {
        int(status.removeprefix("p")): {"description": meaning, "content": media}
        for status, meaning in meanings.items()
    }


LOG_PATHS: Final[Json] = {
    "/log/checkpoint": {
        "get": {
            "tags": ["log"],
            "summary": "The latest checkpoint (c2sp.org/tlog-checkpoint).",
            "operationId": "checkpoint",
            "responses": {"200": text("text/plain", "A signed note.")},
        }
    },
    "/log/vkey": {
        "get": {
            "tags": ["log"],
            "summary": "The log's verifier key; trust it if another source agrees.",
            "operationId": "vkey",
            "responses": {"200": text("text/plain", "name+id+key (c2sp.org/signed-note).")},
        }
    },
    "/log/tile/{level}/{index}": {
        "get": {
            "tags": ["log"],
            "summary": "A tile of hashes, or with level `entries` a bundle (c2sp.org/tlog-tiles).",
            "description": "From index 1000 on the path has more groups, such as `x001/234`; a "
            "partial tile ends in `.p/<width>`.",
            "operationId": "tile",
            "parameters": [
                {
                    "name": "level",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string", "pattern": "^(entries|[0-9]|[1-5][0-9]|6[0-3])$"},
                },
                {
                    "name": "index",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string", "pattern": "^[0-9]{3}$"},
                },
            ],
            "responses": {
                "200": {
                    "description": "The file; it never changes.",
                    "content": {"application/octet-stream": _BYTES},
                },
                "404": problems(p404="No checkpoint implies this file.")[404],
            },
        }
    },
}
