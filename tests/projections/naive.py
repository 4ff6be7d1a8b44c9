"""A fold of a log that keeps everything, to compare answers with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from testamur.tlog.merkle import leaf_hashes
from testamur.verification.replay import ReplayedSubmission, Replayer
from tests.harness.published_log import PublishedLog


@dataclass
class Naive:
    """The log's entries fed one by one, with everything remembered."""

    replayer: Replayer
    cohorts: list[ReplayedSubmission] = field(default_factory=list)

    @classmethod
    def of(cls, log: PublishedLog) -> Iterator[Naive]:
        """Yield the fold of every prefix of the log, from no entries to all of them."""
        naive = cls(Replayer(log.log_key))
        yield naive
        for entry in log.entries:
            naive.cohorts += naive.replayer.feed([entry], leaf_hashes([entry]))
            yield naive

    @classmethod
    def of_entries(cls, log: PublishedLog, size: int) -> Naive:
        """Return the fold of the first `size` entries, the end of a submission."""
        naive = cls(Replayer(log.log_key))
        naive.cohorts += naive.replayer.feed(log.entries[:size], leaf_hashes(log.entries[:size]))
        return naive

    @property
    def size(self) -> int:
        return self.replayer.register.size

    def located(self) -> Iterator[tuple[int, ReplayedSubmission, Any, Any]]:
        for cohort in self.cohorts:
            for number, (event, admitted) in enumerate(
                zip(cohort.events, cohort.admitted, strict=True), start=1
            ):
                yield cohort.position + number, cohort, event, admitted
