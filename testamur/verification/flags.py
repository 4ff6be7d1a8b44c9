"""The flags of an issuance: those that follow from the entries shown, and those that are stated.

A flag follows here from what stood before the issuance. The registry gave its flags as it admitted
the issuance, by all that it held: those that no excerpt shows are its statement, which counts only
for a verifier who asked it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from testamur.catalogue.lifecycle import AchievementStatus
from testamur.catalogue.members import Definition
from testamur.catalogue.table import Kind
from testamur.rules import Flag, Flags
from testamur.rules.chain import Moment, in_force
from testamur.rules.credentials import BACKDATED_AFTER, POSTDATED_AFTER
from testamur.rules.facets import missing_elements
from testamur.rules.flags import in_order
from testamur.rules.register import Achievement
from testamur.rules.review import is_overdue
from testamur.rules.scope import uncovered
from testamur.rules.status import closed, existing, status
from testamur.verification.issuance import Issuance
from testamur.verification.report import Basis, EvidenceFrom, ReportedFlag

# Evidence shows all that these follow from.
_SHOWN_WHOLE: Final = frozenset(
    {
        Flag.NO_ACCREDITATION_CLAIMED,
        Flag.ACCREDITATION_NOT_IN_FORCE,
        Flag.OUTSIDE_ACCREDITED_SCOPE,
        Flag.ACCREDITOR_CLOSED,
        Flag.SELF_ACCREDITATION,
        Flag.ACHIEVEMENT_RETIRED,
        Flag.BACKDATED,
        Flag.POSTDATED,
        Flag.ELEMENTS_MISSING,
        Flag.REVIEW_OVERDUE,
    }
)
# These follow from what is not there; the others that are derived, from the entries shown.
_OF_ABSENCE: Final = frozenset({Flag.ACCREDITATION_NOT_IN_FORCE, Flag.REVIEW_OVERDUE})


def derived(issued: Issuance, definition: Definition | None) -> Flags:
    """Return the flags that follow from the entries shown, as of the issuance."""
    found = {
        *_of_accreditation(issued),
        *_of_achievement(issued),
        *_of_dates(issued),
        *([Flag.ELEMENTS_MISSING] if definition and missing_elements(definition) else []),
    }
    return in_order(found)


def reported(
    flags: Flags, stated: Collection[Flag] | None, evidence_from: EvidenceFrom
) -> tuple[ReportedFlag, ...]:
    """Return the flags as a report names them, each with its basis.

    `stated` are those that the register states to this verifier; None if it was not asked.
    """
    bases = dict.fromkeys(stated or (), Basis.REGISTER) | {
        flag: evidence_from.absence if flag in _OF_ABSENCE else Basis.PROVEN for flag in flags
    }
    return tuple(
        ReportedFlag(flag.value, bases[flag], flag.meaning) for flag in Flag if flag in bases
    )


def disagreements(found: Flags, stated: Collection[Flag] | None) -> Iterator[str]:
    """Yield where the flags that follow from the entries shown are not those that were stated.

    The register flagged the issuance as it admitted it, by what counted then. A key that was
    declared compromised since may change that, and a register may state what is not so.
    """
    if stated is None:
        return
    for flag in Flag:
        if flag in stated and flag in _SHOWN_WHOLE and flag not in found:
            yield (
                f"the register states that the issuance was flagged {flag} as it was admitted; by "
                "what counts now that does not follow"
            )
        elif flag in found and flag not in stated:
            yield (
                f"{flag} follows from what counts now; the register does not state that the "
                "issuance was flagged so as it was admitted"
            )


def _of_accreditation(issued: Issuance) -> Iterator[Flag]:
    if issued.event.accreditation is None:
        yield Flag.NO_ACCREDITATION_CLAIMED
    granted = issued.accreditation()
    if granted is None:
        return
    moment = Moment(issued.position, issued.signed.day)
    if not in_force(issued.register, Kind.ACCREDITATION, granted, moment):
        yield Flag.ACCREDITATION_NOT_IN_FORCE
    covered = issued.covered()
    if covered is not None and uncovered(granted.event.scope, *covered):
        yield Flag.OUTSIDE_ACCREDITED_SCOPE
    if closed(issued.register, granted.owner, issued.position):
        yield Flag.ACCREDITOR_CLOSED
    if granted.owner == issued.issuer:
        yield Flag.SELF_ACCREDITATION
    if is_overdue(issued.vouched(granted), issued.signed.day):
        yield Flag.REVIEW_OVERDUE


def _of_achievement(issued: Issuance) -> Iterator[Flag]:
    achievement = issued.register.achievements.get(issued.event.achievement)
    if achievement is None:
        return
    before = status(issued.register, Kind.ACHIEVEMENT, achievement, before=issued.position)
    if before is AchievementStatus.RETIRED:
        yield Flag.ACHIEVEMENT_RETIRED
    if _outdated(issued, achievement):
        yield Flag.ACHIEVEMENT_VERSION_OUTDATED


def _outdated(issued: Issuance, achievement: Achievement) -> bool:
    return any(
        existing(issued.register, each, issued.position) is not None
        for each in achievement.definitions
        if each.version > issued.event.achievement_version
    )


def _of_dates(issued: Issuance) -> Iterator[Flag]:
    day, valid_from = issued.signed.day, issued.event.valid_from
    if day - valid_from > BACKDATED_AFTER:
        yield Flag.BACKDATED
    elif valid_from - day > POSTDATED_AFTER:
        yield Flag.POSTDATED
