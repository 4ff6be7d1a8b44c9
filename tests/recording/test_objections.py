"""What is not recorded is found wherever an event holds it, and named with its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings

from testamur.catalogue import events as e
from testamur.catalogue.members import Identifier, Level, Scope
from testamur.recording.objections import JUDGES, MAX_OTHERS, MOST, check_given, objections
from tests.harness.any_event import any_event
from tests.harness.awards import offering, provider
from tests.harness.story import Story

ANOTHER_SPELLING = {
    "AchievementType": ("Certifcate", "write Certificate"),
    "Country": ("UK", "is written GB"),
    "Identifier": (Identifier(scheme="ROR", value="04dkp9463"), "https://ror.org/04dkp9463"),
    "IscedField": ("611", "is written 0611"),
    "Language": ("en-UK", "is written en-GB"),
    "Name": ("\u041exford", "write each word in letters of one script"),
}

SCOPE = Scope(
    achievement_types=("Certificate",), fields=("06",), jurisdictions=("NL",), languages=("en",)
)


def written(story: Story) -> Iterator[e.Event]:
    """Yield an event of every kind that holds what is judged, with all such members."""
    ror = (Identifier(scheme="ROR", value="https://ror.org/04dkp9463"),)
    change = msgspec.structs.replace
    registered = story.registered(story.authority, story.provider, "provider")
    registered = change(registered, identifiers=ror)
    yield registered
    yield e.LogOpened(
        admission="testamur/admission/1",
        authorities=(registered,),
        format="testamur/log/1",
        origin=story.origin,
    )
    yield change(story.updated(), identifiers=ror)
    names = ("Another",)
    yield change(story.recognised(), scope=SCOPE, other_names=names)
    yield change(story.recognition_restated(), other_names=names)
    yield change(story.accredited(), scope=SCOPE, other_names=names)
    yield change(story.accreditation_restated(), other_names=names)
    definition = change(story.definition(), field="06", languages=("en",))
    yield change(story.defined(), definition=definition)
    yield e.AchievementRevised(achievement=story.new_id(), definition=definition, version=2)


def places(struct: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Yield the path, the type and the event with another spelling, for each member judged."""
    hints = get_type_hints(type(struct), include_extras=True)
    for member in struct.__struct_fields__:
        value = getattr(struct, member)
        whole = isinstance(value, tuple)
        inner = value[0] if whole else value
        for name, (wrong, _) in ANOTHER_SPELLING.items():
            if _holds(hints[member], name):
                assert value is not None, f"{type(struct).__name__} is written without {member}"
                yield (*path, member), name, _with(struct, member, wrong, whole=whole)
        if isinstance(inner, msgspec.Struct) and not isinstance(inner, Identifier | Level):
            for deeper, name, changed in places(inner, (*path, member)):
                yield deeper, name, _with(struct, member, changed, whole=whole)


def _holds(hint: Any, name: str) -> bool:
    kinds = {_name_of(kind): kind for kind in JUDGES}
    return hint == kinds[name] or any(
        _holds(each, name) for each in get_args(hint) if not isinstance(each, msgspec.Meta)
    )


def _name_of(kind: Any) -> str:
    from testamur.catalogue import members

    return next(name for name, value in vars(members).items() if value is kind)


def _with(struct: Any, member: str, value: Any, *, whole: bool) -> Any:
    return msgspec.structs.replace(struct, **{member: (value,) if whole else value})


CASES = [
    pytest.param(path, name, changed, id=f"{type(event).__name__}.{'.'.join(path)}")
    for event in written(Story())
    for path, name, changed in places(event)
]


def test_what_is_written_here_covers_every_event_that_holds_what_is_judged() -> None:
    tried = {type(each.values[2]) for each in CASES}
    judged = {kind for kind in e.EVENTS.values() if _judged_somewhere(kind)}
    assert tried == judged
    assert len(CASES) == 39


def _judged_somewhere(kind: Any) -> bool:
    hints = get_type_hints(kind, include_extras=True)
    return any(_judged(hints[member]) for member in kind.__struct_fields__)


def _judged(hint: Any) -> bool:
    if hint in JUDGES:
        return True
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _judged_somewhere(hint)
    return any(_judged(each) for each in get_args(hint) if isinstance(each, type) or get_args(each))


