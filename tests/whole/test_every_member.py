"""No member is signed and then ignored: each is shown in an answer, or has one legal value.

`SHOWN` lists every member of the catalogue with the answer that shows it, and the place there.
The story gives each of them a value, so one that an answer leaves out is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event
from testamur.errors import Refusal
from tests.harness.served import Served
from tests.whole.members_said import MembersSaid

Place = tuple[str, str]
"""The path of an answer, with the names of things in braces, and where in it a value stands.

Members are parted by dots; `*` is any item of a list.
"""


def _same(path: str, *members: str, under: str = "") -> dict[str, Place]:
    """Return places where members stand under their own names."""
    return {member: (path, f"{under}{member}") for member in members}


_WORDS = ("country", "name", "otherIds", "otherNames", "url")
_RECOGNITION, _ACCREDITATION = "/recognitions/{recognition%s}", "/accreditations/{accreditation%s}"
_COLLEGE, _HEIR = "/organizations/{college}", "/organizations/{heir}"
_KEYS = f"{_COLLEGE}/keys"

SHOWN: dict[str, dict[str, Place]] = {
    "log.opened/1": {
        "authorities": ("/organizations/{authority}", "registration"),
        "origin": ("/organizations/{authority}", "registration.origin"),
    },
    "organization.registered/1": _same(
        _HEIR,
        *("country", "identifiers", "name", "organization", "origin", "recoveryKeys", "roles"),
        *("signature", "signingKeys", "sponsor", "until", "url"),
        under="registration.",
    ),
    "organization.updated/1": _same(_COLLEGE, "country", "identifiers", "name", "url"),
    "organization.closed/1": {},
    "organization.objected/1": {},
    "organization.succeeded/1": {
        "organization": (_HEIR, "predecessors.*.did"),
        "successor": (_COLLEGE, "successors.*.did"),
    },
    "key.listed/1": {"as": (_KEYS, "items.*.use"), "key": (_KEYS, "items.*.key")},
    "key.retired/1": {"key": (_KEYS, "items.*.key")},
    "key.compromised/1": {
        "key": (_KEYS, "items.*.key"),
        **_same(_KEYS, "since", "kept", under="items.*.compromised.*."),
    },
    "recognition.granted/1": {
        "recognition": (_RECOGNITION % "", "id"),
        **_same(_RECOGNITION % "", "as", "organization", "scope", "validFrom", "validUntil"),
        **_same(_RECOGNITION % "", *_WORDS, under="vouched."),
    },
    "recognition.restated/1": {
        "recognition": (_RECOGNITION % "2", "id"),
        **_same(_RECOGNITION % "2", *_WORDS, under="vouched."),
    },
    "recognition.withdrawn/1": {
        "recognition": (_RECOGNITION % "3", "id"),
        "reason": (_RECOGNITION % "3", "acts.*.reason"),
    },
    "accreditation.granted/1": {
        "accreditation": (_ACCREDITATION % "", "id"),
        **_same(_ACCREDITATION % "", "decision", "evidence", "kind", "obligation", "provider"),
        **_same(_ACCREDITATION % "", "reviewBy", "scope", "validFrom", "validUntil"),
        **_same(_ACCREDITATION % "", *_WORDS, under="vouched."),
    },
    "accreditation.restated/1": {
        "accreditation": (_ACCREDITATION % "2", "id"),
        **_same(_ACCREDITATION % "2", "reviewBy"),
        **_same(_ACCREDITATION % "2", *_WORDS, under="vouched."),
    },
    "accreditation.suspended/1": {
        "accreditation": (_ACCREDITATION % "3", "id"),
        "reason": (_ACCREDITATION % "3", "acts.*.reason"),
    },
    "accreditation.reinstated/1": {"accreditation": (_ACCREDITATION % "3", "id")},
    "accreditation.withdrawn/1": {
        "accreditation": (_ACCREDITATION % "3", "id"),
        "reason": (_ACCREDITATION % "3", "acts.*.reason"),
    },
    "achievement.defined/1": {
        "achievement": ("/achievements/{achievement}?version=1", "id"),
        "definition": ("/achievements/{achievement}?version=1", "definition"),
    },
    "achievement.revised/1": {
        "achievement": ("/achievements/{achievement}", "id"),
        **_same("/achievements/{achievement}", "definition", "version"),
    },
    "achievement.retired/1": {"achievement": ("/achievements/{achievement}", "id")},
    "credential.issued/1": {
        "credential": ("/credentials/{credential0}", "id"),
        "achievement": ("/credentials/{credential0}", "achievement.id"),
        "achievementVersion": ("/credentials/{credential0}", "achievement.version"),
        **_same(
            "/credentials/{credential0}",
            *("accreditation", "assessment", "commitment", "format", "participation", "suite"),
            *("supervision", "validFrom", "validUntil"),
        ),
    },
    "credential.suspended/1": {
        "credential": ("/credentials/{credential1}", "id"),
        **_same("/credentials/{credential1}", "effectiveAt", "reason", under="acts.*."),
    },
    "credential.reinstated/1": {
        "credential": ("/credentials/{credential1}", "id"),
        "effectiveAt": ("/credentials/{credential1}", "lastEvent.effectiveAt"),
    },
    "credential.revoked/1": {
        "credential": ("/credentials/{credential2}", "id"),
        **_same("/credentials/{credential2}", "effectiveAt", "reason", under="lastEvent."),
    },
    "credential.superseded/1": {
        "credential": ("/credentials/{credential3}", "id"),
        **_same("/credentials/{credential3}", "successor"),
    },
}

ONE_VALUE = {("log.opened/1", "admission"), ("log.opened/1", "format")}
"""What has one legal value: a reader of any other refuses the log."""


@pytest.fixture(scope="module")
def told(opened_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MembersSaid]:
    with (
        closing(opened_log.copy(tmp_path_factory.mktemp("members") / "data")) as log,
        log.running(),
    ):
        yield MembersSaid(log)


def members(kind: type[e.Event]) -> set[str]:
    return {each.encode_name for each in msgspec.structs.fields(kind)}


def said(told: MembersSaid, name: str) -> list[dict[str, Any]]:
    """Return the events of this name, as the log has them."""
    if name == "log.opened/1":
        lines = (told.served.reader().entry(1, told.served.reader().checkpoint()),)
        return [msgspec.json.decode(line) for line in lines]
    return [msgspec.json.decode(msgspec.json.encode(each)) for each in told.said[name]]


def values(answer: Any, place: str) -> Iterator[Any]:
    """Yield what stands in an answer at a place."""
    if not place:
        yield answer
        return
    first, _, rest = place.partition(".")
    if first == "*":
        for each in answer:
            yield from values(each, rest)
    elif first in answer:
        yield from values(answer[first], rest)


def empty(value: Any, where: str) -> Iterator[str]:
    """Yield the members of a struct, and of those in it, that have no value."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            found = getattr(value, name)
            if found is None:
                yield f"{where}.{name}"
            for each in found if isinstance(found, tuple) else (found,):
                yield from empty(each, f"{where}.{name}")


