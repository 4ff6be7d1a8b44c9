"""Addresses that a learner shares: of the holder's page, of the status, and to add to LinkedIn.

The link to the holder's page carries the credential behind its `#`. Where it is too long for a QR
code or a form, the address of what the register says of the credential stands in its place.

Source: LinkedIn, "Add to Profile" for certifications (addtoprofile.linkedin.com).
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from testamur.badges.commitment import HolderFile
from testamur.badges.holder_link import MAX_IN_QR, holder_link
from testamur.errors import Refusal
from testamur.pages.facts import Facts
from testamur.pages.installed import library

_LINKEDIN: Final = "https://www.linkedin.com/profile/add?"
_OWN_PAGE: Final = re.compile(
    r"https://(?:[a-z]{2,3}\.)?linkedin\.com/(?:company|school|edu)/([1-9][0-9]{0,19})/?"
)
_SCALE: Final = 4
# As wide as ISO/IEC 18004 asks for.
_QUIET: Final = 4


class Addresses(NamedTuple):
    """What a learner shares; `link` carries the credential, unless it is too large for any link.

    `shared` is the same, or that of its status where the link is too long for a code or a form.
    """

    link: str
    shared: str
    linkedin: str
    carries: bool


def addresses_of(
    facts: Facts, holder: HolderFile, register: str, organization: str | None
) -> Addresses:
    """Return the addresses at a register; `organization` is the issuer's number at LinkedIn.

    Without it, the number is taken that the credential states.
    """
    organization = organization or linkedin_page(holder.credential)
    status = status_address(register, holder.id)
    try:
        link, carries = holder_link(register, holder), True
    except Refusal:  # a badge with a picture in it may be too long for any link
        link, carries = status, False
    shared = link if len(link) <= MAX_IN_QR else status
    return Addresses(link, shared, linkedin_address(facts, shared, organization), carries)


def status_address(register: str, credential: str) -> str:
    """Return where a register tells the status of a credential, without its content."""
    return f"{register.rstrip('/')}/credentials/{quote(credential, safe='')}"


def linkedin_page(credential: Mapping[str, Any]) -> str | None:
    """Return the number of the issuer's page at LinkedIn, if the credential states it.

    It may be the address of the issuer, or among its other identifiers.
    """
    issuer = credential.get("issuer")
    if not isinstance(issuer, dict):
        return None
    others = issuer.get("otherIdentifier")
    listed = others if isinstance(others, list) else [others]
    stated = [
        issuer.get("url"),
        *(each.get("identifier") for each in listed if isinstance(each, dict)),
    ]
    found = (_OWN_PAGE.fullmatch(each) for each in stated if isinstance(each, str))
    return next((each[1] for each in found if each), None)


def linkedin_address(facts: Facts, shared: str, organization: str | None = None) -> str:
    """Return the address that fills in LinkedIn's form for a certification.

    `organization` is the number of the issuer's own page there. Without it the issuer's name stands
    in the form, and no picture of the issuer beside it.
    """
    issuer = {"organizationName": facts.issuer}
    if organization is not None:
        issuer = {"organizationId": organization}
    until = facts.valid_until
    ends = {} if until is None else {"expirationYear": until.year, "expirationMonth": until.month}
    return _LINKEDIN + urlencode(
        {
            "startTask": "CERTIFICATION_NAME",
            "name": facts.title,
            **issuer,
            "issueYear": facts.awarded.year,
            "issueMonth": facts.awarded.month,
            **ends,
            "certUrl": shared,
            "certId": facts.credential,
        },
        quote_via=quote,
    )


@lru_cache(maxsize=4)
def qr_png(address: str) -> bytes:
    """Return the QR code of an address as PNG."""
    # The lowest correction: a link is long, and is read off paper and screens that are whole.
    code = library("segno").make_qr(address, error="l", boost_error=False)
    written = io.BytesIO()
    code.save(written, kind="png", scale=_SCALE, border=_QUIET)
    return written.getvalue()
