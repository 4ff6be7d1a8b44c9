"""The published log over HTTP: checkpoint, tiles and entry bundles under /log/.

An ASGI application of its own, beneath the framework, because a log is read far more often than
written. It serves the files that the store holds and the latest checkpoint covers: a file that
waits for its checkpoint, or that a crash left behind, gets a 404. Its store is one that returns
proven files alone (`log/proven_files.py`), since what it sends may be kept for a year. It sends no
proof: readers check hashes against a checkpoint themselves (`testamur/tlog/reader.py`).

One resource has one spelling: paths are parsed strictly, undecoded. Tiles never change, so caches
may keep them for ever; the checkpoint may be kept for a second (c2sp.org/tlog-tiles).
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol
from weakref import WeakValueDictionary

from api.http.asgi import SAFE, Headers, Receive, Scope, Send, answer_preflight, answer_problem
from api.http.conditional import held, matches
from api.http.methods import known_method
from api.http.negotiation import coding_taken, media_type_taken
from api.http.problems import Problem, elsewhere, no_such_method, not_acceptable, problem_of
from api.published import Published
from log.headers import CHANGING, IMMUTABLE
from testamur.errors import Refuted
from testamur.tlog.source import NotFound
from testamur.tlog.tiles import HEIGHT, WIDTH, BundlePath, parse_path

PREFIX: Final = b"/log/"
ENTRANCE: Final = "/log"
_ENTRANCES: Final = (b"/log", PREFIX)
_TOLD_OF: Final = ("text/plain", "application/json", "text/csv", "text/html")
_BUNDLES: Final = PREFIX + b"tile/entries/"
CACHE_BYTES: Final = 128 * 1024 * 1024
# A larger file is read anew each time, since one of them would evict hundreds of tiles. Nor is it
# compressed: half a second of work for each request of a bundle of 16 MiB.
_LARGEST_CACHED: Final = 2 * 1024 * 1024
_READERS: Final = 4
_GZIP_LEVEL: Final = 5

_GZIP: Final = (b"content-encoding", b"gzip")
_VARY: Final = (b"vary", b"accept-encoding")
_METHODS: Final = "GET, HEAD, OPTIONS"


def _wire(headers: Mapping[str, str]) -> Headers:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


# As in a bucket, from which a CDN may serve the same files.
_CHANGING: Final = _wire(CHANGING)
_IMMUTABLE: Final = _wire(IMMUTABLE)


class Store(Protocol):
    """Where published files lie."""

    def read(self, path: str) -> bytes:
        """Return the whole file at a tlog-tiles path. MUST raise `NotFound` when there is none.

        What it returns is sent and kept as it is, so it MUST have been checked.
        """
        ...


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Resource:
    """A representation ready to be sent."""

    body: bytes
    etag: bytes
    headers: Headers


class Tiles:
    """Serves one log; `latest` returns the newest published checkpoint.

    `at_least` returns it after it has looked for one of a given size, of which a client may have
    heard elsewhere.
    """

    def __init__(
        self,
        store: Store,
        latest: Callable[[], Published],
        at_least: Callable[[int], Awaitable[Published]],
        vkeys: str,
        *,
        cache_bytes: int = CACHE_BYTES,
        requests: dict[tuple[str, ...], float] | None = None,
    ) -> None:
        """Serve the files in `store`; each answer is counted in `requests`.

        There the key is (route, method, status); see `operations/series.py`.
        """
        self._store = store
        self._latest = latest
        self._at_least = at_least
        self._vkey = _resource(vkeys.encode(), _CHANGING)
        self._checkpoint: tuple[bytes, Resource] | None = None
        self._kept = _Kept(cache_bytes)
        # Files too large to keep that are being sent just now: many clients share one copy.
        self._in_use: WeakValueDictionary[tuple[bytes, bool], Resource] = WeakValueDictionary()
        self._coming: dict[tuple[bytes, bool], asyncio.Task[Resource]] = {}
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="testamur-tiles")
        self._requests = {} if requests is None else requests
        self.hits = 0
        self.misses = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request for a path under /log/."""
        del receive  # a body has no meaning here
        method = scope["method"]
        status = await self._answer(scope, method, send)
        # Here rather than around it, since most of these are answered in sixty microseconds.
        key = route_of(scope["path"]), known_method(method), str(status)
        self._requests[key] = self._requests.get(key, 0) + 1

    async def _answer(self, scope: Scope, method: str, send: Send) -> int:
        """Answer one request, and return the status."""
        if method == "OPTIONS":
            await answer_preflight(send, _METHODS)
            return 204
        if method not in ("GET", "HEAD"):
            await answer_problem(send, no_such_method(_METHODS))
            return 405
        try:
            resource = await self._find(
                scope.get("raw_path") or scope["path"].encode(), scope["headers"]
            )
        except Problem as problem:
            await answer_problem(send, problem)
            return problem.document.status
        return await _send(resource, method, scope["headers"], send)

    @property
    def held(self) -> int:
        """The bytes of files in memory."""
        return self._kept.held

    def close(self) -> None:
        """Wait for reads under way."""
        self._readers.shutdown()

    async def _find(self, raw_path: bytes, headers: Headers) -> Resource:
        path = raw_path.partition(b"?")[0]
        if path in _ENTRANCES:
            raise elsewhere("/log/checkpoint")
        if not path.startswith(PREFIX):
            raise _absent("the path has another spelling")
        coding = coding_taken(headers)
        zipped = path.startswith(_BUNDLES) and coding.gzip and coding.liked != "plain"
        resource = await self._found(path.removeprefix(PREFIX), zipped=zipped)
        if not coding.plain and _GZIP not in resource.headers:
            raise not_acceptable(
                "this file is sent as it is, without a content coding; only entry bundles of up "
                f"to {_LARGEST_CACHED} bytes come in gzip"
            )
        return resource

    async def _found(self, path: bytes, *, zipped: bool) -> Resource:
        if path == b"checkpoint":
            return self._latest_checkpoint()
        if path == b"vkey":
            return self._vkey
        kept = self._kept.get((path, zipped)) or self._in_use.get((path, zipped))
        if kept is not None:
            self.hits += 1
            return kept
        self.misses += 1
        await self._check_published(path)
        return await self._load(path, zipped=zipped)

    def _latest_checkpoint(self) -> Resource:
        latest = self._latest()
        if self._checkpoint is None or self._checkpoint[0] is not latest.note:
            self._checkpoint = latest.note, _resource(latest.note, _CHANGING)
        return self._checkpoint[1]

    async def _check_published(self, path: bytes) -> None:
        """Raise a 404 unless the path is well-formed and the latest checkpoint implies the file."""
        try:
            parsed = parse_path(path.decode("ascii"))
        except (Refuted, UnicodeDecodeError):
            raise _absent("not the path of a checkpoint, tile or entry bundle") from None
        level = 0 if isinstance(parsed, BundlePath) else parsed.level
        needed = (parsed.index * WIDTH + parsed.width) << HEIGHT * level
        size = (await self._at_least(needed)).size
        if needed > size:
            raise _absent(f"the log has {size} entries, which imply no such file")

    async def _load(self, path: bytes, *, zipped: bool) -> Resource:
        """Read a file in a thread; requests for the same one share the read."""
        key = path, zipped
        task = self._coming.get(key)
        if task is None:
            task = self._coming[key] = asyncio.create_task(self._read(path, zipped=zipped))
            task.add_done_callback(lambda _: self._coming.pop(key, None))
        try:
            # Shielded: when one client hangs up, the others still get the file.
            resource = await asyncio.shield(task)
        except NotFound:
            raise _absent("the log holds no such file") from None
        except Exception as error:  # noqa: BLE001  # of any kind: the answer is a problem
            raise problem_of(error) from None
        self._kept.put(key, resource)
        self._in_use[key] = resource
        return resource

    async def _read(self, path: bytes, *, zipped: bool) -> Resource:
        def read() -> Resource:
            body = self._store.read(path.decode("ascii"))
            headers = list(_IMMUTABLE)
            if path.startswith(b"tile/entries/"):
                headers.append(_VARY)
            if zipped and len(body) <= _LARGEST_CACHED:
                body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
                headers.append(_GZIP)
            return _resource(body, headers)

        return await asyncio.get_running_loop().run_in_executor(self._readers, read)


