"""A log begun again from a backup, if the public saw nothing that the backup lacks.

A log that signs a smaller tree than it showed, or another one, has ended: everybody who kept the
larger checkpoint can prove the fork. So what the public saw is asked first, and nothing is made
when that is more than the backup holds, or something else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from api.backups.log_key_list import read_backed_up, write_key_list
from api.backups.published import check_not_behind, refuse_running, seen
from api.folder import Folder
from api.log_files import LogFiles, open_log_files, place_of
from api.sequence import open_last_signed, open_sequence
from log.copied_tree import copy_tree
from log.directory import DirectoryStore
from log.fsck import check_tree
from log.store import CHECKPOINT
from registry.copying import copy_sequence
from registry.sqlite.store import SqliteStore
from testamur.errors import Refuted, Unavailable
from testamur.http.source import is_url
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.log_keys import LogKeys
from testamur.tlog.source import NotFound


def restore(
    root: Path,
    backup: Path,
    published: Sequence[str],
    *,
    store: str | None = None,
    log: str | None = None,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> Checkpoint:
    """Make the log in the empty or absent folder `root` from `backup`; return what it signed last.

    `published` says where the public sees the log: addresses of a registry, of a mirror or of a
    bucket, or files with a checkpoint that anybody kept; at least one. `store` is the address of an
    empty database for the sequence, and `log` that of a bucket for the published files: an empty
    one, or the one that has them, whose own checkpoint is something that the public saw. Raises
    `Refuted` when a checkpoint there is of more entries than the backup has, or of another tree,
    when a registry still answers, or when the backup is damaged; `Unavailable` when one of these
    could not be found out. The private keys are not in a backup, and are put into `root`
    afterwards: until then it signs nothing.
    """
    folder, kept = place_of(root, store, log), Folder(backup)
    if not published:
        raise Unavailable("name what the public saw: --published URL, or a file with a checkpoint")
    if root.exists() and any(item.name != "lost+found" for item in root.iterdir()):
        raise Refuted(f"{root} is not an empty folder, and a log is restored into a new one")
    listed = read_backed_up(kept)
    files = DirectoryStore(kept.log)
    note = _checkpoint_of(files, kept)
    checkpoint = open_checkpoint(note, listed.keys)[0]
    check_tree(files, checkpoint, progress=progress)
    for each in published:
        if is_url(each):
            refuse_running(each)
        check_not_behind(checkpoint, seen(each, backup, listed.keys), each, files)
    target = open_log_files(folder)
    if (there := _public_in(target, listed.keys)) is not None:
        check_not_behind(checkpoint, there, str(target), files)
    with ExitStack() as stack:
        _make(root)
        original = stack.enter_context(closing(SqliteStore(kept.registry)))
        sequence = stack.enter_context(closing(open_sequence(folder, store, make=True)))
        last_signed = stack.enter_context(closing(open_last_signed(folder, store)))
        if last_signed.get() is not None:
            raise Refuted("the store has signed a checkpoint: a log is restored into an empty one")
        found = copy_sequence(original, sequence, progress, signed=checkpoint.size)
        if found.signed_root != checkpoint.root:
            raise Refuted(f"the first {checkpoint.size} entries are not those that were signed")
        copy_tree(files, target, checkpoint.size)
        check_tree(target, checkpoint)
        # Signed before public, as a publisher does it.
        last_signed.compare_and_swap(None, note)
        target.write_checkpoint(note)
        # If we stop before this, no server takes the folder for a log.
        write_key_list(folder, listed)
    return checkpoint


def _checkpoint_of(files: DirectoryStore, kept: Folder) -> bytes:
    try:
        return files.read(CHECKPOINT)
    except NotFound:
        raise Unavailable(f"{kept.root} is no backup, or one that was not finished") from None


def _public_in(target: LogFiles, keys: LogKeys) -> Checkpoint | None:
    """Return the checkpoint where the log is to be published, None if there is none yet."""
    try:
        return open_checkpoint(target.read(CHECKPOINT), keys)[0]
    except NotFound:
        return None


def _make(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Unavailable(f"{root} cannot be made: {error.strerror}") from error
