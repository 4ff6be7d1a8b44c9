"""Inputs made out of valid ones: their bytes, lines, numbers, JSON and base64 bent a little.

What is made depends on the random numbers alone, so a seed tells an input again.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

MOST: Final = 1 << 20
"""Bytes of an input; none is made longer."""

_TOKENS: Final = (
    b"", b"\x00", b"\n", b"\r\n", b"\n\n", b" ", b"\t", b"\xff", b"\xc3\x28", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", "\u2028".encode(), "\u202e".encode(), "é".encode(), "e\u0301".encode(),
    "\uff11\uff12".encode(), "\U0001f600".encode(), b'"', b"\\", b"\\u0000", b"\\ud800", b"{", b"}",
    b"[", b"]", b",", b":", b"null", b"true", b"-0", b"1e400", b"1E5", b"0x10", b"00", b"-1",
    b"9007199254740993", b"18446744073709551616", b"9" * 400, b"NaN", b"=", b"+", b"-", b"_", b"/",
    b".", b"..", b"%00", b"%2e", b"@", b"#", b"?", b"2026-02-30", b"0000-00-00", b"9999-12-31",
    b"T24:00:00Z", b"+14:00", b"x" * 300, b"did:key:z", b"https://", b"javascript:",
)  # fmt: skip
_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, 2**64, -(2**63), 0.5, 1e300, "", "\x00",
    "\ud800", "é", "e\u0301", "\u202e", "x" * 5_000, "9" * 400, [], {}, [[]], [None] * 50,
    {"": ""}, {"type": "x"}, "2026-02-30", "did:key:zz", "https://[", "https://\x00", "urn:uuid:",
)  # fmt: skip
_NUMBER: Final = re.compile(rb"[0-9]+")
_BASE64: Final = re.compile(rb"[A-Za-z0-9_+/-]{8,}={0,2}")
_DEPTHS: Final = (10, 100, 600, 20_000)


def mutated(samples: Sequence[bytes], random: Random) -> bytes:
    """Return one of the samples, changed once or a few times; seldom as it is."""
    data = random.choice(samples)
    for _ in range(random.choice((0, 1, 1, 1, 1, 2, 3, 8))):
        data = random.choice(_WAYS)(data, samples, random)
        if len(data) > MOST:
            return data[:MOST]
    return data


def _place(data: bytes, random: Random) -> int:
    return random.randrange(len(data) + 1)


def _flip(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    at = _place(data, random)
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :] if data[at:] else data  # noqa: E501 # fmt: skip


def _token(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    at = _place(data, random)
    over = random.choice((0, 0, 1, 4))
    return data[:at] + random.choice(_TOKENS) + data[at + over :]


def _cut(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    one, other = sorted((_place(data, random), _place(data, random)))
    return random.choice((data[:one], data[one:], data[:one] + data[other:]))


def _repeat(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    one, other = sorted((_place(data, random), _place(data, random)))
    return data[:other] + data[one:other] * random.choice((1, 1, 2, 30)) + data[other:]


def _splice(data: bytes, samples: Sequence[bytes], random: Random) -> bytes:
    other = random.choice(samples)
    return data[: _place(data, random)] + other[_place(other, random) :]


def _lines(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    lines = data.split(b"\n")
    at, to = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines.insert(to, lines[at])
        case 2:
            lines[at], lines[to] = lines[to], lines[at]
        case _:
            lines[at] += random.choice(_TOKENS)
    return b"\n".join(lines)


def _number(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    one = random.choice(found)
    number = int(one[0][:18])
    new = random.choice((number + 1, number - 1, 0, number * 10, 2**53, 2**63, -number))
    return data[: one.start()] + str(new).encode() + data[one.end() :]


def _deep(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    depth = random.choice(_DEPTHS)
    opened, closed = random.choice(((b"[", b"]"), (b'{"a":', b"}")))
    nested = opened * depth + b"1" + closed * depth
    at = data.find(b":") + 1
    return data[:at] + nested + data[at:] if at and random.random() < 0.7 else nested


def _json(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    """Change one value, member or element, and write it as canonically as this can be done."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return data
    holder: list[Any] = [value]
    spots = list(_spots(holder))
    within, key = random.choice(spots)
    match random.randrange(6):
        case 0:
            del within[key]
        case 1:
            within[key] = random.choice(_VALUES)
        case 2:
            other, name = random.choice(spots)
            within[key] = other.get(name) if isinstance(other, dict) else other[name]
        case 3 if isinstance(within, dict):
            within[random.choice(("", "a", key.upper(), key + "s"))] = within[key]
        case 4:
            within[key] = [within[key]] * random.choice((1, 2, 20))
        case _:
            within[key] = _retyped(within[key])
    if not holder:
        return b""
    options: dict[str, Any] = {"separators": (",", ":"), "sort_keys": random.random() < 0.9}
    try:
        return json.dumps(holder[0], ensure_ascii=random.random() < 0.2, **options).encode() + (
            b"\n" if data.endswith(b"\n") else b""
        )
    except (ValueError, RecursionError, TypeError):  # half a character, or a circle
        return data


def _spots(holder: Any) -> Any:
    """Yield every place of a value in a tree: what holds it, and its key there."""
    stack = [holder]
    while stack:
        within = stack.pop()
        for key, value in within.items() if isinstance(within, dict) else enumerate(within):
            yield within, key
            if isinstance(value, dict | list):
                stack.append(value)


def _retyped(value: Any) -> Any:
    if isinstance(value, str):
        return {"value": value}
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)


def _inside_base64(data: bytes, samples: Sequence[bytes], random: Random) -> bytes:
    """Change what a piece of base64 spells, such as the payload of a JWS, and spell it again."""
    found = list(_BASE64.finditer(data))
    if not found:
        return data
    one = random.choice(found[:64])
    text, url = one[0], b"-" in one[0] or b"_" in one[0] or b"." in data[:4000]
    padded = text.rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4)
    try:
        inner = base64.b64decode(padded, altchars=b"-_" if url else None, validate=True)
    except binascii.Error:
        return data
    inner = random.choice((_json, _json, _flip, _cut, _token))(inner, samples, random)
    new = base64.urlsafe_b64encode(inner) if url else base64.b64encode(inner)
    return data[: one.start()] + (new.rstrip(b"=") if url else new) + data[one.end() :]


_WAYS: Final[tuple[Callable[[bytes, Sequence[bytes], Random], bytes], ...]] = (
    _flip, _token, _token, _cut, _repeat, _splice, _lines, _number, _deep, _json, _json, _json,
    _inside_base64, _inside_base64,
)  # fmt: skip
