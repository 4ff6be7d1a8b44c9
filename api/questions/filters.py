"""What selects items of a list: a period, a flag, a name, an identifier, an organization.

Each list takes the filters that make sense for it and refuses all others, so that no misspelt one
is ignored. A filter is answered from an index: what no index can answer is no filter here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, NamedTuple

from fastapi import Depends, Query
from pydantic import AfterValidator, StringConstraints

from api.http import examples
from api.http.problems import Problem
from api.questions.answerer import View
from api.questions.moment import DID, MAX_SIZE, UUID, PageOf, PageRequest, parse_day_or_time
from projections import dids, submissions
from projections.marks import flag_mark, identifier_mark, party_mark, role_mark, word_marks
from projections.page import Stretch
from projections.words import words
from testamur.catalogue.members import Role
from testamur.catalogue.table import TABLE, Kind
from testamur.recording.identifiers import SCHEMES, spelt
from testamur.rules import Flag

MAX_TEXT: Final = 200
"""Characters of a name or an identifier that is looked for."""


# --- Of every list of what stands on the log ---


class Period(NamedTuple):
    """The part of the log that a list is asked about; times are in Unix milliseconds.

    It holds what was recorded at `since` or later, and at `until` or earlier, and stands after
    position `after`.
    """

    since: int | None
    until: int | None
    after: int | None


class ListRequest(NamedTuple):
    """Which page of a list is asked for, and of which part of the log."""

    page: PageRequest
    period: Period

    def options(self, view: View, start: int = 0) -> dict[str, Any]:
        """Return the arguments of a projection's list that begins after the cursor `start`."""
        return {**self.page.options(start), "within": stretch(view, self.period)}


async def period_asked(
    since: Annotated[
        str | None,
        Query(
            max_length=40,
            description="Only what was recorded at this time or later (RFC 3339), by the "
            "register's clock; a day stands for its beginning in UTC.",
            examples=["2026-11-01"],
        ),
    ] = None,
    until: Annotated[
        str | None,
        Query(
            max_length=40,
            description="Only what was recorded at this time or earlier (RFC 3339); a day stands "
            "for its end in UTC.",
            examples=["2026-11-30"],
        ),
    ] = None,
    after: Annotated[
        int | None,
        Query(
            ge=0,
            le=MAX_SIZE,
            description="Only what stands after this position of the log: to go on from where an "
            "earlier reading ended.",
            examples=[4096],
        ),
    ] = None,
) -> Period:
    """Return the part of the log that a request asks about; 422 if it ends before it begins."""
    begin = None if since is None else parse_day_or_time("since", since, end=False)
    end = None if until is None else parse_day_or_time("until", until, end=True)
    if begin is not None and end is not None and begin > end:
        raise Problem(422, "parameter", f"until is earlier than since, {since}", value=until)
    return Period(begin, end, after)


async def list_asked(page: PageOf, period: Annotated[Period, Depends(period_asked)]) -> ListRequest:
    """Return which page of a list a request asks for."""
    return ListRequest(page, period)


ListOf = Annotated[ListRequest, Depends(list_asked)]


def stretch(view: View, period: Period) -> Stretch:
    """Return the stretch of the log that a period stands for, as of the size of a view."""
    first = 0 if period.after is None else period.after + 1
    if period.since is not None:
        # All that was recorded before ends there, and the next header begins.
        first = max(first, submissions.size_at(view.connection, period.since - 1))
    end = view.size
    if period.until is not None:
        end = min(end, submissions.size_at(view.connection, period.until))
    return Stretch(first, end)


# --- Flags ---


def _flag(example: Flag) -> Any:
    """Return the annotation of the parameter in a list whose things get the flag `example`."""
    return Query(
        description="Only what has this flag, by the event about it that was admitted with it.",
        examples=[example.value],
    )


FlagOfOrganization = Annotated[Flag | None, _flag(Flag.IDENTIFIER_SHARED)]
FlagOfAchievement = Annotated[Flag | None, _flag(Flag.ELEMENTS_MISSING)]
FlagOfAccreditation = Annotated[Flag | None, _flag(Flag.ACCREDITOR_NOT_RECOGNISED)]
FlagOfRecognition = Annotated[Flag | None, _flag(Flag.SELF_RECOGNITION)]
FlagOfCredential = Annotated[Flag | None, _flag(Flag.BACKDATED)]


