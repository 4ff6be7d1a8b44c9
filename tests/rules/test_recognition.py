"""Who recognises whom, and which recognitions flags and roles look at."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import RecognitionStatus
from testamur.catalogue.members import Scope
from testamur.catalogue.table import Kind
from testamur.rules import Limits
from testamur.rules.accreditors import Accreditors
from testamur.rules.chain import Moment, in_force
from testamur.rules.granting import AUTHORITY_LOOKED_AT, LOOKED_AT
from testamur.rules.status import status
from testamur.rules.vouching import words
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, Story, party, uuid7
from tests.rules.members import registrar, robbed

TODAY = date(2026, 11, 21)
DAY = timedelta(days=1)
NOWHERE = uuid7(1, 1)


def withdrawn(id_: str) -> e.RecognitionWithdrawn:
    return e.RecognitionWithdrawn(reason="qualityConcern", recognition=id_)


def status_of(gate: MemoryGate, id_: str) -> str | None:
    return status(gate.register, Kind.RECOGNITION, gate.register.recognitions.get(id_))


def test_only_an_authority_recognises_members_of_the_register(
    gate: MemoryGate, story: Story
) -> None:
    granted = story.recognised(story.new_id())

    for signer in (story.accreditor, story.provider):
        assert gate.refused(signer, granted).rule == "role"
    unknown = msgspec.structs.replace(granted, organization=party("stranger").did)
    assert gate.refused(story.authority, unknown).rule == "unknown-organization"
    gate.admit(story.authority, granted)


def test_an_authority_that_another_authority_made_recognises_too(
    gate: MemoryGate, story: Story
) -> None:
    made = registrar(gate, "provider")
    granted = story.recognised(story.new_id())
    gate.admit(story.authority, story.recognised(story.new_id(), of=made))
    assert gate.refused(made, granted).rule == "role"
    gate.admit(story.authority, story.recognised(story.new_id(), of=made, as_="authority"))

    gate.admit(made, granted)


def test_a_recognition_is_withdrawn_by_its_authority_as_often_as_it_likes(
    gate: MemoryGate, story: Story
) -> None:
    """Stated again, a withdrawal stands though the first was a thief's."""
    peer = registrar(gate, "authority")
    for other in (peer, story.accreditor):
        assert gate.refused(other, withdrawn(story.recognition)).rule == "recognition-of-another"
    for version in (2, 3):
        (admitted,) = gate.admit(story.authority, withdrawn(story.recognition))
        assert admitted.version == version

    assert status_of(gate, story.recognition) is RecognitionStatus.WITHDRAWN


def test_a_recognition_is_restated_by_its_authority_alone(gate: MemoryGate, story: Story) -> None:
    peer = registrar(gate, "authority")
    restated = story.recognition_restated("Renamed Agency", "BE")
    for other in (peer, story.accreditor):
        assert gate.refused(other, restated).rule == "recognition-of-another"
    gate.admit(story.authority, restated)

    now = words(gate.register, gate.register.recognitions[story.recognition])
    assert (now.name, now.country) == ("Renamed Agency", "BE")


def test_a_recognition_never_granted_is_neither_withdrawn_nor_restated(
    gate: MemoryGate, story: Story
) -> None:
    restated = msgspec.structs.replace(story.recognition_restated(), recognition=NOWHERE)

    for event in (withdrawn(NOWHERE), restated):
        refusal = gate.refused(story.authority, event)
        assert (refusal.rule, refusal.value) == ("unknown-recognition", NOWHERE)


def test_an_id_once_used_for_a_recognition_is_used_up(gate: MemoryGate, story: Story) -> None:
    peer = registrar(gate, "authority")
    for signer in (story.authority, peer):
        assert gate.refused(signer, story.recognised()).rule == "id-taken"
    gate.admit(story.authority, withdrawn(story.recognition))
    assert gate.refused(story.authority, story.recognised()).rule == "id-taken"


def test_no_term_ends_before_it_begins(gate: MemoryGate, story: Story) -> None:
    event = story.recognised(story.new_id())
    one_day = msgspec.structs.replace(event, valid_from=TODAY, valid_until=TODAY)
    backwards = msgspec.structs.replace(event, valid_from=TODAY, valid_until=TODAY - DAY)

    assert gate.refused(story.authority, backwards).rule == "dates"
    gate.admit(story.authority, one_day)


