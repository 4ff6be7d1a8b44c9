"""What bears on a credential leads to the verdict of the whole log: random stories of thieves."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import pytest

from projections.database import sqlite_engine
from projections.evidence import evidence_positions
from projections.follower import Follower
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.lines import decode_event
from testamur.catalogue.touched import History, Thing
from testamur.verification.premises import bearing_on
from tests.harness.judged import verdicts
from tests.harness.told_log import ToldLog
from tests.trust_model import verdict as model
from tests.trust_model.evidence import histories
from tests.trust_model.random_story import tell
from tests.trust_model.story import as_logged
from tests.trust_stories.naming import did_of, id_of

_CALLED: Final[dict[model.Check, str]] = {
    "signature": "signature",
    "status": "status",
    "facts": "achievement",
    "accreditation": "accreditation",
    "recognition": "recognition",
    "issuer": "issuer",
    "name": "issuer",
}
_WEIGHT: Final = ("holds", "could not check", "refuted")
_WORD: Final[dict[model.Outcome, str]] = {
    "holds": "holds",
    "unchecked": "could not check",
    "refuted": "refuted",
}
_EXIT: Final[dict[model.Outcome, int]] = {"holds": 0, "refuted": 1, "unchecked": 2}


def told(root: Path, seed: int) -> ToldLog:
    """Return a random story; in every third one thefts are found late."""
    return ToldLog(root, tell(seed, late=seed % 3 == 0).register)


def anchors_of(log: ToldLog, seed: int) -> Collection[str]:
    """Return the Ministry, or any organizations: another verifier's anchors."""
    if seed % 2 == 0:
        return ["Ministry"]
    names = sorted(log.world.registrations)
    return Random(seed).sample(names, min(len(names), 3))


def expected(verdict: model.Verdict) -> dict[str, str]:
    """Return the model's verdict in the words of a report; what it asks twice, once."""
    found: dict[str, str] = {}
    for check, called in _CALLED.items():
        said = _WORD[verdict.checks[check][0]]
        found[called] = max(found.get(called, "holds"), said, key=_WEIGHT.index)
    return found


def differences(log: ToldLog, anchors: Collection[str]) -> list[str]:
    """Return where a report and the model differ on any credential of a story."""
    found = []
    for credential in log.credentials():
        report = log.report(credential, anchors)
        if report is None:
            continue
        verdict = model.verdict(log.world, as_logged(log.told.log, credential), anchors)
        here = verdicts(report)
        for check, there in expected(verdict).items():
            if here[check] != there:
                found.append(f"{credential}: {check} {here[check]}, {there} in the model")
        if report.exit_code != _EXIT[verdict.outcome]:
            found.append(f"{credential}: exit {report.exit_code}, {verdict}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 60, 20))
def test_every_verdict_by_what_bears_on_it_is_that_of_the_model(first: int, tmp_path: Path) -> None:
    found = {}
    for seed in range(first, first + 20):
        log = told(tmp_path / str(seed), seed)
        found[seed] = differences(log, anchors_of(log, seed))
    assert {seed: each for seed, each in found.items() if each} == {}


@pytest.mark.slow
def test_evidence_shows_whole_what_the_model_takes_whole(tmp_path: Path) -> None:
    """And beyond that definitions, further chains, and what a right to name began with."""
    count = 0
    for seed in range(6):
        log = told(tmp_path / str(seed), seed)
        anchors = ["Ministry"]
        for credential in log.credentials():
            shown = {
                position for _, events in log.positions(credential, anchors) for position in events
            }
            for touched in histories(log.world, credential, anchors):
                whole = log.bearing.history(_thing(touched))
                assert {each.position for each in whole} <= shown, (seed, credential, touched)
                count += len(whole)
    assert count > 100


def _thing(touched: tuple[str, ...]) -> Thing:
    kind, *names = touched
    spelt = did_of if kind in {"keys", "organization", "succession"} else id_of
    return Thing(History(kind), " ".join(map(spelt, names)))


@pytest.mark.slow
def test_a_replay_and_the_tables_find_the_same_to_bear_on_every_credential(tmp_path: Path) -> None:
    for seed in range(8):
        log = told(tmp_path / str(seed), seed)
        engine = sqlite_engine(tmp_path / f"{seed}.db")
        Follower(engine, log.log.reader()).catch_up()
        with engine.connect() as connection:
            for credential in log.credentials():
                asked = evidence_positions(
                    connection, id_of(credential), log.log.size, partial(_issuance, log)
                )
                assert asked == bearing_on(log.bearing, id_of(credential)), (seed, credential)
        engine.dispose()


def _issuance(log: ToldLog, position: int) -> CredentialIssued:
    event = decode_event(log.log.entries[position])
    assert isinstance(event, CredentialIssued)
    return event
