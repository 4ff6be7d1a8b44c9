"""What adversaries do in a random story: thieves of keys, puppets, and strangers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tests.trust_model.cast import change, registered
from tests.trust_model.events import (
    AccreditationGranted,
    Closed,
    Defined,
    Definition,
    Event,
    Issued,
    KeyCompromised,
    KeyKind,
    KeyListed,
    KeyRetired,
    Objected,
    Restated,
    Succeeded,
    Updated,
    Verb,
    created_id,
)
from tests.trust_model.honest import ACCREDITORS, AUTHORITIES, HONEST, Tale
from tests.trust_model.settings import SMALL
from tests.trust_model.story import organization_of
from tests.trust_model.submissions import DAY
from tests.trust_model.world import CREATING

STEALABLE: Final = ("s1", "s1", "s2", "r1", "r2")
TIRELESS: Final = SMALL.status_events + 3


@dataclass(slots=True)
class Theft:
    """A key in a thief's hands, and all that the thief made of it."""

    key: str
    since: int
    held: list[str] = field(default_factory=list)
    """The stolen key and those that it listed."""

    @property
    def organization(self) -> str:
        """Return whose key it is."""
        return organization_of(self.key)


def steal(tale: Tale, thefts: list[Theft], *, founding: bool = False) -> None:
    """Let a key of an honest organization come into a thief's hands, unnoticed."""
    who = tale.random.choice([name for name in HONEST if name not in tale.closed])
    if any(theft.organization == who for theft in thefts):
        return
    key = f"{who}/{tale.random.choice(STEALABLE)}"
    if founding and tale.random.random() < 0.3:
        key = who
    world = tale.register.world
    if world.keys[who][key].counts(tale.register.size, tale.register.now, world.settings):
        thefts.append(Theft(key, tale.register.size, [key]))


def act(tale: Tale, theft: Theft) -> None:
    """Let the thief do one thing with one of the keys that it holds."""
    key = tale.random.choice(theft.held)
    held = tale.register.world.keys[theft.organization].get(key)
    if held is None:
        return
    if held.kind == "recovery":
        _with_recovery_key(tale, theft, key)
    elif tale.random.random() < 0.05:
        past = KeyCompromised(key, tale.random.randrange(1, tale.register.size))
        own = tale.random.choice((KeyRetired(key), KeyCompromised(key), past))
        tale.attempt(theft.organization, key, own, by="thief")
    elif tale.random.random() < 0.15:
        _disown(tale, theft, key)
    elif tale.random.random() < 0.1:
        _spend(tale, theft, key)
    else:
        _impersonate(tale, theft, key)
    if tale.random.random() < 0.3:
        mill(tale)


def _with_recovery_key(tale: Tale, theft: Theft, key: str) -> None:
    who = theft.organization
    if tale.random.random() < 0.1:
        for _ in range(SMALL.recovery_key_spends):
            junk = f"{who}/{tale.id('t')}"
            listing = KeyListed(junk, "signing")
            tale.attempt(who, key, listing, KeyRetired(junk), by="thief")
        return
    if tale.random.random() < 0.1:
        junk, since = f"{who}/s1", tale.register.size - 3
        ranges = tuple((at, at) for at in range(since, since + 3))
        for _ in range(SMALL.recovery_key_kept):
            tale.attempt(who, key, KeyCompromised(junk, since, ranges), by="thief")
        return
    target = tale.random.choice([*tale.register.world.keys[who], who])
    since = tale.random.randrange(1, tale.register.size)
    fresh = f"{who}/{tale.id('t')}"
    kinds: tuple[KeyKind, ...] = ("signing", "signing", "recovery")
    listing = KeyListed(fresh, tale.random.choice(kinds))
    past = KeyCompromised(target, since, _kept(tale, since))
    own = KeyCompromised(target) if target == key else past
    # What a declaration makes of a later line of its submission is judged here alone.
    both = (past,) if tale.plain else (past, listing)
    what: tuple[Event, ...] = tale.random.choice(
        ((listing,), (listing,), (KeyRetired(target),), (own,), (past,), both)
    )
    if tale.attempt(who, key, *what, by="thief") and listing in what:
        theft.held.append(fresh)


def _kept(tale: Tale, since: int) -> tuple[tuple[int, int], ...]:
    """Return what a thief's declaration keeps: mostly nothing, else a few ranges from there on."""
    if tale.random.random() < 0.7:
        return ()
    bounds = [tale.random.randrange(since, tale.register.size) for _ in range(4)]
    first, second, third, fourth = sorted(bounds)
    return ((first, second), (third, fourth)) if second < third else ((first, fourth),)


def _disown(tale: Tale, theft: Theft, key: str) -> None:
    """Name a puppet successor, and close now and then; the puppet acts."""
    naming = Succeeded(theft.organization, "Puppet")
    events = tale.random.choice(((naming,), (naming,), (naming, Closed()), (Closed(),)))
    tale.attempt(theft.organization, key, *events, by="thief")
    named = _somethings_id(tale, theft.organization)
    if named is not None:
        event = change("revoke" if named[0] == "c" else "withdraw", named)
        tale.attempt("Puppet", "Puppet/s1", event, by="stranger")


def _spend(tale: Tale, theft: Theft, key: str) -> None:
    """Use up all that the key may spend on one thing."""
    named = _somethings_id(tale, theft.organization)
    if named is None or named[0] == "r":
        return
    for number in range(TIRELESS):
        event = change("reinstate" if number % 2 else "suspend", named)
        tale.attempt(theft.organization, key, event, by="thief")


