"""What somebody leaves out of an evidence file never makes a bad credential hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from msgspec.structs import replace

from testamur.catalogue.lines import decode_event
from testamur.verification.evidence import Evidence, LoggedSubmission
from testamur.verification.report import EvidenceFrom, Report
from tests.trust_model.cast import begun, change, issue
from tests.trust_model.events import KeyListed, Succeeded
from tests.trust_model.story import Register
from tests.trust_stories.conftest import OnLog
from tests.trust_stories.published import PublishedStory


def revoked(register: Register) -> None:
    register.submit("College", "College/s1", issue("c2"))
    register.submit("College", "College/s1", change("revoke", "c2"))


def accreditation_withdrawn_before(register: Register) -> None:
    register.submit("Agency", "Agency/s1", change("withdraw", "za"))
    register.submit("College", "College/s1", issue("c2"))


def recognition_withdrawn_before(register: Register) -> None:
    register.submit("Ministry", "Ministry/s1", change("withdraw", "ra"))
    register.submit("College", "College/s1", issue("c2"))


def issuer_cut_off(register: Register) -> None:
    theft = register.submit("College", "College/s1", issue("c2"), by="thief")
    register.declare("College/s1", theft)


def accreditor_cut_off(register: Register) -> None:
    register.submit("College", "College/s1", issue("c2"))
    register.declare("Agency/s1", 3)


def authority_cut_off(register: Register) -> None:
    register.submit("College", "College/s1", issue("c2"))
    register.declare("Ministry/s1", 3)


def revoked_by_a_successor(register: Register) -> None:
    register.submit("College", "College/s1", issue("c2"))
    register.submit("Agency", "Agency/s1", Succeeded("College", "Puppet"))
    register.submit("Puppet", "Puppet/s1", change("revoke", "c2"), days=31)


def revoked_before_it_came_back(register: Register) -> None:
    issued = register.submit("College", "College/s1", issue("c2"))
    register.submit("College", "College/s2", change("revoke", "c2"))
    register.declare("College/s1", issued, by="College/r1")
    theft = register.declare("College/s2", issued, by="College/r1", pen="thief")
    register.submit("College", "College", KeyListed("College/s3", "signing"))
    register.submit("College", "College/s3", issue("c2"))
    register.declare("College/r1", theft)


Bad = Callable[[Register], None]
BAD: Final[tuple[Bad, ...]] = (
    revoked,
    accreditation_withdrawn_before,
    recognition_withdrawn_before,
    issuer_cut_off,
    accreditor_cut_off,
    authority_cut_off,
    revoked_by_a_successor,
    revoked_before_it_came_back,
)


@pytest.mark.slow
@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
def test_no_part_left_out_of_a_file_makes_it_hold(bad: Bad, on_log: OnLog) -> None:
    register = begun()
    bad(register)
    published = on_log(register)
    whole = published.evidence("c2")
    assert published.report("c2", whole).exit_code == 1
    # From a file it could not be told that no other recognition leads to the anchor.
    for cut in (whole, *_cut(whole)):
        assert _from_file(published, cut).exit_code in {1, 2}


@pytest.mark.slow
@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
def test_a_file_from_before_it_went_bad_never_holds(bad: Bad, on_log: OnLog) -> None:
    register = begun()
    bad(register)
    published = on_log(register)
    whole = published.evidence("c2")
    for kept in range(1, len(whole.submissions)):
        earlier = replace(whole, submissions=whole.submissions[:kept])
        assert _from_file(published, earlier).exit_code in {1, 2}


def test_a_good_file_alone_could_not_be_checked_and_says_what_would_settle_it(
    on_log: OnLog,
) -> None:
    published = on_log(begun())
    report = _from_file(published, published.evidence("c1"), "c1")
    assert report.exit_code == 2
    assert "--url" in report.why
    assert published.report("c1").exit_code == 0, "who replayed the log knows"


def test_what_was_left_out_is_what_made_it_bad(on_log: OnLog) -> None:
    """The files above are told apart by the one entry that is missing."""
    register = begun()
    revoked(register)
    published = on_log(register)
    whole = published.evidence("c2")
    lines = [decode_event(each.line.encode()) for one in whole.submissions for each in one.events]
    assert sum(type(line).__name__ == "CredentialRevoked" for line in lines) == 1
    last = replace(whole, submissions=whole.submissions[:-1])
    assert _from_file(published, last).exit_code == 2


def _from_file(published: PublishedStory, evidence: Evidence, name: str = "c2") -> Report:
    return published.report(name, evidence, evidence_from=EvidenceFrom.FILE)


def _cut(whole: Evidence) -> Iterator[Evidence]:
    """Yield the evidence without each submission, and without each event of one with several."""
    for at, submission in enumerate(whole.submissions):
        before, after = whole.submissions[:at], whole.submissions[at + 1 :]
        yield replace(whole, submissions=(*before, *after))
        for shorter in _shorter(submission):
            yield replace(whole, submissions=(*before, shorter, *after))


def _shorter(submission: LoggedSubmission) -> Iterator[LoggedSubmission]:
    events = submission.events
    if len(events) > 1:
        for at in range(len(events)):
            yield replace(submission, events=(*events[:at], *events[at + 1 :]))
