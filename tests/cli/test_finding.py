"""A learner's holder files are found by what is hashed in them, and a doubt is no answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testamur.badges.commitment import render_holder_file
from tests.cli.commands import Ended, World, run
from tests.harness.awards import awards
from tests.harness.spring import spring


@pytest.fixture
def kept(world: World) -> Path:
    """Return a folder as a provider keeps it: three holder files, and others."""
    folder = Path("spring/holders")
    folder.mkdir(parents=True)
    for number in range(3):
        Path(f"{number}.json").rename(folder / f"{number}.json")
    Path("spring/events.ndjson").touch()
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


def found(done: Ended) -> list[str]:
    return [Path(json.loads(line)["file"]).name for line in done.out.splitlines()]


def test_a_learner_is_found_in_any_spelling_that_means_the_same(world: World, kept: Path) -> None:
    sources = {made.learners[0]: made.holder.id for made in awards(world.story, 3).made}
    assert set(sources) == {f"learner{number}@example.org" for number in range(3)}
    names = []
    for number in range(3):
        for who in (f"learner{number}@example.org", f" learner{number}@EXAMPLE.ORG"):
            done = run("find", "spring", "--learner", who, "--json")
            assert done.code == 0, done.err
            assert "1 found among 3 credentials; 1 other files" in done.err
            names += found(done)
    assert sorted(names) == sorted([f"{number}.json" for number in range(3)] * 2)


def test_the_file_that_is_found_is_shown_with_what_it_is(world: World, kept: Path) -> None:
    done = run("find", "spring", "--learner", "learner0@example.org")
    assert "Soil Science" in done.out
    assert "spring/holders/" in done.out
    assert any(holder.id in done.out for holder in world.holders)


@pytest.mark.parametrize("who", ["nobody@example.org", "learner@example.org"])
def test_nobody_is_found_for_another_learner(world: World, kept: Path, who: str) -> None:
    done = run("find", "spring", "--learner", who)
    assert (done.code, done.out) == (1, "")
    assert "0 found among 3 credentials" in done.err


def test_what_differs_in_capitals_alone_or_in_kind_is_a_doubt(world: World, kept: Path) -> None:
    done = run("find", "spring", "--learner", "LEARNER0@example.org")
    assert done.code == 2
    assert "capitals alone" in done.err
    assert "1 could not be compared" in done.err
    assert run("find", "spring", "--learner", "1046783").code == 2


def test_a_name_finds_whom_it_names_and_the_row_says_that_others_may_have_it(
    world: World, kept: Path
) -> None:
    rows = ("one@example.org,Maria Silva,2026-11-20", "two@example.org,Maria Silva,2026-11-20")
    spring(world.log, world.story, *rows, folder="autumn")
    done = run("find", "spring", "autumn", "--learner", "Maria Silva", "--json")
    assert (done.code, len(found(done))) == (0, 2)
    assert done.out.count("others may have the same name") == 2
    assert run("find", "spring", "autumn", "--learner", "Maria Silber").code == 2


def test_where_there_is_no_credential_nothing_is_known(world: World) -> None:
    Path("others").mkdir()
    Path("others/a").touch()
    assert run("find", "others", "--learner", "learner0@example.org").code == 2


def test_a_learner_that_is_none_is_wrong_usage(world: World) -> None:
    assert run("find", "--learner", "", "--json").json["error"] == "usage"
    assert run("find", ".", "--json").json["error"] == "usage"


def test_many_files_of_one_learner_are_all_found(world: World, kept: Path) -> None:
    again = awards(world.story, 3)
    Path("autumn").mkdir()
    for made in again.made:
        if made.learners[0] == "learner2@example.org":
            (Path("autumn") / "x.json").write_bytes(render_holder_file(made.holder))
    done = run("find", "spring", "autumn", "--learner", "learner2@example.org", "--json")
    assert len(found(done)) == 2
