"""The organizations of the story: each holds its own keys and signs its own submissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from demo.cast import Person
from testamur.catalogue.events import Event, OrganizationRegistered
from testamur.catalogue.ids import new_id
from testamur.catalogue.lines import encode_event
from testamur.catalogue.members import Role
from testamur.catalogue.submission import seal
from testamur.cli.joining import LASTS, founding_key, registration
from testamur.cli.key_folder import KeyFolder
from testamur.cli.signer import Signer, signer_of, signing_key
from testamur.keys import PrivateKey


@dataclass(slots=True)
class Party:
    """An organization, and the folder of its keys: one founding, one recovery, one signing key."""

    person: Person
    folder: Path
    keys: KeyFolder = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.keys = KeyFolder.make(self.folder / "keys", recovery=1, curve="Ed25519")

    @property
    def did(self) -> str:
        """Its name in the register, which spells its founding key."""
        return self.keys.did

    @property
    def key(self) -> PrivateKey:
        """The newest of its signing keys."""
        return signing_key(self.keys)

    def new_key(self) -> PrivateKey:
        """Make a signing key, which signs once the register lists it."""
        self.keys, _ = self.keys.plus("signing", "Ed25519")
        return self.key

    def registration(self, log: str, sponsor: str, role: Role) -> OrganizationRegistered:
        """Return its registration, signed by its founding key; `sponsor` will submit it."""
        return registration(
            self.keys,
            founding_key(self.keys, None),
            country=self.person.country,
            name=self.person.name,
            origin=log,
            roles=(role,),
            sponsor=sponsor,
            until=datetime.now(UTC).date() + LASTS,
            url=self.person.url,
        )

    def seal(self, events: Sequence[Event], *, log: str, now: int) -> bytes:
        """Return the submission over `events`, signed at `now` (Unix seconds).

        A signing key signs it; if they are key events, the recovery key does.
        """
        return sealed(signer_of(events, self.keys.path, None), events, log=log, now=now)


def sealed(signer: Signer, events: Sequence[Event], *, log: str, now: int) -> bytes:
    """Return the submission over `events`, signed as `signer`."""
    return seal(
        [encode_event(event) for event in events],
        key=signer.key,
        kid=signer.kid,
        aud=log,
        iat=now,
        jti=new_id(),
    )
