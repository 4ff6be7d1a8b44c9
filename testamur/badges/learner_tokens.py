"""Which learner holds which achievement, for the provider alone: a keyed hash of both.

A token is HMAC-SHA-256 under a key that stays with the provider, so nobody without that key learns
anything from it; with it, anybody can test a guess. It never goes on the log. Spellings of one
learner make one token: case, width and accents written in another way are folded.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

from testamur.badges.blockcert_versions import BLOCKCERTS_2, version_of

KEY_SIZE: Final = 32
_DOMAIN: Final = b"testamur/awarded/1\n"
_CHECK: Final = b"testamur/ledger-key/1\n"
# Identifiers that name one learner (Open Badges 3.0, IdentifierTypeEnum); a name does not.
_NAMING: Final = frozenset(
    {"accountId", "emailAddress", "identifier", "nationalIdentityNumber", "sourcedId", "systemId"}
    | {"ltiUserId", "productId", "userName"}
)
_MOST: Final = 8


def folded(learner: str) -> str:
    """Return the one spelling under which a learner is compared.

    A DID is compared as it stands, since two DIDs may differ in case alone.
    """
    learner = learner.strip()
    if learner.startswith("did:"):
        return learner
    # Casefolding may undo a composed form, and width may hide a capital.
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", learner).casefold())
    return plain.removeprefix("mailto:")


def token(key: bytes, achievement: str, learner: str) -> str:
    """Return what stands for a learner who holds an achievement (its id): 43 characters."""
    said = _DOMAIN + f"{achievement}\n{folded(learner)}".encode()
    return _text(hmac.digest(key, said, hashlib.sha256))


def check_of(key: bytes) -> str:
    """Return what tells one key from another, and nothing else about it: 43 characters."""
    return _text(hmac.digest(key, _CHECK, hashlib.sha256))


def learners_of(credential: Mapping[str, Any]) -> tuple[str, ...]:
    """Return by what a badge names its learner in the clear: none if it holds hashes alone."""
    if version_of(credential) == BLOCKCERTS_2:
        recipient = credential.get("recipient")
        if not isinstance(recipient, dict) or recipient.get("hashed") is not False:
            return ()
        text = recipient.get("identity")
        return (text,) if isinstance(text, str) and text else ()
    return tuple(dict.fromkeys(_named(credential.get("credentialSubject"))))[:_MOST]


def _named(subject: Any) -> Iterator[str]:
    subject = subject[0] if isinstance(subject, list) and len(subject) == 1 else subject
    if not isinstance(subject, dict):
        return
    if isinstance(subject.get("id"), str):
        yield subject["id"]
    identifiers = subject.get("identifier")
    for each in identifiers if isinstance(identifiers, list) else [identifiers]:
        if (
            isinstance(each, dict)
            and each.get("hashed") is False
            and each.get("identityType") in _NAMING
            and isinstance(each.get("identityHash"), str)
        ):
            yield each["identityHash"]


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
