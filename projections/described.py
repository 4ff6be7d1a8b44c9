"""By what a definition is found beside its name: skills, level, field, workload, its provider.

Each is a mark (`marks.py`) of the achievement. A definition has at most 1,900 of them: skills are
found by whole words, of which the first letters are looked at, and by their public addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

from projections.words import beginnings, words
from testamur.catalogue.members import Definition, Level, Workload


class Load(StrEnum):
    """A band of workloads, in the unit that the definition states: neither is converted."""

    ECTS_BELOW_1 = "ects-below-1"
    ECTS_1_TO_4 = "ects-1-to-4"
    ECTS_5_TO_14 = "ects-5-to-14"
    ECTS_15_TO_29 = "ects-15-to-29"
    ECTS_FROM_30 = "ects-from-30"
    HOURS_BELOW_25 = "hours-below-25"
    HOURS_25_TO_124 = "hours-25-to-124"
    HOURS_125_TO_374 = "hours-125-to-374"
    HOURS_375_TO_749 = "hours-375-to-749"
    HOURS_FROM_750 = "hours-from-750"


_BANDS: Final = {
    "tenthOfEcts": (
        (10, Load.ECTS_BELOW_1),
        (50, Load.ECTS_1_TO_4),
        (150, Load.ECTS_5_TO_14),
        (300, Load.ECTS_15_TO_29),
        (None, Load.ECTS_FROM_30),
    ),
    "hour": (
        (25, Load.HOURS_BELOW_25),
        (125, Load.HOURS_25_TO_124),
        (375, Load.HOURS_125_TO_374),
        (750, Load.HOURS_375_TO_749),
        (None, Load.HOURS_FROM_750),
    ),
}


def described(definition: Definition, provider: Iterable[str]) -> Iterator[str]:
    """Yield the marks of an achievement with this definition, whose provider has these names."""
    for outcome in definition.outcomes or ():
        yield from (f"skill {word}" for word in words(outcome.name))
        if outcome.url is not None:
            yield outcome_mark(outcome.url)
    if definition.level is not None:
        yield level_mark(definition.level)
    if definition.workload is not None:
        yield load_mark(band(definition.workload))
    if definition.field is not None:
        yield from map(field_mark, _broader(definition.field))
    yield from (f"of {word}" for word in beginnings(provider))


def band(workload: Workload) -> Load:
    """Return the band that a workload lies in."""
    bands = _BANDS[workload.unit]
    return next(load for below, load in bands if below is None or workload.amount < below)


def skill_marks(text: str) -> list[str]:
    """Return the marks of what has every word of `text` in its outcomes; long words first."""
    return [f"skill {word}" for word in sorted(words(text), key=len, reverse=True)]


def outcome_mark(url: str) -> str:
    """Return the mark of an outcome that a public framework has at this address."""
    return f"outcome {url}"


def level_mark(level: Level) -> str:
    """Return the mark of a level."""
    return f"level {level.framework} {level.value}"


def load_mark(load: Load) -> str:
    """Return the mark of a band of workloads."""
    return f"load {load}"


def field_mark(field: str) -> str:
    """Return the mark of a field of ISCED-F, which is that of its narrower ones too."""
    return f"field {field}"


def provider_marks(text: str) -> list[str]:
    """Return the marks of what a provider defined whose names have these words or beginnings."""
    return [f"of {word}" for word in sorted(words(text), key=len, reverse=True)]


def _broader(field: str) -> Iterator[str]:
    return (field[:length] for length in range(2, len(field) + 1))
