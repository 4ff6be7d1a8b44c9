"""A recognition counts if a chain of them begins at an anchor, which is a key, not a name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.members import RecognisedAs, Scope
from testamur.errors import Refusal
from testamur.verification.report import EvidenceFrom, Verdict
from testamur.verification.trust.anchors import parse_anchor
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import on_terms, refuted
from tests.harness.story import Party, Story, party

AGENCY = party("an agency")
ROGUE = party("a root of its own")


class Seated(Story):
    """A story whose operator seats another root authority beside the authority."""

    def genesis(self, *, authorities: Sequence[Party] | None = None) -> bytes:
        return super().genesis(authorities=authorities or [self.authority, ROGUE])


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    """A log with a second root authority; the provider awarded three credentials."""
    return IssuedLog(tmp_path / "log", Seated())


def chain_to(issued: IssuedLog, *between: Party) -> str:
    """Have each authority recognise the next; return an accreditation by the last one's own."""
    story = issued.story
    *authorities, accreditor = (story.authority, *between)
    for granter, subject in zip(authorities, between, strict=True):
        makes: RecognisedAs = "accreditor" if subject is accreditor else "authority"
        issued.says(
            granter,
            story.registered(granter, subject, makes),
            story.recognised(story.new_id(), as_=makes, of=subject),
        )
    accreditation = story.new_id()
    issued.says(accreditor, story.accredited(accreditation))
    return accreditation


def parties(count: int) -> list[Party]:
    return [party(f"link {number}") for number in range(count)]


# --- Where a chain begins ---


def test_a_chain_that_begins_at_the_anchor_holds_and_names_it(issued: IssuedLog) -> None:
    report = issued.report(issued.holders[0])

    assert report.exit_code == 0
    detail = report.check("recognition").detail
    assert f"({issued.story.authority.did}), a trust anchor of yours" in detail


def test_an_accreditor_that_is_itself_the_anchor_needs_no_recognition(issued: IssuedLog) -> None:
    story = issued.story
    report = issued.report(issued.holders[0], anchors=[story.accreditor])

    assert report.exit_code == 0
    assert "is itself a trust anchor of yours" in report.check("recognition").detail


def test_another_root_authority_of_the_log_is_no_anchor_for_it(issued: IssuedLog) -> None:
    report = issued.report(issued.holders[0], anchors=[ROGUE])

    assert refuted(report) == {"recognition"}
    assert "leads from an anchor of yours to" in report.check("recognition").detail


def test_without_anchors_the_root_authorities_are_used_and_named_as_such(
    issued: IssuedLog,
) -> None:
    report = issued.report(issued.holders[0], anchors=[])

    assert report.exit_code == 0
    assert "a root authority of the log's genesis (you gave no trust anchor)" in (
        report.check("recognition").detail
    )


def test_a_file_that_shows_no_chain_may_have_left_one_out(issued: IssuedLog) -> None:
    holder = issued.holders[0]
    evidence = issued.evidence(holder)
    from_file = EvidenceFrom.FILE

    report = issued.report(holder, evidence, anchors=[ROGUE], evidence_from=from_file)

    assert report.check("recognition").verdict is Verdict.UNCHECKED
    assert report.exit_code == 2
    assert "the file may leave out what would mend it" in report.check("recognition").detail


def test_who_is_registered_by_an_authority_is_not_thereby_recognised(issued: IssuedLog) -> None:
    """Whom an authority sponsors it need not vouch for."""
    story = issued.story
    accreditor, accreditation = party("sponsored only"), story.new_id()
    issued.says(story.authority, story.registered(story.authority, accreditor, "accreditor"))
    issued.says(accreditor, story.accredited(accreditation))
    (holder,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))

    assert refuted(issued.report(holder)) == {"recognition"}
    assert issued.report(holder, anchors=[accreditor]).exit_code == 0


# --- Along a chain ---


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_a_chain_has_at_most_four_recognitions(issued: IssuedLog, length: int) -> None:
    accreditation = chain_to(issued, *parties(length))
    (holder,) = issued.award(on_terms(awards(issued.story, 1), accreditation=accreditation))

    report = issued.report(holder)

    assert report.exit_code == 0
    assert report.check("recognition").detail.count("recognised by") == length


def test_a_fifth_recognition_leads_to_no_anchor(issued: IssuedLog) -> None:
    links = parties(5)
    accreditation = chain_to(issued, *links)
    (holder,) = issued.award(on_terms(awards(issued.story, 1), accreditation=accreditation))

    assert refuted(issued.report(holder)) == {"recognition"}
    # A verifier that trusts the first of these needs one less.
    assert issued.report(holder, anchors=[links[0]]).exit_code == 0


def test_an_authority_vouches_for_nobody_above_it(issued: IssuedLog) -> None:
    minor, accreditor = parties(2)
    accreditation = chain_to(issued, minor, accreditor)
    (below,) = issued.award(on_terms(awards(issued.story, 1), accreditation=accreditation))

    assert issued.report(below, anchors=[minor]).exit_code == 0
    assert refuted(issued.report(issued.holders[0], anchors=[minor])) == {"recognition"}


