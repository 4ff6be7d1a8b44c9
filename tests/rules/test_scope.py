"""What a scope covers, and when one scope lies within another."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.catalogue.members import Definition, Level, Scope
from testamur.rules.scope import exceeding, uncovered
from tests.harness.any_event import as_set
from tests.harness.story import uuid7
from tests.rules.definitions import DEFINITION, with_

NOWHERE = uuid7(1, 1)


ID = uuid7(1, 7)


def covers(scope: Scope, definition: Definition = DEFINITION, country: str = "NL") -> list[str]:
    return uncovered(scope, ID, definition, country)


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
