"""Where this server is, as the reader of an answer knows it."""

from __future__ import annotations

from fastapi import Request


def address_of(request: Request) -> str:
    """Return the address of this register as its reader knows it: a proxy in front does TLS."""
    is_here = request.url.hostname in {"127.0.0.1", "::1", "localhost"}
    return f"{'http' if is_here else 'https'}://{request.url.netloc}"
