"""A page asks the register by the id alone, judges what it answers, and takes no other answer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from testamur.catalogue import events as e
from tests.cli.commands import World, run
from tests.harness.http_registry import Asked, HttpRegistry, Reply
from tests.harness.page_modules import ask
from tests.harness.story import Story


class Register(HttpRegistry):
    """A registry that states `flags` of an issuance, and serves the keys of its log."""

    flags: Any = ()

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/log/vkey":
            return Reply(200, f"{self.log.key}\n".encode())
        if asked.path.startswith("/credentials/") and asked.path.count("/") == 2:
            return Reply(200, json.dumps({"flags": self.flags}).encode())
        return super().answer(asked)


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def world(at: Path) -> World:
    return World(at, Story(now=int(time.time())))


@pytest.fixture
def register(world: World) -> Iterator[Register]:
    with Register(world.log) as found:
        yield found


def by_page(register: HttpRegistry, *files: str, **more: Any) -> Any:
    """Return the report of a page that the register serves, on these files of the folder."""
    texts = [Path(file).read_text("utf-8") for file in files]
    (report,) = ask("asked", [{"origin": register.url, "given": texts, **more}])
    return report


def by_command(register: HttpRegistry, *more: str) -> Any:
    done = run("verify", "0.json", "--url", register.url, "--vkey", "log.vkey", "--json", *more)
    return done.json


def same(page: Any, command: Any) -> None:
    for name in command.keys() - {"checkedAt", "notes"}:
        assert page[name] == command[name], name
    # The command tells of options.
    assert [note.split(" (--")[0] for note in command["notes"]] == page["notes"]


def test_what_the_register_states_is_judged_as_the_command_does(register: Register) -> None:
    page = by_page(register, "0.json")

    assert (page["verdict"], page["evidenceFrom"]) == ("valid", "register")
    same(page, by_command(register))


def test_nothing_is_sent_but_the_id(register: Register, world: World) -> None:
    by_page(register, "0.json", "1.json", world.evidence(), anchors=[world.anchor])
    id_ = world.holders[0].id

    paths = [asked.path for asked in register.asked]
    assert paths == [f"/credentials/{id_}/evidence", f"/credentials/{id_}", "/log/vkey"]
    assert [asked.query for asked in register.asked] == [{"anchor": world.anchor}, {}, {}]
    for asked in register.asked:
        assert (asked.method, asked.body) == ("GET", b"")
        assert {"cookie", "referer", "authorization"}.isdisjoint(map(str.lower, asked.headers))


def test_flags_that_the_register_states_are_told_as_stated(register: Register) -> None:
    register.flags = ["backdated", "self-recognition", "of-another-kind"]
    page, command = by_page(register, "0.json"), by_command(register)

    assert page["flags"] == command["flags"]
    assert {flag["basis"] for flag in page["flags"]} == {"stated by the register"}
    unknown = "The registry states a flag that this version does not know: of-another-kind"
    told = [unknown, *(note.split(" (--")[0] for note in command["notes"])]
    assert sorted(page["notes"]) == sorted(told)


@pytest.mark.parametrize("flags", [None, "backdated", [1], {"a": 1}])
def test_flags_of_no_form_change_no_verdict(register: Register, flags: Any) -> None:
    register.flags = flags
    page = by_page(register, "0.json")

    assert page["verdict"] == "valid"
    assert any("flags in an unknown form" in note for note in page["notes"])


def test_a_register_that_states_no_flags_is_told_about(register: Register, world: World) -> None:
    evidence = Path(world.evidence()).read_bytes()
    register.script.extend([Reply(200, evidence), Reply(500)])
    page = by_page(register, "0.json")

    assert page["verdict"] == "valid"
    assert any("does not state how the issuance was flagged" in note for note in page["notes"])


# --- Answers that are none ---


def answered(register: Register, world: World, *replies: Reply, **more: Any) -> str:
    register.script.extend(replies)
    asked = {"origin": register.url, "id": world.holders[0].id, **more}
    (answer,) = ask("askRegister", [asked])
    why: str = answer["unavailable"]
    return why


def evidence_of(world: World, number: int, **members: Any) -> Reply:
    found = json.loads(Path(world.evidence(number)).read_bytes()) | members
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return Reply(200, text.encode())


def test_evidence_about_another_credential_is_no_answer(register: Register, world: World) -> None:
    why = answered(register, world, evidence_of(world, 1))
    assert f"answered about {world.holders[1].id}" in why


def test_evidence_as_of_an_earlier_size_is_no_answer(register: Register, world: World) -> None:
    why = answered(register, world, evidence_of(world, 0, size=3))
    assert "answered as of size 3, and was asked about now" in why


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b"[" * 100_000, b'{"checkpoint":1}'])
def test_what_is_no_evidence_is_no_answer(register: Register, world: World, body: bytes) -> None:
    assert "answered with no evidence" in answered(register, world, Reply(200, body))


def test_a_redirection_is_not_followed(register: Register, world: World) -> None:
    moved = Reply(302, b"", {"Location": f"{register.url}/elsewhere"})
    answered(register, world, moved)
    assert [asked.path for asked in register.asked] == [
        f"/credentials/{world.holders[0].id}/evidence"
    ]


def test_a_problem_is_told_in_the_words_of_the_register(register: Register, world: World) -> None:
    gone = Reply.problem(404, rule="unknown-id", detail="there is no such \u202e credential")
    why = answered(register, world, gone)
    assert "answered 404: unknown-id: there is no such \\u202e credential" in why


def test_a_register_that_is_busy_is_asked_again(register: Register, world: World) -> None:
    register.script.extend([Reply.problem(503), Reply.problem(429, retry_after=1)])
    asked = {"origin": register.url, "id": world.holders[0].id, "patience": 60}
    (answer,) = ask("askRegister", [asked])

    assert answer["evidenceFrom"] == "register"
    assert "answered 503" in answered(register, world, Reply.problem(503), patience=0.1)


def test_a_register_that_nobody_answers_for_is_told_about(register: Register) -> None:
    (answer,) = ask("askRegister", [{"origin": "http://127.0.0.1:9", "id": "an-id"}])
    assert "http://127.0.0.1:9 cannot be reached" in answer["unavailable"]


def test_without_tls_no_other_machine_is_asked() -> None:
    cases = [{"origin": "http://registry.example", "id": "an-id"}]
    (answer,) = ask("askRegister", cases)
    assert "is asked without TLS" in answer["unavailable"]


def test_no_more_anchors_are_asked_about_than_evidence_shows(
    register: Register, world: World
) -> None:
    assert "at most 8 anchors" in answered(register, world, anchors=[world.anchor] * 9)
    assert register.asked == []


# --- Files beside the register ---

KEY: Final = "log.vkey"


def revoke(world: World) -> None:
    revoked = e.CredentialRevoked(credential=world.holders[0].id, reason="misconduct")
    world.log.append(world.story.submission(world.story.provider, revoked))
    world.log.publish()


def test_a_revocation_since_the_file_was_made_is_learned_from_the_register(
    register: Register, world: World
) -> None:
    file = world.evidence()
    revoke(world)
    page = by_page(register, "0.json", file)

    assert (page["verdict"], page["evidenceFrom"]) == ("not-valid", "register")
    assert page["facts"]["status"]["word"] == "revoked"
    same(page, by_command(register, "--evidence", file))


def test_a_revocation_that_a_register_leaves_out_is_shown_by_a_file(
    register: Register, world: World
) -> None:
    before = evidence_of(world, 0)
    revoke(world)
    done = run("evidence", "0.json", "--log", "log", "--vkey", KEY, "--out", "later")
    assert done.code == 0, done.err
    register.script.extend([before, Reply(200, b'{"flags":[]}')])
    page = by_page(register, "0.json", "later", policy=Path("policy.txt").read_text())

    assert (page["verdict"], page["evidenceFrom"]) == ("not-valid", "file")


def test_a_file_that_does_not_hold_changes_nothing_that_the_register_shows(
    register: Register, world: World
) -> None:
    shown = json.loads(evidence_of(world, 0).body)
    shown["submissions"][0]["inclusion"][0] = "A" * 43 + "="
    Path("bent").write_text(
        json.dumps(shown, ensure_ascii=False, separators=(",", ":"), sort_keys=True), "utf-8"
    )
    page = by_page(register, "0.json", "bent")

    assert page["verdict"] == "valid"
    assert any(note.startswith("The file does not hold") for note in page["notes"])


def test_without_the_register_files_are_judged_alone(world: World) -> None:
    gone = {
        "origin": "http://127.0.0.1:9",
        "given": [Path("0.json").read_text(), Path(world.evidence()).read_text()],
        "policy": Path("policy.txt").read_text(),
    }
    alone = {**gone, "given": gone["given"][:1]}
    with_file, without = ask("asked", [gone, alone])

    assert (with_file["verdict"], with_file["evidenceFrom"]) == ("could-not-tell", "file")
    assert any("is judged by files alone" in note for note in with_file["notes"])
    assert with_file["facts"]["status"]["basis"] == "the bearer's word"
    assert (without["verdict"], without["checks"]) == ("could-not-tell", [])
    assert "cannot be reached" in without["why"]
