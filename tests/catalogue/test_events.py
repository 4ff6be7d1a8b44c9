"""What the members of an event may hold, and the closed set of events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import rfc8785
from msgspec import inspect

from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event, decode_events, encode_event
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

# --- The closed set ---


def test_the_names_on_the_wire_are_literals_and_never_change() -> None:
    assert sorted(e.EVENTS) == [
        "accreditation.granted/1",
        "accreditation.reinstated/1",
        "accreditation.restated/1",
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
        "key.compromised/1",
        "key.listed/1",
        "key.retired/1",
        "log.opened/1",
        "organization.closed/1",
        "organization.objected/1",
        "organization.registered/1",
        "organization.succeeded/1",
        "organization.updated/1",
        "recognition.granted/1",
        "recognition.restated/1",
        "recognition.withdrawn/1",
    ]


def _leaves(info: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the types without parts that a member may hold, each with the path to it."""
    match info:
        case inspect.Metadata():
            yield from _leaves(info.type, path)
        case inspect.UnionType():
            for each in info.types:
                yield from _leaves(each, path)
        case inspect.VarTupleType():
            yield from _leaves(info.item_type, path + "[]")
        case inspect.TupleType():
            for each in info.item_types:
                yield from _leaves(each, path + "[]")
        case inspect.StructType():
            for field in info.fields:
                yield from _leaves(field.type, f"{path}.{field.encode_name}")
        case _:
            yield path, info


LEAVES = [
    leaf for name, kind in e.EVENTS.items() for leaf in _leaves(inspect.type_info(kind), name)
]


def test_no_member_has_room_for_a_text_about_a_person() -> None:
    """Every text is coded or names an organization, an achievement, an outcome or a URL.

    Bare ids are the one exception: they refer to what must exist, and rules hold them to it.
    """
    free = set()
    for path, leaf in LEAVES:
        if isinstance(leaf, inspect.StrType) and leaf.pattern is None:
            assert (leaf.min_length, leaf.max_length) == (36, 36), path
            free.add(path)

    assert free == {
        "accreditation.granted/1.accreditation",
        "accreditation.reinstated/1.accreditation",
        "accreditation.restated/1.accreditation",
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
        "recognition.restated/1.recognition",
        "recognition.withdrawn/1.recognition",
    }


def test_no_event_holds_a_fraction() -> None:
    fractions = (inspect.FloatType, inspect.AnyType, inspect.DictType)

    assert [path for path, leaf in LEAVES if isinstance(leaf, fractions)] == []


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
        "did:web:college.example",
        STORY.provider.did + "#key-1",
        STORY.provider.did + "\n",
        STORY.provider.did.upper(),
        STORY.provider.did.replace("did:key:z", "did:key:m"),
        STORY.provider.did[:-1] + "0",
        STORY.provider.did[:-1] + "\u0430",
        "did:key:z" + "1" * 39,
        "did:key:z" + "1" * 65,
        "https://example.com",
    ],
)
def test_an_organization_is_named_by_the_did_of_its_founding_key(did: str) -> None:
    event = STORY.succeeded(STORY.provider, STORY.accreditor)

    for member in ("organization", "successor"):
        refusal = refused(changed(event, **{member: did}))
        assert refusal.rule == "event-schema"
        assert "the did:key of its founding key" in refusal.detail


@pytest.mark.parametrize(
    "name",
    ["did:web:college.example", "https://college.example/about", STORY.provider.did],
)
def test_a_speaker_vouches_for_dids_and_addresses(name: str) -> None:
    line = changed(STORY.accredited(), otherIds=[name])

    assert encode_event(decode_event(line)) == line


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A College",
        "did:web:example.com/path",
        "did:web:exa mple.com",
        "did:web:example.com\n",
        "DID:web:example.com",
        "did:web:" + "a" * 201,
        "did:web:ex\u0430mple.com",
        "https://" + "a" * 491,
        "https://college.example\n",
        "ftp://college.example",
    ],
)
def test_a_speaker_vouches_for_nothing_that_is_neither_did_nor_address(name: str) -> None:
    assert refused(changed(STORY.accredited(), otherIds=[name])).rule == "event-schema"


