"""How far will the declarations of a group reach back? Asked before the write lock.

A declaration changes what counts of thousands of submissions, and each bound of what it changes
costs one look into an index. What the store answers about its past never changes, and where a key
counts follows from the declarations about it. So the answer is worked out once before the lock, by
the register as it stands, and again under it, where these bounds are looked up, and the store is
asked for nothing but what came since.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from contextlib import suppress

from registry.checked import Checked
from registry.key_totals import Answered, KeyTotals
from registry.store import Reading
from testamur.catalogue import events as e
from testamur.errors import Refusal
from testamur.rules import Limits, Register
from testamur.rules.conclusions import Drawing
from testamur.rules.key_admission import admit_key_events
from testamur.rules.key_table import KeySubmission, KeyTable
from testamur.rules.reach import reach


def reaches(
    reading: Reading,
    register: Register,
    group: Sequence[Checked],
    recorded: Container[bytes],
    limits: Limits,
    recorded_at: int,
    drawing: Drawing,
) -> Answered:
    """Return what the store is asked about the reach of a group that comes next.

    `recorded` has the keys of those of its submissions that are on the log already. Where its
    declarations leave keys counting is concluded in `drawing`.
    """
    answered = Answered()
    tables: dict[str, KeyTable] = {}
    position = register.size
    for checked in group:
        header, events = checked.submission.header, checked.submission.events
        organization = register.organizations.get(header.payload.iss)
        asked = _declares(events) and checked.key not in recorded
        if organization is not None and asked:
            totals, did = KeyTotals(reading, answered=answered), organization.did
            before = tables.get(did, organization.keys)
            submission = KeySubmission.of(position, header.key_id, recorded_at, _about_keys(events))
            closings = [said.signed for said in organization.closings]
            with suppress(Refusal):  # what is refused here is judged anew under the lock
                tables[did] = admit_key_events(
                    before, submission, closings=closings, caps=limits.keys
                )
                reach(totals, did, before, tables[did], position, drawing.find)
        position += 1 + len(events)
    return answered


def _declares(events: Sequence[e.Event]) -> bool:
    if type(events[0]) not in e.KEY_EVENTS:
        return False  # as in nearly every submission
    kinds = set(map(type, events))
    return e.KeyCompromised in kinds and kinds <= e.KEY_EVENTS


def _about_keys(events: Sequence[e.Event]) -> list[e.KeyEvent]:
    return [event for event in events if isinstance(event, e.KeyEvent)]
