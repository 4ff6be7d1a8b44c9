"""Who would be awarded an achievement again: by the ledger, and by what became of the credential.

A learner whose credential was revoked, replaced, or has run out may be awarded anew. The ledger
knows what was ended with the keys of this folder; a register knows the rest, and is asked about
the first `MOST_ASKED` alone, so a whole cohort prepared a second time is refused at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import Final

from testamur.catalogue.events import (
    CredentialIssued,
    CredentialRevoked,
    CredentialSuperseded,
    Event,
)
from testamur.catalogue.lifecycle import FINAL
from testamur.cli.awarded_ledger import Ledger, Prepared
from testamur.errors import Refusal
from testamur.http.client import RegistryClient
from testamur.tlog.source import NotFound

RULE: Final = "already-awarded"
MOST_ASKED: Final = 200

Standing = Callable[[str], bool]
"""Returns whether a credential stands, so that its learner holds it."""


def awarded_again(
    ledger: Ledger,
    prepared: Mapping[str, Prepared],
    *,
    log: str | None,
    ended: Collection[str] = (),
    stands: Standing | None = None,
) -> dict[str, Refusal]:
    """Return by credential why it would be a second award to its learner.

    `prepared` has the tokens of credentials that are to be issued, in order; `ended` are those that
    the same submission ends. Without `stands` what the ledger has stands. Rule `already-awarded`.
    """
    wanted = {one for each in prepared.values() if not each.again for one in each.tokens}
    before = ledger.awarded(wanted, log)
    asked: dict[str, bool] = {}

    def standing(known: str) -> bool:
        if known not in asked:
            asked[known] = stands is None or len(asked) >= MOST_ASKED or stands(known)
        return asked[known]

    here: dict[str, str] = {}
    found: dict[str, Refusal] = {}
    for credential, each in prepared.items():
        if each.again:
            continue
        earlier = {known for one in each.tokens for known in before.get(one, ())}
        earlier -= {credential, *ended}
        twice = [here[one] for one in each.tokens if one in here]
        holds = twice[0] if twice else next(filter(standing, sorted(earlier)), None)
        if holds is not None:
            found[credential] = _refusal(holds)
        here |= dict.fromkeys(each.tokens, credential)
    return found


def tokens_in(ledger: Ledger, events: Iterable[Event]) -> tuple[dict[str, Prepared], set[str]]:
    """Return what is remembered of the credentials that events issue, and which they end."""
    issued: list[str] = []
    ended: set[str] = set()
    for event in events:
        if isinstance(event, CredentialIssued):
            issued.append(event.credential)
        elif isinstance(event, CredentialRevoked | CredentialSuperseded):
            ended.add(event.credential)
    known = ledger.prepared(set(issued))
    return {each: known[each] for each in issued if each in known}, ended


def standing_in(registry: RegistryClient, today: date, size: int) -> Standing:
    """Return the question to a register whether a credential stands on a day, as of a size.

    One that it does not know stands: there is a receipt of it.
    """

    def stands(credential: str) -> bool:
        try:
            found = registry.status(credential, size=size)
        except NotFound:
            return True
        over = found.valid_until is not None and found.valid_until < today
        return found.status is not None and found.status not in FINAL and not over

    return stands


def _refusal(known: str) -> Refusal:
    return Refusal(
        RULE,
        "this learner holds the achievement already; leave the row out, end that credential first "
        "(testamur revoke), or mean it: prepare with --award-again",
        value=known,
    )
