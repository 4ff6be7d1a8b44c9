"""From where a request comes: nobody but a trusted proxy may say so, and only about its own hop."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.client_address import ClientAddresses, ProxyHeader, trusted_network
from testamur.errors import Unavailable

PROXIES = [trusted_network("10.0.0.0/8"), trusted_network("fd00::/16")]


def key(
    peer: str,
    *values: str,
    header: ProxyHeader = "x-forwarded-for",
    trusted: bool = True,
    named: str = "",
) -> str:
    """Return the key of a request from `peer` with these header lines."""
    headers = [((named or header).encode(), value.encode("latin-1")) for value in values]
    addresses = ClientAddresses(PROXIES if trusted else (), header)
    return addresses.key({"client": (peer, 1), "headers": headers})


def test_without_a_proxy_no_header_is_believed() -> None:
    assert key("203.0.113.9", "198.51.100.1", trusted=False) == "203.0.113.9"
    assert key("10.0.0.1", "198.51.100.1", trusted=False) == "10.0.0.1"


def test_a_stranger_cannot_speak_for_a_proxy() -> None:
    assert key("203.0.113.9", "198.51.100.1") == "203.0.113.9"


@pytest.mark.parametrize(
    ("value", "client"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("1.1.1.1, 198.51.100.1", "198.51.100.1"),  # the first is the client's own claim
        ("198.51.100.1, 10.1.2.3", "198.51.100.1"),  # two proxies of ours
        ("10.9.9.9, 10.1.2.3", "10.9.9.9"),  # from within
        ("198.51.100.1:4711", "198.51.100.1"),
        ("[2001:db8::1]:4711", "2001:db8::/64"),
        ("2001:db8:0:0:9::1", "2001:db8::/64"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("198.51.100.1\t", "198.51.100.1"),
        # What cannot be read is the doing of the hop before it.
        ("", "10.0.0.1"),
        ("unknown", "10.0.0.1"),
        ("198.51.100.1, ", "10.0.0.1"),
        ("198.51.100.999", "10.0.0.1"),
        ("198.51.100.01", "10.0.0.1"),
        ("0xc6336401", "10.0.0.1"),
        ("198.51.100.1 198.51.100.2", "10.0.0.1"),
        ("198.51.100.1:port", "10.0.0.1"),
        ("2001:db8::1]", "10.0.0.1"),
        ("\u0661.1.1.1".encode().decode("latin-1"), "10.0.0.1"),
        ("garbage, 198.51.100.1", "198.51.100.1"),
    ],
)
def test_the_last_hop_that_a_proxy_names_is_the_client(value: str, client: str) -> None:
    assert key("10.0.0.1", value) == client


def test_header_lines_are_one_list() -> None:
    assert key("10.0.0.1", "1.1.1.1", "198.51.100.1") == "198.51.100.1"


@pytest.mark.parametrize(
    ("value", "client"),
    [
        ("for=198.51.100.1", "198.51.100.1"),
        ("For=198.51.100.1;proto=https;by=10.0.0.1", "198.51.100.1"),
        ('for="[2001:db8::1]:4711"', "2001:db8::/64"),
        ('for="198.51.100.1:80"', "198.51.100.1"),
        ("for=1.1.1.1, for=198.51.100.1", "198.51.100.1"),
        ('for=", for=198.51.100.1', "198.51.100.1"),  # the client opens a quote, in vain
        ("for=unknown", "10.0.0.1"),
        ("for=_hidden", "10.0.0.1"),
        ("for=1.1.1.1;for=2.2.2.2", "10.0.0.1"),
        ("proto=https", "10.0.0.1"),
        ("for =198.51.100.1", "10.0.0.1"),
        ('for="198.51.100.1', "10.0.0.1"),
        ('for="198.51.100.1\\"', "10.0.0.1"),
    ],
)
def test_forwarded_is_read_as_rfc_7239_writes_it(value: str, client: str) -> None:
    assert key("10.0.0.1", value, header="forwarded") == client


def test_only_the_header_that_the_proxy_sets_is_read() -> None:
    """nginx passes a client's `Forwarded` on as it is."""
    assert key("10.0.0.1", "for=198.51.100.1", named="forwarded") == "10.0.0.1"
    assert key("10.0.0.1", "198.51.100.1", header="forwarded", named="x-forwarded-for") == (
        "10.0.0.1"
    )


def test_a_long_list_costs_a_bounded_number_of_steps() -> None:
    inside = ["10.0.0.2"] * 1000
    assert key("10.0.0.1", ", ".join(["198.51.100.1", *inside])) == "10.0.0.2"
    assert key("10.0.0.1", ", ".join(["198.51.100.1", *inside[:10]])) == "198.51.100.1"


def test_addresses_of_one_customer_are_one_client() -> None:
    assert key("2001:db8:1:2:3::4") == key("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert key("2001:db8:1:2::1") != key("2001:db8:1:3::1")
    assert key("fe80::1%eth0", trusted=False) == "fe80::/64"


@given(st.text(st.characters(codec="latin-1"), max_size=60))
def test_any_header_gives_a_key_of_bounded_length(value: str) -> None:
    for header in ("x-forwarded-for", "forwarded"):
        assert 2 < len(key("10.0.0.1", value, header=header)) < 45


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "10.0.0.0/33", "example.org", "10.0.0.0/-1"])
def test_a_network_that_is_none_is_named(text: str) -> None:
    with pytest.raises(Unavailable, match="names no network"):
        trusted_network(text)


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        (("10.0.0.7", 1), True),
        (("::ffff:10.0.0.7", 1), True),
        (("192.0.2.1", 1), False),
        (None, False),
    ],
)
def test_only_the_other_end_of_the_connection_is_trusted(
    peer: tuple[str, int] | None, *, trusted: bool
) -> None:
    headers = [(b"x-forwarded-for", b"10.0.0.7")]
    addresses = ClientAddresses((trusted_network("10.0.0.0/8"),))
    scope: dict[str, Any] = {"client": peer, "headers": headers}
    assert addresses.trusts(scope) is trusted
    assert not ClientAddresses().trusts(scope)
