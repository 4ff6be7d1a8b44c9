"""Which key may sign: it is judged by its state at the position that the submission gets."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

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
from tests.harness.story import Story, party


def test_a_signature_by_another_key_is_refused(desk: Desk, story: Story) -> None:
    impostor = replace(story.provider, key=party("nobody").key)
    with pytest.raises(Refusal) as refused:
        desk.gate.check(story.submission(impostor, story.issued()))
    assert refused.value.rule == "signature"


def test_line_1_is_verified_before_its_signer_is_looked_up(desk: Desk, story: Story) -> None:
    """So an answer about who is in the register costs a good signature."""
    stranger, nobody = party("a stranger"), party("nobody")
    for signer, rule in (
        (replace(stranger, key=nobody.key), "signature"),
        (replace(story.provider.with_key("unlisted"), key=nobody.key), "signature"),
        (stranger, "unknown-organization"),
        (story.provider.with_key("unlisted"), "unknown-key"),
    ):
        line, _, _ = story.submission(signer, story.issued()).partition(b"\n")
        with pytest.raises(Refusal) as refused:
            desk.gate.examine(line)
        assert (refused.value.rule, refused.value.line) == (rule, 1)


def test_a_signer_out_of_force_is_refused_before_its_lines_are_read(
    desk: Desk, story: Story
) -> None:
    retired = story.key_retired(story.provider)
    desk.record(story.submission(story.provider.founding, retired))
    line, _, _ = story.cohort(1).partition(b"\n")
    with pytest.raises(Refusal, match="key-inactive"):
        desk.gate.examine(line)


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
    founding, fresh = story.provider.founding, story.provider.with_key("second")
    desk.record(story.submission(founding, story.key_listed(fresh)))
    ended: e.Event = story.key_retired(fresh)
    if fate == "compromised":
        ended = story.key_compromised(fresh, since=desk.committed() - 1)
    ending = story.submission(founding, ended)
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
    desk.record(story.submission(story.provider, story.closed()))
    assert desk.refuse(story.cohort(1)).rule == "organization-closed"
    retired = story.key_retired(story.provider)
    desk.record(story.submission(story.provider.founding, retired))


def test_key_events_come_alone_and_by_a_recovery_key(desk: Desk, story: Story) -> None:
    provider, fresh = story.provider, story.provider.with_key("second")
    listed = story.key_listed(fresh)
    for signer, events, rule in (
        (provider.founding, [listed, story.defined(story.new_id())], "key-events-alone"),
        (provider.founding, [story.defined(story.new_id())], "recovery-key"),
    ):
        assert desk.refuse(story.submission(signer, *events)).rule == rule
    assert desk.refuse(story.submission(provider, listed)).rule != ""
    desk.record(story.submission(provider.recovery, listed))
    desk.record(story.submission(fresh, story.issued()))


def test_what_one_submission_may_say_of_keys_is_bounded(desk: Desk, story: Story) -> None:
    events = [story.key_listed(story.provider.with_key(f"k{number}")) for number in range(65)]
    refusal = desk.refuse(story.submission(story.provider.founding, *events))
    assert refusal.rule == "key-events"
