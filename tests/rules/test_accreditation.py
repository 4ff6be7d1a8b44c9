"""Who vouches for whom, within which scope, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import AccreditationStatus, AchievementStatus, RecognitionStatus
from testamur.catalogue.members import Definition, Level, Role, Scope
from testamur.rules import accreditation as rules
from testamur.rules.accreditation import recognitions_in_force
from testamur.rules.achievements import missing_elements
from testamur.rules.register import Accreditation, Recognition
from testamur.rules.scope import exceeding, uncovered
from tests.harness.any_event import as_set
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, Story, party, uuid7

TODAY = date(2026, 11, 21)
DAY = timedelta(days=1)
NOWHERE = uuid7(1, 1)


@pytest.fixture
def gate() -> MemoryGate:
    return MemoryGate.opened()


@pytest.fixture
def story(gate: MemoryGate) -> Story:
    return gate.story


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


def test_an_accreditor_is_recognised_a_thousand_times_at_most(
    gate: MemoryGate, story: Story
) -> None:
    """Every issuance under its accreditations looks through them all."""
    more = [story.recognised(story.new_id()) for _ in range(rules.MAX_RECOGNITIONS)]

    refusal = gate.refused(story.authority, *more)

    assert (refusal.rule, refusal.line) == ("recognition-count", len(more) + 1)


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

    assert recognitions_in_force(gate.register, accreditor.did, TODAY) == []
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


# --- Scope ---


DEFINITION = Story().definition()
ID = uuid7(1, 7)


def covers(scope: Scope, definition: Definition = DEFINITION, country: str = "NL") -> list[str]:
    return uncovered(scope, ID, definition, country)


def with_(**members: Any) -> Definition:
    return msgspec.structs.replace(DEFINITION, **members)


def test_no_scope_and_an_empty_scope_cover_everything() -> None:
    assert uncovered(None, ID, DEFINITION, "NL") == []
    assert covers(Scope()) == []


EQF_6 = Level(framework="EQF", value=6)
EQF_7 = Level(framework="EQF", value=7)
EHEA_1 = Level(framework="QF-EHEA", value=1)
SCOPES: dict[str, tuple[Scope, Definition, str, bool]] = {
    "its type": (Scope(achievement_types=("Badge", "MicroCredential")), DEFINITION, "NL", True),
    "its type and no other": (
        Scope(achievement_types=("MicroCredential",)),
        DEFINITION,
        "NL",
        True,
    ),
    "another type": (Scope(achievement_types=("Degree",)), DEFINITION, "NL", False),
    "a type it begins with": (Scope(achievement_types=("Micro",)), DEFINITION, "NL", False),
    "itself": (Scope(achievements=(ID, uuid7(9, 9))), DEFINITION, "NL", True),
    "another achievement": (Scope(achievements=(uuid7(9, 9),)), DEFINITION, "NL", False),
    "its broad field": (Scope(fields=("08",)), DEFINITION, "NL", True),
    "its narrow field": (Scope(fields=("081",)), DEFINITION, "NL", True),
    "its detailed field": (Scope(fields=("0811",)), DEFINITION, "NL", True),
    "a sibling field": (Scope(fields=("0812",)), DEFINITION, "NL", False),
    "a narrower field than it says": (Scope(fields=("0811",)), with_(field="081"), "NL", False),
    "no field said": (Scope(fields=("08",)), with_(field=None), "NL", False),
    "its country": (Scope(jurisdictions=("BE", "NL")), DEFINITION, "NL", True),
    "another country": (Scope(jurisdictions=("BE",)), DEFINITION, "NL", False),
    "the country of its region": (Scope(jurisdictions=("NL",)), DEFINITION, "NL-UT", True),
    "a region of its country": (Scope(jurisdictions=("NL-UT",)), DEFINITION, "NL", False),
    "a region whose code another begins with": (
        Scope(jurisdictions=("ES-M",)),
        DEFINITION,
        "ES-MA",
        False,
    ),
    "its language": (Scope(languages=("en", "nl")), DEFINITION, "NL", True),
    "the language of its variety": (
        Scope(languages=("en",)),
        with_(languages=("en-GB",)),
        "NL",
        True,
    ),
    "a variety of its language": (Scope(languages=("en-GB",)), DEFINITION, "NL", False),
    "a language whose code another begins with": (
        Scope(languages=("de",)),
        with_(languages=("den",)),
        "NL",
        False,
    ),
    "one of its two languages": (
        Scope(languages=("en",)),
        with_(languages=("en", "fr")),
        "NL",
        False,
    ),
    "no language said": (Scope(languages=("en",)), with_(languages=None), "NL", False),
    "an empty list of languages": (Scope(languages=("en",)), with_(languages=()), "NL", False),
    "its level": (Scope(levels=(EQF_6, EQF_7)), DEFINITION, "NL", True),
    "another level": (Scope(levels=(EQF_7,)), DEFINITION, "NL", False),
    "a level of another framework": (Scope(levels=(EHEA_1,)), DEFINITION, "NL", False),
    "no level said": (Scope(levels=(EQF_6,)), with_(level=None), "NL", False),
    "its form": (Scope(participation=("blended", "online")), DEFINITION, "NL", True),
    "another form": (Scope(participation=("online",)), DEFINITION, "NL", False),
    "no form said": (Scope(participation=("online",)), with_(participation=None), "NL", False),
    "an empty list of forms": (
        Scope(participation=("online",)),
        with_(participation=()),
        "NL",
        False,
    ),
}


@pytest.mark.parametrize("case", SCOPES)
def test_a_scope_covers_what_it_names_and_never_what_is_left_unsaid(case: str) -> None:
    scope, definition, country, covered = SCOPES[case]
    (member,) = (
        field.encode_name
        for field in msgspec.structs.fields(Scope)
        if getattr(scope, field.name) is not None
    )

    assert covers(scope, definition, country) == ([] if covered else [member])


def test_a_scope_names_every_member_in_which_it_falls_short() -> None:
    scope = Scope(fields=("06",), jurisdictions=("BE",), levels=(EQF_7,))

    assert covers(scope) == ["fields", "jurisdictions", "levels"]


NARROWER: dict[str, tuple[Scope | None, Scope | None, list[str]]] = {
    "anything within no scope": (None, None, []),
    "a scope within none": (Scope(fields=("06",)), None, []),
    "no scope within one": (None, Scope(fields=("06",)), ["fields"]),
    "an empty one within one": (Scope(), Scope(languages=("en",)), ["languages"]),
    "the same": (Scope(fields=("06",)), Scope(fields=("06",)), []),
    "narrower": (Scope(fields=("061", "0688")), Scope(fields=("06",)), []),
    "wider": (Scope(fields=("06",)), Scope(fields=("061",)), ["fields"]),
    "partly outside": (Scope(fields=("061", "07")), Scope(fields=("06",)), ["fields"]),
    "limited in another member": (
        Scope(fields=("06",), levels=(EQF_6,)),
        Scope(fields=("06",)),
        [],
    ),
    "unlimited where the parent limits": (
        Scope(fields=("06",)),
        Scope(fields=("06",), levels=(EQF_6,)),
        ["levels"],
    ),
    "an achievement of a list": (
        Scope(achievements=(ID,)),
        Scope(achievements=(NOWHERE, ID)),
        [],
    ),
    "a region of another country": (
        Scope(jurisdictions=("NL-UT",)),
        Scope(jurisdictions=("BE",)),
        ["jurisdictions"],
    ),
    "a region that begins alike": (
        Scope(jurisdictions=("ES-MA",)),
        Scope(jurisdictions=("ES-M",)),
        ["jurisdictions"],
    ),
}


@pytest.mark.parametrize("case", NARROWER)
def test_a_scope_lies_within_another_in_every_member_or_not_at_all(case: str) -> None:
    child, parent, beyond = NARROWER[case]

    assert exceeding(child, parent) == beyond


def sets_of(members: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...] | None]:
    return st.none() | st.lists(members, min_size=1, max_size=3).map(as_set)


_FIELDS = st.sampled_from(["06", "061", "0612", "07", "0731", "08", "0811"])
_LANGUAGES = st.sampled_from(["en", "en-GB", "de", "den"])
_SCOPES = st.builds(
    Scope,
    fields=sets_of(_FIELDS),
    languages=sets_of(_LANGUAGES),
    jurisdictions=sets_of(st.sampled_from(["NL", "NL-UT", "ES-M", "ES-MA"])),
)


@settings(deadline=None)
@given(
    _SCOPES,
    _SCOPES,
    st.none() | _FIELDS,
    sets_of(_LANGUAGES),
    st.sampled_from(["NL", "NL-UT", "ES-M", "ES-MA", "ES"]),
)
def test_what_a_narrower_scope_covers_its_parent_covers_too(
    child: Scope,
    parent: Scope,
    field: str | None,
    languages: tuple[str, ...] | None,
    country: str,
) -> None:
    definition = with_(field=field, languages=languages)
    if not exceeding(child, parent) and not uncovered(child, ID, definition, country):
        assert uncovered(parent, ID, definition, country) == []


# --- Achievements ---


def test_only_a_provider_defines_what_is_awarded(gate: MemoryGate, story: Story) -> None:
    for signer in (story.authority, story.accreditor):
        assert gate.refused(signer, story.defined(story.new_id())).rule == "role"


def revised(story: Story, version: int, **members: Any) -> e.AchievementRevised:
    return e.AchievementRevised(
        achievement=story.achievement, definition=with_(**members), version=version
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda story: revised(story, 2),
        lambda story: e.AchievementRetired(achievement=story.achievement),
    ],
)
def test_an_achievement_is_changed_by_its_provider_alone(
    gate: MemoryGate, story: Story, make: Callable[[Story], e.Event]
) -> None:
    rival = member(gate, "provider")

    assert gate.refused(rival, make(story)).rule == "achievement-of-another"
    assert gate.refused(story.accreditor, make(story)).rule == "achievement-of-another"
    gate.admit(story.provider, make(story))


def test_an_achievement_is_defined_once_by_anybody(gate: MemoryGate, story: Story) -> None:
    rival = member(gate, "provider")

    for signer in (story.provider, rival):
        assert gate.refused(signer, story.defined()).rule == "transition"


@pytest.mark.parametrize("version", [1, 3, 10_000])
def test_versions_count_on_by_one(gate: MemoryGate, story: Story, version: int) -> None:
    assert gate.refused(story.provider, revised(story, version)).rule == "achievement-version"


def test_every_version_of_a_definition_stays(gate: MemoryGate, story: Story) -> None:
    gate.admit(story.provider, revised(story, 2, name="Two"), revised(story, 3, name="Three"))

    found = gate.register.achievements[story.achievement]
    assert [each.name for each in found.definitions] == ["Soil Science", "Two", "Three"]
    assert found.version == 3


def test_a_retired_achievement_is_at_its_end(gate: MemoryGate, story: Story) -> None:
    retired = e.AchievementRetired(achievement=story.achievement)
    gate.admit(story.provider, retired)

    assert gate.register.achievements[story.achievement].status is AchievementStatus.RETIRED
    for event in (retired, revised(story, 2)):
        assert gate.refused(story.provider, event).rule == "transition"


@pytest.mark.parametrize(
    "event",
    [
        e.AchievementRetired(achievement=NOWHERE),
        e.AchievementRevised(achievement=NOWHERE, definition=DEFINITION, version=2),
    ],
)
def test_an_achievement_never_defined_does_not_change(
    gate: MemoryGate, story: Story, event: e.Event
) -> None:
    assert gate.refused(story.provider, event).rule == "unknown-achievement"


ELEMENTS = {
    "outcomes": "learningOutcomes",
    "workload": "notionalWorkload",
    "level": "level",
    "assessment": "assessmentType",
    "participation": "participationForm",
    "quality_assurance": "qualityAssuranceType",
}


@pytest.mark.parametrize("member", ELEMENTS)
def test_a_definition_without_a_mandatory_element_is_flagged(
    gate: MemoryGate, story: Story, member: str
) -> None:
    event = e.AchievementDefined(achievement=story.new_id(), definition=with_(**{member: None}))

    assert missing_elements(event.definition) == [ELEMENTS[member]]
    assert gate.flags(story.provider, event) == ("elements-missing",)
    assert gate.flags(story.provider, revised(story, 2, **{member: None})) == ("elements-missing",)


def test_a_whole_definition_is_not_flagged(gate: MemoryGate, story: Story) -> None:
    assert missing_elements(DEFINITION) == []
    assert gate.flags(story.provider, story.defined(story.new_id())) == ()
