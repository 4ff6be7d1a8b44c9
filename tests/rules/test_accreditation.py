"""Who recognises and accredits whom, and which grants are flagged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import AccreditationStatus, RecognitionStatus
from testamur.catalogue.members import Role, Scope
from testamur.rules import accreditation as rules
from testamur.rules.accreditation import recognitions_in_force
from testamur.rules.register import Accreditation, Recognition
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, Story, party, uuid7

TODAY = date(2026, 11, 21)
DAY = timedelta(days=1)
NOWHERE = uuid7(1, 1)


def member(gate: MemoryGate, *roles: Role) -> Party:
    who = party("another " + " ".join(roles))
    gate.admit(gate.story.authority, gate.story.registered(gate.story.authority, who, *roles))
    return who


# --- Recognitions ---


def test_only_an_authority_recognises_and_only_an_accreditor_is_recognised(
    gate: MemoryGate, story: Story
) -> None:
    granted = story.recognised(story.new_id())

    for signer in (story.accreditor, story.provider):
        assert gate.refused(signer, granted).rule == "role"
    for other in (story.provider, story.authority):
        wrong = msgspec.structs.replace(granted, accreditor=other.did)
        assert gate.refused(story.authority, wrong).rule == "role"
    unknown = msgspec.structs.replace(granted, accreditor=party("stranger").did)
    assert gate.refused(story.authority, unknown).rule == "unknown-organization"
    gate.admit(story.authority, granted)


def test_a_recognition_is_withdrawn_by_who_granted_it_and_once(
    gate: MemoryGate, story: Story
) -> None:
    peer = member(gate, "authority")
    withdrawn = e.RecognitionWithdrawn(reason="qualityConcern", recognition=story.recognition)

    assert gate.refused(peer, withdrawn).rule == "recognition-of-another"
    assert gate.refused(story.accreditor, withdrawn).rule == "recognition-of-another"
    gate.admit(story.authority, withdrawn)
    found = gate.register.recognitions[story.recognition]
    assert (found.status, found.version) == (RecognitionStatus.WITHDRAWN, 2)
    assert gate.refused(story.authority, withdrawn).rule == "transition"


def test_an_id_once_used_for_a_recognition_is_used_up(gate: MemoryGate, story: Story) -> None:
    peer = member(gate, "authority")
    again = story.recognised()

    for signer in (story.authority, peer):
        assert gate.refused(signer, again).rule == "transition"


def test_a_recognition_never_granted_is_not_withdrawn(gate: MemoryGate, story: Story) -> None:
    withdrawn = e.RecognitionWithdrawn(reason="unspecified", recognition=NOWHERE)

    assert gate.refused(story.authority, withdrawn).rule == "unknown-recognition"


def test_recognitions_without_number_neither_bar_a_renewal_nor_cost_more(
    gate: MemoryGate, story: Story
) -> None:
    """Flags look at the newest of them alone."""
    junk = [
        msgspec.structs.replace(story.recognised(story.new_id()), valid_until=date(2026, 1, 2))
        for _ in range(1_000)
    ]
    gate.admit(story.authority, *junk)
    accredited = story.accredited(story.new_id())
    assert gate.flags(story.accreditor, accredited) == ("accreditor-not-recognised",)

    gate.admit(story.authority, story.recognised(story.new_id()))

    assert len(gate.register.recognised[story.accreditor.did]) == rules.LOOKED_AT
    assert gate.flags(story.accreditor, story.accredited(story.new_id())) == ()


@pytest.mark.parametrize("names", [0, 1_000], ids=["many", "many large ones"])
def test_no_authority_crowds_out_the_recognition_by_another(
    gate: MemoryGate, story: Story, names: int
) -> None:
    rogue = member(gate, "authority")
    achievements = tuple(uuid7(1, number) for number in range(names)) or None
    scope = Scope(fields=("01",), achievements=achievements)
    junk = [
        msgspec.structs.replace(story.recognised(story.new_id()), scope=scope) for _ in range(200)
    ]
    gate.admit(rogue, *junk)

    looked_at = gate.register.recognised[story.accreditor.did]
    assert looked_at[0] == story.recognition
    assert looked_at[-1] == junk[-1].recognition
    assert gate.flags(story.accreditor, story.accredited(story.new_id())) == ()


# --- Accreditations ---


def test_only_an_accreditor_accredits_and_only_a_provider_is_accredited(
    gate: MemoryGate, story: Story
) -> None:
    granted = story.accredited(story.new_id())

    for signer in (story.authority, story.provider):
        assert gate.refused(signer, granted).rule == "role"
    for other in (story.accreditor, story.authority):
        wrong = msgspec.structs.replace(granted, provider=other.did)
        assert gate.refused(story.accreditor, wrong).rule == "role"
    unknown = msgspec.structs.replace(granted, provider=party("stranger").did)
    assert gate.refused(story.accreditor, unknown).rule == "unknown-organization"
    assert gate.flags(story.accreditor, granted) == ()


CHANGES: dict[str, Callable[[str], e.Event]] = {
    "suspended": lambda id_: e.AccreditationSuspended(accreditation=id_, reason="misconduct"),
    "reinstated": lambda id_: e.AccreditationReinstated(accreditation=id_),
    "withdrawn": lambda id_: e.AccreditationWithdrawn(accreditation=id_, reason="voluntary"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_accreditation_is_changed_by_who_granted_it_alone(
    gate: MemoryGate, story: Story, change: str
) -> None:
    peer = member(gate, "accreditor")
    event = CHANGES[change](story.accreditation)
    if change == "reinstated":
        gate.admit(story.accreditor, CHANGES["suspended"](story.accreditation))

    for other in (peer, story.provider, story.authority):
        assert gate.refused(other, event).rule == "accreditation-of-another"
    gate.admit(story.accreditor, event)


@pytest.mark.parametrize("change", CHANGES)
def test_an_accreditation_never_granted_does_not_change(
    gate: MemoryGate, story: Story, change: str
) -> None:
    refusal = gate.refused(story.accreditor, CHANGES[change](NOWHERE))

    assert (refusal.rule, refusal.value) == ("unknown-accreditation", NOWHERE)


@pytest.mark.parametrize(
    "steps", ["reinstated", "suspended suspended", "withdrawn reinstated", "withdrawn withdrawn"]
)
def test_an_accreditation_takes_no_impossible_step(
    gate: MemoryGate, story: Story, steps: str
) -> None:
    *before, last = (CHANGES[step](story.accreditation) for step in steps.split())
    for event in before:
        gate.admit(story.accreditor, event)

    assert gate.refused(story.accreditor, last).rule == "transition"


def test_a_withdrawn_accreditation_is_not_granted_again_under_its_id(
    gate: MemoryGate, story: Story
) -> None:
    gate.admit(story.accreditor, CHANGES["withdrawn"](story.accreditation))
    peer = member(gate, "accreditor")

    for signer in (story.accreditor, peer):
        assert gate.refused(signer, story.accredited()).rule == "transition"
    assert gate.register.accreditations[story.accreditation].status is AccreditationStatus.WITHDRAWN


@pytest.mark.parametrize("kind", ["recognition", "accreditation"])
def test_no_term_ends_before_it_begins(gate: MemoryGate, story: Story, kind: str) -> None:
    signer, event = (
        (story.authority, story.recognised(story.new_id()))
        if kind == "recognition"
        else (story.accreditor, story.accredited(story.new_id()))
    )
    one_day = msgspec.structs.replace(event, valid_from=TODAY, valid_until=TODAY)
    backwards = msgspec.structs.replace(event, valid_from=TODAY, valid_until=TODAY - DAY)

    assert gate.refused(signer, backwards).rule == "dates"
    gate.admit(signer, one_day)


RECOGNITION = Recognition(
    id=NOWHERE,
    authority="did:web:a",
    accreditor="did:web:b",
    status=RecognitionStatus.ACTIVE,
    valid_from=TODAY,
    version=1,
    valid_until=TODAY + 10 * DAY,
)
ACCREDITATION = Accreditation(
    id=NOWHERE,
    accreditor="did:web:b",
    provider="did:web:c",
    decision="positive",
    kind="programme",
    status=AccreditationStatus.ACTIVE,
    valid_from=TODAY,
    version=1,
    valid_until=TODAY + 10 * DAY,
)


@pytest.mark.parametrize("state", [RECOGNITION, ACCREDITATION])
def test_a_term_includes_its_first_and_its_last_day(state: Recognition | Accreditation) -> None:
    counting = [offset for offset in range(-2, 14) if state.in_force(TODAY + offset * DAY)]

    assert counting == list(range(11))
    endless = msgspec.structs.replace(state, valid_until=None)
    assert endless.in_force(date.max)
    assert not endless.in_force(TODAY - DAY)


@pytest.mark.parametrize("state", [RECOGNITION, ACCREDITATION])
def test_a_term_counts_while_it_stands(state: Recognition | Accreditation) -> None:
    for status in (
        RecognitionStatus.WITHDRAWN,
        AccreditationStatus.SUSPENDED,
        AccreditationStatus.WITHDRAWN,
    ):
        assert not msgspec.structs.replace(state, status=status).in_force(TODAY)


# --- Flags on what an accreditor grants ---


def test_an_accreditor_nobody_recognises_is_flagged(gate: MemoryGate, story: Story) -> None:
    stranger = member(gate, "accreditor")
    granted = story.accredited(story.new_id())

    assert gate.flags(stranger, granted) == ("accreditor-not-recognised",)


@pytest.mark.parametrize(
    "change",
    {
        "withdrawn": {"withdraw": True},
        "not begun": {"valid_from": TODAY + DAY},
        "over": {"valid_until": TODAY - DAY},
    }.values(),
)
def test_an_accreditor_whose_recognition_does_not_count_today_is_flagged(
    gate: MemoryGate, story: Story, change: dict[str, Any]
) -> None:
    accreditor = member(gate, "accreditor")
    id_ = story.new_id()
    terms = {key: value for key, value in change.items() if key != "withdraw"}
    recognised = msgspec.structs.replace(story.recognised(id_), accreditor=accreditor.did, **terms)
    gate.admit(story.authority, recognised)
    if "withdraw" in change:
        gate.admit(story.authority, e.RecognitionWithdrawn(reason="unspecified", recognition=id_))

    assert [*recognitions_in_force(gate.register, accreditor.did, TODAY)] == []
    assert gate.flags(accreditor, story.accredited(story.new_id())) == (
        "accreditor-not-recognised",
    )


def test_a_grant_beyond_every_recognition_is_flagged(gate: MemoryGate, story: Story) -> None:
    accreditor = member(gate, "accreditor")
    for fields in (("06",), ("09",)):
        recognised = msgspec.structs.replace(
            story.recognised(story.new_id()),
            accreditor=accreditor.did,
            scope=Scope(fields=fields),
        )
        gate.admit(story.authority, recognised)

    def flags(*fields: str) -> tuple[str, ...]:
        scope = Scope(fields=fields) if fields else None
        granted = msgspec.structs.replace(story.accredited(story.new_id()), scope=scope)
        return gate.flags(accreditor, granted)

    assert flags("0612") == ()
    assert flags("091") == ()
    assert flags("08") == ("outside-recognition",)
    assert flags() == ("outside-recognition",)
    # Each recognition stands for itself: two of them do not add up to a wider one.
    assert flags("0612", "0911") == ("outside-recognition",)


def test_an_accreditor_that_only_recognises_itself_is_flagged(
    gate: MemoryGate, story: Story
) -> None:
    both = member(gate, "accreditor", "authority")
    own = msgspec.structs.replace(story.recognised(story.new_id()), accreditor=both.did)
    assert gate.flags(both, own) == ("self-recognition",)
    assert gate.flags(both, story.accredited(story.new_id())) == ("self-recognition",)

    other = msgspec.structs.replace(story.recognised(story.new_id()), accreditor=both.did)
    assert gate.flags(story.authority, other) == ()
    assert gate.flags(both, story.accredited(story.new_id())) == ()


def test_an_accreditation_of_oneself_is_flagged(gate: MemoryGate, story: Story) -> None:
    both = member(gate, "accreditor", "provider")
    granted = msgspec.structs.replace(story.accredited(story.new_id()), provider=both.did)
    assert gate.flags(both, granted) == ("accreditor-not-recognised", "self-accreditation")

    recognised = msgspec.structs.replace(
        story.recognised(story.new_id()), accreditor=both.did, scope=Scope(fields=("06",))
    )
    gate.admit(story.authority, recognised)
    again = msgspec.structs.replace(granted, accreditation=story.new_id())
    assert gate.flags(both, again) == ("self-accreditation", "outside-recognition")


def test_a_grant_upon_the_word_of_closed_authorities_alone_is_flagged(
    gate: MemoryGate, story: Story
) -> None:
    peer = member(gate, "authority")
    gate.admit(story.authority, e.OrganizationClosed(organization=story.authority.did))
    assert gate.flags(story.accreditor, story.accredited(story.new_id())) == ("authority-closed",)

    gate.admit(peer, story.recognised(story.new_id()))
    assert gate.flags(story.accreditor, story.accredited(story.new_id())) == ()


@pytest.mark.parametrize("kind", ["recognition", "accreditation"])
def test_nothing_is_granted_to_who_is_closed(gate: MemoryGate, story: Story, kind: str) -> None:
    by, to, event = (
        (story.authority, story.accreditor, story.recognised(story.new_id()))
        if kind == "recognition"
        else (story.accreditor, story.provider, story.accredited(story.new_id()))
    )
    gate.admit(to, e.OrganizationClosed(organization=to.did))

    assert gate.refused(by, event).rule == "organization-closed"
