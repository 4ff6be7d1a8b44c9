"""Evidence: an excerpt of a log that anybody can carry, and that nobody can bend."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import rfc8785

from testamur.catalogue import events as e
from testamur.catalogue.submission import parse_submission_entry
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.tlog.merkle import leaf_hash, verify_inclusion
from testamur.tlog.reader import LogReader
from testamur.verification.evidence import (
    MAX_EVIDENCE,
    Evidence,
    build_evidence,
    parse_evidence,
    render_evidence,
)
from tests.harness.issued_log import IssuedLog


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> IssuedLog:
    """A credential of a cohort of three, with a key added, a suspension and its end since."""
    issued = IssuedLog(tmp_path_factory.mktemp("evidence") / "log")
    story, holder = issued.story, issued.holders[1]
    fresh = story.provider.with_key("key-2")
    issued.says(story.provider.founding, story.key_listed(fresh))
    issued.says(fresh, e.CredentialSuspended(credential=holder.id, reason="administrative"))
    issued.says(fresh, story.issued(), e.CredentialReinstated(credential=holder.id), story.issued())
    issued.log.append(story.cohort(300))
    return issued


@pytest.fixture(scope="module")
def evidence(issued: IssuedLog) -> Evidence:
    return issued.evidence(issued.holders[1])


@pytest.fixture(scope="module")
def found(evidence: Evidence) -> Any:
    return json.loads(render_evidence(evidence))


def refused(found: Any) -> Refusal:
    data = json.dumps(found, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    with pytest.raises(Refusal) as caught:
        parse_evidence(data)
    assert caught.value.rule == "evidence"
    return caught.value


def copy(found: Any) -> Any:
    return json.loads(json.dumps(found))


# --- What is in it ---


def test_every_line_shown_is_proven_twice(issued: IssuedLog, evidence: Evidence) -> None:
    checkpoint = issued.log.reader().checkpoint()
    for submission in evidence.submissions:
        assert submission.entry.encode() == issued.log.entries[submission.position]
        _, header = parse_submission_entry(submission.entry.encode())
        for event in submission.events:
            at = submission.position + event.number
            leaf = leaf_hash(event.line.encode())
            assert event.line.encode() == issued.log.entries[at]
            verify_inclusion(at, checkpoint.size, leaf, event.inclusion, checkpoint.root)
            total = header.payload.events
            verify_inclusion(event.number - 1, total, leaf, event.path, header.root)


def test_a_bundle_is_read_once_however_many_of_its_entries_are_shown(issued: IssuedLog) -> None:
    note = issued.publish()
    source, fetched = issued.log.source(), []

    class Counting:
        at_once = source.at_once

        def fetch(self, path: str) -> bytes:
            fetched.append(path)
            return source.fetch(path)

    positions = issued.positions(issued.holders[1].id)
    build_evidence(LogReader(Counting(), issued.log.key), note, issued.holders[1].id, positions)
    bundles = [path for path in fetched if path.startswith("tile/entries/")]
    assert sum(1 + len(events) for _, events in positions) > len(bundles)
    assert len(bundles) == len(set(bundles))


def test_good_evidence_holds(issued: IssuedLog, evidence: Evidence) -> None:
    report = issued.report(issued.holders[1], parse_evidence(render_evidence(evidence)))

    assert report.exit_code == 0, report.checks


def test_evidence_holds_nothing_of_the_holder(issued: IssuedLog, evidence: Evidence) -> None:
    text = render_evidence(evidence).decode()
    holder = issued.holders[1]
    subject = json.dumps(holder.credential["credentialSubject"]["identifier"])

    assert base64.b64encode(holder.blind).decode() not in text
    assert "learner" not in text
    for secret in (part for part in subject.split('"') if len(part) > 20):
        assert secret not in text


def test_evidence_is_read_back_as_it_was_written(evidence: Evidence) -> None:
    data = render_evidence(evidence)

    assert parse_evidence(data) == evidence
    assert parse_evidence(data.removesuffix(b"\n")) == evidence
    assert rfc8785.dumps(json.loads(data)) + b"\n" == data


def test_evidence_under_an_older_checkpoint_is_of_that_time(
    tmp_path: Path,
) -> None:
    issued = IssuedLog(tmp_path / "log")
    holder = issued.holders[0]
    older = issued.evidence(holder)
    issued.says(
        issued.story.provider, e.CredentialRevoked(credential=holder.id, reason="duplicate")
    )
    note = older.checkpoint.encode()
    positions = [
        (each.position, [each.position + event.number for event in each.events])
        for each in older.submissions
    ]
    issued.publish()

    again = build_evidence(issued.log.reader(), note, holder.id, positions)

    assert again == older
    assert issued.report(holder, again).exit_code == 0
    assert issued.report(holder).exit_code == 1


@pytest.mark.parametrize(
    "positions",
    {
        "an event before its submission": [(10, [9])],
        "an event after its submission": [(10, [14])],
        "the header among its events": [(10, [10, 11])],
        "an event for a header": [(11, [12])],
        "a place beyond the log": [(10_000, [10_001])],
        "the place where the next entry will be": [(323, [324])],
        "a place before the log": [(-1, [0])],
    }.values(),
)
def test_evidence_is_made_of_submissions_and_their_own_events(
    issued: IssuedLog, positions: list[tuple[int, list[int]]]
) -> None:
    note = issued.publish()

    with pytest.raises(Refusal):
        build_evidence(issued.log.reader(), note, issued.holders[0].id, positions)


@pytest.mark.parametrize("size", [11, 12, 13])
def test_evidence_is_not_made_where_a_checkpoint_cuts_a_submission(
    tmp_path: Path, size: int
) -> None:
    issued = IssuedLog(tmp_path / "log")
    issued.log.publish(size)
    note = issued.log.source().fetch("checkpoint")

    with pytest.raises(Refusal):
        build_evidence(issued.log.reader(), note, issued.holders[0].id, [(10, [11])])


def test_a_log_that_is_not_there_leaves_nothing_to_show(issued: IssuedLog, tmp_path: Path) -> None:
    note = issued.publish()
    other = IssuedLog(tmp_path / "log")

    with pytest.raises(Unavailable):
        build_evidence(other.log.reader(), note, other.holders[0].id, [(0, [1])])


def test_a_checkpoint_that_is_none_is_refuted(issued: IssuedLog) -> None:
    with pytest.raises(Refuted):
        build_evidence(issued.log.reader(), b"nothing\n", issued.holders[0].id, [(0, [1])])


# --- The file ---


def test_a_thousand_events_of_a_submission_are_the_most(found: Any) -> None:
    changed = copy(found)
    event = changed["submissions"][0]["events"][0]
    for count in (1000, 1001):
        changed["submissions"][0]["events"] = [
            event | {"number": number} for number in range(1, count + 1)
        ]
        if count == 1000:
            parse_evidence(rfc8785.dumps(changed))
    refused(changed)


def test_evidence_out_of_all_bounds_is_refused() -> None:
    for data in (b"[" * 100_000, b'{"checkpoint":' + b"[" * 100_000, b" " * MAX_EVIDENCE):
        with pytest.raises(Refusal, match="not an evidence file"):
            parse_evidence(data)
    with pytest.raises(Refusal, match="at most"):
        parse_evidence(b" " * (MAX_EVIDENCE + 1))


# --- Nothing in it can be changed ---


Place = tuple[str | int, ...]


def leaves(found: Any, place: Place = ()) -> Iterator[tuple[Place, str | int]]:
    """Yield every value of the document that holds no others, and where it is."""
    match found:
        case dict():
            for name, value in found.items():
                yield from leaves(value, (*place, name))
        case list():
            for number, value in enumerate(found):
                yield from leaves(value, (*place, number))
        case _:
            yield place, found


def lists(found: Any, place: Place = ()) -> Iterator[tuple[Place, int]]:
    """Yield every list of the document: where it is, and its length."""
    match found:
        case dict():
            for name, value in found.items():
                yield from lists(value, (*place, name))
        case list():
            yield place, len(found)
            for number, value in enumerate(found):
                yield from lists(value, (*place, number))


def at(found: Any, place: Place) -> Any:
    for step in place:
        found = found[step]
    return found


def variants(value: str | int) -> Iterator[str | int]:
    """Yield `value` with a little of it changed, in several places."""
    if isinstance(value, int):
        yield from (value + 1, value - 1, value + 256)
        return
    for place in sorted({0, 1, len(value) // 3, len(value) // 2, len(value) - 2, len(value) - 1}):
        if 0 <= place < len(value):
            for other in ("A", "B", "0"):
                if value[place] != other:
                    yield value[:place] + other + value[place + 1 :]
                    break
    yield value[:-1]
    yield value + "A"


def holds(issued: IssuedLog, found: Any) -> bool:
    """Return whether changed evidence is taken, and every check holds all the same."""
    try:
        evidence = parse_evidence(rfc8785.dumps(found))
    except Refusal:
        return False
    return issued.report(issued.holders[1], evidence).exit_code == 0


@pytest.mark.slow
def test_no_value_can_be_changed_anywhere(issued: IssuedLog, found: Any) -> None:
    """There is no place in an evidence file that does not matter."""
    count = 0
    for place, value in leaves(found):
        for other in variants(value):
            changed = copy(found)
            at(changed, place[:-1])[place[-1]] = other
            assert not holds(issued, changed), (place, value, other)
            count += 1
    assert count > 500


@pytest.mark.slow
def test_no_part_can_be_left_out_doubled_or_moved(issued: IssuedLog, found: Any) -> None:
    """But for a suspension that was lifted: without it, too, the credential is active."""
    (lifted,) = (
        number
        for number, submission in enumerate(found["submissions"])
        if "credential.suspended/1" in submission["events"][0]["line"]
    )
    for place, length in lists(found):
        for number in range(length):
            for change in (_drop, _double, _move):
                changed = copy(found)
                change(at(changed, place), number)
                if (place, number, change) == (("submissions",), lifted, _drop):
                    assert holds(issued, changed)
                elif changed != found:
                    assert not holds(issued, changed), (place, number, change)


def _drop(parts: list[Any], number: int) -> None:
    del parts[number]


def _double(parts: list[Any], number: int) -> None:
    parts.insert(number, parts[number])


def _move(parts: list[Any], number: int) -> None:
    parts.append(parts.pop(number))


def test_evidence_of_one_log_is_of_no_use_for_another(issued: IssuedLog, tmp_path: Path) -> None:
    other = IssuedLog(tmp_path / "log")
    holder = other.holders[0]
    theirs = other.evidence(holder)
    mixed = msgspec.structs.replace(
        theirs, checkpoint=issued.evidence(issued.holders[1]).checkpoint
    )

    assert issued.report(holder, mixed).exit_code == 1
