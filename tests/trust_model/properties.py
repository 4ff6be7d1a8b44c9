"""What must be true of every random story; each property returns what violates it, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Final, TypeAlias

from tests.trust_model.cast import ANCHORS
from tests.trust_model.events import (
    Issued,
    KeyCompromised,
    KeyEvent,
    Opened,
    Registered,
    Updated,
)
from tests.trust_model.gate import ADMITTED
from tests.trust_model.honest import HONEST, list_key
from tests.trust_model.meant import meant
from tests.trust_model.random_story import Told
from tests.trust_model.spending import purse_of
from tests.trust_model.story import Register, as_logged, play
from tests.trust_model.submissions import Log, Submission
from tests.trust_model.verdict import verdict
from tests.trust_model.world import counts, evaluate

Property: TypeAlias = Callable[[Told], Iterator[str]]


def honest_work_is_admitted(told: Told) -> Iterator[str]:
    """No theft keeps an owner from declaring, listing a key and issuing anew."""
    yield from told.complaints


def verdicts_are_what_was_meant(told: Told) -> Iterator[str]:
    """With every theft declared, a credential holds exactly if honest people meant it to."""
    ledger = meant(told.register.log, told.given_up)
    for credential in ledger.credentials():
        found = told.register.verdict(credential, ANCHORS)
        if found.holds != ledger.holds(credential, ANCHORS):
            wanted = "hold" if not found.holds else "fail"
            yield f"{credential} was meant to {wanted}: {found}"


def adversaries_gain_nothing(told: Told) -> Iterator[str]:
    """No credential that a thief or a stranger issued holds."""
    honest = set(meant(told.register.log, told.given_up).credentials())
    for credential in _issued(told.register.log) - honest:
        if told.register.verdict(credential, ANCHORS).holds:
            yield f"{credential} of an adversary holds"


def verdicts_are_those_without_the_adversaries(told: Told) -> Iterator[str]:
    """Honest credentials get the same verdict in the story without thief and stranger."""
    log = told.register.log
    quiet = [s if s.by == "owner" else _inert(s) for s in log]
    without = evaluate(quiet, None, told.register.settings)
    for credential in meant(log, told.given_up).credentials():
        shown = as_logged(log, credential)
        here = verdict(told.register.world, shown, ANCHORS)
        there = verdict(without, shown, ANCHORS)
        if here.checks != there.checks or here.path != there.path:
            yield f"{credential}: {here} with adversaries, {there} without"


def keys_are_the_organizations_own(told: Told) -> Iterator[str]:
    """An organization's keys are the same when all others, its sponsor after it, are silent."""
    world = told.register.world
    for who, (position, _) in world.registrations.items():
        alone = [
            s if s.organization == who or s.position == position else _inert(s)
            for s in told.register.log
        ]
        if evaluate(alone, None, told.register.settings).keys[who] != world.keys[who]:
            yield f"others change what the keys of {who} are"


def counting_follows_from_key_events_alone(told: Told) -> Iterator[str]:
    """The same submissions count when only key events and registrations are read."""
    log = told.register.log
    bare = [_only_keys(submission) for submission in log]
    if counts(bare, None, told.register.settings) != told.register.world.counting:
        yield "something else than key events changes what counts"


def the_past_is_what_it_was(told: Told) -> Iterator[str]:
    """What follows does not change an answer as of a size."""
    log = told.register.log
    random = Random(len(log))
    for cut in random.sample(range(1, len(log)), 2):
        settings, size = told.register.settings, log[cut].position
        then, now = evaluate(log[:cut], None, settings), evaluate(log, size, settings)
        for credential in _issued(log[:cut]):
            shown = as_logged(log, credential)
            if verdict(then, shown, ANCHORS) != verdict(now, shown, ANCHORS):
                yield f"{credential} as of {size} depends on what follows"


def old_counting_is_final(told: Told) -> Iterator[str]:
    """Long enough afterwards nobody changes what counts, not even past the gate."""
    register = told.register
    settings = register.settings
    ranks = max(len(keys) for keys in register.world.keys.values())
    late = register.now + 2 * (ranks + 1) * settings.limit
    log = list(register.log)
    for who, keys in register.world.keys.items():
        for signer in keys.values():
            events = tuple(KeyCompromised(key, 1) for key in keys if key != signer.name)
            if signer.kind == "recovery" and events:
                log.append(Submission(log[-1].end, who, signer.name, events, late))
    later = evaluate(log, None, settings).counting
    if {position for position in later if position < register.size} != register.world.counting:
        yield "a declaration years later changes what counts"


