"""Many lines at once are read as they are one by one, and no line is longer than an entry."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.catalogue import events as e
from testamur.catalogue.lines import _alike, bad_lines, decode_event, decode_events, encode_event
from testamur.catalogue.members import Outcome
from testamur.errors import Refusal
from tests.catalogue.lines import (
    BARE,
    ID,
    LINE,
    refused,
)
from tests.harness.story import Story

# --- Sizes ---


def _of_length(length: int) -> bytes:
    """Return a good line of this very length."""
    outcomes = tuple(
        Outcome(name="x" * 200, url="https://example.com/" + "x" * 480) for _ in range(86)
    )

    def sized(filler: int, more: int) -> bytes:
        last = Outcome(name="x", url="https://example.com/" + "x" * filler)
        definition = msgspec.structs.replace(BARE, outcomes=(*outcomes, *[last] * more))
        return encode_event(e.AchievementDefined(achievement=ID, definition=definition))

    more = next(more for more in range(1, 14) if len(sized(480, more)) >= length)
    for filler in range(480):
        line = sized(filler, more)
        if length - more < len(line) <= length:
            break
    missing = length - len(line)
    return line.replace(b'"name":"Soil Science"', b'"name":"Soil Science%s"' % (b"x" * missing))


def test_a_line_of_65_535_bytes_is_the_longest_an_entry_can_be() -> None:
    line = _of_length(65_535)

    assert len(line) == 65_535
    assert encode_event(decode_event(line)) == line
    assert encode_event(decode_events([LINE, line])[1]) == line


def test_a_line_of_65_536_bytes_is_refused_by_its_number() -> None:
    line = _of_length(65_536)

    assert len(line) == 65_536
    assert refused(line).rule == "entry-size"
    with pytest.raises(Refusal) as caught:
        decode_events([LINE, line])
    assert (caught.value.rule, caught.value.line) == ("entry-size", 3)


# --- Many lines at once ---


@pytest.mark.parametrize(
    "lines",
    {
        "a line feed in one line makes up for an empty one": [LINE + b"\n" + LINE, b""],
        "an empty line between": [LINE, b"", LINE],
        "an empty line first": [b"", LINE],
        "only an empty line": [b""],
        "two events in one line": [LINE + LINE],
        "half an event in each of two lines": [LINE[:20], LINE[20:]],
        "a line of spaces": [LINE, b"   "],
        "a carriage return at each end": [LINE + b"\r", LINE + b"\r"],
    }.values(),
)
def test_lines_that_only_together_look_like_events_are_refused(lines: list[bytes]) -> None:
    with pytest.raises(Refusal):
        decode_events(lines)


def test_the_first_bad_line_is_the_one_named() -> None:
    lines = [LINE] * 10
    lines[6] += b" "
    lines[8] = b"{}"

    with pytest.raises(Refusal) as caught:
        decode_events(lines)

    assert caught.value.line == 8


def test_a_dry_run_names_every_bad_line() -> None:
    lines = [LINE, b"{}", LINE, LINE + b" ", b""]

    assert [(r.line, r.rule) for r in bad_lines(lines)] == [
        (3, "event-schema"),
        (5, "canonical-json"),
        (6, "json"),
    ]


def test_a_line_that_is_not_canonical_is_answered_with_where_and_what() -> None:
    refusal = refused(LINE.replace(b":", b": ", 1))

    assert "differs at byte 15" in refusal.detail
    assert refusal.value is not None


# --- A cohort, whose lines are alike ---


def _one_by_one(lines: list[bytes]) -> list[e.Event] | tuple[str, int | None]:
    """What lines are by themselves: their events, or the rule and line of the first bad one."""
    try:
        events: list[e.Event] = []
        for number, line in enumerate(lines, start=2):
            try:
                events.append(decode_event(line))
            except Refusal as refusal:
                raise refusal.at(number) from None
    except Refusal as refusal:
        return refusal.rule, refusal.line
    return events


def _together(lines: list[bytes]) -> list[e.Event] | tuple[str, int | None]:
    try:
        return decode_events(lines)
    except Refusal as refusal:
        return refusal.rule, refusal.line


def _cohort(size: int = 12) -> list[bytes]:
    story = Story()
    return [encode_event(story.issued()) for _ in range(size)]


def test_a_cohort_of_issuances_is_read_as_its_lines_are_one_by_one() -> None:
    lines = _cohort(300)
    events = decode_events(lines)
    assert events == _one_by_one(lines)
    assert [encode_event(event) for event in events] == lines
    assert _alike(lines) == events  # or these tests test nothing


_BYTES = st.one_of(
    st.binary(min_size=0, max_size=3),
    st.sampled_from([b"\n", b'"', b"=", b"-", b"_", b"A", b"B", b"/", b"\\", b"\x00", b"\xff"]),
)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_cohort_that_was_tampered_with_is_read_as_its_lines_are_one_by_one(
    data: st.DataObject,
) -> None:
    """Wherever a byte is changed, put in or taken out, in one line, in some, or in all."""
    lines = _cohort(9)
    before = lines[0].index(b'"commitment":"') + 14
    places = st.one_of(st.integers(0, len(lines[0])), st.integers(before - 3, before + 100))
    for _ in range(data.draw(st.integers(1, 3))):
        at, cut, put = data.draw(places), data.draw(st.integers(0, 2)), data.draw(_BYTES)
        for number in data.draw(st.sampled_from([[0], [4], [8], [0, 4], list(range(9))])):
            lines[number] = lines[number][:at] + put + lines[number][at + cut :]
    assert _together(lines) == _one_by_one(lines)


@pytest.mark.parametrize("numbers", [[0], [5], [11], range(12)])
@pytest.mark.parametrize(
    ("place", "put"),
    [
        (42, b"B"),  # of the last character's six bits the last two stand for nothing
        (43, b"A"),
        (42, b"=="),
        (10, b"-"),
        (10, b"_"),
        (10, b" "),
        (10, b"="),
        (10, b"\\"),
        (44, b"'"),
        (61, b"A"),  # the id, in upper case
        (74, b"4"),  # of another version
        (79, b"c"),
        (68, b"0"),
        (60, b"\xc3"),
        (95, b'"'),
    ],
)
def test_what_differs_in_a_cohort_has_one_spelling(
    place: int, put: bytes, numbers: list[int]
) -> None:
    lines = _cohort()
    at = lines[0].index(b'"commitment":"') + 14 + place
    for number in numbers:
        line = lines[number]
        lines[number] = line[:at] + put + line[at + len(put) :]
    found = _together(lines)
    assert found == _one_by_one(lines)
    if list(numbers) == [5] and place != 61:
        assert found != _one_by_one(_cohort())


def test_padding_belongs_at_the_end_of_each_commitment() -> None:
    lines = _cohort()
    at = lines[0].index(b'"commitment":"') + 14
    moved = lines[3]
    lines[3] = moved[: at + 10] + b"=" + moved[at + 11 : at + 43] + b"A" + moved[at + 44 :]
    assert _together(lines) == _one_by_one(lines) == ("event-schema", 5)


def test_lines_that_are_alike_but_are_no_issuances_are_read_as_what_they_are() -> None:
    story = Story()
    revoked = [
        encode_event(e.CredentialRevoked(credential=story.new_id(), reason="misconduct"))
        for _ in range(20)
    ]
    assert _together(revoked) == _one_by_one(revoked)
    # The members of an issuance, in an event of another name.
    renamed = [line.replace(b"credential.issued/1", b"credential.loaned/1") for line in _cohort()]
    assert _together(renamed) == _one_by_one(renamed) == ("event-schema", 2)
    reordered = [line.replace(b'"commitment":"', b'"x":1,"commitment":"') for line in _cohort()]
    assert _together(reordered) == _one_by_one(reordered)


@pytest.mark.parametrize("member", ["accreditation", "achievement"])
def test_a_name_that_looks_like_the_member_that_differs_is_none(member: str) -> None:
    story = Story()
    trap = '"commitment":"AAAA","credential":"BB'
    assert len(trap) == 36
    lines = [
        encode_event(msgspec.structs.replace(story.issued(), **{member: trap})) for _ in range(10)
    ]
    assert _together(lines) == _one_by_one(lines)
    assert isinstance(_together(lines), list)
