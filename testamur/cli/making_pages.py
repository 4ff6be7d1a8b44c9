"""The pages of one learner: verified, made and kept, or why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from testamur.badges.commitment import HolderFile
from testamur.cli.cohorts import Award
from testamur.cli.evidence_sources import Fresh, Given
from testamur.cli.judging import Question, answer
from testamur.errors import Refuted, Unavailable, detached
from testamur.pages import learner
from testamur.pages.addresses import Addresses, addresses_of
from testamur.pages.facts import Facts, facts_of
from testamur.pages.folder import PagesFolder, Settings
from testamur.pages.makers import Make
from testamur.verification.checks import CheckName
from testamur.verification.evidence import render_evidence
from testamur.verification.finding import Fault
from testamur.verification.report import Answer, Verdict

COLUMNS: Final = (
    "row", "learner", "name", "credential", "link", "linkedin", "page", "certificate",
    "picture", "pictureSvg", "qr",
)  # fmt: skip
# Without these nobody knows whether the credential is on the log, and in force. Of its
# accreditation less may be known: a provider may have none, and the page says so.
_NEEDED: Final[tuple[CheckName, ...]] = (
    "commitment", "submission", "signature", "inclusion", "checkpoint", "status",
)  # fmt: skip


class Made(NamedTuple):
    """The pages of a learner: the row of the sheet, and what to tell of all of them together.

    `doubt` says why it could not be told whether the credential is valid, "" if it is.
    """

    award: Award
    facts: Facts
    row: Sequence[str]
    kept: bool
    doubt: str


class Failed(NamedTuple):
    """A learner who has no pages."""

    award: Award
    error: Fault


@dataclass(frozen=True, slots=True)
class Making:
    """Makes the pages of one learner after another; a few threads share it."""

    folder: PagesFolder
    settings: Settings
    question: Question
    fresh: Fresh
    make: Make

    def __call__(self, award: Award) -> Made | Failed:
        """Make the pages of a learner, unless they are there, or return why there are none."""
        try:
            holder = award.holder()
            facts = facts_of(holder)
            addresses = addresses_of(facts, holder, self.settings.register, self.settings.linkedin)
            kept, doubt = self.folder.has(holder.id), ""
            if not kept:
                given = self.fresh(holder.id)
                doubt = self._verified(holder, given)
                evidence = render_evidence(given.evidence)
                files = self.make(facts, holder, evidence, addresses)
                self.folder.add(holder.id, files)
        except (Refuted, Unavailable) as error:
            return Failed(award, detached(error))
        return Made(award, facts, self._row(award, facts, addresses), kept, doubt)

    def _verified(self, holder: HolderFile, given: Given) -> str:
        """Return why it could not be told whether a credential is valid, "" if it is.

        Raises `Refuted` for one that is not, and `Unavailable` if nobody knows whether the log
        holds it, in force.
        """
        report = answer(holder, [given], self.question)
        if report.verdict is Answer.NOT_VALID:
            raise Refuted(report.first_line)
        if any(report.check(name).verdict is not Verdict.HOLDS for name in _NEEDED):
            raise Unavailable(report.first_line)
        return "" if report.verdict is Answer.VALID else report.why

    def _row(self, award: Award, facts: Facts, addresses: Addresses) -> Sequence[str]:
        names = (learner.PAGE, learner.PDF, learner.PNG, learner.SVG, learner.QR)
        there = learner.file_names(pdf=self.settings.pdf)
        files = (f"{award.credential}/{name}" if name in there else "" for name in names)
        who = (award.row, award.learner, facts.learner or "", award.credential)
        return (*who, addresses.link, addresses.linkedin, *files)
