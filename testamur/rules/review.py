"""By when an accreditor said that it reviews an accreditation, and whether that day has passed.

An accreditor states the day when it grants, and anew or not at all when it restates its words. A
review that was done is told by a later day. A missed one is flagged and ends nothing.
"""

from __future__ import annotations

from datetime import date

from testamur.catalogue import events as e
from testamur.catalogue.members import Vouched


def review_by(words: Vouched) -> date | None:
    """Return the day in the words of an accreditation, or None if they name none."""
    if isinstance(words, e.AccreditationGranted | e.AccreditationRestated):
        return words.review_by
    return None


def is_overdue(words: Vouched, day: date) -> bool:
    """Return whether the review was due before a day."""
    due = review_by(words)
    return due is not None and due < day
