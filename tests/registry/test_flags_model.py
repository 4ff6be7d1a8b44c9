"""Whatever is submitted, the option changes one thing: what can be mended is not recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.outcomes import FlagsRefused, Recorded
from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event
from testamur.catalogue.submission import parse_submission_entry
from testamur.catalogue.table import CREATED
from testamur.rules.flags import FLAGS, MENDABLE
from tests.harness.chronicle import Chronicle
from tests.harness.gates import Desk
from tests.harness.random_submissions import RandomSubmissions
from tests.harness.stores import Kept


def submissions(entries: list[bytes]) -> Iterator[tuple[int, bytes, list[e.Event]]]:
    """Yield the submissions of a log: the time in ms, the file, and its events."""
    at = 0
    while at < len(entries):
        recorded_at, header = parse_submission_entry(entries[at])
        lines = entries[at + 1 : at + 1 + header.payload.events]
        at += 1 + len(lines)
        body = b"\n".join((header.jws.encode(), *lines)) + b"\n"
        yield recorded_at, body, [decode_event(line) for line in lines]


def written(event: e.Event) -> str:
    """Return what a line that creates something is known by; nothing for any other."""
    if isinstance(event, e.AchievementRevised):
        return f"{event.achievement} {event.version}"
    return str(getattr(event, CREATED.get(type(event), ""), ""))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 11])
def test_only_what_can_be_mended_is_kept_out(tmp_path: Path, seed: int) -> None:
    chronicle = Chronicle.opened(tmp_path / "log")
    RandomSubmissions(chronicle, seed).go(60)
    seen: set[str] = set()
    refused = 0
    with Desk(Kept("sqlite", tmp_path), chronicle.story) as desk:
        for recorded_at, body, events in submissions(chronicle.log.entries):
            desk.story.now = recorded_at // 1000
            checked = desk.gate.check(body, refuse_flags=True)
            before = desk.committed()
            told = desk.gate.details(checked) if before else {}
            (outcome,) = desk.gate._committer.commit([checked])
            if isinstance(outcome, FlagsRefused):
                refused += 1
                assert desk.committed() == before
                assert outcome.to_mend <= {code for _, code in outcome.flags} & MENDABLE
                # Without the option it is recorded, with the very flags it was refused for.
                recorded = desk.record(body)
                assert (recorded.flags, recorded.repeated) == (outcome.flags, False)
            else:
                assert isinstance(outcome, Recorded), outcome
                recorded = outcome
                for line, code in recorded.flags:
                    assert FLAGS[code] not in MENDABLE or written(events[line - 2]) in seen
            assert told.keys() == {code for _, code in recorded.flags}
            seen |= set(map(written, events))
    assert refused > 3
