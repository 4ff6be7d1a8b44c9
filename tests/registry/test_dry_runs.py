"""Dry runs: every line that would be refused, and nothing recorded."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from testamur.catalogue import events as e
from testamur.catalogue.submission import base64url_decode, base64url_encode
from testamur.errors import Refusal
from tests.harness.gates import OPENING, Desk, other_provider
from tests.harness.stores import Kept
from tests.harness.story import Story, party
from tests.registry.breaches import BREACHES


def test_a_dry_run_says_what_would_happen_and_changes_nothing(desk: Desk, story: Story) -> None:
    body = story.submission(story.provider, story.issued(), story.issued(accredited=False))
    dry = desk.gate.dry_run(story.rehearsed(body))
    assert (dry.refusals, dry.size) == ([], OPENING)
    assert dry.flags == ((3, "no-accreditation-claimed"),)
    assert desk.committed() == OPENING
    assert desk.record(body).flags == dry.flags


def test_a_dry_run_lists_every_bad_line(desk: Desk, story: Story) -> None:
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    body = story.dry_run(
        story.provider,
        story.issued(achievement=story.new_id()),
        story.issued(),
        story.issued(credential),
        e.CredentialRevoked(credential=story.new_id(), reason="misconduct"),
        story.issued(),
    )
    found = [(refusal.line, refusal.rule) for refusal in desk.gate.dry_run(body).refusals]
    assert found == [(2, "unknown-achievement"), (4, "already-issued"), (5, "unknown-credential")]


def test_a_dry_run_lists_every_line_of_bad_form(desk: Desk, story: Story) -> None:
    jws, first, second = story.rehearsed(story.cohort(2))[:-1].split(b"\n")
    mangled = b"\n".join((jws, first[:-1], second.replace(b":", b" :", 1))) + b"\n"
    found = [(refusal.line, refusal.rule) for refusal in desk.gate.dry_run(mangled).refusals]
    assert found == [(1, "root"), (2, "json"), (3, "canonical-json")]


@pytest.mark.parametrize("rule", BREACHES)
def test_a_dry_run_refuses_what_the_gate_refuses(desk: Desk, story: Story, rule: str) -> None:
    body = story.submission(story.provider, story.issued(), BREACHES[rule](story))
    (refusal,) = desk.gate.dry_run(story.rehearsed(body)).refusals
    assert str(refusal) == str(desk.refuse(body))


def test_a_dry_run_judges_ids(desk: Desk, story: Story) -> None:
    taken = story.dry_run(story.provider, story.issued(story.achievement))
    (refusal,) = desk.gate.dry_run(taken).refusals
    assert refusal.rule == "id-taken"


def test_line_1_is_judged_before_line_2_is_looked_at(desk: Desk, story: Story) -> None:
    impostor = replace(story.provider, key=party("nobody").key)
    stranger = party("a stranger")
    issued = story.issued()
    for rule, body in {
        "audience": story.dry_run(story.provider, issued, aud="other.example/log"),
        "issued-at": story.dry_run(story.provider, issued, iat=story.now - 8 * 24 * 3600),
        "signature": story.dry_run(impostor, issued),
        "unknown-organization": story.dry_run(stranger, issued),
        "unknown-key": story.dry_run(story.provider.with_key("unlisted"), issued),
        "header-schema": story.submission(story.provider, issued),
        "header-form": b"a",
    }.items():
        first, _, _ = body.partition(b"\n")
        for data in (body, first, first + b"\n" + b"\xff\n" * 10):
            with pytest.raises(Refusal) as refused:
                desk.gate.dry_run(data)
            assert refused.value.rule == rule
            assert refused.value.line == 1


def test_a_retired_key_gets_no_dry_run(desk: Desk, story: Story) -> None:
    provider = story.provider
    fresh = provider.with_key("another")
    listed, retired = story.key_listed(fresh), story.key_retired(provider)
    desk.record(story.submission(provider.founding, listed, retired))
    with pytest.raises(Refusal, match="key-inactive"):
        desk.gate.dry_run(story.dry_run(provider, story.issued()))
    assert desk.gate.dry_run(story.dry_run(fresh, story.issued())).refusals == []


def test_a_dry_run_can_never_be_recorded(desk: Desk, story: Story) -> None:
    body = story.dry_run(story.provider, story.issued())
    assert desk.gate.dry_run(body).refusals == []
    assert desk.refuse(body).rule == "header-schema"
    # Nor with another header over the same signature, nor under a name that its receiver adds.
    jws, rest = body.split(b"\n", 1)
    protected, payload, signature = jws.split(b".")
    given, _ = story.submission(story.provider, story.issued()).split(b".")[:2]
    named = json.loads(base64url_decode(payload.decode())) | {"jti": story.new_id()}
    named64 = base64url_encode(json.dumps(named, sort_keys=True, separators=(",", ":")).encode())
    for first, second in [
        (given, payload),
        (protected, named64.encode()),
        (given, named64.encode()),
    ]:
        forged = b".".join((first, second, signature)) + b"\n" + rest
        assert desk.refuse(forged).rule in ("header-schema", "signature")
    assert desk.committed() == OPENING


def test_a_stranger_costs_a_registry_less_than_a_millisecond(desk: Desk, story: Story) -> None:
    impostor = replace(story.provider, key=party("nobody").key)
    bad = b"\n" + b'{"x":1.5}\n' * 100_000
    for body in (
        story.dry_run(impostor, story.issued()),
        story.dry_run(party("b"), story.issued()),
    ):
        whole, spent = body.partition(b"\n")[0] + bad, []
        for _ in range(20):
            before = time.process_time()
            with pytest.raises(Refusal):
                desk.gate.dry_run(whole)
            spent.append(time.process_time() - before)
        assert min(spent) < 0.001


def test_a_dry_run_knows_what_another_process_appended(kept: Kept, desk: Desk) -> None:
    story = desk.story
    with Desk(kept, story) as elsewhere:
        newcomer = other_provider(elsewhere)
    body = story.dry_run(newcomer, story.defined(story.new_id()))
    assert desk.gate.dry_run(body).refusals == []
