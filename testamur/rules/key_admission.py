"""Who may sign a submission, and which key events may follow: the gate's rules about keys.

Admission at p uses the state as of p. Caps count what a key spent in its life, whether it counts
or not: so a thief spends what the stolen key may spend, and nothing of the founding key's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from testamur.catalogue.events import KEY_EVENTS, KeyListed, KeyRetired
from testamur.errors import Refusal
from testamur.rules.key_table import (
    FOUNDING,
    LIMIT,
    SIGNING,
    KeyDeclared,
    KeySubmission,
    KeyTable,
    ListedKey,
    hear,
)
from testamur.rules.said import Signed

_Keys: TypeAlias = dict[str, ListedKey]


class Caps(msgspec.Struct, frozen=True, gc=False):
    """How much may be said about the keys of one organization."""

    key_events: int = 1024
    """Key events in the organization's life."""
    founding_only: int = 128
    """So many of them, the last, are the founding key's alone."""
    in_submission: int = 64
    by_recovery_key: int = 64
    """Key events that a recovery key other than the founding one signs in its life."""
    recovery_keys: int = 8
    """Recovery keys in force besides the founding key."""
    signing_keys: int = 16
    """Signing keys in force that one key listed."""
    kept_ranges: int = 2048
    """Ranges that the declarations of the organization keep, all in its life together."""
    kept_by_founding_only: int = 1024
    """So many of them, the last, are the founding key's alone."""
    kept_by_recovery_key: int = 512
    """Ranges that a recovery key other than the founding one keeps in its life."""


CAPS: Final = Caps()


def admit_first_keys(
    founding: str, recovery: Sequence[str], signing: Collection[str], caps: Caps = CAPS
) -> None:
    """Raise `Refusal` unless an organization may be registered with these keys."""
    listed = (founding, *recovery, *signing)
    twice = next((key for at, key in enumerate(listed) if key in listed[:at]), None)
    if twice is not None:
        raise Refusal("key-twice", "a registration lists each key once", value=twice)
    for kind, keys, most in (
        ("recovery", recovery, caps.recovery_keys),
        ("signing", signing, caps.signing_keys),
    ):
        if len(keys) > most:
            raise Refusal(
                "key-count", f"a registration lists at most {most} {kind} keys", value=len(keys)
            )


def admit_signer(table: KeyTable, signed: Signed, events: Sequence[object]) -> None:
    """Raise `Refusal` unless the key is in force and may sign these events together.

    Rules `unknown-key`, `key-inactive`, `key-events-alone`, `recovery-key`. `signed` comes after
    all in the table's history.
    """
    signer = key_in_force(table, signed.key, signed.position, signed.recorded_at)
    if KEY_EVENTS.isdisjoint(map(type, events)):
        if signer.rank >= SIGNING:
            return  # as nearly every submission
        rule = "recovery-key"
        detail = "a recovery key signs key events only; sign this with a signing key"
    elif KEY_EVENTS.issuperset(map(type, events)):
        return
    else:
        rule = "key-events-alone"
        detail = "a submission holds key events alone or none; submit the others apart"
    line = next(at for at, event in enumerate(events, 2) if type(event) not in KEY_EVENTS)
    raise Refusal(rule, detail, line=line, value=type(events[line - 2]).__name__)


def key_in_force(table: KeyTable, key: str, position: int, recorded_at: int) -> ListedKey:
    """Return the key that signs a submission with its header there.

    Raises `Refusal` (rules `unknown-key`, `key-inactive`).
    """
    signer = table.keys.get(key)
    if signer is None:
        raise Refusal(
            "unknown-key",
            "the organization never listed this key; sign with one that it listed: a new key "
            "signs once the submission that lists it is recorded",
            line=1,
            value=key,
        )
    if not signer.in_force:
        why = table.why_not(key, position, recorded_at)
        raise Refusal(
            "key-inactive",
            f"{why.reason if why else 'the key is not in force'}; sign with a key in force",
            line=1,
            value=key,
        )
    return signer


def admit_key_events(
    table: KeyTable,
    submission: KeySubmission,
    *,
    closings: Sequence[Signed] = (),
    caps: Caps = CAPS,
) -> KeyTable:
    """Return the table after the submission; raises `Refusal` with the line that may not follow.

    Rules, besides those of `admit_signer`: `key-events`, `key-rank`, `key-twice`, `key-count`,
    `compromise-position`, `compromise-final`, `kept-ranges`, `organization-closed`.

    Each event is judged by the keys as the events before it leave them. `closings` are the
    submissions that closed the organization: it is closed while one of them counts, and an event
    may declare the key compromised that signed it.
    """
    key_in_force(table, submission.key, submission.position, submission.recorded_at)
    _check_spending(table, submission, caps)
    _check_kept(table, submission, caps)
    keys = dict(table.keys)
    for position, event in submission.entries():
        try:
            match event:
                case KeyListed():
                    _check_listing(keys, submission, event, caps)
                case KeyRetired():
                    _check_standing(keys, submission, event)
                case KeyDeclared():
                    _check_standing(keys, submission, event)
                    _check_declaration(keys, submission, event, position)
                case _:
                    assert_never(event)
        except Refusal as refusal:
            raise refusal.at(position - submission.position + 1) from None
        hear(keys, submission, position, event)
    _check_open(table, submission, closings)
    return table.plus(submission)


