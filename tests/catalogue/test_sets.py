"""The lists of events: each is a set with one spelling, but where its order tells something."""

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
from tests.catalogue.lines import BARE, ID, LINE, STORY, changed, refused, smallest
from tests.harness.story import uuid7

KEYS = sorted(STORY.provider.with_key(name).key_id for name in ("one", "other"))

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
    "OrganizationRegistered.signingKeys": KEYS,
    "OrganizationUpdated.identifiers": [
        {"scheme": "ROR", "value": "10"},
        {"scheme": "ROR", "value": "9"},
    ],
    "AccreditationGranted.otherIds": ["did:web:a.example", "https://a.example"],
    "AccreditationGranted.otherNames": ["A College", "A Polytechnic"],
    "AccreditationRestated.otherIds": ["did:web:a.example", "https://a.example"],
    "AccreditationRestated.otherNames": ["A College", "A Polytechnic"],
    "RecognitionGranted.otherIds": ["did:web:a.example", "https://a.example"],
    "RecognitionGranted.otherNames": ["A College", "A Polytechnic"],
    "RecognitionRestated.otherIds": ["did:web:a.example", "https://a.example"],
    "RecognitionRestated.otherNames": ["A College", "A Polytechnic"],
}
# Lists in which the order tells something.
LISTS = {
    "Definition.outcomes",
    "KeyCompromised.kept",
    "LogOpened.authorities",
    "OrganizationRegistered.recoveryKeys",
}


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


@pytest.mark.slow
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


def test_a_set_in_a_registration_of_the_genesis_is_sorted_too() -> None:
    genesis = smallest(e.LogOpened)
    assert isinstance(genesis, e.LogOpened)
    registered = msgspec.to_builtins(genesis.authorities[0])
    line = changed(genesis, authorities=[registered | {"signingKeys": KEYS[::-1]}])

    assert refused(line).rule == "set-order"


def test_recovery_keys_stand_in_the_order_of_their_rank() -> None:
    for keys in (KEYS, KEYS[::-1]):
        line = _with_set("OrganizationRegistered.recoveryKeys", keys)
        assert encode_event(decode_event(line)) == line


def test_a_set_out_of_order_cannot_be_built_either() -> None:
    with pytest.raises(Refusal, match="set-order: languages is a set"):
        Scope(languages=("nl", "en"))
