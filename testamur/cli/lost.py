"""Coming back with every recovery key lost: a new organization, which asks to be the successor.

Nobody has power over the keys of an organization but itself, so the old one stays as it is. Its
accreditor can let the new one act for it, on the credentials under its accreditation.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from shlex import quote
from typing import Final

from testamur.catalogue.events import OrganizationRegistered, OrganizationSucceeded
from testamur.catalogue.lines import encode_event
from testamur.cli.files import write

_LETTER: Final = """\
To        {accreditor}
From      {name}
Concerns  {old}

We have lost every recovery key of {old}
in the register {log}. Nobody can give us another, so we come back as a new organization:

    {new}

We ask you to
1. satisfy yourself by a way of your own, not by this letter, that {name} sends it;
2. submit the file that comes with it. It holds our registration, and your statement that the new
   organization succeeds the old one. From 30 days after it is recorded we can revoke, suspend
   and supersede credentials under your accreditation that the old organization issued;
3. accredit the new organization, since your accreditation names the old one.

    testamur sign {file} --keys KEYS --log {quoted} --out succession.submission
    testamur submit succession.submission --url URL --keys KEYS

It has to be submitted until {until}. Who still holds a signing key of the old organization can
object during the 30 days. If we hear of an objection that is not ours, we shall tell you.
"""


def write_request(out: Path, old: str, registration: OrganizationRegistered) -> list[Path]:
    """Write into the new folder the letter, and the events that the accreditor is to submit.

    The accreditor is the sponsor that the registration names.
    """
    out.mkdir(parents=True)
    events, letter = out / "succession.ndjson", out / "letter.txt"
    succeeded = OrganizationSucceeded(organization=old, successor=registration.organization)
    write(events, b"".join(encode_event(each) + b"\n" for each in (registration, succeeded)))
    write(letter, _letter(old, registration, registration.until, events.name).encode())
    return [events, letter]


def _letter(old: str, registration: OrganizationRegistered, until: date, file: str) -> str:
    return _LETTER.format(
        accreditor=registration.sponsor,
        name=registration.name,
        old=old,
        log=registration.origin,
        quoted=quote(registration.origin),
        new=registration.organization,
        file=file,
        until=until,
    )
