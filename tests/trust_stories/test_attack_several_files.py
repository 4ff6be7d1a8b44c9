"""A file that somebody adds spoils nothing, and what a register hides is found in one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias

import pytest
from msgspec.structs import replace

from testamur.badges.commitment import render_holder_file
from testamur.cli.evidence_sources import Given
from testamur.cli.judging import Question, answer
from testamur.tlog.policy import parse_policy
from testamur.verification import excerpt
from testamur.verification.evidence import Evidence, render_evidence
from testamur.verification.report import EvidenceFrom
from tests.harness.page_modules import ask
from tests.trust_model.cast import ANCHORS, begun, change, issue
from tests.trust_model.events import Succeeded
from tests.trust_model.story import Register
from tests.trust_model.submissions import Submission
from tests.trust_stories.conftest import OnLog
from tests.trust_stories.naming import did_of, id_of, milliseconds_of
from tests.trust_stories.published import SIGNER, PublishedStory

Positions: TypeAlias = list[tuple[int, list[int]]]
Theft: TypeAlias = Callable[[Register], tuple[Submission, str]]
"""What a thief does to c2: the first of it, and the key that is to be declared."""

POLICY: Final = f"log {SIGNER.verifier}\nquorum none\n"
_ANCHORS: Final = [did_of(each) for each in ANCHORS]
_CODES: Final = {"valid": 0, "not-valid": 1, "could-not-tell": 2}


def _revokes(register: Register) -> tuple[Submission, str]:
    at = register.submit("College", "College/s1", change("revoke", "c2"), by="thief")
    return at, "College/s1"


def _names_a_successor(register: Register) -> tuple[Submission, str]:
    at = register.submit("College", "College/s1", Succeeded("College", "Puppet"), by="thief")
    register.submit("Puppet", "Puppet/s1", change("revoke", "c2"), days=31, by="stranger")
    return at, "College/s1"


def _names_a_successor_for_the_accreditor(register: Register) -> tuple[Submission, str]:
    at = register.submit("Agency", "Agency/s1", Succeeded("College", "Puppet"), by="thief")
    register.submit("Puppet", "Puppet/s1", change("revoke", "c2"), days=31, by="stranger")
    return at, "Agency/s1"


def _declares_the_owners_key(register: Register) -> tuple[Submission, str]:
    at = register.declare("College/s2", 3, by="College/r1", pen="thief")
    return at, "College/r1"


THEFTS: Final[tuple[Theft, ...]] = (
    _revokes,
    _names_a_successor,
    _names_a_successor_for_the_accreditor,
    _declares_the_owners_key,
)


@dataclass(frozen=True)
class _Verifier:
    """One who trusts the Ministry, and judges c2 by what it is given."""

    published: PublishedStory

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(milliseconds_of(self.published.told.now) / 1000, UTC)

    def code(self, *files: Evidence, register: Evidence | None = None) -> int:
        """Return the exit code."""
        fresh = [] if register is None else [Given(EvidenceFrom.REGISTER, register, None)]
        given = [*fresh, *(Given(EvidenceFrom.FILE, each, None) for each in files)]
        question = Question(parse_policy(POLICY), _ANCHORS, None, None, self.now)
        return answer(self.published.credentials()["c2"], given, question).exit_code

    def agreed(self, *files: Evidence, register: Evidence | None = None) -> int:
        """Return the same, if a page agrees."""
        asked = {
            "holder": render_holder_file(self.published.credentials()["c2"]).decode(),
            "files": [render_evidence(each).decode() for each in files],
            "register": None if register is None else render_evidence(register).decode(),
            "policy": POLICY,
            "anchors": _ANCHORS,
            "now": self.now.isoformat(),
        }
        code = self.code(*files, register=register)
        assert [_CODES[each["verdict"]] for each in ask("several", [asked])] == [code]
        return code


def _positions(published: PublishedStory) -> Positions:
    return published.bearing().positions(id_of("c2"), _ANCHORS)


def _issued() -> Register:
    register = begun()
    register.submit("College", "College/s2", issue("c2"))
    return register


@pytest.mark.slow
@pytest.mark.parametrize("theft", THEFTS, ids=lambda theft: theft.__name__.strip("_"))
def test_a_file_that_leaves_out_a_declaration_spoils_no_good_credential(
    theft: Theft, on_log: OnLog
) -> None:
    register = _issued()
    begins, key = theft(register)
    before = _positions(on_log(register))
    register.declare(key, begins)
    published = on_log(register)
    hostile, whole = published.excerpt("c2", before), published.evidence("c2")
    verifier = _Verifier(published)
    assert verifier.agreed(hostile) == 1, "nothing else is known"
    assert verifier.agreed(register=whole) == 0
    assert verifier.agreed(hostile, register=whole) == 0
    assert [verifier.agreed(hostile, whole), verifier.agreed(whole, hostile)] == [2, 2]


def _revoked_by_a_successor(on_log: OnLog) -> tuple[PublishedStory, Positions]:
    """Return a log, and what bore on c2 before a lawful successor revoked it."""
    register = _issued()
    before = _positions(on_log(register))
    register.submit("Agency", "Agency/s1", Succeeded("College", "Puppet"))
    register.submit("Puppet", "Puppet/s1", change("revoke", "c2"), days=31)
    return on_log(register), before


@pytest.mark.slow
def test_what_a_register_hides_of_a_successor_is_found_in_a_file(on_log: OnLog) -> None:
    published, before = _revoked_by_a_successor(on_log)
    hiding, whole = published.excerpt("c2", before), published.evidence("c2")
    verifier = _Verifier(published)
    assert verifier.agreed(register=hiding) == 0
    assert verifier.agreed(whole, register=hiding) == 1
    assert [verifier.agreed(hiding, whole), verifier.agreed(whole, hiding)] == [1, 1]


@pytest.mark.slow
def test_a_suspension_in_one_file_takes_back_no_revocation_in_another(on_log: OnLog) -> None:
    register = _issued()
    register.submit("College", "College/s2", change("suspend", "c2"))
    before = _positions(on_log(register))
    register.submit("College", "College/s2", change("revoke", "c2"))
    published = on_log(register)
    suspended, revoked = published.excerpt("c2", before), published.evidence("c2")
    verifier = _Verifier(published)
    assert verifier.agreed(suspended) == 2, "a reinstatement may be left out"
    assert [verifier.agreed(suspended, revoked), verifier.agreed(revoked, suspended)] == [1, 1]


@pytest.mark.slow
def test_what_cannot_be_read_together_takes_nothing_back(
    on_log: OnLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A register may pad its answer, and a bearer add a file, until there is too much."""
    published, before = _revoked_by_a_successor(on_log)
    whole = published.evidence("c2")
    stranger = next(each for each in published.told.log if each.key == "Rogue/s1").position
    padded = published.excerpt("c2", sorted([*before, (stranger, [stranger + 1])]))
    verifier = _Verifier(published)
    # Two root authorities, the accreditor, the issuer, and its successor or the stranger.
    monkeypatch.setattr(excerpt, "MAX_ORGANIZATIONS", 5)
    assert verifier.code(register=padded) == 0
    assert verifier.code(whole, register=padded) == 1
    larger = published.excerpt("c2", sorted([*_positions(published), (stranger, [stranger + 1])]))
    assert verifier.code(larger) == 2, "too much to be read"
    assert [verifier.code(larger, whole), verifier.code(whole, larger)] == [1, 1]


@pytest.mark.slow
def test_a_forged_file_beside_one_that_holds_is_left_aside(on_log: OnLog) -> None:
    published = on_log(_issued())
    whole = published.evidence("c2")
    *others, last = whole.submissions
    bent = replace(last, inclusion=last.inclusion[::-1])
    forged = replace(whole, submissions=(*others, bent))
    verifier = _Verifier(published)
    assert verifier.agreed(forged) == 1
    assert [verifier.agreed(forged, whole), verifier.agreed(whole, forged)] == [2, 2]
    assert verifier.agreed(forged, register=whole) == 0
