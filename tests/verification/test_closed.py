"""A report says that the issuer closed, and who acts for it: also before anybody acted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from testamur.verification.report import Report
from tests.harness.issued_log import IssuedLog
from tests.harness.story import Party, Story, party

HEIR = party("an heir")
OTHER = party("another heir")
ROGUE = party("a root of its own")


class Seated(Story):
    """A story with another root authority, which the verifier does not trust."""

    def genesis(self, *, authorities: Sequence[Party] | None = None) -> bytes:
        return super().genesis(authorities=authorities or [self.authority, ROGUE])


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    """A log with two heirs registered; the provider awarded three credentials."""
    issued = IssuedLog(tmp_path / "log", Seated())
    story = issued.story
    heirs = (story.registered(story.authority, each, "provider") for each in (HEIR, OTHER))
    issued.says(story.authority, *heirs)
    return issued


def closing(report: Report) -> list[str]:
    return [each for each in report.notes if "the issuer closed" in each]


def test_an_issuer_that_is_open_is_not_said_to_have_closed(issued: IssuedLog) -> None:
    issued.says(issued.story.provider, issued.story.succeeded(issued.story.provider, HEIR))

    assert closing(issued.report(issued.holders[0])) == []


def test_nobody_can_revoke_what_a_closed_issuer_left_to_nobody(issued: IssuedLog) -> None:
    at = issued.says(issued.story.provider, issued.story.closed()) + 1

    report = issued.report(issued.holders[0])

    assert report.exit_code == 0
    assert closing(report) == [f"the issuer closed at position {at}; nobody can revoke any more"]


def test_the_successor_that_the_issuer_named_is_told_before_it_acts(issued: IssuedLog) -> None:
    story = issued.story
    at = issued.says(story.provider, story.succeeded(story.provider, HEIR), story.closed())

    acts = f"{HEIR.did} (named by itself at {at + 1}) acts for it"
    assert closing(issued.report(issued.holders[0])) == [
        f"the issuer closed at position {at + 2}; {acts}"
    ]


def test_the_successor_that_the_accreditor_named_is_told_too(issued: IssuedLog) -> None:
    story = issued.story
    named = issued.says(story.accreditor, story.succeeded(story.provider, HEIR))
    own = issued.says(story.provider, story.succeeded(story.provider, OTHER), story.closed())

    first = f"{OTHER.did} (named by itself at {own + 1})"
    second = f"{HEIR.did} (named by An Organization at {named + 1})"
    assert closing(issued.report(issued.holders[0])) == [
        f"the issuer closed at position {own + 2}; {first} and {second} act for it"
    ]


def test_one_whom_the_issuer_objected_to_does_not_act_for_it(issued: IssuedLog) -> None:
    story = issued.story
    issued.says(story.accreditor, story.succeeded(story.provider, HEIR))
    issued.says(story.provider, story.objected())
    issued.says(story.provider, story.closed())

    (note,) = closing(issued.report(issued.holders[0]))
    assert note.endswith("; nobody can revoke any more")


def test_one_whom_an_accreditor_named_that_leads_to_no_anchor_is_not_told(
    issued: IssuedLog,
) -> None:
    story = issued.story
    issued.says(story.accreditor, story.succeeded(story.provider, HEIR))
    issued.says(story.provider, story.closed())

    report = issued.report(issued.holders[0], anchors=[ROGUE])
    (note,) = closing(report)
    assert note.endswith("; nobody can revoke any more")


def test_a_closing_by_a_thief_closes_nothing(issued: IssuedLog) -> None:
    story = issued.story
    at = issued.says(story.provider, story.closed())
    issued.says(story.provider.recovery, story.key_compromised(story.provider, since=at))

    assert closing(issued.report(issued.holders[0])) == []
