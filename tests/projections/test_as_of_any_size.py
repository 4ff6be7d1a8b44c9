"""Every answer as of any size equals a naive fold of that prefix of the log."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from projections import accreditations, achievements, credentials, organizations, submissions
from projections.register import known_at
from testamur.catalogue import events as e
from testamur.rules import (
    Flag,
)
from testamur.rules.register import dump_register
from tests.harness.chronicle import Chronicle
from tests.harness.random_submissions import RandomSubmissions
from tests.projections.naive import Naive
from tests.projections.pages import all_pages


def check_credentials(connection: Connection, naive: Naive, ever: set[str]) -> None:
    size = naive.size
    streams: dict[str, list[tuple[int, int, int, str, tuple[str, ...]]]] = defaultdict(list)
    by_provider: dict[str, list[str]] = defaultdict(list)
    by_achievement: dict[str, list[str]] = defaultdict(list)
    for position, cohort, event, admitted in naive.located():
        if isinstance(event, e.CredentialIssued | e.CredentialStatusEvent):
            streams[event.credential].append(
                (position, cohort.position, admitted.version, e.wire_name(event), admitted.flags)
            )
        if isinstance(event, e.CredentialIssued):
            by_provider[cohort.header.payload.iss].append(event.credential)
            by_achievement[event.achievement].append(event.credential)
    for credential in ever:
        found = credentials.status(connection, credential, size)
        expected = naive.replayer.credentials.get(credential)
        assert (found is None) == (expected is None)
        if found is not None and expected is not None:
            assert (expected.issuer, expected.status, expected.version) == (
                found.issuer,
                found.status,
                found.version,
            )
            assert found.size == size
        events = all_pages(
            lambda after, limit, one=credential: credentials.history(  # type: ignore[misc]
                connection, one, size, after=after, limit=limit
            ),
            0,
            2,
        )
        told = [(x.position, x.submission, x.version, x.event, x.flags) for x in events]
        assert streams.get(credential, []) == told
    for provider, issued in by_provider.items():
        listed = all_pages(
            lambda after, limit, did=provider: credentials.credentials_of(  # type: ignore[misc]
                connection, did, size, after=after, limit=limit
            ),
            0,
            3,
        )
        assert issued == [item.credential for item in listed]
        flagged = all_pages(
            lambda after, limit, did=provider: credentials.credentials_of(  # type: ignore[misc]
                connection, did, size, flagged=True, after=after, limit=limit
            ),
            0,
            3,
        )
        assert [item.credential for item in listed if item.flags] == [
            item.credential for item in flagged
        ]
    for achievement, issued in by_achievement.items():
        listed = all_pages(
            lambda after, limit, one=achievement: credentials.credentials_for(  # type: ignore[misc]
                connection, one, size, after=after, limit=limit
            ),
            0,
            3,
        )
        assert issued == [item.credential for item in listed]


def check_policy(connection: Connection, naive: Naive) -> None:
    size, register = naive.size, naive.replayer.register
    known = known_at(connection, size).register
    assert dump_register(register) == dump_register(known)
    for did, organization in register.organizations.items():
        found = organizations.organization_at(connection, did, size)
        assert found is not None
        assert organization == found.organization
    for accreditation in register.accreditations.values():
        granted = accreditations.accreditation_at(connection, accreditation.id, size)
        assert granted is not None
        assert accreditation == granted.accreditation
    for recognition in register.recognitions.values():
        recognised = accreditations.recognition_at(connection, recognition.id, size)
        assert recognised is not None
        assert recognition == recognised.recognition
    for achievement in register.achievements.values():
        defined = achievements.achievement_at(connection, achievement.id, size)
        assert defined is not None
        assert (achievement.provider, achievement.status) == (defined.provider, defined.status)
        assert achievement.revision == defined.revision
        definitions = [
            event.definition
            for _, _, event, _ in naive.located()
            if isinstance(event, e.AchievementDefined | e.AchievementRevised)
            and event.achievement == achievement.id
        ]
        assert defined.definition == definitions[-1]
        assert [*definitions, None] == [
            achievements.definition_at(connection, achievement.id, revision, size)
            for revision in range(1, len(definitions) + 2)
        ]


def check_submissions(connection: Connection, naive: Naive) -> None:
    size = naive.size
    by_issuer: dict[str, list[tuple[int, int, int, set[Flag]]]] = defaultdict(list)
    for cohort in naive.cohorts:
        flags = {flag for admitted in cohort.admitted for flag in admitted.flags}
        by_issuer[cohort.header.payload.iss].append(
            (cohort.position, cohort.recorded_at, len(cohort.events), flags)
        )
    for issuer, expected in by_issuer.items():
        listed = all_pages(
            lambda after, limit, did=issuer: submissions.submissions_of(  # type: ignore[misc]
                connection, did, size, after=after, limit=limit
            ),
            -1,
            3,
        )
        assert expected == [(x.position, x.recorded_at, x.events, set(x.flags)) for x in listed]
        assert {(x.issuer, x.size) for x in listed} == {(issuer, size)}


def check_flags(connection: Connection, naive: Naive) -> None:
    """Check the breaches told with accreditations, definitions and changes of organizations.

    Those of credentials are in their histories.
    """
    size, register = naive.size, naive.replayer.register
    flags: dict[object, tuple[str, ...]] = {}
    for position, _, event, admitted in naive.located():
        flags[position] = admitted.flags
        if isinstance(event, e.AchievementDefined):
            flags[event.achievement, 1] = admitted.flags
        elif isinstance(event, e.AchievementRevised):
            flags[event.achievement, event.version] = admitted.flags
    for accreditation in register.accreditations:
        granted = accreditations.accreditation_at(connection, accreditation, size)
        assert granted is not None
        assert flags[granted.granted] == granted.flags
    for name, achievement in register.achievements.items():
        for revision in range(1, achievement.revision + 1):
            defined = achievements.achievement_at(connection, name, size, revision=revision)
            assert defined is not None
            assert flags[name, revision] == defined.flags
    for did in register.organizations:
        for change in organizations.history(connection, did, size).items:
            assert flags[change.position] == change.flags


@pytest.mark.slow
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32))
def test_an_answer_as_of_any_size_is_the_fold_of_that_prefix(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Status, history, lists, flags, keys and register, at every size of a wild story."""
    told = Chronicle.opened(tmp_path_factory.mktemp("wild") / "log")
    wild = RandomSubmissions(told, seed)
    wild.go(120)
    with told.answers() as connection:
        ever = set(wild.issued)
        ends = []
        for length, naive in enumerate(Naive.of(told.log)):
            assert naive.size == submissions.as_of(connection, size=length)
            if naive.size == length:
                ends.append(naive.size)
                check_policy(connection, naive)
                # Twice as often would take twice as long and show nothing more.
                if len(ends) % 4 == 0 or length == len(told.log.entries):
                    check_credentials(connection, naive, ever)
                    check_submissions(connection, naive)
                    check_flags(connection, naive)
