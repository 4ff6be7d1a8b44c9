"""The one spelling of an id that is written in another: where to find what a request means.

People copy ids from credentials, RDF and address lines: in capitals, as `urn:uuid:`, a DID with
percent signs or with a key behind `#`. A request with such a one is told the address of the same
thing in its one spelling, so that caches and programs meet no second name for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

from api.questions.moment import DID, MULTIKEY, UUID

_URN: Final = re.compile(r"^(urn:uuid:|uuid:)|[{}]", re.IGNORECASE)
_BARE: Final = re.compile(r"[0-9a-f]{32}")
_KEY: Final = MULTIKEY.strip("^$")
_ANY_DID: Final = re.compile(rf"(?:(?i:did:key:))?({_KEY})(?:[#?/].*)?", re.DOTALL)
_LONGEST: Final = 400  # characters
_ANY_KEY: Final = re.compile(rf"(?:(?i:did:key:){_KEY}#|(?i:did:key:))?({_KEY})")


def address_meant(path: str, query: str, faults: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the address that has each faulty id in its one spelling; None if one has none.

    `path` is decoded, `query` as it was sent; `faults` are what pydantic found.
    """
    in_path: dict[str, str] = {}
    in_query: dict[tuple[str, str], str] = {}
    for fault in faults:
        text, place, name = fault.get("input"), fault["loc"][0], fault["loc"][1]
        right = spelling(text, fault.get("ctx", {}).get("pattern"))
        if right is None or not isinstance(text, str):
            return None
        if place == "path":
            in_path[text] = right
        else:
            in_query[name, text] = right
    found = "/".join(quote(in_path.get(each, each), safe=":") for each in path.split("/"))
    pairs = parse_qsl(query, keep_blank_values=True)
    pairs = [(name, in_query.get((name, value), value)) for name, value in pairs]
    return f"{found}?{urlencode(pairs, safe=':')}" if pairs else found


def spelling(text: object, pattern: str | None) -> str | None:
    """Return what `text` means as a match of `pattern`, an id's; None if it means nothing."""
    if pattern not in _READ or not isinstance(text, str) or len(text) > _LONGEST:
        return None
    # Percent signs that are left were encoded twice.
    return _READ[pattern](unquote(text).strip())


def _did(text: str) -> str | None:
    found = _ANY_DID.fullmatch(text)
    return None if found is None else f"did:key:{found[1]}"


def _multikey(text: str) -> str | None:
    found = _ANY_KEY.fullmatch(text)
    return None if found is None else found[1]


def _uuid(text: str) -> str | None:
    bare = _URN.sub("", text).lower()
    if re.fullmatch(UUID.removesuffix("$"), bare):
        return bare
    if not _BARE.fullmatch(bare):
        return None
    return f"{bare[:8]}-{bare[8:12]}-{bare[12:16]}-{bare[16:20]}-{bare[20:]}"


_READ: Final = {DID: _did, MULTIKEY: _multikey, UUID: _uuid}
