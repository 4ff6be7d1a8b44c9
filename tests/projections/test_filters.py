"""What a list holds with a filter is what it holds without, less what the filter leaves out."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import Connection

from projections import (
    accreditations,
    achievements,
    credentials,
    marks,
    organizations,
    search,
    submissions,
)
from projections.credential_lists import Chosen
from projections.dids import number_of
from projections.marks import flag_mark, identifier_mark, party_mark, role_mark, word_marks
from projections.page import WHOLE, Page, Stretch
from projections.words import beginnings, words
from testamur.catalogue import events as e
from testamur.catalogue.members import Definition, Identifier
from testamur.catalogue.table import Kind, kind_of, subject_of
from testamur.rules import Flag
from tests.harness.chronicle import Chronicle
from tests.harness.random_submissions import RandomSubmissions
from tests.harness.story import party
from tests.projections.naive import Naive
from tests.projections.pages import all_pages

pytestmark = pytest.mark.usefixtures("each_database")

Turn = Callable[..., Page[Any]]


@dataclass
class Seen:
    """What a thing ever had, by a fold that keeps everything."""

    first: int = 0
    names: list[str] = field(default_factory=list)
    flags: set[Flag] = field(default_factory=set)
    roles: tuple[str, ...] = ()
    parties: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Chronicle:
    """A log of every kind of event."""
    chronicle = Chronicle.opened(tmp_path_factory.mktemp("long") / "log")
    story = chronicle.story
    ror = Identifier(scheme="ROR", value="https://ror.org/04dkp9463")
    chronicle.offer(
        story.provider, e.OrganizationUpdated(country="NL", name="Ünï Köln", identifiers=(ror,))
    )
    chronicle.issued(2, accredited=False)
    RandomSubmissions(chronicle, 5).go(200)
    chronicle.issued(3)
    return chronicle


def things(naive: Naive, kind: Kind) -> dict[str, Seen]:
    """Return every thing of a kind, in the order of its list."""
    found: dict[str, Seen] = {}

    def see(name: str, position: int, event: Any, flags: Sequence[Flag]) -> None:
        seen = found.setdefault(name, Seen(first=position, roles=getattr(event, "roles", ())))
        named = getattr(event, "definition", event)
        seen.names += [*filter(None, [getattr(named, "name", None)])]
        seen.names += getattr(event, "other_names", None) or ()
        seen.flags.update(flags)

    for position, signed, event, admitted in naive.located():
        if isinstance(event, e.LogOpened) and kind is Kind.ORGANIZATION:
            for each in event.authorities:
                see(each.organization, signed.position, each, ())
        elif kind_of(event).stream is kind and not isinstance(event, e.LogOpened):
            new = signed.position if isinstance(event, e.OrganizationRegistered) else position
            name = subject_of(event, signed.organization)
            see(name, new, event, admitted.flags)
            granted = getattr(event, "provider", getattr(event, "organization", ""))
            found[name].parties.setdefault("by", signed.organization)
            found[name].parties.setdefault("to", granted)
    return found


def all_items(turn: Turn, start: int, within: Stretch) -> list[Any]:
    return all_pages(lambda after, limit: turn(after=after, limit=limit, within=within), start, 3)


def some_stretches(size: int) -> list[Stretch]:
    return [WHOLE, Stretch(size // 3), Stretch(0, size // 2), Stretch(size // 4, size // 2)]


def in_stretch(position: int, within: Stretch) -> bool:
    return within.first <= position < within.end


LISTS: dict[Kind, tuple[Turn, Callable[[Any], str]]] = {
    Kind.ORGANIZATION: (organizations.organizations, lambda each: each.organization.did),
    Kind.ACHIEVEMENT: (achievements.achievements, lambda each: each.achievement),
}


def listing(connection: Connection, kind: Kind, size: int) -> tuple[Turn, Callable[[Any], str]]:
    if kind in LISTS:
        ask, name = LISTS[kind]
        return partial(ask, connection, size), name
    return partial(accreditations.granted, connection, kind, size), lambda each: str(each.id)


@pytest.mark.parametrize(
    "kind", [Kind.ORGANIZATION, Kind.ACHIEVEMENT, Kind.ACCREDITATION, Kind.RECOGNITION]
)
def test_a_thing_is_found_by_what_it_ever_had_and_by_nothing_else(
    long: Chronicle, kind: Kind
) -> None:
    start = -1 if kind is Kind.ORGANIZATION else 0
    with long.answers() as connection:
        for size in (submissions.as_of(connection), submissions.as_of(connection, size=90)):
            seen = things(Naive.of_entries(long.log, size), kind)
            turn, name = listing(connection, kind, size)
            numbers = {did: number_of(connection, did, size) for did in organizations_of(seen)}
            for mark, has in asked_of(kind, seen, numbers):
                for within in some_stretches(size):
                    found = all_items(partial(turn, marks=mark), start, within)
                    assert [name(each) for each in found] == [
                        id_
                        for id_, each in seen.items()
                        if has(each) and in_stretch(each.first, within)
                    ], (kind, mark, within, size)


def organizations_of(seen: dict[str, Seen]) -> set[str]:
    return {did for each in seen.values() for did in each.parties.values() if did}


def asked_of(
    kind: Kind, seen: dict[str, Seen], numbers: dict[str, int | None]
) -> Iterator[tuple[list[str], Callable[[Seen], bool]]]:
    """Yield marks to look for, and what a thing that has them all is like."""
    yield [], lambda _: True
    for flag in sorted({flag for each in seen.values() for flag in each.flags})[:3]:
        yield [flag_mark(flag)], partial(_is_flagged, flag)
    for part in ("by", "to"):
        dids = sorted({each.parties.get(part, "") for each in seen.values()} - {""})
        for did in dids[:3] if kind is not Kind.ORGANIZATION else ():
            mark = party_mark(part, numbers[did] or 0)
            yield [mark], partial(_is_party, part, did)
    for text in ("organization", "an ORGA", "köln uni", "soil", "sci soil", "name", "nowhere"):
        yield word_marks(text), partial(_is_named, words(text))
    yield [role_mark("provider")], lambda each: "provider" in each.roles


def _is_flagged(flag: Flag, seen: Seen) -> bool:
    return flag in seen.flags


def _is_party(part: str, did: str, seen: Seen) -> bool:
    return seen.parties[part] == did


def _is_named(wanted: list[str], seen: Seen) -> bool:
    return set(wanted) <= set(beginnings(seen.names))


def test_an_organization_is_found_by_an_identifier_that_it_states(long: Chronicle) -> None:
    with long.answers() as connection:
        size = submissions.as_of(connection)
        mark = identifier_mark("ROR", "https://ror.org/04dkp9463")
        found = organizations.organizations(connection, size, marks=[mark]).items
        assert [each.organization.did for each in found] == [long.story.provider.did]
        assert not organizations.organizations(connection, 11, marks=[mark]).items
        other = identifier_mark("ROR", "https://ror.org/04dkp9464")
        assert not organizations.organizations(connection, size, marks=[other]).items


def test_a_credential_is_found_by_all_that_is_asked_for_together(
    long: Chronicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where so few issuances are looked at for a page that most pages are empty."""
    monkeypatch.setattr(search, "EXAMINED", 4)
    draw = random.Random(3)
    with long.answers() as connection:
        for size in (submissions.as_of(connection), submissions.as_of(connection, size=150)):
            naive = Naive.of_entries(long.log, size)
            issued: dict[str, tuple[int, Any, Any, Any]] = {}
            for position, signed, event, admitted in naive.located():
                if isinstance(event, e.CredentialIssued):
                    issued.setdefault(event.credential, (position, signed, event, admitted))
            owners = {id_: grant.owner for id_, grant in naive.register.accreditations.items()}
            dids = sorted({signed.organization for _, signed, _, _ in issued.values()})
            ids = sorted({event.achievement for _, _, event, _ in issued.values()})
            flags = sorted({flag for *_, admitted in issued.values() for flag in admitted.flags})
            assert (len(dids), len(ids), len(flags)) > (1, 1, 1)
            for _ in range(40):
                provider, achievement = draw.choice([None, *dids]), draw.choice([None, *ids])
                accreditor = draw.choice([None, *sorted(set(owners.values()))])
                flag, flagged = draw.choice([None, *flags]), draw.random() < 0.3
                chosen = Chosen(
                    None if provider is None else number_of(connection, provider, size),
                    achievement,
                    None if accreditor is None else number_of(connection, accreditor, size),
                    flagged=flagged,
                    flag=flag,
                )
                within = draw.choice(some_stretches(size))
                turn = partial(credentials.credentials, connection, chosen, size)
                found = all_items(turn, 0, within)
                assert [each.issued.credential for each in found] == [
                    id_
                    for id_, (position, signed, event, admitted) in issued.items()
                    if provider in (None, signed.organization)
                    and achievement in (None, event.achievement)
                    and (accreditor is None or owners.get(event.accreditation or "") == accreditor)
                    and (flag is None or flag in admitted.flags)
                    and (not flagged or admitted.flags)
                    and in_stretch(position, within)
                ], chosen


