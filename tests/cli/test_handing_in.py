"""Handing a submission in, and what its receipt shows."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from testamur.catalogue.lines import encode_event
from testamur.tlog.note import VerifierKey
from testamur.verification.receipt import parse_receipt
from tests.cli.commands import Ended, World, run
from tests.harness.http_registry import HttpRegistry, Reply
from tests.harness.story import Story

# --- Preparing ---


@pytest.fixture
def world(at: Path, now: Story) -> World:
    """Return a log that is kept now, since a receipt is compared with the clock."""
    return World(at, now)


@pytest.fixture
def sent(world: World) -> Path:
    Path("s").write_bytes(world.story.cohort(4))
    return Path("s")


def submit(registry: HttpRegistry, *more: str) -> Ended:
    return run("submit", "s", "--url", registry.url, "--patience", "0", *more)


@pytest.mark.slow
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


def test_nothing_is_submitted_to_another_log_than_the_policys(
    sent: Path, world: World, registry: HttpRegistry
) -> None:
    other = VerifierKey.of(world.story.origin, 1, world.story.provider.key.public.raw())
    done = submit(registry, "--vkey", str(other), "--out", "receipt.json", "--json")
    assert (done.code, done.json["error"]) == (2, "unavailable")
    assert "nothing was submitted" in done.json["detail"]
    assert registry.submitted() == []
    assert not Path("receipt.json").exists()


def test_a_receipt_that_the_policy_does_not_believe_is_refuted_and_kept(
    sent: Path, world: World, registry: HttpRegistry
) -> None:
    witness = VerifierKey.of("witness.example", 4, world.story.provider.key.public.raw())
    Path("strict.txt").write_text(f"log {world.log.key}\nwitness w {witness}\nquorum w\n")
    done = submit(registry, "--policy", "strict.txt", "--out", "receipt.json", "--json")
    assert (done.code, done.json["error"]) == (1, "refuted")
    assert "quorum" in done.json["detail"]
    assert Path("receipt.json").exists()


def test_events_are_not_handed_in_unsigned(world: World, registry: HttpRegistry) -> None:
    Path("e").write_bytes(encode_event(world.story.issued()) + b"\n")
    done = run("submit", "e", "--url", registry.url, "--json")
    assert (done.code, done.json["rule"]) == (1, "submission-file")
    assert done.json["detail"] == "e: not signed yet: testamur sign e"
    assert registry.asked == []


def test_without_a_policy_the_user_is_told_whose_word_is_taken(
    sent: Path, registry: HttpRegistry
) -> None:
    done = submit(registry)
    assert done.code == 0
    assert "the log's own word" in done.err


def test_flags_that_one_can_mend_stop_it_with_what_to_do(
    sent: Path, registry: HttpRegistry
) -> None:
    flag = {"count": 4, "firstLine": 2, "mendedBy": "sender"}
    flags = [
        {**flag, "code": "elements-missing", "details": ["assessment, \x1b[31mqualityAssurance"]},
        {**flag, "code": "of-a-later-version", "remedy": "do this"},
        {**flag, "code": "review-overdue", "mendedBy": "accreditor"},
        {**flag, "code": "backdated", "mendedBy": "an oracle"},
    ]
    problem: dict[str, Any] = {
        "rule": "flags-refused",
        "detail": "it would be flagged",
        "line": 2,
        "flags": flags,
    }
    registry.script.append(Reply.problem(422, **problem))
    done = submit(registry, "--vkey", "log.vkey", "--out", "r")
    assert done.code == 1
    assert "elements-missing: 4 times, first on line 2" in done.err
    assert "assessment, \\x1b[31mqualityAssurance" in done.err
    assert "state them: revise the definition" in done.err
    assert "What to do: do this." in done.err
    assert "you can mend 3 of these flags" in done.err
    assert "write to the accreditor" in done.err
    assert not Path("r").exists()


def test_flags_are_accepted_if_that_is_said(sent: Path, registry: HttpRegistry) -> None:
    for option, flags in (([], "refuse"), (["--accept-flags"], "admit")):
        assert submit(registry, "--vkey", "log.vkey", *option).code == 0
        assert registry.submitted()[-1].query == {"wait": "published", "flags": flags}


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_receipt_that_proves_nothing_is_no_success_whatever_it_says(
    sent: Path, world: World, registry: HttpRegistry
) -> None:
    assert submit(registry, "--vkey", "log.vkey").code == 0
    receipt = json.loads(registry.answer(registry.submitted()[0]).body)
    bare = {name: receipt[name] for name in receipt if name not in ("proof", "endPath")}
    other = world.story.cohort(4)
    header = other.split(b"\n")[0].decode()
    entry = json.dumps(
        {"recordedAt": receipt["recordedAt"], "submission": header}, separators=(",", ":")
    )
    for told, wait, code in (
        ({**bare, "state": "published"}, "published", 2),
        ({**bare, "state": "witnessed"}, "witnessed", 2),
        ({**receipt, "state": "witnessed"}, "witnessed", 2),  # the policy asks for no witness
        ({**bare, "state": "durable", "entry": entry}, "durable", 1),
        ({**bare, "state": "durable", "entry": "nothing"}, "durable", 1),
        ({**bare, "state": "durable", "log": "other.example/log"}, "durable", 1),
        ({**bare, "state": "durable", "recordedAt": "2026-11-21T00:00:00.000Z"}, "durable", 1),
        ({**bare, "state": "durable", "position": -7}, "durable", 2),
    ):
        registry.script.append(Reply(201, json.dumps(told).encode()))
        done = submit(registry, "--vkey", "log.vkey", "--wait", wait)
        assert done.code == code, (told, done.err)


def test_nothing_is_sent_when_the_receipt_could_not_be_kept(
    sent: Path, registry: HttpRegistry
) -> None:
    Path("receipt.json").write_text("precious")
    assert submit(registry, "--out", "receipt.json").code == 2
    assert registry.asked == []


# --- The time in a receipt ---


def lagging(world: World, seconds: int) -> None:
    """Let the log say of what it records that it was so long ago."""
    world.log._clock = lambda: int((time.time() - seconds) * 1000)


def handed_in(world: World, registry: HttpRegistry, signed: int, *more: str) -> Ended:
    """Submit what was signed so many seconds ago."""
    story = world.story
    body = story.submission(story.provider, story.issued(), iat=int(time.time()) - signed)
    Path("s").write_bytes(body)
    return submit(registry, "--vkey", "log.vkey", "--out", f"r{signed}", *more)


def test_a_log_that_records_as_of_before_the_signature_is_refuted(
    world: World, registry: HttpRegistry
) -> None:
    lagging(world, 3600)
    done = handed_in(world, registry, 0, "--json")
    assert (done.code, done.json["rule"]) == (1, "issued-at")
    assert Path("r0").exists()  # it is evidence against the log


@pytest.mark.slow
@pytest.mark.parametrize("signed", [200, 3 * 24 * 3600])
@pytest.mark.parametrize("lag", [400, 24 * 3600])
def test_a_log_that_records_as_of_before_the_sending_is_doubted(
    world: World, registry: HttpRegistry, lag: int, signed: int
) -> None:
    lagging(world, lag)
    done = handed_in(world, registry, signed)
    if lag > signed + 300:
        assert (done.code, "issued-at" in done.err) == (1, True)
        return
    assert done.code == 2
    assert "recorded-at: the log says that it recorded this at" in done.err
    assert "its clock or the one here is wrong" in done.err


def test_a_log_that_records_as_of_a_time_to_come_is_doubted(
    world: World, registry: HttpRegistry
) -> None:
    lagging(world, -3600)
    done = handed_in(world, registry, 0, "--json")
    assert (done.code, done.json["verified"]["size"]) == (2, world.log.size)
    assert "when its receipt came" in done.json["doubt"]
    offline = ["verify-receipt", "r0", "--submission", "s", "--vkey", "log.vkey"]
    assert run(*offline).code == 2


def test_clocks_may_differ_by_five_minutes(world: World, registry: HttpRegistry) -> None:
    for seconds in (240, -240):
        lagging(world, seconds)
        Path("r0").unlink(missing_ok=True)
        assert handed_in(world, registry, 0).code == 0


@pytest.mark.slow
def test_what_was_recorded_before_is_not_doubted_for_its_age(
    world: World, registry: HttpRegistry
) -> None:
    lagging(world, 3600)
    handed_in(world, registry, 3600)
    again = submit(registry, "--vkey", "log.vkey", "--json")
    assert (again.code, again.json["repeated"], again.json["doubt"]) == (0, True, None)
    offline = ["verify-receipt", "r3600", "--submission", "s", "--vkey", "log.vkey"]
    assert run(*offline).code == 0
