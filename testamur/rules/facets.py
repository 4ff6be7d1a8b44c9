"""The facets of a definition: what scopes limit of it, and whether an element is missing.

A register holds hundreds of thousands of achievements and asks nothing else of their
definitions, which are on the log. So it keeps a short text of each, and equal texts once.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from operator import attrgetter
from typing import Final

import msgspec

from testamur.catalogue.members import Definition, Level, Participation


class Facets(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What the rules ask of one version of a definition. `complete`: no element is missing."""

    achievement_type: str
    complete: bool
    field: str | None
    languages: tuple[str, ...] | None
    level: Level | None
    participation: tuple[Participation, ...] | None


_decode: Final = msgspec.json.Decoder(Facets).decode


def facets_of(definition: Definition) -> Facets:
    """Return the facets of a definition."""
    return Facets(
        definition.achievement_type,
        not missing_elements(definition),
        definition.field,
        definition.languages,
        definition.level,
        definition.participation,
    )


def write_facets(definition: Definition) -> str:
    """Return the facets of a definition as the register keeps them."""
    return sys.intern(msgspec.json.encode(facets_of(definition)).decode())


@lru_cache(maxsize=1024)  # of those in use, most of the time
def read_facets(text: str) -> Facets:
    """Return what `write_facets` wrote."""
    return _decode(text)


_MANDATORY: Final = (
    "outcomes",
    "workload",
    "level",
    "assessment",
    "participation",
    "qualityAssurance",
)
_mandatory: Final = attrgetter(*_MANDATORY[:-1], "quality_assurance")


def missing_elements(definition: Definition) -> list[str]:
    """Return the members that state a mandatory element of 2022/C 243/02 Annex I, and are missing.

    Learner, issuer, country and date are in the credential and the register themselves.
    """
    present = _mandatory(definition)
    if all(present):
        return []
    return [member for member, value in zip(_MANDATORY, present, strict=True) if not value]
