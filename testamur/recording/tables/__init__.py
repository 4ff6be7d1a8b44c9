"""The published tables of places and of language subtags, as `generate.py` writes them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final, TypeVar

import msgspec

T = TypeVar("T")


class Places(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """ISO 3166: the codes of countries, what they divide into, and codes for the same place.

    `parts` has, by country, the second halves of its codes in ISO 3166-2, spaces between:
    `"NL": "AW BQ1 ... ZH"`. `replaced` has, by a code that is not to be used, those to use
    instead, spaces between.
    """

    source: str
    parts: dict[str, str]
    replaced: dict[str, str]


class Subtags(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """BCP 47: the subtags in use, spaces between, and what replaced others.

    `extended` has, by language, the subtags that once were written behind it, and are languages
    of their own. `suppressed` has, by script, the languages that are written in it as a matter
    of course. `replaced` has the tag or subtag to use by one in small letters that is not to be
    used.
    """

    source: str
    languages: str
    extended: dict[str, str]
    scripts: str
    regions: str
    variants: str
    suppressed: dict[str, str]
    replaced: dict[str, str]


@cache
def places() -> Places:
    """Return the table of places, read once: a quarter of a millisecond."""
    return _read("places.json", Places)


@cache
def subtags() -> Subtags:
    """Return the table of language subtags, read once: a quarter of a millisecond."""
    return _read("subtags.json", Subtags)


def _read(name: str, kind: type[T]) -> T:
    return msgspec.json.decode((files(__name__) / name).read_bytes(), type=kind)


SPECIAL: Final = frozenset({"mis", "mul", "und", "zxx"})
"""Subtags of BCP 47 that name no language."""
