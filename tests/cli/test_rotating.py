"""A new signing key is listed and the old one retired in one step, or nothing is made."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from testamur.catalogue.events import KeyListed, KeyRetired
from testamur.catalogue.submission import parse
from testamur.cli.key_folder import KeyFolder
from testamur.verification.replay import replay
from tests.cli.commands import World, key_folder, run


@pytest.fixture
def keys(world: World) -> Path:
    key_folder(world.folder / "keys", world.story.provider)
    return world.folder / "keys"


def rotate(world: World, *more: object) -> list[object]:
    return ["rotate-key", "--keys", "keys", "--log", world.story.origin, *more]


def test_the_new_key_signs_from_then_on_and_the_old_one_no_more(world: World, keys: Path) -> None:
    old = KeyFolder.read(keys).named("signing-1")
    done = run(*rotate(world, "--out", "s", "--json"))
    assert done.code == 0, done.err
    assert (done.json["new key"], done.json["retires"]) == ("signing-2", "signing-1")
    assert done.json["signed by"] == "recovery-1"
    new = KeyFolder.read(keys).named("signing-2")
    submission = parse(Path("s").read_bytes())
    assert submission.events == [KeyListed(as_="signing", key=new.key), KeyRetired(key=old.key)]
    world.log.append(Path("s").read_bytes(), recorded_at=int(time.time() * 1000))
    Path("e").write_bytes(world.story.cohort(1).partition(b"\n")[2])
    run("sign", "e", "--keys", "keys", "--log", world.story.origin, "--out", "next")
    assert parse(Path("next").read_bytes()).header.key_id == new.key
    world.log.append(Path("next").read_bytes(), recorded_at=int(time.time() * 1000))
    world.log.publish()
    replayed = replay(world.log.source(), world.log.key)
    table = replayed.register.organizations[world.story.provider.did].keys
    assert [table.keys[each].in_force for each in (old.key, new.key)] == [False, True]


def test_without_a_recovery_key_at_hand_no_key_is_made(world: World, keys: Path) -> None:
    (keys / "recovery-1.key").rename("stick.key")
    (keys / "founding-key.txt").unlink()
    before = sorted(keys.iterdir())
    done = run(*rotate(world, "--out", "s"))
    assert done.code == 2
    assert "recovery-1" in done.err
    assert sorted(keys.iterdir()) == before
    assert run(*rotate(world, "--out", "s", "--key", "stick.key")).code == 0


def test_nothing_is_made_if_the_submission_could_not_be_written(world: World, keys: Path) -> None:
    Path("s").touch()
    assert run(*rotate(world, "--out", "s")).code == 2
    assert len(KeyFolder.read(keys).with_use("signing")) == 1


def test_a_key_that_was_made_before_is_listed_and_the_old_one_may_stay(
    world: World, keys: Path
) -> None:
    run("keygen", "--out", "keys", "--more", "signing")
    done = run(*rotate(world, "--out", "s", "--new", "signing-2", "--keep", "--json"))
    assert (done.json["new key"], done.json["retires"]) == ("signing-2", None)
    made = KeyFolder.read(keys).named("signing-2")
    assert parse(Path("s").read_bytes()).events == [KeyListed(as_="signing", key=made.key)]


@pytest.mark.parametrize(
    "more",
    [
        ["--new", "signing-1", "--retire", "signing-1"],
        ["--new", "signing-1"],
        ["--retire", "recovery-1"],
        ["--retire", "signing-9"],
        ["--new", "founding-key.txt"],
    ],
)
def test_another_key_than_a_signing_key_of_the_folder_is_refused(
    world: World, keys: Path, more: list[str]
) -> None:
    done = run(*rotate(world, "--out", "s", *more, "--json"))
    assert done.code == 1
    assert done.json["rule"] in ("key-use", "unknown-key")
    assert not Path("s").exists()
    assert len(KeyFolder.read(keys).keys) == 3
