"""The gate: whether a submission is admitted, by the state as of where it will stand.

Events of one submission are judged in order, each by the state that the earlier ones leave. The
answer is `ADMITTED`, or the name of the first rule broken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, assert_never

from tests.trust_model import spending
from tests.trust_model.events import (
    AccreditationGranted,
    Changed,
    Closed,
    Created,
    Defined,
    Event,
    Issued,
    KeyCompromised,
    KeyEvent,
    KeyListed,
    KeyRetired,
    Objected,
    Opened,
    RecognitionGranted,
    Registered,
    Restated,
    Role,
    Succeeded,
    Updated,
    created_id,
)
from tests.trust_model.keys import UNRANKED, Key, declaration_open
from tests.trust_model.settings import PRODUCT, Rule, Settings
from tests.trust_model.status import (
    AFTER,
    FINAL,
    FOLLOWS,
    ROWS,
    Heard,
    ended_by_owner,
    everybody,
    existing,
    may_name,
    speakers,
    status,
)
from tests.trust_model.submissions import LOG, Log, Submission, size_of
from tests.trust_model.world import World, evaluate

ADMITTED: Final = "admitted"
_ORIGIN: Final = "log.example"
_ROLES: Final[dict[type, Role]] = {
    RecognitionGranted: "authority",
    AccreditationGranted: "accreditor",
    Defined: "provider",
    Issued: "provider",
}
_UNDER_AN_ACCREDITOR: Final = frozenset[Role]({"provider", "endorser"})
"""The roles in which an accreditor may bring somebody in; an authority may in any."""


class Refused(Exception):
    """A rule was broken; the argument is its name."""


def _require(holds: object, rule: str) -> None:
    if not holds:
        raise Refused(rule)


def admit(
    log: Log, submission: Submission, settings: Settings = PRODUCT, world: World | None = None
) -> str:
    """Return `ADMITTED`, or the rule that keeps the submission from standing after `log`.

    `world` is what `log` says, if the caller has evaluated it already.
    """
    try:
        if log:
            _judge(world or evaluate(log, None, settings), submission)
        else:
            _judge_genesis(submission)
    except Refused as refused:
        return str(refused)
    return ADMITTED


def _judge_genesis(submission: Submission) -> None:
    _require(submission.organization == LOG, "genesis-signer")
    _require([type(event) for event in submission.events] == [Opened], "genesis-event")


def _judge(world: World, submission: Submission) -> None:
    log, settings = world.log, world.settings
    _judge_header(world, submission)
    for index, event in enumerate(submission.events):
        if index:
            earlier = replace(submission, events=submission.events[:index])
            world = evaluate([*log, earlier], None, settings)
        line = _Line(world, submission, submission.position + 1 + index)
        line.judge(event)
        cap = spending.overspent(world, submission, index)
        _require(cap is None, str(cap))


def _judge_header(world: World, submission: Submission) -> None:
    """Judge what holds for the submission as a whole."""
    _require(submission.position == size_of(world.log), "position")
    _require(submission.recorded_at >= world.log[-1].recorded_at, "time-order")
    _require(submission.events, "submission-empty")
    _require(submission.organization in world.registrations, "unknown-organization")
    key = world.keys[submission.organization].get(submission.key)
    if key is None:
        raise Refused("unknown-key")
    active = key.counts(submission.position, submission.recorded_at, world.settings)
    _require(active, "key-inactive")
    about_keys = {isinstance(event, KeyEvent) for event in submission.events}
    _require(len(about_keys) == 1, "mixed-submission")
    if about_keys == {True}:
        for too_many in (spending.too_many_key_events, spending.too_many_kept):
            cap = too_many(world.log, submission, key, world.settings)
            _require(cap is None, str(cap))
    else:
        _require(key.kind == "signing", "recovery-key")


@dataclass(frozen=True, slots=True)
class _Line:
    """One event of a submission, and the state that the events before it leave."""

    world: World
    submission: Submission
    position: int

    @property
    def actor(self) -> str:
        return self.submission.organization

    def has(self, rule: Rule) -> bool:
        return self.world.settings.has(rule)

    def judge(self, event: Event) -> None:
        """Raise `Refused` with the first rule that the event breaks."""
        self._open_for(event)
        match event:
            case Opened():
                raise Refused("genesis-again")
            case Registered():
                self._registration(event)
            case KeyListed() | KeyRetired() | KeyCompromised():
                self._key_event(event)
            case Updated() | Closed() | Objected():
                pass
            case Succeeded():
                self._succession(event)
            case RecognitionGranted() | AccreditationGranted() | Defined() | Issued():
                self._created(event)
            case Restated():
                self._restatement(event)
            case Changed():
                self._change(event)
            case _:
                assert_never(event)

    def _open_for(self, event: Event) -> None:
        if self.has(Rule.CLOSED_MAY_DECLARE) and isinstance(event, KeyRetired | KeyCompromised):
            return
        _require(not self.world.closed(self.actor, self.position), "organization-closed")

    def _registration(self, event: Registered) -> None:
        settings = self.world.settings
        _require(event.organization not in self.world.registrations, "organization-twice")
        signed = event.signed_by in {None, event.organization}
        _require(signed or not self.has(Rule.FOUNDER_SIGNS), "signature")
        _require(event.sponsor == self.actor, "sponsor")
        _require(event.origin == _ORIGIN, "origin")
        in_time = event.until - settings.until <= self.submission.day <= event.until
        _require(in_time or not self.has(Rule.UNTIL), "until")
        keys = (event.organization, *event.recovery_keys, *event.signing_keys)
        _require(len(set(keys)) == len(keys), "key-twice")
        _require(len(event.recovery_keys) <= settings.recovery_keys_in_force, "recovery-key-count")
        _require(len(event.signing_keys) <= settings.signing_keys_in_force, "signing-key-count")
        may_sponsor = self._has_role("authority") or (
            self._has_role("accreditor") and event.roles <= _UNDER_AN_ACCREDITOR
        )
        _require(may_sponsor, "sponsor-role")

    def _has_role(self, role: Role) -> bool:
        """Return whether the gate takes the signer for one: registered so, or granted."""
        return role in self.world.registrations[self.actor][1].roles or any(
            role == gives_role(thing.event)
            for thing in self.world.things.values()
            if getattr(thing.event, "organization", None) == self.actor
        )

    def _key_event(self, event: KeyEvent) -> None:
        match event:
            case KeyListed():
                self._listing(event)
            case KeyRetired():
                self._outranks(event)
            case KeyCompromised():
                self._declaration(event)

    def _listing(self, event: KeyListed) -> None:
        keys = self.world.keys[self.actor]
        _require(keys[self.submission.key].kind == "recovery", "recovery-key-needed")
        _require(event.key not in keys, "key-twice")
        _require(not self._fallen(event.key) or not self.has(Rule.LISTED_ONCE), "key-twice")
        if event.kind == "recovery" and self.has(Rule.FOUNDER_LISTS_RECOVERY):
            _require(self.submission.key == self.actor, "founding-key-needed")
        full = spending.too_many_in_force(keys, self.submission, event.kind, self.world.settings)
        _require(not full, f"{event.kind}-key-count")

    def _outranks(self, event: KeyRetired | KeyCompromised) -> Key:
        """Return the key named, if the signer may speak of it."""
        keys = self.world.keys[self.actor]
        signer = keys[self.submission.key]
        named = keys.get(event.key) or self._fallen(event.key)
        if named is None:
            raise Refused("unknown-key")
        higher = signer.kind == "recovery" and signer.rank < named.rank
        _require(named == signer or higher, "key-rank")
        said = (
            named.retired is not None
            if isinstance(event, KeyRetired)
            else signer.name in named.cuts
        )
        _require(named != signer or not said or not self.has(Rule.SAID_ONCE), "key-twice")
        return named

    def _fallen(self, name: str) -> Key | None:
        """Return a signing key that was listed by a submission which does not count.

        Only the founding key lists recovery keys, and what it listed never falls.
        """
        for submission in self.world.log:
            if submission.organization != self.actor or submission.position in self.world.counting:
                continue
            if KeyListed(name, "signing") in submission.events:
                return Key(name, "signing", UNRANKED, submission.position, submission.key)
        return None

    def _declaration(self, event: KeyCompromised) -> None:
        named, settings = self._outranks(event), self.world.settings
        if named.name == self.submission.key and self.has(Rule.OWN_PAST):
            _require(event.since is None and not event.kept, "own-past")
            return
        if event.since is None or event.since > self.position:
            raise Refused("since")
        # The ranges are in order and disjoint, start at `since` and end before the declaration.
        after = event.since
        for first, last in event.kept:
            _require(after <= first <= last < self.submission.position, "kept")
            after = last + 1
        _require(len(event.kept) <= settings.kept_ranges, "kept")
        now = self.submission.recorded_at
        still_open = declaration_open(named, self.submission.key, now, settings)
        _require(still_open, "declaration-final")

    def _succession(self, event: Succeeded) -> None:
        known = {event.organization, event.successor} <= set(self.world.registrations)
        _require(known, "unknown-organization")
        named = may_name(self.world, event.organization, self.actor, self.position)
        _require(named, "succession-of-another")

    def _created(self, event: Created) -> None:
        _require(self._has_role(_ROLES[type(event)]), "role")
        self._id_is_free(event)
        match event:
            case RecognitionGranted() | AccreditationGranted():
                known = event.organization in self.world.registrations
                _require(known, "unknown-organization")
                last = event.term.last
                _require(last is None or event.term.first <= last, "dates")
            case Issued():
                self._references(event)
            case Defined():
                self._version(event)

    def _id_is_free(self, event: Created) -> None:
        kind, id_, version = created_id(event)
        _require(self.world.thing(kind, id_, version) is None, "id-taken")
        if self.has(Rule.FIRST_WRITER):
            _require(self.world.writers.get((kind, id_), self.actor) == self.actor, "id-taken")
        if self.has(Rule.SAME_LINE):
            _require(self.world.lines.get((kind, id_, version), event) == event, "another-line")
        _require(not ended_by_owner(self.world, kind, id_), "ended-by-owner")

    def _references(self, event: Issued) -> None:
        defined = self.world.thing("achievement", event.achievement, event.version)
        if defined is None:
            raise Refused("unknown-achievement")
        _require(defined.owner == self.actor, "achievement-of-another")
        if event.accreditation is not None:
            granted = self.world.thing("accreditation", event.accreditation)
            if granted is None:
                raise Refused("unknown-accreditation")
            subject = getattr(granted.event, "organization", None)
            _require(subject == self.actor, "accreditation-of-another")

    def _version(self, event: Defined) -> None:
        _require(status(self.world, "achievement", event.achievement) not in FINAL, "transition")
        written = ("achievement", event.achievement, event.version) in self.world.lines
        if not self.has(Rule.WRITTEN_VERSIONS):
            counting = self.world.of_kind("achievement")
            highest = sum(thing.id == event.achievement for thing in counting)
        elif written:
            return
        else:
            highest = self.world.highest_version(event.achievement)
        _require(event.version == highest + 1, "achievement-version")

    def _restatement(self, event: Restated) -> None:
        thing = self.world.thing(event.kind, event.id)
        if thing is None:
            raise Refused(f"unknown-{event.kind}")
        _require(thing.owner == self.actor, f"{event.kind}-of-another")

    def _change(self, event: Changed) -> None:
        _require(event.verb in ROWS[event.kind], "event-schema")
        thing = existing(self.world, event.kind, event.id)
        if thing is None:
            raise Refused(f"unknown-{event.kind}")
        now = self.submission.recorded_at
        acts_for = speakers(self.world, thing, self.actor, self.position, now)
        if event.verb == "retire" and self.actor != thing.owner:
            acts_for = ()
        _require(acts_for, f"{event.kind}-of-another")
        if event.verb == "supersede":
            self._replaces(event)
        by_owner = thing.owner in acts_for
        heard = self._heard(() if by_owner else acts_for)
        before = status(self.world, event.kind, event.id, heard=heard)
        again = before == AFTER[event.verb] or event.verb in {"revoke", "withdraw"}
        stated_again = (again and self.has(Rule.STATED_AGAIN)) or self.world.settings.every_status
        _require(stated_again or before in FOLLOWS[event.verb], "transition")

    def _heard(self, acts_for: tuple[str, ...]) -> Heard:
        """Return whose acts bar this one: what a successor said bars none that another named."""
        if not self.has(Rule.BARS_NOBODY):
            return everybody
        return lambda speaker, _position: speaker in acts_for

    def _replaces(self, event: Changed) -> None:
        """Require that a credential of the actor's own, which still stands, takes the place."""
        replacement = event.replacement or ""
        thing = self.world.thing("credential", replacement)
        _require(replacement != event.id, "successor")
        _require(thing is not None and thing.owner == self.actor, "successor")
        now = status(self.world, "credential", replacement)
        _require(now not in FINAL, "successor")


def gives_role(event: Event) -> Role | None:
    """Return the role that a counting grant gives its subject at the gate."""
    match event:
        case RecognitionGranted():
            return event.recognised_as
        case AccreditationGranted():
            return "provider"
        case _:
            return None
