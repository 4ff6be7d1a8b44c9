"""A dry run: what would become of a submission, and every line that would be refused.

It is judged by the rules of admission themselves, as of a tree size. It promises nothing: another
submission recorded meanwhile may change the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry import credential_streams
from registry.deliberation import Checked, Deliberation, Unverified
from registry.outcomes import Recorded
from registry.signing import Signed
from registry.store import Reading
from testamur.catalogue.dry_run import every_refusal, parse
from testamur.errors import Refusal, detached
from testamur.keys import PublicKey
from testamur.recording.names import objections
from testamur.rules import Credentials, Register, admit_events


@dataclass(frozen=True, slots=True)
class DryRun:
    """Everything wrong with a submission, judged as of `size` entries; nothing if it would pass.

    `flags` are those it would be admitted with, as in `Recorded`.
    """

    refusals: list[Refusal]
    flags: tuple[tuple[int, str], ...]
    size: int


def rehearse(
    body: bytes,
    signed: Signed,
    reading: Reading,
    register: Register,
    *,
    recorded_at: int,
    log_key: PublicKey,
) -> DryRun:
    """Return what would become of the events in a dry run were they recorded next.

    `signed` is its line 1; `recorded_at` is in Unix milliseconds. `register` is left as it is.
    """
    try:
        checked = Checked.of(parse(body, signed.header), len(body))
        checked = checked.verified(signed.verified_by, examined=True)
    except Refusal:
        return DryRun(every_refusal(body), (), register.size)
    credentials = credential_streams.states(reading, checked.named)
    deliberation = Deliberation(
        register.draft(),
        credentials,
        {},  # a dry run has no name under which it could have been recorded
        recorded_at=recorded_at,
        log_key=log_key,
    )
    try:
        receipt = _decided(deliberation, checked)
    except Refusal as refusal:
        on_header = refusal.line == 1 or register.size == 0
        others = [] if on_header else _every_line(register, credentials, checked, recorded_at)
        return DryRun(others or [refusal], (), register.size)
    return DryRun([], receipt.flags, register.size)


def _decided(deliberation: Deliberation, checked: Checked) -> Recorded:
    try:
        return deliberation.decide(checked)
    except Unverified as unverified:  # another key has that name since
        return deliberation.decide(checked.verified(unverified.key))


def _every_line(
    register: Register, credentials: Credentials, checked: Checked, recorded_at: int
) -> list[Refusal]:
    """Return the refusal of every event, judged after those before it that are admitted."""
    draft = register.draft()
    header = checked.submission.header
    found = objections(checked.submission.events)
    for number, event in enumerate(checked.submission.events):
        draft.size = register.size + number
        try:
            admit_events(draft, credentials, header, [event], recorded_at)
        except Refusal as refusal:
            refusal.line = number + 2
            found.append(detached(refusal))
    return sorted(found, key=lambda refusal: refusal.line or 0)
