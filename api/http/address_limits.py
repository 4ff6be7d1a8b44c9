"""How often one address may ask: a bucket for the files of the log, another for all else.

Reading the log is cheap, and mirrors read all of it, so they have a rate of their own. It says when
to ask again (429, RFC 6585 section 4; Retry-After, RFC 9110 section 10.2.3). The RateLimit fields
are a draft (draft-ietf-httpapi-ratelimit-headers-11) and not sent.
"""

from __future__ import annotations

from typing import Final

from api.http.asgi import Scope
from api.http.client_address import ClientAddresses
from api.http.problems import Problem, too_many
from api.http.rate_limits import Buckets

# A supervisor asks these from one address for ever, and they cost nothing.
_FREE: Final = frozenset(("/healthz", "/readyz"))


class AddressLimits:
    """`requests` and `tiles` are the buckets by address, None for no limit. For the event loop."""

    def __init__(
        self, addresses: ClientAddresses, requests: Buckets | None, tiles: Buckets | None
    ) -> None:
        self._addresses = addresses
        self._requests = requests
        self._tiles = tiles

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self._requests is not None or self._tiles is not None

    def refusal(self, scope: Scope, *, tile: bool) -> Problem | None:
        """Take a request into account; return the 429 if there were too many."""
        buckets = self._tiles if tile else self._requests
        if buckets is None or scope["path"] in _FREE:
            return None
        wait = buckets.take(self._addresses.key(scope))
        if not wait:
            return None
        what = "files of the log" if tile else "requests"
        return too_many(
            f"more than {buckets.rate:g} {what} a second come from this address", retry_after=wait
        )
