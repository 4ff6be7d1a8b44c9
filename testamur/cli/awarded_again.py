"""Who would be awarded an achievement again: by the ledger, and by what became of the credential.

A learner whose credential was revoked, replaced, or has run out may be awarded anew. The ledger
knows what was ended with the keys of this folder; a register knows the rest, and is asked about
the first `MOST_ASKED` alone, so a whole cohort prepared a second time is refused at once.

A command that was cut off may leave a submission on the log without a receipt, and so without a
line in the ledger. So the register is also asked about what was prepared before.
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

Standing = Callable[[str], bool | None]
"""Returns whether a credential stands, so that its learner holds it; None if it is not on the log.
"""


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
    receipted = {known for credentials in before.values() for known in credentials}
    asked: dict[str, bool] = {}

    def standing(known: str) -> bool:
        if known not in asked:
            answer = True if stands is None or len(asked) >= MOST_ASKED else stands(known)
            # One of which there is a receipt stands, though the register does not know it.
            asked[known] = known in receipted if answer is None else answer
        return asked[known]

    if stands is not None:
        for file in ledger.pending(wanted, prepared.keys()):
            # They were most likely submitted together, or not at all.
            if stands(file[0].credential) is not None:
                for entry in file:
                    before.setdefault(entry.token, []).append(entry.credential)
    here: dict[str, str] = {}
    found: dict[str, Refusal] = {}
    for credential, each in prepared.items():
        if each.again:
            continue
        earlier = {known for one in each.tokens for known in before.get(one, ())}
        earlier -= {credential, *ended}
        twice = [here[one] for one in each.tokens if one in here]
        holds = next(filter(standing, sorted(earlier)), None)
        if holds is not None or twice:
            found[credential] = _twice(twice[0]) if holds is None else _refusal(holds)
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
    """Return the question to a register whether a credential stands on a day, as of a size."""

    def stands(credential: str) -> bool | None:
        try:
            found = registry.status(credential, size=size)
        except NotFound:
            return None
        over = found.valid_until is not None and found.valid_until < today
        return found.status is not None and found.status not in FINAL and not over

    return stands


def _twice(first: str) -> Refusal:
    return Refusal(
        RULE,
        "this learner is awarded the achievement twice here: leave one out, or prepare with "
        "--award-again",
        value=first,
    )


def _refusal(known: str) -> Refusal:
    return Refusal(
        RULE,
        "this learner holds the achievement already: leave the row out, or end that credential "
        "first (testamur revoke); to replace it (testamur replace), or to award it twice, prepare "
        "with --award-again",
        value=known,
    )
