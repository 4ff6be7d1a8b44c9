"""Who signs: the organization, and which of its keys, by what the events are about.

A signing key signs everything but key events. Those are signed by the founding key or by a
recovery key: for a signing key any of them, for a recovery key one of higher rank, and a new
recovery key is listed by the founding key alone. Of the keys at hand the one with least power
signs, so that the founding key stays in its drawer whenever another will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, assert_never

import typer

from testamur.catalogue.events import (
    KEY_EVENTS,
    Event,
    KeyCompromised,
    KeyEvent,
    KeyListed,
    KeyRetired,
)
from testamur.cli.files import STDIN, read_key
from testamur.cli.key_folder import ORGANIZATION, KeyFolder, OwnKey
from testamur.cli.values import as_did
from testamur.errors import Refusal, Unavailable
from testamur.keys import PrivateKey

Keys = Annotated[
    Path | None,
    typer.Option(
        "--keys", metavar="DIR", help="Folder of your keys, as `testamur keygen` makes it."
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key", metavar="FILE", help="The key to sign with, if it lies elsewhere than in --keys."
    ),
]
Whose = Annotated[
    str | None,
    typer.Option(
        "--organization", metavar="DID", parser=as_did, help="Whose key --key is, without --keys."
    ),
]


@dataclass(frozen=True, slots=True)
class Signer:
    """An organization's DID, and the key that signs for it."""

    did: str
    key: PrivateKey

    @property
    def kid(self) -> str:
        """What the header of a submission names: `did#multikey`."""
        return f"{self.did}#{self.key.public.multikey()}"


def signer_of(
    events: Sequence[Event], keys: Path | None, key: Path | None, whose: str | None = None
) -> Signer:
    """Return who signs these events with the keys in a folder, with a key in a file, or both.

    Raises `Refusal` (`key-events-alone`, `key-use`, `key-not-listed`), and `Unavailable`, which
    names the key that is needed, if it is not at hand.
    """
    if keys is None and key is None:
        raise typer.BadParameter("give one of the two", param_hint="--keys, --key")
    if keys is not None and whose is not None:
        raise typer.BadParameter("goes with --key alone", param_hint="--organization")
    about_keys = _key_events(events)
    if key is not None:
        return _with_file(about_keys, keys, key, whose)
    folder = KeyFolder.read(Path(str(keys)))
    return Signer(folder.did, _at_hand(folder, about_keys))


def folder_at_hand(keys: Path | None, key: Path | None) -> KeyFolder | None:
    """Return the folder of keys that was given, or the one that the key file lies in, if any."""
    if keys is not None:
        return KeyFolder.read(keys)
    return None if key is None else _folder_beside(None, key)


def signing_key(folder: KeyFolder) -> PrivateKey:
    """Return the newest signing key in the folder; raises `Unavailable` if there is none."""
    return _at_hand(folder, None)


def needed_for(folder: KeyFolder, events: Sequence[Event]) -> str:
    """Return in words which key signs these events."""
    return _needed(folder, _key_events(events))


def _key_events(events: Sequence[Event]) -> list[KeyEvent] | None:
    """Return the events if all are key events, None if none is."""
    found = [each for each in events if type(each) in KEY_EVENTS]
    if not found:
        return None
    if len(found) < len(events):
        line = next(at for at, each in enumerate(events, 1) if type(each) not in KEY_EVENTS)
        raise Refusal(
            "key-events-alone",
            "a submission holds key events alone or none; put the others into another file",
            line=line,
        )
    return found  # type: ignore[return-value]  # by `KEY_EVENTS`


def _with_file(
    about_keys: list[KeyEvent] | None, keys: Path | None, file: Path, whose: str | None
) -> Signer:
    secret = read_key(file)
    multikey = secret.public.multikey()
    folder = _folder_beside(keys, file)
    own = None if folder is None else folder.find(multikey)
    if folder is not None and own is not None and whose is None:
        if own not in _may_sign(folder, about_keys):
            raise Refusal("key-use", f"{file} is {own.name}; {_needed(folder, about_keys)}")
        return Signer(folder.did, secret)
    if keys is not None and folder is not None:
        raise Refusal(
            "key-not-listed",
            f"{file} is none of the keys that {folder.path / ORGANIZATION} lists",
            value=multikey,
        )
    if whose is None and about_keys is None:
        # A DID spells a founding key, and that one signs no such events.
        raise typer.BadParameter(
            f"{file} does not say whose key it is: give --keys DIR, the folder that keygen made, "
            "or --organization DID",
            param_hint="--key",
        )
    return Signer(whose or secret.public.did_key(), secret)


def _folder_beside(keys: Path | None, file: Path) -> KeyFolder | None:
    """Return the folder that was given, or the one that the key file lies in."""
    if keys is not None:
        return KeyFolder.read(keys)
    beside = file.parent
    found = file != STDIN and (beside / ORGANIZATION).is_file()
    return KeyFolder.read(beside) if found else None


def _at_hand(folder: KeyFolder, about_keys: list[KeyEvent] | None) -> PrivateKey:
    for own in reversed(_may_sign(folder, about_keys)):
        if folder.has(own):
            return folder.secret(own)
    raise Unavailable(
        f"{_needed(folder, about_keys)}, and its file is not in {folder.path}; name the file: "
        "--key FILE"
    )


def _may_sign(folder: KeyFolder, about_keys: list[KeyEvent] | None) -> list[OwnKey]:
    """Return the keys that may sign, the one with least power last: of signing keys the newest."""
    if about_keys is None:
        return list(folder.with_use("signing"))
    return [own for own in folder.keys if all(_may_say(folder, own, event) for event in about_keys)]


def _may_say(folder: KeyFolder, own: OwnKey, event: KeyEvent) -> bool:
    """Return whether a key may list, retire or declare a key: by rank, or of itself."""
    match event:
        case KeyListed():
            return own.use == "founding" or (own.use == "recovery" and event.as_ == "signing")
        case KeyRetired():
            return own.key == event.key or _outranks(folder, own, event.key)
        case KeyCompromised():
            # Of itself a key says nothing about the past.
            itself = own.key == event.key
            return itself if event.since is None else _outranks(folder, own, event.key)
        case _:
            assert_never(event)


def _outranks(folder: KeyFolder, own: OwnKey, multikey: str) -> bool:
    if own.use == "signing":
        return False
    about = folder.find(multikey)
    if about is None or about.use == "signing":
        return True
    return folder.keys.index(own) < folder.keys.index(about)


def _needed(folder: KeyFolder, about_keys: list[KeyEvent] | None) -> str:
    """Return in words which key is needed, such as "this needs recovery-1 or the founding key"."""
    names = [f"{own.name} ({own.key})" for own in reversed(_may_sign(folder, about_keys))]
    if about_keys is None:
        return f"this needs a signing key: {_either(names)}"
    return f"key events of this kind need {_either(names)}"


def _either(names: Sequence[str]) -> str:
    *others, last = names or ["one that this organization does not have"]
    return f"{', '.join(others)} or {last}" if others else last
