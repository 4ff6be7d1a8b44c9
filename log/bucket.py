"""Which bucket keeps the files of a log, and how it is reached.

    s3://BUCKET[/PREFIX][?endpoint=http[s]://HOST[:PORT]][&region=REGION]

Without an endpoint it is AWS. An endpoint of `http:` is on this machine, unless the environment has
`AWS_ALLOW_HTTP=true`: on the network between, others may read and change what is sent.

An address is no place for a secret, and one that looks as if it held one is refused unread.
Credentials come from where every S3 program looks for them: the file that
`AWS_SHARED_CREDENTIALS_FILE` names (its section `AWS_PROFILE`, or `default`), else the environment
(`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`), else the role of the machine.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from obstore.store import S3Store

from testamur.errors import Unavailable

if TYPE_CHECKING:
    from obstore.store import ClientConfig

SCHEME: Final = "s3://"
FORM: Final = "s3://BUCKET/PREFIX?endpoint=https://HOST:PORT&region=REGION"

# S3's own rule for general purpose buckets: 3 to 63 of these, letters or digits at both ends.
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
# What every server and proxy spells the same way. No part is `.` or `..`.
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_ENDPOINT: Final = re.compile(
    r"https?://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9a-fA-F:.]{2,45}\])"
    r"(?::[1-9][0-9]{0,4})?",
    re.ASCII,
)
_REGION: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)
_VISIBLE: Final = re.compile(r"[!-~]{1,1024}")
_MAX_PREFIX: Final = 256  # a key has at most 1,024 bytes, and a path of the log needs 60
_MAX_CREDENTIALS: Final = 64 * 1024  # bytes

_PLAIN: Final = "AWS_ALLOW_HTTP"  # as the client itself calls it
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy")
_NOWHERE: Final = "http://redirects-are-refused.invalid"  # no such host: RFC 6761, section 6.4
_KEY_ID: Final = "AWS_ACCESS_KEY_ID"
_FILE: Final = "AWS_SHARED_CREDENTIALS_FILE"
_IN_FILE: Final = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a request may take, in seconds, and how often it is tried again."""

    connecting: float = 5.0
    request: float = 30.0
    retries: int = 4  # after a 5xx, a broken connection, or a reading that took too long
    retrying: float = 60.0  # no retry begins later than this after the first try
    pause: float = 0.1  # before the first retry; doubled for each, up to 2 s, and jittered