def test_a_submission_is_found_by_its_signer_its_key_and_its_flags(
    long: Chronicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "EXAMINED", 4)
    with long.answers() as connection:
        size = submissions.as_of(connection)
        known = {
            each.position: (each.header.payload.iss, each.header.key_id)
            for each in Naive.of_entries(long.log, size).submissions
        }
        flags: dict[int, set[Flag]] = {position: set() for position in known}
        for _, signed, _, admitted in Naive.of_entries(long.log, size).located():
            flags[signed.position].update(admitted.flags)
        did = long.story.provider.did
        key = next(key for issuer, key in reversed(known.values()) if issuer == did)
        for issuer, one_key in ((None, None), (did, None), (did, key)):
            for flag in (None, *sorted(set().union(*flags.values()))):
                for within in some_stretches(size):
                    number = None if issuer is None else number_of(connection, issuer, size)
                    turn = partial(
                        submissions.submissions,
                        connection,
                        size,
                        issuer=number,
                        key=one_key,
                        flag=flag,
                    )
                    found = all_items(turn, -1, within)
                    assert [each.signed.position for each in found] == [
                        position
                        for position, (who, by) in known.items()
                        if issuer in (None, who)
                        and one_key in (None, by)
                        and (flag is None or flag in flags[position])
                        and in_stretch(position, within)
                    ]
        with pytest.raises(ValueError, match="one organization"):
            submissions.submissions(connection, size, key=key)


