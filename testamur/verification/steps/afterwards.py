"""What became of accreditor and authorities, and of their grants, beside the verdict.

An issuance is judged by what stood at its position. What was decided later judges later ones, and
what closed still counts for its term; but a reader wants to know either. None of it changes a
verdict, and all of it is as far as the entries shown tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from testamur.rules.register import Grant
from testamur.rules.status import closing, statuses
from testamur.verification.issuance import Issuance
from testamur.verification.trust.declared import circumstances, past
from testamur.verification.trust.speakers import Speakers

_SHOWN: Final = 5
"""Later events of one grant; the last ones, which say how it stands now."""


def after_the_issuance(
    what: str, grant: Grant, issued: Issuance, speakers: Speakers
) -> Iterator[str]:
    """Yield what was said of a grant after the issuance: suspensions, withdrawals and the like."""
    set_by = (said for said, _ in statuses(issued.register, grant))
    later = [said for said in set_by if said.position > issued.position]
    if len(later) > _SHOWN:
        yield f"{what} was changed {len(later)} times after the issuance; these are the last"
    for said in later[-_SHOWN:]:
        by = speakers.called(said.actor)
        yield (
            f"{what} was {past(said.event)} at {said.position} by {by}{circumstances(said)}, after "
            "the issuance; that does not change this verdict"
        )


def closings(dids: Iterable[str], issued: Issuance, speakers: Speakers) -> Iterator[str]:
    """Yield which of these organizations closed, where, and whether that was before the issuance.

    The issuer's own closing is told with the status (`status.py`).
    """
    register = issued.register
    for did in dict.fromkeys(dids):
        organization = register.organizations.get(did)
        closed = None if organization is None else closing(register, organization)
        if closed is None or did == issued.issuer:
            continue
        when = "before" if closed.position < issued.position else "after"
        yield (
            f"{speakers.called(did)} ({did}) closed at position {closed.position}, {when} the "
            "issuance; what it decided counts for its term, and it can withdraw nothing itself"
        )
