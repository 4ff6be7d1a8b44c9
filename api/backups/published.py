"""What did the public see of a log, and is that more than a copy of it holds?

A log that signs a smaller tree than it showed, or another one, has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx2

from api.folder import Folder
from api.log_files import open_log_files
from api.log_keys.private import read_log_keys
from log.fsck import check_tree
from log.store import CHECKPOINT, Files
from testamur.errors import Refuted, Unavailable
from testamur.http.source import is_url, open_source
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.log_keys import LogKeys
from testamur.tlog.merkle import InvalidProof, prove_consistency, verify_consistency
from testamur.tlog.note import MAX_NOTE
from testamur.tlog.tiles import TileHashes

_SECONDS: Final = 10
# What only a registry answers that runs.
_OF_RUNNING: Final = {"/healthz": (200,), "/readyz": (200, 503), "/openapi.json": (200,)}


def compare(root: Path, published: Sequence[str], *, log: str | None = None) -> Checkpoint:
    """Return the public checkpoint of the log in `root`, if the public saw no more anywhere.

    `published` names places as `seen` takes them, and `log` the bucket of the published files, if
    they are not kept in the folder. Raises `Refuted` when one of them shows a larger
    tree, or another, or the files of the log are damaged, and `Unavailable`.
    """
    folder = Folder(root, log)
    keys = read_log_keys(folder)
    files = open_log_files(folder)
    held = open_checkpoint(files.read(CHECKPOINT), keys)[0]
    check_tree(files, held)
    for place in published:
        check_not_behind(held, seen(place, root, keys), place, files)
    return held


def seen(place: str, own: Path, keys: LogKeys) -> Checkpoint:
    """Return the checkpoint that the public sees at a place, outside of the folder `own`.

    A place is an address, a folder, or a file. Raises `Refuted` and `Unavailable`.
    """
    if is_url(place):
        with httpx2.Client(timeout=_SECONDS) as client:
            data = open_source(place, client).fetch(CHECKPOINT)
        return open_checkpoint(data, keys)[0]
    path = Path(place)
    if path.is_dir():
        path = path / CHECKPOINT
    if path.resolve().is_relative_to(own.resolve()):
        raise Unavailable(
            f"{place} is of the very copy to be judged; name what others saw of the log"
        )
    try:
        with path.open("rb") as file:
            data = file.read(MAX_NOTE + 1)
    except OSError as error:
        raise Unavailable(f"{place} cannot be read: {error.strerror}") from None
    return open_checkpoint(data, keys)[0]


def refuse_running(url: str) -> None:
    """Raise `Refuted` if the registry at `url` is at work: two logs would sign under one name.

    A registry that is not ready answers 503, and may sign all the same. A proxy may keep both
    paths to itself, but not the description of the API, which no mirror has.
    """
    base = url.rstrip("/").removesuffix("/log")
    for path, statuses in _OF_RUNNING.items():
        with suppress(httpx2.HTTPError, httpx2.InvalidURL):
            status = httpx2.get(base + path, timeout=_SECONDS).status_code
            if status in statuses:
                raise Refuted(
                    f"the registry at {base} is running ({path} answers {status}), and may sign: "
                    "stop it first, its load balancer too, and let it start no more"
                )


def check_not_behind(held: Checkpoint, public: Checkpoint, place: str, files: Files) -> None:
    """Raise `Refuted` unless the tree that is `held` in `files` extends a `public` one."""
    if public.size > held.size:
        raise Refuted(
            f"the public saw {public.size} entries ({place}), and there are {held.size} here: a "
            "log that goes on from there would sign another history. Find a newer copy"
        )
    try:
        proof = prove_consistency(public.size, held.size, TileHashes(held.size, files.read))
        verify_consistency(public.size, held.size, public.root, held.root, proof)
    except InvalidProof as error:
        raise Refuted(
            f"the public saw another tree of {public.size} entries ({place}) than there is here: "
            f"{error}"
        ) from None
