"""Submissions that are replayed one after the other share what is found of terms, while it holds.

It holds until somebody says something else than of credentials, or the day ends.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.submission import parse, submission_entry
from testamur.rules import admission
from testamur.rules.accreditors import Accreditors
from testamur.tlog.merkle import leaf_hashes
from testamur.verification.replay import Replayer
from tests.harness.story import Story

_DAY = 24 * 3600 * 1000


@pytest.fixture
def story() -> Story:
    """Return a story that nobody has told yet."""
    return Story()


@pytest.fixture
def replayer(story: Story) -> Replayer:
    """Return a replayer that has read how the story's register was opened."""
    opened = Replayer(story.log_key.public)
    flags(opened, story.milliseconds, *story.opening())
    return opened


def flags(replayer: Replayer, recorded_at: int, *bodies: bytes) -> list[list[tuple[str, ...]]]:
    """Replay submissions; return the flags of each event of each."""
    found = []
    for body in bodies:
        submission = parse(body)
        entries = [submission_entry(submission.header.jws, recorded_at), *submission.lines]
        (replayed,) = replayer.feed(entries, leaf_hashes(entries))
        found.append([tuple(map(str, admitted.flags)) for admitted in replayed.admitted])
    return found


def test_an_accreditor_is_looked_at_once_for_all_of_them(
    replayer: Replayer, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def counted(*args: Any) -> Accreditors:
        looked.append(1)
        return Accreditors(*args)

    monkeypatch.setattr(admission, "Accreditors", counted)
    cohorts = [story.cohort(1) for _ in range(5)]
    assert flags(replayer, story.milliseconds, *cohorts) == [[()]] * 5
    assert len(looked) == 1


@pytest.mark.parametrize("what", ["suspended", "withdrawn", "retired", "declared"])
def test_what_is_said_in_between_is_heard(replayer: Replayer, story: Story, what: str) -> None:
    """Also by what its own submission issues after it, if that is the provider's."""
    accreditor, authority, provider = story.accreditor, story.authority, story.provider
    said: dict[str, tuple[Any, e.Event, str]] = {
        "suspended": (
            accreditor,
            e.AccreditationSuspended(accreditation=story.accreditation, reason="misconduct"),
            "accreditation-not-in-force",
        ),
        "withdrawn": (
            authority,
            e.RecognitionWithdrawn(recognition=story.recognition, reason="voluntary"),
            "accreditor-not-recognised",
        ),
        "retired": (
            provider,
            e.AchievementRetired(achievement=story.achievement),
            "achievement-retired",
        ),
        # With the authority's key falls the recognition.
        "declared": (
            authority.founding,
            story.key_compromised(authority, 2),
            "accreditor-not-recognised",
        ),
    }
    signer, event, flag = said[what]
    issued = [story.issued()] if signer is provider else []
    between = story.submission(signer, event, *issued)
    first, (_, *same), last = flags(
        replayer, story.milliseconds, story.cohort(1), between, story.cohort(2)
    )
    assert (first, same, last) == ([()], [(flag,)] * len(issued), [(flag,)] * 2)


def test_on_another_day_dates_are_judged_by_that_day(replayer: Replayer, story: Story) -> None:
    valid_from = story.today - timedelta(days=30)
    issued = [msgspec.structs.replace(story.issued(), valid_from=valid_from) for _ in range(2)]
    first, second = (story.submission(story.provider, one) for one in issued)
    assert flags(replayer, story.milliseconds, first) == [[()]]
    assert flags(replayer, story.milliseconds + _DAY, second) == [[("backdated",)]]
