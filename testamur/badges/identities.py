"""Whose badge is it: whether a credential names the learner that somebody asks about.

A credential names its learner by the id of its subject, and by identifiers, each plain or hashed
with a salt (Open Badges 3.0, IdentityObject). Text is compared as `prepare` writes it: in NFC, the
domain of an address in small letters, and nothing else folded, since two mailboxes may differ in
the rest. A name is no identifier: many people have it, and one person writes it in several ways.
So a name that is the same is told as what it is, and one that differs refutes nothing. Whether the
issuer named the right person is not said here.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from urllib.parse import unquote

from testamur.badges import addresses, cells
from testamur.badges.blockcert_versions import BLOCKCERTS_2, version_of
from testamur.errors import Refusal, Refuted, Unavailable

MAX_LEARNER: Final = 2_000
"""Characters of what is asked about: as long as a DID may be."""

NOT_ALONE: Final = "others may have the same name"
"""How an answer ends that rests on a name alone."""

_SHA256: Final = re.compile(r"sha256\$([0-9A-Fa-f]{64})")
_HASH: Final = re.compile(r"([A-Za-z0-9-]{1,20})\$[0-9A-Fa-f]{16,}")
_MAILTO: Final = re.compile(r"mailto:", re.IGNORECASE)
_URI: Final = re.compile(r"(?:urn:|[A-Za-z][A-Za-z0-9+.-]*://)", re.IGNORECASE)

Kind: TypeAlias = Literal[
    "a DID", "an e-mail address", "a URI", "a number", "an identifier of another type", "a name"
]


class Asked(NamedTuple):
    """A learner as somebody names them: of what kind, and each spelling that means the same.

    `names` are those of what may be a name.
    """

    kind: Kind
    spellings: tuple[str, ...]
    names: tuple[str, ...] = ()


class _Named(NamedTuple):
    """One thing by which a credential names its learner."""

    kind: Kind
    text: str
    hashed: bool = False
    salt: str = ""

    def is_one_of(self, spellings: Collection[str]) -> bool:
        if not self.hashed:
            text = unicodedata.normalize("NFC", self.text.strip())
            if self.kind == "a name":
                return _with_single_spaces(text) in spellings
            return text in spellings or addresses.spelled(text) in spellings
        found = _SHA256.fullmatch(self.text)
        digest = None if found is None else found[1].lower()
        return any(
            hashlib.sha256((each + self.salt).encode()).hexdigest() == digest for each in spellings
        )

    def how(self) -> str:
        return f"{self.kind}{self.hidden()}"

    def hidden(self) -> str:
        if not self.hashed:
            return ""
        return f", hashed {'with a salt' if self.salt else 'without a salt'}"


def read_asked(text: str, *, or_name: bool = True) -> Asked:
    """Return the learner that `text` names: by a DID, e-mail address, number, URI, or by a name.

    A number has a digit, and no space within. Without `or_name` a text is never taken for a name,
    as where names have a column of their own. Raises `Refusal` (rule `learner`) for what can be
    none of these.
    """
    found = unicodedata.normalize("NFC", text.strip())
    if not found or len(found) > MAX_LEARNER:
        raise Refusal("learner", f"a learner is named in 1 to {MAX_LEARNER} characters", value=text)
    kind, identifier = _kind(found)
    may_be_name = or_name and kind == "a number"
    if may_be_name and (len(found.split()) > 1 or not any(map(str.isdecimal, found))):
        kind = "a name"
    try:
        found.encode()  # which a byte of a command line that is no UTF-8 has no letters for
        cells.check_seen(found, joined=kind == "a name")
    except UnicodeEncodeError:
        raise Refusal("learner", "holds bytes that are no UTF-8", value=text) from None
    except Refusal as refusal:
        raise Refusal("learner", refusal.detail, value=text) from None
    spellings = tuple(dict.fromkeys((identifier, *addresses.spellings(identifier))))
    names = tuple(dict.fromkeys((found, _with_single_spaces(found)))) if may_be_name else ()
    return Asked(kind, spellings, names)


def check_learner(credential: Mapping[str, Any], asked: Asked) -> str:
    """Return by what a credential names the learner asked about, in words and without the value.

    The credential is one that `read_badge` reads. Raises `Refuted` if it names somebody else by
    something of the same kind that is no name, and `Unavailable` if it names nobody in a way that
    can be compared.
    """
    named = [*_named(credential)]
    found = [each for each in named if each.kind != "a name" and each.is_one_of(asked.spellings)]
    if found:
        return f"the credential names this learner, by {found[0].how()}"
    found = [each for each in named if each.kind == "a name" and each.is_one_of(asked.names)]
    if found:
        return f"the credential gives its learner this name{found[0].hidden()}; {NOT_ALONE}"
    comparable = [each for each in named if each.kind == asked.kind]
    if not comparable:
        raise Unavailable(_incomparable(named, asked))
    spellings = asked.names if asked.kind == "a name" else asked.spellings
    if any(each.is_one_of(_in_other_capitals(spellings)) for each in comparable):
        raise Unavailable(
            "the credential names a learner who differs from the one asked about in capitals "
            "alone; ask in the spelling of the issuer"
        )
    unknown = [each for each in comparable if each.hashed and not _SHA256.fullmatch(each.text)]
    if unknown:
        form = _HASH.fullmatch(unknown[0].text)
        kind = f"a hash of the kind {form[1]}" if form else "a hash of an unknown form"
        raise Unavailable(f"the credential names its learner by {kind}, which is not compared here")
    if asked.kind == "a name":
        raise Unavailable(
            f"the credential gives its learner another name than was asked about"
            f"{comparable[0].hidden()}; one person may write a name in several ways"
        )
    raise Refuted(f"the credential names another learner, by {comparable[0].how()}")


def names_nobody(credential: Mapping[str, Any]) -> bool:
    """Return whether a credential names its learner in no way at all."""
    return next(_named(credential), None) is None


def names_in(credential: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of its learner that a credential holds in the clear."""
    return (each.text for each in _named(credential) if each.kind == "a name" and not each.hashed)


