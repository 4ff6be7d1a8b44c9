"""Does a JSON-LD document say what its hash covers, and nothing besides?

A hash over RDF covers statements, and a reader sees JSON: much JSON has the same statements. What
is hashed can be shown under other names, in other places, and beside more that is in no statement.
So a document must be the compacted form of its own expansion under pinned contexts, and must lose
nothing on the way to its statements. Another form may be honest, and nobody can tell: it *could not
be checked*, with the JSON pointer (RFC 6901) to what is not so.

    keyword, null, nested array     each is read by JSON-LD in a way that a reader of JSON does not
    the same thing twice            is one statement, so it could be left out or added
    a node described and referred to    could be described in the other place
    a member that is not compacted  has another name by which the contexts know it, or was dropped
    a relative or odd address       is dropped, or reads as more than one statement

Source: JSON-LD 1.1, JSON-LD 1.1 API; the attacks are those that verifiers of RDF proofs list.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from testamur.badges.canonical_rdf import Form, compacted
from testamur.badges.inline_terms import Contexts
from testamur.canonical import jcs
from testamur.errors import Unavailable, shown

MAX_ITEMS: Final = 1_000
"""Members and items of a document; Blockcerts have some fifty. The time grows with the square."""

_VALUE: Final = frozenset({"@value", "@language", "@direction"})
_EXPANDED: Final = frozenset({"@id", "@type"})
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f-\xa0<>\"{}|\\^`]*")
_LANGUAGE: Final = re.compile(r"[a-z]{1,8}(-[a-z0-9]{1,8}){0,8}")


def check_size(document: Mapping[str, Any], times: int = 1) -> None:
    """Raise `Unavailable` for a document too large to be brought into its form so many times."""
    items = sum(1 for _ in _walk({**document, "@context": None}))
    if items * times > MAX_ITEMS:
        raise Unavailable(
            f"the document has {items} members and items, and {times} to be made of it; at most "
            f"{MAX_ITEMS} in all are read as JSON-LD"
        )


def check_no_contexts_within(document: Mapping[str, Any]) -> None:
    """Raise `Unavailable` for a context below the top, before any is heard."""
    for pointer, name, _ in _walk({**document, "@context": None}):
        if name == "@context" and pointer != "/@context":
            _fail(pointer, "a context of its own, which could rename what is below it")


def check_form(document: Mapping[str, Any], contexts: Contexts, form: Form) -> None:
    """Raise `Unavailable` unless `document` is what it says by its statements.

    `contexts` are those of the document, and `form` is what was made of it.
    """
    plain = {name: value for name, value in document.items() if name != "@context"}
    _check_json(plain)
    _check_expanded(plain, form)
    back = compacted(form.expanded, document.get("@context"))
    back.pop("@context", None)
    difference = next(_differences(plain, back, contexts, ""), None)
    if difference is not None:
        _fail(*difference)


def _fail(pointer: str, what: str) -> NoReturn:
    raise Unavailable(f"the document could not be read safely: {pointer or '/'}: {what}")


def _walk(value: Any, pointer: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield each member and item with its pointer and its name, "" for an item."""
    waiting = [(pointer, value)]
    for place, found in waiting:  # grows as we go
        if isinstance(found, dict):
            inner = [(f"{place}/{_escaped(name)}", name, each) for name, each in found.items()]
        elif isinstance(found, list):
            inner = [(f"{place}/{at}", "", each) for at, each in enumerate(found)]
        else:
            continue
        yield from inner
        waiting += [(at, each) for at, _, each in inner if isinstance(each, dict | list)]


def _escaped(name: str) -> str:
    return name[:100].replace("~", "~0").replace("/", "~1")


def _check_json(document: Mapping[str, Any]) -> None:
    """Refuse what JSON-LD reads in another way than a reader of JSON."""
    if _VALUE & document.keys():
        _check_value("", document)
    for pointer, name, value in _walk(document):
        if name.startswith("@") and name not in _VALUE:
            _fail(pointer, f"the keyword {shown(name)}")
        if value is None or value == []:
            _fail(pointer, "nothing, which is in no statement")
        if isinstance(value, str) and value.startswith("_:"):
            _fail(pointer, "the label of a node without an id, which any other could replace")
        if isinstance(value, float) and float(f"{value:.15e}") != value:
            _fail(pointer, "a number with more digits than its statement has")
        if isinstance(value, dict) and _VALUE & value.keys():
            _check_value(pointer, value)
        if isinstance(value, list):
            _check_list(pointer, value)


