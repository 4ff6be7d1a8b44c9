"""The kinds of events in their heaviest spellings: trials for `bench.gate_worst`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

import msgspec

from bench.gate_keys import KEY_KINDS
from bench.gate_shapes import LATE, START, Filled, largest_definition, largest_scope
from bench.gate_trial import Act, Trial, made
from testamur.catalogue import events as e
from testamur.rules.status import NOTICE
from tests.harness.story import Party, party


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
        for number in range(min(events, max(len(achievements), len(accreditations))))
    ]
    return [(filled.story.provider, found)]


def _pair_singles(filled: Filled, events: int) -> Sequence[Act]:
    return [(signer, [event]) for signer, all_ in _pairs(filled, events) for event in all_]


_SOME: Final = 250  # credentials


def _suspended(credential: str, _: str) -> e.Event:
    return e.CredentialSuspended(credential=credential, reason="misconduct")


def _reinstated(credential: str, _: str) -> e.Event:
    return e.CredentialReinstated(credential=credential)


def _revoked(credential: str, _: str) -> e.Event:
    return e.CredentialRevoked(credential=credential, reason="misconduct")


def _superseded(credential: str, successor: str) -> e.Event:
    return e.CredentialSuperseded(credential=credential, successor=successor)


class _History(NamedTuple):
    """What was said of a credential before: by so many keys, and what became of them."""

    keys: int = 0
    turns: Sequence[Callable[[str, str], e.Event]] = (_suspended, _reinstated) * 4
    declared: bool = False
    """Whether they were declared compromised from the beginning; else they were retired."""
    successors: int = 0
    """So many others did it instead, whom the accreditor named a month before."""
    by_another: bool = False
    """Whether one more of these successors says what is measured; else the owner does."""


class _Credentials:
    """Status events about credentials that were issued for them, each with a long history."""

    def __init__(
        self, last: Callable[[str, str], e.Event], history: _History, *, some: int
    ) -> None:
        self._last = last
        self._history = history
        self._some = some
        self._signer: Party | None = None

    def before(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return the submissions that issue the credentials and give them a history."""
        story, history = filled.story, self._history
        # The story's key names the last of them as what supersedes the others.
        self._ids = [story.new_id() for _ in range(4 * self._some + 1)]
        issued: list[Act] = [(story.provider, [story.issued(id_) for id_ in self._ids])]
        if history.successors:
            return [*issued, *self._by_successors(filled)]
        founding = story.provider.founding
        keys = [founding.with_key(f"spent-{next(made)}") for _ in range(history.keys)]
        if not keys:
            return issued
        turns = self._turns(keys)
        gone = [
            story.key_compromised(key, 10) if history.declared else story.key_retired(key)
            for key in keys
        ]
        return [
            *issued,
            (founding, [story.key_listed(key) for key in keys]),
            *turns,
            (founding, gone),
        ]

    def _by_successors(self, filled: Filled) -> list[Act]:
        story, history = filled.story, self._history
        count = history.successors + history.by_another
        named = [party(f"successor {next(made)}") for _ in range(count)]
        entering = [story.registered(story.accreditor, each, "provider") for each in named]
        for each in named:
            naming = story.succeeded(story.provider, each)
            filled.say(story.accreditor, naming, at=LATE + 10, ago=NOTICE)
        if history.by_another:
            self._signer = named.pop()
        return [(story.accreditor, entering), *self._turns(named)]

    def _turns(self, signers: Sequence[Party]) -> list[Act]:
        ids = self._ids[: 4 * self._some]
        return [
            (signer, [event(id_, "") for id_ in ids[at : at + 25]])
            for signer in signers
            for event in self._history.turns
            for at in range(0, len(ids), 25)
        ]

    def acts(self, filled: Filled, events: int) -> Sequence[Act]:
        """Return one submission about some of them."""
        some = min(self._some, events)
        taken, self._ids = self._ids[:some], self._ids[some:]
        signer = filled.story.provider if self._signer is None else self._signer
        return [(signer, [self._last(id_, self._ids[-1]) for id_ in taken])]


