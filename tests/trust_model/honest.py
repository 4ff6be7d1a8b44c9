"""What honest organizations do in a random story: each acts for itself, with its own keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.trust_model.cast import begun, change, recognise, registered
from tests.trust_model.events import (
    ALWAYS,
    AccreditationGranted,
    Changed,
    Closed,
    Defined,
    Definition,
    Event,
    Issued,
    KeyListed,
    KeyRetired,
    Objected,
    RecognisedAs,
    RecognitionGranted,
    Restated,
    Role,
    Scope,
    Succeeded,
    Term,
    Updated,
    Verb,
    Words,
)
from tests.trust_model.gate import ADMITTED
from tests.trust_model.settings import Settings
from tests.trust_model.status import ENDINGS
from tests.trust_model.story import Pen, Register
from tests.trust_model.submissions import DAY

AUTHORITIES: Final = ("Ministry", "Council")
ACCREDITORS: Final = ("Agency", "Bureau")
DISTANT: Final = "Distant"
PROVIDERS: Final = ("College", "School")
HONEST: Final = AUTHORITIES + ACCREDITORS + PROVIDERS
LEVELS: Final = (5, 6, 7)
COUNTRIES: Final = ("NL", "XX")


@dataclass(slots=True)
class Tale:
    """A random story while it is told: the register, and what its people remember.

    `plain` leaves out what the shared model does not cover: terms, jurisdictions, restatements,
    objections and the retirement of achievements.
    """

    random: Random
    register: Register
    plain: bool = False
    serial: int = 0
    pause: float = 0
    """Days that pass before the next attempt."""
    rings: dict[str, list[str]] = field(default_factory=dict)
    """The signing keys that each honest organization uses."""
    closed: set[str] = field(default_factory=set)
    heirs: dict[str, int] = field(default_factory=dict)
    """When an organization named Heir its successor."""
    complaints: list[str] = field(default_factory=list)
    """What an honest owner should have been admitted to do, and was not."""

    def id(self, letter: str) -> str:
        """Return a fresh id; its first letter tells the kind of thing."""
        self.serial += 1
        return f"{letter}.{self.serial}"

    def attempt(self, organization: str, key: str, *events: Event, by: Pen = "owner") -> bool:
        """Submit after a random while; return whether it was admitted."""
        days = self.random.choice((0, 0, 0, 0.25, 1, 3)) + self.pause
        self.pause = 0
        answer = self.register.attempt(organization, key, *events, days=days, by=by)
        return answer == ADMITTED

    def own(self, kind: type[Event], owner: str) -> list[Event]:
        """Return the grants, definitions or issuances that an organization wrote itself."""
        return [
            event
            for submission in self.register.log
            if submission.organization == owner and submission.by == "owner"
            for event in submission.events
            if isinstance(event, kind)
        ]

    def scope(self) -> Scope:
        """Return a scope, more often without limits than with one."""
        levels = self.random.choice((None, None, (5, 6), (6,)))
        where = None if self.plain else self.random.choice((None, None, ("NL",)))
        return Scope(levels=levels, jurisdictions=where)

    def term(self) -> Term:
        """Return a term around the present day, more often without end than with one."""
        if self.plain or self.random.random() < 0.6:
            return ALWAYS
        today = self.register.now // DAY
        first = max(0, today + self.random.randrange(-3, 3))
        return Term(first, first + self.random.choice((2, 20, 200)))

    def words(self, name: str) -> Words:
        """Return what a speaker vouches for: always the name, now and then another country."""
        country = "NL" if self.plain else self.random.choice(("NL", "NL", "XX"))
        return Words(name, country)

    def recognition(
        self, organization: str, as_: RecognisedAs = "accreditor"
    ) -> RecognitionGranted:
        """Return a recognition of fresh id."""
        words, scope, term = self.words(organization), self.scope(), self.term()
        return RecognitionGranted(self.id("r"), organization, as_, words, scope, term)

    def accreditation(self, organization: str) -> AccreditationGranted:
        """Return an accreditation of fresh id."""
        words, scope, term = self.words(organization), self.scope(), self.term()
        return AccreditationGranted(self.id("z"), organization, words, scope, term)


def beginning(random: Random, settings: Settings, *, plain: bool = False) -> Tale:
    """Return a tale whose chains have one and two recognitions."""
    register = begun(settings)
    submit = register.submit
    entering: tuple[tuple[str, Role], ...] = (
        ("Council", "authority"),
        ("Bureau", "accreditor"),
        ("Double", "authority"),
    )
    for name, role in entering:
        roles: tuple[Role, ...] = ("accreditor", "authority") if role == "authority" else (role,)
        submit("Ministry", "Ministry/s1", registered(name, "Ministry", *roles))
    for name in ("School", "Heir"):
        submit("Agency", "Agency/s1", registered(name, "Agency", "provider"))
    submit("Ministry", "Ministry/s2", recognise("r2", "Council", "authority"))
    submit("Council", "Council/s1", recognise("r3", "Bureau"))
    tale = Tale(random, register, plain)
    submit("Bureau", "Bureau/s1", tale.accreditation("School"), tale.accreditation("College"))
    submit("School", "School/s1", Defined("art", 1, Definition(5)))
    tale.rings = {name: [f"{name}/s1", f"{name}/s2"] for name in HONEST}
    return tale


def go_far(tale: Tale) -> None:
    """Let authorities recognise each other up to a distant accreditor, which accredits College.

    The chain has four or five recognitions, so it holds or is one too long.
    """
    submit = tale.register.submit
    before = "Council"
    for number in range(tale.random.choice((2, 3))):
        name = f"Far{number}"
        entry = registered(name, "Ministry", "accreditor", "authority")
        submit("Ministry", "Ministry/s1", entry)
        submit(before, f"{before}/s1", recognise(tale.id("r"), name, "authority"))
        before = name
    submit("Ministry", "Ministry/s1", registered(DISTANT, "Ministry", "accreditor"))
    submit(before, f"{before}/s1", recognise(tale.id("r"), DISTANT))
    for _ in range(2):
        submit(DISTANT, f"{DISTANT}/s1", tale.accreditation("College"))


def act(tale: Tale) -> None:
    """Let one honest organization do one thing."""
    who = tale.random.choice(HONEST)
    if not tale.rings[who]:
        return
    key = tale.random.choice(tale.rings[who])
    if tale.random.random() < 0.12:
        _keys(tale, who)
    elif tale.random.random() < 0.06:
        _own_affairs(tale, who, key)
    elif who in AUTHORITIES:
        _authority(tale, who, key)
    elif who in ACCREDITORS:
        _accreditor(tale, who, key)
    else:
        _provider(tale, who, key)


def _keys(tale: Tale, who: str) -> None:
    """List a further signing key, or retire one of several."""
    recovery = tale.random.choice((who, f"{who}/r1", f"{who}/r2"))
    ring = tale.rings[who]
    if len(ring) > 3 or (len(ring) > 2 and tale.random.random() < 0.5):
        old = tale.random.choice(ring)
        signer = tale.random.choice((old, recovery))
        if tale.attempt(who, signer, KeyRetired(old)):
            ring.remove(old)
        return
    fresh = f"{who}/{tale.id('n')}"
    if tale.attempt(who, recovery, KeyListed(fresh, "signing")):
        ring.append(fresh)


def list_key(register: Register, who: str, fresh: str) -> str:
    """List a signing key with the founding key, which first retires one if it has too many.

    Returns the gate's last answer.
    """
    answer = register.attempt(who, who, KeyListed(fresh, "signing"))
    if answer != "signing-key-count":
        return answer
    oldest = next(
        key.name
        for key in register.world.keys[who].values()
        if key.kind == "signing"
        and key.lister == who
        and key.counts(register.size, register.now, register.settings)
    )
    register.attempt(who, who, KeyRetired(oldest))
    return register.attempt(who, who, KeyListed(fresh, "signing"))


def _own_affairs(tale: Tale, who: str, key: str) -> None:
    """Update, object, name a successor; rarely close."""
    if who not in PROVIDERS or tale.random.random() < 0.5:
        tale.attempt(who, key, Updated(who, tale.random.choice(COUNTRIES)))
        if not tale.plain:
            tale.attempt(who, key, Objected())
    elif tale.attempt(who, key, Succeeded(who, "Heir")):
        tale.heirs.setdefault(who, tale.register.now)
        if tale.random.random() < 0.3 and tale.attempt(who, key, Closed()):
            tale.closed.add(who)


def inherit(tale: Tale) -> None:
    """Let Heir do what it may, where the organization itself closed or named it long ago."""
    for who, since in tale.heirs.items():
        waited = tale.register.now - since >= tale.register.settings.notice
        own = tale.own(Issued, who)
        if (who in tale.closed or waited) and own:
            issued = tale.random.choice(own)
            assert isinstance(issued, Issued)
            verbs: tuple[Verb, ...] = ("suspend", "revoke", "reinstate")
            event = Changed(tale.random.choice(verbs), "credential", issued.credential)
            tale.attempt("Heir", "Heir/s1", event)


def _authority(tale: Tale, who: str, key: str) -> None:
    granted = tale.own(RecognitionGranted, who)
    what = tale.random.random()
    if what < 0.3 and granted:
        one = tale.random.choice(granted)
        assert isinstance(one, RecognitionGranted)
        if tale.random.random() < 0.5 and not tale.plain:
            words = tale.words(one.organization)
            tale.attempt(who, key, Restated("recognition", one.recognition, words))
        else:
            _sanction(tale, who, key, Changed("withdraw", "recognition", one.recognition))
    elif what < 0.5:
        tale.attempt(who, key, tale.recognition("Council", "authority"))
    elif what < 0.6:
        tale.attempt(who, key, tale.recognition("Double"))
    else:
        tale.attempt(who, key, tale.recognition(tale.random.choice(ACCREDITORS)))


def _accreditor(tale: Tale, who: str, key: str) -> None:
    granted = tale.own(AccreditationGranted, who)
    if tale.random.random() < 0.4 or not granted:
        tale.attempt(who, key, tale.accreditation(tale.random.choice(PROVIDERS)))
        return
    one = tale.random.choice(granted)
    assert isinstance(one, AccreditationGranted)
    if tale.random.random() < 0.1 and not tale.plain:
        _quarrel(tale, who, key, one.organization)
        return
    if tale.random.random() < 0.2 and not tale.plain:
        words = tale.words(one.organization)
        tale.attempt(who, key, Restated("accreditation", one.accreditation, words))
        return
    verbs: tuple[Verb, ...] = ("suspend", "suspend", "reinstate", "reinstate", "withdraw")
    _sanction(tale, who, key, change(tale.random.choice(verbs), one.accreditation))


def _quarrel(tale: Tale, who: str, key: str, provider: str) -> None:
    """Name a successor for a provider that objects at once; the successor tries all the same."""
    ring, world = tale.rings[provider], tale.register.world
    if world.closed(provider, tale.register.size) or not ring:
        return
    objector = world.keys[provider].get(ring[-1])
    now = tale.register.now
    if objector is None or not objector.counts(tale.register.size, now, world.settings):
        return
    if not tale.attempt(who, key, Succeeded(provider, "Puppet")):
        return
    one = tale.random.choice(tale.own(Issued, provider) or [Issued("c1", "", 1, "")])
    assert isinstance(one, Issued)
    revoked = change("revoke", one.credential)
    tale.attempt("Puppet", "Puppet/s1", revoked, by="stranger")
    if not tale.attempt(provider, ring[-1], Objected()):
        tale.complaints.append(f"{provider} cannot object")
    tale.pause = tale.random.choice((0, 31))
    tale.attempt("Puppet", "Puppet/s1", revoked, by="stranger")


def _sanction(tale: Tale, who: str, key: str, event: Changed) -> None:
    """Change a thing of one's own; to end it must be admitted whatever others did to it."""
    tale.attempt(who, key, event)
    answer = tale.register.steps[-1].answer
    if event.verb in ENDINGS and answer == "transition":
        tale.complaints.append(f"{who} cannot {event.verb} {event.id}")


