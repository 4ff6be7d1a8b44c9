"""What an event may look like on the log, and the many ways in which it may not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from testamur.catalogue import events as e
from testamur.catalogue.lines import _alike, bad_lines, decode_event, decode_events, encode_event
from testamur.catalogue.members import Definition, Outcome, Scope
from testamur.errors import Refusal
from tests.harness.any_event import any_event
from tests.harness.story import Story, uuid7

STORY = Story()
ID = uuid7(1_795_255_200_000, 7)
RETIRED = e.AchievementRetired(achievement=ID)
LINE = encode_event(RETIRED)
ISSUED = STORY.issued()
ISSUED_LINE = encode_event(ISSUED)


def refused(line: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        decode_event(line)
    return caught.value


def changed(event: e.Event, **members: Any) -> bytes:
    """Return the line of `event` in canonical JSON, but with these members put in or replaced."""
    found = json.loads(encode_event(event))
    found.update(members)
    return rfc8785.dumps(found)


# --- One fact, one spelling ---


@pytest.mark.parametrize("kind", e.EVENTS.values())
def test_every_kind_of_event_is_read_back_as_it_was_written(kind: type[e.Event]) -> None:
    @settings(deadline=None, max_examples=40)
    @given(any_event(kind))
    def check(event: e.Event) -> None:
        line = encode_event(event)
        assert decode_event(line) == event
        assert rfc8785.dumps(json.loads(line)) == line

    check()


@settings(deadline=None)
@given(st.lists(any_event(), min_size=1, max_size=8))
def test_a_cohort_is_read_as_its_lines_are_one_by_one(events: list[e.Event]) -> None:
    lines = [encode_event(event) for event in events]

    assert decode_events(lines) == events
    assert bad_lines(lines) == []


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
    event = _smallest(kind)
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


def _smallest(kind: type[e.Event]) -> e.Event:
    """Return an event of `kind` with nothing but what it must have."""
    story = Story()
    smallest: dict[type, Any] = {
        e.LogOpened: lambda: decode_event(story.genesis().split(b"\n")[1]),
        e.OrganizationRegistered: lambda: story.registered(
            story.authority, story.accreditor, "accreditor"
        ),
        e.OrganizationUpdated: lambda: e.OrganizationUpdated(
            country="NL", name="A", organization=story.provider.did
        ),
        e.OrganizationClosed: lambda: e.OrganizationClosed(organization=story.provider.did),
        e.KeyAdded: lambda: story.key_added(story.provider, story.provider.with_key("k2")),
        e.KeyRetired: lambda: e.KeyRetired(key="k2", organization=story.provider.did),
        e.KeyCompromised: lambda: e.KeyCompromised(
            key="k2", organization=story.provider.did, since=4
        ),
        e.RecognitionGranted: story.recognised,
        e.RecognitionWithdrawn: lambda: e.RecognitionWithdrawn(
            reason="unspecified", recognition=ID
        ),
        e.AccreditationGranted: story.accredited,
        e.AccreditationSuspended: lambda: e.AccreditationSuspended(
            accreditation=ID, reason="unspecified"
        ),
        e.AccreditationReinstated: lambda: e.AccreditationReinstated(accreditation=ID),
        e.AccreditationWithdrawn: lambda: e.AccreditationWithdrawn(
            accreditation=ID, reason="unspecified"
        ),
        e.AchievementDefined: lambda: e.AchievementDefined(achievement=ID, definition=BARE),
        e.AchievementRevised: lambda: e.AchievementRevised(
            achievement=ID, definition=BARE, version=2
        ),
        e.AchievementRetired: lambda: RETIRED,
        e.CredentialIssued: lambda: e.CredentialIssued(
            achievement=ID,
            achievement_version=1,
            commitment=bytes(32),
            credential=ID,
            format="OpenBadgeCredential/3.0",
            valid_from=date(2026, 11, 21),
        ),
        e.CredentialSuspended: lambda: e.CredentialSuspended(credential=ID, reason="unspecified"),
        e.CredentialReinstated: lambda: e.CredentialReinstated(credential=ID),
        e.CredentialRevoked: lambda: e.CredentialRevoked(credential=ID, reason="unspecified"),
        e.CredentialSuperseded: lambda: e.CredentialSuperseded(
            credential=ID, successor=uuid7(1, 1)
        ),
    }
    event: e.Event = smallest[kind]()
    return event


BARE = Definition(name="Soil Science", achievement_type="MicroCredential")


# --- The closed set ---


def test_the_names_on_the_wire_are_literals_and_never_change() -> None:
    assert sorted(e.EVENTS) == [
        "accreditation.granted/1",
        "accreditation.reinstated/1",
        "accreditation.suspended/1",
        "accreditation.withdrawn/1",
        "achievement.defined/1",
        "achievement.retired/1",
        "achievement.revised/1",
        "credential.issued/1",
        "credential.reinstated/1",
        "credential.revoked/1",
        "credential.superseded/1",
        "credential.suspended/1",
        "key.added/1",
        "key.compromised/1",
        "key.retired/1",
        "log.opened/1",
        "organization.closed/1",
        "organization.registered/1",
        "organization.updated/1",
        "recognition.granted/1",
        "recognition.withdrawn/1",
    ]


def _text_members(info: Any, path: str) -> list[tuple[str, inspect.StrType]]:
    match info:
        case inspect.StrType():
            return [(path, info)]
        case inspect.Metadata():
            return _text_members(info.type, path)
        case inspect.UnionType():
            return [found for each in info.types for found in _text_members(each, path)]
        case inspect.VarTupleType():
            return _text_members(info.item_type, path + "[]")
        case inspect.StructType():
            return [
                found
                for field in info.fields
                for found in _text_members(field.type, f"{path}.{field.encode_name}")
            ]
        case _:
            return []


def test_no_member_has_room_for_a_text_about_a_person() -> None:
    """Every text is coded or names an organization, an achievement, an outcome or a URL.

    Bare ids are the one exception: they refer to what must exist, and rules hold them to it.
    """
    free = set()
    for name, kind in e.EVENTS.items():
        for path, text in _text_members(inspect.type_info(kind), name):
            if text.pattern is None:
                assert (text.min_length, text.max_length) == (36, 36), path
                free.add(path)

    assert free == {
        "accreditation.granted/1.accreditation",
        "accreditation.reinstated/1.accreditation",
        "accreditation.suspended/1.accreditation",
        "accreditation.withdrawn/1.accreditation",
        "achievement.defined/1.achievement",
        "achievement.retired/1.achievement",
        "achievement.revised/1.achievement",
        "credential.issued/1.accreditation",
        "credential.issued/1.achievement",
        "credential.issued/1.credential",
        "credential.reinstated/1.credential",
        "credential.revoked/1.credential",
        "credential.superseded/1.credential",
        "credential.superseded/1.successor",
        "credential.suspended/1.credential",
        "recognition.granted/1.recognition",
        "recognition.withdrawn/1.recognition",
    }


def test_no_event_holds_a_fraction() -> None:
    def numbers(info: Any) -> bool:
        match info:
            case inspect.FloatType() | inspect.AnyType() | inspect.DictType():
                return True
            case inspect.Metadata():
                return numbers(info.type)
            case inspect.UnionType():
                return any(map(numbers, info.types))
            case inspect.VarTupleType():
                return numbers(info.item_type)
            case inspect.StructType():
                return any(numbers(field.type) for field in info.fields)
            case _:
                return False

    assert not any(numbers(inspect.type_info(kind)) for kind in e.EVENTS.values())


@pytest.mark.parametrize(
    "kind",
    [e.CredentialIssued, e.AchievementDefined, e.AccreditationGranted, e.RecognitionGranted],
)
@pytest.mark.parametrize(
    "bad",
    {
        "upper case": ID.upper(),
        "version 4": ID[:14] + "4" + ID[15:],
        "another variant": ID[:19] + "c" + ID[20:],
        "no hyphens": ID.replace("-", "0"),
        "a line feed in it": ID[:-1] + "\n",
        "letters beyond f": ID[:-1] + "g",
        "Arabic digits": ID[:-1] + "\u0661",
    }.values(),
)
def test_an_id_is_created_as_a_lower_case_uuid_of_version_7(kind: Any, bad: str) -> None:
    event = _smallest(kind)
    member = {
        e.CredentialIssued: "credential",
        e.AchievementDefined: "achievement",
        e.AccreditationGranted: "accreditation",
        e.RecognitionGranted: "recognition",
    }[kind]
    line = changed(event, **{member: bad})

    assert refused(line).rule == "id-form"
    with pytest.raises(Refusal) as caught:
        decode_events([LINE, line])
    assert (caught.value.rule, caught.value.line) == ("id-form", 3)


@pytest.mark.parametrize("length", [0, 35, 37])
def test_an_id_of_another_length_is_refused_wherever_it_stands(length: int) -> None:
    assert refused(changed(RETIRED, achievement="0" * length)).rule == "event-schema"


@pytest.mark.parametrize(
    "did",
    [
        "did:key:",
        "did:KEY:z6Mk",
        "did:web:example.com/path",
        "did:web:example.com#key-1",
        "did:web:exa mple.com",
        "did:web:example.com\n",
        "DID:web:example.com",
        "https://example.com",
        "did:web:" + "a" * 201,
        "did:web:ex\u0430mple.com",
    ],
)
def test_an_organization_is_named_by_a_plain_did(did: str) -> None:
    line = changed(e.OrganizationClosed(organization=STORY.provider.did), organization=did)
    assert refused(line).rule == "event-schema"


@pytest.mark.parametrize(
    "name",
    [
        "",
        " Soil",
        "Soil ",
        "a\nb",
        "a\tb",
        "a\0b",
        "a\x7fb",
        "a\x85b",
        "\u202eetad",
        "a\u2066b",
        "a\u200fb",
        "a\u2028b",
        "x" * 201,
        "Soil\n",
    ],
)
def test_a_name_shows_as_it_is_written(name: str) -> None:
    event = e.OrganizationUpdated(country="NL", name="A", organization=STORY.provider.did)

    assert refused(changed(event, name=name)).rule == "event-schema"


@pytest.mark.parametrize(
    "name", ["Universität Zürich", "東京大学", "جامعة القاهرة", "x" * 200, "😀"]
)
def test_a_name_may_be_in_any_script(name: str) -> None:
    event = e.OrganizationUpdated(country="NL", name=name, organization=STORY.provider.did)

    assert decode_event(encode_event(event)) == event


@pytest.mark.parametrize(
    ("framework", "value"), [("EQF", 0), ("EQF", 9), ("QF-EHEA", 4), ("QF-EHEA", -1), ("NQF", 5)]
)
def test_a_level_is_one_its_framework_has(framework: str, value: int) -> None:
    definition = msgspec.to_builtins(BARE) | {"level": {"framework": framework, "value": value}}
    event = e.AchievementDefined(achievement=ID, definition=BARE)

    assert refused(changed(event, definition=definition)).rule == "event-schema"


def test_what_a_stranger_put_into_a_line_is_quoted_in_print_and_in_part() -> None:
    refusal = refused(b'{"' + b"q" * 60_000 + b'\\u001b[31m":1,"type":"key.retired/1"}')

    assert len(str(refusal)) < 1000
    assert str(refusal).isprintable()


# --- Sets ---

# Every list that is a set, with two members of it in order.
SETS: dict[str, list[Any]] = {
    "Scope.achievementTypes": ["Badge", "Diploma"],
    "Scope.achievements": [uuid7(1, 1), ID],
    "Scope.fields": ["0612", "07"],
    "Scope.jurisdictions": ["NL", "NL-UT"],
    "Scope.languages": ["en", "en-GB"],
    "Scope.levels": [{"framework": "EQF", "value": 6}, {"framework": "QF-EHEA", "value": 1}],
    "Scope.participation": ["blended", "online"],
    "Definition.assessment": ["project", "quiz"],
    "Definition.languages": ["en", "nl"],
    "Definition.participation": ["blended", "online"],
    "Definition.qualityAssurance": ["none", "programme"],
    "OrganizationRegistered.identifiers": [
        {"scheme": "CTID", "value": "2"},
        {"scheme": "ROR", "value": "1"},
    ],
    "OrganizationRegistered.roles": ["accreditor", "provider"],
    "OrganizationUpdated.identifiers": [
        {"scheme": "ROR", "value": "10"},
        {"scheme": "ROR", "value": "9"},
    ],
}
# Lists in which the order tells something.
LISTS = {"Authority.keys", "Definition.outcomes", "LogOpened.authorities"}


def _with_set(name: str, members: list[Any]) -> bytes:
    """Return the line of an event that has these members in the list called `name`."""
    part, member = name.split(".")
    match part:
        case "Scope":
            return changed(_smallest(e.RecognitionGranted), scope={member: members})
        case "Definition":
            definition = msgspec.to_builtins(BARE) | {member: members}
            return changed(_smallest(e.AchievementDefined), definition=definition)
        case _:
            return changed(_smallest(getattr(e, part)), **{member: members})


def _list_members(info: Any) -> set[str]:
    match info:
        case inspect.Metadata():
            return _list_members(info.type)
        case inspect.UnionType():
            return {found for each in info.types for found in _list_members(each)}
        case inspect.VarTupleType():
            return {"", *_list_members(info.item_type)}
        case inspect.StructType():
            return {
                found or f"{info.cls.__name__}.{field.encode_name}"
                for field in info.fields
                for found in _list_members(field.type)
            }
        case _:
            return set()


def test_every_list_is_a_set_but_where_its_order_tells_something() -> None:
    found = {name for kind in e.EVENTS.values() for name in _list_members(inspect.type_info(kind))}

    assert found == {*SETS, *LISTS}


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_sorted_and_names_nothing_twice(name: str) -> None:
    first, second = SETS[name]
    member = name.split(".")[1]
    line = _with_set(name, [first, second])
    assert encode_event(decode_event(line)) == line

    for members in ([second, first], [first, first]):
        refusal = refused(_with_set(name, members))
        assert refusal.rule == "set-order"
        assert member in refusal.detail
        assert refusal.value == rfc8785.dumps(first).decode()
        with pytest.raises(Refusal) as caught:
            decode_events([LINE, _with_set(name, members)])
        assert (caught.value.rule, caught.value.line) == ("set-order", 3)


def test_outcomes_stand_in_the_order_of_the_provider() -> None:
    outcomes = [{"name": "Reads a soil profile"}, {"name": "Digs"}, {"name": "Digs"}]
    line = _with_set("Definition.outcomes", outcomes)

    assert encode_event(decode_event(line)) == line


def test_a_set_out_of_order_cannot_be_built_either() -> None:
    with pytest.raises(Refusal, match="set-order: languages is a set"):
        Scope(languages=("nl", "en"))


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
