"""What a badge says again of the log's definition, and what it adds: read as badges are written."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.badges.openbadges import read_badge
from testamur.badges.restated import added, differences, same_text
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.members import Definition, Level
from testamur.errors import Refusal
from tests.badges.test_elements import DEFINITIONS, offered
from tests.badges.test_openbadges import ACHIEVEMENT, changed
from tests.badges.test_published_badges import REFUSED, published
from tests.harness.shared_vectors import needs_shared

ACCREDITATION = "01a1fd8c-6900-7000-8000-0000000000aa"


def issued(**members: Any) -> CredentialIssued:
    return CredentialIssued(
        achievement="01a1fd8c-6900-7000-8000-000000000001",
        achievement_version=members.pop("achievement_version", 3),
        commitment=bytes(32),
        credential="01a1fd8c-6900-7000-8000-000000000002",
        format="OpenBadgeCredential/3.0",
        valid_from=date(2026, 11, 20),
        accreditation=ACCREDITATION,
        **members,
    )


@given(DEFINITIONS, st.none() | st.just(f"urn:uuid:{ACCREDITATION}"))
def test_what_is_written_from_a_definition_agrees_with_it_and_adds_nothing(
    definition: Definition, accreditation_url: str | None
) -> None:
    credential = changed(**{ACHIEVEMENT: offered(definition, accreditation_url=accreditation_url)})
    badge = read_badge(credential)

    assert differences(badge, issued(), definition) == []
    found = added(credential, badge, issued(), definition, "")
    assert not [path for path in found if "alignment" in path]


@pytest.mark.slow
@given(DEFINITIONS, DEFINITIONS)
def test_a_badge_of_another_definition_differs_in_whatever_both_state(
    one: Definition, other: Definition
) -> None:
    badge = read_badge(changed(**{ACHIEVEMENT: offered(other)}))
    found = {each.what for each in differences(badge, issued(), one)}

    assert ("level" in found) == (None not in (one.level, other.level) and one.level != other.level)
    assert ("achievementType" in found) == (one.achievement_type != other.achievement_type)
    for what, logged, said in (
        ("assessment", one.assessment, other.assessment),
        ("participation", one.participation, other.participation),
    ):
        assert (what in found) == bool(logged and set(said or ()) - set(logged))
    if None not in (one.workload, other.workload) and one.workload != other.workload:
        assert found & {"creditsAvailable", "credits in"}


def test_an_achievement_of_which_the_log_says_little_is_contradicted_by_little() -> None:
    plain = Definition(name="Applied Data Ethics", achievement_type="Course")
    rich = msgspec.structs.replace(plain, level=Level(framework="EQF", value=8))
    credential = changed(**{ACHIEVEMENT: offered(rich)})
    badge = read_badge(credential)

    assert differences(badge, issued(), plain) == []
    assert "achievement.alignment EQF level 8" in (added(credential, badge, issued(), plain, ""))


def test_of_several_levels_in_one_alignment_each_is_told_in_order() -> None:
    definition = Definition(
        name="Applied Data Ethics",
        achievement_type="Course",
        level=Level(framework="EQF", value=6),
    )
    achievement = offered(definition)
    (level,) = [each for each in achievement["alignment"] if each["targetType"] == "ext:EQF"]
    names = [f"EQF level {number}" for number in (8, 5, 7, 4)]
    level |= {"targetName": " ".join(names), "targetCode": "3", "targetUrl": "https://a.example"}
    badge = read_badge(changed(**{ACHIEVEMENT: achievement}))

    found = [each.said for each in differences(badge, issued(), definition)]
    assert found == [f"EQF {number}" for number in (3, 4, 5, 7, 8)]


@pytest.mark.parametrize(
    ("member", "word"),
    [("assessment", "quiz"), ("participation", "online"), ("supervision", "none")],
)
def test_what_the_issuance_says_of_one_award_is_not_said_otherwise(member: str, word: str) -> None:
    others: dict[str, Any] = {
        "assessment": ("project",),
        "participation": ("blended",),
        "supervision": "supervised",
    }
    definition = Definition(name="X", achievement_type="Course", **{member: others[member]})
    badge = read_badge(changed(**{ACHIEVEMENT: offered(definition)}))
    event = issued(**{member: word})

    (found,) = differences(badge, event, definition)
    assert (found.what, found.logged) == (member, word)


@needs_shared
def test_every_published_badge_agrees_with_a_definition_of_its_own() -> None:
    """Contradicted by a definition that states the same of it, it could not be logged at all."""
    for name, path in published().items():
        if name in REFUSED:
            continue
        credential = json.loads(path.read_bytes())
        badge = read_badge(credential)
        stated = badge.achievement
        definition = Definition(
            name=stated.name or "",
            achievement_type=stated.achievement_type or "Course",
            level=badge.elements.level,
            workload=badge.elements.workload,
        )
        found = differences(badge, issued(achievement_version=1), definition)
        assert {each.what for each in found} <= {"version"}, (name, found)
        assert added(credential, badge, issued(), definition, "")
        other = msgspec.structs.replace(definition, name=f"Not {stated.name}")
        assert "achievement.name" in {each.what for each in differences(badge, issued(), other)}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(st.sampled_from(["name", "alignment", "criteria", "version", "type", "id", "x"]), JSON)
def test_nothing_an_achievement_can_hold_breaks_the_comparison(member: str, value: Any) -> None:
    definition = Definition(name="X", achievement_type="Course")
    achievement = offered(definition) | {member: value}
    credential = changed(**{ACHIEVEMENT: achievement})
    try:
        badge = read_badge(credential)
    except Refusal:
        return
    differences(badge, issued(), definition)
    added(credential, badge, issued(), definition, "")


def test_texts_are_the_same_that_read_the_same() -> None:
    assert same_text("Soil  Science ", "\uff53oil science")
    assert not same_text("Soil Science", "Soil Sciences")
    # A text that grows when it is normalised is compared as it is.
    assert not same_text("\ufdfa" * 4001, "x")