def test_whom_a_recognition_makes_an_authority_accredits_nothing(issued: IssuedLog) -> None:
    story, minor, accreditation = issued.story, party("an authority"), issued.story.new_id()
    issued.says(
        story.authority,
        story.registered(story.authority, minor, "authority", "accreditor"),
        story.recognised(story.new_id(), as_="authority", of=minor),
    )
    issued.says(minor, story.accredited(accreditation))
    (holder,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))

    assert refuted(issued.report(holder)) == {"recognition"}


def test_whom_a_recognition_makes_an_accreditor_recognises_nobody(issued: IssuedLog) -> None:
    story, other, accreditation = issued.story, party("another"), issued.story.new_id()
    issued.says(
        story.authority,
        story.registered(story.authority, other, "accreditor", "authority"),
        story.recognised(story.new_id(), of=other),
    )
    issued.says(other, story.recognised(story.new_id(), of=story.accreditor))
    issued.says(
        story.authority,
        e.RecognitionWithdrawn(reason="administrative", recognition=story.recognition),
    )
    issued.says(story.accreditor, story.accredited(accreditation))
    (holder,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))

    assert refuted(issued.report(holder)) == {"recognition"}


def test_a_recognition_must_cover_what_was_awarded(issued: IssuedLog) -> None:
    story, accreditor, accreditation = issued.story, party("of medicine"), issued.story.new_id()
    narrow = msgspec.structs.replace(
        story.recognised(story.new_id(), of=accreditor), scope=Scope(fields=("0912",))
    )
    issued.says(
        story.authority, story.registered(story.authority, accreditor, "accreditor"), narrow
    )
    issued.says(accreditor, story.accredited(accreditation))
    (holder,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))

    assert refuted(issued.report(holder)) == {"recognition"}


@pytest.mark.parametrize(("day", "holds"), [(20, False), (21, True)])
def test_a_recognition_counts_to_its_last_day(issued: IssuedLog, day: int, *, holds: bool) -> None:
    story, accreditor, accreditation = issued.story, party("for a while"), issued.story.new_id()
    until = msgspec.structs.replace(
        story.recognised(story.new_id(), of=accreditor), valid_until=date(2026, 11, day)
    )
    issued.says(story.authority, story.registered(story.authority, accreditor, "accreditor"), until)
    issued.says(accreditor, story.accredited(accreditation))
    (holder,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))

    assert refuted(issued.report(holder)) == (set() if holds else {"recognition"})


def test_a_withdrawal_after_the_issuance_changes_nothing_for_it(issued: IssuedLog) -> None:
    story = issued.story
    gone = e.RecognitionWithdrawn(reason="misconduct", recognition=story.recognition)
    issued.says(story.authority, gone)
    (later,) = issued.award(awards(story, 1))

    assert issued.report(issued.holders[0]).exit_code == 0
    assert refuted(issued.report(later)) == {"recognition"}


def test_no_number_of_bad_recognitions_hides_a_good_one(issued: IssuedLog) -> None:
    story = issued.story
    for _ in range(12):
        id_ = story.new_id()
        issued.says(story.authority, story.recognised(id_))
        gone = e.RecognitionWithdrawn(reason="administrative", recognition=id_)
        issued.says(story.authority, gone)
    (holder,) = issued.award(awards(story, 1))

    assert issued.report(holder).exit_code == 0


# --- Names along a chain ---


def test_who_vouched_is_called_as_its_own_authority_calls_it(issued: IssuedLog) -> None:
    story = issued.story
    issued.says(story.authority, story.recognition_restated(name="The Accreditor"))
    issued.says(story.accreditor, story.updated(name="Ministry of Everything"))
    (holder,) = issued.award(awards(story, 1))

    report = issued.report(holder)

    assert report.subject["accreditor"] == "The Accreditor"
    assert "Ministry" not in report.check("recognition").detail


def test_an_organization_that_calls_itself_otherwise_is_noted(issued: IssuedLog) -> None:
    story = issued.story
    issued.says(story.authority, story.recognition_restated(name="The Accreditor"))
    (holder,) = issued.award(awards(story, 1))

    (note,) = [each for each in issued.report(holder).notes if "calls itself" in each]
    assert note == f"The Accreditor ({story.accreditor.did}) calls itself An Organization"


def test_who_accredits_itself_is_remarked_on_and_that_refutes_nothing(issued: IssuedLog) -> None:
    story, accreditation = issued.story, issued.story.new_id()
    issued.says(story.authority, story.recognised(story.new_id(), of=story.provider))
    issued.says(story.provider, story.accredited(accreditation))
    (holder,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))

    report = issued.report(holder)

    assert report.exit_code == 0
    assert "the issuer accredited itself" in report.notes
    assert "self-accreditation" in {flag.code for flag in report.flags}


# --- What an anchor looks like ---


def test_an_anchor_is_the_did_of_a_key() -> None:
    assert parse_anchor(AGENCY.did) == AGENCY.did


@pytest.mark.parametrize(
    "text",
    [
        "",
        "agency.example",
        "did:web:agency.example",
        f"did:web:agency.example#{AGENCY.key_id}",
        AGENCY.kid,
        f"{AGENCY.did}#",
        f"{AGENCY.did} ",
        f"{AGENCY.did}\n",
        f"#{AGENCY.key_id}",
        "did:key:z6Mk",
    ],
)
def test_what_is_no_anchor_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_anchor(text)
    assert caught.value.rule == "anchor"
