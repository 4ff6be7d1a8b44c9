"""The organizations of the story: each holds its own keys and signs its own submissions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from demo.cast import Person
from testamur.catalogue.events import Event
from testamur.catalogue.ids import new_id
from testamur.catalogue.lines import encode_event
from testamur.catalogue.members import Key
from testamur.catalogue.submission import seal
from testamur.keys import PrivateKey
from testamur.rules.organizations import possession_statement


@dataclass(slots=True)
class Party:
    """An organization with its DID and keys, the last of which it signs with."""

    person: Person
    folder: Path
    keys: list[PrivateKey] = field(default_factory=list)
    did: str = ""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.did = self.new_key().public.did_key()

    @property
    def key(self) -> PrivateKey:
        """The key it signs with now."""
        return self.keys[-1]

    def new_key(self) -> PrivateKey:
        """Make a key, keep it in the party's own folder, and sign with it from now on."""
        key = PrivateKey.generate()
        file = self.folder / f"key-{len(self.keys) + 1}.secret"
        file.touch(mode=0o600)
        file.write_text(key.multikey() + "\n", encoding="ascii")
        self.keys.append(key)
        return key

    def possession(self, key: PrivateKey, *, log: str, sponsor: str) -> bytes:
        """Return the proof of possession: `key` states, and signs, that it is to be listed."""
        return key.sign(possession_statement(log, sponsor, self.did, listed(key)))

    def seal(
        self, events: list[Event], *, log: str, now: int, key: PrivateKey | None = None
    ) -> bytes:
        """Return the submission over `events`, signed at `now` (Unix seconds)."""
        key = key or self.key
        return seal(
            [encode_event(event) for event in events],
            key=key,
            kid=f"{self.did}#{key.public.multikey()}",
            aud=log,
            iat=now,
            jti=new_id(),
        )


def listed(key: PrivateKey) -> Key:
    """Return the key as the register lists it; its id is its own Multikey text."""
    multikey = key.public.multikey()
    return Key(id=multikey, public_key_multibase=multikey)
