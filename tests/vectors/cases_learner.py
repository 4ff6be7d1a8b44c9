"""Cases of a verifier who asks whose the credential is.

`learners` are those of the comparison alone, as subjects of a credential; in `evidence/` there are
some in which it is one check among the others.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from tests.vectors.cases import case
from tests.vectors.scene import Scene

_ADA: Final = "ada@example.org"
_SALT: Final = "3b0c6f0e5c9d4f1f8a2f7d1b6e4c9a10"
_DID: Final = "did:example:learner"
_MD5: Final = "md5$76e0e82ed9a52bd556fc2bdcaa4e5b94"


def _hashed(learner: str, *, salt: str = _SALT, kind: str = "emailAddress") -> dict[str, Any]:
    found = {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": f"sha256${sha256((learner + salt).encode()).hexdigest()}",
        "identityType": kind,
    }
    return {**found, "salt": salt} if salt else found


def _plain(text: str, kind: str) -> dict[str, Any]:
    return {"type": "IdentityObject", "hashed": False, "identityHash": text, "identityType": kind}


def _by(*identifiers: dict[str, Any]) -> dict[str, Any]:
    return {"identifier": list(identifiers)}


_BY_ADDRESS: Final = _by(_hashed(_ADA))
_BY_NUMBER: Final = _by(_hashed("1046783", kind="identifier"))
_NAME: Final = "Ada Lovelace"
_BY_NAME: Final = _by(_hashed(_NAME, kind="name"))
_BY_PLAIN_NAME: Final = _by(_plain(_NAME, "name"))

# The description, whom the credential names, and who is asked about.
_HOLDS: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("the DID of the learner", {"id": _DID}, _DID),
    ("the address, hashed with a salt", _BY_ADDRESS, _ADA),
    ("the address, with its domain in capitals", _BY_ADDRESS, "ada@EXAMPLE.org"),
    ("the address, with spaces around it", _BY_ADDRESS, f" {_ADA} "),
    ("the address, as a URI", _BY_ADDRESS, f"mailto:{_ADA}"),
    ("the address, hashed without a salt", _by(_hashed(_ADA, salt="")), _ADA),
    ("the address as it is", _by(_plain(_ADA, "emailAddress")), _ADA),
    ("the address as the id of the subject", {"id": f"mailto:{_ADA}"}, _ADA),
    ("the address in a longer URI", {"id": "mailto:ada%40example.org?subject=x"}, _ADA),
    (
        "a domain in its form for machines",
        _by(_hashed("ada@b\u00fccher.example")),
        "ada@xn--bcher-kva.example",
    ),
    (
        "a domain in its form for people",
        _by(_hashed("ada@xn--bcher-kva.example")),
        "ada@b\u00fccher.example",
    ),
    ("the second of two addresses", _by(_hashed("a@example.org"), _hashed(_ADA)), _ADA),
    ("the address beside a name", _by(_plain("Ada", "name"), _hashed(_ADA)), _ADA),
    ("the address beside a DID", {"id": _DID, **_BY_ADDRESS}, _ADA),
    ("one identifier that is no array", {"identifier": _hashed(_ADA)}, _ADA),
    (
        "an accent that is two characters",
        _by(_hashed("Zo\u00eb1", kind="identifier")),
        "Zoe\u03081",
    ),
    ("the number of the learner", _BY_NUMBER, "1046783"),
    (
        "a hash in capitals",
        _by(
            {**_hashed(_ADA), "identityHash": "sha256$" + _hashed(_ADA)["identityHash"][7:].upper()}
        ),
        _ADA,
    ),
    ("a name", _BY_PLAIN_NAME, _NAME),
    ("a name, hashed with a salt", _BY_NAME, _NAME),
    ("a name, hashed without a salt", _by(_hashed(_NAME, kind="name", salt="")), _NAME),
    ("a name, with spaces around it and within", _BY_NAME, "  Ada   Lovelace "),
    ("a name with two spaces within", _by(_plain("Ada  Lovelace", "name")), _NAME),
    (
        "a name with two spaces within, hashed, as it is written",
        _by(_hashed("Ada  Lovelace", kind="name")),
        "Ada  Lovelace",
    ),
    (
        "a name with an accent that is two characters",
        _by(_hashed("Zo\u00eb", kind="name")),
        "Zoe\u0308",
    ),
    (
        "a name with a joiner that is part of its spelling",
        _by(_hashed("\u0645\u06cc\u200c\u0646\u0627", kind="name")),
        "\u0645\u06cc\u200c\u0646\u0627",
    ),
    ("a name with digits and no space", _by(_plain("Ada2", "name")), "Ada2"),
    ("a name beside an address", _by(_hashed(_ADA), _plain(_NAME, "name")), _NAME),
    ("the second of two names", _by(_plain("A. Byron", "name"), _plain(_NAME, "name")), _NAME),
    ("a number without a digit", _by(_hashed("alovelace", kind="identifier")), "alovelace"),
    ("a number with spaces, as it is written", _by(_hashed("10 46", kind="identifier")), "10 46"),
    ("a name that is a user name", _by(_plain(_NAME, "userName")), _NAME),
)
_REFUTED: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("another DID", {"id": _DID}, "did:example:other"),
    ("another address", _BY_ADDRESS, "bob@example.org"),
    ("another number", _BY_NUMBER, "1046784"),
    ("a number with a zero before it", _BY_NUMBER, "01046783"),
    (
        "another number beside a name",
        _by(_hashed("1046783", kind="identifier"), _plain(_NAME, "name")),
        "1046784",
    ),
    ("an address with a letter of another script", _BY_ADDRESS, "\u0430da@example.org"),
    ("an address in fullwidth letters", _BY_ADDRESS, "\uff41da@example.org"),
    ("an address with a dot that some mail servers pass over", _BY_ADDRESS, "a.da@example.org"),
    ("an address hashed with another salt", _by({**_hashed(_ADA), "salt": "another"}), _ADA),
    ("an address whose salt is left out", _by({**_hashed(_ADA), "salt": ""}), _ADA),
    ("a hash that is said to be the address itself", _by({**_hashed(_ADA), "hashed": False}), _ADA),
)
_OPEN: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("an address where the learner has a DID", {"id": _DID}, _ADA),
    ("a DID where the learner has an address", _BY_ADDRESS, _DID),
    ("a DID in other capitals", {"id": _DID}, "did:example:LEARNER"),
    ("an address in other capitals", _by(_hashed("Ada@example.org")), _ADA),
    ("an address in other capitals than it is written", _BY_ADDRESS, "ADA@example.org"),
    ("the hash itself", _BY_ADDRESS, _hashed(_ADA)["identityHash"]),
    ("a hash that can be forged", _by({**_hashed("learner@example.org"), "identityHash": _MD5}),
     "learner@example.org"),
    ("a hash of no form", _by({**_hashed(_ADA), "identityHash": "asdjhsadas"}), _ADA),
    ("a number of another kind", _by(_hashed("190418", kind="systemId")), "1046783"),
    ("another name", _BY_PLAIN_NAME, "Ada Byron"),
    ("another name, hashed", _BY_NAME, "Ada Byron"),
    ("a part of a name", _BY_PLAIN_NAME, "Lovelace"),
    ("a name the other way round", _BY_NAME, "Lovelace Ada"),
    ("a name in other capitals", _BY_NAME, "ada lovelace"),
    ("a name in fullwidth letters", _BY_PLAIN_NAME, "\uff21da Lovelace"),
    ("a name without its accent", _by(_plain("Zo\u00eb", "name")), "Zoe"),
    ("a name whose salt is left out", _by({**_hashed(_NAME, kind="name"), "salt": ""}), _NAME),
    ("a name by a hash that can be forged",
     _by({**_hashed(_NAME, kind="name"), "identityHash": _MD5}), _NAME),
    ("a name where the learner has an address", _BY_ADDRESS, _NAME),
    ("a name where the learner has a number", _BY_NUMBER, _NAME),
    ("a name with a digit where the learner has a number", _BY_NUMBER, "Ada Lovelace 2"),
    ("a number with spaces within", _BY_NUMBER, "104 6783"),
    ("another number without a digit", _by(_hashed("alovelace", kind="identifier")), "abyron"),
    ("another name beside an address", _by(_hashed(_ADA), _plain(_NAME, "name")), "Ada Byron"),
    ("an address where the learner has a name", _BY_NAME, _ADA),
    ("a number where the learner has a name", _BY_NAME, "1046783"),
    ("a name that looks like an address", _by(_plain(_ADA, "name")), _ADA),
    ("an id that is an address on the web", {"id": "https://college.example/7"}, "1046783"),
    ("nobody", {}, _ADA),
    ("nobody, in an empty array", {"identifier": []}, _ADA),
)  # fmt: skip


def learners() -> list[dict[str, Any]]:
    """Return each case of the comparison, with the verdict due."""
    return [
        {"desc": desc, "subject": subject, "learner": learner, "verdict": verdict}
        for verdict, cases in (("holds", _HOLDS), ("refuted", _REFUTED), ("could not check", _OPEN))
        for desc, subject, learner in cases
    ]


def _names(subject: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """Return a change of whom a credential names."""

    def change(credential: dict[str, Any]) -> None:
        credential["credentialSubject"].pop("id")
        credential["credentialSubject"].update(subject)

    return change


@case("the address of the learner", holds="learner")
def _(scene: Scene) -> None:
    scene.award(_names(_BY_ADDRESS))
    scene.learner = _ADA


@case("the learner in a file", holds="learner", file=True)
def _(scene: Scene) -> None:
    scene.learner = _DID


@case("the address of another learner", refuted="learner")
def _(scene: Scene) -> None:
    scene.award(_names(_BY_ADDRESS))
    scene.learner = "bob@example.org"


@case("a learner who is named otherwise than asked about", unchecked="learner")
def _(scene: Scene) -> None:
    scene.learner = _ADA


@case("the name of the learner, hashed", holds="learner")
def _(scene: Scene) -> None:
    scene.award(_names(_BY_NAME))
    scene.learner = _NAME


@case("the name of the learner, in the clear beside an address", holds="learner")
def _(scene: Scene) -> None:
    scene.award(_names(_by(_hashed(_ADA), _plain(_NAME, "name"))))
    scene.learner = _NAME


@case("another name than that of the learner", unchecked="learner")
def _(scene: Scene) -> None:
    scene.award(_names(_BY_NAME))
    scene.learner = "Ada Byron"


@case("a name where the learner has a number", unchecked="learner")
def _(scene: Scene) -> None:
    scene.award(_names(_BY_NUMBER))
    scene.learner = _NAME


@case("a learner put in by the bearer", refuted="commitment", unchecked="learner")
def _(scene: Scene) -> None:
    scene.alter(_names(_BY_ADDRESS))
    scene.learner = _ADA
