"""What is said again goes into as few submissions as a registry takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lines import encode_event
from testamur.cli.said_again import in_files
from testamur.recording.histories import ALONE, BESIDES, FOR_EACH
from testamur.recording.objections import MAX_OTHERS
from tests.harness.story import Story


def sizes(events: Iterable[e.Event], before: dict[str, int] | None = None) -> list[int]:
    """Return how many events go into each file."""
    lines = [encode_event(event) for event in events]
    files = list(in_files(lines, Counter(before or {})))
    assert [line for file in files for line in file] == lines
    return [len(file) for file in files]


def revoked(credential: str) -> e.CredentialRevoked:
    return e.CredentialRevoked(credential=credential, reason="issuedInError")


def test_what_has_a_short_history_is_one_submission(now: Story) -> None:
    ids = [now.new_id() for _ in range(3_000)]
    assert sizes(map(revoked, ids), dict.fromkeys(ids, FOR_EACH)) == [3_000]
    assert sizes(now.issued(each) for each in ids) == [3_000]
    assert sizes([]) == []


@pytest.mark.parametrize("entries", [FOR_EACH + 1, 9, 129])
def test_no_submission_asks_for_more_of_histories_than_is_read(now: Story, entries: int) -> None:
    ids = [now.new_id() for _ in range(600)]
    found = sizes(map(revoked, ids), dict.fromkeys(ids, entries))
    most = BESIDES // (entries - FOR_EACH)
    assert found == [most] * (600 // most) + ([600 % most] if 600 % most else [])


def test_what_is_said_twice_of_a_credential_is_read_once(now: Story) -> None:
    ids = [now.new_id() for _ in range(400)]
    suspended = [e.CredentialSuspended(credential=each, reason="unspecified") for each in ids]
    before = dict.fromkeys(ids, 9)
    assert sizes([*suspended, *map(revoked, ids)], before) == [800]


def test_what_an_earlier_file_says_is_part_of_the_history(now: Story) -> None:
    """Its lines are on the log when the next one is admitted."""
    ids = [now.new_id() for _ in range(401)]
    suspended = [e.CredentialSuspended(credential=each, reason="unspecified") for each in ids]
    found = sizes([*suspended, *map(revoked, ids)], dict.fromkeys(ids, 9))
    assert found[0] == 400
    assert sum(found) == 802
    assert all(size < 400 for size in found[1:])


def test_one_credential_is_taken_however_long_its_history(now: Story) -> None:
    ids = [now.new_id() for _ in range(ALONE)]
    superseded = e.CredentialSuperseded(credential=ids[0], successor=ids[1])
    assert sizes([superseded, revoked(ids[0])], dict.fromkeys(ids, BESIDES)) == [2]


def test_other_events_are_as_many_as_a_registry_takes(now: Story) -> None:
    retired = e.AchievementRetired(achievement=now.achievement)
    assert sizes([retired] * (MAX_OTHERS + 5)) == [MAX_OTHERS, 5]
