"""A JSON-LD document as canonical N-Quads (RDFC-1.0, URDNA2015), with bounded work.

Contexts come from `contexts/` alone. What the canonical form leaves out of a document, and what
else has the same form, is not said here: `jsonld_guard.py` does that.

Sources: JSON-LD 1.1 API section 7 and 8, RDF Dataset Canonicalization section 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from threading import Lock
from typing import Any, Final, NamedTuple, TypeVar

from testamur.badges.contexts import PINNED, pinned
from testamur.badges.installed import library
from testamur.errors import Unavailable, shown

MAX_WORK: Final = 60_000
"""Issued identifiers copied while blank nodes that look alike are told apart.

Published documents take none. Poison graphs (RDFC-1.0 section 7.1) take as many as they like.
"""

_T = TypeVar("_T")
# The library keeps what it made of contexts in tables that two threads must not change at once.
_one_at_a_time: Final = Lock()


class Form(NamedTuple):
    """A document in expanded form, its statements, and these in canonical N-Quads."""

    expanded: list[Any]
    statements: int
    canonical: bytes


def canonical_form(document: Mapping[str, Any]) -> Form:
    """Return the forms of `document`, whose contexts are pinned or inline.

    Raises `Unavailable` for a document that is no JSON-LD, whose blank nodes take more than
    `MAX_WORK` to be told apart, or where the library is missing.
    """
    jsonld = library("pyld.jsonld")

    def formed() -> Form:
        expanded = jsonld.expand(dict(document), _options())
        dataset = jsonld.to_rdf(expanded, _options())
        statements = sum(map(len, dataset.values()))
        canonical = _algorithm()().main(dataset, {"format": "application/n-quads"})
        return Form(expanded, statements, canonical.encode())

    return _guarded(formed)


def compacted(expanded: list[Any], context: object) -> dict[str, Any]:
    """Return the compacted form of what `canonical_form` expanded; raises `Unavailable`."""
    jsonld = library("pyld.jsonld")

    def formed() -> dict[str, Any]:
        found: dict[str, Any] = jsonld.compact(expanded, {"@context": context}, _options())
        return found

    return _guarded(formed)


def _guarded(work: Callable[[], _T]) -> _T:
    error_of_library = library("pyld.jsonld").JsonLdError
    with _one_at_a_time:
        try:
            return work()
        except error_of_library as error:
            why = error.code or error.type
            raise Unavailable(f"the document could not be read as JSON-LD: {shown(why)}") from None
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
            # The library takes the shape of much for granted.
            raise Unavailable("the document could not be read as JSON-LD") from None


def _options() -> dict[str, Any]:
    return {"documentLoader": _load, "base": ""}


def _load(address: str, _options: object = None) -> dict[str, Any]:
    if address not in PINNED:
        raise Unavailable(
            f"context {shown(address)} is none of the pinned ones, and none is fetched"
        )
    return {
        "contentType": "application/ld+json",
        "contextUrl": None,
        "documentUrl": address,
        "document": pinned(address),
    }


@cache
def _algorithm() -> Any:
    """Return the library's algorithm with a bound on its work.

    It tries every order of the blank nodes that look alike, and copies the identifiers issued so
    far for each: that is what is counted, before it is done.
    """
    base: Any = library("pyld.canon").URDNA2015

    class Bounded(base):  # type: ignore[misc]  # the library has no types
        def __init__(self) -> None:
            super().__init__()
            self._left = MAX_WORK

        def create_hash_to_related(self, id_: str, issuer: Any) -> dict[str, list[str]]:
            found: dict[str, list[str]] = super().create_hash_to_related(id_, issuer)
            copies = sum(math.factorial(min(len(alike), 20)) for alike in found.values())
            self._left -= 1 + copies * (1 + len(issuer.existing))
            if self._left < 0:
                raise Unavailable(
                    "the document has too many nodes without an id that look alike: its form "
                    "could take for ever"
                )
            return found

    return Bounded
