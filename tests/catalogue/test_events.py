"""What the members of an event may hold, and the closed set of events."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import rfc8785
from msgspec import inspect

from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event, decode_events, encode_event
from testamur.catalogue.members import Scope
from testamur.errors import Refusal
from tests.catalogue.lines import (
    BARE,
    ID,
    LINE,
    RETIRED,
    STORY,
    changed,
    refused,
    smallest,
)
from tests.harness.story import uuid7

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
    event = smallest(kind)
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
        " ",
        "a  b",
        "a\u00a0b",
        "\u3000",
        "\u2800",
        "\u3164",
        "a\u200bb",
        "a\u200db",
        "a\u2060b",
        "a\ufeffb",
        "a\u00adb",
        "a\ufe0f",
        "a\U000e0041",
        "a\ue000",
        "a\ufffd",
        "\u0301",
        "\u064b\u064b",
        "A \u0301b",
        "A\u0301\u0301\u0301\u0301\u0301",
        "می\u200c",
        "A College (did:web:college.example)",
        "DID:key:z6Mk",
        "ｄｉｄ：web",
    ],
)
def test_a_name_shows_as_it_is_written(name: str) -> None:
    event = e.OrganizationUpdated(country="NL", name="A", organization=STORY.provider.did)

    assert refused(changed(event, name=name)).rule == "event-schema"


@pytest.mark.parametrize(
    "name",
    [
        "Universität Zürich",
        "東京大学",
        "جامعة القاهرة",
        "x" * 200,
        "😀",
        "Trường Đại học Bách khoa",
        "دانش\u200cگاه",
        "ශ්\u200dරී ලංකා",
        "Candid: a college",
        "What Rome did: an introduction",
        "\u041exford",  # imitates, which is judged before it is recorded and never afterwards
    ],
)
def test_a_name_may_be_in_any_script(name: str) -> None:
    event = e.OrganizationUpdated(country="NL", name=name, organization=STORY.provider.did)

    assert decode_event(encode_event(event)) == event


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a\u200bb", "it holds an invisible character; leave it out (U+200B)"),
        ("a\tb", "it holds an invisible character; leave it out (U+0009)"),
        ("a  b", "it begins or ends with a space, or has two in a row"),
        ("x\u200c", "it holds an invisible character; leave it out (U+200C)"),
        ("A \u0301", "a mark has no letter to sit on; leave it out (U+0301)"),
        ("A\u0301\u0301\u0301\u0301\u0301", "more than 4 marks sit on one letter; leave them out"),
        ("A (did:web:b)", "it holds a DID, as if that were who it names; leave it out"),
    ],
)
def test_a_name_that_is_none_is_refused_with_the_character_and_what_to_do(
    name: str, words: str
) -> None:
    event = e.OrganizationUpdated(country="NL", name="A", organization=STORY.provider.did)

    assert words in refused(changed(event, name=name)).detail


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
            return changed(smallest(e.RecognitionGranted), scope={member: members})
        case "Definition":
            definition = msgspec.to_builtins(BARE) | {member: members}
            return changed(smallest(e.AchievementDefined), definition=definition)
        case _:
            return changed(smallest(getattr(e, part)), **{member: members})


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
