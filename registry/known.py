"""What the store has of what a group of submissions is about, asked by one question each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from registry import credential_streams, submissions
from registry.checked import Checked
from registry.concluded import Concluded, conclude, terms_of
from registry.counted import Counted, counted
from registry.credential_streams import CredentialStreams
from registry.foreseen import reaches
from registry.key_totals import Answered, KeyTotals
from registry.store import Reading, StorageDamaged, SubmissionRow
from testamur.catalogue.events import Event
from testamur.catalogue.lines import decode_event
from testamur.errors import Refusal
from testamur.recording import histories
from testamur.rules import Limits, Register
from testamur.rules.conclusions import Drawing

# Entries of streams that one transaction reads: so many for each credential, and so many besides.
_FOR_EACH: Final = histories.FOR_EACH
_BESIDES: Final = histories.BESIDES


@dataclass(frozen=True, slots=True)
class Known:
    """What the rules need of the store beside the register.

    `credentials` holds the existing ones that the submissions change; `recorded` holds, by stream
    key, the submissions that are on the log already, as `submissions.find` gives them; `event_at`
    returns the event at a position of the log. `totals` are the running totals of keys, those that
    sign the group's submissions among them.

    A credential missing from `credentials` counts as never written. If it was, the unique index
    refuses the rows; with every id in `Checked.named` looked up, the rules refuse before that.
    """

    credentials: CredentialStreams
    recorded: dict[bytes, tuple[str, SubmissionRow]]
    event_at: Callable[[int], Event]
    totals: KeyTotals


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of a group before the lock.

    What was said of its credentials among the first `size` entries, and which of its submissions
    are `recorded` there; which of that counts, and what issuances are judged by, both by a register
    that may be another process's past; and what the store answered about totals.
    """

    credentials: CredentialStreams
    recorded: dict[bytes, tuple[str, SubmissionRow]]
    size: int
    counted: Counted
    concluded: Concluded
    totals: Answered


def earlier(
    reading: Reading,
    register: Register,
    credentials: Collection[str],
    group: Sequence[Checked],
    limits: Limits,
    recorded_at: int,
) -> Earlier:
    """Return what can be known of a group, and of these ids of credentials, before the lock.

    `recorded_at`, in Unix milliseconds, is about when it will be recorded. Raises
    `credential_streams.TooLong` when more was said of the credentials than is read for that many.
    """
    found = _read(reading, credentials)
    terms, drawing = terms_of(group), Drawing()
    conclude(drawing, register, found, group, terms, recorded_at)
    recorded = _recorded(reading, group)
    answered = reaches(reading, register, group, recorded, limits, recorded_at, drawing)
    return Earlier(
        found,
        recorded,
        reading.count(),
        counted(register, found, group, terms),
        Concluded(drawing.drawn),
        answered,
    )


def known(
    reading: Reading,
    credentials: Collection[str],
    group: Sequence[Checked],
    before: Earlier | None = None,
) -> Known:
    """Return what the store has under these ids of credentials, and about a group's submissions.

    What was read of the same group `before` is not read again, unless the store has more since.

    Raises `credential_streams.TooLong` when more was said of the credentials than is read for
    that many in one transaction.
    """

    def event_at(position: int) -> Event:
        (entry,), _ = reading.read(position, 1)
        try:
            return decode_event(entry)
        except Refusal as refusal:
            raise StorageDamaged(f"entry {position} is no event: {refusal}") from None

    same = before is not None and before.size == reading.count()
    return Known(
        _streams(reading, credentials, before),
        before.recorded if before is not None and same else _recorded(reading, group),
        event_at,
        KeyTotals(
            reading,
            [checked.signer for checked in group],
            None if before is None else before.totals,
        ),
    )


def _recorded(reading: Reading, group: Sequence[Checked]) -> dict[bytes, tuple[str, SubmissionRow]]:
    return submissions.find(reading, [checked.key for checked in group])


def _streams(
    reading: Reading, credentials: Collection[str], before: Earlier | None
) -> CredentialStreams:
    if before is None:
        return _read(reading, credentials)
    if not credentials or before.size == reading.count():
        return before.credentials
    most = _most(len(credentials))
    return credential_streams.read(reading, credentials, earlier=before.credentials, most=most)


def _read(reading: Reading, credentials: Collection[str]) -> CredentialStreams:
    return credential_streams.read(reading, credentials, most=_most(len(credentials)))


def _most(credentials: int) -> int | None:
    return None if credentials <= histories.ALONE else _BESIDES + _FOR_EACH * credentials


def too_long(checked: Checked) -> Refusal:
    """Return the refusal of a submission about credentials with long histories."""
    return Refusal(
        "stream-length",
        f"of the credentials that it names more was said before than is read at once, "
        f"{_BESIDES} entries and {_FOR_EACH} for each; submit fewer of them at a time",
        value=f"{len(checked.named)} ids",
    )
