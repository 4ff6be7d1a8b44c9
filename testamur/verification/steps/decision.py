"""What an accreditor decided, beside what it covers: its kind, its documents, and its reviews.

It is told in step 7. None of it changes a verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from testamur.catalogue import events as e
from testamur.rules.register import Grant
from testamur.rules.review import is_overdue, review_by
from testamur.rules.vouching import words
from testamur.verification.issuance import Issuance


class Decision(NamedTuple):
    """A decision in words: what it is, on what conditions, and where it is published."""

    words: str
    conditional: bool = False
    documents: tuple[str, ...] = ()


def decision(granted: Grant) -> Decision:
    """Return what the line that grants an accreditation says of the decision."""
    event = granted.event
    if not isinstance(event, e.AccreditationGranted):
        raise TypeError(f"{e.wire_name(event)} is no accreditation")
    said = event.kind if event.obligation is None else f"{event.kind}, {event.obligation}"
    document, conditional = event.evidence, event.decision == "conditional"
    if document is None:
        return Decision(said, conditional)
    published = (
        f"the accreditor published its decision at {document.url}, which nobody fetched here: the "
        f"document has SHA-256 {document.digest.hex()}"
    )
    return Decision(said, conditional, (published,))


def reviews(issued: Issuance, granted: Grant, today: date) -> Iterator[str]:
    """Yield a line on each review that was missed: before the issuance, and by today."""
    then, now = issued.vouched(granted), words(issued.register, granted)
    if is_overdue(then, issued.signed.day):
        yield f"the review of the accreditation was due by {review_by(then)}, before the issuance"
    elif is_overdue(now, today):
        yield (
            f"the review of the accreditation was due by {review_by(now)}, and its accreditor "
            "states no later day"
        )
