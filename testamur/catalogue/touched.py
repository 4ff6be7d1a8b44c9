"""Which things an entry touches: the things whose history it belongs to.

The answer follows from the entry and its submission's header alone, whatever the register makes
of them. So anybody can compute, from the log's bytes, the complete list of entries that touch a
thing, and a later event changes no earlier list. Whether an entry counts is judged elsewhere.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, TypeAlias, assert_never

from testamur.catalogue import events as e
from testamur.catalogue.submission import SignedHeader, SubmissionEntry

Entry: TypeAlias = SubmissionEntry | e.Event


class History(StrEnum):
    """The kinds of histories that are kept."""

    CREDENTIAL = "credential"
    """Of a credential, all but its issuance: an absent history says that nothing happened since."""
    ACCREDITATION = "accreditation"
    RECOGNITION = "recognition"
    ACHIEVEMENT = "achievement"
    """Of one version of a definition, named ID/VERSION; the retirement of all of them, named ID."""
    ORGANIZATION = "organization"
    """Of an organization, that it closed, the successors that it named, and its objections."""
    PARTICULARS = "particulars"
    """Of an organization, what it is called and where: to be shown, never to be relied on."""
    KEYS = "keys"
    """Of an organization, its registration and everything that happened to its keys."""
    SUBMISSIONS = "submissions"
    """Of an organization, the headers that it signed."""
    SUCCESSION = "succession"
    """Of an organization and an accreditor, named `DID DID`: the successors that the accreditor
    named for the organization."""


class Thing(NamedTuple):
    """A history, and the name of what it is about as the log writes it."""

    kind: History
    name: str


def touched(header: SignedHeader, entry: Entry) -> tuple[Thing, ...]:
    """Return the things that `entry` touches; `header` is that of its submission."""
    signer = header.payload.iss
    if isinstance(entry, SubmissionEntry):
        return (Thing(History.SUBMISSIONS, signer),)
    if isinstance(entry, e.CredentialIssued):
        return ()
    if isinstance(entry, e.LogOpened):
        return tuple(thing for each in entry.authorities for thing in _of_newcomer(each))
    if isinstance(entry, e.OrganizationEvent):
        return _of_organization(signer, entry)
    return (_the_one(entry),)


def succession(organization: str, accreditor: str) -> Thing:
    """Return the history of the successors that `accreditor` named for `organization`."""
    return Thing(History.SUCCESSION, f"{organization} {accreditor}")


def _of_newcomer(event: e.OrganizationRegistered) -> tuple[Thing, ...]:
    return Thing(History.KEYS, event.organization), Thing(History.PARTICULARS, event.organization)


def _of_organization(signer: str, event: e.OrganizationEvent) -> tuple[Thing, ...]:
    match event:
        case e.OrganizationRegistered():
            return _of_newcomer(event)
        case e.OrganizationUpdated():
            return (Thing(History.PARTICULARS, signer),)
        case e.OrganizationSucceeded() if event.organization != signer:
            return (succession(event.organization, signer),)
        case e.OrganizationSucceeded() | e.OrganizationClosed() | e.OrganizationObjected():
            return (Thing(History.ORGANIZATION, signer),)
        case e.KeyListed() | e.KeyRetired() | e.KeyCompromised():
            return (Thing(History.KEYS, signer),)
        case _:
            assert_never(event)


def _the_one(
    event: e.RecognitionEvent | e.AccreditationEvent | e.AchievementEvent | e.CredentialStatusEvent,
) -> Thing:
    if isinstance(event, e.CredentialStatusEvent):
        return Thing(History.CREDENTIAL, event.credential)
    if isinstance(event, e.AccreditationEvent):
        return Thing(History.ACCREDITATION, event.accreditation)
    if isinstance(event, e.RecognitionEvent):
        return Thing(History.RECOGNITION, event.recognition)
    return Thing(History.ACHIEVEMENT, _version_named(event))


def _version_named(event: e.AchievementEvent) -> str:
    match event:
        case e.AchievementDefined():
            return f"{event.achievement}/1"
        case e.AchievementRevised():
            return f"{event.achievement}/{event.version}"
        case e.AchievementRetired():
            return event.achievement
        case _:
            assert_never(event)
