"""Terms that a document defines for itself, in its `@context`: which of them are safe to read by.

A context is no part of what a hash over RDF covers: any bearer of the document can define another
word for a member, and the hash stays. So a word is taken only if the address that it stands for,
which the hash covers, says the same word, and if no pinned context knows the word or the address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from testamur.badges.contexts import PINNED, pinned
from testamur.errors import Unavailable, shown

MAX_CONTEXTS: Final = 8
MAX_TERMS: Final = 100
_TERM: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"{}|\\^`\x00-\x20]{1,400}[/#]([^/#]+)")

_LEARNING_MACHINE: Final = "https://schemas.learningmachine.com/2017/"
PUBLISHED: Final[dict[str, str]] = {
    "metadataJson": _LEARNING_MACHINE + "blockcerts/metadata",
    "universalIdentifier": _LEARNING_MACHINE + "blockcerts/identifier",
}
"""Definitions with another word in their address, in Blockcerts of version 2 by Learning Machine.

Each word is taken for this address alone, and this address under no other word.
"""


class Contexts(NamedTuple):
    """The contexts of a document: those that are pinned, by address, and its own terms."""

    addresses: tuple[str, ...]
    terms: Mapping[str, str]
    """The address that each stands for."""


def read_contexts(context: object) -> Contexts:
    """Return the contexts of a document.

    Raises `Unavailable`, with the JSON pointer, for one that is not pinned and for a term that
    could change its meaning.
    """
    items = context if isinstance(context, list) else [context]
    # One that comes again is applied again, to every node.
    if len(items) > MAX_CONTEXTS or any(items.count(each) > 1 for each in items):
        raise Unavailable(f"/@context: one comes twice, or there are more than {MAX_CONTEXTS}")
    addresses = tuple(each for each in items if isinstance(each, str))
    for at, each in enumerate(items):
        if isinstance(each, str) and each not in PINNED:
            what = f"the context {shown(each)} is none of the pinned ones, and none is fetched"
            raise Unavailable(f"/@context/{at}: {what}")
    terms: dict[str, str] = {}
    known = [_known(each) for each in addresses]
    for at, each in enumerate(items):
        if isinstance(each, str):
            continue
        if not isinstance(each, dict):
            raise Unavailable(f"/@context/{at}: {shown(each)} is no context")
        for term, meaning in each.items():
            fault = _fault(term, meaning, known, terms)
            if fault is not None or len(terms) == MAX_TERMS:
                why = fault or f"is one of more than {MAX_TERMS} terms"
                raise Unavailable(f"/@context/{at}/{term[:100]}: the term {shown(term)} {why}")
            terms[term] = _address(meaning)
    return Contexts(addresses, terms)


def _fault(
    term: str, meaning: object, known: list[tuple[frozenset[str], frozenset[str]]], own: Any
) -> str | None:
    address = _address(meaning)
    found = _ADDRESS.fullmatch(address)
    if not _TERM.fullmatch(term) or found is None:
        return "does not stand for an address alone, with or without a type"
    if address != PUBLISHED.get(term, address) or term not in (found[1], *PUBLISHED):
        return f"stands for {shown(address)}, which says another word"
    if term in own or address in own.values():
        return "is defined twice"
    if term not in PUBLISHED and address in PUBLISHED.values():
        return f"stands for {shown(address)}, for which there is another word"
    if any(term in words or address in addresses for words, addresses in known):
        return "or what it stands for is in a pinned context already"
    return None


def _address(meaning: object) -> str:
    """Return what a definition stands for; "" if it says more than that and its type."""
    if isinstance(meaning, str):
        return meaning
    if not isinstance(meaning, dict) or not {"@id"} <= meaning.keys() <= {"@id", "@type"}:
        return ""
    kind, address = meaning.get("@type", "@id"), meaning["@id"]
    typed = isinstance(kind, str) and (kind == "@id" or _ADDRESS.fullmatch(kind))
    return address if typed and isinstance(address, str) else ""


@cache
def _known(address: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the words that a pinned context defines at any depth, and the addresses they mean."""
    terms = dict(_definitions(pinned(address)["@context"]))
    return frozenset(terms), frozenset(_whole(each, terms) for each in terms.values())


def _definitions(context: Any) -> Iterator[tuple[str, str]]:
    for each in context if isinstance(context, list) else [context]:
        for term, meaning in each.items() if isinstance(each, dict) else ():
            if isinstance(meaning, str):
                yield term, meaning
            elif isinstance(meaning, dict):
                yield term, str(meaning.get("@id", term))
                yield from _definitions(meaning.get("@context", {}))


def _whole(name: str, terms: Mapping[str, str]) -> str:
    prefix, colon, rest = name.partition(":")
    return terms[prefix] + rest if colon and prefix in terms else name
