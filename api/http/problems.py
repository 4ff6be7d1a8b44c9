"""Problem documents (RFC 9457): the form of every answer that is not a success.

Each names the rule that was broken and, where there is one, the line of the submission and the
offending value. None holds paths, traces or addresses of the server. Programs match on `rule`,
which is stable; `title` and `detail` are for people, and `type` leads to the page of the rule.

Which status says what:

    307   the address leads to another one, which may change
    308   the address is another spelling of one that there is
    406   the client takes no form in which there is an answer
    409   the (issuer, jti) was used before, for other bytes
    413   something is larger than its limit (rules ending in `-size`)
    403   the signer is not entitled: unknown, closed, an inactive key, a bad signature, a role it
          does not have, somebody else's thing. Not 401, which would have to carry a challenge
          (RFC 9110 section 11.6.1): here it is the submission that is signed, not the request
    422   every other rule of the protocol
    429   an address or an organization asks too often
    503   it could not be examined now: overload, storage full, publication behind
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from api.http import problem_types
from log.store import FileDamage
from testamur.errors import Refusal, Unavailable, shown
from testamur.http.check_report import FlagReport

MEDIA_TYPE: Final = "application/problem+json"

_log: Final = logging.getLogger(__name__)

_CONFLICT: Final = frozenset({"jti-conflict"})
_NOT_ENTITLED: Final = frozenset(
    {
        "accreditation-of-another",
        "achievement-of-another",
        "credential-of-another",
        "founding-key",
        "genesis-again",
        "genesis-signer",
        "key-algorithm",
        "key-inactive",
        "key-of-another-organization",
        "key-rank",
        "organization-closed",
        "recognition-of-another",
        "recovery-key",
        "registration-signature",
        "role",
        "signature",
        "sponsor",
        "sponsor-role",
        "succession-of-another",
        "unknown-key",
    }
)


class ProblemDocument(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, rename="camel"
):
    """RFC 9457, with the members `rule`, `line` (of the submission, from 1) and `value`.

    `flags` are given if a submission was refused for them (rule `flags-refused`).
    """

    type: str
    title: str
    status: Annotated[int, Meta(ge=300, le=599)]
    detail: str
    rule: str
    line: Annotated[int, Meta(ge=1)] | None = None
    value: Annotated[str, Meta(max_length=120)] | None = None
    flags: tuple[FlagReport, ...] = ()


class Problem(Exception):
    """An answer that is not a success, ready to be sent."""

    def __init__(
        self,
        status: int,
        rule: str,
        detail: str,
        *,
        line: int | None = None,
        value: object = None,
        headers: Mapping[str, str] | None = None,
        flags: tuple[FlagReport, ...] = (),
    ) -> None:
        self.headers = dict(headers or {})
        self.document = ProblemDocument(
            type=problem_types.address(rule),
            title=TITLES.get(status, "The request failed"),
            status=status,
            detail=detail,
            rule=rule,
            line=line,
            value=None if value is None else shown(value),
            flags=flags,
        )
        super().__init__(f"{status} {rule}: {detail}")

    def render(self) -> bytes:
        """Return the document as JSON."""
        return msgspec.json.encode(self.document)


TITLES: Final = {
    307: "It is at another address for now",
    308: "It has one address, which is another",
    400: "The request is not well-formed",
    403: "The signer is not entitled to this",
    404: "There is no such thing",
    405: "This method is not offered here",
    406: "No representation is acceptable",
    408: "The request did not arrive in time",
    409: "Another submission has this name",
    413: "Too large",
    415: "This media type is not taken here",
    422: "A rule was broken",
    429: "Too often",
    431: "Too large",
    500: "The server failed",
    501: "Not offered here",
    503: "Not now",
}


def status_of(refusal: Refusal) -> int:
    """Return the HTTP status that stands for a broken rule."""
    rule = refusal.rule
    if rule in _CONFLICT:
        return 409
    if rule.endswith("-size"):
        return 413
    # An unknown organization is not entitled as the signer (line 1), and a broken reference in
    # an event.
    if rule in _NOT_ENTITLED or (rule == "unknown-organization" and refusal.line == 1):
        return 403
    return 422


def refused(refusal: Refusal, flags: tuple[FlagReport, ...] = ()) -> Problem:
    """Return the problem that a refusal makes; `flags` are those it is for, if it is."""
    return Problem(
        status_of(refusal),
        refusal.rule,
        refusal.detail,
        line=refusal.line,
        value=refusal.value,
        flags=flags,
    )


def not_now(rule: str, detail: str, *, retry_after: float = 1.0) -> Problem:
    """Return a 503 with Retry-After, in whole seconds and at least one."""
    return Problem(503, rule, detail, headers={"Retry-After": str(max(1, round(retry_after)))})


def too_many(detail: str, *, retry_after: float) -> Problem:
    """Return a 429 with Retry-After, in whole seconds, rounded up."""
    headers = {"Retry-After": str(max(1, math.ceil(retry_after)))}
    return Problem(429, "too-many", detail, headers=headers)


class TooMany(Unavailable):
    """Its sender asks too often: a `problem` of status 429."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.document.detail)


def no_such_method(methods: str | None) -> Problem:
    """Return the 405 of a path that takes `methods` alone, as `Allow` lists them."""
    allowed = methods or ""
    return Problem(405, "method", f"this path takes {allowed}", headers={"Allow": allowed})


def not_acceptable(detail: str) -> Problem:
    """Return a 406: the client takes no form in which there is an answer."""
    return Problem(406, "not-acceptable", detail)


def moved(path: str) -> Problem:
    """Return the redirect, for good, to `path`, an absolute path that is percent-encoded."""
    headers = {"Location": path, "Cache-Control": "public, max-age=86400"}
    return Problem(308, "another-address", f"the address of this is {path}", headers=headers)


def elsewhere(path: str) -> Problem:
    """Return the redirect, for now, to `path`."""
    detail = f"for now this leads to {path}"
    return Problem(307, "another-address", detail, headers={"Location": path})


def unavailable(error: Unavailable) -> Problem:
    """Return the 503 for something that cannot be examined or done now."""
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        return not_now(_kebab(type(error).__name__), str(error), retry_after=retry_after)
    # The reason may name files of the server: it goes to the log, not to the caller.
    _log.error("a request could not be served: %s", error)
    return not_now("unavailable", "a part of the server cannot be reached now", retry_after=5)


def problem_of(error: Exception) -> Problem:
    """Return the problem for `error`; one of no known kind is a fault of the server, and logged."""
    match error:
        case Problem():
            return error
        case Refusal():
            return refused(error)
        case TooMany():
            return error.problem
        case Unavailable():
            return unavailable(error)
        case FileDamage():
            # Which file it is goes to the log, for the operator.
            _log.error("a request could not be served, for a file is damaged: %s", error)
            return not_now(
                "damaged", "a stored file of the log is not what was signed", retry_after=60
            )
        case _:
            _log.error("a request met with a fault of ours", exc_info=error)
            return Problem(500, "fault", "the server failed at this request")


def _kebab(name: str) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
