"""An achievement is found by what its definitions state, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from projections import achievements
from projections.described import (
    Load,
    band,
    described,
    field_mark,
    level_mark,
    load_mark,
    outcome_mark,
    provider_marks,
    skill_marks,
)
from testamur.catalogue import events as e
from testamur.catalogue.members import Definition, Level, Outcome, Workload
from tests.harness.chronicle import Chronicle

pytestmark = pytest.mark.usefixtures("each_database")

ESCO = "http://data.europa.eu/esco/skill/1"
SOIL = Definition(
    name="Sols",
    achievement_type="MicroCredential",
    field="0811",
    level=Level(framework="EQF", value=6),
    outcomes=(
        Outcome(name="Échantillonnage of soil", framework="ESCO", url=ESCO),
        Outcome(name="Agricultural chemistry"),
    ),
    workload=Workload(amount=50, unit="tenthOfEcts"),
)


def test_each_mark_finds_what_states_it_from_the_position_where_it_does(told: Chronicle) -> None:
    story = told.story
    assert told.offer(story.provider, e.OrganizationUpdated(country="NL", name="Köln College"))
    achievement = story.new_id()
    defined = e.AchievementDefined(achievement=achievement, definition=SOIL)
    assert told.offer(story.provider, defined)
    size = len(told.log.entries)
    revised = e.AchievementRevised(
        achievement=achievement,
        definition=Definition(name="Sols", achievement_type="MicroCredential", field="0521"),
        version=2,
    )
    assert told.offer(story.provider, revised)

    with told.answers() as connection:

        def found(at: int, *marks: str) -> list[str]:
            page = achievements.achievements(connection, at, marks=marks)
            return [each.achievement for each in page.items]

        for marks in (
            skill_marks("SOIL"),
            skill_marks("echantillonnage soil"),
            skill_marks("agricultural"),
            [outcome_mark(ESCO)],
            [field_mark("08")],
            [field_mark("0811")],
            [load_mark(Load.ECTS_5_TO_14)],
            provider_marks("koln coll"),
            [level_mark(Level(framework="EQF", value=6)), *skill_marks("chemistry")],
        ):
            assert achievement in found(size, *marks), marks
            assert achievement in found(size + 2, *marks), "an earlier version had it"
            assert achievement not in found(size - 2, *marks)
        for marks in (
            skill_marks("so"),
            skill_marks("soil history"),
            [outcome_mark(f"{ESCO}0")],
            [field_mark("081")[:-1] + "2"],
            [level_mark(Level(framework="QF-EHEA", value=1))],
            [load_mark(Load.ECTS_1_TO_4)],
            provider_marks("leiden"),
        ):
            assert achievement not in found(size, *marks), marks
        assert found(size, field_mark("0521")) == []
        assert found(size + 2, field_mark("0521")) == [achievement]


@pytest.mark.parametrize(
    ("amount", "unit", "load"),
    [
        (9, "tenthOfEcts", Load.ECTS_BELOW_1),
        (10, "tenthOfEcts", Load.ECTS_1_TO_4),
        (49, "tenthOfEcts", Load.ECTS_1_TO_4),
        (300, "tenthOfEcts", Load.ECTS_FROM_30),
        (100_000, "hour", Load.HOURS_FROM_750),
        (24, "hour", Load.HOURS_BELOW_25),
        (25, "hour", Load.HOURS_25_TO_124),
    ],
)
def test_a_workload_lies_in_one_band(amount: int, unit: Any, load: Load) -> None:
    assert band(Workload(amount=amount, unit=unit)) is load


def test_the_longest_definition_has_a_bounded_number_of_marks() -> None:
    words = [" ".join(f"{chr(97 + n % 26)}{n}x{m}" for m in range(40)) for n in range(100)]
    longest = Definition(
        name="x",
        achievement_type="Badge",
        outcomes=tuple(Outcome(name=each[:200], url=f"{ESCO}{each[:9]}") for each in words),
    )
    marks = set(described(longest, ["Some University of Applied Sciences and Arts " * 4]))
    assert 1_500 < len(marks) <= 1_900
