"""Events with their lines, to damage, and the refusal that a damaged line meets."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
import rfc8785

from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event, encode_event
from testamur.catalogue.members import Definition
from testamur.errors import Refusal
from tests.harness.story import Story, uuid7

STORY = Story()
ID = uuid7(1_795_255_200_000, 7)
RETIRED = e.AchievementRetired(achievement=ID)
LINE = encode_event(RETIRED)
ISSUED = STORY.issued()
ISSUED_LINE = encode_event(ISSUED)
BARE = Definition(name="Soil Science", achievement_type="MicroCredential")


def refused(line: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        decode_event(line)
    return caught.value


def changed(event: e.Event, **members: Any) -> bytes:
    """Return the line of `event` in canonical JSON, but with these members put in or replaced."""
    found = json.loads(encode_event(event))
    found.update(members)
    return rfc8785.dumps(found)


def smallest(kind: type[e.Event]) -> e.Event:
    """Return an event of `kind` with nothing but what it must have."""
    story = Story()
    made: dict[type, Any] = {
        e.LogOpened: lambda: decode_event(story.genesis().split(b"\n")[1]),
        e.OrganizationRegistered: lambda: story.registered(
            story.authority, story.accreditor, "accreditor"
        ),
        e.OrganizationUpdated: story.updated,
        e.OrganizationClosed: story.closed,
        e.OrganizationSucceeded: lambda: story.succeeded(story.provider, story.accreditor),
        e.OrganizationObjected: story.objected,
        e.KeyListed: lambda: story.key_listed(story.provider.with_key("fresh")),
        e.KeyRetired: lambda: story.key_retired(story.provider),
        e.KeyCompromised: lambda: story.key_compromised(story.provider),
        e.RecognitionGranted: story.recognised,
        e.RecognitionRestated: story.recognition_restated,
        e.RecognitionWithdrawn: lambda: e.RecognitionWithdrawn(
            reason="unspecified", recognition=ID
        ),
        e.AccreditationGranted: story.accredited,
        e.AccreditationRestated: story.accreditation_restated,
        e.AccreditationSuspended: lambda: e.AccreditationSuspended(
            accreditation=ID, reason="unspecified"
        ),
        e.AccreditationReinstated: lambda: e.AccreditationReinstated(accreditation=ID),
        e.AccreditationWithdrawn: lambda: e.AccreditationWithdrawn(
            accreditation=ID, reason="unspecified"
        ),
        e.AchievementDefined: lambda: e.AchievementDefined(achievement=ID, definition=BARE),
        e.AchievementRevised: lambda: e.AchievementRevised(
            achievement=ID, definition=BARE, version=2
        ),
        e.AchievementRetired: lambda: RETIRED,
        e.CredentialIssued: lambda: e.CredentialIssued(
            achievement=ID,
            achievement_version=1,
            commitment=bytes(32),
            credential=ID,
            format="OpenBadgeCredential/3.0",
            valid_from=date(2026, 11, 21),
        ),
        e.CredentialSuspended: lambda: e.CredentialSuspended(credential=ID, reason="unspecified"),
        e.CredentialReinstated: lambda: e.CredentialReinstated(credential=ID),
        e.CredentialRevoked: lambda: e.CredentialRevoked(credential=ID, reason="unspecified"),
        e.CredentialSuperseded: lambda: e.CredentialSuperseded(
            credential=ID, successor=uuid7(1, 1)
        ),
    }
    event: e.Event = made[kind]()
    return event
