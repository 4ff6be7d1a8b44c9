"""Where a published log lies: a folder of tiles, entry bundles and one checkpoint.

A file appears under its name whole and durable, or not at all, and no tile or bundle that is
there is ever replaced by other bytes; the checkpoint alone is overwritten. The store vouches for
nothing it holds: whoever reads it checks it against a signed checkpoint.

Paths are those of c2sp.org/tlog-tiles: `checkpoint`, `tile/0/x001/234.p/56`, `tile/entries/000`.
"""

from __future__ import annotations

import os
import secrets
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from testamur.errors import Refuted, Unavailable, first_difference
from testamur.tlog.source import MAX_RESOURCE, NotFound
from testamur.tlog.tiles import MalformedTile, parse_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CHECKPOINT: Final = "checkpoint"
_TEMPORARY: Final = ".tmp-"
_PARTIALS: Final = ".p"
_REMEMBERED: Final = 4096  # folders
_FLUSHERS: Final = 8  # threads


class Damage(Refuted):
    """Something stored is not what it must be.

    `path` names it: a path of the log, or `source` or `last-signed`. `rule` is a stable
    kebab-case name that programs may match on; `detail` is one sentence on what differs.
    """

    def __init__(self, path: str, rule: str, detail: str) -> None:
        self.path = path
        self.rule = rule
        self.detail = detail
        super().__init__(f"{path}: {rule}: {detail}")


class DirectoryStore:
    """A log in the folder `root`, which the first write makes if it is not there.

    One publisher may write while any number of readers, in threads or other processes, read.
    Every method raises `Unavailable` when the file system fails, and `MalformedTile` for a path
    that is none of a log's. A write that failed may have stored any of its files, each whole.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lasting: set[Path] = set()  # folders that this process has flushed into being
        self._flushers = ThreadPoolExecutor(_FLUSHERS, thread_name_prefix="testamur-flush")

    def __str__(self) -> str:
        return str(self.root)

    def _file(self, path: str) -> Path:
        if path != CHECKPOINT:
            parse_path(path)  # so nothing outside the root can be named
        return self.root / path

    # --- Reading ---

    def read(self, path: str) -> bytes:
        """Return the bytes at `path`; raise `NotFound` when no file lies there.

        Raise `Damage` for a file larger than anything a log may hold.
        """
        file = self._file(path)
        try:
            with file.open("rb", buffering=0) as stream:
                if os.fstat(stream.fileno()).st_size > MAX_RESOURCE:
                    raise Damage(
                        path, "too-large", f"nothing in a log is above {MAX_RESOURCE} bytes"
                    )
                return stream.readall()
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(f"{file} does not exist") from None
        except OSError as error:
            raise Unavailable(f"{file} cannot be read: {error.strerror}") from error

    at_once: Final = 1
    fetch = read  # which makes it a testamur.tlog.reader.Source

    def paths(self) -> Iterator[str]:
        """Yield the path of everything under the root that is not a folder.

        Left out are the temporary files of a write that is under way or was cut short.
        """
        with _failures_named(f"{self.root} cannot be listed"):
            yield from (path for path in _files_under(self.root) if not _is_temporary(path))

    # --- Writing ---

    def write(self, path: str, data: bytes) -> None:
        """Store one tile or bundle; see `write_many`."""
        self.write_many([(path, data)])

    def write_many(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Store tiles and bundles, (path, bytes) each; return once all of them are durable.

        Raise `Damage`, and change nothing, when one of them is there already with other bytes.
        """
        for path, data in files:
            parse_path(path)  # and so not the checkpoint
            self._refuse_other_bytes(path, data)
        self._replace([(self._file(path), data) for path, data in files])

    def write_checkpoint(self, data: bytes) -> None:
        """Replace the checkpoint, in one step that readers see whole; return once durable."""
        self._replace([(self._file(CHECKPOINT), data)])

    def _refuse_other_bytes(self, path: str, data: bytes) -> None:
        try:
            held = self.read(path)
        except NotFound:
            return
        if held != data:
            raise Damage(path, "immutable", f"it must not change, yet {difference(held, data)}")

    def _replace(self, files: Sequence[tuple[Path, bytes]]) -> None:
        with _failures_named(f"{self.root} cannot be written"):
            try:
                folders = self._make_folders({file.parent for file, _ in files})
                self._write_and_name(files)
                # If we stop here, whole files have names that a power cut may still take back.
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
            # If we stop in here, temporary files are left, which `sweep` removes.
            self._write_durably(zip(temporary, (data for _, data in files), strict=True))
            # Only durable bytes get a name. A file that is there with these very bytes is
            # replaced all the same: after a flush that failed it may live in the page cache
            # alone, and the kernel reports such a failure only once.
            for unnamed, (file, _) in zip(temporary, files, strict=True):
                unnamed.replace(file)
        except OSError:
            for unnamed in temporary:
                with suppress(OSError):
                    unnamed.unlink(missing_ok=True)
            raise

    def _make_folders(self, folders: set[Path]) -> set[Path]:
        """Make the folders, and return all that must be flushed for files in them to last.

        That is each of them, and what lies above one that this process has not flushed yet:
        whoever made that one may have been stopped before flushing.
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
            # Flushed through the very descriptors that wrote: to these the kernel owes any error.
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
        # At the same time, so that the file system commits once for many. One after the other,
        # each waits its turn behind everybody else's: ten times longer on a busy disk.
        flushes = [self._flushers.submit(os.fsync, descriptor) for descriptor in descriptors]
        wait(flushes)  # all of them, for a descriptor must not be closed under a flush
        for flush in flushes:
            flush.result()

    # --- Removing what nobody needs ---

    def sweep(self) -> list[str]:
        """Remove what interrupted writes left; return the full resources that have partials too.

        For the one publisher alone, before it writes: another's writes would be swept away.
        """
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
        """Remove every partial of the full tile or bundle at `path`.

        tlog-tiles lets a log do so once the full one is there, to which readers fall back. Raise
        `NotFound` when it is not.
        """
        full = self._file(path)
        if not full.is_file():
            raise NotFound(f"{full} does not exist, so its partials are needed")
        folder = full.with_name(full.name + _PARTIALS)
        with _failures_named(f"{folder} cannot be removed"), suppress(FileNotFoundError):
            for file in folder.iterdir():
                if _is_resource(f"{path}{_PARTIALS}/{file.name}"):
                    file.unlink()
            with suppress(OSError):
                folder.rmdir()  # unless it holds what is not ours to remove
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


def difference(found: bytes, expected: bytes) -> str:
    """Return a clause that says how `found` differs from `expected`, which it does."""
    if len(found) != len(expected):
        return f"it has {len(found)} bytes, not {len(expected)}"
    at = first_difference(found, expected)
    return f"byte {at} is 0x{found[at]:02x}, not 0x{expected[at]:02x}"
