"""Checking a log, and repairing its files: sequence, files and last checkpoint signed together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from api.folder import Folder
from api.log_files import open_log_files
from api.log_keys.private import read_log_keys
from api.sequence import open_last_signed, open_sequence
from log.fsck import fsck
from log.repair import repair
from registry.committed import CommittedEntries
from registry.integrity import examine
from testamur.errors import Refuted
from testamur.keys import PublicKey


def check_log(
    root: Path,
    progress: Callable[[int, int], None] | None = None,
    *,
    store: str | None = None,
    log: str | None = None,
) -> list[str]:
    """Return everything that is wrong with the log in `root`, one line each.

    `store` is the address of the sequence, and `log` that of the published files, if they are not
    kept in the folder. A server may be running meanwhile. `progress` is called with (entries
    checked, entries in all). Raises `Unavailable`, and `Refuted` when the key itself is damaged.
    """
    folder = Folder(root, log)
    keys = read_log_keys(folder)
    wrong: list[str] = []
    with ExitStack() as stack:
        entries = None
        log_key = PublicKey("Ed25519", keys.first.public)
        try:
            sequence = stack.enter_context(closing(open_sequence(folder, store)))
            examine(sequence, log_key)
            entries = CommittedEntries(sequence)
            examine(sequence, log_key, thorough=True)
        except Refuted as damage:
            wrong.append(f"{folder.registry.name if store is None else 'the store'}: {damage}")
        last_signed = None
        if store is not None or folder.last_signed.exists():
            try:
                last_signed = stack.enter_context(closing(open_last_signed(folder, store)))
            except Refuted as damage:
                wrong.append(str(damage))
        else:
            wrong.append(f"{folder.last_signed.name}: missing")
        found = fsck(open_log_files(folder), keys, entries, last_signed, progress=progress)
    wrong += map(str, found.damage)
    if found.left_off:
        wrong.append(f"and {found.left_off} more")
    return wrong


def repair_log(
    root: Path,
    repaired: Callable[[str, str], None],
    progress: Callable[[int, int], None] = lambda _, __: None,
    *,
    store: str | None = None,
    log: str | None = None,
) -> None:
    """Rebuild the lost and damaged files of the log in `root` from its sequence.

    `repaired` is called with the path of each, and what was wrong. The rest is as for `check_log`,
    and a server may be running meanwhile. Raises `Refuted`, before anything is written, if the
    sequence is not what was signed, and `Unavailable`.
    """
    folder = Folder(root, log)
    keys = read_log_keys(folder)
    with ExitStack() as stack:
        sequence = stack.enter_context(closing(open_sequence(folder, store)))
        if store is None and not folder.last_signed.exists():
            raise Refuted(f"{folder.last_signed.name}: missing, and without it nothing is repaired")
        last_signed = stack.enter_context(closing(open_last_signed(folder, store)))
        repair(
            open_log_files(folder),
            keys,
            CommittedEntries(sequence),
            last_signed,
            repaired=repaired,
            progress=progress,
        )
