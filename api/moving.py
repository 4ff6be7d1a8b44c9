"""A log moved from one store to another: the sequence, and the last checkpoint signed with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from api.folder import Folder, locked
from api.log_keys.private import read_log_keys
from api.sequence import is_database, open_last_signed, open_sequence
from registry.copying import Copied, copy_sequence
from testamur.errors import Refuted, Unavailable
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.log_keys import LogKeys


def copy_log(
    root: Path,
    source: str | None,
    target: str | None,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> Copied:
    """Copy what the log in `root` keeps in the store `source` to the store `target`.

    Either is None for the folder itself. The sequence is compared with its source to the last byte,
    and with the checkpoint that was signed last; that checkpoint goes over last, so that nobody can
    publish from an unfinished copy. Raises `Refuted` when they differ, and `Unavailable` when a
    server is at work in the folder or a store cannot be reached.
    """
    if source == target:
        raise Unavailable("a copy is made from one store to another; name one by --from or --to")
    folder = Folder(root)
    keys = read_log_keys(folder)
    with ExitStack() as stack:
        stack.enter_context(locked(folder))
        original = stack.enter_context(closing(open_sequence(folder, source)))
        copy = stack.enter_context(closing(open_sequence(folder, target, make=True)))
        signed = stack.enter_context(closing(open_last_signed(folder, source)))
        # Beside a file, the folder keeps the last one signed, whichever file that is.
        there_too = not is_database(source) and not is_database(target)
        signed_there = (
            signed if there_too else stack.enter_context(closing(open_last_signed(folder, target)))
        )
        for each in (signed, signed_there):
            each.claim()  # or a publisher on another machine goes on meanwhile
        note, there = signed.get(), signed_there.get()
        if note is None:
            raise Refuted("the source signed no checkpoint: the log is kept elsewhere")
        checkpoint = open_checkpoint(note, keys)[0]
        _check_behind(there, checkpoint, keys)
        found = copy_sequence(original, copy, progress, signed=checkpoint.size)
        if found.signed_root != checkpoint.root:
            raise Refuted(
                f"the first {checkpoint.size} entries have another root than the checkpoint signed"
            )
        signed_there.compare_and_swap(there, note)
    return found


def _check_behind(note: bytes | None, checkpoint: Checkpoint, keys: LogKeys) -> None:
    """Raise `Refuted` if the target signed more than the source did."""
    size = 0 if note is None else open_checkpoint(note, keys)[0].size
    if size > checkpoint.size:
        raise Refuted(
            f"the target signed a checkpoint of {size} entries, the source of {checkpoint.size}: "
            "the target went on"
        )
