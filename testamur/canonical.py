"""Strict reading of JSON that others wrote, and its one canonical form (RFC 8785, JCS).

What `parse_strict` returns is I-JSON (RFC 7493): UTF-8, no key twice, no lone surrogate, only
numbers that survive a trip through an IEEE 754 double with every integer digit intact, so that
`parse_strict(jcs(value)) == value` for all it returns. Bytes, depth and the number of values are
bounded before there is an object for each: `[],` repeated would take fifty times its size.
It says nothing about what the document means.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

import msgspec
import rfc8785

from testamur.errors import Refusal

MAX_DOCUMENT: Final = 4 * 1024 * 1024
"""Bytes of one JSON document unless a caller says otherwise: a badge with its pictures."""
MAX_DEPTH: Final = 64
"""Objects and arrays within one another; published credentials stay under 20."""
MAX_VALUES: Final = 100_000
"""Arrays, objects, and commas between their members; published credentials stay under 1,000."""
MAX_NUMBER: Final = 1_100
"""Characters of one number; the longest double, written to its last digit, takes 1,079."""

# RFC 8785 section 3.2.2.3 prints numbers as ECMAScript does: as IEEE 754 doubles.
_MAX_INTEGER: Final = 2**53 - 1
# From here on ECMAScript prints an exponent, so the text no longer claims every digit.
_EXPONENT_FROM: Final = 1e21
_encoder: Final = msgspec.json.Encoder(order="sorted")
_STRUCTURE: Final = b'",[{'
_NO_STRUCTURE: Final = bytes(set(range(256)) - set(_STRUCTURE))
_TEXT: Final = re.compile(rb'"[^"]*("|$)')


def parse_strict(
    data: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH, max_values: int = MAX_VALUES
) -> Any:
    """Return the one JSON value that `data` spells.

    Raises `Refusal`, with the rule broken and the key or value that broke it: `json-size`,
    `json-values`, `json-encoding`, `json`, `json-duplicate-key`, `json-number`, `json-surrogate`,
    `json-depth`.
    """
    if len(data) > max_bytes:
        raise Refusal(
            "json-size", f"a document is at most {max_bytes} bytes", value=f"{len(data)} bytes"
        )
    _check_values(data, max_values)
    value = _decoded(_utf8(data), max_depth)
    # UTF-8 spells no surrogate, so only an escape can bring in half of a pair.
    _check_tree(value, max_depth, strings=rb"\u" in data)
    return value


def jcs(value: object) -> bytes:
    """Return the canonical form of `value` (RFC 8785).

    Raises `Refusal` (`canonical-json`) when `value` has none: NaN, an integer beyond 2^53, a
    lone surrogate, a key that is no string, a Python object that is no JSON value.
    """
    try:
        if _prints_alike(value):
            return _encoder.encode(value)
        return rfc8785.dumps(value)  # type: ignore[arg-type]  # it checks, and says so
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Refusal("canonical-json", f"has no RFC 8785 form: {error}") from None
    except RecursionError:
        raise Refusal("canonical-json", "nested too deeply for an RFC 8785 form") from None


def jcs_of_members(members: Mapping[str, bytes]) -> bytes:
    """Return the canonical form of an object, given that of each member's value.

    With it, a value that is signed in several combinations takes its form once. Raises `Refusal` as
    `jcs` does, for a key.
    """
    try:
        # RFC 8785 section 3.2.3 sorts by UTF-16 unit.
        names = sorted(members, key=lambda name: name.encode("utf-16-be"))
    except (UnicodeEncodeError, AttributeError) as error:
        raise Refusal("canonical-json", f"has no RFC 8785 form: {error}") from None
    return b"{%s}" % b",".join(b"%s:%s" % (_encoder.encode(name), members[name]) for name in names)


def jcs_of_items(items: Iterable[bytes]) -> bytes:
    """Return the canonical form of an array, given that of each item."""
    return b"[%s]" % b",".join(items)


def _prints_alike(value: object) -> bool:
    """Return whether msgspec, fifty times as fast, prints `value` as RFC 8785 would.

    It does for what credentials are made of. It writes whole and extreme floats in another
    way, sorts keys by code point, not by UTF-16 unit, and takes Python objects that are no
    JSON values.
    """
    items = [value]
    for item in items:  # grows as we go
        if type(item) is dict:
            if not all(type(key) is str and key.isascii() for key in item):
                return False
            items.extend(item.values())
        elif type(item) is list:
            items.extend(item)
        elif type(item) is int:
            if abs(item) > _MAX_INTEGER:
                return False
        elif type(item) is float:
            if item.is_integer() or not 1e-4 <= abs(item) < 1e15:
                return False
        elif type(item) is not str and type(item) is not bool and item is not None:
            return False
    return True


def _check_values(data: bytes, most: int) -> None:
    """Refuse more than `most` arrays, objects and commas, before there is an object for each."""
    if sum(map(data.count, (b",", b"[", b"{"))) <= most:
        return
    # Some may be punctuation in texts: those are left out, and the count is exact.
    bare = data.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _NO_STRUCTURE)
    # A text is a key or a value: where there are four quotes there is a comma or a bracket.
    found = bare.count(b'"') // 4
    if found <= most:
        bare = _TEXT.sub(b"", bare)
        found = len(bare)
    if found > most:
        raise Refusal(
            "json-values",
            f"a document has at most {most} arrays, objects and commas between members; "
            "leave out what its reader has no use for",
            value=f"{found} or more",
        )


def _decoded(text: str, max_depth: int) -> Any:
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError as error:
        at = error.pos
        raise Refusal("json", f"not JSON: {error}", value=text[at : at + 40] or "the end") from None
    except RecursionError:
        raise _too_deep(max_depth) from None


_SAVE: Final = "save it as UTF-8 without a byte order mark"


def _utf8(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in data[:4]:
        raise Refusal("json-encoding", f"in UTF-16 or UTF-32; {_SAVE}", value=data[:4].hex())
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(
            "json-encoding",
            f"not UTF-8 at byte {error.start}: {error.reason}; {_SAVE}",
            value=data[error.start : error.start + 4].hex(),
        ) from None
    if text.startswith("\ufeff"):
        # RFC 8259 section 8.1: not to be sent; a reader that skips it hashes other bytes.
        raise Refusal(
            "json-encoding", f"begins with a byte order mark; {_SAVE}", value=data[:3].hex()
        )
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Refusal("json-duplicate-key", "an object has this key twice", value=key)
            seen.add(key)
    return members


def _integer(text: str) -> int:
    # The length first: Python refuses, and slowly, to convert thousands of digits.
    if len(text) > 17 or abs(int(text)) > _MAX_INTEGER:
        raise Refusal(
            "json-number",
            "an integer beyond 2^53 loses digits in RFC 8785; write it as a string",
            value=text[:120],
        )
    return int(text)


def _float(text: str) -> float:
    if len(text) > MAX_NUMBER:
        raise Refusal(
            "json-number",
            f"a number is at most {MAX_NUMBER} characters long; write it as a string",
            value=text[:120],
        )
    number = float(text)
    if math.isinf(number):
        raise Refusal("json-number", "larger than any IEEE 754 double", value=text[:120])
    if _MAX_INTEGER < abs(number) < _EXPONENT_FROM:
        # Its canonical form would be an integer that we refuse to read back.
        raise Refusal(
            "json-number",
            "beyond 2^53, and RFC 8785 would print it as an integer; write it as a string",
            value=text[:120],
        )
    return number


def _constant(text: str) -> NoReturn:
    raise Refusal("json-number", "is no JSON number", value=text)


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)


def _check_tree(value: Any, max_depth: int, *, strings: bool) -> None:
    """Refuse nesting beyond `max_depth` and, in `strings`, lone surrogates; without recursion."""
    level, depth = [value], 0
    while level:
        containers = []
        for item in level:
            if isinstance(item, dict | list):
                containers.append(item)
            elif strings and isinstance(item, str):
                _check_string(item)
        if containers and depth == max_depth:
            raise _too_deep(max_depth)
        level, depth = [], depth + 1
        for container in containers:
            level.extend(container)  # of an object, the keys
            if isinstance(container, dict):
                level.extend(container.values())


def _check_string(text: str) -> None:
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise Refusal(
                "json-surrogate",
                "half of a UTF-16 surrogate pair is no character",
                value=text[max(0, error.start - 20) : error.end + 20],
            ) from None


def _too_deep(max_depth: int) -> Refusal:
    return Refusal("json-depth", f"nested deeper than {max_depth} objects and arrays")
