"""What may happen to a credential, and which issuances are flagged."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

from msgspec.structs import replace

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import FINAL, AchievementStatus
from testamur.catalogue.members import Scope
from testamur.catalogue.table import Kind
from testamur.errors import Refusal
from testamur.rules.accreditors import Accreditors
from testamur.rules.chain import Moment, in_force
from testamur.rules.drafts import layers
from testamur.rules.effective import check_effective
from testamur.rules.facets import Facets, read_facets
from testamur.rules.flags import Flag, Flags, in_order
from testamur.rules.identity import check_again, check_line, taken
from testamur.rules.recognition import check_dates
from testamur.rules.register import Achievement, Credential, Credentials, Register
from testamur.rules.review import is_overdue
from testamur.rules.rights import check_change, check_known, of_another
from testamur.rules.roles import require_role
from testamur.rules.said import Said, Signed
from testamur.rules.scope import uncovered
from testamur.rules.spending import Limits, check_writings
from testamur.rules.status import existing, status
from testamur.rules.vouching import words

BACKDATED_AFTER: Final = timedelta(days=30)
POSTDATED_AFTER: Final = timedelta(days=1)

WRITINGS_LOOKED_AT: Final = 80
"""How often the newest versions of an achievement were written, as far as they are looked at.

One stolen key revises an achievement 64 times, and hides no version by that.
"""

_BACKDATED: Final[Flags] = (Flag.BACKDATED,)
_POSTDATED: Final[Flags] = (Flag.POSTDATED,)
_INCOMPLETE: Final[Flags] = (Flag.ELEMENTS_MISSING,)
_OUTSIDE: Final[Flags] = (Flag.OUTSIDE_ACCREDITED_SCOPE,)

# With the register and the day, these members decide the flags of an issuance.
_terms: Final = attrgetter(
    "achievement", "achievement_version", "accreditation", "valid_from", "valid_until"
)


Named: TypeAlias = tuple[str, int, str | None]
"""The terms of an issuance without its dates: achievement, version, accreditation."""


class _Awarded(NamedTuple):
    """A version of an achievement: its facets, and its flags."""

    facets: Facets
    flags: Flags


class _Latest(NamedTuple):
    """Of an achievement: whether it is retired, and the latest version known to count."""

    retired: bool
    version: int


class _Claimed(NamedTuple):
    """An accreditation: its scope, the country its accreditor vouches for, and its flags."""

    scope: Scope | None
    country: str
    flags: Flags


@dataclass(slots=True)
class Found:
    """What was found of the terms of issuances by one organization, from a moment on.

    Its submissions may share that as long as nothing but credentials is said by anybody. `taken`
    has the ids of other things than credentials.
    """

    moment: Moment
    accreditors: Accreditors
    taken: tuple[Container[str], ...]
    awarded: dict[tuple[str, int], _Awarded] = field(default_factory=dict)
    claimed: dict[str, _Claimed] = field(default_factory=dict)
    terms: dict[Named, Flags] = field(default_factory=dict)
    latest: dict[str, _Latest] = field(default_factory=dict)


class Issuance:
    """The rules for issuing, for one submission from one place in it on.

    A cohort names few achievements and accreditations but many credentials, so the flags are
    worked out once for each distinct set of terms. Terms that differ in their dates alone, or
    name a known achievement with another accreditation, cost what is new in them. What the
    submission says in between is told by `forget`, or asks for another `Issuance`. Whether the
    signer is a provider, and has not closed, is judged by the caller.
    """

    __slots__ = ("_found", "_issued", "_issuer", "_judged", "_register", "_signed")

    def __init__(self, register: Register, signed: Signed, found: Found) -> None:
        """Take what was `found` of terms so far, and add to it."""
        self._register = register
        self._found = found
        self._issuer = signed.organization
        self._signed = signed
        # One object for all credentials of the submission that name one accreditation.
        self._issued: dict[str | None, Credential] = {}
        self._judged: dict[object, tuple[Flags, Credential]] = {}

    def forget(self, event: e.AchievementEvent | e.AccreditationEvent, position: int) -> None:
        """Take note of what the submission says at `position` of what it may name from there on."""
        self._found.moment = self._found.moment._replace(position=position + 1)
        self._found.taken = taken_in(self._register)
        self._judged.clear()
        self._found.terms.clear()
        if isinstance(event, e.AccreditationEvent):
            self._found.claimed.pop(event.accreditation, None)
        else:
            self._found.awarded.clear()
            self._found.latest.pop(event.achievement, None)

    def issue(self, credentials: Credentials, event: e.CredentialIssued) -> Flags:
        """Admit a credential with an id that `credentials` does not have; return its flags."""
        id_ = event.credential
        for ids in self._found.taken:
            if id_ in ids:
                raise taken(id_, self._register.creator(id_))
        terms = _terms(event)
        judged = self._judged.get(terms)
        if judged is None:
            judged = self._judged[terms] = self.judge(event), self._credential(event.accreditation)
        credentials[id_] = judged[1]
        return judged[0]

    def issue_again(
        self, credentials: Credentials, event: e.CredentialIssued, limits: Limits
    ) -> Flags:
        """Admit the line that wrote its id first, by the same organization; return its flags."""
        id_ = event.credential
        known = credentials.get(id_)
        if known is None:
            raise KeyError(id_)
        check_again(self._register, known, known, self._issuer, id_, rule="already-issued")
        check_line(self._register, known, event, credentials.issuance(id_), id_)
        flags = self.judge(event)
        check_writings(len(known.issuances), limits)
        credentials[id_] = replace(known, issuances=(*known.issuances, self._signed))
        return flags

    def _credential(self, accreditation: str | None) -> Credential:
        issued = self._issued.get(accreditation)
        if issued is None:
            issued = self._issued[accreditation] = Credential(accreditation, (self._signed,))
        return issued

    def judge(self, event: e.CredentialIssued) -> Flags:
        """Return the flags of an issuance; raises `Refusal` when it names what it may not."""
        named = event.achievement, event.achievement_version, event.accreditation
        flags = self._found.terms.get(named)
        if flags is None:
            flags = self._found.terms[named] = self._register.concluded(
                ("terms", self._issuer, self._found.moment.day, named),
                lambda: self._terms(named, event),
            )
        dates = self._date_flags(event)
        return in_order((*flags, *dates)) if dates else flags

    def _terms(self, named: Named, event: e.CredentialIssued) -> Flags:
        """Return the flags of terms, whatever the dates."""
        achievement, version, accreditation = named
        awarded = self._found.awarded.get((achievement, version))
        if awarded is None:
            awarded = self._found.awarded[achievement, version] = self._register.concluded(
                ("awarded", self._issuer, achievement, version),
                lambda: self._award(achievement, version),
            )
        check_dates(event.valid_from, event.valid_until)  # refused before the accreditation is
        if accreditation is None:
            return in_order((Flag.NO_ACCREDITATION_CLAIMED, *awarded.flags))
        claimed = self._found.claimed.get(accreditation)
        if claimed is None:
            claimed = self._found.claimed[accreditation] = self._register.concluded(
                ("claimed", self._issuer, self._found.moment.day, accreditation),
                lambda: self._accreditation(accreditation),
            )
        outside = uncovered(claimed.scope, achievement, awarded.facets, claimed.country)
        return in_order((*(_OUTSIDE if outside else ()), *claimed.flags, *awarded.flags))

    def _award(self, id_: str, version: int) -> _Awarded:
        achievement = self._register.achievements.get(id_)
        if achievement is None:
            raise Refusal("unknown-achievement", "no such achievement was defined", value=id_)
        if achievement.owner != self._issuer:
            raise of_another(Kind.ACHIEVEMENT, achievement.owner, self._issuer, id_)
        definition = achievement.definition(version)
        if definition is None:
            raise Refusal(
                "achievement-version",
                f"{id_} has {achievement.highest} versions",
                value=version,
            )
        if existing(self._register, definition) is None:
            raise Refusal(
                "unknown-achievement",
                f"version {version} of this achievement does not count; write its line again",
                value=id_,
            )
        facets = read_facets(definition.facets)
        latest = self._found.latest.get(id_)
        if latest is None:
            latest = self._found.latest[id_] = self._register.concluded(
                ("latest", id_), lambda: _latest_of(self._register, id_)
            )
        flags = () if facets.complete else _INCOMPLETE
        if latest.retired:
            flags += (Flag.ACHIEVEMENT_RETIRED,)
        if latest.version > version:
            flags += (Flag.ACHIEVEMENT_VERSION_OUTDATED,)
        return _Awarded(facets, flags)

    def _date_flags(self, event: e.CredentialIssued) -> Flags:
        check_dates(event.valid_from, event.valid_until)
        if self._found.moment.day - event.valid_from > BACKDATED_AFTER:
            return _BACKDATED
        return _POSTDATED if event.valid_from - self._found.moment.day > POSTDATED_AFTER else ()

    def _accreditation(self, id_: str) -> _Claimed:
        register = self._register
        granted = register.accreditations.get(id_)
        granted = check_known(register, Kind.ACCREDITATION, granted, id_)
        if granted.subject != self._issuer:
            raise Refusal(
                "accreditation-of-another",
                f"granted to {granted.subject}, not to {self._issuer}",
                value=id_,
            )
        holds = in_force(register, Kind.ACCREDITATION, granted, self._found.moment)
        spoken = words(register, granted)
        flags = self._found.accreditors.flags(granted.owner, self._issuer)
        if is_overdue(spoken, self._found.moment.day):
            flags.append(Flag.REVIEW_OVERDUE)
        if not holds:
            flags.append(Flag.ACCREDITATION_NOT_IN_FORCE)
        return _Claimed(granted.event.scope, spoken.country, tuple(flags))


def taken_in(register: Register) -> tuple[Container[str], ...]:
    """Return the mappings that hold the ids of things now, of all but credentials."""
    return (
        *layers(register.achievements),
        *layers(register.accreditations),
        *layers(register.recognitions),
    )


def conclude_terms(
    register: Register, signed: Signed, issued: Iterable[e.CredentialIssued]
) -> None:
    """Draw all conclusions that these issuances by `signed` will be judged by.

    Those of what would be refused are not drawn.
    """
    moment = Moment(signed.position, signed.day)
    with suppress(Refusal):
        require_role(register, signed.organization, "provider")
    for event in issued:
        # What one conclusion found serves another only by its name: else it would not be known
        # that the other rests on it.
        found = Found(moment, Accreditors(register, moment), ())
        with suppress(Refusal):
            Issuance(register, signed, found).judge(event)


def _latest_of(register: Register, id_: str) -> _Latest:
    """Return what is asked of an achievement: whether it is retired, and its latest version.

    That is the latest that counts among the newest, or 0 if none of these does.
    """
    achievement = register.achievements[id_]
    # Most are never retired, and may have thousands of versions.
    retired = bool(achievement.stream) and (
        status(register, Kind.ACHIEVEMENT, achievement) is AchievementStatus.RETIRED
    )
    # All are written by the one owner, which may have thousands that do not count.
    counts, fallen = register.counting(achievement.owner), register.judged.fallen
    for version, by in newest_writings(achievement):
        if by.position not in fallen and counts(by.key, by.position, by.recorded_at):
            return _Latest(retired, version)
    return _Latest(retired, 0)


def newest_writings(achievement: Achievement) -> Iterator[tuple[int, Signed]]:
    """Yield the newest versions, each with the submissions that wrote it: all that flags ask."""
    left = WRITINGS_LOOKED_AT
    for each in reversed(achievement.definitions):
        if left <= 0:
            return
        yield each.version, each.signed
        for _, signed in each.again:
            yield each.version, signed
        left -= 1 + len(each.again)


def admit_change(
    register: Register, credentials: Credentials, said: Said, event: e.CredentialStatusEvent
) -> Credential:
    """Let the issuer or a successor suspend, reinstate, revoke or supersede. Raises `Refusal`.

    The credential is returned as it was before.
    """
    known = credentials.get(event.credential)
    known = check_change(register, Kind.CREDENTIAL, known, said, event.credential)
    check_effective(event, said.signed.day)
    if isinstance(event, e.CredentialSuperseded):
        _check_replacement(register, credentials, said, event)
    return known


def _check_replacement(
    register: Register, credentials: Credentials, said: Said, event: e.CredentialSuperseded
) -> None:
    """Raise `Refusal` unless a credential of the signer's own, which stands, takes the place."""
    if event.successor == event.credential:
        raise Refusal("successor", "nothing supersedes itself", value=event.successor)
    replacement = credentials.get(event.successor)
    if replacement is None or replacement.owner != said.actor:
        raise Refusal(
            "successor",
            "a credential of the signer's own takes the place; name one",
            value=event.successor,
        )
    # Else two credentials could supersede each other, and following successors would never end.
    now = status(register, Kind.CREDENTIAL, replacement)
    if now is None or now in FINAL:
        raise Refusal("successor", f"it is itself {now or 'not counted'}", value=event.successor)
