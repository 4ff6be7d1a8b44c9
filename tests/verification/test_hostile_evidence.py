"""A file that is made to cost its reader costs two seconds at most, whatever it is full of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.submission import parse, submission_entry
from testamur.verification import excerpt
from testamur.verification.evidence import (
    Evidence,
    LoggedEvent,
    LoggedSubmission,
    parse_evidence,
    render_evidence,
)
from testamur.verification.excerpt import MAX_GRANTS, MAX_HISTORY, MAX_KEY_EVENTS, MAX_ORGANIZATIONS
from testamur.verification.report import EvidenceFrom, Report
from testamur.verification.trust import anchors
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import unchecked
from tests.harness.story import Party, party

SECONDS = 2
Said = tuple[Party, list[e.Event]]


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    """A log whose provider awarded three credentials: entries 10 to 13."""
    return IssuedLog(tmp_path / "log")


def parts(events: Sequence[e.Event], size: int) -> Iterator[list[e.Event]]:
    """Yield as many events at a time."""
    for start in range(0, len(events), size):
        yield list(events[start : start + size])


def filled(issued: IssuedLog, *said: Said) -> Evidence:
    """Return evidence that shows all this besides: signed and well-formed, and on no log."""
    honest = issued.evidence(issued.holders[0])
    shown, position = list(honest.submissions), 14
    for signer, events in said:
        body = parse(issued.story.submission(signer, *events))
        lines = [
            LoggedEvent(inclusion=(), line=line.decode(), number=number, path=())
            for number, line in enumerate(body.lines, 1)
        ]
        entry = submission_entry(body.header.jws, issued.story.milliseconds).decode()
        shown.append(
            LoggedSubmission(entry=entry, events=tuple(lines), inclusion=(), position=position)
        )
        position += 1 + len(lines)
    return msgspec.structs.replace(honest, submissions=tuple(shown))


def judged(issued: IssuedLog, evidence: Evidence) -> Report:
    """Return the report; it must have come within two seconds."""
    data = render_evidence(evidence)
    started = time.process_time()
    report = issued.report(issued.holders[0], parse_evidence(data), evidence_from=EvidenceFrom.FILE)
    assert time.process_time() - started < SECONDS
    assert report.exit_code != 0
    return report


def _lives_of_keys(issued: IssuedLog) -> Iterator[Said]:
    """Yield as many key events as an organization has in its life, each with what it keeps."""
    story, provider = issued.story, issued.story.provider
    keys = [provider.with_key(f"k{number}") for number in range(512)]
    for some in parts([story.key_listed(key, "recovery") for key in keys], 64):
        yield provider.founding, some
    kept = tuple((100 + 3 * number, 101 + 3 * number) for number in range(1000))
    for signer, key in pairwise(keys):
        yield signer, [story.key_compromised(key, 14, kept)]


def _submissions(issued: IssuedLog) -> Iterator[Said]:
    """Yield as many signatures as a file may hold."""
    holder = issued.holders[0].id
    for _ in range(8000):
        yield issued.story.provider, [e.CredentialReinstated(credential=holder)]
    for _ in range(1900):
        yield issued.story.provider, [issued.story.issued()]


def _webs_of_authorities(issued: IssuedLog) -> Iterator[Said]:
    """Yield authorities that recognise each other, and restate that without end."""
    story, authorities = issued.story, [party(f"authority {number}") for number in range(31)]
    for each in authorities:
        yield (
            story.authority,
            [
                story.registered(story.authority, each, "authority"),
                story.recognised(story.new_id(), as_="authority", of=each),
            ],
        )
    for each in authorities:
        yield (
            each,
            [story.recognised(story.new_id(), as_="authority", of=other) for other in authorities],
        )
    for _ in range(20):
        yield authorities[0], [story.recognition_restated() for _ in range(400)]


def _successors(speaker: str) -> Callable[[IssuedLog], Iterator[Said]]:
    def said(issued: IssuedLog) -> Iterator[Said]:
        """Yield a successor that is named, and acts, again and again."""
        story, heir = issued.story, party("an heir")
        by = story.provider if speaker == "the issuer" else story.accreditor
        suspended = e.CredentialSuspended(credential=issued.holders[0].id, reason="misconduct")
        yield story.authority, [story.registered(story.authority, heir, "provider")]
        for _ in range(20):
            yield by, [story.succeeded(story.provider, heir) for _ in range(400)]
        story.now += 31 * 24 * 3600
        yield heir, [suspended for _ in range(240)]

    return said


def _definitions(issued: IssuedLog) -> Iterator[Said]:
    story = issued.story
    revised = [
        e.AchievementRevised(
            achievement=story.achievement, definition=story.definition(), version=version
        )
        for version in range(2, 8002)
    ]
    for some in parts(revised, 400):
        yield story.provider, some


def _issuances(issued: IssuedLog) -> Iterator[Said]:
    for _ in range(20):
        yield issued.story.provider, [issued.story.issued(issued.holders[0].id)] * 400


def _newcomers(issued: IssuedLog) -> Iterator[Said]:
    story = issued.story
    for number in range(500):
        newcomer = party(f"newcomer {number}")
        yield story.accreditor, [story.registered(story.accreditor, newcomer, "provider")]


FULL: dict[str, Callable[[IssuedLog], Iterator[Said]]] = {
    "a life of key events": _lives_of_keys,
    "ten thousand signatures": _submissions,
    "authorities that recognise each other": _webs_of_authorities,
    "successors of the issuer": _successors("the issuer"),
    "successors that an accreditor named": _successors("an accreditor"),
    "versions of a definition": _definitions,
    "issuances of one credential": _issuances,
    "registrations": _newcomers,
}


@pytest.mark.slow
@pytest.mark.parametrize("what", FULL)
def test_no_file_costs_its_reader_more_than_two_seconds(issued: IssuedLog, what: str) -> None:
    judged(issued, filled(issued, *FULL[what](issued)))


def _beyond(what: str, issued: IssuedLog) -> list[Said]:
    story, provider, accreditor = issued.story, issued.story.provider, issued.story.accreditor
    events: Sequence[e.Event]
    match what:
        case "key events":
            keys = [provider.with_key(f"k{number}") for number in range(MAX_KEY_EVENTS + 1)]
            signer, events = provider.founding, [story.key_listed(key) for key in keys]
        case "organizations":
            newcomers = [party(f"n{number}") for number in range(MAX_ORGANIZATIONS)]
            signer = accreditor
            events = [story.registered(accreditor, each, "provider") for each in newcomers]
        case "grants":
            signer = story.authority
            events = [story.recognised(story.new_id()) for _ in range(MAX_GRANTS)]
        case _:
            signer, events = accreditor, [story.accreditation_restated()] * (MAX_HISTORY + 1)
    return [(signer, some) for some in parts(events, 500)]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["key events", "organizations", "grants", "one history"])
def test_more_than_honest_evidence_could_show_could_not_be_checked(
    issued: IssuedLog, what: str
) -> None:
    report = judged(issued, filled(issued, *_beyond(what, issued)))

    assert report.check("signature").verdict == "could not check"


def test_where_who_is_heard_may_change_too_often_it_is_said_that_acts_are_not_judged(
    issued: IssuedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An act between two recognitions of the accreditor asks for a chain of its own."""
    story, heir = issued.story, party("an heir")
    issued.says(story.authority, story.registered(story.authority, heir, "provider"))
    issued.says(story.accreditor, story.succeeded(story.provider, heir))
    story.now += 31 * 24 * 3600
    issued.publish()
    holder = issued.holders[0]
    suspended = e.CredentialSuspended(credential=holder.id, reason="misconduct")
    lawful = issued.positions(holder.id)
    shown = [(14, [15]), (16, [17])]
    for _ in range(3):
        again = issued.says(story.authority, story.recognised(story.new_id()))
        acts = issued.says(heir, suspended, suspended)
        shown += [(again, [again + 1]), (acts, [acts + 1, acts + 2])]
    evidence = issued.evidence(holder, positions=[*lawful, *shown])
    monkeypatch.setattr(anchors, "MAX_HEARD", 3)
    assert issued.report(holder, evidence).check("status").verdict == "refuted"
    monkeypatch.setattr(anchors, "MAX_HEARD", 2)

    report = issued.report(holder, evidence)

    assert unchecked(report) == {"status"}
    assert "more than 2 times" in report.check("status").detail


def test_of_too_many_declarations_it_is_said_that_what_counts_is_not_judged(
    issued: IssuedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them is asked of each submission by the key that they are about."""
    story, provider = issued.story, issued.story.provider
    for signer in (provider.founding, provider.recovery):
        issued.says(signer, story.key_compromised(provider, since=len(issued.log.entries)))
    holder = issued.holders[0]
    evidence = issued.evidence(holder)
    # Its definition and its issuance are by that key.
    monkeypatch.setattr(excerpt, "MAX_DECLARED", 4)
    assert issued.report(holder, evidence).exit_code == 0
    monkeypatch.setattr(excerpt, "MAX_DECLARED", 3)

    report = issued.report(holder, evidence)

    assert unchecked(report) >= {"signature"}
    assert "too large to be read" in report.why
