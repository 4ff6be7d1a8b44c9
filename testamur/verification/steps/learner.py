"""Step 13: whose the credential is, as far as the verifier asks."""

from __future__ import annotations

from typing import Any, Final

from testamur.badges.identities import Asked, check_learner, names_nobody
from testamur.badges.openbadges import Badge
from testamur.verification.finding import Fault, Finding, need

_NOT_ASKED: Final = (
    "whose it is was not checked: compare it with the learner's e-mail address, number or DID "
    "(--learner)"
)
_NOBODY: Final = "whose it is could not be checked: the credential names no learner"


def learner(credential: dict[str, Any], badge: Badge | Fault, asked: Asked | None) -> Finding:
    """(13) The credential names the learner asked about; nothing to look at if nobody asks."""
    if asked is None:
        return Finding("", None, notes=(_NOBODY if names_nobody(credential) else _NOT_ASKED,))
    need(badge)  # a credential that can be read in two ways may name two people
    return Finding(check_learner(credential, asked))
