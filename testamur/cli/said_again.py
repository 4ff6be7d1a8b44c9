"""The events of submissions that no longer count, to be signed anew, line by line the same.

The lines come from the log. That they are what the owner signed follows from the receipt: it holds
the signed header with the root over them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from testamur.catalogue.events import KEY_EVENTS, CredentialEvent, OrganizationRegistered
from testamur.catalogue.lines import decode_event, decode_events
from testamur.catalogue.submission import MAX_BYTES, MAX_EVENTS, parse_submission_entry
from testamur.errors import Refuted
from testamur.http.listings import SubmissionLine
from testamur.recording.objections import MAX_OTHERS
from testamur.tlog.merkle import leaf_hashes
from testamur.tlog.reader import read_bundle
from testamur.tlog.source import Source
from testamur.tlog.tiles import WIDTH
from testamur.verification.receipt import Receipt

# The header of the new submission takes its part of the bytes.
_MAX_FILE: Final = MAX_BYTES - 16 * 1024
# A registration stands whatever becomes of its submission, and key events are another key's.
_STANDS: Final = KEY_EVENTS | {OrganizationRegistered}


def lines_to_say_again(
    source: Source, size: int, fallen: Iterable[SubmissionLine], receipts: Mapping[int, Receipt]
) -> Iterator[bytes]:
    """Yield the event lines of the fallen submissions, in order.

    `size` is that of the log in `source`. Raises `Refuted` if the log holds other lines than were
    signed, `Unavailable` if it cannot be read.
    """
    for submission in fallen:
        lines = _entries(source, size, submission)
        entry = receipts[submission.position].entry if submission.position in receipts else None
        _, header = parse_submission_entry(lines[0] if entry is None else entry.encode())
        if (header.payload.jti, header.key_id) != (submission.jti, submission.key):
            raise Refuted(f"another submission is at {submission.position} than was listed")
        try:
            header.verify_root(leaf_hashes(lines[1:]))
            header.verify_signature(header.key())
        except Refuted as error:
            raise Refuted(f"the submission at {submission.position}: {error}") from None
        for line, event in zip(lines[1:], decode_events(lines[1:]), strict=True):
            if type(event) not in _STANDS:
                yield line


def in_files(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines in as few lists as submissions can hold."""
    held: list[bytes] = []
    taken = others = 0
    for line in lines:
        other = not isinstance(decode_event(line), CredentialEvent)
        if (
            len(held) == MAX_EVENTS
            or taken + len(line) + 1 > _MAX_FILE
            or others + other > MAX_OTHERS
        ):
            yield held
            held, taken, others = [], 0, 0
        held.append(line)
        taken += len(line) + 1
        others += other
    if held:
        yield held


def _entries(source: Source, size: int, submission: SubmissionLine) -> Sequence[bytes]:
    if submission.end > size:
        raise Refuted(f"the log of size {size} ends before the submission at {submission.position}")
    first, last = submission.position // WIDTH, (submission.end - 1) // WIDTH
    entries: list[bytes] = []
    for index in range(first, last + 1):
        entries += read_bundle(source.fetch, index, min(WIDTH, size - index * WIDTH))
    start = submission.position - first * WIDTH
    return entries[start : start + 1 + submission.events]