def _of_credentials(last: Callable[[str, str], e.Event]) -> tuple[Trial, ...]:
    found = []
    for name, history, some in (
        ("fresh ones", _History(), _SOME),
        ("after 8 events by each of 7 keys", _History(7), 25),
        ("after 56 by keys that were declared", _History(7, declared=True), 25),
        ("after 56 revocations by such keys", _History(7, (_revoked,) * 8, declared=True), 25),
        ("after 8 events by each of 8 successors", _History(successors=8), 25),
        ("after 8 by each of 7, by an eighth", _History(successors=7, by_another=True), 25),
    ):
        if history.by_another and last is _superseded:
            continue  # by a credential of its own alone
        credentials = _Credentials(last, history, some=some)
        found.append(Trial(name, credentials.acts, credentials.before, shares="submission"))
    return tuple(found)


_FEW: Final = 5  # of the largest events


def _accreditations(filled: Filled) -> list[e.AccreditationGranted]:
    story, scope = filled.story, largest_scope()
    return [
        msgspec.structs.replace(story.accredited(story.new_id()), scope=scope) for _ in range(_FEW)
    ]


def _fresh(filled: Filled, who: Party) -> tuple[Party, Act]:
    """Return an organization with a key that has spent nothing, and what lists that key."""
    fresh = who.with_key(f"fresh-{next(made)}")
    return fresh, (who.founding, [filled.story.key_listed(fresh)])


