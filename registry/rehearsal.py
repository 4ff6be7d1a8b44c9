"""A dry run: what would become of a submission, and every line that would be refused.

It is judged by the rules of admission themselves, as of a tree size. It promises nothing: another
submission recorded meanwhile may change the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.checked import Checked
from registry.credential_streams import TooLong
from registry.deliberation import Deliberation
from registry.known import Known, known, too_long
from registry.signing import Examined
from registry.store import Reading
from testamur.catalogue.dry_run import every_refusal, parse
from testamur.catalogue.events import KEY_EVENTS
from testamur.errors import Refusal, detached
from testamur.keys import PublicKey
from testamur.recording.objections import objections
from testamur.rules import Register, Signed, admit_events
from testamur.rules.reach import Reach


@dataclass(frozen=True, slots=True)
class DryRun:
    """Everything wrong with a submission, judged as of `size` entries; nothing if it would pass.

    `flags` are those it would be admitted with, and `reach` is what it would change, as in
    `Recorded`.
    """

    refusals: list[Refusal]
    flags: tuple[tuple[int, str], ...]
    size: int
    reach: Reach | None = None


def rehearse(
    body: bytes,
    examined: Examined,
    reading: Reading,
    register: Register,
    *,
    recorded_at: int,
    log_key: PublicKey,
) -> DryRun:
    """Return what would become of the events in a dry run were they recorded next.

    `examined` is its line 1; `recorded_at` is in Unix milliseconds. `register` is left as it is.
    """
    try:
        checked = Checked.of(parse(body, examined.header), len(body))
    except Refusal:
        return DryRun(every_refusal(body), (), register.size)
    # A dry run has no name under which it could have been recorded.
    try:
        found = known(reading, checked.named, [checked])
    except TooLong:
        return DryRun([too_long(checked)], (), register.size)
    deliberation = Deliberation(register.draft(), found, recorded_at=recorded_at, log_key=log_key)
    try:
        receipt = deliberation.decide(checked)
    except Refusal as refusal:
        first = detached(refusal)
        alone = first.line == 1 or type(checked.submission.events[0]) in KEY_EVENTS
        others = [] if alone else _every_line(register, found, checked, recorded_at)
        if not any((each.line, each.rule) == (first.line, first.rule) for each in others):
            others.insert(0, first)
        return DryRun(others, (), register.size)
    return DryRun([], receipt.flags, register.size, receipt.reach)


def _every_line(
    register: Register, known_before: Known, checked: Checked, recorded_at: int
) -> list[Refusal]:
    """Return the refusal of every event, judged after those before it that are admitted."""
    draft = register.draft()
    header = checked.submission.header
    found = objections(checked.submission.events)
    for number, event in enumerate(checked.submission.events):
        signed = Signed(header.payload.iss, header.key_id, register.size + number, recorded_at)
        verified = {1} if number + 1 in checked.verified else set[int]()
        try:
            admit_events(
                draft,
                known_before.credentials,
                signed,
                [event],
                event_at=known_before.event_at,
                verified=verified,
            )
        except Refusal as refusal:
            refusal.line = number + 2
            found.append(detached(refusal))
    return sorted(found, key=lambda refusal: refusal.line or 0)
