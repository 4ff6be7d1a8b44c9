"""Which things an entry touches: one expectation for each event of the catalogue."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings

from testamur.catalogue import events as e
from testamur.catalogue.submission import (
    SignedHeader,
    SubmissionEntry,
    parse,
    parse_submission_entry,
    submission_entry,
)
from testamur.catalogue.table import row_of, subject_of
from testamur.catalogue.touched import History, Thing, succession, touched
from tests.catalogue.lines import smallest
from tests.harness.any_event import any_event
from tests.harness.story import Story

STORY = Story()
HEADER = parse(STORY.submission(STORY.provider, STORY.issued())).header
EVENTS = {name: smallest(event) for name, event in e.EVENTS.items()}

SIGNER = STORY.provider.did

# By wire name, the histories that an event by the provider belongs to; `{}` is the thing that it
# is about.
EXPECTED: dict[str, list[tuple[str, str]]] = {
    "log.opened/1": [("keys", STORY.authority.did), ("particulars", STORY.authority.did)],
    "organization.registered/1": [("keys", "{}"), ("particulars", "{}")],
    "organization.updated/1": [("particulars", "{}")],
    "organization.closed/1": [("organization", "{}")],
    "organization.succeeded/1": [("organization", "{}")],
    "organization.objected/1": [("organization", "{}")],
    "key.listed/1": [("keys", "{}")],
    "key.retired/1": [("keys", "{}")],
    "key.compromised/1": [("keys", "{}")],
    "recognition.granted/1": [("recognition", "{}")],
    "recognition.restated/1": [("recognition", "{}")],
    "recognition.withdrawn/1": [("recognition", "{}")],
    "accreditation.granted/1": [("accreditation", "{}")],
    "accreditation.restated/1": [("accreditation", "{}")],
    "accreditation.suspended/1": [("accreditation", "{}")],
    "accreditation.reinstated/1": [("accreditation", "{}")],
    "accreditation.withdrawn/1": [("accreditation", "{}")],
    "achievement.defined/1": [("achievement", "{}/1")],
    "achievement.revised/1": [("achievement", "{}/2")],
    "achievement.retired/1": [("achievement", "{}")],
    "credential.issued/1": [],
    "credential.suspended/1": [("credential", "{}")],
    "credential.reinstated/1": [("credential", "{}")],
    "credential.revoked/1": [("credential", "{}")],
    "credential.superseded/1": [("credential", "{}")],
}


def test_there_is_an_expectation_for_each_event() -> None:
    assert set(EXPECTED) == set(e.EVENTS)


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_touches_the_histories_it_belongs_to(name: str) -> None:
    event = EVENTS[name]
    expected = [(kind, thing.format(subject_of(event, SIGNER))) for kind, thing in EXPECTED[name]]

    assert [tuple(thing) for thing in touched(HEADER, event)] == expected


def test_a_header_touches_the_submissions_of_its_signer() -> None:
    entry = msgspec.json.decode(submission_entry(HEADER.jws, 0), type=SubmissionEntry)

    assert touched(HEADER, entry) == (Thing(History.SUBMISSIONS, STORY.provider.did),)


def test_the_header_of_the_genesis_touches_the_submissions_of_the_log_itself() -> None:
    header = parse(STORY.genesis()).header
    line = submission_entry(header.jws, 0)
    assert parse_submission_entry(line)[1].payload == header.payload

    entry = msgspec.json.decode(line, type=SubmissionEntry)
    assert touched(header, entry) == (Thing(History.SUBMISSIONS, STORY.log_key.public.did_key()),)


def test_each_authority_in_the_genesis_has_keys_and_particulars() -> None:
    header, (opened,) = (
        (found := parse(STORY.genesis(authorities=[STORY.authority, STORY.accreditor]))).header,
        found.events,
    )

    assert touched(header, opened) == tuple(
        Thing(kind, did)
        for did in (STORY.authority.did, STORY.accreditor.did)
        for kind in (History.KEYS, History.PARTICULARS)
    )


def test_what_supersedes_a_credential_is_not_touched_by_that() -> None:
    event = EVENTS["credential.superseded/1"]
    assert isinstance(event, e.CredentialSuperseded)

    assert event.successor not in {thing.name for thing in touched(HEADER, event)}


def signed_by(did: str) -> SignedHeader:
    """Return a header that another organization signed."""
    protected = msgspec.structs.replace(HEADER.protected, kid=f"{did}#z6Mk")
    payload = msgspec.structs.replace(HEADER.payload, iss=did)
    return replace(HEADER, protected=protected, payload=payload)


def test_a_successor_that_an_accreditor_named_lengthens_no_history_of_the_organization() -> None:
    event = STORY.succeeded(STORY.provider, STORY.authority)
    accreditor = STORY.accreditor.did

    assert touched(signed_by(accreditor), event) == (succession(STORY.provider.did, accreditor),)


def test_the_successors_that_two_accreditors_named_are_two_histories() -> None:
    one = succession(STORY.provider.did, STORY.accreditor.did)
    other = succession(STORY.provider.did, STORY.authority.did)

    assert one != other
    assert one.name == f"{STORY.provider.did} {STORY.accreditor.did}"


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(any_event())
def test_nobody_but_the_signer_of_an_event_about_itself_lengthens_its_histories(
    event: e.Event,
) -> None:
    """But a registration, of which the first alone counts, and what the log itself opens with."""
    if isinstance(event, e.LogOpened | e.OrganizationRegistered):
        return
    own = {History.KEYS, History.ORGANIZATION, History.PARTICULARS}
    for thing in touched(signed_by(STORY.accreditor.did), event):
        assert thing.kind not in own or thing.name == STORY.accreditor.did


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(any_event())
def test_the_things_follow_from_the_entry_and_its_signer_and_are_distinct(event: e.Event) -> None:
    """An event about a thing that has a name of its own touches the same under any signer."""
    things, other = touched(HEADER, event), touched(signed_by(STORY.accreditor.did), event)

    if row_of(event).subject is not None and not isinstance(event, e.OrganizationSucceeded):
        assert things == other
    if not isinstance(event, e.LogOpened):
        assert len(set(things)) == len(things)
        assert all(thing.name.startswith(subject_of(event, SIGNER)) for thing in things)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(any_event())
def test_a_history_has_events_of_one_kind_of_thing_alone(event: e.Event) -> None:
    about = {
        History.KEYS: {"organization", "key", "log"},
        History.PARTICULARS: {"organization", "log"},
        History.SUCCESSION: {"organization"},
    }
    for thing in touched(HEADER, event):
        assert row_of(event).kind in about.get(thing.kind, {str(thing.kind)})
