"""That an organization closed is said, and who acts for it: on both of them, and on credentials."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from testamur.catalogue import events as e
from tests.harness.served import Served
from tests.harness.story import Party, party


def organization(served: Served, who: Party, tail: str = "") -> dict[str, Any]:
    found: dict[str, Any] = served.answer(
        f"/organizations/{quote(who.did, safe='')}{tail}?size={served.size}"
    ).json()
    return found


def credential(served: Served, name: str) -> dict[str, Any]:
    found: dict[str, Any] = served.answer(f"/credentials/{name}?size={served.size}").json()
    return found


class Branch:
    """A provider of its own in the shared register, accredited, that awarded one credential."""

    def __init__(self, served: Served, name: str) -> None:
        story = served.story
        self.served, self.story = served, story
        self.did, self.heir = party(name), party(f"{name}'s heir")
        accreditation, achievement = story.new_id(), story.new_id()
        newcomers = [
            story.registered(story.accreditor, each, "provider") for each in (self.did, self.heir)
        ]
        issued = msgspec.structs.replace(
            story.issued(achievement=achievement), accreditation=accreditation
        )
        self.credential = issued.credential
        served.submit(
            story.submission(
                story.accreditor, *newcomers, story.accredited(accreditation, of=self.did)
            ),
            story.submission(self.did, story.defined(achievement), issued),
        )

    def says(self, signer: Party, *events: e.Event) -> int:
        """Submit events; return the position of the last."""
        receipt = self.served.submit(self.story.submission(signer, *events))
        return receipt.position + receipt.events


@pytest.fixture
def branch(served: Served, request: pytest.FixtureRequest) -> Branch:
    return Branch(served, request.node.name)


def test_of_an_open_organization_no_closing_is_said(served: Served, branch: Branch) -> None:
    branch.says(branch.did, branch.story.succeeded(branch.did, branch.heir))

    for answer in (organization(served, branch.did), credential(served, branch.credential)):
        assert "succession" not in answer
        (successor,) = answer["successors"]
        assert (successor["did"], successor["inEffect"]) == (branch.heir.did, False)
    assert "closed" not in credential(served, branch.credential)["issuer"]


def test_a_closed_organization_without_a_successor_is_said_to_be_beyond_revoking(
    served: Served, branch: Branch
) -> None:
    at = branch.says(branch.did, branch.story.closed())

    found = credential(served, branch.credential)
    assert found["issuer"]["closed"] == at
    assert found["succession"] == (
        f"the issuer closed at position {at}; nobody can revoke any more"
    )
    assert organization(served, branch.did)["succession"] == (
        f"the organization closed at position {at}; nobody can revoke any more"
    )


def test_predecessor_and_successor_are_shown_on_both(served: Served, branch: Branch) -> None:
    story = branch.story
    at = branch.says(branch.did, story.succeeded(branch.did, branch.heir), story.closed())

    answers = organization(served, branch.did), credential(served, branch.credential)
    for who, answer in zip(("organization", "issuer"), answers, strict=True):
        assert answer["succession"] == (
            f"the {who} closed at position {at}; {branch.heir.did} acts for it"
        )
        (successor,) = answer["successors"]
        assert (successor["by"], successor["position"]) == (branch.did.did, at - 1)
        assert successor["inEffect"]
    heir = organization(served, branch.heir)
    (before,) = heir["predecessors"]
    assert (before["did"], before["by"], before["closed"]) == (branch.did.did, branch.did.did, at)
    assert organization(served, branch.heir, "/predecessors")["items"] == [before]


def test_one_that_the_accreditor_named_is_told_with_who_named_it(
    served: Served, branch: Branch
) -> None:
    story = branch.story
    branch.says(story.accreditor, story.succeeded(branch.did, branch.heir))
    branch.says(branch.did, story.closed())

    for answer in (organization(served, branch.did), credential(served, branch.credential)):
        (successor,) = answer["successors"]
        assert (successor["did"], successor["by"]) == (branch.heir.did, story.accreditor.did)
    (before,) = organization(served, branch.heir)["predecessors"]
    assert before["by"] == story.accreditor.did


def test_after_an_objection_it_is_told_on_neither(served: Served, branch: Branch) -> None:
    story = branch.story
    branch.says(story.accreditor, story.succeeded(branch.did, branch.heir))
    branch.says(branch.did, story.objected())

    assert "successors" not in organization(served, branch.did)
    assert "predecessors" not in organization(served, branch.heir)
    assert organization(served, branch.heir, "/predecessors")["items"] == []


def test_a_successor_that_closed_itself_acts_for_nobody(served: Served, branch: Branch) -> None:
    story = branch.story
    branch.says(branch.did, story.succeeded(branch.did, branch.heir))
    gone = branch.says(branch.heir, story.closed())
    at = branch.says(branch.did, story.closed())

    answer = organization(served, branch.did)
    assert answer["succession"] == (
        f"the organization closed at position {at}; nobody can revoke any more"
    )
    assert answer["successors"][0]["closed"] == gone


def test_the_past_answers_as_it_was(served: Served, branch: Branch) -> None:
    at = branch.says(branch.did, branch.story.closed())

    before = served.answer(f"/credentials/{branch.credential}?size={at - 1}").json()
    assert "succession" not in before
