"""Language tags in the one spelling of BCP 47 (RFC 5646).

Language, script, region and variants in this order and in their usual case, each a subtag in use
(section 2.2.9), replaced where another is preferred (4.5), and without the script that goes
without saying (4.1). The shape was judged before: letters and digits between hyphens, and no
extension.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Final

import msgspec

from testamur.recording import places
from testamur.recording.tables import SPECIAL, Subtags, subtags

_SCRIPT: Final = re.compile("[A-Za-z]{4}")
_REGION: Final = re.compile("[A-Za-z]{2}|[0-9]{3}")


@lru_cache(maxsize=4096)
def fault(tag: str) -> str | None:
    """Return what is wrong with a tag such as en-GB, and what to write; None if nothing is."""
    if tag.lower().partition("-")[0] in SPECIAL:
        return f"{tag} names no language; list each language, or leave the member out"
    try:
        right = _spelling(tag)
    except ValueError as error:
        return str(error)
    return None if right == tag else f"{tag} is written {right} in BCP 47"


def _spelling(tag: str) -> str:
    """Return the one spelling of a tag; raises `ValueError` that names what is wrong with it."""
    known = _known()
    whole = known.replaced.get(tag.lower())
    if whole is not None:
        return _spelling(whole)
    language, *others = tag.split("-")
    language = language.lower()
    language = known.replaced.get(language, language)
    if others and known.extended.get(others[0].lower()) == language:
        language = others.pop(0).lower()
    if language not in known.languages:
        raise ValueError(
            f"{tag}: BCP 47 has no language {language}; write its code, such as en or nl"
        )
    script = others.pop(0).title() if others and _SCRIPT.fullmatch(others[0]) else None
    _check("script", script, known.scripts, tag)
    region = _region(others.pop(0)) if others and _REGION.fullmatch(others[0]) else None
    _check("region", region, known.regions, tag)
    variants = [known.replaced.get(each.lower(), each.lower()) for each in others]
    for variant in variants:
        _check("variant", variant, known.variants, tag)
    if len(set(variants)) < len(variants):
        raise ValueError(f"{tag} has a subtag twice; write it once")
    if script is not None and known.suppressed.get(language) == script:
        script = None
    return "-".join([language, *filter(None, (script, region)), *variants])


def _region(subtag: str) -> str:
    """Return a region as it is written, with the code that took the place of a former one."""
    region = subtag.upper()
    if region in _known().regions:
        return region
    instead = places.replacements(region)
    return instead[0] if len(instead) == 1 else region


def _check(what: str, subtag: str | None, known: frozenset[str], tag: str) -> None:
    if subtag is not None and subtag not in known:
        raise ValueError(
            f"{tag}: BCP 47 has no {what} {subtag}; mend it or leave it out (first the language, "
            "then script, region and variants)"
        )


class _Known(msgspec.Struct, frozen=True):
    """The table of subtags as it is looked up; `extended` and `suppressed` go by language."""

    languages: frozenset[str]
    extended: Mapping[str, str]
    scripts: frozenset[str]
    regions: frozenset[str]
    variants: frozenset[str]
    suppressed: Mapping[str, str]
    replaced: Mapping[str, str]


@cache
def _known() -> _Known:
    table: Subtags = subtags()
    return _Known(
        frozenset(table.languages.split()),
        _turned(table.extended),
        frozenset(table.scripts.split()),
        frozenset(table.regions.split()),
        frozenset(table.variants.split()),
        _turned(table.suppressed),
        table.replaced,
    )


def _turned(lists: Mapping[str, str]) -> Mapping[str, str]:
    return {each: key for key, listed in lists.items() for each in listed.split()}
