"""Offline verification of one credential from its files, parsing included.

python -m bench.verify --rounds 500
"""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bench.figures import percentile, report
from testamur.badges.cohort_csv import Offering, Provider, read_cohort
from testamur.badges.commitment import read_holder_file, render_holder_file
from testamur.badges.prepare import Prepared, prepare_cohort
from testamur.tlog.policy import parse_policy
from testamur.verification.evidence import build_evidence, parse_evidence, render_evidence
from testamur.verification.report import EvidenceFrom
from testamur.verification.verify import verify
from tests.harness.published_log import PublishedLog
from tests.harness.story import Story


def main(
    rounds: Annotated[int, typer.Option(help="times to verify")] = 500,
    batch: Annotated[int, typer.Option(help="credentials in its cohort")] = 1000,
    cohorts: Annotated[int, typer.Option(help="cohorts on the log after it")] = 100,
) -> None:
    """Print milliseconds per verification in one process."""
    with tempfile.TemporaryDirectory(prefix="testamur-bench-") as name:
        story = Story()
        log = PublishedLog(Path(name), story)
        log.append(*story.opening())
        prepared = _prepared(story, batch)
        position = log.append(story.submission(story.provider, *prepared.events))
        log.append(*(story.cohort(batch) for _ in range(cohorts)))
        log.publish()
        reader = log.reader()
        # What the credential rests on: genesis, sponsors, accreditation, achievement, itself.
        positions = [(0, [1]), (2, [3, 4]), (5, [6, 7]), (8, [9]), (position, [position + 1])]
        excerpt = build_evidence(
            reader, reader.signed_checkpoint(), prepared.holders[0].id, positions
        )
        holder, evidence = render_holder_file(prepared.holders[0]), render_evidence(excerpt)
        policy = f"log {log.key}\nquorum none\n"
        milliseconds = []
        cpu = time.process_time()
        for _ in range(rounds):
            begun = time.perf_counter()
            result = verify(
                read_holder_file(holder),
                parse_evidence(evidence),
                parse_policy(policy),
                anchors=frozenset({story.authority.did}),
                now=datetime.now(UTC),
                evidence_from=EvidenceFrom.REGISTER,
            )
            milliseconds.append((time.perf_counter() - begun) * 1000)
        cpu = time.process_time() - cpu
        if result.exit_code:
            raise SystemExit(f"the evidence does not hold: {result.to_json().decode()}")
        report(
            "verify",
            {
                "rounds": rounds,
                "evidence_bytes": len(evidence),
                "checks": len(result.checks),
                "p50_ms": percentile(milliseconds, 0.5),
                "p99_ms": percentile(milliseconds, 0.99),
                "cpu_us_per_event": cpu / rounds * 1e6,
            },
        )


def _prepared(story: Story, size: int) -> Prepared:
    offering = Offering(
        achievement=story.achievement,
        accreditation=story.accreditation,
        criteria="Pass the examination.",
        definition=story.definition(),
        description="A short course.",
    )
    day = datetime.fromtimestamp(story.now, UTC).date()
    rows = "".join(f"learner{number}@learner.example,{day}\n" for number in range(size))
    awards, _ = read_cohort(b"learner,awarded\n" + rows.encode(), [offering])
    provider = Provider(country="NL", did=story.provider.did, name="An Organization")
    return prepare_cohort(
        awards, provider, now=datetime.fromtimestamp(story.now, UTC), key=story.provider.key
    )


if __name__ == "__main__":
    typer.run(main)
