"""A dry run: what would become of a submission, and every line that would be refused.

It is judged by the rules of admission themselves, as of a tree size. It promises nothing: another
submission recorded meanwhile may change the outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from typing import Final

from registry.checked import Checked
from registry.credential_streams import TooLong
from registry.deliberation import Deliberation
from registry.known import Known, known, too_long
from registry.outcomes import Recorded
from registry.signing import Examined
from registry.store import Reading
from testamur.catalogue.dry_run import every_refusal, parse
from testamur.catalogue.events import KEY_EVENTS, AchievementDefined, AchievementRevised
from testamur.catalogue.members import Definition
from testamur.errors import Refusal, Refusals, detached
from testamur.keys import PublicKey
from testamur.recording.objections import objections
from testamur.rules import Register, Signed, admit_events
from testamur.rules.flag_details import Flagged, details
from testamur.rules.mending import to_mend
from testamur.rules.reach import Reach

_DEFINING: Final = AchievementDefined | AchievementRevised


@dataclass(frozen=True, slots=True)
class DryRun:
    """Everything wrong with a submission, judged as of `size` entries; nothing if it would pass.

    `flags` are those it would be admitted with, and `reach` is what it would change, as in
    `Recorded`. `details` say by code what the flags are about, and `to_mend` has the codes of those
    that the sender can mend.
    """

    refusals: Refusals
    flags: tuple[tuple[int, str], ...]
    size: int
    reach: Reach | None = None
    details: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    to_mend: frozenset[str] = frozenset()


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
    return rehearse_checked(checked, reading, register, recorded_at=recorded_at, log_key=log_key)


def rehearse_checked(
    checked: Checked, reading: Reading, register: Register, *, recorded_at: int, log_key: PublicKey
) -> DryRun:
    """Return what would become of a submission that was not recorded yet, as `rehearse` does."""
    try:
        found = known(reading, checked.named, [checked])
    except TooLong:
        return DryRun(Refusals([too_long(checked)]), (), register.size)
    draft = register.draft()
    deliberation = Deliberation(draft, found, recorded_at=recorded_at, log_key=log_key)
    try:
        receipt = deliberation.decide(checked)
    except Refusal as refusal:
        first = detached(refusal)
        alone = first.line == 1 or type(checked.submission.events[0]) in KEY_EVENTS
        others = Refusals()
        if not alone:
            spoken = objections(checked.submission.events)
            refused = _every_line(register, found, checked, recorded_at)
            others = Refusals(merge(spoken, refused, key=lambda each: each.line or 0))
        if not any((each.line, each.rule) == (first.line, first.rule) for each in others):
            others.insert(0, first)
        return DryRun(others, (), register.size)
    after = deliberation.register
    told = _details(register, after, found, checked, receipt) if receipt.flags else {}
    found_to_mend = to_mend(checked.submission.events, deliberation.admitted, register)
    return DryRun(
        Refusals(),
        receipt.flags,
        register.size,
        receipt.reach,
        details=told,
        to_mend=frozenset(code for _, code in found_to_mend),
    )


def _details(
    before: Register, after: Register, found: Known, checked: Checked, receipt: Recorded
) -> dict[str, tuple[str, ...]]:
    """Return what the flags of a submission are about."""
    header, events = checked.submission.header, checked.submission.events

    def definition_at(achievement: str, version: int) -> Definition | None:
        written = after.achievements[achievement].definition(version)
        if written is None:
            return None
        number = written.position - before.size
        event = events[number - 1] if number > 0 else found.event_at(written.position)
        return event.definition if isinstance(event, _DEFINING) else None

    signed = Signed(header.payload.iss, header.key_id, receipt.position, receipt.recorded_at)
    return details(Flagged(before, after, signed, events, definition_at), receipt.flags)


def _every_line(
    register: Register, known_before: Known, checked: Checked, recorded_at: int
) -> Iterator[Refusal]:
    """Yield the refusal of every event, judged after those before it that are admitted."""
    draft = register.draft()
    header = checked.submission.header
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
            yield refusal
