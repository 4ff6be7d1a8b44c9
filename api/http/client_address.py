"""From which address a request comes, as far as somebody trusted says so.

Without trusted proxies it is the other end of the connection, whatever the request claims. With
them, the header that they set is read from its end: each proxy adds the address that it saw, so the
last address that a trusted one added is believed, and what stands before it is the client's own
claim. What cannot be read ends the walk, and the hop that added it is taken for the client.

Only one header is read, the one that the operator names. A proxy that sets `X-Forwarded-For` passes
a `Forwarded` on as the client wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, Literal, TypeAlias

from api.http.asgi import Headers, Scope, listed
from testamur.errors import Unavailable, shown

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
ProxyHeader: TypeAlias = Literal["x-forwarded-for", "forwarded"]

_MAX_HOPS: Final = 16
_PREFIX: Final = 64  # of IPv6: what one customer is given at least
_KNOWN: Final = 4096  # addresses whose keys are remembered
_PORT: Final = r"(?::[0-9]{1,5})?"
# An address, and perhaps a port; IPv6 in brackets if there is one.
_NODE: Final = re.compile(
    rf"(?:(?P<v4>[0-9.]{{7,15}}){_PORT}|\[(?P<v6>[0-9A-Fa-f:.]{{2,45}})\]{_PORT}"
    r"|(?P<bare>[0-9A-Fa-f:.]{2,45}))",
    re.ASCII,
)
# RFC 7239 section 4: name=token or name="quoted", no escapes in what we read.
_PAIR: Final = re.compile(r'([A-Za-z-]+)=(?:"([^"\\]*)"|([!#$%&\'*+.^_`|~0-9A-Za-z-]+))', re.ASCII)


def trusted_network(text: str) -> Network:
    """Return the network that `text` names, such as 10.0.0.0/8; raises `Unavailable`."""
    try:
        return ip_network(text)
    except ValueError:
        raise Unavailable(
            f"{shown(text)} names no network; write it as 10.0.0.0/8, an address as it is"
        ) from None


class ClientAddresses:
    """Tells requests apart by where they come from; `trusted` are the networks of our proxies."""

    def __init__(
        self, trusted: Sequence[Network] = (), header: ProxyHeader = "x-forwarded-for"
    ) -> None:
        self._trusted = tuple(trusted)
        self._header = header.encode()
        self._hops = _forwarded if header == "forwarded" else _forwarded_for

    def key(self, scope: Scope) -> str:
        """Return what all requests of one client have in common: IPv4 whole, IPv6 its /64."""
        peer = scope.get("client")
        if peer is None:
            return "unknown"
        if not self._trusted:
            return _key_of_text(peer[0])
        return _key(self._client(_parsed(peer[0]), scope["headers"]))

    def trusts(self, scope: Scope) -> bool:
        """Return whether the other end of the connection is one of our proxies."""
        peer = scope.get("client")
        address = None if peer is None else _parsed(peer[0])
        return address is not None and self._is_trusted(address)

    def _client(self, peer: Address | None, headers: Headers) -> Address | None:
        client = peer
        stated = listed(headers, self._header)
        for hop in self._hops("" if stated is None else stated.decode("latin-1")):
            if client is None or not self._is_trusted(client):
                break
            address = _parsed(hop)
            if address is None:
                break
            client = address
        return client

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _forwarded_for(value: str) -> Iterator[str]:
    """Yield the hops that X-Forwarded-For names, the last first."""
    yield from (hop.strip(" \t") for hop in value.rsplit(",", _MAX_HOPS)[:0:-1])
    if value.count(",") < _MAX_HOPS:
        yield value.partition(",")[0].strip(" \t")


def _forwarded(value: str) -> Iterator[str]:
    """Yield the hops that Forwarded (RFC 7239) names, the last first; "" for one without.

    A comma within quotes splits an element in two that cannot be read, which ends the walk: a
    client must not be able to open a quote that swallows what the proxy adds.
    """
    for element in _forwarded_for(value):
        nodes: list[str] = []
        for pair in element.split(";"):
            found = _PAIR.fullmatch(pair.strip(" \t"))
            if found is None:
                nodes = []
                break
            if found[1].lower() == "for":
                nodes.append(found[3] if found[2] is None else found[2])
        yield nodes[0] if len(nodes) == 1 else ""


def _parsed(text: str) -> Address | None:
    """Return the address that a hop names, None for any other text, `unknown` included."""
    found = _NODE.fullmatch(text.partition("%")[0])
    if found is None:
        return None
    try:
        address = ip_address(found["v4"] or found["v6"] or found["bare"])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(_KNOWN)
def _key_of_text(text: str) -> str:
    return _key(_parsed(text))


def _key(address: Address | None) -> str:
    if address is None:
        return "unknown"
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, _PREFIX), strict=False))
