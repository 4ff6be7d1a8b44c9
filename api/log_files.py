"""Where the files of the published log are, as every part of the server opens them.

They are in the folder of the log, or in a bucket whose address is given beside it: `--log`, or
`TESTAMUR_LOG`, in which the processes that a server starts find it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from api.folder import Folder
from api.sequence import is_database
from log.directory import DirectoryStore
from testamur.errors import Unavailable

if TYPE_CHECKING:
    from log.s3 import S3Store

LOG_VARIABLE: Final = "TESTAMUR_LOG"

IN_BUCKET_ALONE: Final = (
    "a file keeps the sequence; a bucket keeps the published log only where a database keeps the "
    "sequence: name it by --store"
)

LogFiles: TypeAlias = "DirectoryStore | S3Store"


def place_of(root: Path, store: str | None, log: str | None) -> Folder:
    """Return where the log in `root` is, whose published files may be in the bucket `log`.

    Raises `Unavailable` if such a bucket is named, and no database keeps the sequence.
    """
    if log is not None and not is_database(store):
        raise Unavailable(IN_BUCKET_ALONE)
    return Folder(root, log)


def open_log_files(folder: Folder, *, clients_wait: bool = False) -> LogFiles:
    """Return the files of the log in `folder`, or in its bucket, which is not asked yet.

    `clients_wait` says that a bucket which does not answer is given up soon.
    Raises `Unavailable` if that has no address that makes sense, or no credentials.
    """
    if folder.bucket is None:
        return DirectoryStore(folder.log)
    # A third of the start-up time of a command that needs no bucket.
    from log.bucket import WHILE_CLIENTS_WAIT, Bucket, Limits  # noqa: PLC0415
    from log.s3 import S3Store  # noqa: PLC0415

    limits = WHILE_CLIENTS_WAIT if clients_wait else Limits()
    return S3Store(Bucket.parse(folder.bucket), limits=limits)


def environment_of(folder: Folder) -> dict[str, str]:
    """Return what a child process needs in its environment to open the same files."""
    return {} if folder.bucket is None else {LOG_VARIABLE: folder.bucket}
