"""Where the things that an answer names are to be found: absolute paths on this server.

Every answer about a thing has them in `links`, by what they lead to (`self`, `issuer`,
`history`). So nobody has to put an address together, or know which kinds of ids there are.
"""

from __future__ import annotations

from typing import TypeAlias
from urllib.parse import quote

Links: TypeAlias = dict[str, str]


def organization(did: str) -> str:
    """Return where an organization is."""
    # A colon is itself in a path (RFC 3986 section 3.3), and people read these.
    return f"/organizations/{quote(did, safe=':')}"


def signer(did: str, position: int, name: str) -> Links:
    """Return where who signed the submission at `position` is, under `name`.

    The first was signed by the log's own key, which is no organization.
    """
    return {name: organization(did)} if position else {}


def achievement(id_: str) -> str:
    """Return where an achievement is."""
    return f"/achievements/{id_}"


def accreditation(id_: str) -> str:
    """Return where an accreditation is."""
    return f"/accreditations/{id_}"


def recognition(id_: str) -> str:
    """Return where a recognition is."""
    return f"/recognitions/{id_}"


def credential(id_: str) -> str:
    """Return where a credential is."""
    return f"/credentials/{id_}"


def submission(issuer: str, jti: str) -> str:
    """Return where the receipt of a submission is."""
    return f"/submissions/{quote(issuer, safe=':')}/{jti}"


def entry(position: int) -> str:
    """Return where an entry of the log is, as text."""
    return f"/entries?start={position}&limit=1"


def proven_entry(position: int) -> str:
    """Return where an entry of the log is, with the proof that it is there."""
    return f"/entries/{position}"


def consistency(earlier: int) -> str:
    """Return where the proof is that the log extends the tree of an earlier size."""
    return f"/consistency?earlier={earlier}"


def below(path: str, *names: str) -> Links:
    """Return a thing itself and the lists that belong to it, by name."""
    return {"self": path, **{name: f"{path}/{name}" for name in names}}
