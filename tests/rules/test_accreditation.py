"""Who accredits whom, and which grants are flagged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import AccreditationStatus
from testamur.catalogue.members import Scope
from testamur.catalogue.table import Kind
from testamur.rules.status import status
from testamur.rules.vouching import words
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, Story, party, uuid7
from tests.rules.members import registrar

TODAY = date(2026, 11, 21)
DAY = timedelta(days=1)
NOWHERE = uuid7(1, 1)


def test_only_an_accreditor_accredits_members_of_the_register(
    gate: MemoryGate, story: Story
) -> None:
    granted = story.accredited(story.new_id())

    for signer in (story.authority, story.provider):
        assert gate.refused(signer, granted).rule == "role"
    unknown = msgspec.structs.replace(granted, provider=party("stranger").did)
    assert gate.refused(story.accreditor, unknown).rule == "unknown-organization"
    assert gate.flags(story.accreditor, granted) == ()


def test_an_accreditation_gives_the_role_of_a_provider(gate: MemoryGate, story: Story) -> None:
    subject = registrar(gate, "endorser")
    assert gate.refused(subject, story.defined(story.new_id())).rule == "role"
    gate.admit(story.accreditor, story.accredited(story.new_id(), of=subject))

    gate.admit(subject, story.defined(story.new_id()))


CHANGES: dict[str, Callable[[str], e.Event]] = {
    "suspended": lambda id_: e.AccreditationSuspended(accreditation=id_, reason="misconduct"),
    "reinstated": lambda id_: e.AccreditationReinstated(accreditation=id_),
    "withdrawn": lambda id_: e.AccreditationWithdrawn(accreditation=id_, reason="voluntary"),
    "restated": lambda id_: e.AccreditationRestated(accreditation=id_, country="BE", name="B"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_accreditation_is_changed_by_its_accreditor_alone(
    gate: MemoryGate, story: Story, change: str
) -> None:
    peer = registrar(gate, "accreditor")
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


@pytest.mark.parametrize("steps", ["withdrawn reinstated", "withdrawn suspended"])
def test_nothing_leads_out_of_a_withdrawal(gate: MemoryGate, story: Story, steps: str) -> None:
    *before, last = (CHANGES[step](story.accreditation) for step in steps.split())
    for event in before:
        gate.admit(story.accreditor, event)

    assert gate.refused(story.accreditor, last).rule == "transition"


@pytest.mark.parametrize("steps", ["suspended suspended", "reinstated", "withdrawn withdrawn"])
def test_a_status_may_be_stated_again(gate: MemoryGate, story: Story, steps: str) -> None:
    """Else a thief's sanction could take the place of the owner's."""
    for step in steps.split():
        gate.admit(story.accreditor, CHANGES[step](story.accreditation))


def test_a_restatement_leaves_the_status_and_says_all_anew(gate: MemoryGate, story: Story) -> None:
    granted = msgspec.structs.replace(
        story.accredited(story.new_id()), other_names=("A College",), url="https://a.example"
    )
    gate.admit(story.accreditor, granted, CHANGES["suspended"](granted.accreditation))
    gate.admit(story.accreditor, CHANGES["restated"](granted.accreditation))

    found = gate.register.accreditations[granted.accreditation]
    now = words(gate.register, found)
    assert (now.country, now.name, now.other_names, now.url) == ("BE", "B", None, None)
    suspended = AccreditationStatus.SUSPENDED
    assert status(gate.register, Kind.ACCREDITATION, found) is suspended


def test_a_withdrawn_accreditation_is_not_granted_again_under_its_id(
    gate: MemoryGate, story: Story
) -> None:
    gate.admit(story.accreditor, CHANGES["withdrawn"](story.accreditation))
    peer = registrar(gate, "accreditor")

    for signer in (story.accreditor, peer):
        assert gate.refused(signer, story.accredited()).rule == "id-taken"


def test_no_term_ends_before_it_begins(gate: MemoryGate, story: Story) -> None:
    event = story.accredited(story.new_id())
    one_day = msgspec.structs.replace(event, valid_from=TODAY, valid_until=TODAY)
    backwards = msgspec.structs.replace(event, valid_from=TODAY, valid_until=TODAY - DAY)

    assert gate.refused(story.accreditor, backwards).rule == "dates"
    gate.admit(story.accreditor, one_day)


# --- Flags on what an accreditor grants ---


def recognise(gate: MemoryGate, accreditor: Party, **members: Any) -> str:
    event = gate.story.recognised(gate.story.new_id(), of=accreditor)
    gate.admit(gate.story.authority, msgspec.structs.replace(event, **members))
    return event.recognition


def test_an_accreditor_nobody_recognises_is_flagged(gate: MemoryGate, story: Story) -> None:
    stranger = registrar(gate, "accreditor")
    granted = story.accredited(story.new_id())

    assert gate.flags(stranger, granted) == ("accreditor-not-recognised",)


def test_an_accreditor_that_an_authority_far_from_the_root_recognises_is_flagged(
    gate: MemoryGate, story: Story
) -> None:
    stranger, far = registrar(gate, "accreditor"), registrar(gate, "authority")
    gate.admit(far, story.recognised(story.new_id(), of=stranger))

    granted = story.accredited(story.new_id())
    assert gate.flags(stranger, granted) == ("accreditor-not-recognised",)


@pytest.mark.parametrize(
    "terms", [{"valid_from": TODAY + DAY}, {"valid_until": TODAY - DAY}], ids=["not begun", "over"]
)
def test_an_accreditor_whose_recognition_is_out_of_term_is_flagged(
    gate: MemoryGate, story: Story, terms: dict[str, Any]
) -> None:
    accreditor = registrar(gate, "accreditor")
    recognise(gate, accreditor, **terms)

    granted = story.accredited(story.new_id())
    assert gate.flags(accreditor, granted) == ("accreditor-not-recognised",)


def test_a_grant_beyond_every_recognition_is_flagged(gate: MemoryGate, story: Story) -> None:
    accreditor = registrar(gate, "accreditor")
    for fields in (("06",), ("09",)):
        recognise(gate, accreditor, scope=Scope(fields=fields))

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
    both = registrar(gate, "accreditor", "authority")
    gate.admit(story.authority, story.recognised(story.new_id(), of=both, as_="authority"))
    own = story.recognised(story.new_id(), of=both)
    assert gate.flags(both, own) == ("self-recognition",)
    assert gate.flags(both, story.accredited(story.new_id())) == ("self-recognition",)

    recognise(gate, both)
    assert gate.flags(both, story.accredited(story.new_id())) == ()


def test_an_accreditation_of_oneself_is_flagged(gate: MemoryGate, story: Story) -> None:
    both = registrar(gate, "accreditor", "provider")
    granted = story.accredited(story.new_id(), of=both)
    assert gate.flags(both, granted) == ("accreditor-not-recognised", "self-accreditation")

    recognise(gate, both, scope=Scope(fields=("06",)))
    again = msgspec.structs.replace(granted, accreditation=story.new_id())
    assert gate.flags(both, again) == ("self-accreditation", "outside-recognition")


def test_a_grant_upon_the_word_of_closed_authorities_alone_is_flagged(
    gate: MemoryGate, story: Story
) -> None:
    peer = registrar(gate, "authority")
    gate.admit(story.authority, story.recognised(story.new_id(), of=peer, as_="authority"))
    gate.admit(story.authority, story.closed())
    assert gate.flags(story.accreditor, story.accredited(story.new_id())) == ("authority-closed",)

    gate.admit(peer, story.recognised(story.new_id()))
    assert gate.flags(story.accreditor, story.accredited(story.new_id())) == ()
