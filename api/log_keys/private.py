"""Where is the private half of each key, and may this process use it?

`key` holds that of the key that opened the log, `key-<key id>` those of later ones: in Go's form
(`PRIVATE+KEY+...`), or as the RFC 7512 address of a key that a token keeps (`pkcs11:...`). A file
must be its owner's alone. One whose key signs no more may be removed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from api.folder import Folder, private_line, read_key
from api.log_keys.listed import KeyList, ListedKey
from log.dated_signers import DatedSigner, DatedSigners
from testamur.errors import Refuted, Unavailable
from testamur.tlog.log_keys import LogKeys
from testamur.tlog.note import Signer, SignerKey

_PKCS11: Final = "pkcs11:"


def today() -> date:
    """Return the day (UTC)."""
    return datetime.now(UTC).date()


def read_key_list(folder: Folder) -> KeyList:
    """Return the keys of the log in `folder`.

    Raises `Refuted` when the list is damaged, `Unavailable` when there is neither a list nor a key.
    """
    try:
        text = folder.log_keys.read_text("ascii")
    except FileNotFoundError:
        # A log that never changed its key.
        return KeyList((ListedKey(read_key(folder).verifier, date.min),))
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{folder.log_keys} cannot be read: {error}") from None
    try:
        return KeyList.parse(text)
    except Refuted as error:
        raise Refuted(f"{folder.log_keys}: {error}") from None


def read_log_keys(folder: Folder) -> LogKeys:
    """Return the verifier keys of the log in `folder`; raises as `read_key_list`."""
    return read_key_list(folder).keys


def open_signer(folder: Folder) -> Signer:
    """Return what signs the checkpoints of the log in `folder`, with each key in force on the day.

    Every key that signs today or later must be here, and be the one that is listed. Raises
    `Refuted` when one is open to others or another, `Unavailable` when one is not here.
    """
    listed = read_key_list(folder)
    day = today()
    signers = [
        DatedSigner(_signer(folder, listed, line), line.first_day, line.last_day)
        for line in listed.lines
        if line.last_day is None or line.last_day >= day
    ]
    return DatedSigners(listed.keys.first, signers, today)


def file_of(folder: Folder, listed: KeyList, line: ListedKey) -> Path:
    """Return where the private half of a listed key is."""
    return folder.key if line is listed.lines[0] else folder.later_key(line.id)


def _signer(folder: Folder, listed: KeyList, line: ListedKey) -> Signer:
    path = file_of(folder, listed, line)
    try:
        text = private_line(path)
    except FileNotFoundError:
        until = "" if line.last_day is None else f" until {line.last_day}"
        raise Unavailable(
            f"{path} is not there, and its key {line.id} signs from {line.first_day}{until}: put "
            "it back from where you keep it, or end its time by `log-key retire`"
        ) from None
    if text.startswith(_PKCS11):
        # The library is installed where a token is used.
        from api.log_keys.token import TokenSigner  # noqa: PLC0415

        return TokenSigner(text, line.key)
    signer = SignerKey.parse(text)
    if signer.verifier != line.key:
        raise Refuted(
            f"{path} holds the key {signer.verifier.key_id.hex()} of {signer.name}, and "
            f"{line.id} of {line.key.name} is listed there"
        )
    return signer
