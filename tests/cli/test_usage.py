"""Wrong usage and a server that is not there are told once, with what to do instead."""

from __future__ import annotations

import time
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from testamur import __version__
from testamur.badges.cohort_csv import Offering, read_given
from testamur.catalogue.lines import decode_event
from testamur.catalogue.members import Reason
from testamur.errors import Refusal
from tests.cli.commands import World, key_file, run
from tests.harness.http_registry import HttpRegistry, Reply

_ID = "019a3b1c-7f00-7abc-8def-0123456789ab"
_NOBODY = "http://127.0.0.1:9"


def test_the_short_options_that_people_try_first() -> None:
    assert run("-V").out == f"testamur {__version__}\n"
    assert run("-h").out == run("--help").out
    assert run("revoke", "-h").out == run("revoke", "--help").out


# --- Words of which only some are allowed ---


def test_an_option_lists_the_words_it_takes() -> None:
    done = run("revoke", _ID, "--reason", "because", "--json")
    assert (done.code, done.json["error"]) == (2, "usage")
    assert all(word in done.json["detail"] for word in get_args(Reason))
    assert done.json["detail"].startswith("Invalid value for '--reason': 'because' is not one of ")


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["credential.revoked", f"credential={_ID}", "reason=because"], "$.reason"),
        (["key.listed", "as=both", "key=z6Mk"], "$.as"),
        (["achievement.defined", "achievement=new", "definition.name=A",
          "definition.achievementType=B", "definition.assessment=exam"], "$.definition.assessment"),
    ],
)  # fmt: skip
def test_a_member_lists_the_words_it_takes(words: list[str], place: str) -> None:
    done = run("event", *words, "--json")
    assert done.code == 1
    assert f"{place}" in done.json["detail"]
    assert " is one of " in done.json["detail"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"type":"nothing/1"}', "$.type is one of log.opened/1, organization.registered/1, "),
        ('{"as":"both","key":"z6","type":"key.listed/1"}', "$.as is one of recovery, signing"),
        (
            '{"definition":{"level":{"framework":"X"}},"type":"achievement.defined/1"}',
            "$.definition.level.framework is one of EQF, QF-EHEA",
        ),
    ],
)
def test_a_line_lists_the_words_that_its_member_takes(line: str, words: str) -> None:
    with pytest.raises(Refusal) as caught:
        decode_event(line.encode())
    assert caught.value.detail.startswith(words)


def test_a_file_of_settings_lists_the_words_that_its_member_takes() -> None:
    found = {"a": {"definition": {"supervision": "some"}}}
    with pytest.raises(Refusal, match="supervision is one of none, supervised, "):
        read_given(msgspec.json.encode(found), dict[str, Offering])


# --- Which key signs ---


def test_a_kid_that_is_looked_for_or_forgotten_is_explained(world: World) -> None:
    key_file(world.folder, world.story.provider, "the.key")
    Path("e").write_bytes(world.story.cohort(1).partition(b"\n")[2])
    base = ["sign", "e", "--log", "log.example", "--out", "s", "--key", "the.key", "--json"]
    for done in (run(*base), run(*base, "--kid", "did:key:z6Mk#z6Mk")):
        assert done.code == 2
        assert "--keys DIR" in done.json["detail"]
        assert "--organization DID" in done.json["detail"]


# --- A server that is not there ---


@pytest.mark.parametrize(
    "command",
    [
        ["status", _ID, "--url", _NOBODY],
        ["verify", "0.json", "--url", _NOBODY, "--vkey", "log.vkey"],
        ["evidence", _ID, "--url", _NOBODY],
        ["evidence", _ID, "--log", _NOBODY],
        ["replay", _NOBODY],
        ["keys", "did:key:z6MkqsjUJMVtPgESnwwJMqEdhp4irkdhqR5ZDpbhfhQQjMh5", "--url", _NOBODY],
    ],
)
def test_nobody_at_an_address_is_one_line_at_once(world: World, command: list[str]) -> None:
    before = time.monotonic()
    done = run(*command)
    assert (done.code, done.out) == (2, "")
    assert done.err.removeprefix("Could not tell: ").startswith(_NOBODY)
    assert done.err.endswith("cannot be reached: Connection refused\n")
    assert done.err.count("\n") == 1
    assert time.monotonic() - before < 5


@pytest.mark.parametrize(
    "address",
    [
        "https://ada:Secret99@registry.example",
        "https://Secret99@registry.example",
        "https://registry.example/?token=Secret99",
        "https://registry.example/#Secret99",
        "https://ada:Secret99@",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_shown(
    world: World, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTAMUR_URL", address)
    for command in (
        ["profile", "--url", address],
        ["status", _ID, "--url", address],
        ["verify", "0.json", "--url", address, "--vkey", "log.vkey"],
        ["verify", "0.json", "--vkey", "log.vkey", "--json"],
        ["evidence", _ID, "--log", address],
        ["replay", address],
        ["replay", "-h"],
    ):
        done = run(*command)
        assert "Secret99" not in done.out + done.err, command
        assert (done.code, done.out == "") == (2, "--json" not in command) or "-h" in command


def test_a_busy_registry_is_waited_for_and_told_of_once(
    world: World, registry: HttpRegistry
) -> None:
    registry.script += [Reply.problem(503, rule="overloaded", detail="the queue is full")] * 2
    done = run("evidence", "0.json", "--url", registry.url)
    assert done.code == 0
    assert done.err.count("the queue is full") == 1
