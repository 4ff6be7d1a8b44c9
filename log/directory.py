"""A log in a folder: the driver of `log.store.Store` for a local file system.

A file gets its name only when it is whole and durable, and no tile or bundle is ever replaced by
other bytes. Any static file server may serve the folder.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from log.store import CHECKPOINT, File, FileDamage, difference
from testamur.errors import Unavailable
from testamur.tlog.source import MAX_RESOURCE, DirectorySource, FileTooLarge, NotFound
from testamur.tlog.tiles import MalformedTile, parse_path

_TEMPORARY: Final = ".tmp-"
_PARTIALS: Final = ".p"
_REMEMBERED: Final = 4096  # folders
_FLUSHERS: Final = 8  # threads


class DirectoryStore:
    """A log in the folder `root`, which the first write makes if it is not there.

    Every method raises `Unavailable` when the file system fails.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files = DirectorySource(root)
        self._lasting: set[Path] = set()  # folders whose names this process has flushed
        self._flushers = ThreadPoolExecutor(_FLUSHERS, thread_name_prefix="testamur-flush")

    def __str__(self) -> str:
        return str(self.root)

    # --- Reading ---

    def read(self, path: str) -> bytes:
        """Return the file at `path`.

        Raises `NotFound` for what is not a regular file and for paths of no log, and `FileDamage`
        for a file larger than anything a log may hold.
        """
        try:
            return self._files.fetch(path)
        except FileTooLarge:
            detail = f"nothing in a log is above {MAX_RESOURCE} bytes"
            raise FileDamage(path, "too-large", detail) from None

    def read_many(self, paths: Sequence[str]) -> list[bytes]:
        """Return the files at these paths, one after the other: none waits for a network."""
        return [self.read(path) for path in paths]

    at_once: Final = 1
    fetch = read  # which makes it a testamur.tlog.source.Source

    def paths(self) -> Iterator[str]:
        """Yield the path of everything under the root that is not a folder.

        The temporary files of unfinished writes are left out.
        """
        with _failures_named(f"{self.root} cannot be listed"):
            yield from (path for path in _files_under(self.root) if not _is_temporary(path))

    # --- Writing ---

    def write_many(self, files: Sequence[File]) -> None:
        """Store tiles and bundles; return once all of them are durable.

        Raises `FileDamage`, and changes nothing, when one of them is there already with other
        bytes; `MalformedTile` for a path that is no tile's or bundle's.
        """
        for path, data in files:
            parse_path(path)
            self._refuse_other_bytes(path, data)
        self._replace([(self.root / path, data) for path, data in files])

    def write_checkpoint(self, data: bytes) -> None:
        """Replace the checkpoint, in one step that readers see whole; return once durable."""
        self._replace([(self.root / CHECKPOINT, data)])

    def put_back(self, path: str, data: bytes) -> None:
        """Store a tile or bundle in the place of whatever is there. Only `repair` may do that.

        Raises `MalformedTile` for a path that is no tile's or bundle's.
        """
        parse_path(path)
        self._replace([(self.root / path, data)])

    def _refuse_other_bytes(self, path: str, data: bytes) -> None:
        try:
            held = self.read(path)
        except NotFound:
            return
        if held != data:
            raise FileDamage(path, "immutable", f"it must not change, yet {difference(held, data)}")

    def _replace(self, files: Sequence[tuple[Path, bytes]]) -> None:
        with _failures_named(f"{self.root} cannot be written"):
            try:
                folders = self._make_folders({file.parent for file, _ in files})
                self._write_and_name(files)
                # After a crash here whole files have names, which a power cut may still undo.
                self._flush_folders(folders)
            except OSError:
                self._lasting.clear()  # folders may have been lost: look at each again
                raise
        if len(self._lasting) > _REMEMBERED:
            self._lasting.clear()
        self._lasting |= folders

    def _write_and_name(self, files: Sequence[tuple[Path, bytes]]) -> None:
        temporary = [file.with_name(_TEMPORARY + secrets.token_hex(8)) for file, _ in files]
        try:
            # After a crash in here temporary files are left, which `sweep` removes.
            self._write_durably(zip(temporary, (data for _, data in files), strict=True))
            # Only durable bytes get a name. A file that exists with the same bytes is replaced
            # all the same: after a failed flush it may be in the page cache only, and the kernel
            # reports such a failure once.
            for unnamed, (file, _) in zip(temporary, files, strict=True):
                unnamed.replace(file)
        except OSError:
            for unnamed in temporary:
                with suppress(OSError):
                    unnamed.unlink(missing_ok=True)
            raise

    def _make_folders(self, folders: set[Path]) -> set[Path]:
        """Make the folders; return those to flush so that the names of files in them are durable.

        They are the folders themselves, and those above a folder that this process has not
        flushed yet: the process that made it may have crashed before flushing.
        """
        if not self.root.is_dir():
            self.root.mkdir(parents=True)
            self._flush_folders([self.root.parent])
        above = set()
        for folder in folders:
            at = folder
            while at != self.root and at not in self._lasting:
                at = at.parent
                above.add(at)
            folder.mkdir(parents=True, exist_ok=True)
        return folders | above

    def _write_durably(self, files: Iterable[tuple[Path, bytes]]) -> None:
        """Make new files, and return once their bytes are on the device."""
        with ExitStack() as opened:
            streams = []
            for file, data in files:
                stream = opened.enter_context(file.open("xb"))
                streams.append(stream)
                stream.write(data)
                stream.flush()
            # Through the descriptors that wrote: the kernel reports a write error to these.
            self._flush([stream.fileno() for stream in streams])

    def _flush_folders(self, folders: Iterable[Path]) -> None:
        """Return once the names in these folders are on the device."""
        with ExitStack() as opened:
            descriptors = []
            for folder in folders:
                descriptors.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
                opened.callback(os.close, descriptors[-1])
            self._flush(descriptors)

    def _flush(self, descriptors: Sequence[int]) -> None:
        if len(descriptors) == 1:
            os.fsync(descriptors[0])
            return
        # Concurrently, so that the file system commits once for many. In sequence, each waits
        # for a commit of its own: ten times longer on a busy disk.
        flushes = [self._flushers.submit(os.fsync, descriptor) for descriptor in descriptors]
        wait(flushes)  # all of them, for a descriptor must not be closed under a flush
        for flush in flushes:
            flush.result()

    # --- Removing unneeded files ---

    def sweep(self) -> list[str]:
        """Remove temporary files; return the full files that have partial ones beside them."""
        partly = set()
        with _failures_named(f"{self.root} cannot be swept"):
            for path in _files_under(self.root):
                folder = path.rpartition("/")[0]
                if _is_temporary(path):
                    (self.root / path).unlink(missing_ok=True)
                elif folder.endswith(_PARTIALS) and _is_resource(path):
                    partly.add(folder.removesuffix(_PARTIALS))
            return sorted(path for path in partly if (self.root / path).is_file())

    def remove_partials(self, path: str) -> None:
        """Remove every partial file of the full tile or bundle at `path`.

        Raises `NotFound` when the full one is not there.
        """
        parse_path(path)
        full = self.root / path
        if not full.is_file():
            raise NotFound(f"{full} does not exist, so its partials are needed")
        folder = full.with_name(full.name + _PARTIALS)
        with _failures_named(f"{folder} cannot be removed"), suppress(FileNotFoundError):
            for file in folder.iterdir():
                if _is_resource(f"{path}{_PARTIALS}/{file.name}"):
                    file.unlink()
            with suppress(OSError):
                folder.rmdir()  # unless it holds foreign files, which stay
        self._lasting.discard(folder)


def _files_under(root: Path) -> Iterator[str]:
    """Yield the path, below `root`, of everything that is not a folder; links are not followed."""
    folders = [""]
    while folders:
        prefix = folders.pop()
        try:
            with os.scandir(root / prefix) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except FileNotFoundError:
            continue  # there is no log yet, or these were partials that have just been removed
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name


def _is_temporary(path: str) -> bool:
    return path.rpartition("/")[2].startswith(_TEMPORARY)


def _is_resource(path: str) -> bool:
    try:
        parse_path(path)
    except MalformedTile:
        return False
    return True


@contextmanager
def _failures_named(fact: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{fact}: {error}") from error
