"""One question to a registry over HTTP: asked until it is answered, the answer bounded.

A question must be safe to repeat, for it is asked again when a connection fails or the registry
asks for another try, until the patience is used up. `Refusal` means that the registry examined
the submission and named the rule it breaks; an error without such a document, whatever its
status, is `Unavailable`. Nothing that comes back is verified here.
"""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal, TypeAlias

import httpx2
import msgspec

from testamur import __version__
from testamur.catalogue.submission import MEDIA_TYPE
from testamur.errors import Unavailable, printable
from testamur.http.body import ACCEPT, read_body
from testamur.http.check_report import RefusalReport
from testamur.tlog.source import NotFound

PROBLEM: Final = "application/problem+json"
_MAX_PROBLEM: Final = 64 * 1024
_PIECE: Final = 64 * 1024
_DETAIL: Final = 600
_WORDS: Final = 120  # characters of what a registry calls a rule or a value
# Below this a submission is a few packets, and compressing it saves no round trip.
_COMPRESS_FROM: Final = 16 * 1024
# The registry, or a proxy before it, wants another try: nothing was decided.
_ASK_AGAIN: Final = frozenset({408, 425, 429, 502, 503, 504})
_ERROR_NUMBER: Final = re.compile(r"^\[Errno -?[0-9]+\] ")
NO_CONNECTION: Final = (httpx2.ConnectError, httpx2.ConnectTimeout)
"""Nobody answers at the address."""
CONNECT: Final = 10.0
"""Seconds until a server that does not answer is taken for none."""
WaitForServer: TypeAlias = Literal["always", "after-an-answer", "never"]
"""Whether to wait for a server that is not there: perhaps for one that answered before."""
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 8.0

OnRetry = Callable[[str, float], None]
"""Called before another attempt: with the reason, and the seconds until then."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, decompressed."""

    url: str
    status: int
    headers: httpx2.Headers
    body: bytes

    def settle(self) -> bytes:
        """Return the body of a success; raise `Refusal`, `NotFound` or `Unavailable`."""
        if self.status in (200, 201):
            return self.body
        problem = self._problem()
        if self.status in (404, 410):
            raise NotFound(f"{self.url} answered {self.status}{_in_words(problem)}")
        if 400 <= self.status < 500 and isinstance(problem, RefusalReport):
            raise problem.refusal()
        place = self.headers.get("location")
        moved = f", pointing to {printable(place, _WORDS)}" if place else ""
        raise Unavailable(f"{self.url} answered {self.status}{moved}{_in_words(problem)}")

    def reason(self) -> str:
        """Return in one sentence why there is nothing to settle yet."""
        return f"{self.url} answered {self.status}{_in_words(self._problem())}"

    def retry_after(self) -> float:
        """Return the seconds that Retry-After asks for (RFC 9110 section 10.2.3), or 0."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit() and len(text) < 10:
            return float(text)
        try:
            return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
        except (TypeError, ValueError, OverflowError):
            return 0.0

    def _problem(self) -> RefusalReport | str | None:
        """Return what an RFC 9457 problem document says: a rule broken, or just its detail."""
        if not self.headers.get("content-type", "").startswith(PROBLEM):
            return None
        try:
            found = msgspec.json.decode(self.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        try:
            return msgspec.convert(found, RefusalReport)
        except msgspec.ValidationError:
            return str(found.get("detail") or found.get("title") or "")


class NoServer(Unavailable):
    """Nobody answers at the address, so nothing that is asked there will be answered now."""


class Exchange:
    """Asks the registry at `url`. `patience` is in seconds, for all attempts at one question.

    While no connection can be made at all, it is tried again as `wait_for_server` says.
    """

    def __init__(
        self,
        url: str,
        *,
        client: httpx2.Client | None,
        patience: float,
        wait_for_server: WaitForServer,
        on_retry: OnRetry | None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        # Longer for an answer than for a connection: a receipt may wait for witnesses.
        self._client = client or httpx2.Client(
            timeout=httpx2.Timeout(30, connect=CONNECT, read=120)
        )
        self._waits = wait_for_server == "always"
        self._waits_later = wait_for_server != "never"
        self._patience = patience
        self._on_retry = on_retry or (lambda _reason, _seconds: None)
        self._pause = pause

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(
        self,
        method: Literal["GET", "POST"],
        path: str,
        bound: int,
        *,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        upload: bytes | None = None,
        media_type: str = MEDIA_TYPE,
    ) -> bytes:
        """Return the body of the answer, of at most `bound` bytes.

        Raises `Refusal`, `NotFound` and other `Unavailable`.
        """
        waited, pause = 0.0, _FIRST_PAUSE
        upload, headers = _packed(upload, media_type)
        while True:
            asked = 0.0
            try:
                request = self._client.build_request(
                    method,
                    self.url + path,
                    params=dict(params) if params else None,
                    headers=headers,
                    content=None if upload is None else _pieces(upload),
                )
                answer = self._answer(request, bound)
            except (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError) as e:
                reason = f"{self.url} cannot be reached: {why(e)}"
                if isinstance(e, NO_CONNECTION) and not self._waits:
                    raise NoServer(reason) from e
                failure: Unavailable = NoServer(reason)
            except (httpx2.RequestError, httpx2.InvalidURL, UnicodeError) as error:
                raise Unavailable(f"{self.url} cannot be asked: {why(error)}") from error
            else:
                self._waits = self._waits_later
                if answer.status not in _ASK_AGAIN:
                    return answer.settle()
                reason, asked = answer.reason(), answer.retry_after()
                failure = Unavailable(reason)
            seconds = max(asked, pause)
            if waited + seconds > self._patience:
                raise failure
            self._on_retry(reason, seconds)
            self._pause(seconds)
            waited, pause = waited + seconds, min(2 * pause, _LONGEST_PAUSE)

    def _answer(self, request: httpx2.Request, bound: int) -> Answer:
        response = self._client.send(request, stream=True)
        try:
            bound = bound if response.is_success else _MAX_PROBLEM
            try:
                body = read_body(response, bound)
            except Unavailable:
                # The body of an error is a courtesy, often a proxy's; its status is enough.
                if response.is_success:
                    raise
                body = b""
            return Answer(str(request.url), response.status_code, response.headers, body)
        finally:
            response.close()


def _packed(upload: bytes | None, media_type: str) -> tuple[bytes | None, dict[str, str]]:
    headers = {"User-Agent": f"testamur/{__version__}", **ACCEPT}
    if upload is None:
        return None, headers
    headers["Content-Type"] = media_type
    if len(upload) >= _COMPRESS_FROM:
        # The fastest level: most of what can be saved is in the names of members.
        upload = gzip.compress(upload, compresslevel=1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    # Stated, so that a registry can refuse a body that is too large before it reads it.
    headers["Content-Length"] = str(len(upload))
    return upload, headers


def _pieces(data: bytes) -> Iterator[bytes]:
    # In pieces, because the time limit on writing is for one write, not for 64 MiB.
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]


def _in_words(problem: RefusalReport | str | None) -> str:
    text = f"{problem.rule}: {problem.detail}" if isinstance(problem, RefusalReport) else problem
    return f": {printable(text, _DETAIL)}" if text else ""


def why(error: Exception) -> str:
    """Return in words why a connection failed."""
    return _ERROR_NUMBER.sub("", str(error)) or type(error).__name__
