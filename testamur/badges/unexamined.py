"""What a credential carries that nobody examined: named, so that nobody takes it for checked.

These members say where something could be looked up, or hold what somebody else signed. They are
named by path alone, since their values may be personal. A verdict does not rest on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

MEANINGS: Final[dict[str, str]] = {
    "confidenceMethod": "how its holder can show that it is theirs",
    "credentialSchema": "a schema that it is to follow",
    "credentialStatus": "a status list of the issuer's own, which may say that it was revoked",
    "endorsement": "what others say of it, signed by themselves",
    "endorsementJwt": "what others say of it, signed by themselves",
    "evidence": "what the award rests on",
    "refreshService": "where a newer one may be had",
    "relatedResource": "files that belong to it",
    "renderMethod": "how it is to be shown",
    "termsOfUse": "terms of its use",
}
"""By member, what it holds, in words."""
CONTEXTS: Final = "@context beyond those of the two standards"

_NOT_WALKED: Final = frozenset({"proof", "@context", *MEANINGS})
_SUBJECT: Final = "credentialSubject.achievement."


def unexamined(credential: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the paths of such members, wherever they are, each once."""
    found = [*_members(credential)]
    contexts = credential.get("@context")
    if isinstance(contexts, list) and len(contexts) > 2:
        found.append(CONTEXTS)
    return tuple(dict.fromkeys(found))


def meaning(path: str) -> str | None:
    """Return what the member at such a path holds, in words; None where the path says it."""
    return MEANINGS.get(path.rpartition(".")[2])


def _members(credential: Mapping[str, Any]) -> Iterator[str]:
    waiting: list[tuple[str, Any]] = [("", credential)]
    for place, value in waiting:  # grows as we go
        if isinstance(value, list):
            waiting.extend((place, item) for item in value if isinstance(item, dict | list))
            continue
        for name, inner in value.items():
            if name in MEANINGS and inner is not None:
                path = f"{place}{name}"
                yield path.removeprefix("credentialSubject.") if _SUBJECT in path else path
            elif name not in _NOT_WALKED and isinstance(inner, dict | list):
                # A long name over many values would be a small file, and gigabytes of paths.
                waiting.append((f"{place}{name[:80]}."[-400:], inner))