@pytest.mark.parametrize("member", ["otherIds", "otherNames"])
@pytest.mark.parametrize(
    "kind",
    [
        e.AccreditationGranted,
        e.AccreditationRestated,
        e.RecognitionGranted,
        e.RecognitionRestated,
    ],
)
def test_a_speaker_vouches_for_one_to_eight_more_in_each_list(
    kind: type[e.Event], member: str
) -> None:
    nine = [f"did:web:{number}.example" for number in range(1, 10)]
    if member == "otherNames":
        nine = [f"College {number}" for number in range(1, 10)]
    event = smallest(kind)

    assert decode_event(changed(event, **{member: nine[:8]}))
    assert refused(changed(event, **{member: nine})).rule == "event-schema"
    assert refused(changed(event, **{member: []})).rule == "event-schema"


@pytest.mark.parametrize("member", ["recoveryKeys", "signingKeys"])
def test_a_registration_writes_its_lists_of_keys_also_if_they_are_empty(member: str) -> None:
    event = smallest(e.OrganizationRegistered)
    line = changed(event, **{member: []})

    assert f'"{member}":[]'.encode() in line
    assert encode_event(decode_event(line)) == line
    left_out = {key: value for key, value in msgspec.json.decode(line).items() if key != member}
    assert refused(rfc8785.dumps(left_out)).rule == "event-schema"


def test_the_registrations_in_the_genesis_are_spelt_like_any_other() -> None:
    genesis = smallest(e.LogOpened)
    assert isinstance(genesis, e.LogOpened)
    (registered,) = genesis.authorities
    written = rfc8785.dumps(msgspec.json.decode(encode_event(genesis))["authorities"][0])

    assert written == encode_event(registered)
    assert decode_event(written) == registered


def test_an_event_about_its_signer_names_no_organization() -> None:
    for kind in (e.OrganizationClosed, e.OrganizationObjected, e.OrganizationUpdated, e.KeyRetired):
        line = changed(smallest(kind), organization=STORY.provider.did)
        assert refused(line).rule == "event-schema"


@pytest.mark.parametrize("key", ["", "2026-key-1", "z" + "1" * 39, "z" + "0" * 48, "m" + "1" * 48])
def test_a_key_is_named_by_its_multikey(key: str) -> None:
    for kind in (e.KeyListed, e.KeyRetired, e.KeyCompromised):
        refusal = refused(changed(smallest(kind), key=key))
        assert (refusal.rule, refusal.value) == ("event-schema", key)
        assert "a public Multikey" in refusal.detail


@pytest.mark.parametrize(
    "members",
    [
        {"kept": [[5, 6]]},
        {"since": 5, "kept": [[4, 6]]},
        {"since": 5, "kept": [[7, 6]]},
        {"since": 5, "kept": [[8, 9], [6, 7]]},
        {"since": 5, "kept": [[6, 8], [8, 9]]},
    ],
)
def test_kept_lists_disjoint_ranges_in_order_from_since_on(members: dict[str, Any]) -> None:
    line = changed(STORY.key_compromised(STORY.provider), **members)

    assert refused(line).rule == "kept-ranges"
    with pytest.raises(Refusal) as caught:
        decode_events([LINE, line])
    assert (caught.value.rule, caught.value.line) == ("kept-ranges", 3)


@pytest.mark.parametrize(
    "kept", [[], [[5]], [[5, 6, 7]], [[-1, 6]], [[5, 5.5]], [["5", "6"]], [[5, None]]]
)
def test_a_kept_range_is_two_positions(kept: list[Any]) -> None:
    line = changed(STORY.key_compromised(STORY.provider, 5), kept=kept)

    assert refused(line).rule == "event-schema"


def test_no_position_is_beyond_what_every_language_counts_exactly() -> None:
    line = encode_event(STORY.key_compromised(STORY.provider, 2**53 - 1))

    assert refused(line.replace(b"9007199254740991", b"9007199254740992")).rule == "event-schema"


def test_kept_lists_at_most_a_thousand_ranges_which_fit_in_an_entry() -> None:
    far = 2**53 - 2_004
    ranges = tuple((far + 2 * number, far + 2 * number) for number in range(1001))
    event = STORY.key_compromised(STORY.provider, 5, ranges[:1000])

    assert decode_event(encode_event(event)) == event
    line = changed(event, kept=ranges)
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
    event = e.OrganizationUpdated(country="NL", name="A")

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
    event = e.OrganizationUpdated(country="NL", name=name)

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
    event = e.OrganizationUpdated(country="NL", name="A")

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
