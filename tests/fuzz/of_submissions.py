"""The bytes of submissions and entries."""

from __future__ import annotations

from typing import Any, Final

from testamur.canonical import jcs, parse_strict
from testamur.catalogue import dry_run, submission
from testamur.catalogue.events import OrganizationRegistered
from testamur.catalogue.lines import decode_event, decode_events, encode_event
from testamur.catalogue.registration import verify_registration
from testamur.recording.objections import objections
from testamur.tlog.merkle import leaf_hashes
from testamur.verification.replay import Replayer
from tests.fuzz import samples
from tests.fuzz.row import Row, as_text, texts


def _replayed(data: bytes) -> Any:
    """Take the bytes for the last entry of the log."""
    found = samples.log()
    replayer = Replayer(found.story.log_key.public)
    entries = [*found.entries[:-1], data]
    replayer.feed(entries, leaf_hashes(entries))
    replayer.settle()


def _registered(data: bytes) -> Any:
    event = decode_event(data)
    objections([event])
    if isinstance(event, OrganizationRegistered):
        verify_registration(event)
    return event


ROWS: Final = (
    Row(
        ("testamur.canonical.parse_strict",),
        lambda data: parse_strict(data, max_bytes=1 << 20),
        lambda: [samples.credential(), samples.evidence(), b'[1.5,-0,1e5,"\\u00e9",null]'],
    ),
    Row(
        ("testamur.canonical.jcs",),
        lambda data: jcs(parse_strict(data, max_bytes=1 << 20)),
        lambda: [samples.credential(), b'{"b":[1.5,1e21,-0,0.1],"a":"\xc3\xa9"}'],
        render=lambda text: jcs(parse_strict(text, max_bytes=1 << 24)),
    ),
    Row(
        ("testamur.catalogue.submission.parse",),
        submission.parse,
        lambda: [samples.log().body, *samples.bodies()],
    ),
    Row(
        ("testamur.catalogue.submission.parse_header",),
        submission.parse_header,
        lambda: [body.split(b"\n")[0] for body in samples.bodies()],
        render=lambda header: header.jws.encode(),
    ),
    Row(
        ("testamur.catalogue.submission.parse_under",),
        lambda data: submission.parse_under(
            submission.parse_header(samples.log().body.split(b"\n")[0]), data
        ),
        lambda: [samples.log().body],
    ),
    Row(
        ("testamur.catalogue.submission.parse_submission_entry",),
        submission.parse_submission_entry,
        lambda: [entry for entry in samples.log().entries if b'"submission"' in entry],
        render=lambda found: submission.submission_entry(found[1].jws, found[0]),
    ),
    Row(
        ("testamur.catalogue.submission.every_refusal",),
        submission.every_refusal,
        lambda: [samples.log().body],
    ),
    Row(
        ("testamur.catalogue.submission.parse_time",),
        as_text(submission.parse_time),
        texts("2026-11-21T10:00:00.000Z", "9999-12-31T23:59:59.999Z", "2026-11-21T10:00:00+01:00"),
        render=lambda found: submission.format_time(found).encode(),
    ),
    Row(
        ("testamur.catalogue.dry_run.parse_header",),
        dry_run.parse_header,
        lambda: [samples.dry_run().split(b"\n")[0]],
        render=lambda header: header.jws.encode(),
    ),
    Row(
        ("testamur.catalogue.dry_run.parse",),
        dry_run.parse,
        lambda: [samples.dry_run()],
    ),
    Row(
        ("testamur.catalogue.lines.decode_event",),
        decode_event,
        samples.event_lines,
        render=encode_event,
    ),
    Row(
        ("testamur.catalogue.lines.decode_events",),
        lambda data: decode_events(data.split(b"\n")),
        lambda: [
            b"\n".join(samples.event_lines()),
            b"\n".join(samples.log().body.split(b"\n")[1:-1] * 6),
        ],
        render=lambda events: b"\n".join(map(encode_event, events)),
    ),
    Row(
        ("testamur.catalogue.registration.verify_registration",),
        _registered,
        samples.event_lines,
        render=encode_event,
    ),
    Row(
        ("testamur.verification.replay.Replayer.feed",),
        _replayed,
        lambda: [samples.log().entries[-1], *samples.event_lines()],
    ),
)
