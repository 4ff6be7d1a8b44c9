"""Which things an entry touches: the things whose history it belongs to.

The answer follows from the entry and its submission's header alone, whatever the register makes
of them. So anybody can compute, from the log's bytes, the complete list of entries that touch a
thing, and a later event changes no earlier list. Whether an entry counts is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    """Of an organization, what ends or restores its power to act."""
    PARTICULARS = "particulars"
    """Of an organization, what it is called and where: to be shown, never to be relied on."""
    KEYS = "keys"
    """Of an organization, its registration and everything that happened to its keys."""
    SUBMISSIONS = "submissions"
    """Of an organization, the headers that it signed."""


class Thing(NamedTuple):
    """A history, and the name of what it is about as the log writes it."""

    kind: History
    name: str


def touched(header: SignedHeader, entry: Entry) -> tuple[Thing, ...]:
    """Return the things that `entry` touches; `header` is that of its submission."""
    if isinstance(entry, SubmissionEntry):
        return (Thing(History.SUBMISSIONS, header.payload.iss),)
    if isinstance(entry, e.CredentialIssued):
        return ()
    if isinstance(entry, e.CredentialStatusEvent):
        return (Thing(History.CREDENTIAL, entry.credential),)
    if isinstance(entry, e.AccreditationEvent):
        return (Thing(History.ACCREDITATION, entry.accreditation),)
    if isinstance(entry, e.RecognitionEvent):
        return (Thing(History.RECOGNITION, entry.recognition),)
    return tuple(Thing(kind, name) for kind, name in _chosen(entry))


def _chosen(
    event: e.LogOpened | e.OrganizationEvent | e.AchievementEvent,
) -> Iterator[tuple[History, str]]:
    """Yield the things that an event touches that its kind alone does not determine."""
    match event:
        case e.LogOpened():
            for seated in event.authorities:
                yield History.KEYS, seated.organization
                yield History.PARTICULARS, seated.organization
        case e.OrganizationRegistered():
            yield History.KEYS, event.organization
            yield History.PARTICULARS, event.organization
        case e.OrganizationUpdated():
            yield History.PARTICULARS, event.organization
        case e.OrganizationClosed():
            yield History.ORGANIZATION, event.organization
        case e.KeyAdded() | e.KeyRetired() | e.KeyCompromised():
            yield History.KEYS, event.organization
        case e.AchievementDefined():
            yield History.ACHIEVEMENT, f"{event.achievement}/1"
        case e.AchievementRevised():
            yield History.ACHIEVEMENT, f"{event.achievement}/{event.version}"
        case e.AchievementRetired():
            yield History.ACHIEVEMENT, event.achievement
        case _:
            assert_never(event)
