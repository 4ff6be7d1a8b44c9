"""Who could sign when: the same from a registry's answer and from the log itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import World, key_folder, run
from tests.harness.served import Served
from tests.harness.story import Story, party


@pytest.fixture
def story(served: Served, college: Story) -> Story:
    """Return the story of a provider that retired a key, and declared another compromised."""
    story = college
    recovery = story.provider.recovery
    second, third = story.provider.with_key("second"), story.provider.with_key("third")
    served.submit(
        story.submission(story.provider, story.issued()),
        story.submission(recovery, story.key_listed(second), story.key_listed(third)),
        story.submission(second, story.issued()),
        story.submission(third, story.issued()),
    )
    kept = served.submit(story.submission(third, story.issued())).position
    since = kept - 2
    served.submit(
        story.submission(
            recovery,
            story.key_retired(second),
            story.key_compromised(third, since, ((kept, kept),)),
        )
    )
    return story


def found(story: Story, *where: str) -> Any:
    done = run("keys", story.provider.did, *where, "--json")
    assert done.code == 0, done.err
    return done.json


@pytest.mark.server
def test_a_registry_and_the_log_itself_say_the_same(served: Served, story: Story, at: Path) -> None:
    asked = found(story, "--url", served.url)
    read = found(story, "--log", served.url, "--vkey", served.vkey)
    for each in (*asked["keys"], *read["keys"]):
        each.get("compromised", []).sort(key=lambda one: one["position"])
    assert asked == read
    (declared,) = asked["keys"][4]["compromised"]
    assert declared["reach"]["fallen"] == {"issuances": 1, "grants": 0, "endings": 0}
    counting = [each["submissions"] for each in asked["keys"]]
    uses = [(each["use"], each.get("rank")) for each in asked["keys"]]
    assert uses[:3] == [("recovery", 0), ("recovery", 1), ("signing", None)]
    assert counting == [0, 2, 2, 1, 1]  # of the third key, the one that was kept


@pytest.mark.server
def test_that_an_organization_closed_is_told_beside_its_keys(
    served: Served, story: Story, at: Path
) -> None:
    for where in (("--url", served.url), ("--log", served.url, "--vkey", served.vkey)):
        assert "closed" not in run("keys", story.provider.did, *where).out
    closing = served.submit(story.submission(story.provider, story.closed())).position + 1
    for where in (("--url", served.url), ("--log", served.url, "--vkey", served.vkey)):
        assert found(story, *where)["closed"] == closing
        told = run("keys", story.provider.did, *where).out
        assert f"It closed at {closing:,}: its keys may only retire keys" in told


@pytest.mark.server
def test_what_ended_a_key_is_told_in_words(served: Served, story: Story, at: Path) -> None:
    done = run("keys", story.provider.did, "--url", served.url)
    rows = {
        name: next(line for line in done.out.splitlines() if party_key in line)
        for name, party_key in (
            ("first", story.provider.key_id),
            ("second", story.provider.with_key("second").key_id),
            ("third", story.provider.with_key("third").key_id),
        )
    }
    assert " yes" in rows["first"]
    assert "when it was retired" in rows["second"]
    assert "declared compromised at" in rows["third"]
    assert "1 range of submissions kept, which took back 1 issuance" in rows["third"]
    assert "1 of 2 count" in rows["third"]


@pytest.mark.server
def test_an_organization_that_is_not_there_is_told(served: Served, at: Path) -> None:
    stranger = party("stranger").did
    assert run("keys", stranger, "--url", served.url).code == 2
    assert run("keys", stranger, "--log", served.url, "--vkey", served.vkey).code == 1


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["--url", "http://127.0.0.1:9"],
        [party("a").did],
        [party("a").did, "--url", "http://127.0.0.1:9", "--log", "log"],
        ["did:web:college.example", "--url", "http://127.0.0.1:9"],
    ],
)
def test_wrong_usage_of_keys_is_2(at: Path, now: Story, wrong: list[str]) -> None:
    World(at, now)
    assert run("keys", *wrong).code == 2


@pytest.mark.server
def test_a_successor_that_the_accreditor_named_is_told_until_one_objects(
    served: Served, college: Story, at: Path
) -> None:
    """Else the 30 days in which an organization may object go by unnoticed."""
    accreditor = college.accreditor.did
    key_folder(at / "keys", college.provider)
    named = college.succeeded(college.provider, college.accreditor)
    position = served.submit(college.submission(college.accreditor, named)).position + 1
    where = (["--url", served.url], ["--log", served.url, "--vkey", served.vkey])
    for asked in where:
        done = run("keys", "--keys", "keys", *asked)
        assert done.code == 0, done.err
        assert f"named {accreditor} your successor at {position}" in done.err
        (told,) = run("keys", "--keys", "keys", *asked, "--json").json["successorsNamed"]
        assert told == {"by": accreditor, "successor": accreditor, "position": position}
    served.submit(college.submission(college.provider, college.objected()))
    for asked in where:
        assert run("keys", "--keys", "keys", *asked, "--json").json["successorsNamed"] == []


@pytest.mark.server
def test_all_keys_are_told_however_many_there_are(served: Served, college: Story, at: Path) -> None:
    """A thief lists many, so that the one it uses is not seen."""
    founding = college.provider.founding
    for batch in range(8):
        fresh = [college.provider.with_key(f"fresh {batch} {each}") for each in range(15)]
        served.submit(
            college.submission(founding, *map(college.key_listed, fresh)),
            college.submission(founding, *map(college.key_retired, fresh)),
        )
    asked = found(college, "--url", served.url)
    read = found(college, "--log", served.url, "--vkey", served.vkey)
    assert len(asked["keys"]) == len(read["keys"]) == 3 + 8 * 15