def _somethings_id(tale: Tale, owner: str) -> str | None:
    made = [
        id_
        for kind, id_ in tale.register.world.writers
        if kind != "achievement" and tale.register.world.writers[kind, id_] == owner
    ]
    return tale.random.choice(made) if made else None


def _impersonate(tale: Tale, theft: Theft, key: str) -> None:
    """Do what the organization itself could do, to its harm or to the mill's profit."""
    who = theft.organization
    named = _somethings_id(tale, who)
    events: list[tuple[Event, ...]] = []
    if named is not None:
        ending: Verb = "revoke" if named[0] == "c" else "withdraw"
        verbs: tuple[Verb, ...] = (ending,) if named[0] == "r" else ("suspend", "reinstate", ending)
        events.append((change(tale.random.choice(verbs), named),))
        if named[0] == "z" and not tale.plain:
            events.append((Restated("accreditation", named, tale.words("Famous")),))
    if who in AUTHORITIES:
        puppet = tale.id("Shadow")
        entry = registered(puppet, who, "authority", "accreditor", until=_until(tale))
        events += [
            (tale.recognition("Mint"),),
            (entry, tale.recognition(puppet, "authority")),
            (tale.recognition("Double", "authority"),),
        ]
    elif who in ACCREDITORS:
        events += [(tale.accreditation("Mill"),), (Succeeded("College", "Puppet"),)]
    else:
        achievement = "soil" if who == "College" else "art"
        other = _somethings_id(tale, who)
        if named is not None and other is not None:
            events.append((change("supersede", named, other),))
        if not tale.plain:
            events.append((change("retire", achievement),))
        version = tale.register.world.highest_version(achievement) + 1
        events += [
            (Defined(achievement, version, Definition(6)),),
            (Issued(c := tale.id("c"), achievement, 1, f"commitment of {c}", _under(tale, who)),),
        ]
    tale.attempt(who, key, *tale.random.choice(events), by="thief")


def _until(tale: Tale) -> int:
    return round(tale.register.now / DAY + tale.pause) + 9


def _under(tale: Tale, who: str) -> str | None:
    granted = [
        each.accreditation
        for accreditor in ACCREDITORS
        for each in tale.own(AccreditationGranted, accreditor)
        if isinstance(each, AccreditationGranted) and each.organization == who
    ]
    return tale.random.choice(granted) if granted else None


def mill(tale: Tale) -> None:
    """Let the mill issue under an accreditation of its own, or of anybody who made one."""
    granted = [
        event.accreditation
        for submission in tale.register.log
        for event in submission.events
        if isinstance(event, AccreditationGranted) and event.organization == "Mill"
    ]
    under, id_ = tale.random.choice(granted), tale.id("m")
    event = Issued(id_, "grind", 1, f"commitment of {id_}", under)
    tale.attempt("Mill", "Mill/s1", event, by="stranger")


def meddle(tale: Tale) -> None:
    """Let somebody whom no theft helps do a thing about others."""
    what = tale.random.randrange(8)
    subject = tale.random.choice(HONEST)
    if what == 0:
        mill(tale)
    elif what == 1:
        event: Event = tale.accreditation(tale.random.choice(("College", "School", "Mill")))
        tale.attempt("Mint", "Mint/s1", event, by="stranger")
    elif what == 2:
        tale.attempt("Mint", "Mint/s2", Succeeded("College", "Puppet"), by="stranger")
        named = _somethings_id(tale, "College")
        revoked = change("revoke", named or "c1")
        tale.attempt("Puppet", "Puppet/s1", revoked, by="stranger")
    elif what == 3:
        subject = tale.random.choice((*ACCREDITORS, "Mint"))
        tale.attempt("Rogue", "Rogue/s1", tale.recognition(subject), by="stranger")
    elif what == 4:
        squat(tale)
    elif what == 5:
        accused = KeyCompromised(f"{subject}/s1", 1)
        tale.attempt("Rogue", "Rogue/r1", accused, by="stranger")
    elif what == 6:
        _two_faced(tale)
    else:
        tale.attempt("Mint", "Mint/s1", Updated(subject), by="stranger")
        if not tale.plain:
            tale.attempt("Mint", "Mint/s1", Objected(), by="stranger")


def _two_faced(tale: Tale) -> None:
    """Let Double, whom an honest authority may recognise as an accreditor, go beyond that."""
    subject = tale.random.choice(("College", "School"))
    event: Event = tale.random.choice(
        (tale.recognition("Mint"), tale.accreditation(subject), Succeeded(subject, "Puppet"))
    )
    tale.attempt("Double", "Double/s1", event, by="stranger")
    named = _somethings_id(tale, subject)
    if isinstance(event, Succeeded) and named is not None:
        tale.pause = tale.random.choice((0, 31))
        tale.attempt("Puppet", "Puppet/s1", change("revoke", named), by="stranger")


def squat(tale: Tale) -> None:
    """Write the very line of somebody else, or another one under its id."""
    world = tale.register.world
    lines = [event for event in world.lines.values() if isinstance(event, CREATING)]
    event = tale.random.choice([each for each in lines if created_id(each)[0] != "achievement"])
    if isinstance(event, Issued):
        event = Issued(event.credential, "grind", 1, "another commitment", "zm")
        tale.attempt("Mill", "Mill/s1", event, by="stranger")
    elif isinstance(event, AccreditationGranted):
        tale.attempt("Mint", "Mint/s1", event, by="stranger")
    else:
        tale.attempt("Rogue", "Rogue/s1", event, by="stranger")
