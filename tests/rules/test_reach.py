"""A declaration says by three sums what it changes about the past, as the model works them out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from testamur.catalogue import events as e
from testamur.rules.reach import Counts, Reach, Sums, reach, sums_of
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, Story, party
from tests.trust_model import reach as model
from tests.trust_model.gate import ADMITTED
from tests.trust_model.random_story import tell
from tests.trust_model.story import Register
from tests.trust_model.submissions import Submission
from tests.trust_stories.naming import did_of, milliseconds_of, multikey_of
from tests.trust_stories.rendering import genesis
from tests.trust_stories.rule_names import limits_of
from tests.trust_stories.rules_level import RulesGate, answer_of


@dataclass
class LogTotals:
    """Running totals, added up anew for each question."""

    submissions: list[tuple[int, int, str, str, Sums]] = field(default_factory=list)
    """Header position, time of recording, organization, key, sums."""

    def totals(self, organization: str, key: str, positions: Sequence[int]) -> list[Counts]:
        """Return the sums over the key's submissions below each position."""
        assert sorted(positions) == list(positions)
        return [self._below(organization, key, position) for position in positions]

    def first_recorded(self, recorded_at: int) -> int:
        """Return the first header recorded then or later."""
        found = (at for at, recorded, *_ in self.submissions if recorded >= recorded_at)
        return next(found, self.submissions[-1][0] + 1 if self.submissions else 0)

    def _below(self, organization: str, key: str, position: int) -> Counts:
        found = Sums()
        for at, _, who, signer, sums in self.submissions:
            if at < position and (who, signer) == (organization, key):
                found += sums
        return found.counts


# --- As the model works it out ---


def key_submissions(told: Register) -> Iterator[tuple[Submission, Reach]]:
    """Play a story through the rules; yield each submission of key events, and its reach."""
    gate = RulesGate(limits_of(told.settings))
    gate.offer(genesis(told.authorities), milliseconds_of(0))
    totals, now, admitted = LogTotals(), 0, iter(told.log[1:])
    for number, step in enumerate(told.steps):
        now += step.after
        did = did_of(step.organization)
        before = gate.register.organizations.get(did)
        if answer_of(gate, step, now, str(number)) != ADMITTED or before is None:
            continue
        submission = next(admitted)
        if submission.has_key_events:
            keys = gate.register.organizations[did].keys
            yield submission, reach(totals, did, before.keys, keys, submission.position)
        sums = model._sums([submission])
        totals.submissions.append(
            (
                submission.position,
                milliseconds_of(now),
                did,
                multikey_of(step.key),
                Sums(sums.issuances, sums.grants, sums.endings),
            )
        )


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, 20])
def test_the_sums_are_the_models(first: int) -> None:
    compared = changed = 0
    for seed in range(first, first + 20):
        told = tell(seed, late=seed % 2 == 0).register
        for submission, found in key_submissions(told):
            expected = model.reach(told.log, submission.position, told.settings)
            for ours, theirs in (
                (found.fallen, expected.fallen),
                (found.returned, expected.returned),
            ):
                assert (ours.issuances, ours.grants, ours.endings) == (
                    theirs.issuances,
                    theirs.grants,
                    theirs.endings,
                )
            assert found.flagged == expected.flagged
            compared += 1
            changed += found != Reach(Sums(), Sums())
    assert (compared > 100, changed > 10) == (True, True), "stories of more declarations are needed"


# --- The flag ---


@pytest.fixture
def totals(gate: MemoryGate) -> LogTotals:
    gate.totals = found = LogTotals()
    return found


def spoken(gate: MemoryGate, totals: LogTotals, signer: Party, *events: e.Event) -> None:
    position = gate.register.size
    gate.admit(signer, *events)
    sums = sums_of(signer.did, events)
    totals.submissions.append((position, gate.story.milliseconds, signer.did, signer.key_id, sums))


def test_a_declaration_that_brings_back_what_was_ended_is_flagged(
    gate: MemoryGate, story: Story, totals: LogTotals
) -> None:
    provider, issued = story.provider, story.issued()
    spoken(gate, totals, provider, issued)
    since = gate.register.size
    spoken(
        gate,
        totals,
        provider,
        e.CredentialRevoked(credential=issued.credential, reason="misconduct"),
    )

    declared = story.key_compromised(provider, since=since)
    assert gate.flags(provider.recovery, declared) == ("reaches-back",)


@pytest.mark.parametrize(("to", "flags"), [("another", ("reaches-back",)), ("itself", ())])
def test_a_declaration_that_voids_a_grant_to_another_is_flagged(
    gate: MemoryGate, story: Story, totals: LogTotals, to: str, flags: tuple[str, ...]
) -> None:
    subject = story.provider if to == "another" else story.accreditor
    since = gate.register.size
    spoken(gate, totals, story.accreditor, story.accredited(story.new_id(), of=subject))

    declared = story.key_compromised(story.accreditor, since=since)
    assert gate.flags(story.accreditor.recovery, declared) == flags


def test_a_declaration_that_voids_issuances_alone_is_not_flagged(
    gate: MemoryGate, story: Story, totals: LogTotals
) -> None:
    since = gate.register.size
    spoken(gate, totals, story.provider, story.issued())

    declared = story.key_compromised(story.provider, since=since)
    assert gate.flags(story.provider.recovery, declared) == ()


def test_what_is_kept_falls_not(gate: MemoryGate, story: Story, totals: LogTotals) -> None:
    since = gate.register.size
    spoken(gate, totals, story.accreditor, story.accredited(story.new_id()))

    declared = story.key_compromised(story.accreditor, since=since, kept=((since, since),))
    assert gate.flags(story.accreditor.recovery, declared) == ()


@pytest.mark.parametrize("retired", [False, True])
def test_what_is_signed_later_is_not_in_its_reach(
    gate: MemoryGate,
    story: Story,
    totals: LogTotals,
    retired: bool,  # noqa: FBT001
) -> None:
    """A follower works it out when it knows all of a batch, and not only what came before."""
    since = gate.register.size
    spoken(gate, totals, story.provider, story.issued())
    position, before = gate.register.size, gate.register.organizations[story.provider.did].keys
    declared = story.key_compromised(story.provider, since=since)
    gate.admit(story.provider.recovery, declared, *[story.key_retired(story.provider)] * retired)
    later = (position + 10, story.milliseconds, story.provider.did, story.provider.key_id)
    totals.submissions.append((*later, Sums(issuances=5)))

    after = gate.register.organizations[story.provider.did].keys
    found = reach(totals, story.provider.did, before, after, position)
    assert found == Reach(fallen=Sums(issuances=1))


def test_of_events_three_kinds_are_counted() -> None:
    story, id_ = Story(), Story().new_id()
    other = party("other")
    events = (
        story.issued(),
        story.issued(),
        story.recognised(of=story.authority),
        story.recognised(of=other),
        story.accredited(of=other),
        e.CredentialSuspended(credential=id_, reason="administrative"),
        e.CredentialSuperseded(credential=id_, successor=id_),
        e.RecognitionWithdrawn(recognition=id_, reason="voluntary"),
    )

    assert sums_of(story.authority.did, events) == Sums(issuances=2, grants=2, endings=2)
