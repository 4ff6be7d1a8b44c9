"""What the product calls the rules of the model, and its caps.

Where a submission breaks two rules, the gate and the model may name different ones: then the
product's name is one of several here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from testamur.rules.key_admission import Caps
from testamur.rules.spending import Limits
from tests.trust_model.settings import Settings

RULES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        rule: frozenset(names)
        for rule, names in {
            "achievement-version": {"achievement-version", "unknown-achievement"},
            "declaration-final": {"compromise-final"},
            "founding-key-needed": {"key-rank"},
            "genesis-again": {"genesis-again", "event-schema"},
            "id-taken": {"id-taken", "already-issued", "achievement-of-another"},
            "kept": {"kept-ranges"},
            "mixed-submission": {"key-events-alone"},
            "organization-closed": {"organization-closed", "key-count", "key-rank"},
            "organization-kept-count": {"kept-ranges"},
            "organization-key-event-count": {"key-events"},
            "own-past": {"compromise-position"},
            "recovery-key-count": {"key-count", "event-schema"},
            "recovery-key-event-count": {"key-events"},
            "recovery-key-kept-count": {"kept-ranges"},
            "recovery-key-needed": {"key-rank"},
            "signature": {"registration-signature"},
            "signing-key-count": {"key-count", "event-schema"},
            "since": {"compromise-position"},
            "submission-empty": {"event-count"},
            "submission-key-event-count": {"key-events"},
            "successor": {"successor", "transition"},
            "transition": {"successor", "transition"},
            "unknown-achievement": {"unknown-achievement", "achievement-version"},
            # The product keeps a key whose listing fell, and says that the key is not in force.
            "unknown-key": {"unknown-key", "key-inactive"},
        }.items()
    }
)
"""By rule of the model, what the product calls it where that is another name."""


AT_THE_GATE: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "id-taken": frozenset(
            {
                "accreditation-of-another",
                "achievement-version",
                "unknown-accreditation",
                "unknown-achievement",
            }
        )
    }
)
"""What a gate may say besides: that an id of a credential was written before, the store tells it
last, when all else about an issuance is right."""


def is_called(rule: str, name: str, *, at_the_gate: bool = False) -> bool:
    """Return whether `name` is the product's for a rule of the model."""
    besides = AT_THE_GATE.get(rule, frozenset()) if at_the_gate else frozenset()
    return name in RULES.get(rule, {rule}) | besides


def limits_of(settings: Settings) -> Limits:
    """Return the caps of a story as the rules take them."""
    return Limits(
        status_events=settings.status_events,
        status_together=settings.status_together,
        status_reserve=settings.status_reserve,
        writings=settings.writings,
        revisions=settings.revisions,
        grants=settings.grants,
        authorities=settings.authorities,
        keys=Caps(
            key_events=settings.organization_key_events,
            founding_only=settings.founders_reserve,
            in_submission=settings.submission_key_events,
            by_recovery_key=settings.recovery_key_spends,
            recovery_keys=settings.recovery_keys_in_force,
            signing_keys=settings.signing_keys_in_force,
            kept_ranges=settings.organization_kept,
            kept_by_founding_only=settings.founders_kept,
            kept_by_recovery_key=settings.recovery_key_kept,
        ),
    )