def test_a_history_is_told_of_a_stretch_and_of_a_flag(told: Chronicle) -> None:
    story = told.story
    bare = Definition(name="Bare", achievement_type="Badge")
    achievement = story.new_id()
    defined = e.AchievementDefined(achievement=achievement, definition=bare)
    revised = e.AchievementRevised(
        achievement=achievement, definition=story.definition(), version=2
    )
    retired = e.AchievementRetired(achievement=achievement)
    for event in (defined, revised, retired):
        assert told.offer(story.provider, event)
    with told.answers() as connection:
        size = submissions.as_of(connection)

        def positions(**asked: Any) -> list[int]:
            found = achievements.achievement_history(connection, achievement, size, **asked)
            return [each.position for each in found.items]

        assert positions() == [11, 13, 15]
        assert positions(within=Stretch(12)) == [13, 15]
        assert positions(within=Stretch(12, 15)) == [13]
        assert positions(flag=Flag.ELEMENTS_MISSING) == [11]
        assert positions(flag=Flag.ELEMENTS_MISSING, within=Stretch(12)) == []


def test_looking_for_many_marks_looks_at_a_bounded_number_of_things(
    told: Chronicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = told.story
    for number in range(30):
        assert told.offer(
            story.accreditor, story.registered(story.accreditor, party(f"{number}"), "provider")
        )
    other = story.registration(
        party("other"), "endorser", sponsor=story.accreditor.did, name="Rare"
    )
    assert told.offer(story.accreditor, other)
    monkeypatch.setattr(marks, "EXAMINED", 10)
    wanted = [*word_marks("rare"), role_mark("endorser")]
    with told.answers() as connection:
        size = submissions.as_of(connection)
        for order in (wanted, wanted[::-1], [role_mark("provider"), *wanted]):
            pages: list[list[str]] = []
            after: int | None = -1
            while after is not None:
                page = organizations.organizations(connection, size, marks=order, after=after)
                pages.append([each.own.name for each in page.items])
                after = page.next
            assert list(chain(*pages)) == (["Rare"] if len(order) == 2 else [])
        assert len(pages) == 4


def test_words_are_found_whatever_their_case_accents_and_script() -> None:
    assert words("Ünïversität zu KÖLN (Cologne)") == ["universi", "zu", "koln", "cologne"]
    assert words("Københavns Łódź") == ["kobenhav", "lodz"]
    assert words("Straße") == words("STRASSE") == ["strasse"]
    assert words("ﬁne") == ["fine"]
    assert words("Открытый университет") == ["открытыи", "универси"]
    assert words("東京大学") == ["東京大学"]
    assert words("!!! --- _") == []
    assert words("Université d'Anvers") == ["universi", "d", "anvers"]
    long = " ".join(f"word{number}" for number in range(30))
    assert words(long) == words(f"{long} more") == [f"word{number}" for number in range(16)]
    assert set(beginnings(["Soil Sci", "soil"])) == {"so", "soi", "soil", "sc", "sci"}
    assert len(set(beginnings(["".join(chr(97 + n % 26) * 9 + " " for n in range(99))]))) <= 16 * 7
