"""Who spends what: caps count against the key that uses them up, in its life, counting or not.

So what a thief can add to anybody's evidence is bounded, and what the thief spends is never
missing to the owner, who goes on with another key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from tests.trust_model.events import (
    AccreditationGranted,
    Changed,
    Closed,
    Defined,
    Event,
    KeyEvent,
    Objected,
    RecognitionGranted,
    Restated,
    Succeeded,
    Updated,
)
from tests.trust_model.keys import Key
from tests.trust_model.settings import Rule, Settings
from tests.trust_model.submissions import Log, Submission
from tests.trust_model.world import World

Purse: TypeAlias = tuple[str, str, str]
"""What a cap is counted for: the rule, and the thing or subject."""


def purse_of(event: Event, actor: str) -> Purse | None:
    """Return what the event spends of its key, or None for one without a cap of its own."""
    purse: Purse
    match event:
        case Changed() | Restated():
            purse = "status-event-count", event.kind, event.id
        case Succeeded() if event.organization != actor:
            purse = "status-event-count", "succession", event.organization
        case Succeeded() | Closed() | Objected() | Updated():
            purse = "status-event-count", "organization", actor
        case Defined() if event.version > 1:
            purse = "revision-count", "achievement", event.achievement
        case RecognitionGranted():
            purse = "grant-count", "recognition", event.organization
        case AccreditationGranted():
            purse = "grant-count", "accreditation", event.organization
        case _:
            return None
    return purse


def overspent(world: World, submission: Submission, index: int) -> str | None:
    """Return the rule whose cap the event at `index` of the submission exceeds.

    `world` is the state that the events before it leave. On a thing of another's a successor
    spends for all its keys together: it can list hundreds.
    """
    settings, event = world.settings, submission.events[index]
    purse = purse_of(event, submission.organization)
    if purse is None or not settings.has(_SWITCHES[purse[0]]):
        return None
    foreign = (
        isinstance(event, Changed)
        and world.writers.get((event.kind, event.id)) != submission.organization
        and settings.has(Rule.SUCCESSOR_SPENDS)
    )
    spent = sum(
        purse_of(each, submission.organization) == purse
        for earlier in world.log
        if earlier.organization == submission.organization
        if foreign or earlier.key == submission.key
        for each in earlier.events
    )
    return purse[0] if spent >= _cap(purse[0], settings) else None


def too_many_key_events(
    log: Log, submission: Submission, key: Key, settings: Settings
) -> str | None:
    """Return the rule that a submission of key events breaks by their number."""
    events = len(submission.events)
    if events > settings.submission_key_events:
        return "submission-key-event-count"
    organization = submission.organization
    own = [s for s in log if s.organization == organization]
    spent = sum(_key_events(s) for s in own)
    reserve = settings.founders_reserve if settings.has(Rule.FOUNDERS_RESERVE) else 0
    allowed = settings.organization_key_events - (0 if key.name == organization else reserve)
    if spent + events > allowed:
        return "organization-key-event-count"
    by_key = sum(_key_events(s) for s in own if s.key == key.name)
    if key.kind == "signing":
        if by_key + events > settings.signing_key_spends and settings.has(Rule.OWN_KEY_SPENDS):
            return "signing-key-event-count"
        return None
    capped = key.name != organization and settings.has(Rule.KEY_SPENDS)
    over = by_key + events > settings.recovery_key_spends
    return "recovery-key-event-count" if capped and over else None


def too_many_in_force(
    keys: Mapping[str, Key], listing: Submission, kind: str, settings: Settings
) -> bool:
    """Return whether the signer of `listing` may list no further key of this kind.

    Each recovery key lists its own number of signing keys, so a thief of one cannot use up what
    another may list.
    """
    if not settings.has(Rule.KEYS_IN_FORCE):
        return False
    in_force = [
        key
        for key in keys.values()
        if key.kind == kind
        and key.name != listing.organization
        and key.counts(listing.end, listing.recorded_at, settings)
    ]
    if kind == "recovery":
        return len(in_force) >= settings.recovery_keys_in_force
    own = [key for key in in_force if key.lister == listing.key]
    return len(own) >= settings.signing_keys_in_force


def _key_events(submission: Submission) -> int:
    return sum(isinstance(event, KeyEvent) for event in submission.events)


_SWITCHES = {
    "status-event-count": Rule.STATUS_SPENDS,
    "revision-count": Rule.REVISION_SPENDS,
    "grant-count": Rule.GRANT_SPENDS,
}


def _cap(rule: str, settings: Settings) -> int:
    if rule == "status-event-count":
        return settings.status_events
    return settings.revisions if rule == "revision-count" else settings.grants
