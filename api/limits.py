"""The rate limits of one server, as its operator asks for them; none unless asked for."""

from __future__ import annotations

from collections.abc import Callable

from api.http.address_limits import AddressLimits
from api.http.asgi import Scope
from api.http.client_address import ClientAddresses, Network, ProxyHeader
from api.http.rate_limits import Buckets
from api.operations import series
from api.operations.numbers import Numbers
from api.submissions.quota import Quota


class RateLimits:
    """Rates are per second, None for no limit: requests and tiles of an address, submissions and
    events of an organization. Of `proxies` the header `proxy_header` is believed.
    """

    def __init__(
        self,
        *,
        requests: float | None = None,
        tiles: float | None = None,
        submissions: float | None = None,
        events: float | None = None,
        proxies: tuple[Network, ...] = (),
        proxy_header: ProxyHeader = "x-forwarded-for",
    ) -> None:
        self._requests = _buckets(requests)
        self._tiles = _buckets(tiles)
        self._submissions = _buckets(submissions)
        self._events = _buckets(events)
        self._addresses = ClientAddresses(proxies, proxy_header)

    def of_addresses(self) -> AddressLimits | None:
        """Return the limits of addresses, None if there are none."""
        limits = AddressLimits(self._addresses, self._requests, self._tiles)
        return limits if limits.limited else None

    def trusts(self, scope: Scope) -> bool:
        """Return whether a request comes from one of `proxies`."""
        return self._addresses.trusts(scope)

    def quota(self, on_limited: Callable[[], None]) -> Quota:
        """Return the limits of organizations; each refusal calls `on_limited`."""
        return Quota(self._submissions, self._events, on_limited=on_limited)

    def read(self, numbers: Numbers) -> None:
        """Show how many addresses and organizations are remembered."""
        kept = (self._requests, self._tiles, self._submissions or self._events)
        for limit, buckets in zip(series.LIMITS, kept, strict=True):
            numbers.read(series.LIMITED_KEYS, _size_of(buckets), limit)


def _buckets(rate: float | None) -> Buckets | None:
    return None if rate is None else Buckets(rate)


def _size_of(buckets: Buckets | None) -> Callable[[], float]:
    return lambda: 0 if buckets is None else len(buckets)