def flag_of(flag: Flag | None, *kinds: Kind) -> list[str]:
    """Return the mark of a flag, if one is asked for; 422 if none of these kinds ever gets it."""
    if flag is None:
        return []
    check_flag(flag, *kinds)
    return [flag_mark(flag)]


def check_flag(flag: Flag | None, *kinds: Kind) -> None:
    """Raise a 422 `Problem` for a flag that no event about such a thing ever gets."""
    if flag is None or any(TABLE[event].kind.stream in kinds for event in flag.on):
        return
    given = ", ".join(each for each in Flag if any(TABLE[e].kind.stream in kinds for e in each.on))
    raise Problem(422, "flag", f"nothing in this list gets that flag; it has {given}", value=flag)


# --- Names and identifiers ---


def _words_in(text: str) -> str:
    if not words(text):
        raise ValueError("give words of the name, or beginnings of words")
    return text


NameAsked = Annotated[
    Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(_words_in)] | None,
    Query(
        description="Only what has, or once had, a name with all of these words. The beginning of "
        "a word is enough, if it is two letters long; case and accents do not matter, nor letters "
        "after the eighth, nor words after the sixteenth.",
        examples=["soil sci"],
    ),
]
IdentifierAsked = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=MAX_TEXT,
        description="Only organizations that state this identifier, or once did. It is their own "
        f"word, which proves nothing. Schemes: {', '.join(SCHEMES)}; `SCHEME:` may stand before "
        "it, and must where it could be of several.",
        examples=["https://ror.org/04dkp9463"],
    ),
]
RoleAsked = Annotated[
    Role | None,
    Query(description="Only organizations that registered with this role.", examples=["provider"]),
]


def name_of(text: str | None) -> list[str]:
    """Return the marks of the words that are looked for."""
    return [] if text is None else word_marks(text)


def role_of(role: Role | None) -> list[str]:
    """Return the mark of a role, if one is asked for."""
    return [] if role is None else [role_mark(role)]


def identifier_of(text: str | None) -> list[str]:
    """Return the mark of an identifier, in its one spelling; 422 if it is none, or several."""
    if text is None:
        return []
    scheme, colon, value = text.strip().partition(":")
    asked = scheme.upper() in SCHEMES and bool(colon)
    read = [(scheme.upper(), value)] if asked else [(each, text.strip()) for each in SCHEMES]
    found, faults = [], []
    for each, value in read:
        try:
            found.append((each, spelt(each, value.strip())))
        except ValueError as error:
            faults.append(str(error))
    if not found:
        what = faults[0] if asked else f"write one of {', '.join(SCHEMES)}"
        raise Problem(422, "identifier", what, value=text)
    if len(found) > 1:
        ways = ", ".join(f"{each}:{right}" for each, right in found)
        raise Problem(422, "identifier", f"it could be several: write one of {ways}", value=text)
    return [identifier_mark(*found[0])]


# --- Other things ---


def did_query(description: str) -> Any:
    """Return the annotation of a parameter that names an organization."""
    return Query(
        pattern=DID,
        description=description,
        examples=[examples.DID],
    )


def id_query(description: str) -> Any:
    """Return the annotation of a parameter that is an id."""
    return Query(pattern=UUID, description=description, examples=[examples.ID])


Provider = Annotated[str | None, did_query("Only what this provider has to do with: its DID.")]
Accreditor = Annotated[str | None, did_query("Only what this accreditor has to do with: its DID.")]
Authority = Annotated[str | None, did_query("Only what this authority granted: its DID.")]
Recognised = Annotated[str | None, did_query("Only what this organization was granted: its DID.")]
AchievementAsked = Annotated[
    str | None, id_query("Only what was issued for this achievement: its id.")
]


def number_of(view: View, did: str | None) -> int | None:
    """Return the number of an organization that is asked for; 404 if it was not registered."""
    if did is None:
        return None
    return view.known("organization", did, dids.number_of)


def parties_of(view: View, **parties: str | None) -> list[str]:
    """Return the marks of organizations; keywords are `by` and `to`, values DIDs.

    Raises a 404 `Problem` for one that was not registered.
    """
    numbers = ((party, number_of(view, did)) for party, did in parties.items())
    return [party_mark(party, number) for party, number in numbers if number is not None]


def all_of(*marks: Iterable[str]) -> list[str]:
    """Return marks in the order given, which should be that of how few things have them."""
    return [mark for some in marks for mark in some]