def test_a_term_includes_its_first_and_its_last_day(gate: MemoryGate, story: Story) -> None:
    id_ = story.new_id()
    event = msgspec.structs.replace(
        story.recognised(id_), valid_from=TODAY, valid_until=TODAY + 10 * DAY
    )
    gate.admit(story.authority, event)

    def holds(day: date) -> bool:
        grant = gate.register.recognitions[id_]
        return in_force(gate.register, Kind.RECOGNITION, grant, Moment(gate.register.size, day))

    assert [offset for offset in range(-2, 14) if holds(TODAY + offset * DAY)] == list(range(11))
    gate.admit(story.authority, withdrawn(id_))
    assert not holds(TODAY)


# --- Which are looked at ---


def looked_at(gate: MemoryGate) -> tuple[str, ...]:
    return gate.register.recognised[gate.story.accreditor.did]


def junk(gate: MemoryGate, signer: Party, number: int, **members: Any) -> list[str]:
    """Let an authority recognise the accreditor so often, spending its keys; return the ids."""
    story = gate.story
    made: list[str] = []
    while len(made) < number:
        if len(made) % 16 == 0:
            signer = signer.with_key(f"key {len(made)}")
            gate.admit(signer.founding, story.key_listed(signer))
        event = msgspec.structs.replace(story.recognised(story.new_id()), **members)
        gate.admit(signer, event)
        made.append(event.recognition)
    return made


def test_recognitions_without_number_neither_bar_a_renewal_nor_cost_more(
    gate: MemoryGate, story: Story
) -> None:
    gate.admit(story.authority, withdrawn(story.recognition))
    junk(gate, story.authority, 200, valid_until=date(2026, 1, 2))
    assert gate.flags(story.accreditor, story.accredited(story.new_id())) == (
        "accreditor-not-recognised",
    )
    gate.admit(story.authority, story.recognised(story.new_id()))

    assert len(looked_at(gate)) == LOOKED_AT
    assert gate.flags(story.accreditor, story.accredited(story.new_id())) == ()


@pytest.mark.parametrize("names", [0, 1_000], ids=["many", "many large ones"])
def test_no_authority_crowds_out_the_recognition_by_another(
    gate: MemoryGate, story: Story, names: int
) -> None:
    rogue = registrar(gate, "authority")
    gate.admit(story.authority, story.recognised(story.new_id(), of=rogue, as_="authority"))
    achievements = tuple(uuid7(1, number) for number in range(names)) or None
    made = junk(gate, rogue, 100, scope=Scope(fields=("01",), achievements=achievements))

    assert (looked_at(gate)[0], looked_at(gate)[-1]) == (story.recognition, made[-1])
    assert gate.flags(story.accreditor, story.accredited(story.new_id())) == ()


def test_a_crowd_of_authorities_far_from_the_root_crowds_out_nothing(
    gate: MemoryGate, story: Story
) -> None:
    """Each recognises the accreditor once; the root authority's recognition stays looked at."""
    for number in range(LOOKED_AT + 10):
        stranger = registrar(gate, "authority", name=f"stranger {number}")
        gate.admit(stranger, story.recognised(story.new_id()))

    assert story.recognition in looked_at(gate)
    assert len(looked_at(gate)) == LOOKED_AT


def test_recognitions_that_count_no_more_make_room_first(gate: MemoryGate, story: Story) -> None:
    since = gate.register.size
    first = story.recognised(story.new_id())
    gate.admit(story.authority, first)
    fresh = robbed(gate, story.authority, since)
    made = junk(gate, fresh, LOOKED_AT - 1)

    assert looked_at(gate) == (story.recognition, *made)


def test_what_counts_no_more_makes_room_before_what_a_stranger_recognised(
    gate: MemoryGate, story: Story
) -> None:
    stranger = registrar(gate, "authority")
    since = gate.register.size
    gate.admit(story.authority, fallen := story.recognised(story.new_id()))
    robbed(gate, story.authority, since)
    made = junk(gate, stranger, LOOKED_AT - 1)

    assert fallen.recognition not in looked_at(gate)
    assert looked_at(gate) == (story.recognition, *made)


def test_what_a_stranger_recognised_makes_room_before_what_a_root_authority_did(
    gate: MemoryGate, story: Story
) -> None:
    gate.admit(registrar(gate, "authority"), strange := story.recognised(story.new_id()))
    made = junk(gate, story.authority, LOOKED_AT - 1)

    assert strange.recognition not in looked_at(gate)
    assert looked_at(gate) == (story.recognition, *made)