WHILE_CLIENTS_WAIT: Final = Limits(connecting=2.0, request=10.0, retries=1, retrying=10.0)
"""The limits of a server's readings: a client that waits is better told soon."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and the prefix of every key in it, which is empty or ends in a slash."""

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None

    @classmethod
    def parse(cls, address: str) -> Bucket:
        """Return what an address names; raises `Unavailable`, which never shows the address."""
        # `urlsplit` would drop a line break.
        if not _VISIBLE.fullmatch(address) or not address.startswith(SCHEME):
            raise Unavailable(f"the address of a bucket is {FORM}")
        try:
            parts = urlsplit(address)
            pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        except ValueError:
            raise Unavailable(f"the address of a bucket is {FORM}") from None
        if "@" in parts.netloc or parts.fragment or "#" in address:
            raise Unavailable(
                "the address of a bucket holds no credentials: they belong in the file that "
                f"{_FILE} names, or in the environment"
            )
        given = dict(pairs)
        if len(given) != len(pairs) or not given.keys() <= {"endpoint", "region"}:
            raise Unavailable(
                "the address of a bucket takes `endpoint` and `region`, each once, and nothing else"
            )
        prefix = parts.path.strip("/") if parts.path.rstrip("/") else ""
        _check("bucket", _BUCKET, parts.netloc)
        if prefix:
            _check("prefix", _PREFIX, prefix)
        if len(prefix) > _MAX_PREFIX or parts.path not in ("", "/", f"/{prefix}", f"/{prefix}/"):
            raise Unavailable(
                f"the prefix in the address of a bucket has at most {_MAX_PREFIX} characters, and "
                "one slash between its parts"
            )
        if "endpoint" in given:
            _check("endpoint", _ENDPOINT, given["endpoint"])
        if "region" in given:
            _check("region", _REGION, given["region"])
        return cls(
            parts.netloc,
            f"{prefix}/" if prefix else "",
            given.get("endpoint"),
            given.get("region"),
        )

    def __str__(self) -> str:
        return f"{SCHEME}{self.name}/{self.prefix}"

    def _is_overheard(self) -> bool:
        """Return whether requests leave this machine in the clear."""
        endpoint = urlsplit(self.endpoint or "")
        if endpoint.scheme != "http":
            return False
        host = endpoint.hostname or ""
        try:
            return not ip_address(host).is_loopback
        except ValueError:
            return host != "localhost"

    def opened(self, limits: Limits) -> S3Store:
        """Return a client for the bucket, which asks nothing yet. Raises `Unavailable`."""
        if self._is_overheard() and os.environ.get(_PLAIN) != "true":
            raise Unavailable(
                "the endpoint in the address of a bucket is https://, or http:// on this machine; "
                f"in a network that only you use, {_PLAIN}=true in the environment allows http://"
            )
        credentials = credentials_in_file(os.environ)
        # Both spellings, or one that is set in the environment would win over the address.
        settings = {"endpoint": self.endpoint, "aws_endpoint_url_s3": self.endpoint}
        settings |= {"region": self.region}
        config = {name: value for name, value in settings.items() if value} | credentials
        guard: ClientConfig = {}
        if credentials or _KEY_ID in os.environ:
            guard = redirects_refused(self.endpoint, os.environ)
        try:
            return S3Store(
                self.name,
                config=config,  # type: ignore[arg-type]  # whose names are those it lists
                client_options={
                    "allow_http": bool(self.endpoint and self.endpoint.startswith("http:")),
                    "connect_timeout": timedelta(seconds=limits.connecting),
                    "timeout": timedelta(seconds=limits.request),
                    **guard,
                },
                retry_config={
                    "max_retries": limits.retries,
                    "retry_timeout": timedelta(seconds=limits.retrying),
                    "backoff": {
                        "init_backoff": timedelta(seconds=limits.pause),
                        "max_backoff": timedelta(seconds=2),
                        "base": 2,
                    },
                },
            )
        except Exception:  # noqa: BLE001  # of several kinds, and their texts may show a secret
            raise Unavailable(
                f"{self} cannot be opened: its settings, or an AWS variable in the environment, "
                "make no sense to the client"
            ) from None


def redirects_refused(endpoint: str | None, environment: Mapping[str, str]) -> ClientConfig:
    """Return the options with which the client is led to no other host than that of the endpoint.

    It follows every redirect of a reading, and has no option against that. So all other hosts are
    behind a proxy that does not exist. There are no such options where other hosts have to be
    asked: at AWS, whose names are many, and where the environment names a proxy. Nor must the
    client need the role of its machine, which it asks for elsewhere.
    """
    if endpoint is None or any(
        environment.get(name) or environment.get(name.upper()) for name in _PROXIES
    ):
        return {}
    return {"proxy_url": _NOWHERE, "proxy_excludes": urlsplit(endpoint).hostname or ""}


def credentials_in_file(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the credentials in the file that the environment names; nothing if it names none.

    Raises `Unavailable`, which shows the file's name and nothing that is in it.
    """
    name = environment.get(_FILE)
    if not name:
        return {}
    profile = environment.get("AWS_PROFILE") or "default"
    try:
        with Path(name).open("rb") as stream:
            text = stream.read(_MAX_CREDENTIALS + 1)
        found = configparser.RawConfigParser(default_section="\n")
        found.read_string(text[:_MAX_CREDENTIALS].decode())
        section = dict(found[profile]) if len(text) <= _MAX_CREDENTIALS else {}
    except OSError as error:
        raise Unavailable(f"the file that {_FILE} names cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, configparser.Error, KeyError):
        section = {}
    credentials = {ours: section[theirs] for theirs, ours in _IN_FILE.items() if theirs in section}
    if not {"access_key_id", "secret_access_key"} <= credentials.keys():
        raise Unavailable(
            f"the file that {_FILE} names has no section [{profile}] with aws_access_key_id and "
            "aws_secret_access_key"
        )
    return credentials


def _check(what: str, form: re.Pattern[str], value: str) -> None:
    # The value is not shown: in its place somebody may have typed a secret.
    if form.fullmatch(value) is None:
        raise Unavailable(f"the {what} in the address of a bucket is malformed: it is {FORM}")