def _kind(text: str) -> tuple[Kind, str]:
    """Return of what kind an identifier is, and the identifier itself, without `mailto:`."""
    if text.startswith("did:"):
        return "a DID", text
    if _MAILTO.match(text):
        return "an e-mail address", _mailbox(text)
    if _URI.match(text):
        return "a URI", text
    return ("an e-mail address" if "@" in text else "a number"), text


def _mailbox(uri: str) -> str:
    """Return the address in a URI such as mailto:ada@example.org?subject=x (RFC 6068)."""
    return unquote(uri.partition(":")[2].partition("?")[0])


def _named(credential: Mapping[str, Any]) -> Iterator[_Named]:
    if version_of(credential) == BLOCKCERTS_2:
        yield from _recipient(_one(credential.get("recipient")))
        return
    subject = _one(credential.get("credentialSubject"))
    identity = subject.get("id")
    if isinstance(identity, str) and identity:
        yield _Named(*_kind(identity))
    identifiers = subject.get("identifier")
    for each in identifiers if isinstance(identifiers, list) else [identifiers]:
        identifier = _one(each)
        text, hashed, salt = (identifier.get(name) for name in ("identityHash", "hashed", "salt"))
        if isinstance(text, str):
            is_hash = hashed if isinstance(hashed, bool) else _HASH.fullmatch(text) is not None
            kind, text = _kind_of(identifier.get("identityType"), text, hashed=is_hash)
            yield _Named(kind, text, is_hash, salt if isinstance(salt, str) else "")


def _recipient(recipient: Mapping[str, Any]) -> Iterator[_Named]:
    """Yield by what a badge of version 2 names its learner (Open Badges 2.0, IdentityObject)."""
    text, hashed, salt = (recipient.get(name) for name in ("identity", "hashed", "salt"))
    if isinstance(text, str) and text:
        is_hash = hashed is True or _SHA256.fullmatch(text) is not None
        if recipient.get("type") == "email":
            kind, text = _kind_of("emailAddress", text, hashed=is_hash)
        else:
            kind, text = _kind_of("identifier", text, hashed=is_hash)
        yield _Named(kind, text, is_hash, salt if isinstance(salt, str) else "")


def _kind_of(identity_type: object, text: str, *, hashed: bool) -> tuple[Kind, str]:
    if identity_type == "name":
        return "a name", text
    if identity_type == "emailAddress":
        return "an e-mail address", text if hashed or not _MAILTO.match(text) else _mailbox(text)
    if identity_type == "identifier":
        return ("a number", text) if hashed else _kind(text)
    return "an identifier of another type", text


def _with_single_spaces(name: str) -> str:
    return " ".join(name.split())


def _in_other_capitals(spellings: Collection[str]) -> tuple[str, ...]:
    changed = (change(each) for each in spellings for change in (str.lower, str.upper, str.title))
    return tuple(dict.fromkeys(map(addresses.spelled, changed)))


def _incomparable(named: Collection[_Named], asked: Asked) -> str:
    kinds = [*dict.fromkeys(each.kind for each in named)]
    if not kinds:
        return "the credential names no learner, so anybody could show it"
    if kinds == ["a name"]:
        return "the credential names its learner by a name alone, which many people may have"
    return (
        f"the credential names its learner by {' and '.join(kinds)}; it was asked about by "
        f"{asked.kind}"
    )


def _one(value: Any) -> Mapping[str, Any]:
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, dict) else {}
