"""The command line does what it says, says what it did, and ends with the code that it means."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from testamur import __version__
from testamur.canonical import jcs
from testamur.cli import app
from testamur.cli.outcome import Commands
from testamur.cli.terminal import plain
from testamur.commitment import render_holder_file
from testamur.events import EVENTS, decode_event, encode_event
from testamur.keys import PrivateKey
from testamur.note import VerifierKey
from testamur.receipt import parse_receipt
from testamur.submission import parse
from tests.awards import awards, cohort, offering, provider
from tests.http_registry import HttpRegistry, Reply
from tests.published_log import opened_log
from tests.story import Party, Story


class Ended:
    """How a command ended: its code, and what it printed where."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: object, stdin: bytes = b"") -> Ended:
    """Run a command in this process; what is not an exit is a bug and comes through."""
    done = CliRunner().invoke(app, [str(each) for each in arguments], input=stdin)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ended(done.exit_code, done.stdout, done.stderr)


def key_file(folder: Path, who: Party, name: str) -> Path:
    path = folder / name
    path.write_text(who.key.multikey() + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, which is also where commands run."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def now() -> Story:
    """Return a story that takes place now, since the command line signs by the clock."""
    return Story(now=int(time.time()))


class World:
    """A log with three real credentials on it, and the files people have of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log, self.story = opened_log(folder / "log")
        prepared = awards(self.story, 3)
        self.holders = prepared.holders
        self.log.append(self.story.submission(self.story.provider, *prepared.events))
        self.log.publish()
        for number, holder in enumerate(self.holders):
            (folder / f"{number}.json").write_bytes(render_holder_file(holder))
        (folder / "log.vkey").write_text(f"{self.log.key}\n")
        (folder / "policy.txt").write_text(f"log {self.log.key}\nquorum none\n")

    @property
    def anchor(self) -> str:
        return self.story.authority.did

    def evidence(self, number: int = 0) -> str:
        done = run("evidence", f"{number}.json", "--log", "log", "--vkey", "log.vkey", "--out", "e")
        assert done.code == 0, done.err
        return "e"


@pytest.fixture
def world(at: Path) -> World:
    return World(at)


@pytest.fixture
def registry(world: World) -> Iterator[HttpRegistry]:
    with HttpRegistry(world.log) as found:
        yield found


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
        "fields": ["08", "05"],
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


# --- Preparing ---


@pytest.fixture
def given(at: Path, now: Story) -> Path:
    (at / "cohort.csv").write_bytes(cohort(3))
    (at / "soils.json").write_bytes(msgspec.json.encode(offering(now)))
    (at / "college.json").write_bytes(msgspec.json.encode(provider(now)))
    key_file(at, now.provider, "provider.key")
    return at


PREPARE = ["prepare", "cohort.csv", "--achievement", "soils.json", "--provider", "college.json"]


def test_a_cohort_becomes_events_and_holder_files(given: Path, now: Story) -> None:
    done = run(*PREPARE, "--key", "provider.key", "--log", now.origin, "--out", "spring", "--json")
    assert done.code == 0
    assert done.json["prepared"] == 3
    assert len(list((given / "spring/holders").iterdir())) == 3
    assert run("check", "spring/events.ndjson").code == 0


def test_nothing_is_written_when_a_row_is_refused(given: Path) -> None:
    (given / "cohort.csv").write_bytes(cohort(2) + b"x@y,2026-11-31\r\n=1+1,2026-11-20\r\n")
    done = run(*PREPARE, "--out", "spring")
    assert done.code == 1
    assert "row 4" in done.out
    assert "row 5" in done.out
    assert "Nothing was written" in done.err
    assert not (given / "spring").exists()


def test_the_good_rows_are_written_when_that_is_asked_for(given: Path) -> None:
    (given / "cohort.csv").write_bytes(cohort(2) + b"x@y,2026-11-31\r\n")
    done = run(*PREPARE, "--out", "spring", "--allow-refused", "--json")
    assert done.code == 0
    assert (done.json["prepared"], done.json["written to"]) == (2, "spring")
    assert {each["source"] for each in done.json["refused"]} == {"cohort.csv row 4"}


def test_badges_are_prepared_under_a_registered_achievement(given: Path, now: Story) -> None:
    assert run(*PREPARE, "--out", "spring").code == 0
    badges = given / "badges"
    badges.mkdir()
    for file in (given / "spring/holders").iterdir():
        credential = json.loads(file.read_bytes())["credential"]
        (badges / file.name).write_text(json.dumps(credential))
    arguments = ["prepare", "badges", "--out", "again", "--json"]
    done = run(*arguments, "--achievement", now.achievement, "--accreditation", now.accreditation)
    assert (done.code, done.json["prepared"]) == (0, 3)
    assert now.accreditation in (given / "again/events.ndjson").read_text()
    (given / "map.json").write_text(json.dumps({"urn:x:1": {"achievement": now.achievement}}))
    done = run("prepare", "badges", "--out", "never", "--achievement", "map.json", "--json")
    assert done.code == 1
    assert {each["rule"] for each in done.json["refused"]} == {"achievement-unknown"}


@pytest.mark.parametrize(
    "wrong",
    [
        ["prepare", "cohort.csv", "--achievement", "soils.json", "--out", "o"],
        [
            "prepare",
            "nowhere.csv",
            "--achievement",
            "a",
            "--provider",
            "college.json",
            "--out",
            "o",
        ],
        ["prepare", "soils.json", "--achievement", "a", "--achievement", "b", "--out", "o"],
        [*PREPARE, "--out", "o", "--log", "two words"],
        [*PREPARE],
    ],
)
def test_wrong_usage_of_prepare_is_2(given: Path, wrong: list[str]) -> None:
    assert run(*wrong).code == 2
    assert not (given / "o").exists()


# --- Checking and signing ---


def test_check_lists_every_bad_line_of_a_file_of_events(at: Path, now: Story) -> None:
    good = encode_event(now.issued())
    lines = [good, b"{}", good, good.replace(b'"blended"', b'"Blended"'), b"", b" " + good, good]
    (at / "e").write_bytes(b"\n".join(lines) + b"\n")
    done = run("check", "e", "--json")
    assert done.code == 1
    found = {each["line"]: each["rule"] for each in done.json["refusals"]}
    assert found == {2: "event-schema", 4: "event-schema", 5: "json", 6: "canonical-json"}
    assert "canonical-json" in run("check", "e").out


def test_check_lists_every_bad_line_of_a_submission(at: Path, now: Story) -> None:
    body = now.cohort(3)
    (at / "s").write_bytes(body)
    assert run("check", "s").code == 0
    (at / "s").write_bytes(body.replace(b'"blended"', b'"Blended"'))
    done = run("check", "-", "--json", stdin=(at / "s").read_bytes())
    assert [each.get("line") for each in done.json["refusals"]] == [1, 2, 3, 4]


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\xfe", b"{}", b"[]\n", b"{}\n" * 100_001])
def test_check_takes_anything_and_refuses_it(at: Path, data: bytes) -> None:
    (at / "e").write_bytes(data)
    assert run("check", "e").code == 1


def test_a_registry_tries_what_is_well_formed(world: World, registry: HttpRegistry) -> None:
    Path("s").write_bytes(world.story.cohort(2))
    done = run("check", "s", "--url", registry.url, "--json")
    assert done.code == 0
    assert done.json["registry"]["size"] == world.log.size
    refused = {"rule": "already-issued", "detail": "this credential exists", "line": 3}
    answer = {"format": "testamur/check/1", "accepted": False, "size": 9, "refusals": [refused]}
    flags = [{"code": "backdated", "count": 2, "firstLine": 2}]
    registry.script.append(Reply(200, json.dumps({**answer, "flags": flags}).encode()))
    done = run("check", "s", "--url", registry.url)
    assert done.code == 1
    assert "already-issued" in done.out
    assert "backdated: 2 times" in done.err


def test_events_must_be_signed_before_a_registry_tries_them(at: Path, now: Story) -> None:
    (at / "e").write_bytes(encode_event(now.issued()) + b"\n")
    assert run("check", "e", "--url", "http://127.0.0.1:9").code == 2


def test_a_signed_file_is_a_submission_of_those_very_lines(at: Path, now: Story) -> None:
    key_file(at, now.provider, "a.key")
    events = encode_event(now.issued()) + b"\n" + encode_event(now.issued()) + b"\n"
    (at / "e").write_bytes(events)
    done = run("sign", "e", "--key", "a.key", "--log", now.origin, "--out", "s", "--json")
    assert done.code == 0
    body = (at / "s").read_bytes()
    assert body.partition(b"\n")[2] == events
    header = parse(body).header
    header.verify_signature(now.provider.key.public)
    assert done.json["kid"] == header.protected.kid == now.provider.kid
    assert (done.json["jti"], done.json["aud"]) == (header.payload.jti, now.origin)
    again = run("sign", "e", "--key", "a.key", "--log", now.origin, "--out", "t", "--json")
    assert again.json["jti"] != done.json["jti"]


def test_what_is_not_well_formed_is_not_signed(at: Path, now: Story) -> None:
    key_file(at, now.provider, "a.key")
    (at / "e").write_bytes(encode_event(now.issued()) + b"\n{}\n")
    arguments = ["--key", "a.key", "--log", now.origin, "--out", "s", "--json"]
    done = run("sign", "e", *arguments)
    assert (done.code, done.json["line"]) == (1, 2)
    (at / "e").write_bytes(now.cohort(1))
    assert run("sign", "e", *arguments).json["rule"] == "events-file"
    assert not (at / "s").exists()


def test_a_kid_that_is_no_did_url_is_refused(at: Path, now: Story) -> None:
    key_file(at, now.provider, "a.key")
    (at / "e").write_bytes(encode_event(now.issued()) + b"\n")
    base = ["sign", "e", "--key", "a.key", "--log", now.origin, "--out", "s"]
    assert run(*base, "--kid", "nonsense").code == 1
    assert run(*base, "--kid", "did:web:college.example#2026").code == 0
    assert parse((at / "s").read_bytes()).header.payload.iss == "did:web:college.example"


# --- Handing in ---


@pytest.fixture
def sent(world: World) -> Path:
    Path("s").write_bytes(world.story.cohort(4))
    return Path("s")


def submit(registry: HttpRegistry, *more: str) -> Ended:
    return run("submit", "s", "--url", registry.url, "--patience", "0", *more)


def test_a_receipt_is_verified_before_it_is_said_to_hold(
    sent: Path, world: World, registry: HttpRegistry
) -> None:
    done = submit(registry, "--policy", "policy.txt", "--out", "receipt.json", "--json")
    assert done.code == 0
    assert done.json["verified"]["size"] == world.log.size
    assert parse_receipt(Path("receipt.json").read_bytes()).events == 4
    again = submit(registry, "--vkey", str(world.log.key))
    assert again.code == 0
    assert "verified" in again.out
    offline = ["verify-receipt", "receipt.json", "--submission", "s", "--vkey", "log.vkey"]
    assert run(*offline).code == 0
    sent.write_bytes(world.story.cohort(4))
    assert run(*offline).code == 1


def test_a_receipt_of_another_log_is_refuted_and_kept(
    sent: Path, world: World, registry: HttpRegistry
) -> None:
    other = VerifierKey.of(world.story.origin, 1, world.story.provider.key.public.raw())
    done = submit(registry, "--vkey", str(other), "--out", "receipt.json", "--json")
    assert (done.code, done.json["error"]) == (1, "refuted")
    assert Path("receipt.json").exists()


def test_without_a_policy_the_user_is_told_whose_word_is_taken(
    sent: Path, registry: HttpRegistry
) -> None:
    done = submit(registry)
    assert done.code == 0
    assert "the log's own word" in done.err


def test_a_refused_submission_ends_with_its_rule(
    sent: Path, world: World, registry: HttpRegistry
) -> None:
    problem = Reply.problem(422, rule="transition", detail="it cannot", line=3)
    registry.script.append(problem)
    done = submit(registry, "--vkey", "log.vkey", "--out", "r", "--json")
    expected = {"error": "refused", "rule": "transition", "detail": "it cannot", "line": 3}
    assert (done.code, done.json) == (1, expected)
    assert not Path("r").exists()


def test_a_busy_registry_is_neither_a_success_nor_a_refusal(
    sent: Path, registry: HttpRegistry
) -> None:
    registry.script.append(Reply.problem(503, retry_after=1, detail="the queue is full"))
    done = submit(registry, "--json")
    assert (done.code, done.json["error"]) == (2, "unavailable")
    assert "the queue is full" in done.json["detail"]


def test_a_receipt_that_came_less_far_than_asked_is_not_a_success(
    sent: Path, world: World, registry: HttpRegistry
) -> None:
    assert submit(registry, "--vkey", "log.vkey").code == 0
    receipt = json.loads(registry.answer(registry.submitted()[0]).body)
    early = {**receipt, "state": "durable"}
    early = {name: early[name] for name in early if name not in ("proof", "endPath")}
    for wait, code in (("durable", 0), ("published", 2)):
        registry.script.append(Reply(201, json.dumps(early).encode()))
        done = submit(registry, "--vkey", "log.vkey", "--wait", wait, "--json")
        assert (done.code, done.json["verified"]) == (code, None)


def test_nothing_is_sent_when_the_receipt_could_not_be_kept(
    sent: Path, registry: HttpRegistry
) -> None:
    Path("receipt.json").write_text("precious")
    assert submit(registry, "--out", "receipt.json").code == 2
    assert registry.asked == []


# --- Verifying ---


def verify(world: World, *more: object, number: int = 0) -> Ended:
    policy = ["--policy", "policy.txt", "--at", "2026-11-21"]
    return run("verify", f"{number}.json", "--evidence", "e", *policy, *more)


def test_a_good_credential_holds_offline(world: World) -> None:
    world.evidence()
    done = verify(world, "--anchor", world.anchor, "--json")
    assert done.code == 0, done.out
    assert {check["verdict"] for check in done.json["checks"]} == {"holds"}
    shown = verify(world, "--anchor", world.anchor)
    assert "commitment" in shown.out
    assert "not proven" in shown.out


def test_a_verifier_key_stands_for_a_policy_without_witnesses(world: World) -> None:
    world.evidence()
    base = ["verify", "0.json", "--evidence", "e", "--at", "2026-11-21", "--anchor", world.anchor]
    assert run(*base, "--vkey", "log.vkey").code == 0
    assert run(*base, "--policy", "log.vkey").code == 0
    assert run(*base, "--policy", str(world.log.key)).code == 0


def test_anchors_come_from_a_file_too(world: World) -> None:
    world.evidence()
    Path("anchors.txt").write_text(f"# those I trust\n\n{world.anchor}\ndid:web:other.example\n")
    assert verify(world, "--anchors", "anchors.txt").code == 0
    Path("anchors.txt").write_text("somebody\n")
    assert verify(world, "--anchors", "anchors.txt").code == 2


def test_without_anchors_recognition_could_not_be_checked(world: World) -> None:
    world.evidence()
    done = verify(world, "--json")
    assert done.code == 2
    verdicts = {check["name"]: check["verdict"] for check in done.json["checks"]}
    assert verdicts["recognition"] == "could not check"
    assert set(verdicts.values()) == {"holds", "could not check"}


def test_a_changed_credential_is_refuted(world: World) -> None:
    world.evidence()
    holder = world.holders[0]
    holder.credential["name"] = "Brain Surgery"
    Path("0.json").write_bytes(render_holder_file(holder))
    done = verify(world, "--anchor", world.anchor)
    assert done.code == 1
    assert "refuted" in done.out


def test_dates_are_judged_at_the_time_asked_about(world: World) -> None:
    world.evidence()
    early = ["--policy", "policy.txt", "--anchor", world.anchor, "--at", "2026-11-19T23:59:59Z"]
    done = run("verify", "0.json", "--evidence", "e", *early, "--json")
    assert done.code == 1
    assert [c["name"] for c in done.json["checks"] if c["verdict"] == "refuted"] == ["validity"]


@pytest.mark.parametrize(
    "policy", ["log nonsense\nquorum none\n", "", "quorum none", "a+b+c", "\udcff\n"]
)
def test_a_malformed_policy_is_wrong_usage_and_no_verdict(world: World, policy: str) -> None:
    world.evidence()
    Path("p").write_bytes(policy.encode("utf-8", "surrogateescape"))
    done = run("verify", "0.json", "--evidence", "e", "--policy", "p")
    assert done.code == 2
    assert run("verify", "0.json", "--evidence", "e", "--policy", "nowhere.txt").code == 2


def test_a_bare_credential_is_told_apart_from_a_holder_file(world: World) -> None:
    world.evidence()
    Path("0.json").write_bytes(jcs(world.holders[0].credential))
    done = verify(world, "--json")
    assert (done.code, done.json["rule"]) == (1, "blind-missing")


def test_what_a_registry_gives_is_verified_like_a_file(
    world: World, registry: HttpRegistry
) -> None:
    base = ["verify", "0.json", "--url", registry.url, "--policy", "policy.txt"]
    assert run(*base, "--anchor", world.anchor, "--at", "2026-11-21").code == 0
    assert [asked.path for asked in registry.asked] == [
        f"/credentials/{world.holders[0].id}/evidence"
    ]
    assert all(asked.body == b"" for asked in registry.asked)


def test_evidence_comes_from_one_place(world: World) -> None:
    assert run("verify", "0.json", "--policy", "policy.txt").code == 2
    both = ["--evidence", "e", "--url", "http://127.0.0.1:9"]
    assert run("verify", "0.json", "--policy", "policy.txt", *both).code == 2
    assert run("evidence", "0.json").code == 2


def test_evidence_from_the_log_is_that_of_a_registry(world: World, registry: HttpRegistry) -> None:
    world.evidence()
    done = run("evidence", "0.json", "--url", registry.url, "--json")
    assert done.json["file"] == f"{world.holders[0].id}.testamur.json"
    assert Path(done.json["file"]).read_bytes() == Path("e").read_bytes()


def test_evidence_of_what_was_never_issued_is_unavailable(world: World) -> None:
    name = world.story.new_id()
    done = run("evidence", name, "--log", "log", "--vkey", "log.vkey", "--out", "e", "--json")
    assert (done.code, done.json["error"]) == (2, "unavailable")
    assert not Path("e").exists()


def test_a_credential_superseded_by_another_has_evidence_of_both(world: World) -> None:
    old, new, _ = world.holders
    line = ["event", "credential.superseded", f"credential={old.id}", f"successor={new.id}"]
    event = decode_event(run(*line).out.strip().encode())
    world.log.append(world.story.submission(world.story.provider, event))
    world.log.publish()
    world.evidence()
    done = verify(world, "--json")
    statuses = {c["name"]: c["detail"] for c in done.json["checks"] if c["verdict"] == "refuted"}
    assert statuses.keys() == {"status"}
    assert "superseded" in statuses["status"]


def test_a_status_is_shown_as_of_a_moment(world: World, registry: HttpRegistry) -> None:
    answer = {"status": "active", "issuer": {"id": "did:web:c", "name": "\x1b[31mCollege"}}
    registry.script.append(Reply(200, json.dumps(answer).encode()))
    done = run("status", "0.json", "--url", registry.url, "--at", "2026-11-21")
    assert done.code == 0
    assert "issuer.name" in done.out
    assert "\x1b" not in done.out
    assert registry.asked[0].query == {"at": "2026-11-21T00:00:00Z"}
    assert registry.asked[0].path == f"/credentials/{world.holders[0].id}"
    assert run("status", "0.json", "--url", registry.url, "--at", "today").code == 2
    assert run("status", "nobody", "--url", registry.url).code == 2
    assert run("status", "0.json", "--url", registry.url).code == 2  # not known there


# --- The whole log ---


def test_a_good_log_is_replayed_and_counted(world: World) -> None:
    done = run("replay", "log", "--vkey", "log.vkey", "--json")
    assert done.code == 0
    assert done.json["size"] == world.log.size
    assert done.json["keyFrom"] == "policy"
    assert done.json["credentials"] == {"active": 3}
    assert done.err == ""
    assert "It holds" in run("replay", "log", "--policy", "policy.txt").out


def test_a_log_is_replayed_over_http(world: World, registry: HttpRegistry) -> None:
    for place in (registry.url, f"{registry.url}/log/"):
        assert run("replay", place, "--vkey", "log.vkey").code == 0


def test_the_logs_own_word_for_its_key_is_named_as_such(world: World) -> None:
    done = run("replay", "log", "--json")
    assert done.json["keyFrom"] == "the log's own word"
    assert done.json["key"] == str(world.log.key)
    assert "could have made this log up" in done.err


def test_damage_is_named_with_its_place(world: World) -> None:
    tile = world.log.root / f"tile/0/000.p/{world.log.size}"
    tile.write_bytes(bytes(len(tile.read_bytes())))
    done = run("replay", "log", "--vkey", "log.vkey", "--json")
    assert done.code == 1
    assert done.json["error"] == "refuted"
    assert done.json["rule"] == "tile"
    assert done.json["where"].startswith("tile/0/000.p/")
    assert "refuted: tile/0/000.p/" in run("replay", "log", "--vkey", "log.vkey").err


def test_another_key_refutes_a_log(world: World) -> None:
    other = VerifierKey.of(world.story.origin, 1, world.story.provider.key.public.raw())
    assert run("replay", "log", "--vkey", str(other)).code == 1


def test_a_quorum_that_is_missed_refutes_a_log(world: World) -> None:
    witness = VerifierKey.of("witness.example", 4, world.story.provider.key.public.raw())
    lines = f"log {world.log.key}\nwitness w {witness}\nquorum w\n"
    Path("strict.txt").write_text(lines)
    done = run("replay", "log", "--policy", "strict.txt", "--json")
    assert done.code == 1
    assert "quorum" in done.json["detail"]


@pytest.mark.parametrize("place", ["nowhere", "http://127.0.0.1:9", "."])
def test_a_log_that_cannot_be_fetched_is_not_refuted(world: World, place: str) -> None:
    done = run("replay", f"{place}/empty", "--vkey", "log.vkey", "--json")
    assert (done.code, done.json["error"]) == (2, "unavailable")


@pytest.mark.parametrize("form", ["ndjson", "csv", "parquet"])
def test_a_log_is_exported(world: World, form: str) -> None:
    done = run("export", "log", "--vkey", "log.vkey", "--format", form, "--out", "out", "--json")
    assert done.code == 0
    assert done.json["rows"] == 9
    assert Path("out").stat().st_size > 0
    assert run("export", "log", "--vkey", "log.vkey", "--format", form, "--out", "out").code == 2


def test_a_damaged_log_is_not_exported(world: World) -> None:
    world.log.republish([*world.log.entries[:-1], b"{}"])
    done = run("export", "log", "--vkey", "log.vkey", "--out", "out")
    assert done.code == 1
    assert not Path("out").exists()


# --- Everywhere ---


def test_the_version_is_told() -> None:
    assert run("--version").out == f"testamur {__version__}\n"


def commands() -> list[str]:
    groups = [group.typer_instance for group in app.registered_groups]
    found = [each for group in groups if group for each in group.registered_commands]
    return sorted(
        each.name or each.callback.__name__ for each in found if each.callback is not None
    )


@pytest.mark.parametrize("command", commands())
def test_every_command_has_an_example_and_json(command: str) -> None:
    done = run(command, "--help")
    assert done.code == 0
    assert f"testamur {command} " in done.out
    assert "Example" in done.out
    assert "--json" in done.out


def test_nothing_at_all_is_answered_with_help() -> None:
    done = run()
    assert done.code == 2
    assert "Usage" in done.out + done.err


def test_a_bug_is_not_taken_for_a_verdict() -> None:
    broken = typer.Typer(cls=Commands, pretty_exceptions_enable=False)

    @broken.command()
    def fail() -> None:
        raise ZeroDivisionError

    @broken.command()
    def pass_() -> None:
        pass

    done = CliRunner().invoke(broken, ["fail"])
    assert isinstance(done.exception, ZeroDivisionError)


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert plain("a\x1b[2K\r\u202eb\n") == "a\\x1b[2K\\r\\u202eb\n"
    assert plain("é 中 ✓ ok") == "é 中 ✓ ok"


def process(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-m", "testamur", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, env=environment, text=True, stdout=pipe, stderr=pipe, **options
    )


def ended(started: subprocess.Popen[str]) -> Ended:
    with started:
        out, err = started.communicate(timeout=60)
    return Ended(started.returncode, out, err)


def test_it_runs_as_a_module(world: World) -> None:
    done = ended(process("replay", "log", "--vkey", "log.vkey", "--json"))
    assert done.code == 0
    assert json.loads(done.out)["size"] == world.log.size
    assert done.err == ""
    done = ended(process("replay", "nowhere"))
    assert done.code == 2
    assert "Traceback" not in done.err


def test_an_interrupted_command_ends_quietly_and_leaves_nothing(
    world: World, registry: HttpRegistry
) -> None:
    registry.script += ["unheard"] * 100
    where = ["--url", registry.url, "--vkey", "log.vkey", "--out", "r"]
    Path("s").write_bytes(world.story.cohort(1))
    started = process("submit", "s", *where)
    while not registry.asked:
        time.sleep(0.02)
    started.send_signal(signal.SIGINT)
    done = ended(started)
    assert done.code == 130
    assert "Traceback" not in done.err
    assert not Path("r").exists()


def test_the_clock_of_signing_is_utc(at: Path, now: Story) -> None:
    key_file(at, now.provider, "a.key")
    (at / "e").write_bytes(encode_event(now.issued()) + b"\n")
    arguments = ["sign", "e", "--key", "a.key", "--log", now.origin, "--out", "s", "--json"]
    signed = run(*arguments).json["iat"]
    assert abs(signed - datetime.now(UTC).timestamp()) < 10
