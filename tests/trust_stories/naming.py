"""What the names of a story stand for: keys, DIDs, ids and days.

Every name stands for the same thing in every story, so a story has the same bytes each time, ES256
signatures excepted.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Final

from testamur.keys import Curve, PrivateKey
from tests.harness.story import private_key, uuid7
from tests.trust_model.submissions import DAY, LOG

ORIGIN: Final = "log.example/testamur"
DAY_0: Final = date(2026, 11, 21)
"""The UTC day with which every story begins."""

BEGINNING: Final = int(datetime(2026, 11, 21, tzinfo=UTC).timestamp()) * 1000
"""Its first millisecond, in Unix time."""

_COUNTRIES: Final = {"XX": "BE"}
"""The country that a story uses for "another one" has no code of its own."""


@cache
def key_of(name: str) -> PrivateKey:
    """Return the key pair of a key's name; every fourth, but for the log's, is a P-256 key."""
    curve: Curve = "P-256" if _number(name) % 4 == 0 and name != LOG else "Ed25519"
    return private_key(name, curve)


@cache
def multikey_of(name: str) -> str:
    """Return the Multikey of a key's name."""
    return key_of(name).public.multikey()


@cache
def did_of(organization: str) -> str:
    """Return the DID of an organization, which is named by its founding key."""
    return key_of(organization).public.did_key()


def sponsor_of(sponsor: str) -> str:
    """Return what a registration names as its sponsor: the log itself, or an organization."""
    return ORIGIN if sponsor == LOG else did_of(sponsor)


@cache
def id_of(name: str) -> str:
    """Return the UUID of version 7 of a thing's name."""
    return uuid7(BEGINNING, _number(name))


def day_of(number: int) -> date:
    """Return the date of a day that is counted from the first of the story."""
    return DAY_0 + timedelta(days=number)


def number_of(day: date) -> int:
    """Return which day of the story a date is."""
    return (day - DAY_0).days


def milliseconds_of(time: int) -> int:
    """Return the Unix time of a time that is counted from the beginning of the story."""
    return BEGINNING + time


def country_of(country: str) -> str:
    """Return the code of a country of a story."""
    return _COUNTRIES.get(country, country)


def _number(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:7])


assert DAY == 24 * 3600 * 1000
