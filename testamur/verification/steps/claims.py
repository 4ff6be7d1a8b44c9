"""Steps 9 to 11: what the credential says of achievement, issuer and dates, and what was logged."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from testamur.badges.openbadges import Badge
from testamur.badges.restated import differences
from testamur.catalogue import events as e
from testamur.errors import Refuted, Unavailable, printable
from testamur.verification.finding import Finding
from testamur.verification.issuance import Issuance
from testamur.verification.trust.vouching import Vouching

_SHOWN: Final = 5


def achievement(issued: Issuance, badge: Badge) -> Finding:
    """(9) What the credential says of the achievement is what was logged, as far as that goes."""
    # Else an accredited course could lend its standing to a credential that says anything.
    found = differences(badge, issued.event, issued.definition)
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise Refuted("; ".join(printable(str(each), 200) for each in found[:_SHOWN]) + more)
    return Finding(f"{issued.definition.name}, version {issued.event.achievement_version}")


def issuer(issued: Issuance, badge: Badge, vouching: Vouching) -> Finding:
    """(10) The credential names the organization that issued it on the log."""
    claimed, did, kid = badge.issuer.id, issued.issuer, issued.header.protected.kid
    name, notes = (
        vouching.named(did),
        (*vouching.unproven(did), *vouching.unanchored(issued.header)),
    )
    by = vouching.whose_word(issued.header)
    if by is not None and kid in vouching.lent:
        raise Unavailable(
            f"{name} ({did}) issued it with {kid}, a key that {vouching.named(by)} ({by}) added, "
            "which leads to no anchor of yours"
        )
    if claimed == did:
        return Finding(f"{name} ({claimed})", notes=notes)
    if claimed.startswith("did:"):
        raise Refuted(f"the credential names {claimed}, the log shows {did} issued it")
    # An organization can claim any address, so the sponsor's word is needed. The sponsor of a mill
    # can claim any address too, so the sponsor must lead to an anchor.
    if claimed == vouching.entered[did].url:
        if vouching.unanchored(issued.header):
            raise Unavailable(
                f"the credential names its issuer as {claimed}; that this is the address of {did} "
                "is said by nobody who leads to an anchor of yours"
            )
        said = f"{name}, which its sponsor registered with address {claimed}"
        return Finding(said, attested=True, notes=notes)
    raise Unavailable(
        f"the credential names its issuer as {claimed}, which the register does not link to "
        f"{name} ({did})"
    )


def validity(issued: Issuance, badge: Badge, at: datetime) -> Finding:
    """(11) The credential's own dates: those that were logged, and valid at the time asked for."""
    if at < badge.valid_from:
        raise Refuted(f"not valid before {badge.valid_from.isoformat()}")
    if badge.valid_until is not None and at > badge.valid_until:
        raise Refuted(f"expired at {badge.valid_until.isoformat()}")
    _check_dates(badge, issued.event)
    end = f" until {badge.valid_until.isoformat()}" if badge.valid_until else ", without end"
    return Finding(f"valid from {badge.valid_from.isoformat()}{end}")


def _check_dates(badge: Badge, event: e.CredentialIssued) -> None:
    # Else a credential could be backdated under the eyes of its accreditor.
    stated = badge.valid_from.date(), badge.valid_until and badge.valid_until.date()
    logged = event.valid_from, event.valid_until
    if stated != logged:
        (start, end), (logged_start, logged_end) = stated, logged
        raise Refuted(
            f"the credential is valid from {start} until {end}, what was logged is valid from "
            f"{logged_start} until {logged_end}"
        )