def _check_value(pointer: str, value: Mapping[str, Any]) -> None:
    if "@value" not in value:
        _fail(f"{pointer}/{min(_VALUE & value.keys())}", "a keyword of a text that is not there")
    language = value.get("@language", "")
    if not {"@value"} <= value.keys() <= _VALUE or not all(
        isinstance(v, str) for v in value.values()
    ):
        _fail(pointer, "more than a text, its language and its direction")
    # In no statement, so anybody could change it: how a text is laid out, and nothing that it says.
    if value.get("@direction", "ltr") not in ("ltr", "rtl"):
        _fail(f"{pointer}/@direction", "none of ltr and rtl")
    if language and not _LANGUAGE.fullmatch(language):
        _fail(pointer, "a language whose tag is not in small letters")


def _check_list(pointer: str, values: list[Any]) -> None:
    if any(isinstance(each, list) for each in values):
        _fail(pointer, "an array within an array, of which JSON-LD makes one")
    if len({jcs(each) for each in values}) != len(values):
        _fail(pointer, "the same thing twice, which is one statement")


def _check_expanded(document: Mapping[str, Any], form: Form) -> None:
    """Refuse what is in no statement, in one that reads as another, or in one that is no tree."""
    described: Counter[str] = Counter()
    named: Counter[str] = Counter()
    statements = sum(_statements(document, node, described, named) for node in form.expanded)
    if len(form.expanded) != 1 or statements != form.statements:
        _fail("", f"{form.statements} statements are made of it, where it has {statements}")
    for iri in described:
        if named[iri] > 1:
            _fail(
                _where(document, iri), "a node that is described in one place and named in another"
            )


def _statements(
    document: Mapping[str, Any], node: Any, described: Counter[str], named: Counter[str]
) -> int:
    """Return how many statements a node of the expanded form has, with all below it."""
    if "@value" in node:
        _check_iris(document, [node.get("@type", "urn:text")])
        if not node.keys() <= _VALUE | {"@type"}:
            _fail("", f"a value with {shown(sorted(node))}")
        return 0
    if "@graph" in node:
        # Of a term such as `proof`, whose statements are a graph of their own.
        return _of_nodes(document, node["@graph"], described, named)
    if "@list" in node:
        inner = node["@list"]
        return 2 * len(inner) + _of_nodes(document, inner, described, named)
    odd = [name for name in node if name.startswith("@") and name not in _EXPANDED]
    if odd:
        _fail("", f"the keyword {shown(odd[0])} in its expanded form")
    types, properties = node.get("@type", []), [name for name in node if name not in _EXPANDED]
    _check_iris(document, [*types, *properties, *([node["@id"]] if "@id" in node else [])])
    if "@id" in node:
        named[node["@id"]] += 1
        if types or properties:
            described[node["@id"]] += 1
    found = len(types)
    for name in properties:
        found += len(node[name]) + _of_nodes(document, node[name], described, named)
    return found


def _of_nodes(
    document: Mapping[str, Any], nodes: Any, described: Counter[str], named: Counter[str]
) -> int:
    return sum(_statements(document, each, described, named) for each in nodes)


def _check_iris(document: Mapping[str, Any], iris: list[Any]) -> None:
    for iri in iris:
        if not isinstance(iri, str) or not _IRI.fullmatch(iri):
            _fail(_where(document, iri), f"{shown(iri)}, which is no absolute address")


def _where(document: Mapping[str, Any], text: object) -> str:
    """Return the pointer to the first member of this name or value; "" if it is not there so."""
    found = (at for at, name, value in _walk(document) if text in (name, value))
    return next(found, "")


def _differences(
    said: Any, back: Any, contexts: Contexts, pointer: str
) -> Iterator[tuple[str, str]]:
    """Yield where a document and its compacted form differ; an array of one is its item."""
    said, back = _one(said), _one(back)
    if isinstance(said, dict) and isinstance(back, dict):
        for name in said:
            at = f"{pointer}/{_escaped(name)}"
            if name not in back:
                yield at, "a member that the contexts know under no name, or under another one"
                continue
            yield from _differences(said[name], back[name], contexts, at)
        for name in back.keys() - said.keys():
            yield pointer, f"{shown(name)} is what the contexts call one of its members"
    elif isinstance(said, list) and isinstance(back, list) and len(said) == len(back):
        for place, (one, other) in enumerate(zip(said, back, strict=True)):
            yield from _differences(one, other, contexts, f"{pointer}/{place}")
    elif not _same(said, back, contexts):
        yield pointer, f"{shown(said)}, which the contexts write as {shown(back)}"


def _one(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _same(said: Any, back: Any, contexts: Contexts) -> bool:
    if isinstance(said, bool) or isinstance(back, bool):
        return said is back
    # A type whose term was defined with a type of its own is written out in full.
    return bool(said == back) or (isinstance(said, str) and contexts.terms.get(said) == back)
