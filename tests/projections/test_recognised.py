"""The tree of recognition: who is in it, as of a size, and that it ends."""

from __future__ import annotations

from datetime import date

import pytest

from projections import recognised, submissions
from projections.recognised import Tree
from testamur.catalogue import events as e
from testamur.catalogue.members import RecognisedAs
from tests.harness.chronicle import Chronicle
from tests.harness.story import Party, party

pytestmark = pytest.mark.usefixtures("each_database")


def recognise(told: Chronicle, by: Party, of: Party, as_: RecognisedAs = "authority") -> str:
    granted = e.RecognitionGranted(
        as_=as_,
        country="NL",
        name=f"{as_} {of.did[-4:]}",
        organization=of.did,
        recognition=told.story.new_id(),
        valid_from=date(2026, 1, 1),
    )
    assert told.offer(by, granted)
    return granted.recognition


def newcomer(told: Chronicle, name: str) -> Party:
    one, story = party(name), told.story
    assert told.offer(story.authority, story.registered(story.authority, one, "authority"))
    return one


def below(told: Chronicle, did: str, size: int | None = None) -> Tree:
    with told.answers() as connection:
        at = submissions.as_of(connection) if size is None else size
        return recognised.recognised(connection, did, at)


def lines(tree: Tree) -> list[tuple[int, str, bool]]:
    return [(each.depth, each.found.grant.subject, each.cut) for each in tree.branches]


def test_the_tree_holds_who_was_recognised_and_by_whom_as_of_a_size(told: Chronicle) -> None:
    story = told.story
    one = newcomer(told, "one")
    recognise(told, story.authority, one)
    size = len(told.log.entries)
    recognise(told, one, story.accreditor, "accreditor")
    accreditor = story.accreditor.did
    tree = below(told, story.authority.did)
    assert lines(tree) == [(0, accreditor, False), (0, one.did, False), (1, accreditor, False)]
    assert not tree.cut
    assert lines(below(told, story.authority.did, size)) == [
        (0, accreditor, False),
        (0, one.did, False),
    ]
    assert lines(below(told, one.did)) == [(0, accreditor, False)]
    assert lines(below(told, story.provider.did)) == lines(below(told, "did:key:z6Mk")) == []


def test_a_withdrawn_recognition_is_shown_and_not_followed(told: Chronicle) -> None:
    story = told.story
    one = newcomer(told, "one")
    id_ = recognise(told, story.authority, one)
    recognise(told, one, story.accreditor, "accreditor")
    withdrawn = e.RecognitionWithdrawn(recognition=id_, reason="administrative")
    assert told.offer(story.authority, withdrawn)
    tree = below(told, story.authority.did)
    assert [each.found.standing.status for each in tree.branches] == ["active", "withdrawn"]
    assert [each.depth for each in tree.branches] == [0, 0]


def test_authorities_that_recognise_one_another_make_no_endless_tree(told: Chronicle) -> None:
    story = told.story
    one, two = newcomer(told, "one"), newcomer(told, "two")
    recognise(told, story.authority, one)
    recognise(told, one, two)
    recognise(told, two, one)
    recognise(told, two, story.authority)
    tree = below(told, story.authority.did)
    assert lines(tree)[1:] == [
        (0, one.did, False),
        (1, two.did, False),
        (2, one.did, False),
        (2, story.authority.did, False),
    ]


def test_a_large_tree_is_cut_and_says_where(
    told: Chronicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = told.story
    monkeypatch.setattr(recognised, "EACH", 3)
    monkeypatch.setattr(recognised, "OPENED", 1)
    many = [newcomer(told, f"n{number}") for number in range(4)]
    for each in many:
        recognise(told, story.authority, each)
    recognise(told, many[0], story.accreditor, "accreditor")
    tree = below(told, story.authority.did)
    assert tree.cut
    assert lines(tree) == [
        (0, story.accreditor.did, False),
        (0, many[0].did, False),
        (1, story.accreditor.did, False),
        (0, many[1].did, True),  # nobody looked whom that one recognises
    ]
