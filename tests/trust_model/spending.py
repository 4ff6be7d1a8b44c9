"""Who spends what: caps count against the key that uses them up, in its life, counting or not.

So what a thief can add to anybody's evidence is bounded, and what the thief spends is never
missing to the owner, who goes on with another key.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TypeAlias

from tests.trust_model.events import (
    AccreditationGranted,
    Changed,
    Closed,
    Defined,
    Event,
    KeyCompromised,
    KeyEvent,
    Objected,
    RecognitionGranted,
    Restated,
    Succeeded,
    Updated,
    created_id,
)
from tests.trust_model.keys import Key
from tests.trust_model.settings import Rule, Settings
from tests.trust_model.status import AFTER, FINAL, status
from tests.trust_model.submissions import Log, Submission
from tests.trust_model.world import CREATING, World

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

    `world` is the state that the events before it leave.
    """
    event = submission.events[index]
    for exceeds, rule in (
        (_written_too_often(world, event), "writing-count"),
        (_too_many_authorities(world, submission, event), "authority-count"),
    ):
        if exceeds:
            return rule
    purse = purse_of(event, submission.organization)
    if purse is None or not world.settings.has(_SWITCHES[purse[0]]):
        return None
    together = _spent(world, submission.organization, purse, None)
    by_key = _spent(world, submission.organization, purse, submission.key)
    if _of_another(world, event, submission.organization):
        exceeds = together >= _cap(purse[0], world.settings)
    else:
        exceeds = by_key >= _cap(purse[0], world.settings) or (
            purse[0] == "status-event-count"
            and together >= _status_together(world, submission)
            and not _ends(world, event)
        )
    return purse[0] if exceeds else None


def _spent(world: World, organization: str, purse: Purse, key: str | None) -> int:
    """Return how much a key spent of a purse; all keys of the organization together if None."""
    return sum(
        purse_of(each, organization) == purse
        for earlier in world.log
        if earlier.organization == organization and key in {earlier.key, None}
        for each in earlier.events
    )


def _of_another(world: World, event: Event, actor: str) -> bool:
    """Return whether a successor spends for all its keys together: it can list hundreds."""
    return (
        isinstance(event, Changed)
        and world.writers.get((event.kind, event.id)) != actor
        and world.settings.has(Rule.SUCCESSOR_SPENDS)
    )


def _status_together(world: World, submission: Submission) -> int:
    """Return how much may be said of a thing by all keys that may say as much as this one."""
    settings, owner = world.settings, submission.organization
    if not settings.has(Rule.STATUS_TOGETHER):
        return sys.maxsize
    founders = world.keys[owner][submission.key].lister == owner
    reserve = 0 if founders or not settings.has(Rule.STATUS_RESERVE) else settings.status_reserve
    return settings.status_together - reserve


def _ends(world: World, event: Event) -> bool:
    """Return whether the event ends what has not ended: an owner can always say that."""
    if not world.settings.has(Rule.ALWAYS_ENDED):
        return False
    if isinstance(event, Closed):
        return True
    return (
        isinstance(event, Changed)
        and AFTER[event.verb] in FINAL
        and status(world, event.kind, event.id) not in FINAL
    )


def _written_too_often(world: World, event: Event) -> bool:
    """Return whether a line comes once more than an id is written, counting or not."""
    if not isinstance(event, CREATING) or not world.settings.has(Rule.WRITING_SPENDS):
        return False
    line = created_id(event)
    written = sum(
        isinstance(each, CREATING) and created_id(each) == line
        for earlier in world.log
        for each in earlier.events
        if earlier.organization == world.writers.get(line[:2])
    )
    return written >= world.settings.writings


def _too_many_authorities(world: World, submission: Submission, event: Event) -> bool:
    if not _makes_authority(event) or not world.settings.has(Rule.AUTHORITY_SPENDS):
        return False
    made = sum(
        _makes_authority(each)
        for earlier in world.log
        if (earlier.organization, earlier.key) == (submission.organization, submission.key)
        for each in earlier.events
    )
    return made >= world.settings.authorities


def _makes_authority(event: Event) -> bool:
    return isinstance(event, RecognitionGranted) and event.recognised_as == "authority"


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
    capped = key.name != organization and key.kind == "recovery" and settings.has(Rule.KEY_SPENDS)
    over = by_key + events > settings.recovery_key_spends
    return "recovery-key-event-count" if capped and over else None


def too_many_kept(log: Log, submission: Submission, key: Key, settings: Settings) -> str | None:
    """Return the rule that a submission breaks by the ranges its declarations keep.

    A restatement replaces the ranges before it, and is counted besides them: all stay on the log.
    """
    organization, kept = submission.organization, _kept(submission)
    own = [s for s in log if s.organization == organization]
    reserve = settings.founders_kept if settings.has(Rule.KEPT_RESERVE) else 0
    allowed = settings.organization_kept - (0 if key.name == organization else reserve)
    if kept and sum(map(_kept, own)) + kept > allowed:
        return "organization-kept-count"
    by_key = sum(_kept(s) for s in own if s.key == key.name)
    capped = key.name != organization and settings.has(Rule.KEPT_SPENDS)
    over = kept and by_key + kept > settings.recovery_key_kept
    return "recovery-key-kept-count" if capped and over else None


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


def _kept(submission: Submission) -> int:
    return sum(len(e.kept) for e in submission.events if isinstance(e, KeyCompromised))


_SWITCHES = {
    "status-event-count": Rule.STATUS_SPENDS,
    "revision-count": Rule.REVISION_SPENDS,
    "grant-count": Rule.GRANT_SPENDS,
}


def _cap(rule: str, settings: Settings) -> int:
    if rule == "status-event-count":
        return settings.status_events
    return settings.revisions if rule == "revision-count" else settings.grants
