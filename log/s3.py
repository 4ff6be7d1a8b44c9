"""A log in a bucket: the driver of `log.store.Store` for object storage that speaks S3.

The key of a file is its path, under the prefix of the log, and objects are stored as they are, with
the headers of `headers.py`: a web server or CDN may serve the bucket unchanged.

An acknowledged PUT is taken to be durable. That is so on AWS. SeaweedFS acknowledges what is in the
page cache unless `fs.configure -fsync=true` is set for the bucket's path; versitygw's `posix`
backend flushes nothing. On such a server a power cut may lose what a checkpoint covers: the next
start names it, and `fsck --repair` rebuilds it from the sequence.

The client bounds neither a listing nor the body of an error: a server may fill the memory of a
process by these. It also follows redirects of a reading, but to no other host (`bucket.py`).

Nothing here relies on the bucket for order: a conditional write is no lock.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Final

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from log.bucket import Bucket, Limits
from log.headers import headers_of
from log.store import CHECKPOINT, File, FileDamage, difference
from testamur.errors import Refuted, Unavailable
from testamur.tlog.source import MAX_RESOURCE, NotFound
from testamur.tlog.tiles import MalformedTile, parse_path

AT_ONCE: Final = 16  # requests under way
_CHUNK: Final = 1024 * 1024  # bytes, of a body that is read
_CREATES: Final = 5  # attempts, while the answer is a conflict in which nothing was stored
_PAUSE: Final = 0.05  # seconds before the next attempt, doubled each time

# What a message of the client tells in words of HTTP and S3. The rest of it may be anything that
# the server chose to send.
_STATUS: Final = re.compile(r"status code: ([1-5][0-9]{2})\b", re.ASCII)
_CODE: Final = re.compile(r"<Code>([A-Za-z]{1,64})</Code>", re.ASCII)
_NO_SUCH_KEY: Final = "NoSuchKey"


class S3Store:
    """A log in a bucket, which must exist.

    Every method raises `Unavailable` when the bucket cannot be reached, or does not answer in time.
    Close it when it is no longer needed.
    """

    at_once: Final = AT_ONCE

    def __init__(self, bucket: Bucket, *, limits: Limits | None = None) -> None:
        self._bucket = bucket
        self._objects = bucket.opened(limits or Limits())
        self._requests = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="testamur-s3")
        # The ETag of the checkpoint that this instance read or wrote last; None: there was none.
        self._checkpoint: str | None = None

    def __str__(self) -> str:
        return str(self._bucket)

    def close(self) -> None:
        """Wait for the requests under way."""
        self._requests.shutdown()

    # --- Reading ---

    def read(self, path: str) -> bytes:
        """Return the object of the file at `path`.

        Raises `NotFound` for paths of no log, and if the bucket is there and says that it holds no
        such key; `FileDamage` for an object larger than anything a log may hold.
        """
        _check_path(path)
        try:
            data, etag = self._get(path)
        except NotFound:
            if path == CHECKPOINT:
                self._checkpoint = None
            raise
        if path == CHECKPOINT:
            self._checkpoint = etag
        return data

    fetch = read  # which makes it a testamur.tlog.source.Source

    def read_many(self, paths: Sequence[str]) -> list[bytes]:
        """Return the files at these paths, several of which are under way at once."""
        readings = [self._requests.submit(self.read, path) for path in paths]
        wait(readings)  # what is under way must not outlive the call
        return [reading.result() for reading in readings]

    def paths(self) -> Iterator[str]:
        """Yield the path of every object under the prefix."""
        yield from self._keys_under("")

    def _get(self, path: str) -> tuple[bytes, str | None]:
        with _failures_named(f"{self}{path} cannot be read"):
            found = obstore.get(self._objects, self._key(path))
            _check_length(path, found.meta["size"])
            data = bytearray()
            # Chunk by chunk: the body may be longer than its head announced.
            for chunk in found.stream(min_chunk_size=_CHUNK):
                data += chunk
                _check_length(path, len(data))
            return bytes(data), found.meta["e_tag"]

    def _keys_under(self, folder: str) -> Iterator[str]:
        """Yield the paths of the objects whose keys begin with that of a folder of the log."""
        prefix = self._key(folder)
        with _failures_named(f"{self}{folder} cannot be listed"):
            for chunk in obstore.list(self._objects, prefix=prefix or None, chunk_size=1000):
                for found in chunk:
                    yield found["path"].removeprefix(self._bucket.prefix)

    def _key(self, path: str) -> str:
        return self._bucket.prefix + path

    # --- Writing ---

    def write_many(self, files: Sequence[File]) -> None:
        """Store tiles and bundles, several at once; return once all are acknowledged.

        Raises `FileDamage` when one of them is there already with other bytes, which stay;
        `MalformedTile`, before anything is stored, for a path that is no tile's or bundle's.
        """
        for path, _ in files:
            parse_path(path)
        creations = [self._requests.submit(self._create, path, data) for path, data in files]
        wait(creations)  # all of them: what is under way must not outlive the call
        failures = [failure for done in creations if (failure := done.exception()) is not None]
        # Damage says more than an outage: the publisher then checks every file again.
        for failure in sorted(failures, key=lambda failure: not isinstance(failure, Refuted)):
            raise failure

    def write_checkpoint(self, data: bytes) -> None:
        """Replace the checkpoint, if it is still the one that this instance read or wrote last.

        Raises `Unavailable` if another is stored. Readers see the old one or the new one, whole.
        """
        known = self._checkpoint
        with _failures_named(f"{self}{CHECKPOINT} cannot be written"):
            try:
                stored = obstore.put(
                    self._objects,
                    self._key(CHECKPOINT),
                    data,
                    attributes=headers_of(CHECKPOINT),
                    mode="create" if known is None else {"e_tag": known},
                )
            except (AlreadyExistsError, PreconditionError, FileNotFoundError):
                # Another publisher's, or ours: the answer to the first try may have been lost.
                self._checkpoint = self._etag_if_stored(data)
                return
        self._checkpoint = stored["e_tag"]

    def put_back(self, path: str, data: bytes) -> None:
        """Store a tile or bundle in the place of whatever is there. Only `repair` may do that.

        Raises `MalformedTile` for a path that is no tile's or bundle's.
        """
        parse_path(path)
        with _failures_named(f"{self}{path} cannot be written"):
            obstore.put(
                self._objects,
                self._key(path),
                data,
                attributes=headers_of(path),
                mode="overwrite",
                use_multipart=False,
            )

    def _create(self, path: str, data: bytes) -> None:
        for attempt in range(_CREATES):
            with _failures_named(f"{self}{path} cannot be written"):
                try:
                    obstore.put(
                        self._objects,
                        self._key(path),
                        data,
                        attributes=headers_of(path),
                        mode="create",
                    )
                except AlreadyExistsError:
                    pass
                else:
                    return
            # That answer also stands for a conflict (409) in which nothing was stored, and for our
            # own bytes, when the answer to the first of two tries was lost.
            try:
                held = self._get(path)[0]
            except NotFound:
                time.sleep(_PAUSE * 2**attempt)
                continue
            if held != data:
                detail = f"it must not change, yet {difference(held, data)}"
                raise FileDamage(path, "immutable", detail)
            return
        raise Unavailable(
            f"{self}{path} cannot be written: the bucket says that it exists, and that it does not"
        )

    def _etag_if_stored(self, data: bytes) -> str | None:
        """Return the ETag of the stored checkpoint, if it is `data`; raises `Unavailable` else."""
        try:
            held, etag = self._get(CHECKPOINT)
        except NotFound:
            held, etag = None, None
        if held != data:
            raise Unavailable(
                f"{self}{CHECKPOINT} is not the one that this publisher read or wrote last: "
                "another publisher is at work"
            )
        return etag

    # --- Removing unneeded files ---

    def sweep(self) -> list[str]:
        """Return the full files that have partial ones beside them; there is nothing to remove.

        An object is whole or not there, and no file is large enough to be stored in several parts.
        """
        partly: set[str] = set()
        full = ""
        for path in self.paths():
            if _is_resource(path):
                before, partial, _ = path.partition(".p/")
                # S3 lists keys in order, so a full file comes right before its partial ones; in
                # another order some would be left out. To keep all names would take memory.
                if not partial:
                    full = path
                elif before == full:
                    partly.add(before)
        return sorted(partly)

    def remove_partials(self, path: str) -> None:
        """Remove every partial file of the full tile or bundle at `path`.

        Raises `NotFound` when the full one is not there.
        """
        parse_path(path)
        self.read(path)
        partials = [found for found in self._keys_under(f"{path}.p/") if _is_resource(found)]
        if partials:
            with _failures_named(f"{self}{path}.p/ cannot be removed"):
                obstore.delete(self._objects, [self._key(partial) for partial in partials])


def _check_path(path: str) -> None:
    try:
        if path != CHECKPOINT:
            parse_path(path)
    except MalformedTile as error:
        raise NotFound(str(error)) from None


def _check_length(path: str, length: int) -> None:
    if length > MAX_RESOURCE:
        detail = f"it has {length} bytes or more; nothing in a log is above {MAX_RESOURCE} bytes"
        raise FileDamage(path, "too-large", detail)


def _is_resource(path: str) -> bool:
    try:
        parse_path(path)
    except MalformedTile:
        return False
    return True


@contextmanager
def _failures_named(fact: str) -> Iterator[None]:
    """Raise the client's errors as ours, in words that no server chose."""
    try:
        yield
    except (Refuted, Unavailable):
        raise
    except FileNotFoundError as error:
        # A proxy's 404, or that of a bucket that is not there, does not show that a log is empty.
        if _code(error) == _NO_SUCH_KEY:
            raise NotFound(f"{fact}: the bucket holds no such object") from None
        raise Unavailable(f"{fact}: {_reason(error)}") from None
    except (BaseError, OSError, ValueError) as error:
        raise Unavailable(f"{fact}: {_reason(error)}") from None


def _code(error: BaseException) -> str | None:
    found = _CODE.search(str(error))
    return found and found[1]


def _reason(error: BaseException) -> str:
    """Return what happened: the status and S3's code if there was an answer, else the kind."""
    status = _STATUS.search(str(error))
    if status is not None:
        code = _code(error)
        return f"the answer was {status[1]}{f' {code}' if code else ''}"
    if "timed out" in str(error) or "deadline" in str(error):
        return "there was no answer in time"
    return f"the request failed ({type(error).__name__})"
