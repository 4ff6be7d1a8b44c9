"""Where the files of the published log are, as every part of the server opens them."""

from __future__ import annotations

from api.folder import Folder
from log.directory import DirectoryStore


def open_log_files(folder: Folder) -> DirectoryStore:
    """Return the files of the log in `folder`."""
    return DirectoryStore(folder.log)
