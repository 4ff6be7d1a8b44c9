"""What can follow what: every status against every event, the tables read as a whole."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.catalogue import events as e
from testamur.catalogue import lifecycle
from testamur.catalogue.lifecycle import status_after
from testamur.errors import Refusal
from tests.catalogue.lines import smallest

# The promise, spelt out apart from the tables: subject → status → event → status.
# "-" is before the beginning; what is not here cannot happen.
PROMISED: dict[str, dict[str, dict[str, str]]] = {
    "CREDENTIAL": {
        "-": {"credential.issued/1": "active"},
        "active": {
            "credential.suspended/1": "suspended",
            "credential.revoked/1": "revoked",
            "credential.superseded/1": "superseded",
        },
        "suspended": {
            "credential.reinstated/1": "active",
            "credential.revoked/1": "revoked",
            "credential.superseded/1": "superseded",
        },
        "revoked": {},
        "superseded": {},
    },
    "ACCREDITATION": {
        "-": {"accreditation.granted/1": "active"},
        "active": {
            "accreditation.suspended/1": "suspended",
            "accreditation.withdrawn/1": "withdrawn",
        },
        "suspended": {
            "accreditation.reinstated/1": "active",
            "accreditation.withdrawn/1": "withdrawn",
        },
        "withdrawn": {},
    },
    "RECOGNITION": {
        "-": {"recognition.granted/1": "active"},
        "active": {"recognition.withdrawn/1": "withdrawn"},
        "withdrawn": {},
    },
    "ACHIEVEMENT": {
        "-": {"achievement.defined/1": "defined"},
        "defined": {"achievement.revised/1": "defined", "achievement.retired/1": "retired"},
        "retired": {},
    },
    "ORGANIZATION": {
        "-": {"organization.registered/1": "registered"},
        "registered": {
            "organization.updated/1": "registered",
            "organization.closed/1": "closed",
            "key.added/1": "registered",
            "key.retired/1": "registered",
            "key.compromised/1": "registered",
        },
        "closed": {"key.compromised/1": "closed"},
    },
    "KEY": {
        "-": {"key.added/1": "active"},
        "active": {"key.retired/1": "retired", "key.compromised/1": "compromised"},
        "retired": {"key.compromised/1": "compromised"},
        "compromised": {"key.compromised/1": "compromised"},
    },
}
STATUSES: dict[str, type[StrEnum]] = {
    "CREDENTIAL": lifecycle.CredentialStatus,
    "ACCREDITATION": lifecycle.AccreditationStatus,
    "RECOGNITION": lifecycle.RecognitionStatus,
    "ACHIEVEMENT": lifecycle.AchievementStatus,
    "ORGANIZATION": lifecycle.OrganizationStatus,
    "KEY": lifecycle.KeyStatus,
}


EVENTS = {name: smallest(event) for name, event in e.EVENTS.items()}


PLACES = [(subject, status) for subject, table in PROMISED.items() for status in table]


def after(subject: str, status: str, event: e.Event) -> str:
    table: dict[tuple[Any, type], Any] = getattr(lifecycle, subject)
    before = None if status == "-" else STATUSES[subject](status)
    return str(status_after(table, before, event, "subject"))


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_but_the_opening_of_a_log_leads_somewhere(name: str) -> None:
    promised = {event for table in PROMISED.values() for steps in table.values() for event in steps}
    assert (name in promised) == (name != "log.opened/1")


@pytest.mark.parametrize("subject", PROMISED)
def test_the_promise_names_every_status_there_is(subject: str) -> None:
    assert set(PROMISED[subject]) == {"-"} | {str(status) for status in STATUSES[subject]}


@pytest.mark.parametrize(("subject", "status"), PLACES)
def test_a_step_is_possible_if_and_only_if_it_is_promised(subject: str, status: str) -> None:
    for name, event in EVENTS.items():
        promised = PROMISED[subject][status].get(name)
        if promised is not None:
            assert after(subject, status, event) == promised
            continue
        with pytest.raises(Refusal) as caught:
            after(subject, status, event)
        assert (caught.value.rule, caught.value.value) == ("transition", "subject")


@pytest.mark.parametrize(
    ("subject", "final"),
    [
        ("CREDENTIAL", "revoked"),
        ("CREDENTIAL", "superseded"),
        ("ACCREDITATION", "withdrawn"),
        ("RECOGNITION", "withdrawn"),
        ("ACHIEVEMENT", "retired"),
        ("KEY", "compromised"),
    ],
)
@settings(deadline=None)
@given(names=st.lists(st.sampled_from(sorted(EVENTS)), max_size=12))
def test_whatever_is_tried_an_end_is_an_end(subject: str, final: str, names: list[str]) -> None:
    status = "-"
    ended = False
    for name in names:
        try:
            status = after(subject, status, EVENTS[name])
        except Refusal:
            continue
        # That a key is compromised can be told again, of an earlier position: it stays the end.
        assert not ended or status == final
        ended = status == final


def test_a_credential_that_came_back_can_be_suspended_again() -> None:
    status = "-"
    for name in ("issued", "suspended", "reinstated", "suspended", "revoked"):
        status = after("CREDENTIAL", status, EVENTS[f"credential.{name}/1"])

    assert status == "revoked"


def test_an_impossible_step_says_what_cannot_follow_what() -> None:
    with pytest.raises(Refusal, match=r"credential\.reinstated/1 cannot follow revoked"):
        after("CREDENTIAL", "revoked", EVENTS["credential.reinstated/1"])
    with pytest.raises(Refusal, match=r"credential\.revoked/1 cannot follow nothing"):
        after("CREDENTIAL", "-", EVENTS["credential.revoked/1"])


def test_events_are_values() -> None:
    event = EVENTS["credential.revoked/1"]

    with pytest.raises(AttributeError):
        event.reason = "duplicate"  # type: ignore[misc, union-attr]
    assert msgspec.structs.replace(event) == event
