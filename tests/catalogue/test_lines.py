"""One event has one line: every other spelling, and what is no event, is refused."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from testamur.catalogue import events as e
from testamur.catalogue.lines import bad_lines, decode_event, decode_events, encode_event
from testamur.catalogue.members import Definition, Scope
from testamur.errors import Refusal
from tests.catalogue.lines import (
    ID,
    ISSUED,
    ISSUED_LINE,
    LINE,
    RETIRED,
    STORY,
    changed,
    refused,
    smallest,
)
from tests.harness.any_event import any_event


@pytest.mark.slow
@pytest.mark.parametrize("kind", e.EVENTS.values())
def test_every_kind_of_event_is_read_back_as_it_was_written(kind: type[e.Event]) -> None:
    @settings(deadline=None, max_examples=15)
    @given(any_event(kind))
    def check(event: e.Event) -> None:
        line = encode_event(event)
        assert decode_event(line) == event
        assert rfc8785.dumps(json.loads(line)) == line

    check()


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(any_event(), min_size=1, max_size=8))
def test_a_cohort_is_read_as_its_lines_are_one_by_one(events: list[e.Event]) -> None:
    lines = [encode_event(event) for event in events]

    assert decode_events(lines) == events
    assert list(bad_lines(lines)) == []


@pytest.mark.slow
@settings(deadline=None)
@given(any_event(), st.data())
def test_no_byte_of_an_event_can_be_changed_without_changing_the_event(
    event: e.Event, data: st.DataObject
) -> None:
    line = bytearray(encode_event(event))
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] ^= data.draw(st.integers(1, 255))

    try:
        found = decode_event(bytes(line))
    except Refusal:
        return
    assert found != event


@settings(deadline=None)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\xff\xfe")
def test_any_bytes_at_all_are_an_event_or_refused(line: bytes) -> None:
    try:
        event = decode_event(line)
    except Refusal:
        return
    assert encode_event(event) == line


NOT_CANONICAL: dict[str, Callable[[bytes], bytes]] = {
    "a space after the colon": lambda line: line.replace(b":", b": ", 1),
    "a space after the comma": lambda line: line.replace(b",", b", ", 1),
    "a space before": lambda line: b" " + line,
    "a space after": lambda line: line + b" ",
    "a tab inside": lambda line: line.replace(b":", b":\t", 1),
    "a line feed inside": lambda line: line.replace(b",", b",\n", 1),
    "a line feed after": lambda line: line + b"\n",
    "a carriage return after": lambda line: line + b"\r",
    "a byte order mark before": lambda line: b"\xef\xbb\xbf" + line,
    "a NUL after": lambda line: line + b"\0",
    "a letter escaped": lambda line: line.replace(b"achievement", b"\\u0061chievement", 1),
    "a letter of a value escaped": lambda line: line.replace(b"retired", b"\\u0072etired"),
    "a slash escaped": lambda line: line.replace(b"retired/1", b"retired\\/1"),
    "members in another order": lambda line: (
        b'{"type":"achievement.retired/1",' + line[1 : line.index(b",")] + b"}"
    ),
    "a member twice": lambda line: b'{"achievement":"%s",' % ID.encode() + line[1:],
    "a member twice, unlike": lambda line: b'{"achievement":"%s",' % (b"0" * 36) + line[1:],
    "the type twice": lambda line: b'{"type":"achievement.retired/1",' + line[1:],
}


@pytest.mark.parametrize("damage", NOT_CANONICAL)
def test_an_event_in_any_other_spelling_is_refused(damage: str) -> None:
    line = NOT_CANONICAL[damage](LINE)

    assert line != LINE
    assert refused(line).rule in {"canonical-json", "json"}


NOT_EVENTS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "json"),
    "null": (b"null", "event-schema"),
    "an array": (b"[" + LINE + b"]", "event-schema"),
    "a string": (b'"achievement.retired/1"', "event-schema"),
    "a number": (b"1", "event-schema"),
    "NaN": (b"NaN", "json"),
    "two objects": (LINE + LINE, "json"),
    "half an object": (LINE[:-1], "json"),
    "a comment": (LINE + b"//", "json"),
    "single quotes": (LINE.replace(b'"', b"'"), "json"),
    "no type": (b'{"achievement":"%s"}' % ID.encode(), "event-schema"),
    "a type nobody knows": (LINE.replace(b"retired/1", b"retired/2"), "event-schema"),
    "a type without its version": (LINE.replace(b"retired/1", b"retired"), "event-schema"),
    "a type that is a number": (LINE.replace(b'"achievement.retired/1"', b"1"), "event-schema"),
    "an import path for a type": (
        LINE.replace(b"achievement.retired/1", b"testamur.catalogue.events:AchievementRetired"),
        "event-schema",
    ),
    "a member too many": (changed(RETIRED, note="hello"), "event-schema"),
    "a member too few": (b'{"type":"achievement.retired/1"}', "event-schema"),
    "members in snake case": (
        ISSUED_LINE.replace(b"achievementVersion", b"achievement_version"),
        "event-schema",
    ),
    "an array nested out of all bounds": (b"[" * 60_000, "event-schema"),
    "an unknown member nested out of all bounds": (
        b'{"type":"achievement.retired/1","x":' + b"[" * 60_000,
        "event-schema",
    ),
    "invalid UTF-8": (LINE.replace(b"0", b"\xff", 1), "json"),
    "an overlong encoding": (LINE.replace(b"0", b"\xc0\xb0", 1), "json"),
    "a raw surrogate": (LINE.replace(b"0", b"\xed\xa0\x80", 1), "json"),
    "an escaped lone surrogate": (LINE.replace(b"0", b"\\ud800", 1), "json"),
    "a surrogate pair the wrong way round": (LINE.replace(b"0", b"\\udc00\\ud800", 1), "json"),
    "a raw control character": (LINE.replace(b"0", b"\x01", 1), "json"),
    "a raw NUL": (LINE.replace(b"0", b"\0", 1), "json"),
}


@pytest.mark.parametrize("damage", NOT_EVENTS)
def test_what_is_no_event_is_refused_with_the_rule_it_breaks(damage: str) -> None:
    line, rule = NOT_EVENTS[damage]

    assert refused(line).rule == rule


NUMBERS = {
    "one point nought": b"1.0",
    "an exponent": b"1e0",
    "a fraction": b"1.5",
    "minus nought": b"-0",
    "nought": b"0",
    "a minus": b"-1",
    "a leading zero": b"01",
    "a plus": b"+1",
    "more than a version counts to": b"10001",
    "2 to the 53": b"9007199254740992",
    "2 to the 64": b"18446744073709551616",
    "four thousand digits": b"9" * 4000,
    "a string": b'"1"',
    "true": b"true",
    "null": b"null",
    "infinity": b"1e999",
}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_an_integer_in_range_in_plain_digits(number: str) -> None:
    line = ISSUED_LINE.replace(
        b'"achievementVersion":1', b'"achievementVersion":' + NUMBERS[number]
    )

    assert line != ISSUED_LINE
    assert refused(line).rule in {"event-schema", "canonical-json", "json"}


def test_the_value_at_fault_is_shown_with_its_place_and_no_pattern() -> None:
    day = refused(changed(ISSUED, validFrom="2026-13-01"))
    assert (day.detail, day.value) == (
        "$.validFrom is not a date such as 2026-11-21",
        "2026-13-01",
    )
    scope = refused(changed(RETIRED, achievement="short"))
    assert scope.value == "short"
    assert scope.detail.startswith("$.achievement: Expected `str` of length >= 36")
    level = refused(changed(STORY.defined(), definition={"name": "S", "achievementType": "a b"}))
    assert (level.detail, level.value) == (
        "$.definition.achievementType: has characters that this member does not take",
        "a b",
    )


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-31",
        "2026-2-1",
        "20261121",
        "2026-11-21T00:00:00Z",
        "26-11-21",
        "",
        "2026-11-21 ",
        1,
    ],
)
def test_a_day_that_is_not_in_the_calendar_or_not_in_its_one_form_is_refused(text: object) -> None:
    assert refused(changed(ISSUED, validFrom=text)).rule == "event-schema"


GOOD_COMMITMENT = json.loads(ISSUED_LINE)["commitment"]


@pytest.mark.parametrize(
    "text",
    {
        "unpadded": GOOD_COMMITMENT.rstrip("="),
        "base64url": "-" + GOOD_COMMITMENT[1:],
        "31 bytes": "A" * 41 + "A==",
        "33 bytes": "A" * 44,
        "bits under the padding": "A" * 42 + "B=",
        "a line feed": GOOD_COMMITMENT[:20] + "\n" + GOOD_COMMITMENT[20:],
        "hexadecimal": "0" * 64,
        "empty": "",
    }.values(),
)
def test_bytes_are_written_in_padded_standard_base64_of_their_very_length(text: str) -> None:
    assert refused(changed(ISSUED, commitment=text)).rule in {"event-schema", "canonical-json"}


@pytest.mark.parametrize("kind", e.EVENTS.values())
def test_a_member_left_unsaid_is_left_out_never_null(kind: type[e.Event]) -> None:
    event = smallest(kind)
    optional = [
        field.encode_name
        for field in inspect.type_info(kind).fields  # type: ignore[attr-defined]
        if not field.required
    ]

    for name in optional:
        assert refused(changed(event, **{name: None})).rule == "canonical-json"


@pytest.mark.parametrize("kind", [Scope, Definition, e.OrganizationUpdated])
def test_an_empty_list_is_no_second_way_to_leave_something_unsaid(kind: type) -> None:
    lists = [
        field
        for field in inspect.type_info(kind).fields  # type: ignore[attr-defined]
        if not field.required and isinstance(field.type, inspect.UnionType)
        if any(isinstance(each, inspect.VarTupleType) for each in field.type.types)
    ]

    assert lists
    for field in lists:
        (shape,) = (each for each in field.type.types if isinstance(each, inspect.VarTupleType))
        assert (shape.min_length or 0) >= 1, field.name
