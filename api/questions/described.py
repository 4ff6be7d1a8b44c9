"""What selects achievements by what definitions state: skill, level, field, workload, provider.

Each is answered from an index (`projections/described.py`), so a value that no index has is no
value here: workloads come in bands, and neither hours nor ECTS points are converted.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Query
from pydantic import AfterValidator, StringConstraints, WithJsonSchema

from projections.described import (
    Load,
    field_mark,
    level_mark,
    load_mark,
    outcome_mark,
    provider_marks,
    skill_marks,
)
from projections.words import words
from testamur.catalogue.members import Level

_MAX_SKILL: Final = 500  # characters: an address of a skill may be as long
_MAX_NAME: Final = 200
LEVELS: Final = tuple(
    f"{framework}-{value}"
    for framework, values in (("EQF", range(1, 9)), ("QF-EHEA", range(4)))
    for value in values
)
"""The levels that there are, as a parameter spells them."""


def _words_in(text: str) -> str:
    if not words(text):
        raise ValueError("give words, or beginnings of words")
    return text


def _is_level(text: str) -> str:
    if text not in LEVELS:
        raise ValueError(f"a level is one of {', '.join(LEVELS)}")
    return text


class Description(NamedTuple):
    """What the definitions that are asked for state."""

    skill: str | None
    level: str | None
    field: str | None
    workload: Load | None
    provider_name: str | None

    def marks(self) -> list[str]:
        """Return the marks of achievements with such a definition, the rarest first."""
        found: list[str] = []
        if self.skill is not None:
            address = "://" in self.skill
            found += [outcome_mark(self.skill)] if address else skill_marks(self.skill)
        if self.provider_name is not None:
            found += provider_marks(self.provider_name)
        if self.field is not None:
            found.append(field_mark(self.field))
        if self.workload is not None:
            found.append(load_mark(self.workload))
        if self.level is not None:
            framework, _, value = self.level.rpartition("-")
            found.append(level_mark(Level(framework=framework, value=int(value))))  # type: ignore[arg-type]
        return found


async def description_asked(
    skill: Annotated[
        Annotated[str, StringConstraints(max_length=_MAX_SKILL), AfterValidator(_words_in)] | None,
        Query(
            description="Only what has these words in its learning outcomes, in any version of its "
            "definition, or an outcome at this address (ESCO, CTDL-ASN, CASE). Words are whole, of "
            "which the first eight letters are looked at.",
            examples=["soil profile"],
        ),
    ] = None,
    level: Annotated[
        Annotated[str, StringConstraints(max_length=20), AfterValidator(_is_level)] | None,
        Query(
            description="Only what states this level: EQF-1 to EQF-8, or QF-EHEA-0 to QF-EHEA-3.",
            examples=["EQF-6"],
        ),
    ] = None,
    field: Annotated[
        str | None,
        Query(
            pattern=r"^[0-9]{2,4}$",
            description="Only what is in this field of ISCED-F 2013, or in a narrower one.",
            examples=["081"],
        ),
    ] = None,
    workload: Annotated[
        Annotated[Load, WithJsonSchema({"type": "string", "enum": [*Load]})] | None,
        Query(
            description="Only what states a workload in this band, in ECTS points or in hours.",
            examples=["ects-5-to-14"],
        ),
    ] = None,
    provider_name: Annotated[
        Annotated[str, StringConstraints(max_length=_MAX_NAME), AfterValidator(_words_in)] | None,
        Query(
            alias="providerName",
            description="Only what was defined by a provider that had all of these words, or "
            "beginnings of words, in a name by then.",
            examples=["example coll"],
        ),
    ] = None,
) -> Description:
    """Return what a request asks definitions to state."""
    return Description(skill, level, field, workload, provider_name)


Described = Annotated[Description, Depends(description_asked)]