class _Kept:
    """A cache of the files read last, of at most `capacity` bytes."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self.held = 0
        self._files: OrderedDict[tuple[bytes, bool], Resource] = OrderedDict()

    def get(self, key: tuple[bytes, bool]) -> Resource | None:
        found = self._files.get(key)
        if found is not None:
            self._files.move_to_end(key)
        return found

    def put(self, key: tuple[bytes, bool], resource: Resource) -> None:
        if len(resource.body) > _LARGEST_CACHED or key in self._files:
            return
        self._files[key] = resource
        self.held += len(resource.body)
        while self.held > self._capacity:
            self.held -= len(self._files.popitem(last=False)[1].body)


def _resource(body: bytes, headers: Headers) -> Resource:
    etag = b'"' + sha256(body).hexdigest()[:32].encode() + b'"'
    length = (b"content-length", str(len(body)).encode())
    return Resource(body, etag, [length, (b"etag", etag), *headers, *SAFE])


def is_led_on(query: bytes, headers: Headers) -> bool:
    """Return whether a client at the entrance is led to the checkpoint.

    Readers of the log, which ask for nothing special, begin there. Others are told of the log.
    """
    return not query and media_type_taken(headers, _TOLD_OF) in {"text/plain", None}


def route_of(path: str) -> str:
    """Return the route template of a path of the log."""
    if path.startswith("/log/tile/"):
        entries = path.startswith("/log/tile/entries/")
        return "/log/tile/entries/{index}" if entries else "/log/tile/{level}/{index}"
    return path if path in _ROUTES else "/log/"


_ROUTES: Final = frozenset(("/log/checkpoint", "/log/vkey"))


async def _send(resource: Resource, method: str, headers: Headers, send: Send) -> int:
    kept_there = held(headers)
    if kept_there is not None and matches(kept_there, resource.etag):
        kept = [pair for pair in resource.headers if pair[0] != b"content-length"]
        await send({"type": "http.response.start", "status": 304, "headers": kept})
        await send({"type": "http.response.body", "body": b""})
        return 304
    await send({"type": "http.response.start", "status": 200, "headers": resource.headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else resource.body})
    return 200


def _absent(detail: str) -> Problem:
    return Problem(404, "no-such-file", detail)
