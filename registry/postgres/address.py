"""Where a database is: a connection URL, whose password appears in no message.

    postgresql://user@host:5432/database?options=-csearch_path%3Dlog1

It is what libpq takes, so that `PGPASSFILE`, `PGSERVICE`, several hosts and TLS work as everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from testamur.errors import Unavailable

_SCHEMES: Final = ("postgresql://", "postgres://")
# A server that is gone is noticed within half a minute, whatever a statement waits for.
_DEFAULTS: Final[dict[str, Any]] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "fallback_application_name": "testamur",
}


@dataclass(frozen=True, slots=True)
class Address:
    """What libpq is given to connect. Its repr is without the password."""

    parameters: dict[str, Any]

    @classmethod
    def parse(cls, url: str) -> Address:
        """Return what a URL says; raises `Unavailable`, without a word of the URL."""
        if not url.startswith(_SCHEMES):
            raise Unavailable("the address of the database must begin with postgresql://")
        try:
            found = conninfo_to_dict(url)
        except (psycopg.Error, UnicodeError):
            # The error quotes the URL, and a malformed one shows its password. A command line may
            # hold bytes that are no UTF-8.
            raise Unavailable(
                "the address of the database is malformed, need postgresql://user@host/database"
            ) from None
        return cls({**_DEFAULTS, **found})

    def connect(self, *, autocommit: bool = True) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a new session; raises `Unavailable`."""
        try:
            return psycopg.connect(**self.parameters, autocommit=autocommit)
        except psycopg.Error as error:
            raise Unavailable(f"the database cannot be reached: {self.redacted(error)}") from None

    def redacted(self, error: Exception) -> str:
        """Return an error's text on one line, without the password."""
        text = " ".join(str(error).split())
        secret = self.parameters.get("password")
        for spelled in {secret, quote(secret), unquote(secret)} if secret else ():
            text = text.replace(spelled, "***")
        return text

    def __repr__(self) -> str:
        shown = {name: value for name, value in self.parameters.items() if name != "password"}
        return f"Address({shown!r})"


def is_address(text: str) -> bool:
    """Return whether a text is meant to be the address of a database."""
    return re.match(r"postgres(?:ql)?:", text) is not None
