"""No question reads a whole table, as the database itself says of each."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.event import listen

from projections import (
    accreditations,
    achievements,
    counted,
    credentials,
    dids,
    keys,
    organizations,
    recognised,
    submissions,
)
from projections.credential_lists import Chosen
from projections.evidence import evidence_positions
from projections.tallies import Of, What
from testamur.catalogue.table import Kind
from testamur.rules import Flag
from tests.harness.chronicle import Chronicle
from tests.harness.random_submissions import RandomSubmissions


def questions_as_of_a_size() -> set[tuple[str, str]]:
    """Return (file, function) of every question that the read models answer as of a size."""
    files = (
        *(accreditations, achievements, counted, credentials, keys, organizations),
        *(recognised, submissions),
    )
    return {
        (file.__name__.rpartition(".")[2], name)
        for file in files
        for name, function in inspect.getmembers(file, inspect.isfunction)
        if function.__module__ == file.__name__
        and not name.startswith("_")
        and {"connection", "size"} <= set(inspect.signature(function).parameters)
    }


def every_question(
    connection: Connection, told: Chronicle, one: str, size: int
) -> list[Callable[[], object]]:
    """Return what asks each question of the read models; `one` is a credential."""
    story, authority = told.story, told.story.authority.did
    each_choice = [
        (None, 3),
        (None, story.achievement),
        (None, 2),
        (False, True),
        (None, Flag.BACKDATED),
    ]
    return [
        lambda: submissions.as_of(connection, size=9),
        lambda: submissions.as_of(connection, time=story.milliseconds),
        lambda: submissions.submissions(connection, size),
        *(
            lambda chosen=chosen: submissions.submissions(connection, size, **chosen)
            for chosen in (
                {"issuer": 3},
                {"issuer": 3, "key": story.provider.key.public.multikey()},
                {"issuer": 3, "key": "z6Mk", "flag": Flag.BACKDATED},
                {"issuer": 3, "flag": Flag.BACKDATED},
                {"flag": Flag.BACKDATED},
            )
        ),
        lambda: submissions.last_before(connection, size),
        lambda: submissions.holding(connection, size - 1, size),
        lambda: submissions.known_as(connection, story.provider.did, one, size),
        lambda: submissions.newest(connection, size, 3),
        lambda: credentials.credential_at(connection, one, size),
        lambda: credentials.credential_history(connection, one, size),
        lambda: credentials.credentials(connection, Chosen(), size),
        *(
            lambda chosen=chosen: credentials.credentials(connection, chosen, size)
            for chosen in map(Chosen._make, product(*each_choice))
        ),
        lambda: keys.keys_at(connection, story.provider.did, size),
        lambda: keys.not_counted(connection, [], size),
        lambda: organizations.organization_at(connection, story.provider.did, size),
        lambda: organizations.organizations(connection, size),
        lambda: organizations.names(connection, [told.story.provider.did], size),
        lambda: dids.count(connection, size),
        lambda: organizations.organizations(connection, size, marks=["word an", "role provider"]),
        lambda: list(organizations.vouched_for(connection, story.provider.did, size)),
        lambda: organizations.organization_history(connection, story.provider.did, size),
        lambda: accreditations.accreditation_at(connection, story.accreditation, size),
        lambda: accreditations.recognition_at(connection, story.recognition, size),
        lambda: accreditations.granted_to(connection, Kind.ACCREDITATION, story.provider.did, size),
        lambda: accreditations.granted(connection, Kind.RECOGNITION, size),
        lambda: accreditations.granted(connection, Kind.ACCREDITATION, size, marks=["by 2"]),
        lambda: accreditations.grant_history(connection, Kind.RECOGNITION, story.recognition, size),
        lambda: achievements.achievement_at(connection, story.achievement, size),
        lambda: achievements.achievement_at(connection, story.achievement, size, revision=1),
        lambda: achievements.definition_at(connection, story.achievement, 1, size),
        lambda: achievements.achievements(connection, size),
        lambda: achievements.achievements(connection, size, marks=["by 3"]),
        lambda: achievements.achievement_history(connection, story.achievement, size),
        lambda: counted.in_all(connection, Of.ACCREDITATION, [6, 7], list(What), size),
        lambda: counted.between(connection, Of.PROVIDER, 3, [What.ISSUED], [0, 9, size], size),
        lambda: counted.first_header(connection, Of.PROVIDER, 3, [What.ISSUED], size),
        lambda: counted.positions_of(connection, [0, story.milliseconds], size),
        lambda: recognised.recognised(connection, authority, size),
        lambda: evidence_positions(connection, one, size, told.issuance),
    ]


def test_no_question_reads_a_whole_table(told: Chronicle) -> None:
    """A question costs what its answer is long, at ten entries as at ten million."""
    (one,) = told.issued()
    RandomSubmissions(told, 3).go(40)
    plans: dict[str, list[str]] = {}

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        if statement.startswith("SELECT"):
            cursor = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans[statement] = [row[3] for row in cursor.fetchall()]

    with told.answers() as connection:
        size = submissions.as_of(connection)
        listen(connection, "before_cursor_execute", explain)
        ask = every_question(connection, told, one, size)
        for question in ask:
            question()
    # `organizations.organizations` is one name twice.
    named = {
        (file, name)
        for question in ask
        for names in [question.__code__.co_names * 2]
        for file, name in pairwise(names)
    }
    assert questions_as_of_a_size() <= named, "a question is not asked here"
    assert len(plans) >= 20
    costly: dict[str, list[str]] = {}
    for statement, plan in plans.items():
        # The few rows of the things named may be sorted.
        named_things = "touched" in statement or "credential IN" in statement
        steps = [
            step
            for step in plan
            # A bounded number of rows, and what was asked itself.
            if (step.startswith("SCAN") and not step.startswith(("SCAN examined", "SCAN asked")))
            or ("TEMP B-TREE" in step and not named_things)
        ]
        if steps:
            costly[statement] = plan
    assert not costly
    # Nor all issuances to find the few among them that are flagged.
    for index in ("submission_flagged", "credential_flagged", "credential_flagged_for"):
        assert any(f"INDEX {index} (" in step for plan in plans.values() for step in plan)
