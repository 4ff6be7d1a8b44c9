"""How far a declaration reaches back: what no longer counts with it, and what counts again.

A declaration that brings back what was ended, or voids grants to others, is flagged
`reaches-back`, with the sums of what changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.trust_model.events import (
    AccreditationGranted,
    Changed,
    Issued,
    RecognitionGranted,
)
from tests.trust_model.settings import PRODUCT, Settings
from tests.trust_model.status import ENDINGS
from tests.trust_model.submissions import Log, Submission
from tests.trust_model.world import counts


@dataclass(frozen=True, slots=True)
class Sums:
    """How many events of three kinds some submissions hold."""

    issuances: int = 0
    grants: int = 0
    """Recognitions and accreditations of others than the signer."""
    endings: int = 0


@dataclass(frozen=True, slots=True)
class Reach:
    """What one submission changes about the counting of those before it."""

    fallen: Sums
    returned: Sums

    @property
    def flagged(self) -> bool:
        """Return whether it brings back what was ended, or voids grants to others."""
        return bool(self.fallen.endings or self.fallen.grants)


def reach(log: Log, position: int, settings: Settings = PRODUCT) -> Reach:
    """Return what the submission with its header at `position` changes about earlier ones."""
    before = [submission for submission in log if submission.position < position]
    through = [submission for submission in log if submission.position <= position]
    return between(before, counts(before, None, settings), counts(through, None, settings))


def between(before: Log, then: frozenset[int], now: frozenset[int]) -> Reach:
    """Return what changed about the submissions of `before`: `then` counted, and count `now`."""
    fallen, returned = then - now, now - then
    return Reach(
        fallen=_sums(s for s in before if s.position in fallen),
        returned=_sums(s for s in before if s.position in returned),
    )


def _sums(submissions: Iterable[Submission]) -> Sums:
    issuances = grants = endings = 0
    for submission in submissions:
        for event in submission.events:
            match event:
                case Issued():
                    issuances += 1
                case RecognitionGranted() | AccreditationGranted():
                    grants += event.organization != submission.organization
                case Changed() if event.verb in ENDINGS:
                    endings += 1
                case _:
                    pass
    return Sums(issuances, grants, endings)
