"""Questions run ahead of their reader, in order and in bounds, and a reason is told once."""

from __future__ import annotations

from threading import Event

import pytest

from testamur.cli.asking import Retries, ahead
from testamur.cli.evidence_sources import FromRegistry
from testamur.http.client import RegistryClient
from testamur.http.exchange import NoServer


@pytest.mark.parametrize("at_once", [1, 4])
def test_answers_come_in_order(at_once: int) -> None:
    assert list(ahead(lambda n: n * n, range(300), at_once=at_once)) == [n * n for n in range(300)]


def test_a_few_questions_run_at_once() -> None:
    second = Event()

    def wait(number: int) -> int:
        if number == 0:
            assert second.wait(60)
        else:
            second.set()
        return number

    assert list(ahead(wait, range(2), at_once=2)) == [0, 1]


def test_a_reader_that_stops_starts_no_further_question() -> None:
    begun: list[int] = []
    answers = ahead(begun.append, range(10_000), at_once=2)
    next(answers)
    answers.close()
    count = len(begun)
    assert count <= 16
    assert len(begun) == count  # nothing runs any more


def test_a_registry_that_has_gone_is_not_tried_for_each_further_credential() -> None:
    told: list[str] = []
    with RegistryClient(
        "http://127.0.0.1:9", patience=0.3, on_retry=lambda reason, _: told.append(reason)
    ) as registry:
        ask = FromRegistry(registry)
        for _ in range(3):
            with pytest.raises(NoServer, match="cannot be reached"):
                ask("019a3b1c-7f00-7abc-8def-0123456789ab")
    assert len(told) == 1


def test_a_reason_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    retries = Retries(5)
    for reason in ("busy", "busy", "gone", "busy"):
        retries.tell(reason, 1.0)
    assert capsys.readouterr().err.splitlines() == [
        "busy; trying again, for 5 s in all",
        "gone; trying again, for 5 s in all",
    ]
