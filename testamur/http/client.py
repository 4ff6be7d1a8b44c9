"""Talking to a registry over HTTP: submit, and ask for receipt, status and evidence.

Submitting is safe to repeat, and is repeated when no answer comes: issuer and `jti` name a
submission, and the registry answers the same one with the same receipt. An answer is the
registry's word and no more: `receipt.py`, `verify.py` and `replay.py` check it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Self, TypeAlias, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from testamur.catalogue import dry_run
from testamur.catalogue.submission import parse_header
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.http.check_report import CheckReport
from testamur.http.exchange import Exchange, OnRetry, WaitForServer
from testamur.http.listings import (
    HistoryLine,
    KeyLine,
    SubmissionLine,
    history_lines,
    key_lines,
    submission_lines,
)
from testamur.http.registered import (
    RegisteredAccreditation,
    RegisteredCredential,
    RegisteredDefinition,
    RegisteredOrganization,
)
from testamur.tlog.note import MAX_NOTE
from testamur.verification.chains import MAX_CHAINS
from testamur.verification.evidence import MAX_EVIDENCE
from testamur.verification.receipt import MAX_RECEIPT, Receipt, parse_receipt

Wait: TypeAlias = Literal["durable", "published", "witnessed"]
"""How far a submission has come when its receipt is given."""
OnFlags: TypeAlias = Literal["refuse", "admit"]
"""What flags that the sender of a submission can mend do to it."""
GRADES: Final[tuple[Wait, ...]] = ("durable", "published", "witnessed")
AsOf: TypeAlias = Mapping[str, str | int]
"""As of when: empty for now, `at` an RFC 3339 time, or `size` a tree size."""

MAX_ANSWER: Final = 16 * 1024 * 1024
MAX_STATUS: Final = 64 * 1024
_MAX_NESTED: Final = 500

_T = TypeVar("_T")


class RegistryClient:
    """The registry at `url`; several threads may use one.

    `patience` is how many seconds to wait, over all attempts at one call, for a registry that is
    out of reach or asks to come back later. `wait_for_server` says whether one to which no
    connection can be made is asked more than once: always, after it answered before, or never.
    `on_retry` is called before each new attempt, with the reason and the seconds until then. Close
    it, or use it in a `with` statement.
    """

    def __init__(
        self,
        url: str,
        *,
        client: httpx2.Client | None = None,
        patience: float = 30.0,
        wait_for_server: WaitForServer = "always",
        on_retry: OnRetry | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._exchange = Exchange(
            url,
            client=client,
            patience=patience,
            wait_for_server=wait_for_server,
            on_retry=on_retry,
            pause=pause,
        )
        self.url = self._exchange.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def checkpoint(self) -> bytes:
        """Return the latest checkpoint of the registry's log, unchecked."""
        return self._exchange.ask("GET", "/log/checkpoint", MAX_NOTE)

    def submit(self, body: bytes, wait: Wait = "published", flags: OnFlags = "refuse") -> Receipt:
        """Return the receipt for the submission in `body`, recorded now or before.

        Flags that its sender can mend stop it, unless they are to be admitted. Raises `Refusal`
        when the registry refuses it (`FlagsRefused` for its flags), `Refuted` when the receipt is
        for something else, and `Unavailable` when there is no answer. The submission may then be
        recorded or not: submit the same bytes again to find out. The receipt may be of a lower
        grade than `wait` if the registry did not get that far in time.
        """
        names = parse_header(body.partition(b"\n")[0]).payload
        answer = self._exchange.ask(
            "POST", "/submissions", MAX_RECEIPT, params={"wait": wait, "flags": flags}, upload=body
        )
        return self._receipt(answer, names.iss, names.jti)

    def receipt(self, issuer: str, jti: str) -> Receipt:
        """Return the receipt for an earlier submission; raises `NotFound` if there was none."""
        answer = self._exchange.ask("GET", _path("submissions", issuer, jti), MAX_RECEIPT)
        return self._receipt(answer, issuer, jti)

    def check(self, body: bytes) -> CheckReport:
        """Return what the registry would make of the events in `body`; it records nothing.

        `body` is a dry run (`testamur.catalogue.dry_run`), which can never be admitted. Raises
        `Refusal` when its line 1 is refused.
        """
        answer = self._exchange.ask(
            "POST", "/submissions/check", MAX_ANSWER, upload=body, media_type=dry_run.MEDIA_TYPE
        )
        return self._decoded(answer, CheckReport)

    def credential(self, credential: str, as_of: AsOf | None = None) -> dict[str, Any]:
        """Return what the register states about a credential; raises `NotFound`."""
        answer = self._exchange.ask(
            "GET", _path("credentials", credential), MAX_STATUS, params=as_of
        )
        # An honest answer is a few levels deep; one deeper than the stack could not be read.
        if answer.count(b"{") + answer.count(b"[") > _MAX_NESTED:
            raise Unavailable(f"{self.url} answered in an unknown form: nested too much")
        return self._decoded(answer, dict[str, Any])

    def definition(self, achievement: str, version: int, *, size: int) -> RegisteredDefinition:
        """Return a version of an achievement's definition; raises `NotFound`.

        `size` is as in `submissions`.
        """
        as_of = {"version": version, "size": size}
        found = self._registered(_path("achievements", achievement), RegisteredDefinition, as_of)
        if (found.id, found.version) != (achievement, version):
            raise self._about_another(f"{found.id} version {found.version}", achievement)
        return found

    def accreditation(self, accreditation: str, *, size: int) -> RegisteredAccreditation:
        """Return what an accreditation says; raises `NotFound`. `size` is as in `submissions`."""
        path = _path("accreditations", accreditation)
        found = self._registered(path, RegisteredAccreditation, {"size": size})
        if found.id != accreditation:
            raise self._about_another(found.id, accreditation)
        return found

    def organization(self, organization: str, *, size: int) -> RegisteredOrganization:
        """Return what an organization says of itself; raises `NotFound`.

        `size` is as in `submissions`.
        """
        path = _path("organizations", organization)
        found = self._registered(path, RegisteredOrganization, {"size": size})
        if found.did != organization:
            raise self._about_another(found.did, organization)
        return found

    def status(self, credential: str, *, size: int) -> RegisteredCredential:
        """Return whether a credential stands; raises `NotFound`. `size` is as in `submissions`."""
        path = _path("credentials", credential)
        found = self._registered(path, RegisteredCredential, {"size": size})
        if found.id != credential:
            raise self._about_another(found.id, credential)
        return found

    def evidence(
        self, credential: str, as_of: AsOf | None = None, anchors: Sequence[str] = ()
    ) -> bytes:
        """Return the evidence file of a credential, as it was sent; raises `NotFound`.

        It has chains to these `anchors`. Raises `Unavailable` for more than `MAX_CHAINS` of them:
        judged by evidence that was asked for a part, the others would seem to lead nowhere.
        """
        if len(anchors) > MAX_CHAINS:
            raise Unavailable(
                f"a registry is asked for chains to at most {MAX_CHAINS} anchors, and "
                f"{len(anchors)} were given; give fewer, or read the log itself with --log"
            )
        path = _path("credentials", credential, "evidence")
        params = {**(as_of or {}), **({"anchor": list(anchors)} if anchors else {})}
        return self._exchange.ask("GET", path, MAX_EVIDENCE, params=params)

    def submissions(
        self,
        organization: str,
        *,
        key: str | None = None,
        after: int = -1,
        size: int | None = None,
    ) -> Iterator[SubmissionLine]:
        """Yield what an organization submitted (with one key), after a position, in log order.

        With `size`, that of a checkpoint, the registry answers as of it, once it has come so far.
        """
        path = _path("organizations", organization, "submissions")

        def ask(params: Mapping[str, str | int]) -> bytes:
            return self._exchange.ask("GET", path, MAX_ANSWER, params=params)

        return submission_lines(ask, key=key, after=after, size=size)

    def history(self, organization: str, *, size: int | None = None) -> Iterator[HistoryLine]:
        """Yield what was said about an organization and its keys, in log order.

        `size` is as in `submissions`.
        """
        path = _path("organizations", organization, "history")

        def ask(params: Mapping[str, str | int]) -> bytes:
            return self._exchange.ask("GET", path, MAX_ANSWER, params=params)

        return history_lines(ask, size=size)

    def keys(self, organization: str, *, size: int | None = None) -> tuple[KeyLine, ...]:
        """Return what the register states about the keys of an organization; raises `NotFound`.

        `size` is as in `submissions`.
        """
        path = _path("organizations", organization, "keys")

        def ask(params: Mapping[str, str | int]) -> bytes:
            return self._exchange.ask("GET", path, MAX_ANSWER, params=params)

        return tuple(key_lines(ask, size=size))

    def _registered(self, path: str, kind: type[_T], as_of: AsOf) -> _T:
        return self._decoded(self._exchange.ask("GET", path, MAX_STATUS, params=as_of), kind)

    def _about_another(self, found: str, asked: str) -> Unavailable:
        return Unavailable(f"{self.url} answered about {found}, not about {asked}")

    def _receipt(self, answer: bytes, issuer: str, jti: str) -> Receipt:
        try:
            receipt = parse_receipt(answer)
        except Refusal as refusal:
            # Not a refusal of the submission, which may well be recorded.
            raise Unavailable(f"{self.url} answered no receipt: {refusal}") from None
        if (receipt.issuer, receipt.jti) != (issuer, jti):
            raise Refuted(
                f"{self.url} gave the receipt of {receipt.issuer} for {receipt.jti}, "
                f"not that of {issuer} for {jti}"
            )
        return receipt

    def _decoded(self, answer: bytes, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unavailable(f"{self.url} answered in an unknown form: {error}") from None


def _path(*parts: str) -> str:
    return "".join(f"/{quote(part, safe='')}" for part in parts)
