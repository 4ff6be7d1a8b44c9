"""A published log behind a URL, its answers bounded in size and time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import httpx2

from testamur.errors import Unavailable
from testamur.http.body import ACCEPT, TooLarge, read_body
from testamur.http.exchange import CONNECT, NO_CONNECTION, why
from testamur.tlog.source import (
    MAX_RESOURCE,
    DirectorySource,
    NotFound,
    Source,
    check_bound,
    log_folder,
)

TIMEOUT: Final = httpx2.Timeout(30, connect=CONNECT)
"""For each step of one request, in seconds."""
_HOPS: Final = 6


class HttpSource:
    """A log behind a URL; `base` is the address under which `checkpoint` and `tile/` lie."""

    # A tile server is a static file server, so few are enough.
    at_once: Final = 8

    def __init__(self, base: str, client: httpx2.Client | None = None) -> None:
        self._base = base.rstrip("/") + "/"
        self._client = client or httpx2.Client(timeout=TIMEOUT)
        self._answered = False

    def fetch(self, path: str) -> bytes:
        """Return the body at `path`, decoded and bounded, trying a failing connection thrice."""
        url = self._base + path
        for attempt in range(3):
            try:
                found = self._get(url)
            except httpx2.TransportError as error:
                # A server that never answered is no failing one: its address may be mistyped.
                nobody = isinstance(error, NO_CONNECTION) and not self._answered
                if nobody or attempt == 2:
                    raise Unavailable(f"{url} cannot be reached: {why(error)}") from error
            # A redirect may lead to a host name that is none.
            except (httpx2.RequestError, httpx2.InvalidURL, UnicodeError) as error:
                raise Unavailable(f"{url} cannot be read: {error}") from error
            else:
                self._answered = True
                return found
        raise AssertionError  # pragma: no cover

    def _get(self, url: str) -> bytes:
        request = self._client.build_request("GET", url, headers=ACCEPT)
        for _ in range(_HOPS):
            # Redirects are followed here, since the client would read their bodies without bound.
            response = self._client.send(request, stream=True, follow_redirects=False)
            try:
                if response.next_request is None:
                    return _body_of(response, url)
                request = response.next_request
                if url.startswith("https:") and request.url.scheme != "https":
                    raise Unavailable(f"{url} was redirected to {request.url}, which has no TLS")
            finally:
                response.close()
        raise Unavailable(f"{url} was redirected more than {_HOPS - 1} times")

    def __str__(self) -> str:
        return self._base


def is_url(place: str) -> bool:
    """Return whether `place` is a URL rather than a folder."""
    return re.match("https?://", place) is not None


NOT_BARE: Final = (
    "the address has a user name, password, query or fragment in it, which may be a secret and "
    "would be shown; write it without, such as https://registry.example"
)


def is_bare(address: str) -> bool:
    """Return whether an address holds nothing that may be a secret: no password, no query.

    Messages and profiles show addresses; and paths are added behind them.
    """
    return not any(char in address for char in "@?#")


def open_source(place: str, client: httpx2.Client | None = None) -> Source:
    """Return the source a user means by `place`: a folder, a log's URL or its server's URL.

    A URL is asked through `client`, which stays the caller's to close. Raises `Unavailable` when
    no checkpoint is found there.
    """
    if is_url(place):
        base = place.rstrip("/")
        for candidate in (HttpSource(base, client), HttpSource(base + "/log", client)):
            try:
                candidate.fetch("checkpoint")
            except NotFound:
                continue
            return candidate
        raise Unavailable(f"neither {base}/checkpoint nor {base}/log/checkpoint exists")
    return DirectorySource(log_folder(Path(place)))


def _body_of(response: httpx2.Response, url: str) -> bytes:
    if response.status_code in (404, 410):
        raise NotFound(f"{url} answered {response.status_code}")
    if response.status_code != 200:
        raise Unavailable(f"{url} answered {response.status_code}")
    try:
        return read_body(response, MAX_RESOURCE)
    except TooLarge:
        check_bound(MAX_RESOURCE + 1, url)
        raise