def test_every_member_of_every_event_is_listed_with_an_answer() -> None:
    assert {name: set(places) for name, places in SHOWN.items()} == {
        name: members(kind) - {member for event, member in ONE_VALUE if event == name}
        for name, kind in e.EVENTS.items()
    }


def test_the_story_gives_every_member_a_value(told: MembersSaid) -> None:
    assert set(told.said) == set(e.EVENTS) - {"log.opened/1"}
    for name, events in told.said.items():
        lacking = [set(empty(each, name)) for each in events]
        assert set.intersection(*lacking) == set()


@pytest.mark.parametrize("name", SHOWN)
def test_each_member_is_shown_with_the_value_that_was_signed(told: MembersSaid, name: str) -> None:
    things = {**told.things, "authority": told.story.authority.did}
    names = {thing: quote(text, safe="") for thing, text in things.items()}
    for member, (path, place) in SHOWN[name].items():
        where = path.format(**names)
        answer = told.served.answer(f"{where}{'&' if '?' in where else '?'}size={told.served.size}")
        shown = list(values(answer.json(), place))
        stated = [each[member] for each in said(told, name) if member in each]
        stated = stated[0] if member == "authorities" else stated
        assert [each for each in stated if each in shown] != [], (name, member, stated, shown)


@pytest.mark.parametrize("member", sorted(member for _, member in ONE_VALUE))
def test_another_value_of_what_has_one_is_refused(told: MembersSaid, member: str) -> None:
    (opened,) = said(told, "log.opened/1")
    line = msgspec.json.encode({**opened, member: "testamur/other/1"}, order="sorted")

    with pytest.raises(Refusal) as caught:
        decode_event(line)
    assert caught.value.rule == "event-schema"


def test_what_was_closed_or_objected_is_shown(told: MembersSaid) -> None:
    """These two have no members: that they were said is all."""
    did = quote(told.college.did, safe="")
    answer = told.served.answer(f"/organizations/{did}?size={told.served.size}").json()
    history = told.served.answer(f"/organizations/{did}/history?size={told.served.size}").json()

    assert answer["status"] == "closed"
    assert {"organization.closed/1", "organization.objected/1"} <= {
        line["event"] for line in history["items"]
    }
