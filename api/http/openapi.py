"""Parts of the OpenAPI document that the framework cannot derive: schemas, bodies, headers.

Answers are msgspec structs, so their schemas come from msgspec; paths under /log/ are served
beneath the framework, so they are written down here. Nothing is enforced by this module.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from api.http import examples
from api.http.problems import MEDIA_TYPE as PROBLEM
from api.http.problems import Problem, ProblemDocument
from testamur.rules import Flag

Json = dict[str, Any]
Responses = dict[int | str, dict[str, Any]]

_REFERENCE: Final = "#/components/schemas/{name}"
_BYTES: Final[Json] = {"schema": {"type": "string", "format": "binary"}}
_RULES: Final = {
    307: "another-address",
    308: "another-address",
    400: "http",
    403: "key-inactive",
    404: "no-such-file",
    406: "not-acceptable",
    408: "timeout",
    409: "jti-conflict",
    413: "submission-size",
    415: "media-type",
    422: "parameter",
    503: "overloaded",
}
"""A rule that such a problem may name."""

SIZE_HEADER: Final[Json] = {
    "Testamur-Size": {
        "description": "The tree size that the answer holds for.",
        "schema": {"type": "integer", "minimum": 0},
        "example": examples.SIZE,
    }
}
NEXT_HEADER: Final[Json] = {
    "Link": {
        "description": 'The address of the next page, `rel="next"`, if there is one.',
        "schema": {"type": "string"},
        "example": f'</organizations?cursor=7-Zm9vYmFy&limit=100&size={examples.SIZE}>; rel="next"',
    }
}


def schemas(*types: type) -> Json:
    """Return the components that these structs, and the problem document, consist of."""
    _, components = msgspec.json.schema_components(
        (ProblemDocument, *types), ref_template=_REFERENCE
    )
    if Flag.__name__ in components:
        components[Flag.__name__] = _flags()
    return components


def _flags() -> Json:
    """Return the schema of a flag, with what each means and who can mend it."""
    return {
        "title": Flag.__name__,
        "description": "A policy that an event broke when it was admitted.",
        "type": "string",
        "oneOf": list(map(_flag, Flag)),
        "examples": [Flag.BACKDATED.value],
    }


def _flag(flag: Flag) -> Json:
    given = ", ".join(str(event.__struct_config__.tag) for event in flag.on)
    return {
        "const": flag.value,
        "title": flag.value,
        "description": f"{flag.meaning}. Given to {given}. To mend it: {flag.remedy}.",
        "examples": [flag.value],
    }


def reference(kind: type) -> Json:
    """Return the reference to the schema of `kind`."""
    schema, _ = msgspec.json.schema_components((kind,), ref_template=_REFERENCE)
    return dict(schema[0])


def answer(kind: Any, description: str, *, sized: bool = False) -> Json:
    """Return the response object of an answer of `kind`, in JSON, with an example of it."""
    media: Json = {"schema": reference(kind), "example": examples.example(kind)}
    found: Json = {"description": description, "content": {"application/json": media}}
    if sized:
        listed = "items" in media["example"]
        found["headers"] = SIZE_HEADER | NEXT_HEADER if listed else SIZE_HEADER
    return found


def text(media_type: str, description: str, example: str) -> Json:
    """Return the response object of an answer that is text of `media_type`."""
    media = {"schema": {"type": "string"}, "example": example}
    return {"description": description, "content": {media_type: media}}


def problems(**meanings: str) -> Responses:
    """Return response objects of problems; keywords are such as `p404="no such thing"`."""
    return {
        int(name.removeprefix("p")): _problem(int(name.removeprefix("p")), meaning)
        for name, meaning in meanings.items()
    }


def _problem(status: int, meaning: str) -> Json:
    rule = _RULES[status]
    detail = f"what is wrong, and what to do about it: the rule {rule} has a sentence here"
    example = msgspec.to_builtins(Problem(status, rule, detail).document)
    media = {"schema": reference(ProblemDocument), "example": example}
    return {"description": meaning, "content": {PROBLEM: media}}


def with_samples(document: Json) -> None:
    """Add to every operation of a document how it is asked with curl."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            source = _curl(method, path, operation)
            operation["x-codeSamples"] = [{"lang": "Shell", "label": "curl", "source": source}]


def _curl(method: str, path: str, operation: Json) -> str:
    """Return a command for one operation, at a server of this machine."""
    for each in operation.get("parameters", ()):
        if each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", str(example_of(each)))
    body = operation.get("requestBody")
    if body is None:
        return f"curl {_SERVER}{path}"
    (media_type,) = body["content"]
    return (
        f"curl -X {method.upper()} -H 'Content-Type: {media_type}' "
        f"--data-binary @submission {_SERVER}{path}"
    )


def example_of(parameter: Json) -> Any:
    """Return the example of a parameter, wherever it stands."""
    if "example" in parameter:
        return parameter["example"]
    return parameter["schema"]["examples"][0]


_SERVER: Final = "http://127.0.0.1:8000"


LOG_PATHS: Final[Json] = {
    "/log/checkpoint": {
        "get": {
            "tags": ["log"],
            "summary": "The latest checkpoint (c2sp.org/tlog-checkpoint).",
            "description": "A signed note: the log's name, its size, the root of its tree, and "
            "signatures. It is replaced whenever entries are published.",
            "operationId": "checkpoint",
            "responses": {"200": text("text/plain", "A signed note.", examples.CHECKPOINT)},
        }
    },
    "/log/vkey": {
        "get": {
            "tags": ["log"],
            "summary": "The log's verifier keys, a line each; trust one if another source agrees.",
            "description": "The key that opened the log comes first, then those that took its "
            "place; a line is never removed. From when to when each signs is told at `/`. For "
            "convenience: a server could name any key. The operator publishes them in another "
            "place too.",
            "operationId": "vkey",
            "responses": {
                "200": text("text/plain", "name+id+key (c2sp.org/signed-note).", examples.VKEY)
            },
        }
    },
    "/log/tile/{level}/{index}": {
        "get": {
            "tags": ["log"],
            "summary": "A tile of hashes, or with level `entries` a bundle (c2sp.org/tlog-tiles).",
            "description": "From index 1000 on the path has more groups, such as `x001/234`; a "
            "partial tile ends in `.p/<width>`. Bundles come in gzip too.",
            "operationId": "tile",
            "parameters": [
                {
                    "name": "level",
                    "in": "path",
                    "required": True,
                    "description": "The level of the hashes in the tree, or `entries`.",
                    "schema": {"type": "string", "pattern": "^(entries|[0-9]|[1-5][0-9]|6[0-3])$"},
                    "example": "0",
                },
                {
                    "name": "index",
                    "in": "path",
                    "required": True,
                    "description": "The number of the tile in its level, in groups of 3 digits.",
                    "schema": {"type": "string", "pattern": "^[0-9]{3}$"},
                    "example": "000",
                },
            ],
            "responses": {
                "200": {
                    "description": "The file; it never changes.",
                    "content": {"application/octet-stream": _BYTES},
                },
                **{
                    str(status): found
                    for status, found in problems(
                        p404="No checkpoint implies this file.",
                        p406="The client takes neither a plain answer nor, for a bundle, gzip.",
                    ).items()
                },
            },
        }
    },
}
