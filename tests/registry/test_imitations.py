"""A name that imitates another is not recorded; what a replayer judges is for other tests."""

from __future__ import annotations

from dataclasses import replace

from tests.harness.gates import Desk
from tests.harness.story import Story


def test_the_gate_records_no_imitation_and_a_dry_run_says_so(desk: Desk, story: Story) -> None:
    forged = story.updated("\u041exford University")
    body = story.submission(story.provider, story.issued(), forged)
    refusal = desk.refuse(body)
    assert (refusal.rule, refusal.line) == ("mixed-scripts", 3)
    dry = desk.gate.dry_run(story.rehearsed(body))
    assert [(each.rule, each.line) for each in dry.refusals] == [("mixed-scripts", 3)]


def test_a_private_key_is_not_recorded_for_ever(desk: Desk, story: Story) -> None:
    secret = story.provider.key.multikey()
    refusal = desk.refuse(story.submission(story.provider, story.updated(secret)))
    assert (refusal.rule, refusal.line) == ("private-key", 2)
    assert secret[4:16] not in str(refusal)


def test_only_a_signer_is_told(desk: Desk, story: Story) -> None:
    thief = replace(story.provider, key=story.accreditor.key)
    forged = story.submission(thief, story.updated("\u041exford"))
    assert desk.refuse(forged).rule == "signature"
