"""Making a log: its key, its genesis and its first checkpoint, whole or not at all."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from api.folder import Folder
from api.log_files import open_log_files, place_of
from api.sequence import open_last_signed, open_sequence
from log.publisher import Publisher
from registry.gate import Gate
from registry.store import Store
from testamur.catalogue.events import LogOpened, OrganizationRegistered
from testamur.catalogue.ids import new_id
from testamur.catalogue.lines import encode_event
from testamur.catalogue.submission import seal
from testamur.errors import Refuted, Unavailable
from testamur.keys import PrivateKey, PublicKey
from testamur.tlog.note import SignerKey, VerifierKey


def make_log(
    root: Path,
    origin: str,
    authorities: Sequence[OrganizationRegistered],
    *,
    store: str | None = None,
    log: str | None = None,
) -> VerifierKey:
    """Make a log in the empty or absent folder `root` and return its verifier key.

    `authorities` are the root authorities' own registrations, whose sponsor is `origin`. `store` is
    the address of the sequence, and `log` that of the bucket of the published files, if they are
    not to be kept in the folder. Raises `Refuted` when the
    folder or the store is not empty or the genesis breaks a rule, `Unavailable` when the disk
    fails; nothing is left behind in the folder then.
    """
    if _items_in(root):
        raise Refuted(f"{root} is not an empty folder, and a log is made once")
    folder = place_of(root, store, log)
    signer = SignerKey.generate(origin)
    made = not root.exists()
    unfinished = folder.key.with_suffix(".new")
    try:
        # If we stop in here, there is no `key`: no server takes the folder for a log.
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_key(unfinished, signer)
        _publish_genesis(folder, signer, authorities, store)
        unfinished.replace(folder.key)
        _flush(root)
        _flush(root.parent)
    except BaseException as error:
        _remove(root if made else None, _items_in(root))
        if isinstance(error, OSError):
            raise Unavailable(f"{root} cannot be made: {error}") from error
        raise
    return signer.verifier


def genesis(signer: SignerKey, authorities: Sequence[OrganizationRegistered], now: int) -> bytes:
    """Return the submission that opens the log, at `now` in Unix seconds."""
    # The log's own key, in the form that signs submissions.
    key = PrivateKey("Ed25519", signer.private.private_bytes_raw())
    opened_by = key.public.did_key()
    event = LogOpened(
        admission="testamur/admission/1",
        authorities=tuple(authorities),
        format="testamur/log/1",
        origin=signer.name,
    )
    return seal(
        [encode_event(event)],
        key=key,
        kid=f"{opened_by}#{key.public.multikey()}",
        aud=signer.name,
        iat=now,
        jti=new_id(),
    )


def _publish_genesis(
    folder: Folder,
    signer: SignerKey,
    authorities: Sequence[OrganizationRegistered],
    store: str | None,
) -> None:
    log_key = PublicKey("Ed25519", signer.verifier.public)
    with closing(open_sequence(folder, store, make=True)) as sequence, ExitStack() as stack:
        _check_empty(sequence)
        files = open_log_files(folder)
        if next(files.paths(), None) is not None:
            raise Refuted(f"{files} is not empty, and a log is made once: use another prefix")
        gate = stack.enter_context(Gate(sequence, log_key=log_key, settled=lambda _: None))
        last_signed = stack.enter_context(closing(open_last_signed(folder, store)))
        gate.open_log(genesis(signer, authorities, int(time.time())))
        publisher = Publisher(gate.entries, files, last_signed, signer, published=lambda *_: None)
        publisher.resume()
        publisher.publish_once()


def _check_empty(sequence: Store) -> None:
    with sequence.reading() as reading:
        entries = reading.count()
    if entries:
        raise Refuted(
            f"the store holds {entries} entries, and a log is made once: use an empty database, or "
            "an empty schema of one"
        )


def _items_in(root: Path) -> list[Path]:
    """Return what lies in a folder, but for what file systems put into their roots."""
    if not root.exists():
        return []
    if not root.is_dir():
        return [root]
    return [path for path in root.iterdir() if path.name != "lost+found"]


def _remove(root: Path | None, items: Sequence[Path]) -> None:
    for path in items:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if root is not None and root.is_dir():
        root.rmdir()


def _write_key(path: Path, signer: SignerKey) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(f"{signer.render()}\n".encode())
        stream.flush()
        os.fsync(stream.fileno())


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
