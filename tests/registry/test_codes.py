"""The gate records a code in its one spelling only; how each is spelt is for other tests."""

from __future__ import annotations

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.members import Scope
from tests.harness.gates import Desk
from tests.harness.story import Story


def test_the_gate_records_no_other_spelling_and_a_dry_run_lists_each(
    desk: Desk, story: Story
) -> None:
    definition = msgspec.structs.replace(story.definition(), field="611", languages=("eng",))
    bad = e.AchievementDefined(achievement=story.new_id(), definition=definition)
    body = story.submission(story.provider, story.updated(), bad)
    refusal = desk.refuse(body)
    assert (refusal.rule, refusal.line, refusal.value) == ("isced-field", 3, "611")
    assert refusal.detail == "definition.field: 611 is written 0611 in ISCED-F 2013"
    dry = desk.gate.dry_run(story.rehearsed(body))
    assert [(each.rule, each.line) for each in dry.refusals] == [
        ("isced-field", 3),
        ("language-tag", 3),
    ]


def test_what_has_its_one_spelling_is_recorded(desk: Desk, story: Story) -> None:
    scope = Scope(fields=("0611",), jurisdictions=("GB", "XK"), languages=("en-GB", "sr-Latn"))
    good = msgspec.structs.replace(story.accredited(story.new_id()), scope=scope)
    assert desk.record(story.submission(story.accreditor, good)).events == 1
