"""Which keys an organization has, and which submissions count.

Both follow from the organization's own key events alone: one pass over its recovery keys in the
order of their rank, from the founding key down, then one over its signing keys. No other
organization takes part, so there is nothing to iterate and no circle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from tests.trust_model.events import KeyCompromised, KeyKind, KeyListed, KeyRetired, Registered
from tests.trust_model.settings import Rule, Settings
from tests.trust_model.submissions import Submission

UNRANKED: Final = 1 << 30
"""The rank of every signing key: behind all recovery keys."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What one key declares about another: the last word that holds, and when the first came."""

    since: int
    kept: tuple[tuple[int, int], ...]
    first: int
    """When the same key first declared it; nothing older than the limit is cut off."""

    def covers(self, position: int, recorded_at: int, settings: Settings) -> bool:
        """Return whether a submission with its header at `position` is cut off."""
        if position < self.since:
            return False
        if settings.has(Rule.KEPT) and any(a <= position <= b for a, b in self.kept):
            return False
        return not settings.has(Rule.NINETY_DAYS) or recorded_at >= self.first - settings.limit


@dataclass(frozen=True, slots=True)
class Key:
    """One key of an organization, as its counting key events have it."""

    name: str
    kind: KeyKind
    rank: int
    listed: int
    """The header position of the first counting submission that lists it."""
    lister: str
    retired: int | None = None
    """The header position of the first counting submission that retires it."""
    cuts: Mapping[str, Cut] = field(default_factory=dict)
    """By the key that declares."""

    def counts(self, position: int, recorded_at: int, settings: Settings) -> bool:
        """Return whether a submission at `position`, signed with this key, counts."""
        return (
            self.listed < position
            and (self.retired is None or position <= self.retired)
            and not any(cut.covers(position, recorded_at, settings) for cut in self.cuts.values())
        )


@dataclass(slots=True)
class _Pass:
    """The one pass, half done: what the keys of higher rank said."""

    settings: Settings
    submissions: Mapping[str, Sequence[Submission]]
    """The organization's submissions with key events, by signing key, in order."""
    founding: str
    listings: dict[str, tuple[int, KeyKind, str]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    said: dict[str, list[tuple[Submission, KeyRetired | KeyCompromised]]] = field(
        default_factory=dict
    )

    def list_key(self, position: int, name: str, kind: KeyKind, lister: str) -> None:
        """Take a listing; the first one in the log that counts holds."""
        known = self.listings.get(name)
        if known is None or position < known[0]:
            self.listings[name] = position, kind, lister
        if kind == "recovery" and known is None:
            self.order.append(name)

    def judge(self, name: str, rank: int) -> Key:
        """Return the key as the higher ranks and its own submissions have it."""
        listed, kind, lister = self.listings[name]
        key = Key(name, kind, rank, listed, lister)
        for submission, event in self.said.get(name, ()):
            key = _after(key, submission, event, self.settings)
        for submission in self.submissions.get(name, ()):
            if not key.counts(submission.position, submission.recorded_at, self.settings):
                continue
            for said in submission.key_events():
                if not isinstance(said, KeyListed) and said.key == name:
                    key = _after(key, submission, said, self.settings)
                elif kind == "recovery":
                    self._hear(name, submission, said)
        return key

    def _hear(
        self, name: str, submission: Submission, event: KeyListed | KeyRetired | KeyCompromised
    ) -> None:
        if not isinstance(event, KeyListed):
            # Those of higher rank were judged already, so what is said of them is not heard.
            self.said.setdefault(event.key, []).append((submission, event))
        elif (
            event.kind == "signing"
            or name == self.founding
            or not self.settings.has(Rule.FOUNDER_LISTS_RECOVERY)
        ):
            self.list_key(submission.position, event.key, event.kind, name)


@lru_cache(maxsize=4096)
def keys_of(
    registration: Registered, position: int, own: tuple[Submission, ...], settings: Settings
) -> Mapping[str, Key]:
    """Return the keys of the organization that was registered by the submission at `position`.

    `own` are the organization's submissions with key events, in order. The answer is kept, since
    a story asks the same many times over.
    """
    by_key: dict[str, list[Submission]] = {}
    for submission in own:
        by_key.setdefault(submission.key, []).append(submission)
    founding = registration.organization
    judged = _Pass(settings, by_key, founding)
    first = [founding, *registration.recovery_keys]
    for name in first if settings.has(Rule.RANKS) else reversed(first):
        judged.list_key(position, name, "recovery", founding)
    for name in registration.signing_keys:
        judged.list_key(position, name, "signing", founding)
    keys: dict[str, Key] = {}
    for name in judged.order:  # grows while the founding key is judged
        if judged.listings[name][1] == "recovery":
            keys[name] = judged.judge(name, len(keys))
    for name in judged.listings:
        if name not in keys:
            keys[name] = judged.judge(name, UNRANKED)
    return MappingProxyType(keys)


def _after(
    key: Key, submission: Submission, event: KeyRetired | KeyCompromised, settings: Settings
) -> Key:
    retired, cuts = key.retired, key.cuts
    if isinstance(event, KeyRetired):
        retired = submission.position if retired is None else min(retired, submission.position)
    else:
        before = cuts.get(submission.key)
        if before is None or _may_restate(before, submission.recorded_at, settings):
            first = submission.recorded_at if before is None else before.first
            cuts = {**cuts, submission.key: _cut(submission, event, first, settings)}
    return Key(key.name, key.kind, key.rank, key.listed, key.lister, retired, cuts)


def _cut(submission: Submission, event: KeyCompromised, first: int, settings: Settings) -> Cut:
    own = event.key == submission.key and settings.has(Rule.OWN_PAST)
    if own or event.since is None:
        # A key says nothing about its past: a thief could cut off what the owner signed.
        return Cut(submission.end, (), first)
    return Cut(event.since, event.kept, first)


def _may_restate(before: Cut, recorded_at: int, settings: Settings) -> bool:
    return settings.has(Rule.RESTATE) and (
        not settings.has(Rule.FINAL_DECLARATION) or recorded_at <= before.first + settings.limit
    )


def declaration_open(key: Key, declarer: str, recorded_at: int, settings: Settings) -> bool:
    """Return whether `declarer` may declare `key` compromised now, for the first time or anew."""
    before = key.cuts.get(declarer)
    return before is None or _may_restate(before, recorded_at, settings)
