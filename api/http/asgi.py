"""Answers given directly in ASGI, beneath the framework: types, common headers, whole answers.

The log and the submissions are served this way, because routing and middleware would cost more
than the work itself. An answer is sent whole or not begun.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final, TypeAlias

from api.http.problems import MEDIA_TYPE, Problem

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

CSP: Final = "content-security-policy"
LOADS_NOTHING: Final = b"default-src 'none'; frame-ancestors 'none'"
"""The content security policy of answers that are no pages."""


def safe_headers(policy: bytes = LOADS_NOTHING) -> Headers:
    """Return the headers that every answer carries, with its content security policy."""
    return [
        # No answer depends on who asks, so scripts of any origin may ask.
        (b"access-control-allow-origin", b"*"),
        (
            b"access-control-expose-headers",
            b"testamur-size, retry-after, link, content-disposition, etag",
        ),
        (CSP.encode(), policy),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
    ]


SAFE: Final[Headers] = safe_headers()
"""The same for answers that are no pages, made once."""

_BUT_POLICY: Final[Headers] = [pair for pair in SAFE if pair[0] != CSP.encode()]


def with_safe(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return headers with those that every answer carries; its own policy, if any, stays."""
    own = list(headers)
    return own + (_BUT_POLICY if any(name == CSP.encode() for name, _ in own) else SAFE)


NOT_KEPT: Final = (b"cache-control", b"no-store")
JSON: Final = (b"content-type", b"application/json")


def listed(headers: Headers, wanted: bytes) -> bytes | None:
    """Return a list header, its lines joined (RFC 9110 section 5.3); None if it is not there."""
    found = None
    for name, value in headers:
        if name == wanted:
            found = value if found is None else found + b"," + value
    return found


async def answer(
    send: Send, status: int, headers: Headers, body: bytes, *, safe: Headers = SAFE
) -> None:
    """Send one whole answer, with its length and the headers that every answer carries."""
    headers = whole_headers(headers, body, safe)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def answer_problem(send: Send, problem: Problem) -> None:
    """Send a problem document."""
    await answer(send, problem.document.status, problem_headers(problem), problem.render())


def whole_headers(headers: Headers, body: bytes, safe: Headers = SAFE) -> Headers:
    """Return the headers of one whole answer: its length, its own, and `safe`."""
    return [(b"content-length", str(len(body)).encode()), *headers, *safe]


def problem_headers(problem: Problem) -> Headers:
    """Return the headers that are a problem document's own."""
    own = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    return [(b"content-type", MEDIA_TYPE.encode()), NOT_KEPT, *own]


async def answer_preflight(send: Send, methods: str) -> None:
    """Tell a browser that scripts of any origin may ask."""
    headers = [
        (b"allow", methods.encode()),
        (b"access-control-allow-methods", methods.encode()),
        (
            b"access-control-allow-headers",
            b"content-type, content-encoding, last-event-id, if-none-match",
        ),
        (b"access-control-max-age", b"86400"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": [*headers, *SAFE]})
    await send({"type": "http.response.body", "body": b""})
