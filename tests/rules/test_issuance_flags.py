"""Which issuances are flagged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.members import Definition, Scope
from testamur.rules.credentials import BACKDATED_AFTER, POSTDATED_AFTER
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Story, party, uuid7
from tests.rules.members import registrar, robbed

TODAY = date(2026, 11, 21)
DAY = timedelta(days=1)
NOWHERE = uuid7(1, 1)


def issued(story: Story, **members: Any) -> e.CredentialIssued:
    return msgspec.structs.replace(story.issued(), **members)


def flag(gate: MemoryGate, **members: Any) -> tuple[str, ...]:
    return gate.flags(gate.story.provider, issued(gate.story, **members))


def test_nothing_amiss_is_nothing_flagged(gate: MemoryGate) -> None:
    assert flag(gate) == ()


def test_an_issuance_that_claims_no_accreditation_is_flagged(gate: MemoryGate) -> None:
    assert flag(gate, accreditation=None) == ("no-accreditation-claimed",)


OUT_OF_FORCE: dict[str, Callable[[MemoryGate], str]] = {}


def out_of_force(make: Callable[[MemoryGate], str]) -> Callable[[MemoryGate], str]:
    OUT_OF_FORCE[make.__name__] = make
    return make


def _granted(gate: MemoryGate, **members: Any) -> str:
    id_ = gate.story.new_id()
    event = msgspec.structs.replace(gate.story.accredited(id_), **members)
    gate.admit(gate.story.accreditor, event)
    return id_


@out_of_force
def suspended(gate: MemoryGate) -> str:
    id_ = _granted(gate)
    gate.admit(
        gate.story.accreditor, e.AccreditationSuspended(accreditation=id_, reason="misconduct")
    )
    return id_


@out_of_force
def withdrawn(gate: MemoryGate) -> str:
    id_ = _granted(gate)
    gate.admit(
        gate.story.accreditor, e.AccreditationWithdrawn(accreditation=id_, reason="misconduct")
    )
    return id_


@out_of_force
def not_begun(gate: MemoryGate) -> str:
    return _granted(gate, valid_from=TODAY + DAY)


@out_of_force
def over(gate: MemoryGate) -> str:
    return _granted(gate, valid_until=TODAY - DAY)


@pytest.mark.parametrize("how", OUT_OF_FORCE)
def test_issuing_under_an_accreditation_out_of_force_is_flagged(gate: MemoryGate, how: str) -> None:
    assert flag(gate, accreditation=OUT_OF_FORCE[how](gate)) == ("accreditation-not-in-force",)


def test_an_accreditation_counts_again_once_it_is_reinstated(gate: MemoryGate) -> None:
    id_ = suspended(gate)
    gate.admit(gate.story.accreditor, e.AccreditationReinstated(accreditation=id_))

    assert flag(gate, accreditation=id_) == ()


@pytest.mark.parametrize(
    ("due", "flags"),
    [(TODAY - DAY, ("review-overdue",)), (TODAY, ()), (TODAY + DAY, ()), (None, ())],
)
def test_issuing_after_a_review_was_missed_is_flagged(
    gate: MemoryGate, due: date | None, flags: tuple[str, ...]
) -> None:
    assert flag(gate, accreditation=_granted(gate, review_by=due)) == flags


@pytest.mark.parametrize(
    ("moved", "flags"),
    [(TODAY - DAY, ("review-overdue",)), (TODAY, ()), (None, ())],
)
def test_the_day_of_the_review_is_the_one_last_restated(
    gate: MemoryGate, story: Story, moved: date | None, flags: tuple[str, ...]
) -> None:
    """A restatement without such a day states that there is none, as it does of every word."""
    id_ = _granted(gate, review_by=TODAY - 2 * DAY)
    restated = e.AccreditationRestated(
        accreditation=id_, country="NL", name="An Organization", review_by=moved
    )
    gate.admit(story.accreditor, restated)

    assert flag(gate, accreditation=id_) == flags


def test_issuing_outside_the_accredited_scope_is_flagged(gate: MemoryGate) -> None:
    inside = _granted(gate, scope=Scope(fields=("08",), jurisdictions=("NL",)))
    outside = _granted(gate, scope=Scope(fields=("09",)))

    assert flag(gate, accreditation=inside) == ()
    assert flag(gate, accreditation=outside) == ("outside-accredited-scope",)


def test_issuing_under_an_accreditor_no_longer_recognised_is_flagged(
    gate: MemoryGate, story: Story
) -> None:
    gate.admit(
        story.authority, e.RecognitionWithdrawn(reason="misconduct", recognition=story.recognition)
    )

    assert flag(gate) == ("accreditor-not-recognised",)


def test_issuing_under_an_accreditor_that_closed_is_flagged(gate: MemoryGate, story: Story) -> None:
    """It can withdraw nothing any more, so what it granted stands and nobody watches over it."""
    gate.admit(story.accreditor, story.closed())

    assert flag(gate) == ("accreditor-closed",)
    assert flag(gate, accreditation=None) == ("no-accreditation-claimed",)


def test_a_closing_that_counts_no_more_flags_nothing(gate: MemoryGate, story: Story) -> None:
    since = gate.register.size
    gate.admit(story.accreditor, story.closed())
    robbed(gate, story.accreditor, since)

    assert flag(gate) == ()


def test_issuing_under_an_accreditor_recognised_by_closed_authorities_alone_is_flagged(
    gate: MemoryGate, story: Story
) -> None:
    peer = registrar(gate, "authority")
    gate.admit(
        story.authority,
        story.recognised(story.new_id(), of=peer, as_="authority"),
        story.closed(),
    )
    assert flag(gate) == ("authority-closed",)

    gate.admit(peer, story.recognised(second := story.new_id()))
    assert flag(gate) == ()
    gate.admit(peer, e.RecognitionWithdrawn(reason="voluntary", recognition=second))
    assert flag(gate) == ("authority-closed",)


def test_a_recognition_withdrawn_before_its_authority_closed_does_not_count(
    gate: MemoryGate, story: Story
) -> None:
    gate.admit(
        story.authority,
        e.RecognitionWithdrawn(reason="voluntary", recognition=story.recognition),
        story.closed(),
    )

    assert flag(gate) == ("accreditor-not-recognised",)


def test_a_recognition_by_a_thief_recognises_nobody(gate: MemoryGate, story: Story) -> None:
    gate.admit(
        story.authority, e.RecognitionWithdrawn(reason="voluntary", recognition=story.recognition)
    )
    since = gate.register.size
    gate.admit(story.authority, story.recognised(story.new_id()))
    assert flag(gate) == ()
    robbed(gate, story.authority, since)

    assert flag(gate) == ("accreditor-not-recognised",)


def test_issuing_under_an_accreditation_of_its_own_is_flagged(
    gate: MemoryGate, story: Story
) -> None:
    both = registrar(gate, "accreditor", "provider")
    gate.admit(story.authority, story.recognised(story.new_id(), of=both))
    own, achievement = story.new_id(), story.new_id()
    gate.admit(both, story.accredited(own, of=both), story.defined(achievement))
    foreign = story.accredited(story.new_id(), of=both)
    gate.admit(story.accreditor, foreign)

    under = partial(issued, story, achievement=achievement)
    assert gate.flags(both, under(accreditation=own)) == ("self-accreditation",)
    assert gate.flags(both, under(accreditation=foreign.accreditation)) == ()


def test_a_jurisdiction_is_judged_by_the_country_that_the_accreditor_states(
    gate: MemoryGate, story: Story
) -> None:
    """By the word in force at the position; what the provider says of itself moves it nowhere."""
    abroad = _granted(gate, scope=Scope(jurisdictions=("BE",)))
    gate.admit(story.provider, story.updated(country="BE"))
    assert flag(gate, accreditation=abroad) == ("outside-accredited-scope",)

    restated = e.AccreditationRestated(accreditation=abroad, country="BE", name="A")
    gate.admit(story.accreditor, restated)
    assert flag(gate, accreditation=abroad) == ()


def test_the_word_of_a_thief_moves_a_provider_nowhere(gate: MemoryGate, story: Story) -> None:
    at_home = _granted(gate, scope=Scope(jurisdictions=("NL",)))
    since = gate.register.size
    restated = e.AccreditationRestated(accreditation=at_home, country="BE", name="A")
    gate.admit(story.accreditor, restated)
    assert flag(gate, accreditation=at_home) == ("outside-accredited-scope",)
    robbed(gate, story.accreditor, since)

    assert flag(gate, accreditation=at_home) == ()


def test_issuing_a_retired_achievement_is_flagged(gate: MemoryGate, story: Story) -> None:
    gate.admit(story.provider, e.AchievementRetired(achievement=story.achievement))

    assert flag(gate) == ("achievement-retired",)


def test_issuing_an_outdated_version_is_flagged(gate: MemoryGate, story: Story) -> None:
    gate.admit(
        story.provider,
        e.AchievementRevised(
            achievement=story.achievement, definition=story.definition(), version=2
        ),
    )

    assert flag(gate, achievement_version=1) == ("achievement-version-outdated",)
    assert flag(gate, achievement_version=2) == ()


def test_a_version_that_counts_no_more_outdates_nothing(gate: MemoryGate, story: Story) -> None:
    since = gate.register.size
    revised = e.AchievementRevised(
        achievement=story.achievement, definition=story.definition(), version=2
    )
    gate.admit(story.provider, revised)
    fresh = robbed(gate, story.provider, since)

    assert gate.flags(fresh, issued(story)) == ()


@pytest.mark.parametrize(
    ("days", "flags"),
    [(0, ()), (29, ()), (30, ()), (31, ("backdated",)), (3650, ("backdated",))],
)
def test_more_than_thirty_days_back_is_backdated(
    gate: MemoryGate, days: int, flags: tuple[str, ...]
) -> None:
    assert timedelta(days=30) == BACKDATED_AFTER
    assert flag(gate, valid_from=TODAY - days * DAY) == flags


@pytest.mark.parametrize(("days", "flags"), [(1, ()), (2, ("postdated",)), (365, ("postdated",))])
def test_more_than_a_day_ahead_is_postdated(
    gate: MemoryGate, days: int, flags: tuple[str, ...]
) -> None:
    """A day, since it may be tomorrow already where the provider is."""
    assert timedelta(days=1) == POSTDATED_AFTER
    assert flag(gate, valid_from=TODAY + days * DAY) == flags


def test_the_day_is_the_day_it_was_recorded_in_utc(gate: MemoryGate, story: Story) -> None:
    last_moment = 1_795_305_599_999  # 2026-11-21T23:59:59.999Z
    event = issued(story, valid_from=TODAY - 30 * DAY)

    assert gate.flags(story.provider, event, recorded_at=last_moment) == ()
    later = issued(story, valid_from=TODAY - 30 * DAY)
    assert gate.flags(story.provider, later, recorded_at=last_moment + 1) == ("backdated",)


def test_issuing_what_lacks_an_element_is_flagged(gate: MemoryGate, story: Story) -> None:
    bare = Definition(name="A", achievement_type="MicroCredential")
    gate.admit(
        story.provider, e.AchievementDefined(achievement=(id_ := story.new_id()), definition=bare)
    )

    assert flag(gate, achievement=id_) == ("elements-missing",)


def test_flags_add_up_in_one_order(gate: MemoryGate, story: Story) -> None:
    bare = Definition(name="A", achievement_type="MicroCredential")
    id_ = story.new_id()
    gate.admit(
        story.provider,
        e.AchievementDefined(achievement=id_, definition=bare),
        e.AchievementRevised(achievement=id_, definition=bare, version=2),
        e.AchievementRetired(achievement=id_),
    )
    gate.admit(
        story.authority, e.RecognitionWithdrawn(reason="misconduct", recognition=story.recognition)
    )
    narrow = _granted(gate, valid_until=TODAY - DAY, scope=Scope(fields=("09",)))

    assert flag(
        gate, achievement=id_, accreditation=narrow, valid_from=date(2020, 1, 1), valid_until=None
    ) == (
        "accreditation-not-in-force",
        "outside-accredited-scope",
        "accreditor-not-recognised",
        "achievement-retired",
        "achievement-version-outdated",
        "backdated",
        "elements-missing",
    )


def test_each_credential_of_a_cohort_is_flagged_for_itself(gate: MemoryGate, story: Story) -> None:
    """Terms are looked up once each, and never taken one for the other."""
    events = [
        story.issued(),
        issued(story, valid_from=TODAY - 31 * DAY),
        story.issued(),
        issued(story, accreditation=None),
        issued(story, valid_from=TODAY + 2 * DAY),
        story.issued(),
    ]

    assert [each.flags for each in gate.admit(story.provider, *events)] == [
        (),
        ("backdated",),
        (),
        ("no-accreditation-claimed",),
        ("postdated",),
        (),
    ]


def test_what_a_submission_says_in_between_is_heard_by_its_later_issuances(
    gate: MemoryGate, story: Story
) -> None:
    """Of definitions, accreditations and recognitions, whatever was found of them before."""
    both = registrar(gate, "accreditor", "authority", "provider")
    gate.admit(story.authority, story.recognised(story.new_id(), as_="authority", of=both))
    recognition, accreditation, achievement = (story.new_id() for _ in range(3))

    def issues(version: int = 1) -> e.CredentialIssued:
        return issued(
            story,
            achievement=achievement,
            achievement_version=version,
            accreditation=accreditation,
        )

    own = ("self-accreditation", "self-recognition")
    said: list[tuple[e.Event, tuple[str, ...]]] = [
        (story.accredited(accreditation, of=both), ("accreditor-not-recognised", own[0])),
        (story.defined(achievement), ()),
        (issues(), ("accreditor-not-recognised", own[0])),
        (story.recognised(recognition, of=both), own[1:]),
        (issues(), own),
        (story.accredited(story.new_id(), of=both), own),
        (issues(), own),
        (
            e.AchievementRevised(achievement=achievement, definition=story.definition(), version=2),
            (),
        ),
        (issues(), (own[0], "achievement-version-outdated", own[1])),
        (issues(2), own),
        (e.AccreditationSuspended(accreditation=accreditation, reason="voluntary"), ()),
        (issues(2), ("accreditation-not-in-force", *own)),
        (e.AccreditationReinstated(accreditation=accreditation), ()),
        (story.registered(both, party("another newcomer"), "provider"), ()),
        (story.updated(), ()),
        (issues(2), own),
        (e.AchievementRetired(achievement=achievement), ()),
        (issues(2), (own[0], "achievement-retired", own[1])),
        (e.RecognitionWithdrawn(recognition=recognition, reason="voluntary"), ()),
        (issues(2), ("accreditor-not-recognised", own[0], "achievement-retired")),
    ]
    admitted = gate.admit(both, *(event for event, _ in said))
    assert [each.flags for each in admitted] == [flags for _, flags in said]