def test_a_stranger_that_recognises_a_lot_crowds_out_no_other_stranger(
    gate: MemoryGate, story: Story
) -> None:
    first, second = (registrar(gate, "authority", name=name) for name in ("first", "second"))
    gate.admit(first, once := story.recognised(story.new_id()))
    made = junk(gate, second, LOOKED_AT + 10)

    assert {story.recognition, once.recognition, made[-1]} < {*looked_at(gate)}


def test_recognitions_as_an_authority_have_places_of_their_own(
    gate: MemoryGate, story: Story
) -> None:
    made = [
        story.recognised(story.new_id(), as_="authority") for _ in range(AUTHORITY_LOOKED_AT + 3)
    ]
    gate.admit(story.authority, *made)

    newest = [each.recognition for each in made[-AUTHORITY_LOOKED_AT:]]
    assert looked_at(gate) == (story.recognition, *newest)


def test_accreditations_by_strangers_take_no_role_away(gate: MemoryGate, story: Story) -> None:
    subject, stranger = registrar(gate, "endorser"), registrar(gate, "accreditor")
    gate.admit(story.accreditor, story.accredited(story.new_id(), of=subject))
    since = gate.register.size
    gate.limits = Limits(grants=100)
    gate.admit(stranger, *(story.accredited(story.new_id(), of=subject) for _ in range(100)))
    robbed(gate, stranger, since)

    gate.admit(subject, story.defined(story.new_id()))


def puppets(gate: MemoryGate, how_many: int, subject: Party, **members: Any) -> list[Party]:
    """Let accreditors that nobody near the root recognises accredit the subject, once each."""
    known = len(gate.register.organizations)
    names = [f"puppet {known + each}" for each in range(how_many)]
    made = [registrar(gate, "accreditor", name=name) for name in names]
    for each in made:
        granted = gate.story.accredited(gate.story.new_id(), of=subject)
        gate.admit(each, msgspec.structs.replace(granted, **members))
    return made


def test_a_crowd_of_puppet_accreditors_that_falls_takes_no_role_with_it(
    gate: MemoryGate, story: Story
) -> None:
    """They accredit before anybody else does, and then declare their own keys compromised."""
    subject, since = registrar(gate, "endorser"), gate.register.size
    crowd = puppets(gate, LOOKED_AT + 2, subject)
    gate.admit(story.accreditor, story.accredited(story.new_id(), of=subject))
    late = puppets(gate, 3, subject)
    for each in (*crowd, *late):
        robbed(gate, each, since)

    gate.admit(subject, story.defined(story.new_id()))


def test_accreditations_of_wide_scope_take_no_role_away(gate: MemoryGate, story: Story) -> None:
    subject, since = registrar(gate, "endorser"), gate.register.size
    wide = Scope(achievements=tuple(uuid7(1, number) for number in range(1_000)))
    granted = msgspec.structs.replace(story.accredited(story.new_id(), of=subject), scope=wide)
    gate.admit(story.accreditor, granted)
    less = Scope(achievements=wide.achievements[:900] if wide.achievements else None)
    for each in puppets(gate, 10, subject, scope=less):
        robbed(gate, each, since)

    gate.admit(subject, story.defined(story.new_id()))


# --- What makes an accreditor recognised ---


def in_force_now(gate: MemoryGate, accreditor: Party) -> list[str]:
    moment = Moment(gate.register.size, TODAY)
    return [
        each.grants[0].event.recognition  # type: ignore[union-attr]
        for each in Accreditors(gate.register, moment).recognised(accreditor.did)
    ]


def test_a_recognition_as_an_authority_makes_no_accreditor(gate: MemoryGate, story: Story) -> None:
    accreditor = registrar(gate, "accreditor")
    gate.admit(story.authority, story.recognised(story.new_id(), of=accreditor, as_="authority"))

    assert in_force_now(gate, accreditor) == []


def test_an_authority_counts_for_flags_while_a_root_authority_recognises_it(
    gate: MemoryGate, story: Story
) -> None:
    accreditor, peer = registrar(gate, "accreditor"), registrar(gate, "authority")
    gate.admit(peer, granted := story.recognised(story.new_id(), of=accreditor))
    assert in_force_now(gate, accreditor) == []

    gate.admit(story.authority, made := story.recognised(story.new_id(), of=peer, as_="authority"))
    assert in_force_now(gate, accreditor) == [granted.recognition]
    gate.admit(story.authority, withdrawn(made.recognition))
    assert in_force_now(gate, accreditor) == []
