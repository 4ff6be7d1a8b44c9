"""The numbers of the rules, and a switch for each rule that a test takes away.

`PRODUCT` has the caps of the product. `SMALL` has caps that a random story reaches within a few
dozen submissions. A rule that is taken away shows that some story needs it; nothing else does
that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from tests.trust_model.submissions import DAY


class Rule(Enum):
    """A rule that can be taken away to see which story breaks."""

    REGISTRATION_SURVIVES = auto()
    FOUNDER_SIGNS = auto()
    UNTIL = auto()
    OWN_PAST = auto()
    FOUNDER_LISTS_RECOVERY = auto()
    RANKS = auto()
    KEPT = auto()
    NINETY_DAYS = auto()
    RESTATE = auto()
    FINAL_DECLARATION = auto()
    CLOSED_MAY_DECLARE = auto()
    RIGHTS_ANEW = auto()
    FINAL_STATUS = auto()
    OWNERS_END = auto()
    FIRST_WRITER = auto()
    SAME_LINE = auto()
    WRITTEN_VERSIONS = auto()
    STATED_AGAIN = auto()
    RECOGNISED_AS = auto()
    CHAIN_LENGTH = auto()
    AT_ISSUANCE = auto()
    CHAIN_IS_HEARD = auto()
    OWN_ACCREDITOR = auto()
    ANCHORED_SPEAKER = auto()
    BARS_NOBODY = auto()
    NOTICE = auto()
    OBJECTION = auto()
    LOGGED_FACTS = auto()
    FOUNDERS_RESERVE = auto()
    KEY_SPENDS = auto()
    KEPT_RESERVE = auto()
    KEPT_SPENDS = auto()
    LISTED_ONCE = auto()
    SAID_ONCE = auto()
    KEYS_IN_FORCE = auto()
    STATUS_SPENDS = auto()
    STATUS_TOGETHER = auto()
    STATUS_RESERVE = auto()
    ALWAYS_ENDED = auto()
    WRITING_SPENDS = auto()
    AUTHORITY_SPENDS = auto()
    SUCCESSOR_SPENDS = auto()
    REVISION_SPENDS = auto()
    GRANT_SPENDS = auto()


@dataclass(frozen=True, slots=True)
class Settings:
    """Caps and periods; `without` holds the rules taken away."""

    organization_key_events: int = 1024
    founders_reserve: int = 128
    submission_key_events: int = 64
    recovery_key_spends: int = 64
    signing_keys_in_force: int = 16
    recovery_keys_in_force: int = 8
    status_events: int = 8
    """Of one key on one thing."""
    status_together: int = 64
    """Of all keys of an organization on a thing of its own."""
    status_reserve: int = 32
    """So many of them, the last, are for keys that the founding key listed."""
    writings: int = 16
    """How often a line is written, by all keys."""
    revisions: int = 64
    grants: int = 16
    """Recognitions of a key for one subject, and as many accreditations."""
    authorities: int = 64
    """Recognitions of a key that make authorities, of all subjects."""
    kept_ranges: int = 1000
    """Of one declaration; the next two count those of all that a key or an organization said."""
    recovery_key_kept: int = 512
    organization_kept: int = 2048
    founders_kept: int = 1024
    """So many of them, the last, are the founding key's alone."""
    chain: int = 4
    limit: int = 90 * DAY
    """How far back a declaration reaches, and how long it may be restated."""
    notice: int = 30 * DAY
    """When a succession takes effect for an organization that has not closed."""
    until: int = 30
    """How many days before its `until` a registration is taken."""
    every_status: bool = False
    """Whether the gate takes a status event in every status; a final one stays final all the same.

    Not a rule yet. Without it a thief's final status keeps the owner from a lighter sanction.
    """
    without: frozenset[Rule] = frozenset()

    def has(self, rule: Rule) -> bool:
        """Return whether the rule applies."""
        return not self.without or rule not in self.without

    def less(self, *rules: Rule) -> Settings:
        """Return these settings with further rules taken away."""
        return replace(self, without=self.without | set(rules))


PRODUCT: Final = Settings()
SMALL: Final = Settings(
    organization_key_events=40,
    founders_reserve=12,
    submission_key_events=6,
    recovery_key_spends=8,
    signing_keys_in_force=5,
    recovery_keys_in_force=3,
    status_events=4,
    status_together=10,
    status_reserve=5,
    writings=4,
    revisions=3,
    grants=4,
    authorities=5,
    kept_ranges=20,
    recovery_key_kept=5,
    organization_kept=20,
    founders_kept=12,
)
