"""The key of the log is nobody's, whatever an organization says or a genesis seats."""

from __future__ import annotations

import pytest

from testamur.keys import PrivateKey
from tests.harness.gates import Desk
from tests.harness.stores import Kept
from tests.harness.story import FirstKeys, Story, organization, party


def having(log_key: PrivateKey, place: str) -> FirstKeys:
    """Return the first keys of an organization, with the log's key in one place."""
    keys = party("newcomer").keys
    return FirstKeys(
        **{
            name: log_key if name == place else getattr(keys, name)
            for name in ("founding", "recovery", "signing")
        }
    )


@pytest.mark.parametrize("place", ["founding", "recovery", "signing"])
def test_no_organization_is_registered_with_the_key_of_the_log(
    desk: Desk, story: Story, place: str
) -> None:
    newcomer = organization(having(story.log_key, place))
    registered = story.registered(story.accreditor, newcomer, "provider")
    body = story.submission(story.accreditor, story.accredited(story.new_id()), registered)
    refusal = desk.refuse(body)
    assert (refusal.rule, refusal.line) == ("log-key", 3)
    assert "testamur keygen" in refusal.detail
    dry = desk.gate.dry_run(story.rehearsed(body))
    assert ("log-key", 3) in [(each.rule, each.line) for each in dry.refusals]


def test_no_organization_lists_the_key_of_the_log(desk: Desk, story: Story) -> None:
    listed = story.key_listed(story.log_key.public)
    assert desk.refuse(story.submission(story.provider.recovery, listed)).rule == "log-key"


def test_no_genesis_seats_the_log_itself(kept: Kept, story: Story) -> None:
    root = organization(having(story.log_key, "founding"))
    with Desk(kept, story) as desk:
        assert desk.refuse(story.genesis(authorities=[root])).rule == "log-key"
        assert desk.committed() == 0


def test_only_a_signer_is_told(desk: Desk, story: Story) -> None:
    stranger = party("stranger")
    listed = story.key_listed(story.log_key.public)
    assert desk.refuse(story.submission(stranger, listed)).rule == "unknown-organization"
