"""Which entries the tables name as bearing on a credential."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections import credentials, submissions
from projections.evidence import evidence_positions
from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_events
from testamur.catalogue.submission import parse_submission_entry
from testamur.errors import Refusal
from testamur.rules import (
    CredentialState,
    Register,
    admit_events,
    admit_genesis,
    admit_header,
)
from testamur.tlog.merkle import leaf_hash, verify_inclusion
from testamur.verification.evidence import build_evidence
from tests.harness.chronicle import Chronicle
from tests.harness.published_log import PublishedLog
from tests.harness.random_submissions import RandomSubmissions
from tests.harness.story import party
from tests.projections.naive import Naive


@dataclass
class Sparse:
    """What a verifier knows who folds nothing but some entries."""

    register: Register = field(default_factory=Register)
    credentials: dict[str, CredentialState] = field(default_factory=dict)
    flags: dict[str, tuple[str, ...]] = field(default_factory=dict)


def sparse_fold(log: PublishedLog, positions: list[tuple[int, list[int]]]) -> Sparse:
    """Fold the entries at `positions` with the rules, signatures checked, as `verify` does."""
    known = Sparse()
    for position, events_at in positions:
        recorded_at, header = parse_submission_entry(log.entries[position])
        events = decode_events([log.entries[at] for at in events_at])
        if position == 0:
            header.verify_signature(log.log_key)
            admit_genesis(known.register, header, events, recorded_at, log.log_key)
            continue
        known.register.size = position
        header.verify_signature(admit_header(known.register, header, recorded_at))
        admitted = admit_events(
            known.register,
            known.credentials,
            header,
            events,
            recorded_at,
            numbers=[at - position for at in events_at],
        )
        for event, outcome in zip(events, admitted, strict=True):
            if isinstance(event, e.CredentialIssued):
                known.flags[event.credential] = outcome.flags
    return known


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_evidence_folded_alone_gives_the_verdict_of_the_whole_log(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    told = Chronicle.opened(tmp_path_factory.mktemp("wild") / "log")
    wild = RandomSubmissions(told, seed)
    wild.go(120)
    with told.answers() as connection:
        ends = [naive.size for naive in Naive.of(told.log)]
        for size in (ends[len(ends) // 2], ends[-1]):
            naive = Naive.of_entries(told.log, size)
            whole = naive.replayer
            for credential in wild.issued:
                positions = evidence_positions(connection, credential, size)
                if credential not in whole.credentials:
                    assert not positions
                    continue
                alone = sparse_fold(told.log, positions)
                assert whole.credentials[credential] == alone.credentials[credential]
                issuance = next(
                    admitted
                    for _, _, event, admitted in naive.located()
                    if isinstance(event, e.CredentialIssued) and event.credential == credential
                )
                assert issuance.flags == alone.flags[credential]
                for kind in ("organizations", "accreditations", "achievements", "recognitions"):
                    for name, state in getattr(alone.register, kind).items():
                        assert getattr(whole.register, kind)[name] == state
                for did, organization in alone.register.organizations.items():
                    assert organization.sponsor in (None, *alone.register.organizations), did


def test_evidence_lists_nothing_about_other_credentials(told: Chronicle) -> None:
    first, *others = told.issued(5)
    told.offer(
        told.story.provider,
        e.CredentialRevoked(credential=others[0], reason="misconduct"),
        e.CredentialSuspended(credential=first, reason="administrative"),
    )
    with told.answers() as connection:
        # Genesis; accreditor and recognition; provider and accreditation; achievement; issuance;
        # suspension, which is the second event of its submission.
        assert evidence_positions(connection, first, len(told.log.entries)) == [
            (0, [1]),
            (2, [3, 4]),
            (5, [6, 7]),
            (8, [9]),
            (10, [11]),
            (16, [18]),
        ]


def test_evidence_shows_the_accreditor_even_if_somebody_else_brought_the_provider_in(
    told: Chronicle,
) -> None:
    story = told.story
    other, accreditation = party("other accreditor"), story.new_id()
    assert told.offer(story.authority, story.registered(story.authority, other, "accreditor"))
    assert told.offer(other, story.accredited(accreditation))
    event = msgspec.structs.replace(story.issued(), accreditation=accreditation)
    assert told.offer(story.provider, event)
    with told.answers() as connection:
        positions = evidence_positions(connection, event.credential, len(told.log.entries))
    alone = sparse_fold(told.log, positions)
    assert alone.flags[event.credential] == ("accreditor-not-recognised",)
    assert other.did in alone.register.organizations


def test_evidence_of_a_superseded_credential_shows_its_successor(told: Chronicle) -> None:
    story = told.story
    other = story.new_id()
    assert told.offer(story.provider, story.defined(other))
    (old,) = told.issued()
    (new,) = told.issued(achievement=other)
    assert told.offer(story.provider, e.CredentialRevoked(credential=new, reason="misconduct"))
    (newer,) = told.issued()
    assert told.offer(story.provider, e.CredentialSuperseded(credential=old, successor=newer))
    size = len(told.log.entries)
    with told.answers() as connection:
        listed = [at for _, events in evidence_positions(connection, old, size) for at in events]
        assert credentials.status(connection, newer, size).issued in listed  # type: ignore[union-attr]
        assert credentials.status(connection, new, size).issued not in listed  # type: ignore[union-attr]


def test_evidence_positions_are_what_the_evidence_file_is_built_from(told: Chronicle) -> None:
    (one, *_) = told.issued(300)
    size = len(told.log.entries)
    with told.answers() as connection:
        positions = evidence_positions(connection, one, size)
    reader = told.log.reader()
    evidence = build_evidence(reader, reader.signed_checkpoint(), one, positions)
    root = reader.checkpoint().root
    assert positions == [
        (shown.position, [shown.position + event.number for event in shown.events])
        for shown in evidence.submissions
    ]
    for shown in evidence.submissions:
        leaf = leaf_hash(shown.entry.encode())
        verify_inclusion(shown.position, size, leaf, shown.inclusion, root)
        for event in shown.events:
            at = shown.position + event.number
            verify_inclusion(at, size, leaf_hash(event.line.encode()), event.inclusion, root)


@pytest.mark.parametrize("bound", ["MAX_ENTRIES", "MAX_SUBMISSIONS", "MAX_EVENTS"])
def test_evidence_that_no_verifier_would_read_is_refused_before_it_is_built(
    told: Chronicle, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """Whatever a provider piles up behind a credential; what just fits is given."""
    story = told.story
    (one,) = told.issued()
    for key in ("k1", "k2", "k3"):
        fresh = story.provider.with_key(key)
        assert told.offer(story.provider, story.key_added(story.provider, fresh))
    events: list[e.Event] = [
        e.OrganizationUpdated(country="NL", name=f"{number}", organization=story.provider.did)
        for number in range(5)
    ]
    assert told.offer(story.provider, *events)
    with told.answers() as connection:
        size = submissions.as_of(connection)
        found = evidence_positions(connection, one, size)
        held = {
            "MAX_ENTRIES": sum(len(events) for _, events in found),
            "MAX_SUBMISSIONS": len(found),
            "MAX_EVENTS": max(len(events) for _, events in found),
        }[bound]
        monkeypatch.setattr(f"projections.evidence.{bound}", held)
        assert found == evidence_positions(connection, one, size)
        monkeypatch.setattr(f"projections.evidence.{bound}", held - 1)
        with pytest.raises(Refusal, match="replay the log instead") as refusal:
            evidence_positions(connection, one, size)
    assert (refusal.value.rule, refusal.value.value) == ("evidence-size", one)
