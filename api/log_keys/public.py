"""Which verifier keys does a process go by that may not have the signing keys?"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

from api.folder import Folder
from api.log_keys.listed import KeyList, ListedKey
from api.log_keys.private import read_key_list
from testamur.errors import Refuted, Unavailable
from testamur.files import read_text_file
from testamur.tlog.log_keys import LogKeys

_MOST: Final = 64 * 1024  # bytes


def known_keys(folder: Folder, file: Path | None) -> KeyList:
    """Return the keys in `file`, one a line as `/log/vkey` serves them, or those of the folder.

    The days of those in a file are not known: each may sign on any. Raises `Refuted` when what is
    there is no list of keys, and `Unavailable` when there is none.
    """
    if file is not None:
        text = read_text_file(file, _MOST).decode("utf-8", "replace")
        try:
            found = LogKeys.parse(text)
        except Refuted as error:
            raise Refuted(f"{file}: {error}") from None
        return KeyList(tuple(ListedKey(key, date.min) for key in found.keys))
    if not folder.key.exists() and not folder.log_keys.exists():
        raise Unavailable(
            f"{folder.root} holds no key; name a file with the log's verifier key by --vkey"
        )
    return read_key_list(folder)
