"""Which key may sign: it is judged by its state at the position that the submission gets."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from registry.gate import Recorded
from testamur.catalogue import events as e
from testamur.catalogue.lines import encode_event
from testamur.catalogue.submission import (
    Header,
    Protected,
    base64url_encode,
)
from testamur.errors import Refusal
from testamur.tlog.merkle import leaf_hashes
from tests.harness.gates import Desk
from tests.harness.stores import Kept
from tests.harness.story import Story, party


def test_a_signature_by_another_key_is_refused(desk: Desk, story: Story) -> None:
    impostor = replace(story.provider, key=party("nobody").key)
    with pytest.raises(Refusal) as refused:
        desk.gate.check(story.submission(impostor, story.issued()))
    assert refused.value.rule == "signature"


def test_a_signature_checked_by_the_committer_is_checked_as_well(kept: Kept, story: Story) -> None:
    with Desk(kept, story) as desk:
        genesis, *others = story.opening()
        desk.gate.open_log(genesis)
        impostor = replace(story.provider, key=party("nobody").key)
        *recorded, refused = desk.together(*others, story.submission(impostor, story.issued()))
        assert all(isinstance(outcome, Recorded) for outcome in recorded)
        assert isinstance(refused, Refusal)
        assert refused.rule == "signature"


def test_a_key_that_nobody_listed_is_refused(desk: Desk, story: Story) -> None:
    stray = story.provider.with_key("unlisted")
    assert desk.refuse(story.submission(stray, story.issued())).rule == "unknown-key"


def test_an_organization_that_nobody_brought_in_is_refused(desk: Desk, story: Story) -> None:
    refusal = desk.refuse(story.submission(party("a stranger"), story.issued()))
    assert refusal.rule == "unknown-organization"


def test_a_key_of_another_organization_is_refused(desk: Desk, story: Story) -> None:
    """The header says it comes from one organization and is signed by a key of another."""
    event = encode_event(story.issued())
    protected = Protected(alg="Ed25519", kid=story.accreditor.kid, typ="testamur-submission+jws")
    payload = Header(
        aud=story.origin,
        events=1,
        iat=story.now,
        iss=story.provider.did,
        jti=story.new_id(),
        root=base64url_encode(leaf_hashes([event])[0]),
    )
    encoded = [msgspec.json.encode(part, order="sorted") for part in (protected, payload)]
    signed = ".".join(map(base64url_encode, encoded))
    jws = f"{signed}.{base64url_encode(story.accreditor.key.sign(signed.encode()))}"
    refusal = desk.refuse(jws.encode() + b"\n" + event + b"\n")
    assert refusal.rule == "key-of-another-organization"


@pytest.mark.parametrize("fate", ["retired", "compromised"])
@pytest.mark.parametrize("when", ["earlier", "in the same group"])
def test_a_key_that_is_no_longer_active_is_refused(
    desk: Desk, story: Story, fate: str, when: str
) -> None:
    """Its signature was good when it was checked: what counts is the position."""
    fresh = story.provider.with_key("second")
    desk.record(story.submission(story.provider, story.key_added(story.provider, fresh)))
    ended: e.Event = e.KeyRetired(key=fresh.key_id, organization=fresh.did)
    if fate == "compromised":
        ended = e.KeyCompromised(
            key=fresh.key_id, organization=fresh.did, since=desk.committed() - 1
        )
    ending = story.submission(story.provider, ended)
    late = story.submission(fresh, story.issued())
    if when == "earlier":
        desk.record(ending)
        refusal = desk.submit(late)
    else:
        _, refusal = desk.together(ending, late)
    assert isinstance(refusal, Refusal)
    assert refusal.rule == "key-inactive"
    assert fate in refusal.detail


def test_a_closed_organization_is_refused(desk: Desk, story: Story) -> None:
    desk.record(
        story.submission(story.provider, e.OrganizationClosed(organization=story.provider.did))
    )
    assert desk.refuse(story.cohort(1)).rule == "organization-closed"
