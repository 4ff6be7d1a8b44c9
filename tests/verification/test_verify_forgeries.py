"""Nothing that an operator, a provider or a thief could try passes, or breaks the verifier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testamur.catalogue import events as e
from testamur.rules import MAX_AHEAD
from testamur.tlog.cosignature import Cosigner
from testamur.tlog.note import SignerKey
from testamur.tlog.policy import Log, Policy, parse_policy
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import Judged, altered, refuted, signed, unchecked
from tests.harness.story import NOW


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    """A log whose provider awarded three credentials: entries 10 to 13."""
    return IssuedLog(tmp_path / "log")


# --- What an operator or a provider could try ---


def test_a_log_with_two_keys_is_followed_to_the_one_that_opened_it(issued: IssuedLog) -> None:
    newer = SignerKey.generate(issued.story.origin)
    other = SignerKey.generate("other.example/log")
    logs = (Log(other.verifier), Log(newer.verifier), Log(issued.log.key))
    policy = Policy(logs, (), (), None)

    assert issued.report(issued.holders[0], policy=policy).exit_code == 0


@pytest.mark.parametrize("twice", ["credential", "accreditation"])
def test_a_submission_that_was_logged_again_is_refuted(issued: IssuedLog, twice: str) -> None:
    """What its signer said once, an operator cannot have said once more."""
    story, holder = issued.story, issued.holders[0]
    ended: e.Event
    if twice == "credential":
        who = story.provider
        ended = e.CredentialSuspended(credential=holder.id, reason="misconduct")
        mended: e.Event = e.CredentialReinstated(credential=holder.id)
    else:
        who = story.accreditor
        ended = e.AccreditationSuspended(accreditation=story.accreditation, reason="qualityConcern")
        mended = e.AccreditationReinstated(accreditation=story.accreditation)
    issued.says(who, ended)
    again = story.submission(who, mended)
    issued.log.append(again)
    issued.says(who, ended)
    if twice == "accreditation":
        (holder,) = issued.award(awards(story, 1))
    issued.publish()
    positions = issued.positions(holder.id)
    last = issued.log.append(again)

    report = issued.report(
        holder, issued.evidence(holder, positions=[*positions, (last, [last + 1])])
    )
    assert "signature" in refuted(report)
    assert "again" in report.check("signature").detail


def test_a_size_that_cuts_a_submission_is_refuted(issued: IssuedLog) -> None:
    """Else a credential revoked as it was issued could be shown without its revocation."""
    prepared = awards(issued.story, 1)
    (holder,) = prepared.holders
    revoked = e.CredentialRevoked(credential=holder.id, reason="issuedInError")
    position = issued.says(issued.story.provider, *prepared.events, revoked)
    issued.publish()
    before = [each for each in issued.positions(holder.id) if each[0] < position]
    evidence = issued.evidence(holder, positions=[*before, (position, [position + 1])])

    for size in (position + 1, position + 2):
        report = issued.report(holder, msgspec.structs.replace(evidence, size=size))
        assert "inclusion" in refuted(report)
    assert "cuts the submission" in report.check("inclusion").detail


# --- Witnesses and their clocks ---


def _quorum(issued: IssuedLog, *times: int) -> str:
    """Return a policy that asks for all of as many witnesses, who cosign at these times."""
    witnesses = [Cosigner.from_seed(f"w{n}", bytes([n + 1]) * 32) for n in range(len(times))]
    issued.witnesses = list(zip(witnesses, times, strict=True))
    return "".join(
        [
            f"log {issued.log.key}\n",
            *(f"witness {each.name} {each.verifier}\n" for each in witnesses),
            f"group g all {' '.join(each.name for each in witnesses)}\n",
            "quorum g\n",
        ]
    )


def test_a_quorum_that_is_met_is_named_with_its_time(issued: IssuedLog) -> None:
    policy = parse_policy(_quorum(issued, NOW, NOW + 60))

    report = issued.report(issued.holders[0], policy=policy)

    assert report.exit_code == 0, report.checks
    assert report.witnessed_at == "2026-11-21T10:01:00.000Z"
    assert "w0, w1" in report.check("checkpoint").detail


@pytest.mark.parametrize("ahead", [MAX_AHEAD + 1, 10**12, 2**62])
def test_a_witness_ahead_of_all_clocks_tells_no_time_and_breaks_nothing(
    issued: IssuedLog, ahead: int
) -> None:
    policy = parse_policy(_quorum(issued, NOW - 60, min(NOW + ahead, 2**63 - 1)))

    report = issued.report(issued.holders[0], policy=policy)

    assert report.witnessed_at == "2026-11-21T09:59:00.000Z"
    assert report.exit_code == 0


def test_an_entry_is_not_recorded_after_witnesses_saw_it(issued: IssuedLog) -> None:
    """Their clocks bound what the operator may claim of its own."""
    seen = NOW - MAX_AHEAD - 1
    policy = parse_policy(_quorum(issued, seen - 3600, seen))

    assert refuted(issued.report(issued.holders[0], policy=policy)) == {"signature"}
    policy = parse_policy(_quorum(issued, seen - 3600, seen + 1))
    assert issued.report(issued.holders[0], policy=policy).exit_code == 0


# --- Content that nobody expects ---


def test_a_report_says_nothing_that_a_terminal_would_obey(issued: IssuedLog) -> None:
    def change(credential: dict[str, Any]) -> None:
        credential["credentialSubject"]["achievement"]["name"] = "\x1b[2J" + "x" * 100_000

    (holder,) = issued.award(altered(awards(issued.story, 1), change))

    report = issued.report(holder)

    assert "achievement" in refuted(report) | unchecked(report)
    for check in report.checks:
        assert check.detail.isprintable()
        assert len(check.detail) <= 1000


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def _places(found: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps: list[Any] = []
    if isinstance(found, dict):
        steps = list(found)
    elif isinstance(found, list):
        steps = list(range(len(found)))
    return [place] * bool(place) + [
        each for step in steps for each in _places(found[step], (*place, step))
    ]


@pytest.mark.slow
@settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_nothing_a_credential_can_hold_breaks_the_verifier(
    judged_once: Judged, data: st.DataObject
) -> None:
    """Whatever stands in it, a report comes out, and it is not a good one.

    But for the proof, to which there is no commitment: it may be added or dropped later.
    """
    credential = json.loads(json.dumps(judged_once.holder.credential))
    places = [place for place in _places(credential) if place[0] != "proof"]
    *path, last = data.draw(st.sampled_from(places))
    place = credential
    for step in path:
        place = place[step]
    before = json.dumps(credential, sort_keys=True)
    place[last] = data.draw(_JSON)
    holder = msgspec.structs.replace(judged_once.holder, credential=credential)

    report = judged_once.issued.report(holder, judged_once.evidence)

    assert (report.exit_code == 0) == (json.dumps(credential, sort_keys=True) == before)
    assert json.loads(report.to_json())


@pytest.fixture(scope="module")
def judged_once(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """A credential signed by its issuer, with its evidence, for tests that change neither."""
    issued = IssuedLog(tmp_path_factory.mktemp("verify") / "log")
    holder = signed(issued.holders[0], issued.story.provider.key)
    return Judged(issued, holder, issued.evidence(issued.holders[0]))


@pytest.mark.slow
@settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(proof=_JSON)
def test_nothing_a_proof_can_hold_breaks_the_verifier(judged_once: Judged, proof: Any) -> None:
    credential = {**judged_once.holder.credential, "proof": proof}
    holder = msgspec.structs.replace(judged_once.holder, credential=credential)

    report = judged_once.issued.report(holder, judged_once.evidence)

    assert "proof" not in {check.name for check in report.checks if check.verdict == "holds"}
