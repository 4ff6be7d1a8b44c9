"""A fold of a log that keeps everything, to compare answers with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from testamur.rules.reach import Counts, Sums, sums_of
from testamur.rules.register import Credential, Register
from testamur.rules.said import Signed
from testamur.tlog.merkle import leaf_hashes
from testamur.verification.replay import ReplayedSubmission, Replayer
from tests.harness.published_log import PublishedLog


@dataclass
class NaiveTotals:
    """The totals of every key, summed up from all its submissions each time."""

    submissions: list[ReplayedSubmission]

    def totals(self, organization: str, key: str, positions: Sequence[int]) -> list[Counts]:
        return [
            sum(
                (
                    sums_of(organization, each.events)
                    for each in self.submissions
                    if each.header.payload.iss == organization
                    and each.header.key_id == key
                    and each.position < position
                ),
                Sums(),
            ).counts
            for position in positions
        ]

    def first_recorded(self, recorded_at: int) -> int:
        late = (each.position for each in self.submissions if each.recorded_at >= recorded_at)
        return next(late, 2**40)


@dataclass
class Naive:
    """The log's entries fed one by one, with everything remembered."""

    replayer: Replayer
    submissions: list[ReplayedSubmission] = field(default_factory=list)

    @classmethod
    def of(cls, log: PublishedLog) -> Iterator[Naive]:
        """Yield the fold of every prefix of the log, from no entries to all of them."""
        naive = cls.empty(log)
        yield naive
        for entry in log.entries:
            naive.submissions += naive.replayer.feed([entry], leaf_hashes([entry]))
            yield naive

    @classmethod
    def of_entries(cls, log: PublishedLog, size: int) -> Naive:
        """Return the fold of the first `size` entries, the end of a submission."""
        naive = cls.empty(log)
        entries = log.entries[:size]
        for submission in naive.replayer.each(entries, leaf_hashes(entries)):
            naive.submissions.append(submission)
        return naive

    @classmethod
    def empty(cls, log: PublishedLog) -> Naive:
        """Return the fold of nothing yet."""
        submissions: list[ReplayedSubmission] = []
        replayer = Replayer(
            log.log_key,
            entries_at=lambda start, end: log.entries[start:end],
            totals=NaiveTotals(submissions),
        )
        return cls(replayer, submissions)

    @property
    def size(self) -> int:
        return self.register.size

    @property
    def register(self) -> Register:
        return self.replayer.register

    @property
    def credentials(self) -> dict[str, Credential]:
        return self.replayer.credentials

    def located(self) -> Iterator[tuple[int, Signed, Any, Any]]:
        """Yield (position, submission, event, its admission) of every event."""
        for each in self.submissions:
            payload, key = each.header.payload, each.header.key_id
            signed = Signed(payload.iss, key, each.position, each.recorded_at)
            judged = zip(each.events, each.admitted, strict=True)
            for position, (event, admitted) in enumerate(judged, start=each.position + 1):
                yield position, signed, event, admitted
