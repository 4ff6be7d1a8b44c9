"""Options and arguments that several commands take: their form, and the error for another form.

Wrong usage, such as a malformed policy, ends with exit code 2: it is no verdict.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import httpx2
import msgspec
import typer

from testamur.badges.identities import read_asked
from testamur.catalogue.ids import UUID7_PATTERN, Uuid7
from testamur.catalogue.members import AnyDid, Origin, Role
from testamur.catalogue.members import Did as DidText
from testamur.catalogue.members import Multikey as MultikeyText
from testamur.cli.files import STDIN, read_holder
from testamur.errors import Refusal
from testamur.http.source import NOT_BARE, is_bare, is_url
from testamur.private_keys import without_private_keys

_URL: Final = re.compile(r"https?://[!-~]+")


def _like(kind: Any, example: str) -> Callable[[str], str]:
    def parsed(text: str) -> str:
        try:
            return str(msgspec.convert(text, kind))
        except msgspec.ValidationError:
            raise typer.BadParameter(f"{cut(text)} does not look like {example}") from None

    return parsed


def cut(text: str) -> str:
    """Return `text` in quotes, and no more than sixty characters of it."""
    text = without_private_keys(text)
    return repr(text if len(text) <= 60 else f"{text[:59]}…")


def checked_url(text: str) -> str:
    """Return `text` if requests can be sent there."""
    if not is_bare(text):
        raise typer.BadParameter(NOT_BARE)
    try:
        host = httpx2.URL(text).host if _URL.fullmatch(text) else ""
    except httpx2.InvalidURL:
        host = ""
    if not host:
        raise typer.BadParameter(f"{cut(text)} does not look like https://registry.example")
    return text


def own_address(text: str) -> str:
    """Return `text` if what is asked there comes from there: over TLS, or from this machine."""
    url = httpx2.URL(checked_url(text))
    try:
        loopback = url.host == "localhost" or ip_address(url.host).is_loopback
    except ValueError:
        loopback = False
    if url.scheme != "https" and not loopback:
        raise typer.BadParameter(
            f"{cut(text)} is asked without TLS, so that anybody on the way could leave out a "
            "revocation; use https"
        )
    return text


def moment(text: str) -> datetime:
    """Return the time that RFC 3339 text or a date names; without a zone it is in UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{cut(text)} is no time such as 2026-11-21T10:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def as_day(text: str) -> date:
    """Return the day that `text` names, such as 2026-11-21."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{cut(text)} is no day such as 2026-11-21") from None


def as_role(text: str) -> str:
    """Return `text` if it is a role of an organization."""
    if text not in get_args(Role):
        raise typer.BadParameter(f"{cut(text)} is none of {', '.join(get_args(Role))}")
    return text


def as_learner(text: str) -> str:
    """Return `text` if a learner can be named like that."""
    try:
        read_asked(text)
    except Refusal as refusal:
        raise typer.BadParameter(str(refusal)) from None
    return text


def as_sponsor(text: str) -> str:
    """Return `text` if it names who submits a registration: an organization, or a log."""
    return as_did(text) if text.startswith("did:") else log_name(text)


def credential_id(text: str) -> str:
    """Return the id that `text` is, or that the holder file of that name holds."""
    if is_id(text):
        return text
    refuse_missing(text)
    return read_holder(Path(text)).id


def refuse_missing(text: str) -> None:
    """Raise `typer.BadParameter` if there is no such file as a user may have meant."""
    path = Path(text)
    if path != STDIN and not os.path.lexists(path):
        raise typer.BadParameter(f"{cut(text)} is neither the id of a credential nor a holder file")


def as_of(at: datetime | None, size: int | None) -> dict[str, str | int]:
    """Return the moment that a registry is asked about, now if neither is given."""
    if at is not None and size is not None:
        raise typer.BadParameter("give one of the two", param_hint="--at, --size")
    if at is not None:
        return {"at": at.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    return {} if size is None else {"size": size}


def is_id(text: str) -> bool:
    """Return whether `text` is an id as a provider picks them, a UUID of version 7."""
    return re.fullmatch(UUID7_PATTERN, text) is not None


def log_name(text: str) -> str:
    """Return `text` if it is the name of a log; a server's address is none."""
    if is_url(text):
        raise typer.BadParameter(
            f"{cut(text)} is an address; a log's name, such as log.example/testamur, is in its "
            "verifier key before the first plus sign"
        )
    return as_origin(text)


as_any_did: Final = _like(AnyDid, "did:web:college.example")
as_did: Final = _like(DidText, "did:key:z6Mk..., the DID of an organization")
as_id: Final = _like(Uuid7, "019a3b1c-7f00-7abc-8def-0123456789ab")
as_multikey: Final = _like(MultikeyText, "z6Mk..., a public key")
as_origin: Final = _like(Origin, "log.example/testamur, the name of a log")

Url = Annotated[
    str, typer.Option("--url", metavar="URL", parser=checked_url, help="Address of the registry.")
]
MaybeUrl = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", parser=checked_url, help="Address of the registry."),
]
Log = Annotated[
    str, typer.Option("--log", metavar="ORIGIN", parser=log_name, help="Name of the log.")
]
At = Annotated[
    datetime | None,
    typer.Option(
        metavar="TIME",
        parser=moment,
        help="As of this time; a day is its first moment in UTC.",
    ),
]
Size = Annotated[int | None, typer.Option(metavar="N", min=0, help="As of this tree size.")]
Credential = Annotated[
    str, typer.Argument(metavar="CREDENTIAL", help="Id of the credential, or its holder file.")
]
NewFile = Annotated[Path, typer.Option("--out", metavar="FILE", help="New file to write.")]
