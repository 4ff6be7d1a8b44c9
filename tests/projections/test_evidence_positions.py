"""Which entries the tables name as bearing on a credential."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections import evidence, submissions
from projections.evidence import evidence_positions
from testamur.catalogue import events as e
from testamur.errors import Refusal
from testamur.tlog.merkle import leaf_hash, verify_inclusion
from testamur.verification.bearing import Bearing
from testamur.verification.evidence import build_evidence
from tests.harness.chronicle import Chronicle
from tests.harness.random_submissions import RandomSubmissions
from tests.harness.story import party
from tests.projections.naive import Naive

pytestmark = pytest.mark.usefixtures("each_database")


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_tables_lead_to_the_evidence_that_a_replay_leads_to(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One rule says what bears on a credential; who looks it up makes no difference."""
    told = Chronicle.opened(tmp_path_factory.mktemp("wild") / "log")
    wild = RandomSubmissions(told, seed)
    wild.go(120)
    anchors = [wild.parties[-1].did, wild.story.accreditor.did]
    with told.answers() as connection:
        ends = [naive.size for naive in Naive.of(told.log)]
        for size in (ends[len(ends) // 2], ends[-1]):
            bearing = Bearing(wild.issued)
            for submission in Naive.of_entries(told.log, size).submissions:
                bearing.read(submission)
            for credential in wild.issued:
                for asked in ([], anchors):
                    assert bearing.positions(credential, asked) == evidence_positions(
                        connection, credential, size, told.issuance, anchors=asked
                    )


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
        assert evidence_positions(connection, first, len(told.log.entries), told.issuance) == [
            (0, [1]),
            (2, [3, 4]),
            (5, [6, 7]),
            (8, [9]),
            (10, [11]),
            (16, [18]),
        ]


def test_no_stranger_lengthens_the_evidence_of_a_credential(told: Chronicle) -> None:
    """A crowd recognises, accredits and names successors; none of it is shown."""
    story = told.story
    (one,) = told.issued()
    with told.answers() as connection:
        before = evidence_positions(connection, one, len(told.log.entries), told.issuance)
    stranger = party("stranger")
    assert told.offer(story.authority, story.registered(story.authority, stranger, "authority"))
    for _ in range(8):
        assert told.offer(stranger, story.recognised(story.new_id()))
    assert told.offer(stranger, story.registered(stranger, crowd := party("crowd"), "accreditor"))
    assert told.offer(crowd, story.accredited(story.new_id()))
    assert told.offer(crowd, story.succeeded(story.provider, stranger))
    with told.answers() as connection:
        size = len(told.log.entries)
        assert before == evidence_positions(connection, one, size, told.issuance)


def test_an_authority_that_recognises_without_end_lengthens_nobodys_search(
    told: Chronicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a thief of its key: what leads elsewhere is not even read."""
    story = told.story
    rogue, honest, accreditor = party("rogue"), party("honest"), party("another accreditor")
    for each in (rogue, honest):
        assert told.offer(
            story.authority,
            story.registered(story.authority, each, "authority"),
            story.recognised(story.new_id(), as_="authority", of=each),
        )
    accredited = story.accredited(story.new_id())
    assert told.offer(
        honest,
        story.registered(honest, accreditor, "accreditor"),
        story.recognised(story.new_id(), of=accreditor),
    )
    assert told.offer(accreditor, accredited)
    issued = msgspec.structs.replace(story.issued(), accreditation=accredited.accreditation)
    assert told.offer(story.provider, issued)
    with told.answers() as connection:
        before = evidence_positions(
            connection, issued.credential, len(told.log.entries), told.issuance
        )
    for number in range(6):
        puppet = party(f"puppet {number}")
        assert told.offer(
            rogue,
            story.registered(rogue, puppet, "authority"),
            *(story.recognised(story.new_id(), as_="authority", of=puppet) for _ in range(10)),
        )
        # A longer way to the accreditor is not looked at either.
        assert told.offer(puppet, story.recognised(story.new_id(), of=accreditor))
    monkeypatch.setattr(evidence, "MAX_READ", 50)
    with told.answers() as connection:
        size = len(told.log.entries)
        assert before == evidence_positions(connection, issued.credential, size, told.issuance)


def test_an_anchor_that_is_asked_for_brings_its_chain(told: Chronicle) -> None:
    story = told.story
    other = party("other authority")
    assert told.offer(story.authority, story.registered(story.authority, other, "authority"))
    assert told.offer(other, story.recognised(story.new_id()))
    (one,) = told.issued()
    size = len(told.log.entries)
    with told.answers() as connection:
        alone = evidence_positions(connection, one, size, told.issuance)
        asked = evidence_positions(connection, one, size, told.issuance, anchors=[other.did])
    listed = {position for _, events in asked for position in events}
    assert {11, 13} <= listed
    assert {11, 13}.isdisjoint({position for _, events in alone for position in events})


def test_evidence_positions_are_what_the_evidence_file_is_built_from(told: Chronicle) -> None:
    (one, *_) = told.issued(300)
    size = len(told.log.entries)
    with told.answers() as connection:
        positions = evidence_positions(connection, one, size, told.issuance)
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
        assert told.offer(story.provider.recovery, story.key_listed(fresh))
    suspend = e.CredentialSuspended(credential=one, reason="administrative")
    assert told.offer(story.provider, *[suspend] * 5)
    with told.answers() as connection:
        size = submissions.as_of(connection)
        found = evidence_positions(connection, one, size, told.issuance)
        most = {
            "MAX_ENTRIES": 40,  # it reads more than it shows, never less
            "MAX_SUBMISSIONS": len(found),
            "MAX_EVENTS": max(len(events) for _, events in found),
        }[bound]
        monkeypatch.setattr(f"projections.evidence.{bound}", most)
        assert found == evidence_positions(connection, one, size, told.issuance)
        fewer = sum(len(events) for _, events in found) - 2 if bound == "MAX_ENTRIES" else most - 1
        monkeypatch.setattr(f"projections.evidence.{bound}", fewer)
        with pytest.raises(Refusal, match="replay the log instead") as refusal:
            evidence_positions(connection, one, size, told.issuance)
    assert (refusal.value.rule, refusal.value.value) == ("evidence-size", one)