class _Fresh:
    """Events that a key signs which has spent nothing: it may say only so much in its life."""

    def __init__(
        self, who: Callable[[Filled], Party], events: Callable[[Filled], Sequence[e.Event]]
    ) -> None:
        self._who = who
        self._events = events
        self._signer: Party | None = None

    def before(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return the submission that lists the key."""
        who, spent = self._who(filled), self._signer
        self._signer, listing = _fresh(filled, who)
        if spent is not None and spent.key_id in filled.register.organizations[who.did].keys.keys:
            return [(who.founding, [filled.story.key_retired(spent)]), listing]
        return [listing]

    def acts(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return submissions of one event each."""
        signer = self._signer or self._who(filled)
        return [(signer, [event]) for event in self._events(filled)]


def _authority(filled: Filled) -> Party:
    return filled.story.authority


def _accreditor(filled: Filled) -> Party:
    return filled.story.accreditor


def _provider(filled: Filled) -> Party:
    return filled.story.provider


def _by_fresh(
    name: str, who: Callable[[Filled], Party], events: Callable[[Filled], Sequence[e.Event]]
) -> tuple[Trial, ...]:
    fresh = _Fresh(who, events)
    return (Trial(name, fresh.acts, fresh.before),)


class _Changes:
    """Suspensions, reinstatements and withdrawals of accreditations with the largest scope."""

    def __init__(self, *steps: Callable[[str], e.Event]) -> None:
        self._steps = steps
        self._ids: list[str] = []

    def before(self, filled: Filled, _: int) -> Sequence[Act]:
        """Return the submissions that grant them, and all steps but the last."""
        granted = _accreditations(filled)
        self._ids = [event.accreditation for event in granted]
        accreditor, listing = _fresh(filled, filled.story.accreditor)
        found: list[Act] = [listing, *((accreditor, [event]) for event in granted)]
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


def _recognitions(filled: Filled) -> Sequence[e.Event]:
    story, scope = filled.story, largest_scope()
    granted = [
        msgspec.structs.replace(story.recognised(story.new_id()), scope=scope) for _ in range(_FEW)
    ]
    filled.recognitions += [event.recognition for event in granted]
    return granted


def _authority_recognised(filled: Filled) -> Sequence[e.Event]:
    story = filled.story
    return [
        story.recognised(story.new_id(), as_="authority", of=story.provider) for _ in range(_FEW)
    ]


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


_VERSIONS: Final = 10_000
"""Of one achievement, at most."""


def _revised(filled: Filled) -> Sequence[e.Event]:
    if filled.revision == _VERSIONS:
        return []
    filled.revision += 1
    return [
        e.AchievementRevised(
            achievement=filled.story.achievement,
            definition=largest_definition(filled.story),
            version=filled.revision,
        )
    ]


def _retired(filled: Filled, _: int) -> Sequence[Act]:
    some = filled.retiring or filled.achievements
    if not some:
        return []
    retired = [e.AchievementRetired(achievement=some.pop()) for _ in range(_FEW)]
    return [(filled.story.provider, retired)]


def _registered(filled: Filled, _: int) -> Sequence[Act]:
    story = filled.story
    newcomers = [party(f"newcomer {next(made)}") for _ in range(20)]
    filled.newcomers += newcomers
    return [
        (story.accreditor, [story.registered(story.accreditor, each, "provider")])
        for each in newcomers
    ]


def _updated(filled: Filled) -> Sequence[e.Event]:
    return [filled.story.updated("N")]


def _objected(filled: Filled) -> Sequence[e.Event]:
    return [filled.story.objected()]


def _succeeded(filled: Filled) -> Sequence[e.Event]:
    return [filled.story.succeeded(filled.story.provider, filled.story.authority)]


def _closed(filled: Filled, _: int) -> Sequence[Act]:
    return [(filled.newcomers.pop(), [filled.story.closed()])]


def _restated_accreditation(filled: Filled) -> Sequence[e.Event]:
    return [filled.story.accreditation_restated()]


def _restated_recognition(filled: Filled) -> Sequence[e.Event]:
    return [filled.story.recognition_restated()]


KINDS: Final[dict[str, tuple[Trial, ...]]] = {
    "credential.issued/1": (
        Trial("a cohort", _cohort, shares="submission"),
        Trial("submissions of one", _singles, shares="transaction"),
        Trial("a cohort of distinct dates", _dated, shares="submission"),
        Trial("a cohort of distinct achievements and accreditations", _pairs, shares="submission"),
        Trial(
            "submissions of one, of distinct achievements and accreditations",
            _pair_singles,
            shares="transaction",
        ),
    ),
    "credential.suspended/1": _of_credentials(_suspended),
    "credential.revoked/1": _of_credentials(_revoked),
    "credential.superseded/1": _of_credentials(_superseded),
    "organization.registered/1": (Trial("a newcomer", _registered),),
    "organization.closed/1": (Trial("a newcomer", _closed),),
    "organization.updated/1": _by_fresh("the provider", _provider, _updated),
    "organization.objected/1": _by_fresh("the provider", _provider, _objected),
    "organization.succeeded/1": _by_fresh("the accreditor's word", _accreditor, _succeeded),
    **KEY_KINDS,
    "accreditation.restated/1": _by_fresh("the story's", _accreditor, _restated_accreditation),
    "recognition.restated/1": _by_fresh("the story's", _authority, _restated_recognition),
    "accreditation.granted/1": _by_fresh("the largest scope", _accreditor, _accreditations),
    "accreditation.suspended/1": _changed("the largest scope", _accreditation_suspended),
    "accreditation.reinstated/1": _changed(
        "the largest scope", _accreditation_suspended, _accreditation_reinstated
    ),
    "accreditation.withdrawn/1": _changed("the largest scope", _accreditation_withdrawn),
    # After the accreditations, which are judged by the recognitions of the shape.
    "recognition.granted/1": (
        *_by_fresh("the largest scope", _authority, _recognitions),
        *_by_fresh("of an authority", _authority, _authority_recognised),
    ),
    "recognition.withdrawn/1": (Trial("the largest scope", _recognition_withdrawn),),
    "achievement.defined/1": (Trial("the largest definition", _defined),),
    "achievement.revised/1": _by_fresh("the largest definition", _provider, _revised),
    "achievement.retired/1": (Trial("one of many", _retired),),
}
"""By wire name, the trials of each kind of event."""
