"""Events at the command line: made once, checked at once, never overwritten."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.events import EVENTS
from testamur.catalogue.lines import decode_event, encode_event
from tests.cli.commands import World, key_folder, run
from tests.harness.story import Story, party

COLLEGE = party("college")
KEY = COLLEGE.key_id
VOUCHED = ["name=A College", "country=NL"]


@pytest.mark.slow
def test_every_event_there_is_can_be_looked_up() -> None:
    listed = run("events")
    for name in EVENTS:
        assert name in listed.out
        members = run("events", name, "--json").json
        struct = EVENTS[name]
        expected = {field.encode_name for field in msgspec.structs.fields(struct)}
        assert {member["member"] for member in members} == expected
    assert run("events", "credential.lost").code == 1


def test_text_becomes_what_the_member_must_be() -> None:
    given = [
        f"provider={COLLEGE.did}",
        *VOUCHED,
        "otherNames=The College,College of A",
        "accreditation=new",
        "decision=positive",
        "kind=institutional",
        "validFrom=2026-09-01",
        "scope.fields=08, 05",
        "scope.participation=online,blended",
        'scope.levels:=[{"framework":"EQF","value":5}]',
    ]
    made = run("event", "accreditation.granted", *given)
    event = json.loads(made.out)
    assert encode_event(decode_event(made.out.strip().encode())) == made.out.strip().encode()
    assert event["scope"] == {
        "fields": ["05", "08"],
        "levels": [{"framework": "EQF", "value": 5}],
        "participation": ["blended", "online"],
    }
    assert event["accreditation"][14] == "7"
    assert event["otherNames"] == ["College of A", "The College"]


def test_whole_numbers_are_read_from_text() -> None:
    given = ["achievement=new", "version=2", "definition.name=Soils"]
    more = ["definition.achievementType=Course", "definition.level.framework=EQF"]
    made = run("event", "achievement.revised/1", *given, *more, "definition.level.value=6")
    assert json.loads(made.out)["definition"]["level"] == {"framework": "EQF", "value": 6}
    assert json.loads(made.out)["version"] == 2


def test_members_come_from_files_too(at: Path, now: Story) -> None:
    (at / "d.json").write_bytes(msgspec.json.encode(now.definition()))
    made = run("event", "achievement.defined", "achievement=new", "definition:=@d.json")
    assert decode_event(made.out.strip().encode()).definition == now.definition()  # type: ignore[union-attr]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["credential.lost", "credential=new"], "event-type"),
        (["key.retired", "key=k"], "event-schema"),
        (["key.retired", "key=signing-1"], "event-schema"),
        (["key.retired", f"key={KEY}", f"organization={COLLEGE.did}"], "member"),
        (["key.retired", f"key={KEY}", "reason=lost"], "member"),
        (["key.retired", f"key={KEY}", f"key={KEY}"], "member"),
        (["key.retired", "key"], "member"),
        (["key.retired", f"={KEY}"], "member"),
        (["key.retired", f"key.id={KEY}"], "member"),
        (["key.listed", f"key={KEY}", "as=founding"], "event-schema"),
        (["key.compromised", f"key={KEY}", "since=1_000"], "event-schema"),
        (["key.compromised", f"key={KEY}", "since=-1"], "event-schema"),
        (["key.compromised", f"key={KEY}", "kept:=[[2,3]]"], "kept-ranges"),
        (["key.compromised", f"key={KEY}", "since=5", "kept:=[[2,3]]"], "kept-ranges"),
        (["key.compromised", f"key={KEY}", "since=1", "kept:=[[4,3]]"], "kept-ranges"),
        (["key.retired", "key:=k"], "json"),
        (["key.retired", 'key:={"a":1,"a":2}'], "json-duplicate-key"),
        (["key.retired", "key=\udcff"], "member"),
        (["organization.closed", "organization=me"], "member"),
        (
            ["organization.succeeded", "organization=did:web:c", "successor=did:web:d"],
            "event-schema",
        ),
        (["accreditation.reinstated", "accreditation=7"], "event-schema"),
        (
            [
                "recognition.granted",
                f"organization={COLLEGE.did}",
                "as=accreditor",
                *VOUCHED,
                "recognition=new",
                "validFrom=2026-01-01",
                'scope.fields:=["08","06"]',
            ],
            "set-order",
        ),
    ],
)
def test_an_event_that_cannot_be_is_refused_by_name(arguments: list[str], rule: str) -> None:
    done = run("event", *arguments, "--json")
    assert done.code == 1
    assert done.json["error"] == "refused"
    assert done.json["rule"] == rule


def test_an_event_that_lacks_a_member_tells_what_it_needs() -> None:
    done = run("event", "recognition.granted")
    assert "as, organization, recognition, validFrom, [scope], [validUntil]" in done.err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["key.listed", "as=recovery", f"key={KEY}"], {"as": "recovery", "key": KEY}),
        (["key.retired", f"key={KEY}"], {"key": KEY}),
        (
            ["key.compromised", f"key={KEY}", "since=12", "kept:=[[14,20],[31,31]]"],
            {"kept": [[14, 20], [31, 31]], "key": KEY, "since": 12},
        ),
        (["organization.closed"], {}),
        (["organization.objected"], {}),
        (
            ["organization.succeeded", f"organization={COLLEGE.did}", f"successor={COLLEGE.did}"],
            {"organization": COLLEGE.did, "successor": COLLEGE.did},
        ),
    ],
)
def test_what_is_said_about_oneself_names_no_signer(
    arguments: list[str], line: dict[str, object]
) -> None:
    made = run("event", *arguments)
    assert json.loads(made.out) == {**line, "type": f"{arguments[0]}/1"}


@pytest.mark.parametrize("kind", ["accreditation", "recognition"])
def test_a_vouched_word_is_restated_whole(kind: str) -> None:
    ids = [f"{kind}=019a3b1c-7f00-7abc-8def-0123456789ab"]
    given = [*ids, *VOUCHED, "otherIds=did:web:college.example,https://college.example"]
    made = json.loads(run("event", f"{kind}.restated", *given).out)
    assert made["otherIds"] == ["did:web:college.example", "https://college.example"]
    assert (made["name"], made["country"]) == ("A College", "NL")


def test_an_event_about_oneself_is_told_so(at: Path) -> None:
    done = run("event", "key.retired", f"key={KEY}", "--to", "x")
    assert done.err == "x: 1 added: organization of its signer\n"


def test_credentials_are_named_by_id_or_by_their_holder_file(world: World) -> None:
    first, second, third = (holder.id for holder in world.holders)
    assert run("revoke", "0.json", second, "--reason", "issuedInError", "--to", "x").code == 0
    assert run("suspend", third, "--reason", "misconduct", "--to", "x").code == 0
    done = run("reinstate", third, "--effective", "2026-11-21", "--to", "x", "--json")
    lines = Path("x").read_bytes().splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["credential"] for event in events] == [first, second, third, third]
    assert [decode_event(line) for line in lines]
    assert done.json == [events[-1]]
    assert events[-1]["effectiveAt"] == "2026-11-21"


@pytest.mark.parametrize("command", ["revoke", "suspend", "reinstate"])
def test_a_day_to_come_or_long_before_any_award_is_refused_before_it_is_signed(
    world: World, command: str
) -> None:
    reason = [] if command == "reinstate" else ["--reason", "duplicate"]
    done = run(command, "0.json", *reason, "--effective", "2999-01-01", "--to", "x", "--json")
    assert (done.code, done.json["rule"]) == (1, "effective-at")
    slip = run(command, "0.json", *reason, "--effective", "0026-11-21", "--to", "x", "--json")
    assert (slip.code, slip.json["rule"]) == (1, "effective-at")
    assert "is the year right?" in slip.json["detail"]
    assert not Path("x").exists()


def test_a_day_that_is_still_to_come_in_a_file_is_not_signed(world: World) -> None:
    event = e.CredentialReinstated(credential=world.holders[0].id, effective_at=date(2999, 1, 1))
    key_folder(world.folder / "keys", world.story.provider)
    Path("x").write_bytes(encode_event(event) + b"\n")
    (refusal,) = run("check", "x", "--json").json["refusals"]
    assert (refusal["rule"], refusal["line"]) == ("effective-at", 1)
    done = run("sign", "x", "--keys", "keys", "--log", "log.example", "--out", "y", "--json")
    assert (done.code, done.json["rule"], done.json["line"]) == (1, "effective-at", 1)
    assert not Path("y").exists()


def test_a_reason_in_words_is_wrong_usage(world: World) -> None:
    done = run("revoke", "0.json", "--reason", "she cheated", "--to", "x")
    assert done.code == 2
    assert not Path("x").exists()


def test_nothing_is_added_behind_a_line_that_was_cut_off(world: World) -> None:
    Path("x").write_bytes(b'{"half')
    done = run("revoke", "0.json", "--reason", "duplicate", "--to", "x", "--json")
    assert (done.code, done.json["rule"]) == (1, "file-truncated")
    assert Path("x").read_bytes() == b'{"half'


def test_of_several_credentials_either_all_are_written_or_none(world: World) -> None:
    assert run("revoke", "0.json", "nobody", "--reason", "duplicate", "--to", "x").code == 2
    assert not Path("x").exists()
