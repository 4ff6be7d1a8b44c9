"""Dry runs: every line that would be refused, and nothing recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testamur.catalogue import events as e
from tests.harness.gates import OPENING, Desk, other_provider
from tests.harness.stores import Kept
from tests.harness.story import Story, party
from tests.registry.breaches import BREACHES


def test_a_dry_run_says_what_would_happen_and_changes_nothing(desk: Desk, story: Story) -> None:
    body = story.submission(story.provider, story.issued(), story.issued(accredited=False))
    dry = desk.gate.dry_run(body)
    assert (dry.refusals, dry.size, dry.recorded) == ([], OPENING, None)
    assert dry.flags == ((3, "no-accreditation-claimed"),)
    assert desk.committed() == OPENING
    recorded = desk.record(body)
    assert recorded.flags == dry.flags
    assert desk.gate.dry_run(body).recorded == replace(recorded, repeated=True)


def test_a_dry_run_lists_every_bad_line(desk: Desk, story: Story) -> None:
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    body = story.submission(
        story.provider,
        story.issued(achievement=story.new_id()),
        story.issued(),
        story.issued(credential),
        e.CredentialRevoked(credential=story.new_id(), reason="misconduct"),
        story.issued(),
    )
    found = [(refusal.line, refusal.rule) for refusal in desk.gate.dry_run(body).refusals]
    assert found == [(2, "unknown-achievement"), (4, "already-issued"), (5, "unknown-credential")]


def test_a_dry_run_lists_every_line_of_bad_form(desk: Desk, story: Story) -> None:
    jws, first, second = story.cohort(2)[:-1].split(b"\n")
    mangled = b"\n".join((jws, first[:-1], second.replace(b":", b" :", 1))) + b"\n"
    found = [(refusal.line, refusal.rule) for refusal in desk.gate.dry_run(mangled).refusals]
    assert found == [(1, "root"), (2, "json"), (3, "canonical-json")]


@pytest.mark.parametrize("rule", BREACHES)
def test_a_dry_run_refuses_what_the_gate_refuses(desk: Desk, story: Story, rule: str) -> None:
    body = story.submission(story.provider, story.issued(), BREACHES[rule](story))
    (refusal,) = desk.gate.dry_run(body).refusals
    assert str(refusal) == str(desk.refuse(body))


def test_a_dry_run_judges_header_signature_and_ids(desk: Desk, story: Story) -> None:
    jti = story.new_id()
    desk.record(story.cohort(1, jti=jti))
    impostor = replace(story.provider, key=party("nobody").key)
    for rule, body in {
        "audience": story.submission(story.provider, story.issued(), aud="other.example/log"),
        "signature": story.submission(impostor, story.issued()),
        "jti-conflict": story.cohort(1, jti=jti),
        "id-taken": story.submission(story.provider, story.issued(story.achievement)),
    }.items():
        (refusal,) = desk.gate.dry_run(body).refusals
        assert refusal.rule == rule


def test_a_dry_run_knows_what_another_process_appended(kept: Kept, desk: Desk) -> None:
    story = desk.story
    with Desk(kept, story) as elsewhere:
        newcomer = other_provider(elsewhere)
    assert (
        desk.gate.dry_run(story.submission(newcomer, story.defined(story.new_id()))).refusals == []
    )
