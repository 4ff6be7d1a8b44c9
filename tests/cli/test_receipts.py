"""A theft is noticed: what was submitted in one's name without a receipt is named."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from testamur.cli.receipts import receipts_of
from tests.cli.commands import World, key_folder, run
from tests.cli.robbed import Robbed
from tests.harness.awards import cohort, offering, provider
from tests.harness.http_registry import HttpRegistry
from tests.harness.story import Story


def keys(robbed: Robbed, *more: str) -> list[str]:
    return ["keys", "--keys", "keys", "--url", robbed.served.url, *more]


@pytest.mark.server
def test_a_receipt_is_kept_beside_the_keys(robbed: Robbed) -> None:
    receipt = robbed.says(robbed.story.issued())
    assert receipts_of(robbed.keys, robbed.story.origin)[receipt.position] == receipt
    again = robbed.submits("events-1")
    assert (again.code, again.json["repeated"], again.json["withoutReceipt"]) == (0, True, [])


@pytest.mark.server
def test_a_theft_is_told_by_each_command_that_asks_the_register(robbed: Robbed) -> None:
    story = robbed.story
    robbed.says(story.issued())
    stolen = robbed.thief_says(story.issued(), story.issued())

    name = robbed.writes([story.issued()])
    assert robbed.signs(name).code == 0
    words = ["--url", robbed.served.url, "--vkey", "log.vkey", "--keys", "keys"]
    done = run("submit", f"{name}.signed", *words)
    assert done.code == 0  # the submission itself holds
    assert "1 submissions in your name have no receipt in keys/receipts" in done.err
    assert f"position {stolen.position}, 2 events" in done.err
    assert "by signing-1" in done.err
    assert "submit its file again" in done.err
    assert "testamur recover --keys keys" in done.err
    assert robbed.submits(name).json["withoutReceipt"] == [stolen.position]

    told = run(*keys(robbed))
    assert told.code == 0
    assert "somebody else may hold your key" in told.err

    (robbed.folder / "cohort.csv").write_bytes(cohort(2))
    (robbed.folder / "soils.json").write_bytes(msgspec.json.encode(offering(story)))
    (robbed.folder / "college.json").write_bytes(msgspec.json.encode(provider(story)))
    settings = ["--achievement", "soils.json", "--provider", "college.json", "--out", "spring"]
    asked = ["--keys", "keys", "--url", robbed.served.url]
    prepared = run("prepare", "cohort.csv", *settings, *asked)
    assert prepared.code == 0, prepared.out + prepared.err
    assert "somebody else may hold your key" in prepared.err


@pytest.mark.server
def test_a_stranger_is_told_of_until_there_is_a_receipt(robbed: Robbed) -> None:
    """What was looked at before is not asked for again, unless something was strange in it."""
    story = robbed.story
    robbed.says(story.issued())
    colleague = robbed.thief_says(story.issued())
    for _ in range(2):
        robbed.says(story.issued())
        done = run(*keys(robbed, "--json"))
        assert done.json["withoutReceipt"] == [colleague.position]
    Path("keys/receipts/colleague.json").write_bytes(msgspec.json.encode(colleague))
    assert run(*keys(robbed, "--json")).json["withoutReceipt"] == []
    robbed.says(story.issued())
    theft = robbed.thief_says(story.issued())
    name = robbed.writes([story.issued()])
    robbed.signs(name)
    assert robbed.submits(name).json["withoutReceipt"] == [theft.position]


@pytest.mark.server
def test_a_submission_whose_answer_was_lost_is_no_stranger_when_it_is_sent_again(
    robbed: Robbed,
) -> None:
    name = robbed.writes([robbed.story.issued()])
    robbed.signs(name)
    robbed.served.submit((robbed.folder / f"{name}.signed").read_bytes())
    done = robbed.submits(name)
    assert (done.json["repeated"], done.json["withoutReceipt"]) == (True, [])


def test_a_register_that_lists_nothing_stops_nobody(at: Path, now: Story, tmp_path: Path) -> None:
    world = World(at, now)
    key_folder(at / "keys", now.provider)
    with HttpRegistry(world.log) as registry:
        Path("s").write_bytes(world.story.cohort(1))
        words = ["--url", registry.url, "--vkey", "log.vkey", "--keys", "keys"]
        done = run("submit", "s", *words)
    assert done.code == 0
    assert "could not be told whether others submit in your name" in done.err
    assert len(list(Path("keys/receipts").glob("*.json"))) == 1


def test_another_organizations_submission_does_not_go_with_these_keys(at: Path, now: Story) -> None:
    key_folder(at / "keys", now.accreditor)
    Path("s").write_bytes(now.cohort(1))
    done = run("submit", "s", "--url", "http://127.0.0.1:9", "--keys", "keys", "--json")
    assert (done.code, done.json["rule"]) == (1, "key-folder")


@pytest.mark.parametrize("content", [b"{}", b"\xff", b"[]"])
def test_a_file_that_is_no_receipt_is_named(at: Path, now: Story, content: bytes) -> None:
    folder = key_folder(at / "keys", now.provider)
    (folder.path / "receipts").mkdir()
    (folder.path / "receipts/odd.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"odd\.json"):
        receipts_of(folder, now.origin)


@pytest.mark.slow
def test_prepare_asks_nobody_about_keys_that_it_does_not_have(at: Path) -> None:
    done = run(
        "prepare", "a.csv", "--achievement", "x", "--out", "o", "--url", "http://127.0.0.1:9"
    )
    assert done.code == 2
    assert "needs --keys, or --key and --provider" in done.err


def test_a_registry_that_is_not_there_is_told_in_one_line_and_not_waited_for(
    at: Path, now: Story
) -> None:
    Path("s").write_bytes(now.cohort(1))
    done = run("submit", "s", "--url", "http://127.0.0.1:9")
    assert (done.code, done.err) == (
        2,
        "http://127.0.0.1:9 cannot be reached: Connection refused\n",
    )
