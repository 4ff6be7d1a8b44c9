"""Talking to a registry over HTTP: hand in a submission, ask for receipt, status and evidence.

Handing in is safe to repeat: issuer and `jti` name a submission, and the registry answers the
same one with the same receipt, so a call that got no answer is made again until `patience` runs
out. Every answer is bounded. What comes back is the registry's word and no more: `receipt.py`,
`verify.py` and `replay.py` check it.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal, Self, TypeAlias
from urllib.parse import quote

import httpx2
import msgspec

from testamur import __version__
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.evidence import MAX_EVIDENCE
from testamur.reader import NotFound
from testamur.receipt import MAX_RECEIPT, Flagged, Receipt, parse_receipt
from testamur.submission import MEDIA_TYPE, SignedHeader, parse_header

Wait: TypeAlias = Literal["durable", "published", "witnessed"]
Moment: TypeAlias = dict[Literal["at", "size"], str | int]
"""As of when: nothing for now, `at` an RFC 3339 time, or `size` a tree size."""

GRADES: Final[tuple[Wait, ...]] = ("durable", "published", "witnessed")
MAX_ANSWER: Final = 16 * 1024 * 1024
_MAX_PROBLEM: Final = 64 * 1024
_PIECE: Final = 64 * 1024
# Below this a submission fits into a few packets, and compressing it saves no round trip.
_COMPRESS_FROM: Final = 16 * 1024
# The registry, or a proxy before it, asks for another try; nothing was decided.
_ASK_AGAIN: Final = frozenset({408, 425, 429, 502, 503, 504})
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 8.0


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that a submission breaks, as the registry words it; the header is line 1."""

    rule: str
    detail: str
    line: int | None = None
    value: str | None = None

    def refusal(self) -> Refusal:
        """Return the `Refusal` this stands for."""
        refusal = Refusal(self.rule, self.detail, line=self.line)
        # It was cut and escaped where it was found; escaping it again would garble it.
        refusal.value = self.value
        return refusal


class DryRun(msgspec.Struct, frozen=True, rename="camel"):
    """What the registry, at `size` entries, would make of a submission."""

    format: Literal["testamur/check/1"]
    accepted: bool
    size: int
    refusals: tuple[Refused, ...] = ()
    flags: tuple[Flagged, ...] = ()


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: httpx2.Headers
    body: bytes


class Registry:
    """A registry at `url`; several threads may use one.

    `patience` is how many seconds to wait, between all attempts at one call together, for a
    registry that is out of reach or asks to come back later; `waiting` is told why and for how
    long. Close it, or use it in a `with` statement.
    """

    def __init__(
        self,
        url: str,
        *,
        client: httpx2.Client | None = None,
        patience: float = 30.0,
        waiting: Callable[[str, float], None] | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self._client = client or httpx2.Client(
            # Longer for an answer than for a connection: a receipt may wait for witnesses.
            timeout=httpx2.Timeout(30, read=120),
            headers={"User-Agent": f"testamur/{__version__}"},
        )
        self._patience = patience
        self._waiting = waiting or (lambda _reason, _seconds: None)
        self._pause = pause

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def submit(self, body: bytes, wait: Wait = "published") -> Receipt:
        """Return the receipt for the submission in `body`, recorded now or before.

        Raises `Refusal` when the registry refuses it, `Refuted` when the receipt is not for this
        submission, `Unavailable` when there is no answer: it may then be recorded or not, and
        handing in the same bytes again finds out. The receipt can be of a lower grade than
        `wait` when the registry did not get so far in time.
        """
        header = parse_header(body.partition(b"\n")[0])
        answer = self._ask("POST", "/submissions", MAX_RECEIPT, params={"wait": wait}, upload=body)
        return _receipt(answer, header.payload.iss, header.payload.jti)

    def check(self, body: bytes) -> DryRun:
        """Return what the registry would make of the submission in `body`, recording nothing."""
        answer = self._ask("POST", "/submissions/check", MAX_ANSWER, upload=body)
        try:
            return msgspec.json.decode(answer.body, type=DryRun)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable(f"{self.url} answered something else than a check: {error}") from None

    def receipt(self, issuer: str, jti: str) -> Receipt:
        """Return the receipt for an earlier submission; raises `NotFound` if there was none."""
        path = f"/submissions/{quote(issuer, safe='')}/{quote(jti, safe='')}"
        return _receipt(self._ask("GET", path, MAX_RECEIPT), issuer, jti)

    def credential(self, credential: str, moment: Moment | None = None) -> dict[str, Any]:
        """Return what the register states about a credential, as of `moment`."""
        path = f"/credentials/{quote(credential, safe='')}"
        answer = self._ask("GET", path, MAX_ANSWER, params=moment)
        try:
            return msgspec.json.decode(answer.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable(f"{self.url} answered something else than JSON: {error}") from None

    def evidence(self, credential: str) -> bytes:
        """Return the evidence file of a credential, unread and unverified."""
        path = f"/credentials/{quote(credential, safe='')}/evidence"
        return self._ask("GET", path, MAX_EVIDENCE).body

    def _ask(
        self,
        method: Literal["GET", "POST"],
        path: str,
        bound: int,
        *,
        params: Moment | dict[str, str] | None = None,
        upload: bytes | None = None,
    ) -> _Answer:
        headers, data = _prepared(upload)
        waited, pause = 0.0, _FIRST_PAUSE
        while True:
            asked = 0.0
            try:
                request = self._client.build_request(
                    method,
                    self.url + path,
                    params=dict(params or {}),
                    headers=headers,
                    content=None if data is None else _pieces(data),
                )
                answer = self._send(request, bound)
                if answer.status not in _ASK_AGAIN:
                    return _settled(answer, str(request.url))
                reason = f"{self.url} answered {answer.status}{_detail(answer)}"
                asked = _retry_after(answer.headers)
            except (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError) as e:
                reason = f"{self.url} cannot be reached: {_why(e)}"
            except (httpx2.RequestError, httpx2.InvalidURL) as error:
                raise Unavailable(f"{self.url} cannot be asked: {_why(error)}") from error
            seconds = max(asked, pause)
            if waited + seconds > self._patience:
                raise Unavailable(reason)
            self._waiting(reason, seconds)
            self._pause(seconds)
            waited, pause = waited + seconds, min(2 * pause, _LONGEST_PAUSE)

    def _send(self, request: httpx2.Request, bound: int) -> _Answer:
        response = self._client.send(request, stream=True)
        try:
            bound = bound if response.is_success else _MAX_PROBLEM
            body = bytearray()
            # Counted after decompression, so that a gzip bomb stops here.
            for piece in response.iter_bytes():
                body += piece
                if len(body) > bound:
                    raise Unavailable(f"{request.url} answered more than {bound} bytes")
            return _Answer(response.status_code, response.headers, bytes(body))
        finally:
            response.close()


def _prepared(upload: bytes | None) -> tuple[dict[str, str], bytes | None]:
    if upload is None:
        return {}, None
    headers = {"Content-Type": MEDIA_TYPE}
    if len(upload) >= _COMPRESS_FROM:
        # The fastest level: most of what can be saved is in the member names.
        upload = gzip.compress(upload, compresslevel=1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    # Stated, so that a registry can refuse what is too large before it reads it.
    return {**headers, "Content-Length": str(len(upload))}, upload


def _pieces(data: bytes) -> Iterator[bytes]:
    # In pieces, because the time limit on writing is for one write, not for 64 MiB.
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]