def _check_spending(table: KeyTable, submission: KeySubmission, caps: Caps) -> None:
    rank, count = table.keys[submission.key].rank, len(submission.events)
    if count > caps.in_submission:
        raise Refusal(
            "key-events",
            f"a submission holds at most {caps.in_submission} key events; submit several",
            value=count,
        )
    spent = sum(len(each.events) for each in table.history)
    left = caps.key_events - (0 if rank == FOUNDING else caps.founding_only) - spent
    if count > left:
        raise Refusal(
            "key-events",
            f"an organization has {caps.key_events} key events in its life, the last "
            f"{caps.founding_only} the founding key's alone; this key may sign {max(left, 0)} more",
            value=count,
        )
    if FOUNDING < rank < SIGNING:
        own = sum(len(each.events) for each in table.history if each.key == submission.key)
        if own + count > caps.by_recovery_key:
            raise Refusal(
                "key-events",
                f"a recovery key signs at most {caps.by_recovery_key} key events in its life and "
                f"this one signed {own}; sign with another recovery key or the founding key",
                value=count,
            )


def _check_kept(table: KeyTable, submission: KeySubmission, caps: Caps) -> None:
    """Raise `Refusal` for ranges beyond what the key, or its organization, may keep."""
    count, rank = submission.kept, table.keys[submission.key].rank
    if not count:
        return
    fewer = "declare with fewer, wider ranges, which may hold what other keys signed"
    spent = sum(each.kept for each in table.history)
    left = caps.kept_ranges - (0 if rank == FOUNDING else caps.kept_by_founding_only) - spent
    if count > left:
        raise Refusal(
            "kept-ranges",
            f"the declarations of an organization keep {caps.kept_ranges} ranges in its life, the "
            f"last {caps.kept_by_founding_only} the founding key's alone; this key may keep "
            f"{max(left, 0)} more: {fewer}",
            value=count,
        )
    if rank != FOUNDING:
        own = sum(each.kept for each in table.history if each.key == submission.key)
        if own + count > caps.kept_by_recovery_key:
            raise Refusal(
                "kept-ranges",
                f"a recovery key keeps at most {caps.kept_by_recovery_key} ranges in its life and "
                f"this one kept {own}: {fewer}, or sign with a key of higher rank",
                value=count,
            )


def _check_listing(keys: _Keys, submission: KeySubmission, event: KeyListed, caps: Caps) -> None:
    signer = keys[submission.key]
    if signer.rank == SIGNING:
        raise Refusal(
            "key-rank", "a signing key lists none; sign with a recovery key", value=event.key
        )
    if event.as_ == "recovery" and signer.rank != FOUNDING:
        raise Refusal(
            "key-rank", "only the founding key lists recovery keys; sign with it", value=event.key
        )
    if event.key in keys:
        raise Refusal(
            "key-twice",
            f"the organization listed this key at {keys[event.key].listed}, and lists a key "
            "once, as recovery or as signing key; make a fresh one",
            value=event.key,
        )
    listed = [each for each in keys.values() if each.lister == signer.key and each.in_force]
    if event.as_ == "recovery":
        count, most = sum(FOUNDING < each.rank < SIGNING for each in listed), caps.recovery_keys
    else:
        count, most = sum(each.rank == SIGNING for each in listed), caps.signing_keys
    if count >= most:
        raise Refusal(
            "key-count",
            f"{count} {event.as_} keys that this key listed are in force, and at most {most} may "
            "be; retire one first",
            value=event.key,
        )


def _check_standing(
    keys: _Keys, submission: KeySubmission, event: KeyRetired | KeyDeclared
) -> None:
    signer, about = keys[submission.key], keys.get(event.key)
    if about is None:
        raise Refusal("unknown-key", "the organization never listed this key", value=event.key)
    if not about.heeds(signer):
        raise Refusal(
            "key-rank",
            "a key may retire or declare compromised itself, and a recovery key those of lower "
            "rank; sign with that key or one of higher rank",
            value=event.key,
        )
    # A key's word about itself is for good, so saying it again only spends.
    said = (
        about.retired is not None if type(event) is KeyRetired else signer.key in about.compromised
    )
    if about is signer and said:
        raise Refusal("key-twice", "the key said this of itself already", value=event.key)


def _check_declaration(
    keys: _Keys, submission: KeySubmission, event: KeyDeclared, position: int
) -> None:
    if event.key == submission.key:
        if event.since is not None:
            raise Refusal(
                "compromise-position",
                "a key says nothing about its past: leave since and kept out, or sign with a key "
                "of higher rank",
                value=event.since,
            )
        return
    if event.since is None or event.since > position:
        raise Refusal(
            "compromise-position",
            f"since is the position from which the key was compromised, at most {position}, "
            "where this event stands",
            value=event.since,
        )
    last = event.kept.last
    if last is not None and last[1] > position:
        raise Refusal(
            "kept-ranges",
            f"kept lists submissions that lie before this event at {position}",
            value=list(last),
        )
    earlier = keys[event.key].compromised.get(submission.key)
    if earlier is not None and submission.recorded_at > earlier.first + LIMIT:
        raise Refusal(
            "compromise-final",
            "this key first declared it compromised more than 90 days ago: what it said of "
            f"position {earlier.since} is final; a key of higher rank may still declare",
            value=event.key,
        )


def _check_open(table: KeyTable, submission: KeySubmission, closings: Sequence[Signed]) -> None:
    """Raise `Refusal` for a key that is listed while a closing counts, event by event."""
    if not closings:
        return
    at_event = table
    for at, event in enumerate(submission.events):
        if type(event) is not KeyListed:
            continue
        before = submission.events[:at]
        # Only a declaration changes what counts of the past.
        if any(type(each) is KeyDeclared for each in before):
            at_event = table.plus(replace(submission, events=before))
        for closing in closings:
            if at_event.counts(closing.key, closing.position, closing.recorded_at):
                raise Refusal(
                    "organization-closed",
                    "a closed organization may still retire keys and declare them compromised, but "
                    f"lists none; it was closed by the submission at {closing.position}",
                    line=at + 2,
                )
