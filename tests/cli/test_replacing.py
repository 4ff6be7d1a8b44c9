"""A wrong credential is replaced by the right one of the same learner, one or a whole cohort."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testamur.badges.prepared_folder import write_prepared
from testamur.catalogue.events import CredentialSuperseded
from testamur.catalogue.lines import decode_event
from testamur.verification.replay import replay
from tests.cli.commands import World, run
from tests.harness.awards import awards

_OLD = "019a3b1c-7f00-7abc-8def-0123456789ab"
_NEW = "019a3b1c-7f00-7abc-8def-0123456789ac"


def superseded(text: str) -> list[CredentialSuperseded]:
    found = [decode_event(line.encode()) for line in text.splitlines()]
    return [each for each in found if isinstance(each, CredentialSuperseded)]


def folders(world: World, old: int, new: int) -> tuple[dict[str, str], dict[str, str]]:
    """Write two prepared folders; return the credentials in them by learner."""
    found = []
    for name, size in (("old", old), ("new", new)):
        prepared = awards(world.story, size)
        write_prepared(prepared, Path(name))
        found.append({made.learners[0]: made.holder.id for made in prepared.made})
    return found[0], found[1]


def test_one_takes_the_place_of_another(world: World) -> None:
    done = run("replace", "0.json", "--by", "1.json")
    assert superseded(done.out) == [
        CredentialSuperseded(credential=world.holders[0].id, successor=world.holders[1].id)
    ]
    assert superseded(run("replace", _OLD, "--by", _NEW).out)


def test_of_two_cohorts_the_credentials_of_each_learner_make_a_pair(world: World) -> None:
    old, new = folders(world, 4, 3)
    done = run("replace", "old", "--by", "new", "--to", "new/events.ndjson")
    assert done.code == 0, done.err
    found = superseded(Path("new/events.ndjson").read_text())
    assert {each.credential: each.successor for each in found} == {
        old[learner]: new[learner] for learner in new
    }
    assert "new/events.ndjson: 3 added" in done.err


def test_what_is_replaced_like_this_is_superseded_on_the_log(world: World) -> None:
    old, new = folders(world, 3, 3)
    run("replace", "old", "--by", "new", "--to", "new/events.ndjson")
    for name in ("old", "new"):
        lines = Path(name, "events.ndjson").read_bytes().splitlines()
        world.log.append(world.story.submission(world.story.provider, *map(decode_event, lines)))
    world.log.publish()
    counted = replay(world.log.source(), world.log.key).statistics.credentials
    assert counted["superseded"] == 3
    assert counted["active"] == 6
    assert len({*old.values(), *new.values()}) == 6


def test_who_is_in_one_cohort_alone_is_told_of_and_not_paired(world: World) -> None:
    folders(world, 2, 3)
    done = run("replace", "old", "--by", "new", "--json")
    assert len(done.json) == 2
    assert "1 of new take nobody's place" in done.err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no learner has the same achievement"),
        ("learner,credential\n", "no learner has the same achievement"),
        ('learner,"cred', "not as prepare wrote it"),
    ],
)
def test_an_index_that_pairs_nobody_is_refused(world: World, text: str, why: str) -> None:
    folders(world, 2, 2)
    Path("old/index.csv").write_text(text)
    done = run("replace", "old", "--by", "new", "--json")
    assert (done.code, done.json["rule"]) == (1, "replacement")
    assert why in done.json["detail"]


def test_a_learner_with_two_such_awards_is_replaced_one_by_one(world: World) -> None:
    folders(world, 2, 2)
    header, *rows = Path("old/index.csv").read_text().splitlines()
    cells = [row.split(",") for row in rows]
    cells[1][1] = cells[0][1]
    lines = [header, *(",".join(each) for each in cells)]
    Path("old/index.csv").write_text("\n".join(lines) + "\n")
    assert "one by one" in run("replace", "old", "--by", "new").err


def test_a_folder_and_a_file_are_no_pair(world: World) -> None:
    folders(world, 1, 1)
    assert run("replace", "old", "--by", "1.json").code == 2
    assert run("replace", "0.json", "--by", "0.json").code == 2
    assert run("replace", "0.json", "--by", "nowhere").code == 2


def test_a_whole_folder_is_revoked_at_once(world: World) -> None:
    old, _ = folders(world, 4, 1)
    done = run("revoke", "old", "--reason", "issuedInError", "--json")
    assert {each["credential"] for each in done.json} == set(old.values())
    Path("old/holders/odd.json").write_text("{}")
    assert run("revoke", "old", "--reason", "issuedInError").code == 2
    assert json.loads(run("revoke", _OLD, "--reason", "duplicate").out)["credential"] == _OLD
