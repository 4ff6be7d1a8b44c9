"""How does a log get another key, and when does the old one end?

A key is added with the day from which it signs, and from then on both sign, until the old one is
given its last day. The server reads the list when it starts.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from api.folder import Folder
from api.log_keys.listed import KeyList, ListedKey
from api.log_keys.private import open_signer, read_key_list, today
from testamur.errors import Refuted, Unavailable
from testamur.tlog.note import ED25519, SignerKey, VerifierKey


def add_key(
    folder: Folder, first_day: date, *, token: str | None = None, make: bool = False
) -> VerifierKey:
    """Add a key that signs from `first_day` (UTC) on; return its verifier key.

    A new one is made, unless `token` is the RFC 7512 address of one that a token keeps, or is to
    `make` now. Raises `Refuted` for a day that is over or a key that is listed, and `Unavailable`.
    """
    with _changing(folder) as listed:
        _not_over(first_day)
        if token is None:
            signer = SignerKey.generate(listed.keys.name)
            key, secret = signer.verifier, signer.render()
        else:
            from api.log_keys.token import make_key, public_key  # noqa: PLC0415  # as in `private`

            if make:
                make_key(token)
            key, secret = VerifierKey.of(listed.keys.name, ED25519, public_key(token)), token
        changed = KeyList((*listed.lines, ListedKey(key, first_day)))
        # If we stop after this, a key is there that is not listed, and never used.
        _write(folder.later_key(changed.lines[-1].id), f"{secret}\n")
        _write(folder.log_keys, changed.render())
        return key


def retire_key(folder: Folder, key_id: str, last_day: date) -> ListedKey:
    """Let the key with that id sign until `last_day` (UTC, included), and no longer.

    Its line stays. Raises `Refuted` when no key has that id, or none would sign on a later day.
    """
    with _changing(folder) as listed:
        found = [line for line in listed.lines if line.id == key_id]
        if not found:
            ids = ", ".join(line.id for line in listed.lines)
            raise Refuted(f"the log has no key {key_id!r:.40}; it has {ids}")
        ended = replace(found[0], last_day=last_day)
        changed = KeyList(tuple(ended if line is found[0] else line for line in listed.lines))
        _write(folder.log_keys, changed.render())
        return ended


def _not_over(day: date) -> None:
    if day < today():
        raise Refuted(f"{day} is over; it is {today()} (UTC): a key signs from a day to come")


@contextmanager
def _changing(folder: Folder) -> Iterator[KeyList]:
    """Give the list to the one that changes it; the keys that sign must be sound before."""
    try:
        root = os.open(folder.root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise Unavailable(f"{folder.root} holds no log: {error.strerror}") from None
    try:
        fcntl.flock(root, fcntl.LOCK_EX)
        listed = read_key_list(folder)
        if listed.lines[0].first_day == date.min:
            opened = ListedKey(listed.lines[0].key, _made(folder.key))
            listed = KeyList((opened, *listed.lines[1:]))
        open_signer(folder)
        yield listed
        os.fsync(root)
    except OSError as error:
        raise Unavailable(f"{folder.root} cannot be written: {error.strerror}") from error
    finally:
        os.close(root)


def _made(key: Path) -> date:
    """Return the day on which a key file was last written, as the first on which it signed."""
    return min(today(), datetime.fromtimestamp(key.stat().st_mtime, UTC).date())


def _write(path: Path, text: str) -> None:
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode("ascii"))
        file.flush()
        os.fsync(descriptor)
    new.replace(path)
