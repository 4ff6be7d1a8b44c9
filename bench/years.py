"""A register after years of work, in the folder of a server: many providers, one of them large.

python -m bench.years FOLDER --credentials 1000000

The gate admits everything, by a clock that runs through the years; the publisher signs it and the
follower builds its tables. `python -m api serve --data FOLDER` then serves it.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from api.folder import Folder
from log.directory import DirectoryStore
from log.publisher import Publisher
from log.sqlite import SqliteLastSigned
from projections.follower import Follower
from registry.gate import Gate
from registry.outcomes import Outcome, Recorded
from registry.sqlite.store import SqliteStore
from testamur.catalogue import events as e
from testamur.catalogue.members import Definition, Level, Workload
from testamur.catalogue.members import Outcome as Learnt
from testamur.keys import PublicKey
from testamur.tlog.note import SignerKey
from testamur.tlog.reader import LogReader
from testamur.tlog.source import DirectorySource
from tests.harness.story import Party, Story, party, private_key

_DAY: Final = 86_400
_LARGE: Final = 0.1  # of all credentials are those of the first provider
_COHORT: Final = 500
_REVOKED: Final = 0.01
_UNACCREDITED: Final = 0.04

_NAMES: Final = (
    "Example College",
    "جامعة المثال للعلوم التطبيقية والتكنولوجيا",
    "Rheinisch-Westfälische Technische Hochschule für Angewandte Wissenschaften und Bodenkunde",
    "האוניברסיטה לדוגמה",
    "Université de l'Exemple",
    "Hogeschool Voorbeeld",
    "例示大学",
    "Universidad del Ejemplo",
)
_SUBJECTS: Final = (
    ("Soil Science", "0811", "Reads a soil profile", "Samples a field"),
    ("Data Analysis with Python", "0613", "Cleans a data set", "Draws a plot that tells the truth"),
    ("Nursing in the Community", "0913", "Plans care at home", "Gives medicine safely"),
    ("Applied Statistics", "0542", "Chooses a test", "Reads a confidence interval"),
    ("Academic Writing", "0231", "Argues from sources", "Revises a text"),
    ("Circular Construction", "0732", "Reuses materials", "Reckons embodied carbon"),
)


@dataclass
class Years:
    """Who takes part, and the time that it is in the story."""

    credentials: int
    providers: int
    accreditors: int
    months: int
    draw: random.Random = field(default_factory=lambda: random.Random(1))

    def __post_init__(self) -> None:
        begun = int(time.time()) - self.months * 30 * _DAY - 2 * _DAY
        self.story = Story(now=begun, name="years")
        self.begun = begun

    def submissions(self) -> Iterator[bytes]:
        """Yield what is submitted, in order; the story's time is that of each."""
        yield from self.joining()
        yield from self.awarding()

    # --- Who is in it ---

    def joining(self) -> Iterator[bytes]:
        """Yield the submissions by which everybody comes in."""
        story = self.story
        self.seats = [party(f"years accreditor {n}") for n in range(self.accreditors)]
        bridge = party("years authority below")
        for name, newcomer, role in (
            ("Ministry of Examples", bridge, "authority"),
            *(
                (f"Accreditation Agency {n + 1}", seat, "accreditor")
                for n, seat in enumerate(self.seats)
            ),
        ):
            by = (
                bridge
                if role == "accreditor" and newcomer is not self.seats[0]
                else story.authority
            )
            granted = e.RecognitionGranted(
                as_="authority" if role == "authority" else "accreditor",
                country="NL",
                name=name,
                organization=newcomer.did,
                recognition=story.new_id(),
                valid_from=story.today - timedelta(days=30),
            )
            yield story.submission(by, self.registered(by, newcomer, name, role), granted)
        self.members = [self.member(n) for n in range(self.providers)]
        for member in self.members:
            yield from member.joining(self)

    def registered(
        self, by: Party, newcomer: Party, name: str, role: str
    ) -> e.OrganizationRegistered:
        """Return the registration of a newcomer by its sponsor."""
        return self.story.registration(newcomer, role, sponsor=by.did, name=name)  # type: ignore[arg-type]

    def member(self, number: int) -> Member:
        """Return a provider with its accreditor."""
        name = _NAMES[number % len(_NAMES)]
        name = name if number < len(_NAMES) else f"{name} {number}"
        return Member(
            party(f"years provider {number}"), name, self.seats[number % self.accreditors]
        )

    # --- What is awarded ---

    def awarding(self) -> Iterator[bytes]:
        """Yield the awards of all months, and what becomes of some of them."""
        share = [1.0 / max(1, self.providers - 1)] * self.providers
        whole = self.months * 30 * _DAY
        left = self.credentials
        cohorts = max(1, self.credentials // _COHORT)
        for number in range(cohorts):
            self.story.now = self.begun + 2 * _DAY + whole * number // cohorts
            first = self.draw.random() < _LARGE or not share[1:]
            member = self.members[0] if first else self.draw.choice(self.members[1:])
            size = min(left, _COHORT if number < cohorts - 1 else left)
            left -= size
            yield member.awards(self, size)
            if self.draw.random() < 0.5 and member.held:
                yield member.revokes(self)
            if self.draw.random() < 2 / cohorts:
                yield from member.sanctioned(self)


@dataclass
class Member:
    """A provider: its keys, its accreditations and achievements, and what it has awarded."""

    party: Party
    name: str
    accreditor: Party
    accreditation: str = ""
    achievements: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    def joining(self, years: Years) -> Iterator[bytes]:
        """Yield the submissions that bring it in: registration, accreditation, achievements."""
        story = years.story
        self.accreditation = story.new_id()
        granted = e.AccreditationGranted(
            accreditation=self.accreditation,
            country="NL",
            decision="positive",
            kind="institutional",
            name=self.name,
            provider=self.party.did,
            valid_from=story.today - timedelta(days=years.draw.randrange(900)),
            valid_until=story.today + timedelta(days=365 * years.draw.randrange(3, 8)),
        )
        registered = years.registered(self.accreditor, self.party, self.name, "provider")
        yield story.submission(self.accreditor, registered, granted)
        defined = []
        for subject in years.draw.sample(_SUBJECTS, 3):
            self.achievements.append(story.new_id())
            defined.append(
                e.AchievementDefined(
                    achievement=self.achievements[-1], definition=self.definition(years, *subject)
                )
            )
        yield story.submission(self.party, *defined)

    def definition(self, years: Years, name: str, isced: str, *skills: str) -> Definition:
        """Return a definition with every mandatory element."""
        amount = years.draw.choice((5, 10, 30, 50, 150))
        return msgspec.structs.replace(
            years.story.definition(),
            name=name,
            field=isced,
            level=Level(framework="EQF", value=years.draw.randrange(4, 8)),
            outcomes=tuple(Learnt(name=each) for each in skills),
            workload=Workload(amount=amount, unit="tenthOfEcts"),
        )

    def awards(self, years: Years, size: int) -> bytes:
        """Return the award of a cohort."""
        story, draw = years.story, years.draw
        achievement = draw.choice(self.achievements)
        events = [
            msgspec.structs.replace(
                story.issued(achievement=achievement, accredited=False),
                accreditation=None if draw.random() < _UNACCREDITED else self.accreditation,
                valid_from=story.today - timedelta(days=draw.choice((0, 1, 1, 40))),
                valid_until=None,
            )
            for _ in range(size)
        ]
        for event in events:
            if draw.random() < 2 * _REVOKED:
                self.held.append(event.credential)
        return story.submission(self.party, *events)

    def revokes(self, years: Years) -> bytes:
        """Return the revocation of some of what it holds."""
        years.story.now += 3600
        ended, self.held = (
            self.held[: len(self.held) // 2 + 1],
            self.held[len(self.held) // 2 + 1 :],
        )
        return years.story.submission(
            self.party,
            *(e.CredentialRevoked(credential=each, reason="issuedInError") for each in ended),
        )

    def sanctioned(self, years: Years) -> Iterator[bytes]:
        """Yield that its accreditation is suspended for a day."""
        suspended = e.AccreditationSuspended(
            accreditation=self.accreditation, reason="qualityConcern"
        )
        reinstated = e.AccreditationReinstated(accreditation=self.accreditation)
        years.story.now += 3600
        yield years.story.submission(self.accreditor, suspended)
        years.story.now += _DAY
        yield years.story.submission(self.accreditor, reinstated)


def build(root: Path, years: Years) -> int:
    """Record, publish and fold it all in the new folder `root`; return the size of the log."""
    root.mkdir(mode=0o700)
    folder, story = Folder(root), years.story
    signer = SignerKey.from_seed(story.origin, private_key("years log").raw())
    descriptor = os.open(folder.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(f"{signer.render()}\n")
    log_key = PublicKey("Ed25519", signer.verifier.public)
    with (
        closing(SqliteStore(folder.registry)) as store,
        closing(SqliteLastSigned(folder.last_signed)) as last_signed,
        Gate(store, log_key=log_key, clock=lambda: story.milliseconds, settled=_settled) as gate,
    ):
        gate.open_log(story.genesis())
        for body in years.submissions():
            _recorded(gate, body)
        last_signed.claim()
        store_of_files = DirectoryStore(folder.log)
        publisher = Publisher(
            gate.entries, store_of_files, last_signed, signer, published=lambda *_: None
        )
        publisher.resume()
        publisher.publish_once()
    follower = Follower.open(
        folder.projections, LogReader(DirectorySource(folder.log), signer.verifier)
    )
    size = follower.catch_up()
    follower.engine.dispose()
    return size


def _settled(outcomes: object) -> None:
    for ticket, outcome in outcomes:  # type: ignore[attr-defined]
        ticket.set_result(outcome)


def _recorded(gate: Gate, body: bytes) -> None:
    ticket: Future[Outcome] = Future()
    gate.offer(gate.check(body), ticket)
    outcome = ticket.result(timeout=600)
    if not isinstance(outcome, Recorded):
        raise SystemExit(f"not admitted: {outcome}")


def main(
    folder: Annotated[Path, typer.Argument(help="a folder that is not there yet")],
    credentials: Annotated[int, typer.Option(help="credentials in all")] = 1_000_000,
    providers: Annotated[int, typer.Option(help="providers")] = 200,
    accreditors: Annotated[int, typer.Option(help="accreditors")] = 8,
    months: Annotated[int, typer.Option(help="how long ago it began")] = 36,
) -> None:
    """Build it, and print the size of the log."""
    begun = time.perf_counter()
    size = build(folder, Years(credentials, providers, accreditors, months))
    print(f"{size:,} entries in {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    typer.run(main)
