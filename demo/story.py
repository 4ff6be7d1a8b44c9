"""The story, act by act. Every act is signed submissions, sent over HTTP."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from demo.cast import (
    ACCREDITORS,
    AUTHORITIES,
    COURSES,
    OUT_OF_SCOPE,
    PROVIDERS,
    SCOPES,
    Course,
    Person,
)
from demo.parties import Party
from demo.theft import Theft, play_theft
from testamur.badges.cohort_csv import Offering, Provider, read_cohort
from testamur.badges.commitment import HolderFile
from testamur.badges.prepare import Prepared, prepare_cohort
from testamur.badges.prepared_folder import write_prepared
from testamur.catalogue import events as e
from testamur.catalogue.ids import new_id
from testamur.cli.receipts import keep_receipt
from testamur.http.client import RegistryClient
from testamur.tlog.policy import Policy
from testamur.verification.receipt import Receipt, verify_receipt

OnAct = Callable[[int, str], None]
"""Called with each act: the position of its first entry, and one sentence."""
Shown = Callable[[Sequence[Course]], Iterable[Course]]
"""Yields the same courses, and shows meanwhile how many are done."""


@dataclass(slots=True)
class Story:
    """Plays the acts on `registry`, whose log is `log`; parties keep their keys in `folder`."""

    registry: RegistryClient
    log: str
    policy: Policy
    folder: Path
    authorities: list[Party]
    on_act: OnAct
    shown: Shown
    accreditors: list[Party] = field(default_factory=list)
    providers: list[Party] = field(default_factory=list)
    accreditations: dict[str, str] = field(default_factory=dict)
    offerings: dict[str, Offering] = field(default_factory=dict)
    holders: dict[str, list[HolderFile]] = field(default_factory=dict)
    submissions: list[dict[str, Any]] = field(default_factory=list)
    theft: Theft = field(init=False)

    def play(self) -> None:
        """Play all acts in order."""
        self.enter()
        self.define()
        self._award_courses()
        self._rotate_key()
        self._suspend_accreditation()
        self._award_out_of_scope()
        self._correct()
        self.theft = play_theft(self)

    # --- Acts ---

    def enter(self) -> None:
        """Let the accreditors in, and the providers, whom they accredit."""
        begun = len(self.submissions)
        pairs = zip(self.authorities, ACCREDITORS, strict=True)
        for authority, person in pairs:
            accreditor = self._party(person)
            self.accreditors.append(accreditor)
            today = _today()
            recognition = e.RecognitionGranted(
                as_="accreditor",
                country=person.country,
                name=person.name,
                organization=accreditor.did,
                recognition=new_id(),
                valid_from=today - timedelta(days=365),
                scope=SCOPES[person.handle],
                url=person.url,
                valid_until=today + timedelta(days=5 * 365),
            )
            registered = accreditor.registration(self.log, authority.did, "accreditor")
            self.submit(
                authority, [registered, recognition], f"brings in and recognises {person.name}"
            )
        sponsors = (self.accreditors[0], self.accreditors[0], self.accreditors[1])
        for sponsor, person in zip(sponsors, PROVIDERS, strict=True):
            provider = self._party(person)
            self.providers.append(provider)
            self.accreditations[person.handle] = new_id()
            granted = e.AccreditationGranted(
                accreditation=self.accreditations[person.handle],
                country=person.country,
                decision="positive",
                kind="institutional",
                name=person.name,
                provider=provider.did,
                valid_from=_today() - timedelta(days=200),
                obligation="obligatory",
                scope=SCOPES[person.handle],
                url=person.url,
                valid_until=_today() + timedelta(days=4 * 365),
            )
            registered = provider.registration(self.log, sponsor.did, "provider")
            self.submit(sponsor, [registered, granted], f"brings in and accredits {person.name}")
        self.tell(
            begun,
            f"The authorities recognise {len(self.accreditors)} accreditors, who accredit "
            f"{len(self.providers)} providers.",
        )

    def define(self) -> None:
        """Let the providers define what they award."""
        begun = len(self.submissions)
        for provider in self.providers:
            courses = [c for c in (*COURSES, OUT_OF_SCOPE) if c.provider == provider.person.handle]
            events: list[e.Event] = []
            for course in courses:
                offering = self._offering(course)
                self.offerings[course.definition.name] = offering
                events.append(
                    e.AchievementDefined(
                        achievement=offering.achievement, definition=course.definition
                    )
                )
            self.submit(provider, events, f"defines {len(events)} micro-credentials")
        self.tell(begun, f"The providers define {len(self.offerings)} micro-credentials.")

    def _award_courses(self) -> None:
        begun = len(self.submissions)
        for course in self.shown(COURSES):
            self.award(course, course.learners, "spring")
        learners = sum(course.learners for course in COURSES)
        self.tell(
            begun,
            f"They award them to {learners} learners: {len(COURSES)} cohorts, each signed once.",
        )

    def _rotate_key(self) -> None:
        begun, harbour = len(self.submissions), self.providers[0]
        old = harbour.key.public.multikey()
        new = harbour.new_key().public.multikey()
        changed: list[e.Event] = [e.KeyListed(as_="signing", key=new), e.KeyRetired(key=old)]
        self.submit(harbour, changed, "lists a second signing key and retires the first")
        self.award(COURSES[0], 60, "summer")
        self.tell(
            begun,
            f"{harbour.person.name} replaces its signing key, and awards 60 with the new one.",
        )

    def _suspend_accreditation(self) -> None:
        begun, northwind = len(self.submissions), self.providers[1]
        accreditation = self.accreditations[northwind.person.handle]
        suspended = e.AccreditationSuspended(accreditation=accreditation, reason="qualityConcern")
        self.submit(self.accreditors[0], [suspended], "suspends the accreditation of Northwind")
        leadership = next(c for c in COURSES if c.provider == "northwind")
        self.award(leadership, 45, "summer")
        name = northwind.person.name
        self.tell(begun, f"{name}, its accreditation suspended, awards 45 all the same.")

    def _award_out_of_scope(self) -> None:
        begun, careworks = len(self.submissions), self.providers[2]
        self.award(OUT_OF_SCOPE, OUT_OF_SCOPE.learners, "summer")
        name, learners = careworks.person.name, OUT_OF_SCOPE.learners
        self.tell(begun, f"{name} awards {learners} outside its accredited scope.")

    def _correct(self) -> None:
        begun = len(self.submissions)
        harbour, northwind, careworks = self.providers
        data = self.holders["Data Analytics Foundations"]
        security = self.holders["Cyber Security Essentials"]
        leadership = self.holders["Leadership for New Managers"]
        telehealth = self.holders["Telehealth Consultation"]
        revoked = [e.CredentialRevoked(credential=h.id, reason="misconduct") for h in security[:12]]
        self.submit(harbour, revoked, "revokes 12 credentials for misconduct")
        suspended = [
            e.CredentialSuspended(credential=h.id, reason="requirementsNotMet")
            for h in telehealth[:20]
        ]
        self.submit(careworks, suspended, "suspends 20 credentials pending a re-assessment")
        reinstated = [e.CredentialReinstated(credential=h.id) for h in telehealth[:15]]
        self.submit(careworks, reinstated, "reinstates 15 of them")
        failed = [
            e.CredentialRevoked(credential=h.id, reason="requirementsNotMet")
            for h in telehealth[15:20]
        ]
        self.submit(careworks, failed, "revokes the other 5")
        self.submit(
            northwind,
            [e.CredentialRevoked(credential=leadership[0].id, reason="duplicate")],
            "revokes a duplicate",
        )
        self.submit(
            harbour,
            [e.CredentialSuperseded(credential=data[1].id, successor=data[2].id)],
            "replaces a credential that carried a wrong date",
        )
        self.tell(
            begun, "The providers revoke 18 credentials, suspend 20, reinstate 15, and replace 1."
        )

    # --- What the acts are made of ---

    def award(self, course: Course, learners: int, term: str) -> None:
        """Prepare the cohort, sign it, submit it, keep the holders' files."""
        provider = self.provider_of(course)
        prepared = self.prepare(course, learners, term)
        name = course.definition.name
        self.submit(provider, prepared.events, f"awards {name} to {learners} learners")
        self.holders.setdefault(name, []).extend(prepared.holders)

    def prepare(self, course: Course, learners: int, term: str) -> Prepared:
        """Write the cohort's CSV, and make of it what a registrar would."""
        provider = self.provider_of(course)
        offering = self.offerings[course.definition.name]
        work = provider.folder / f"{offering.achievement}-{term}"
        work.mkdir()
        (work / "cohort.csv").write_bytes(_cohort(course, learners, term))
        awards, refused = read_cohort((work / "cohort.csv").read_bytes(), [offering])
        person = provider.person
        prepared = prepare_cohort(
            awards,
            Provider(country=person.country, did=provider.did, name=person.name, url=person.url),
            now=datetime.now(UTC),
            key=provider.key,
            log=self.log,
            refused=refused,
        )
        write_prepared(prepared, work / "prepared")
        return prepared

    def provider_of(self, course: Course) -> Party:
        """Return the provider that teaches the course."""
        return next(each for each in self.providers if each.person.handle == course.provider)

    def _offering(self, course: Course) -> Offering:
        return Offering(
            achievement=new_id(),
            accreditation=self.accreditations[course.provider],
            criteria=course.criteria,
            definition=course.definition,
            description=course.description,
        )

    def _party(self, person: Person) -> Party:
        return Party(person, self.folder / person.handle)

    def submit(self, party: Party, events: Sequence[e.Event], what: str) -> Receipt:
        """Let a party sign and submit, and keep the receipt beside its keys."""
        receipt = self.hand_in(party.seal(events, log=self.log, now=int(time.time())), what)
        keep_receipt(party.keys, receipt)
        return receipt

    def hand_in(self, body: bytes, what: str) -> Receipt:
        """Submit what somebody signed, and check that the receipt proves it to be in the log."""
        receipt = self.registry.submit(body, "published", "admit")
        verified = verify_receipt(receipt, body, self.policy)
        self.submissions.append(
            {
                "issuer": receipt.issuer,
                "jti": receipt.jti,
                "position": receipt.position,
                "events": receipt.events,
                "recordedAt": receipt.recorded_at,
                "provenAtSize": verified.checkpoint.size,
                "flags": {flag.code: flag.count for flag in receipt.flags},
                "what": what,
            }
        )
        return receipt

    def tell(self, begun: int, sentence: str) -> None:
        """Report the act whose first submission is number `begun`, and its flags."""
        act = self.submissions[begun:]
        flags = sum((Counter[str](submission["flags"]) for submission in act), Counter[str]())
        flagged = ", ".join(f"{code} x {count}" for code, count in flags.items())
        self.on_act(act[0]["position"], sentence + (f"  [flagged: {flagged}]" if flagged else ""))


def enter_authorities(folder: Path) -> list[Party]:
    """Return the root authorities, with the keys that the genesis will name."""
    return [Party(person, folder / person.handle) for person in AUTHORITIES]


def _cohort(course: Course, learners: int, term: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("learner", "awarded", "validUntil"))
    awarded = _today() - timedelta(days=3)
    until = awarded.replace(year=awarded.year + 5, day=min(awarded.day, 28))
    for number in range(1, learners + 1):
        handle = course.definition.name.lower().replace(" ", "-")
        writer.writerow((f"{term}.{handle}.{number:04}@learner.example", awarded, until))
    return text.getvalue().encode()


def _today() -> date:
    return datetime.now(UTC).date()
