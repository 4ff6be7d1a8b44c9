"""A backup of a log that may be served meanwhile: its sequence, its published tree, its keys' list.

A backup is a folder with `registry.db`, `log/` and `log-keys`. The checkpoint in it is the last one
signed when the backup began, and is written last: without one a backup is not finished. Private
keys are left out, so that who finds a backup can sign nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from api.backups.log_key_list import write_key_list
from api.folder import Folder
from api.log_files import open_log_files, place_of
from api.log_keys.private import read_key_list
from api.sequence import open_last_signed, open_sequence
from log.copied_tree import copy_tree
from log.directory import DirectoryStore
from log.fsck import check_tree
from registry.copying import copy_sequence
from registry.sqlite.store import SqliteStore
from testamur.errors import Refuted, Unavailable
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint


def back_up(
    root: Path,
    to: Path,
    *,
    store: str | None = None,
    log: str | None = None,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> Checkpoint:
    """Bring the backup in the folder `to` up to the log in `root`; return what it holds.

    Only what the backup lacks is copied, and all of it is checked: the sequence is compared with
    its source and hashed to the signed root, and so is every file. Killed at any point, it goes on
    the next time, and a backup that was finished before still is. `store` is the address of the
    sequence, and `log` that of the published files, if they are not kept in the folder. Raises
    `Refuted` when the log or the backup is damaged, or the backup is another log's, and
    `Unavailable`.
    """
    folder, backup = place_of(root, store, log), Folder(to)
    listed = read_key_list(folder)
    if to.resolve().is_relative_to(root.resolve()):
        raise Unavailable(f"{to} is in the log's own folder: a backup is for when that is lost")
    try:
        to.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Unavailable(f"{to} cannot be made: {error.strerror}") from error
    with ExitStack() as stack:
        # The last checkpoint signed comes first: all of its entries and files are durable by now,
        # so what is read later holds them.
        signed = stack.enter_context(closing(open_last_signed(folder, store)))
        note = signed.get()
        if note is None:
            raise Refuted("the log signed no checkpoint: it is kept elsewhere")
        checkpoint = open_checkpoint(note, listed.keys)[0]
        original = stack.enter_context(closing(open_sequence(folder, store)))
        copy = stack.enter_context(closing(SqliteStore(backup.registry, make=True)))
        found = copy_sequence(original, copy, progress, signed=checkpoint.size, live=True)
        if found.signed_root != checkpoint.root:
            raise Refuted(f"the first {checkpoint.size} entries are not those that were signed")
        files = DirectoryStore(backup.log)
        copy_tree(open_log_files(folder), files, checkpoint.size)
        check_tree(files, checkpoint)
        write_key_list(backup, listed)
        # From here on it is whole. Before, an older checkpoint stands, with all that it needs.
        files.write_checkpoint(note)
    return checkpoint
