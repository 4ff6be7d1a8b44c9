"""What can follow what: every status against every event, the tables read as a whole."""

from __future__ import annotations

from enum import StrEnum

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue import lifecycle
from testamur.catalogue.lifecycle import AFTER, FINAL, FOLLOWS, may_follow
from testamur.errors import Refusal
from tests.catalogue.lines import smallest
from tests.trust_model import status as model

# The promise, spelt out apart from the tables: kind -> status -> the events that may follow on it.
# "-" is before the beginning; what is not here cannot happen.
PROMISED: dict[str, dict[str, set[str]]] = {
    "credential": {
        "-": {"issued"},
        "active": {"suspended", "reinstated", "revoked", "superseded"},
        "suspended": {"suspended", "reinstated", "revoked", "superseded"},
        "revoked": {"revoked"},
        "superseded": {"revoked", "superseded"},
    },
    "accreditation": {
        "-": {"granted"},
        "active": {"suspended", "reinstated", "withdrawn"},
        "suspended": {"suspended", "reinstated", "withdrawn"},
        "withdrawn": {"withdrawn"},
    },
    "recognition": {
        "-": {"granted"},
        "active": {"withdrawn"},
        "withdrawn": {"withdrawn"},
    },
    "achievement": {
        "-": {"defined", "revised"},
        "defined": {"defined", "revised", "retired"},
        "retired": {"retired"},
    },
}
# The status that each of them sets.
SETS = {
    "issued": "active",
    "granted": "active",
    "defined": "defined",
    "revised": "defined",
    "suspended": "suspended",
    "reinstated": "active",
    "revoked": "revoked",
    "superseded": "superseded",
    "withdrawn": "withdrawn",
    "retired": "retired",
}
STATUSES: dict[str, type[StrEnum]] = {
    "credential": lifecycle.CredentialStatus,
    "accreditation": lifecycle.AccreditationStatus,
    "recognition": lifecycle.RecognitionStatus,
    "achievement": lifecycle.AchievementStatus,
}
CREATE = {"issued", "granted", "defined", "revised"}
VERBS = {
    "suspended": "suspend",
    "reinstated": "reinstate",
    "revoked": "revoke",
    "superseded": "supersede",
    "withdrawn": "withdraw",
    "retired": "retire",
}

EVENTS = {name: smallest(event) for name, event in e.EVENTS.items()}
PLACES = [(kind, before) for kind, table in PROMISED.items() for before in table]


def named(kind: str, before: str) -> StrEnum | None:
    return None if before == "-" else STATUSES[kind](before)


def about(kind: str) -> dict[str, e.Event]:
    """Return the events of a kind that set a status, by the second half of their name."""
    found = {name.partition("/")[0].partition(".")[::2]: event for name, event in EVENTS.items()}
    return {verb: event for (of, verb), event in found.items() if of == kind and verb != "restated"}


@pytest.mark.parametrize("kind", PROMISED)
def test_the_promise_names_every_status_and_every_event_there_is(kind: str) -> None:
    assert set(PROMISED[kind]) == {"-"} | {str(status) for status in STATUSES[kind]}
    assert {verb for verbs in PROMISED[kind].values() for verb in verbs} == set(about(kind))


@pytest.mark.parametrize(("kind", "before"), PLACES)
def test_an_event_may_follow_on_a_status_if_and_only_if_it_is_promised(
    kind: str, before: str
) -> None:
    for verb, event in about(kind).items():
        if verb in PROMISED[kind][before]:
            may_follow(named(kind, before), event, "subject")
            continue
        with pytest.raises(Refusal) as caught:
            may_follow(named(kind, before), event, "subject")
        assert (caught.value.rule, caught.value.value) == ("transition", "subject")


@pytest.mark.parametrize(("kind", "before"), PLACES)
def test_the_executable_model_admits_the_same_events_on_the_same_status(
    kind: str, before: str
) -> None:
    """The model calls an achievement that is defined active; creations it judges elsewhere."""
    status = {"defined": "active"}.get(before, before)
    for event, verb in VERBS.items():
        if before == "-" or event not in about(kind):
            continue
        again = model.AFTER[verb] == status or verb in {"revoke", "withdraw"}  # type: ignore[index]
        admitted = again or status in model.FOLLOWS[verb]  # type: ignore[index]
        assert admitted == (event in PROMISED[kind][before]), event


@pytest.mark.parametrize("verb", VERBS)
def test_the_executable_model_sets_the_same_statuses(verb: str) -> None:
    after = {event: VERBS.get(event) for event in SETS}[verb]

    assert model.AFTER[after] == SETS[verb]  # type: ignore[index]
    assert {str(status) for status in FINAL} == model.FINAL


@pytest.mark.parametrize("kind", PROMISED)
def test_an_event_sets_the_status_that_is_promised(kind: str) -> None:
    for verb, event in about(kind).items():
        assert AFTER[type(event)] is STATUSES[kind](SETS[verb])


@pytest.mark.parametrize(("kind", "before"), PLACES)
def test_nothing_leads_from_a_final_status_to_one_that_is_not(kind: str, before: str) -> None:
    if named(kind, before) in FINAL:
        assert {SETS[verb] for verb in PROMISED[kind][before]} <= {str(each) for each in FINAL}


@pytest.mark.parametrize(("kind", "before"), PLACES)
def test_what_says_nothing_of_a_status_may_follow_on_any(kind: str, before: str) -> None:
    status = named(kind, before)
    others = [
        event
        for name, event in EVENTS.items()
        if name.partition(".")[0] in {"key", "log", "organization"} or ".restated/" in name
    ]
    assert len(others) == len(EVENTS) - len(AFTER)
    for event in others:
        may_follow(status, event, "subject")


def test_every_event_that_sets_a_status_says_on_which_it_may_follow() -> None:
    assert set(AFTER) == set(FOLLOWS)
    assert not set(AFTER) & lifecycle.UNCHANGED


def test_a_credential_that_came_back_can_be_suspended_again() -> None:
    status: StrEnum | None = None
    for name in ("issued", "suspended", "reinstated", "suspended", "revoked"):
        event = EVENTS[f"credential.{name}/1"]
        may_follow(status, event, "subject")
        status = AFTER[type(event)]

    assert status == "revoked"


def test_the_owner_may_state_again_what_a_thief_stated_first() -> None:
    """So that the sanction stands when the thief's submission counts no more."""
    for first in ("suspended", "revoked", "superseded"):
        event = EVENTS[f"credential.{first}/1"]
        may_follow(AFTER[type(event)], event, "subject")
    for final in ("revoked", "superseded"):
        may_follow(lifecycle.CredentialStatus(final), EVENTS["credential.revoked/1"], "subject")


def test_an_impossible_step_says_what_cannot_follow_on_what_and_what_it_follows_on() -> None:
    revoked = lifecycle.CredentialStatus.REVOKED
    with pytest.raises(
        Refusal,
        match=r"credential\.reinstated/1 cannot follow on revoked, only on active or suspended",
    ):
        may_follow(revoked, EVENTS["credential.reinstated/1"], "subject")
    with pytest.raises(Refusal, match=r"credential\.revoked/1 cannot follow on nothing"):
        may_follow(None, EVENTS["credential.revoked/1"], "subject")


def test_events_are_values() -> None:
    event = EVENTS["credential.revoked/1"]

    with pytest.raises(AttributeError):
        event.reason = "duplicate"  # type: ignore[misc, union-attr]
    assert msgspec.structs.replace(event) == event
