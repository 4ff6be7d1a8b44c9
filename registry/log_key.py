"""The log's own key is nobody's: it signs checkpoints, and opens the log.

An organization that had it could be mistaken for the log, and a theft of it would be two thefts. A
replayer takes such an entry: the organization would be one more with a key of its own, and its word
counts for no more than that of any other.
"""

from __future__ import annotations

from collections.abc import Sequence

from testamur.catalogue import events as e
from testamur.errors import Refusal
from testamur.keys import PublicKey


def refuse_log_key(events: Sequence[e.Event], log_key: PublicKey) -> None:
    """Raise `Refusal` (rule `log-key`) for the first event that gives somebody the log's key."""
    key = log_key.multikey()
    for line, event in enumerate(events, 2):
        if key in _keys_given(event):
            raise Refusal(
                "log-key",
                "this is the key of the log, which signs checkpoints and is nobody's; make a key "
                "of your own: testamur keygen",
                line=line,
                value=key,
            )


def _keys_given(event: e.Event) -> Sequence[str]:
    """Return the Multikeys that an event gives to an organization."""
    if isinstance(event, e.KeyListed):
        return [event.key]
    if isinstance(event, e.OrganizationRegistered):
        founding = event.organization.removeprefix("did:key:")
        return [founding, *event.recovery_keys, *event.signing_keys]
    if isinstance(event, e.LogOpened):
        return [key for each in event.authorities for key in _keys_given(each)]
    return []
