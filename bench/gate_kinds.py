"""The kinds of events in their heaviest spellings: trials for `bench.gate_worst`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple, TypeAlias

import msgspec

from bench.gate_shapes import START, Filled, largest_definition, largest_scope
from testamur.catalogue import events as e
from tests.harness.story import Party, party

Act: TypeAlias = tuple[Party, Sequence[e.Event]]
"""Who signs one submission, and its events."""


class Trial(NamedTuple):
    """A spelling of a kind of event: what must be recorded before, and the submissions to time.

    Called again it gives others. No acts: it cannot be tried in a register of this shape.
    """

    name: str
    acts: Callable[[Filled, int], Sequence[Act]]
    before: Callable[[Filled, int], Sequence[Act]] = lambda *_: ()
    many: bool = False
    """Whether a submission holds hundreds of them, so that what it costs itself is shared."""


def _issued(filled: Filled, **members: object) -> e.CredentialIssued:
    return msgspec.structs.replace(filled.story.issued(), **members)


def _cohort(filled: Filled, events: int) -> Sequence[Act]:
    return [(filled.story.provider, [filled.story.issued() for _ in range(events)])]


def _singles(filled: Filled, events: int) -> Sequence[Act]:
    return [(filled.story.provider, [filled.story.issued()]) for _ in range(events)]


def _dated(filled: Filled, events: int) -> Sequence[Act]:
    days = (START + timedelta(days=number) for number in range(events))
    found = [_issued(filled, valid_from=day, valid_until=date(2100, 1, 1)) for day in days]
    return [(filled.story.provider, found)]


def _pairs(filled: Filled, events: int) -> Sequence[Act]:
    """Every event names an achievement and an accreditation that none before it named together."""
    achievements = filled.achievements or [filled.story.achievement]
    accreditations = filled.accreditations or [filled.story.accreditation]
    if len(achievements) == len(accreditations) == 1:
        return []
    found = [
        _issued(
            filled,
            achievement=achievements[number % len(achievements)],
            accreditation=accreditations[number % len(accreditations)],
        )
        for number in range(events)
    ]
    return [(filled.story.provider, found)]


def _pair_singles(filled: Filled, events: int) -> Sequence[Act]:
    return [(signer, [event]) for signer, all_ in _pairs(filled, events) for event in all_]


_SOME: Final = 250  # credentials


class _Credentials:
    """Status events about credentials that were issued for them, each with a long history."""

    def __init__(self, last: Callable[[str, str], e.Event], *, turns: int) -> None:
        self._last = last
        self._turns = turns

    def before(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return the submissions that issue the credentials and give them a history."""
        story = filled.story
        self._ids = [story.new_id() for _ in range(4 * _SOME)]
        issued: list[Act] = [(story.provider, [story.issued(id_) for id_ in self._ids])]
        return issued + [
            (story.provider, [event(id_, "") for id_ in self._ids])
            for _ in range(self._turns)
            for event in (_suspended, _reinstated)
        ]

    def acts(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return one submission about some of them."""
        taken, self._ids = self._ids[:_SOME], self._ids[_SOME:]
        return [(filled.story.provider, [self._last(id_, self._ids[-1]) for id_ in taken])]


def _suspended(credential: str, _: str) -> e.Event:
    return e.CredentialSuspended(credential=credential, reason="misconduct")


def _reinstated(credential: str, _: str) -> e.Event:
    return e.CredentialReinstated(credential=credential)


def _revoked(credential: str, _: str) -> e.Event:
    return e.CredentialRevoked(credential=credential, reason="misconduct")


def _superseded(credential: str, successor: str) -> e.Event:
    return e.CredentialSuperseded(credential=credential, successor=successor)


def _of_credentials(last: Callable[[str, str], e.Event]) -> tuple[Trial, ...]:
    found = []
    for name, turns in (("fresh ones", 0), ("after 40 events each", 20)):
        credentials = _Credentials(last, turns=turns)
        found.append(Trial(name, credentials.acts, credentials.before, many=True))
    return tuple(found)


_FEW: Final = 5  # of the largest events


def _accreditations(filled: Filled) -> list[e.AccreditationGranted]:
    story, scope = filled.story, largest_scope()
    return [
        msgspec.structs.replace(story.accredited(story.new_id()), scope=scope) for _ in range(_FEW)
    ]


def _accredited(filled: Filled, _: int) -> Sequence[Act]:
    return [(filled.story.accreditor, [event]) for event in _accreditations(filled)]


class _Changes:
    """Suspensions, reinstatements and withdrawals of accreditations with the largest scope."""

    def __init__(self, *steps: Callable[[str], e.Event]) -> None:
        self._steps = steps
        self._ids: list[str] = []

    def before(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return the submissions that grant them, and all steps but the last."""
        granted, accreditor = _accreditations(filled), filled.story.accreditor
        self._ids = [event.accreditation for event in granted]
        found: list[Act] = [(accreditor, [event]) for event in granted]
        return found + [(accreditor, [step(id_) for id_ in self._ids]) for step in self._steps[:-1]]

    def acts(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return the last step of one of them."""
        id_ = self._ids.pop()
        return [(filled.story.accreditor, [self._steps[-1](id_)])]


def _accreditation_suspended(id_: str) -> e.Event:
    return e.AccreditationSuspended(accreditation=id_, reason="misconduct")


def _accreditation_reinstated(id_: str) -> e.Event:
    return e.AccreditationReinstated(accreditation=id_)


def _accreditation_withdrawn(id_: str) -> e.Event:
    return e.AccreditationWithdrawn(accreditation=id_, reason="misconduct")


def _changed(name: str, *steps: Callable[[str], e.Event]) -> tuple[Trial, ...]:
    changes = _Changes(*steps)
    return (Trial(name, changes.acts, changes.before),)


def _recognised(filled: Filled, _: int) -> Sequence[Act]:
    story, scope = filled.story, largest_scope()
    granted = [
        msgspec.structs.replace(story.recognised(story.new_id()), scope=scope) for _ in range(_FEW)
    ]
    filled.recognitions += [event.recognition for event in granted]
    return [(story.authority, [event]) for event in granted]


def _recognition_withdrawn(filled: Filled, _: int) -> Sequence[Act]:
    if not filled.recognitions:
        return []
    id_ = filled.recognitions.pop()
    event = e.RecognitionWithdrawn(recognition=id_, reason="misconduct")
    return [(filled.story.authority, [event])]


def _defined(filled: Filled, _: int) -> Sequence[Act]:
    story, definition = filled.story, largest_definition(filled.story)
    return [
        (
            story.provider,
            [e.AchievementDefined(achievement=story.new_id(), definition=definition)],
        )
        for _ in range(_FEW)
    ]


def _revised(filled: Filled, _: int) -> Sequence[Act]:
    filled.revision += 1
    event = e.AchievementRevised(
        achievement=filled.story.achievement,
        definition=largest_definition(filled.story),
        version=filled.revision,
    )
    return [(filled.story.provider, [event])]


def _retired(filled: Filled, _: int) -> Sequence[Act]:
    if not filled.achievements:
        return []
    return [
        (
            filled.story.provider,
            [e.AchievementRetired(achievement=filled.achievements.pop()) for _ in range(_FEW)],
        )
    ]


_made: Final = iter(range(10**9))


def _registered(filled: Filled, _: int) -> Sequence[Act]:
    story = filled.story
    newcomers = [party(f"newcomer {next(_made)}") for _ in range(20)]
    filled.newcomers += [each.did for each in newcomers]
    return [
        (story.accreditor, [story.registered(story.accreditor, each, "provider")])
        for each in newcomers
    ]


def _updated(filled: Filled, _: int) -> Sequence[Act]:
    did = filled.story.provider.did
    return [
        (filled.story.provider, [e.OrganizationUpdated(country="NL", name="N", organization=did)])
    ]


def _closed(filled: Filled, _: int) -> Sequence[Act]:
    event = e.OrganizationClosed(organization=filled.newcomers.pop())
    return [(filled.story.accreditor, [event])]


def _key_added(filled: Filled, _: int) -> Sequence[Act]:
    provider = filled.story.provider
    fresh = provider.with_key(f"key-{next(_made)}")
    return [(provider, [filled.story.key_added(provider, fresh)])]


class _Keys:
    """A key that is listed before, for what may become of it."""

    def __init__(self, last: Callable[[str, str], e.Event]) -> None:
        self._last = last
        self._keys: list[str] = []

    def before(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return the submission that lists the keys."""
        provider = filled.story.provider
        self._keys = [f"key-{next(_made)}" for _ in range(3)]
        return [
            (
                provider,
                [filled.story.key_added(provider, provider.with_key(key)) for key in self._keys],
            )
        ]

    def acts(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return what becomes of one of them."""
        key, provider = self._keys.pop(), filled.story.provider
        return [(provider, [self._last(provider.did, key)])]


def _key_retired(did: str, key: str) -> e.Event:
    return e.KeyRetired(key=key, organization=did)


def _of_keys(last: Callable[[str, str], e.Event]) -> tuple[Trial, ...]:
    keys = _Keys(last)
    return (Trial("one of many", keys.acts, keys.before),)


KINDS: Final[dict[str, tuple[Trial, ...]]] = {
    "credential.issued/1": (
        Trial("a cohort", _cohort, many=True),
        Trial("submissions of one", _singles),
        Trial("a cohort of distinct dates", _dated, many=True),
        Trial("a cohort of distinct achievements and accreditations", _pairs, many=True),
        Trial("submissions of one, of distinct achievements and accreditations", _pair_singles),
    ),
    "credential.suspended/1": _of_credentials(_suspended),
    "credential.revoked/1": _of_credentials(_revoked),
    "credential.superseded/1": _of_credentials(_superseded),
    "organization.registered/1": (Trial("a newcomer", _registered),),
    "organization.updated/1": (Trial("the provider", _updated),),
    "organization.closed/1": (Trial("by its sponsor", _closed),),
    "key.added/1": (Trial("the provider's", _key_added),),
    "key.retired/1": _of_keys(_key_retired),
    "accreditation.granted/1": (Trial("the largest scope", _accredited),),
    "accreditation.suspended/1": _changed("the largest scope", _accreditation_suspended),
    "accreditation.reinstated/1": _changed(
        "the largest scope", _accreditation_suspended, _accreditation_reinstated
    ),
    "accreditation.withdrawn/1": _changed("the largest scope", _accreditation_withdrawn),
    # After the accreditations, which are judged by the recognitions of the shape.
    "recognition.granted/1": (Trial("the largest scope", _recognised),),
    "recognition.withdrawn/1": (Trial("the largest scope", _recognition_withdrawn),),
    "achievement.defined/1": (Trial("the largest definition", _defined),),
    "achievement.revised/1": (Trial("the largest definition", _revised),),
    "achievement.retired/1": (Trial("one of many", _retired),),
}
"""By wire name, the trials of each kind of event."""
