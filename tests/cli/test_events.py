"""Keys and events at the command line: made once, checked at once, never overwritten."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import msgspec
import pytest

from testamur.catalogue.events import EVENTS
from testamur.catalogue.lines import decode_event, encode_event
from testamur.keys import PrivateKey
from tests.cli.commands import World, key_file, run
from tests.harness.story import Story

# --- Keys ---


@pytest.mark.parametrize("curve", ["Ed25519", "P-256"])
def test_a_key_is_made_for_its_owner_alone(at: Path, curve: str) -> None:
    made = run("keygen", "--out", "a.key", "--curve", curve, "--json")
    assert made.code == 0
    assert stat.S_IMODE((at / "a.key").stat().st_mode) == 0o600
    key = PrivateKey.from_multikey((at / "a.key").read_text().strip())
    assert made.json["did"] == key.public.did_key()
    assert made.json["kid"] == f"{key.public.did_key()}#{key.public.multikey()}"
    assert run("did", "a.key").out.strip() == key.public.did_key()
    assert key.multikey() not in made.out + made.err


def test_a_key_is_never_overwritten(at: Path) -> None:
    (at / "a.key").write_text("precious")
    made = run("keygen", "--out", "a.key")
    assert (made.code, made.out) == (2, "")
    assert "exists already" in made.err
    assert (at / "a.key").read_text() == "precious"


def test_a_key_is_not_written_where_a_link_points(at: Path) -> None:
    (at / "a.key").symlink_to(at / "elsewhere")
    assert run("keygen", "--out", "a.key").code == 2
    assert not (at / "elsewhere").exists()


def test_a_key_that_others_can_read_is_refused(at: Path, now: Story) -> None:
    key_file(at, now.provider, "a.key").chmod(0o640)
    done = run("did", "a.key", "--json")
    assert done.code == 1
    assert (done.json["rule"], done.json["value"]) == ("key-file-mode", "640")


@pytest.mark.parametrize("text", ["z3u2notakey", "", "\xff\xfe", "did:key:z6Mk"])
def test_a_malformed_key_is_refused_and_not_shown(at: Path, text: str) -> None:
    (at / "a.key").write_text(text, encoding="latin-1")
    (at / "a.key").chmod(0o600)
    done = run("did", "a.key")
    assert done.code == 1
    assert not text or text not in done.err + done.out


def test_a_possession_is_of_use_to_its_sponsor_alone(at: Path, now: Story) -> None:
    key_file(at, now.provider, "a.key")
    made = run("possession", "a.key", "--log", now.origin, "--sponsor", now.accreditor.did)
    assert made.json["organization"] == now.provider.did
    assert made.json["key"] == msgspec.to_builtins(now.provider.listed)
    by_hand = now.registered(now.accreditor, now.provider, "provider")
    assert made.json["possession"] == msgspec.to_builtins(by_hand)["possession"]
    other = run("possession", "a.key", "--log", now.origin, "--sponsor", now.authority.did)
    assert other.json["possession"] != made.json["possession"]


@pytest.mark.parametrize(
    "wrong",
    [
        ["--log", "a log", "--sponsor", "did:web:a"],
        ["--log", "log", "--sponsor", "a"],
        ["--log", "log", "--sponsor", "did:web:a", "--organization", "did:"],
        ["--log", "log", "--sponsor", "did:web:a", "--key-id", "a b"],
        ["--log", "log"],
    ],
)
def test_a_possession_of_malformed_names_is_wrong_usage(
    at: Path, now: Story, wrong: list[str]
) -> None:
    key_file(at, now.provider, "a.key")
    assert run("possession", "a.key", *wrong).code == 2


# --- Events ---


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
        "provider=did:web:college.example",
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


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["credential.lost", "credential=new"], "event-type"),
        (["key.retired", "key=k"], "event-schema"),
        (["key.retired", "key=k", "organization=college"], "event-schema"),
        (["key.retired", "key=k", "organization=did:web:c", "reason=lost"], "member"),
        (["key.retired", "key=k", "key=l", "organization=did:web:c"], "member"),
        (["key.retired", "key", "organization=did:web:c"], "member"),
        (["key.retired", "=k"], "member"),
        (["key.retired", "key.id=k"], "member"),
        (["key.compromised", "key=k", "organization=did:web:c", "since=1_000"], "event-schema"),
        (["key.compromised", "key=k", "organization=did:web:c", "since=-1"], "event-schema"),
        (["key.retired", "key:=k", "organization=did:web:c"], "json"),
        (["key.retired", 'key:={"a":1,"a":2}', "organization=did:web:c"], "json-duplicate-key"),
        (["key.retired", "key=\udcff", "organization=did:web:c"], "member"),
        (["accreditation.reinstated", "accreditation=7"], "event-schema"),
        (
            [
                "recognition.granted",
                "accreditor=did:web:a",
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
    assert "accreditor, recognition, validFrom, [scope], [validUntil]" in done.err


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
