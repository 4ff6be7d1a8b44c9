"""The list of a log's verifier keys, beside a copy of the log."""

from __future__ import annotations

import os

from api.folder import Folder
from api.log_keys.listed import KeyList
from testamur.errors import Unavailable


def write_key_list(folder: Folder, listed: KeyList) -> None:
    """Write the list into `folder`, durably; raises `Unavailable`."""
    new = folder.log_keys.with_suffix(".new")
    try:
        with new.open("w", encoding="ascii") as file:
            file.write(listed.render())
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder.log_keys)
    except OSError as error:
        raise Unavailable(f"{folder.log_keys} cannot be written: {error.strerror}") from error


def read_backed_up(folder: Folder) -> KeyList:
    """Return the list of a backup; raises `Unavailable` when it has none, `Refuted` if damaged."""
    try:
        return KeyList.parse(folder.log_keys.read_text("ascii"))
    except FileNotFoundError:
        raise Unavailable(f"{folder.root} is no backup, or one that was not finished") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{folder.log_keys} cannot be read: {error}") from None
