"""A log with one of each thing that a page shows: every status, long names, names from the right.

    log = ShownLog(served)
    log.holders["revoked"]       # the holder file of a credential that was revoked
    log.served.story.provider    # who issued it

Keys, names and order are the same in every run; the time is now.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final

import msgspec

from testamur.badges.cohort_csv import Offering, Provider, read_cohort
from testamur.badges.commitment import HolderFile, render_holder_file
from testamur.badges.prepare import prepare_cohort
from testamur.catalogue import events as e
from testamur.catalogue.members import Definition, Outcome, Role
from tests.harness.served import Served
from tests.harness.story import Party, Story

ACCREDITOR: Final = "Skills Quality Agency"
PROVIDER: Final = "Harbour Polytechnic"
LONG: Final = (
    "Institute for the Continuing Professional Development of Nurses, Midwives, Paramedics and "
    "Allied Health Practitioners of the North-Eastern Provinces (Rechtsschutzversicherung)"
)
FROM_THE_RIGHT: Final = "جامعة الإسكندرية للتعلم المستمر"
STATUSES: Final = ("valid", "revoked", "suspended", "superseded", "successor", "unaccredited")
GENESIS: Final = 2  # entries
MORE: Final = 300
"""Credentials beside those: two full bundles of entries, and several pages of lists."""


class ShownLog:
    """Makes the log in the folder of `served`, which it does not start."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.holders: dict[str, HolderFile] = {}
        story = served.story
        self.long = story.of_another_provider(1)
        self.from_the_right = story.of_another_provider(2)
        bodies = [
            story.submission(
                story.authority,
                self._registered(story.authority, story.accreditor, "accreditor", ACCREDITOR),
                msgspec.structs.replace(story.recognised(), name=ACCREDITOR),
            ),
            *self._joining(story, PROVIDER),
            *self._joining(self.long, LONG),
            *self._joining(self.from_the_right, FROM_THE_RIGHT),
            *self._awarding(),
            story.cohort(MORE),
            *self._replaced(),
        ]
        size = GENESIS + sum(body.count(b"\n") for body in bodies)
        served.init()
        served.record(*bodies, *self._stolen(size))

    def file(self, name: str) -> bytes:
        """Return the holder file of one of the `STATUSES`, as a learner gets it."""
        return render_holder_file(self.holders[name])

    def bent(self, name: str) -> bytes:
        """Return the same with another title of the achievement: its commitment is not opened."""
        found = json.loads(self.file(name))
        found["credential"]["credentialSubject"]["achievement"]["name"] = "Advanced Soil Science"
        return json.dumps(found).encode()

    # --- What happens on the log ---

    def _registered(
        self, sponsor: Party, newcomer: Party, role: Role, name: str
    ) -> e.OrganizationRegistered:
        return self.served.story.registration(newcomer, role, sponsor=sponsor.did, name=name)

    def _joining(self, story: Story, name: str) -> list[bytes]:
        return [
            story.submission(
                story.accreditor,
                self._registered(story.accreditor, story.provider, "provider", name),
                msgspec.structs.replace(story.accredited(), name=name),
            ),
            story.submission(
                story.provider,
                e.AchievementDefined(achievement=story.achievement, definition=_taught(story)),
            ),
        ]

    def _awarding(self) -> list[bytes]:
        story = self.served.story
        issued = self._award(STATUSES[:-1], story.accreditation)
        unaccredited = self._award(STATUSES[-1:], None)
        ids = {name: holder.id for name, holder in self.holders.items()}
        became = (
            e.CredentialRevoked(credential=ids["revoked"], reason="misconduct"),
            e.CredentialSuspended(credential=ids["suspended"], reason="requirementsNotMet"),
            e.CredentialSuperseded(credential=ids["superseded"], successor=ids["successor"]),
        )
        return [
            story.submission(story.provider, *issued),
            story.submission(story.provider, *unaccredited),
            story.submission(story.provider, *became),
        ]

    def _award(self, names: tuple[str, ...], accreditation: str | None) -> list[e.CredentialIssued]:
        story = self.served.story
        offering = Offering(
            achievement=story.achievement,
            accreditation=accreditation,
            criteria="Pass the examination.",
            definition=_taught(story),
            description="What soils are made of, and what they do.",
        )
        table = "learner,awarded\r\n" + "".join(
            f"{n}@learner.example,2026-11-20\r\n" for n in names
        )
        found, refused = read_cohort(table.encode(), [offering])
        prepared = prepare_cohort(
            found,
            Provider(country="NL", did=story.provider.did, name=PROVIDER),
            now=datetime.fromtimestamp(story.now, UTC),
            key=story.provider.key,
            log=story.origin,
            refused=refused,
        )
        # Not in the order of the table: each is found by the learner that it was made for.
        made = {each.learners[0].partition("@")[0]: each for each in prepared.made}
        self.holders |= {name: made[name].holder for name in names}
        return [made[name].event for name in names]

    def _replaced(self) -> list[bytes]:
        """A key that its owner replaced, and an accreditation that was suspended."""
        right, long = self.from_the_right, self.long
        newer = right.provider.with_key("a newer key")
        return [
            right.cohort(3),
            right.submission(
                right.provider.recovery, right.key_listed(newer), right.key_retired(right.provider)
            ),
            long.submission(
                long.accreditor,
                e.AccreditationSuspended(accreditation=long.accreditation, reason="qualityConcern"),
            ),
        ]

    def _stolen(self, position: int) -> list[bytes]:
        """What a thief of a key issues at a position, and its owner's declaration."""
        long = self.long
        return [
            long.cohort(2),
            long.submission(
                long.provider.recovery, long.key_compromised(long.provider, since=position)
            ),
        ]


def _taught(story: Story) -> Definition:
    """Return what a provider teaches: each has a name of another kind."""
    names = {
        0: "Soil Science",
        1: "Interprofessional Collaboration, Deprescribing and Medication Reconciliation in "
        "Long-Term Residential Care for Practitioners Without Prescribing Rights",
        2: "مبادئ علم التربة",
    }
    return msgspec.structs.replace(
        story.definition(),
        name=names[story.series],
        outcomes=(Outcome(name="Reads a soil profile"), Outcome(name="يقرأ مقطع التربة")),
    )
