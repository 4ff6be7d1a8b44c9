"""What an operator is shown of one aggregate: its state and every event, from any store."""

from __future__ import annotations

import json

import msgspec
import pytest

from registry.inspection import Inspected, inspected
from testamur.catalogue import events as e
from testamur.catalogue.submission import format_time
from testamur.errors import Refuted
from testamur.rules.register import Organization
from tests.harness.gates import OPENING, Desk
from tests.harness.story import Story


def look(desk: Desk, name: str) -> Inspected:
    return inspected(desk.store, name)


def test_an_achievement_is_shown_with_its_history(desk: Desk, story: Story) -> None:
    retired = e.AchievementRetired(achievement=story.achievement)
    position = desk.record(story.submission(story.provider, story.issued(), retired)).position + 2
    found = look(desk, story.achievement)
    assert (found.kind, found.version, found.size) == ("achievement", 2, OPENING + 3)
    assert [step.version for step in found.history] == [1, 2]
    last = found.history[-1]
    assert (last.position, last.event, last.signed_by) == (position, retired, story.provider.kid)
    assert last.recorded_at == format_time(story.milliseconds)


@pytest.mark.parametrize("kind", ["organization", "recognition", "accreditation", "achievement"])
def test_every_kind_is_shown_as_text_and_as_json(desk: Desk, story: Story, kind: str) -> None:
    register = desk.register()
    names = {
        "organization": [story.provider.did],
        "recognition": list(register.recognitions),
        "accreditation": list(register.accreditations),
        "achievement": list(register.achievements),
    }
    for name in names[kind]:
        found = look(desk, name)
        first, *lines = found.text().splitlines()
        assert first == f"{kind} {name}: version 1, as of {OPENING} entries"
        assert "history:" in lines
        plain = json.loads(found.json())
        assert (plain["kind"], plain["name"], plain["size"]) == (kind, name, OPENING)
        assert plain["history"][0]["event"]["type"].startswith(f"{kind}.")
        assert plain["history"][0]["event"]["type"] in found.text()


def test_a_root_authority_has_no_history(desk: Desk, story: Story) -> None:
    found = look(desk, story.authority.did)
    assert (found.version, found.history) == (0, ())
    assert found.text().endswith("history: none; it came with the genesis")


@pytest.mark.parametrize("name", ["did:key:z6MkNobody", "no id", "\x1b[2J"])
def test_what_names_nothing_is_refused_in_printable_text(desk: Desk, name: str) -> None:
    with pytest.raises(Refuted, match="names no organization") as refused:
        look(desk, name)
    assert str(refused.value).isprintable()


def test_a_credential_is_refused(desk: Desk, story: Story) -> None:
    issued = story.issued()
    desk.record(story.submission(story.provider, issued))
    with pytest.raises(Refuted, match=issued.credential):
        look(desk, issued.credential)


def test_a_name_cannot_steer_the_terminal(desk: Desk, story: Story) -> None:
    found = look(desk, story.provider.did)
    assert isinstance(found.state, Organization)
    named = msgspec.structs.replace(found.state.registration, name="A\x1b[2JB\u202e")
    state = msgspec.structs.replace(found.state, registration=named)
    text = msgspec.structs.replace(found, state=state).text()
    assert all(line.isprintable() for line in text.splitlines())
    assert "A\\u001b[2JB\\u202e" in text


def test_what_does_not_count_is_shown_with_the_reason(desk: Desk, story: Story) -> None:
    authority, fresh = story.authority, story.authority.with_key("fresh")
    withdrawn = e.RecognitionWithdrawn(recognition=story.recognition, reason="misconduct")
    stolen = desk.record(story.submission(authority, withdrawn)).position
    assert look(desk, story.recognition).status == "withdrawn"
    cut = story.key_compromised(authority, stolen)
    declared = desk.record(
        story.submission(authority.founding, story.key_listed(fresh), cut)
    ).position
    found = look(desk, story.recognition)
    assert (found.status, found.version) == ("active", 2)
    granted, undone = found.history
    assert granted.not_counted is None
    assert undone.not_counted == (
        f"{authority.key_id} was declared compromised at {declared + 2} since {stolen}"
    )
    assert f"does not count: {undone.not_counted}" in found.text()


def test_a_closed_organization_is_shown_as_closed(desk: Desk, story: Story) -> None:
    assert look(desk, story.provider.did).status == "registered"
    desk.record(story.submission(story.provider, story.closed()))
    assert look(desk, story.provider.did).status == "closed"