@pytest.mark.parametrize(("path", "name", "event"), CASES)
def test_another_spelling_is_found_at_its_place(
    path: tuple[str, ...], name: str, event: e.Event
) -> None:
    (found,) = objections([event])
    rule = next(rule for kind, (rule, _) in JUDGES.items() if _name_of(kind) == name)
    assert (found.rule, found.line) == (rule, 2)
    assert ANOTHER_SPELLING[name][1] in found.detail
    assert found.detail.partition(":")[0].casefold() == ".".join(path).replace("_", "").casefold()
    assert found.value is not None


@pytest.mark.parametrize("event", list(written(Story())), ids=lambda event: type(event).__name__)
def test_what_has_its_one_spelling_passes(event: e.Event) -> None:
    assert objections([event]) == []


def test_every_refusal_of_an_event_is_listed_with_its_line() -> None:
    story = Story()
    scope = Scope(fields=("611", "613"), jurisdictions=("EL", "NL", "XX"))
    bad = msgspec.structs.replace(story.accredited(), country="UK", scope=scope)
    found = objections([story.updated(), bad], first_line=1)
    assert [(each.rule, each.line, each.value) for each in found] == [
        ("country-code", 2, "UK"),
        ("isced-field", 2, "611"),
        ("isced-field", 2, "613"),
        ("country-code", 2, "EL"),
        ("country-code", 2, "XX"),
    ]


def test_three_spellings_of_one_ror_come_to_one_claim() -> None:
    told = set()
    for value in ("04dkp9463", "HTTPS://ror.org/04dkp9463", "ror.org/04DKP9463"):
        claim = (Identifier(scheme="ROR", value=value),)
        (found,) = objections([e.OrganizationUpdated(country="NL", name="A", identifiers=claim)])
        told.add(found.detail)
    assert told == {"identifiers: this ROR is written https://ror.org/04dkp9463"}


def test_a_hostile_file_gets_no_more_than_so_many_refusals() -> None:
    bad = Story().updated(country="UK")
    assert len(objections([bad] * (MOST + 1))) == MOST


def test_the_gate_judges_nothing_behind_the_first() -> None:
    def events() -> Iterator[e.Event]:
        yield Story().updated(country="UK")
        raise AssertionError("the second event is looked at")

    assert [each.value for each in objections(events(), most=1)] == ["UK"]


def test_issuances_are_not_looked_into() -> None:
    assert not _judged_somewhere(e.CredentialIssued)
    assert all(not _judged_somewhere(kind) for kind in get_args(e.CredentialStatusEvent)), (
        "an event of credentials holds a code: cohorts would pay for it"
    )


@pytest.mark.slow
@given(any_event())
@settings(max_examples=100)
def test_whatever_the_schema_allows_is_judged_without_an_error(event: e.Event) -> None:
    for found in objections([event]):
        assert found.line == 2
        assert found.rule in {"private-key", *(rule for rule, _ in JUDGES.values())}


def test_what_a_provider_states_in_a_file_is_judged_alike() -> None:
    story = Story()
    check_given(provider(story))
    check_given(offering(story))
    cases = {
        "country-code": msgspec.structs.replace(provider(story), country="UK"),
        "isced-field": _offering(field="611"),
        "language-tag": _offering(languages=("eng",)),
        "achievement-type": _offering(achievement_type="Certifcate"),
        "mixed-scripts": _offering(name="\u041exford"),
    }
    for rule, stated in cases.items():
        with pytest.raises(Exception, match=f"^{rule}: "):
            check_given(stated)


def _offering(**members: Any) -> msgspec.Struct:
    definition = msgspec.structs.replace(Story().definition(), **members)
    return msgspec.structs.replace(offering(Story()), definition=definition)


def test_a_submission_holds_a_thousand_events_about_other_things_than_credentials() -> None:
    """Each of them costs the lock of the register more than a credential does."""
    story = Story()
    others: list[e.Event] = [story.defined(story.new_id()) for _ in range(MAX_OTHERS)]
    issued: list[e.Event] = [story.issued() for _ in range(10)]
    assert objections([*issued, *others, *issued]) == []
    (refusal,) = objections([*issued, *others, story.defined(story.new_id()), *issued])
    assert (refusal.rule, refusal.line) == ("register-events", 2 + len(issued) + MAX_OTHERS)
