"""Every answer as of any size equals a naive fold of that prefix of the log."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from projections import (
    accreditations,
    achievements,
    credentials,
    keys,
    organizations,
    submissions,
    successions,
)
from projections.register import register_at
from projections.standing import Happened
from testamur.catalogue import events as e
from testamur.catalogue.table import Kind
from testamur.catalogue.touched import History, touched
from testamur.rules.status import acts, closed, closing, existing, status
from testamur.rules.succession import Naming, namings
from testamur.rules.vouching import words
from tests.harness.chronicle import Chronicle
from tests.harness.random_submissions import RandomSubmissions
from tests.projections import pages
from tests.projections.naive import Naive
from tests.projections.pages import all_pages

pytestmark = pytest.mark.usefixtures("each_database")


def check_register(connection: Connection, naive: Naive) -> None:
    assert naive.register == register_at(connection, naive.size)


def check_organizations(connection: Connection, naive: Naive) -> None:
    size, register = naive.size, naive.register
    for did, organization in register.organizations.items():
        found = organizations.organization_at(connection, did, size)
        assert found is not None
        assert organization.keys == found.organization.keys
        assert closing(register, organization) == found.closed
        updates = [
            said.event
            for said in organization.said
            if isinstance(said.event, e.OrganizationUpdated) and register.counts(said.signed)
        ]
        name = updates[-1].name if updates else organization.registration.name
        assert name == found.own.name
        listed = all_pages(
            lambda after, limit, did=did: keys.keys_at(  # type: ignore[misc,arg-type]
                connection, did, size, after=after, limit=limit
            ),
            0,
            2,
        )
        assert [(each.key, each.in_force) for each in listed] == [
            (each.key, each.in_force) for each in organization.keys.keys.values()
        ]
    page = organizations.organizations(connection, size)
    assert list(register.organizations) == [each.organization.did for each in page.items]


def check_successions(connection: Connection, naive: Naive) -> None:
    size, register = naive.size, naive.register
    by_successor: dict[str, list[Naming]] = defaultdict(list)
    for did in register.organizations:
        foreign = sorted(
            (said[0].position, pair.partition(" ")[2])
            for pair, said in register.successions.items()
            if pair.startswith(f"{did} ")
        )
        named = [
            each
            for speaker in (did, *(accreditor for _, accreditor in foreign))
            for each in namings(register, did, speaker, size, register.recorded_at)
        ]
        found = successions.successors(connection, did, size)
        assert named == [each.naming for each in found]
        for each in found:
            by_successor[each.naming.successor].append(each.naming)
            assert (each.closed is not None) == closed(register, each.naming.successor)
    for did in register.organizations:
        before = all_pages(
            lambda after, limit, did=did: successions.predecessors(  # type: ignore[misc]
                connection, did, size, after=after, limit=limit
            ),
            0,
            2,
        )
        expected = sorted(by_successor[did], key=lambda each: each.said.position)
        assert expected == [each.naming for each in before]


def check_grants(connection: Connection, naive: Naive) -> None:
    size, register = naive.size, naive.register
    flags = {position: admitted.flags for position, _, _, admitted in naive.located()}
    for kind, grants in (
        (Kind.ACCREDITATION, register.accreditations),
        (Kind.RECOGNITION, register.recognitions),
    ):
        ask = {
            Kind.ACCREDITATION: accreditations.accreditation_at,
            Kind.RECOGNITION: accreditations.recognition_at,
        }[kind]
        of, by = defaultdict(list), defaultdict(list)
        for id_, grant in grants.items():
            found = ask(connection, id_, size)
            assert found is not None
            assert grant == found.grant
            assert status(register, kind, grant) == found.standing.status
            assert words(register, grant, size) == found.vouched
            began = existing(register, grant)
            assert (began[0] if began else grant.grants[0].position) == found.granted
            assert flags[found.granted] == found.flags
            of[grant.subject].append(id_)
            by[grant.owner].append(id_)
        for parties, listing in ((of, accreditations.granted_to), (by, pages.granted_by)):
            for did in register.organizations:
                listed = all_pages(
                    lambda after, limit, did=did: listing(  # type: ignore[misc]  # noqa: B023
                        connection,
                        kind,  # noqa: B023
                        did,
                        size,
                        after=after,
                        limit=limit,
                    ),
                    0,
                    2,
                )
                assert parties[did] == [each.id for each in listed]


def check_achievements(connection: Connection, naive: Naive) -> None:
    size, register = naive.size, naive.register
    flags: dict[tuple[str, int], tuple[str, ...]] = {}
    definitions: dict[tuple[str, int], Any] = {}
    for _, _, event, admitted in naive.located():
        if isinstance(event, e.AchievementDefined | e.AchievementRevised):
            named = event.achievement, getattr(event, "version", 1)
            definitions.setdefault(named, event.definition)
            flags.setdefault(named, admitted.flags)
    for name, achievement in register.achievements.items():
        counting = [
            one.version for one in achievement.definitions if existing(register, one) is not None
        ]
        found = achievements.achievement_at(connection, name, size)
        assert found is not None
        assert status(register, Kind.ACHIEVEMENT, achievement) == found.standing.status
        assert max(counting, default=achievement.highest) == found.revision
        for one in achievement.definitions:
            shown = achievements.achievement_at(connection, name, size, revision=one.version)
            assert shown is not None
            assert definitions[name, one.version] == shown.definition
            assert definitions[name, one.version] == achievements.definition_at(
                connection, name, one.version, size
            )
            if not one.again:
                assert flags[name, one.version] == shown.flags
        assert None is achievements.achievement_at(
            connection, name, size, revision=achievement.highest + 1
        )


def check_credentials(connection: Connection, naive: Naive, ever: set[str]) -> None:
    size, register = naive.size, naive.register
    written: dict[str, list[int]] = defaultdict(list)
    by_provider: dict[str, list[str]] = defaultdict(list)
    by_achievement: dict[str, list[str]] = defaultdict(list)
    for position, signed, event, _ in naive.located():
        if isinstance(event, e.CredentialIssued):
            if event.credential not in written:
                by_provider[signed.organization].append(event.credential)
                by_achievement[event.achievement].append(event.credential)
            written[event.credential].append(position)
    for credential in ever:
        expected = naive.credentials.get(credential)
        found = credentials.credential_at(connection, credential, size)
        assert (found is None) == (expected is None)
        if found is None or expected is None:
            continue
        assert status(register, Kind.CREDENTIAL, expected) == found.standing.status
        began = existing(register, expected)
        assert (began and began[0]) == found.standing.began
        assert found.issued.position in written[credential]
        assert expected.entries == found.version
        others = [act for act in acts(register, expected) if act.acted_for]
        others = [act for act in others if expected.owner not in act.acted_for]
        assert others == list(found.standing.others)
        fallen = [said for said in expected.stream if not register.counts(said.signed)]
        cut = [each.position for each in found.standing.fallen]
        assert [said.position for said in fallen] == cut[-len(fallen) :] if fallen else True
        assert len(cut) - len(fallen) == sum(
            not register.counts(signed) for signed in expected.issuances
        )
    for provider, ids in by_provider.items():
        lines = all_pages(
            lambda after, limit, did=provider: pages.credentials_of(  # type: ignore[misc]
                connection, did, size, after=after, limit=limit
            ),
            0,
            3,
        )
        assert ids == [line.issued.credential for line in lines]
        for line in lines:
            thing = naive.credentials[line.issued.credential]
            assert status(register, Kind.CREDENTIAL, thing) == line.status
            assert (line.because is None) == (existing(register, thing) is not None)
    for achievement, ids in by_achievement.items():
        lines = all_pages(
            lambda after, limit, one=achievement: pages.credentials_for(  # type: ignore[misc]
                connection, one, size, after=after, limit=limit
            ),
            0,
            3,
        )
        assert ids == [line.issued.credential for line in lines]


def check_histories(connection: Connection, naive: Naive, ever: set[str]) -> None:
    """Check that every event stands in the histories of the things that it touches."""
    size, register = naive.size, naive.register
    expected: dict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for each in naive.submissions:
        for number, event in enumerate(each.events):
            position, admitted = each.position + 1 + number, each.admitted[number]
            told = position, admitted.version, e.wire_name(event), admitted.flags
            if isinstance(event, e.CredentialIssued):
                expected["credential", event.credential].append(told)
            for thing in dict.fromkeys(_shown(*one) for one in touched(each.header, event)):
                expected[thing].append(told)
    ask: dict[str, Any] = {
        "credential": credentials.credential_history,
        "organization": organizations.organization_history,
        "achievement": achievements.achievement_history,
        "accreditation": lambda c, *args, **page: accreditations.grant_history(
            c, Kind.ACCREDITATION, *args, **page
        ),
        "recognition": lambda c, *args, **page: accreditations.grant_history(
            c, Kind.RECOGNITION, *args, **page
        ),
    }
    for (kind, name), lines in expected.items():
        if kind == "credential" and name not in ever:
            continue
        found: list[Happened] = all_pages(
            lambda after, limit, kind=kind, name=name: ask[kind](  # type: ignore[misc]
                connection, name, size, after=after, limit=limit
            ),
            0,
            3,
        )
        assert lines == [(each.position, each.version, each.event, each.flags) for each in found]
        assert all((each.because is None) == register.counts(each.signed) for each in found)


def _shown(kind: History, name: str) -> tuple[str, str]:
    """Return the kind and name of the thing in whose answer a history stands."""
    if kind in (History.KEYS, History.PARTICULARS, History.SUCCESSION):
        return "organization", name.split(" ", maxsplit=1)[0]
    return str(kind), name.split("/", maxsplit=1)[0]


def check_submissions(connection: Connection, naive: Naive) -> None:
    size, register = naive.size, naive.register
    by_issuer: dict[str, dict[Any, set[str]]] = defaultdict(dict)
    for _, signed, _, admitted in naive.located():
        by_issuer[signed.organization].setdefault(signed, set()).update(admitted.flags)
    for did, expected in by_issuer.items():
        listed = all_pages(
            lambda after, limit, did=did: pages.submissions_of(  # type: ignore[misc]
                connection, did, size, after=after, limit=limit
            ),
            -1,
            3,
        )
        assert list(expected.items()) == [(each.signed, set(each.flags)) for each in listed]
        reasons = keys.not_counted(connection, expected, size)
        assert set(reasons) == {
            signed.position for signed in expected if not register.counts(signed)
        }
        for key in {signed.key for signed in expected}:
            of_key = pages.submissions_of(connection, did, size, key=key, limit=1000)
            assert [signed for signed in expected if signed.key == key] == [
                each.signed for each in of_key.items
            ]


@pytest.mark.slow
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
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
                check_register(connection, naive)
                # More often would take longer and show nothing more.
                if len(ends) % 6 == 0 or length == len(told.log.entries):
                    check_organizations(connection, naive)
                    check_successions(connection, naive)
                    check_grants(connection, naive)
                    check_achievements(connection, naive)
                    check_credentials(connection, naive, ever)
                    check_histories(connection, naive, ever)
                    check_submissions(connection, naive)
