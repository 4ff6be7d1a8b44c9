"""A page of achievements is read together, and says of each what is said of it alone."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from sqlalchemy import Connection, event

from projections import achievements
from testamur.catalogue import events as e
from tests.harness.chronicle import Chronicle


def _offer_many(told: Chronicle, count: int) -> None:
    """Define achievements: some are revised, some retired, and some fall with the key."""
    story, signer = told.story, told.story.provider
    stolen = signer.with_key("stolen")
    assert told.offer(signer.founding, story.key_listed(stolen))
    for number in range(count):
        defined = story.defined(story.new_id())
        assert told.offer(stolen if number % 3 == 2 else signer, defined)
        for version in range(2, 2 + number % 4):
            definition = msgspec.structs.replace(defined.definition, name=f"Soil {version}")
            revised = e.AchievementRevised(
                achievement=defined.achievement, definition=definition, version=version
            )
            assert told.offer(stolen if version == 4 else signer, revised)
        if number % 5 == 4:
            assert told.offer(signer, e.AchievementRetired(achievement=defined.achievement))
    assert told.offer(signer.founding, story.key_compromised(stolen, 5))


@pytest.mark.usefixtures("each_database")
@pytest.mark.parametrize("at_once", [1, 4, 1_000])
def test_a_page_says_of_each_what_is_said_of_it_alone(
    told: Chronicle, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(achievements, "_VERSIONS_AT_ONCE", at_once)
    _offer_many(told, 12)
    with told.answers() as connection:
        for size in (len(told.log.entries) - 2, len(told.log.entries)):  # before it is declared
            page = achievements.achievements(connection, size)
            alone = [
                achievements.achievement_at(connection, each.achievement, size)
                for each in page.items
            ]
            assert list(page.items) == alone
    statuses = [each.standing.status for each in page.items]
    assert None in statuses
    assert {"defined", "retired"} <= set(statuses)


def test_each_achievement_more_asks_one_question_more(told: Chronicle) -> None:
    _offer_many(told, 30)
    with told.answers() as connection:
        size = len(told.log.entries)
        achievements.achievements(connection, size)
        few = _questions(connection, lambda: achievements.achievements(connection, size, limit=4))
        many = _questions(connection, lambda: achievements.achievements(connection, size, limit=24))
    assert many - few == 20


def _questions(connection: Connection, ask: Callable[[], object]) -> int:
    asked: list[str] = []

    def heard(_: object, __: object, statement: str, *rest: object) -> None:
        asked.append(statement)

    event.listen(connection, "before_cursor_execute", heard)
    try:
        ask()
    finally:
        event.remove(connection, "before_cursor_execute", heard)
    return len(asked)