def _provider(tale: Tale, who: str, key: str) -> None:
    what = tale.random.random()
    definitions, issued = tale.own(Defined, who), tale.own(Issued, who)
    if what < 0.2:
        achievement = "soil" if who == "College" else "art"
        version = tale.register.world.highest_version(achievement) + 1
        level = Definition(tale.random.choice(LEVELS))
        tale.attempt(who, key, Defined(achievement, version, level))
    elif what < 0.55 or not issued:
        _issue(tale, who, key, definitions)
    else:
        one = tale.random.choice(issued[-4:])
        assert isinstance(one, Issued)
        if tale.random.random() < 0.1:
            other = tale.random.choice(issued)
            assert isinstance(other, Issued)
            replaced = change("supersede", one.credential, other.credential)
            tale.attempt(who, key, replaced)
            return
        verbs: tuple[Verb, ...] = ("suspend", "suspend", "reinstate", "reinstate", "revoke")
        _sanction(tale, who, key, change(tale.random.choice(verbs), one.credential))


def _issue(tale: Tale, who: str, key: str, definitions: list[Event]) -> None:
    named = tale.random.choice(definitions)
    assert isinstance(named, Defined)
    granted = [
        each
        for accreditor in (*ACCREDITORS, DISTANT)
        for each in tale.own(AccreditationGranted, accreditor)
        if isinstance(each, AccreditationGranted) and each.organization == who
    ]
    under = tale.random.choice(granted).accreditation if granted else None
    events = [
        Issued(id_, named.achievement, named.version, f"commitment of {id_}", under)
        for id_ in (tale.id("c") for _ in range(tale.random.choice((1, 1, 1, 3))))
    ]
    tale.attempt(who, key, *events)
