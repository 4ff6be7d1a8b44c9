"""A story in which every member of every event is given a value, on a log that a server keeps.

Every event but the genesis is said by organizations of this story alone, so it can be told on a
log that others use. `said` has the events by their wire name, `things` the names in their paths.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from msgspec.structs import replace

from testamur.catalogue import events as e
from testamur.catalogue.members import (
    Definition,
    Document,
    Identifier,
    Level,
    Outcome,
    Scope,
    Workload,
)
from testamur.catalogue.registration import sign_registration
from tests.harness.served import Served
from tests.harness.story import Party, party

_DOCUMENT: Final = Document(digest=sha256(b"a document").digest(), url="https://a.example/x.pdf")
_IDENTIFIERS: Final = (Identifier(scheme="ROR", value="https://ror.org/04dkp9463"),)
_VOUCHED: Final[dict[str, Any]] = {
    "country": "BE",
    "name": "The College",
    "other_ids": ("did:web:college.example",),
    "other_names": ("Le College",),
    "url": "https://college.example",
}
_RESTATED: Final[dict[str, Any]] = {
    "country": "FR",
    "name": "The New College",
    "other_ids": ("did:web:new.example",),
    "other_names": ("Le nouveau College",),
    "url": "https://new.example",
}


class MembersSaid:
    """The story, told on the log of a server that is running."""

    def __init__(self, served: Served) -> None:
        self.served, self.story = served, served.story
        self.today = datetime.now(UTC).date()
        self.said: dict[str, list[e.Event]] = {}
        self.things: dict[str, str] = {}
        self.agency, self.college, self.heir = (
            self._enter(name) for name in ("agency", "college", "heir")
        )
        self._grants()
        self._achievements()
        self._credentials()
        self._keys()
        self._endings()

    def says(self, signer: Party, *events: e.Event) -> int:
        """Submit events; return the position of their header."""
        for event in events:
            self.said.setdefault(e.wire_name(event), []).append(event)
        return self.served.submit(self.story.submission(signer, *events)).position

    def _named(self, **things: str) -> None:
        self.things |= things

    def _enter(self, name: str) -> Party:
        story, who = self.story, party(f"members {name}")
        plain = story.registration(who, "accreditor", "provider", sponsor=story.authority.did)
        full = replace(
            plain,
            identifiers=(Identifier(scheme="PIC", value=f"99998609{len(self.things)}"),),
            name=f"The {name.capitalize()}",
            url=f"https://{name}.example",
        )
        self.says(story.authority, sign_registration(full, who.keys.founding))
        self._named(**{name: who.did})
        return who

    # --- What is granted ---

    def _scope(self) -> Scope:
        return Scope(
            achievement_types=("Badge",),
            achievements=(self.story.achievement,),
            fields=("0811",),
            jurisdictions=("BE", "NL"),
            languages=("en",),
            levels=(Level(framework="EQF", value=6),),
            participation=("blended",),
        )

    def _grants(self) -> None:
        story = self.story
        granted, restated, withdrawn = (story.new_id() for _ in range(3))
        self._named(recognition=granted, recognition2=restated, recognition3=withdrawn)
        terms = {
            "scope": self._scope(),
            "valid_until": date(2031, 1, 1),
            **_VOUCHED,
        }
        for id_ in (granted, restated, withdrawn):
            recognised = story.recognised(id_, of=self.agency)
            self.says(story.authority, replace(recognised, **terms))
        self.says(
            story.authority,
            e.RecognitionRestated(recognition=restated, **_RESTATED),
            e.RecognitionWithdrawn(recognition=withdrawn, reason="voluntary"),
        )
        granted, restated, ended = (story.new_id() for _ in range(3))
        self._named(accreditation=granted, accreditation2=restated, accreditation3=ended)
        terms |= {
            "decision": "conditional",
            "evidence": _DOCUMENT,
            "kind": "programme",
            "obligation": "obligatory",
            "review_by": self.today + timedelta(days=90),
        }
        for id_ in (granted, restated, ended):
            accredited = story.accredited(id_, of=self.college)
            self.says(self.agency, replace(accredited, **terms))
        due = self.today + timedelta(days=400)
        self.says(
            self.agency,
            e.AccreditationRestated(accreditation=restated, review_by=due, **_RESTATED),
            e.AccreditationSuspended(accreditation=ended, reason="qualityConcern"),
            e.AccreditationReinstated(accreditation=ended),
            e.AccreditationWithdrawn(accreditation=ended, reason="conditionsNotMet"),
        )

    # --- What is awarded ---

    def _achievements(self) -> None:
        achievement = self.story.new_id()
        self._named(achievement=achievement)
        first = Definition(
            name="Soil Science",
            achievement_type="MicroCredential",
            assessment=("project",),
            criteria=_DOCUMENT,
            digest=sha256(b"a definition").digest(),
            field="0811",
            languages=("en",),
            level=Level(framework="EQF", value=6),
            outcomes=(Outcome(name="Reads a soil", framework="ESCO", url="https://a.example/o"),),
            participation=("blended",),
            quality_assurance=("institutional",),
            supervision="supervised",
            url="https://college.example/soil",
            workload=Workload(amount=50, unit="tenthOfEcts"),
        )
        second = replace(first, name="Soil Science II")
        self.says(
            self.college,
            e.AchievementDefined(achievement=achievement, definition=first),
            e.AchievementRevised(achievement=achievement, definition=second, version=2),
        )

    def _credentials(self) -> None:
        story, names = self.story, [self.story.new_id() for _ in range(4)]
        self._named(**{f"credential{number}": name for number, name in enumerate(names)})
        issued = replace(
            story.issued(),
            accreditation=self.things["accreditation"],
            achievement=self.things["achievement"],
        )
        active, suspended, revoked, superseded = names
        day = self.today - timedelta(days=80)
        self.says(
            self.college,
            *(
                replace(issued, credential=each, commitment=sha256(each.encode()).digest())
                for each in names
            ),
            e.CredentialSuspended(credential=suspended, reason="duplicate", effective_at=day),
            e.CredentialReinstated(credential=suspended, effective_at=day + timedelta(days=1)),
            e.CredentialRevoked(credential=revoked, reason="misconduct", effective_at=day),
            e.CredentialSuperseded(credential=superseded, successor=active),
            e.AchievementRetired(achievement=self.things["achievement"]),
        )

    # --- What organizations say of themselves ---

    def _keys(self) -> None:
        college = self.college
        fresh, stolen = (college.with_key(f"members {name}") for name in ("fresh", "stolen"))
        self.says(college.recovery, self.story.key_listed(fresh), self.story.key_listed(stolen))
        since = self.says(stolen, self.story.updated())
        compromised = self.story.key_compromised(stolen, since, ((since, since),))
        self.says(college.recovery, compromised, self.story.key_retired(fresh))

    def _endings(self) -> None:
        updated = e.OrganizationUpdated(
            country="DE",
            identifiers=_IDENTIFIERS,
            name="The Renamed College",
            url="https://renamed.example",
        )
        self.says(
            self.college,
            updated,
            self.story.objected(),
            self.story.succeeded(self.college, self.heir),
            self.story.closed(),
        )