def a_declaration_reaches_ninety_days_back(told: Told) -> Iterator[str]:
    """What is declared of a signing key changes only what that key signed in the last 90 days.

    What is declared of a recovery key can, with the declarations that fall, reach 180 days further
    for each rank.
    """
    log, settings = told.register.log, told.register.settings
    first: dict[tuple[str, str], int] = {}
    for number, submission in enumerate(log):
        named = [event for event in submission.events if isinstance(event, KeyCompromised)]
        if not named:
            continue
        before = evaluate(log[:number], None, settings)
        changed = before.counting ^ (
            counts(log[: number + 1], None, settings) - {submission.position}
        )
        keys = before.keys[submission.organization]
        signing = all(keys[event.key].kind == "signing" for event in named)
        since = min(
            first.setdefault((submission.key, event.key), submission.recorded_at) for event in named
        )
        reach = settings.limit if signing else 2 * settings.limit * len(keys)
        for other in log[:number]:
            if other.position not in changed:
                continue
            about = other.organization == submission.organization
            if signing:
                about = about and other.key in {event.key for event in named}
            if not about or other.recorded_at < since - reach:
                yield f"{submission.position} changes whether {other.position} counts"


def no_key_exceeds_its_caps(told: Told) -> Iterator[str]:
    """No key exceeds its caps, counting or not."""
    settings, register = told.register.settings, told.register
    spent = Counter(
        (s.organization, s.key, purse)
        for s in register.log
        for event in s.events
        if (purse := purse_of(event, s.organization)) is not None
    )
    caps = {
        "status-event-count": settings.status_events,
        "revision-count": settings.revisions,
        "grant-count": settings.grants,
    }
    for (who, key, purse), number in spent.items():
        if number > caps[purse[0]]:
            yield f"{who} with {key}: {number} of {purse}"


def everybody_can_go_on(told: Told) -> Iterator[str]:
    """After the recovery every organization that is open lists a key and acts with it."""
    register = told.register
    after = Register(register.authorities, register.settings)
    after.log, after.now = list(register.log), register.now
    closed = register.world.closings
    for who in HONEST:
        if who in closed:
            continue
        fresh = f"{who}/last"
        for answer in (list_key(after, who, fresh), after.attempt(who, fresh, Updated(who))):
            if answer != ADMITTED:
                yield f"{who} cannot go on: {answer}"


def a_story_can_be_played_again(told: Told) -> Iterator[str]:
    """The story, played from its steps alone, gets the same answers."""
    again = play(told.register.story, told.register.settings)
    if again.log != told.register.log or again.steps != told.register.steps:
        yield "the story played again differs"


PROPERTIES: Final[tuple[Property, ...]] = (
    honest_work_is_admitted,
    verdicts_are_what_was_meant,
    adversaries_gain_nothing,
    verdicts_are_those_without_the_adversaries,
    keys_are_the_organizations_own,
    counting_follows_from_key_events_alone,
    the_past_is_what_it_was,
    old_counting_is_final,
    a_declaration_reaches_ninety_days_back,
    no_key_exceeds_its_caps,
    everybody_can_go_on,
    a_story_can_be_played_again,
)


OF_COUNTING: Final[tuple[Property, ...]] = (
    keys_are_the_organizations_own,
    counting_follows_from_key_events_alone,
    the_past_is_what_it_was,
    old_counting_is_final,
    a_declaration_reaches_ninety_days_back,
    no_key_exceeds_its_caps,
    a_story_can_be_played_again,
)
"""What holds too where thefts were found late, or founding keys were stolen."""


def violations(told: Told, properties: tuple[Property, ...] = PROPERTIES) -> list[str]:
    """Return everything that violates a property in a story."""
    return [f"{each.__name__}: {violation}" for each in properties for violation in each(told)]


def _issued(log: Log) -> set[str]:
    return {e.credential for s in log for e in s.events if isinstance(e, Issued)}


def _inert(submission: Submission) -> Submission:
    """Return as many entries by an organization that nobody registered."""
    if submission.position == 0:
        return submission
    silent = (Updated("Nobody"),) * len(submission.events)
    return replace(submission, organization="Nobody", key="Nobody", events=silent)


def _only_keys(submission: Submission) -> Submission:
    events = tuple(
        event if isinstance(event, KeyEvent | Registered | Opened) else Updated("")
        for event in submission.events
    )
    return replace(submission, events=events)
