"""From a cohort on the log to what each learner gets: page, picture, certificate, and a sheet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from testamur.badges.commitment import HolderFile
from testamur.cli.anchors import Anchor, anchors_in
from testamur.cli.asking import AT_ONCE, ahead, reach
from testamur.cli.cohorts import Award, awards_in
from testamur.cli.evidence_sources import Fresh, Given, from_registry
from testamur.cli.judging import Question, answer
from testamur.cli.outcome import HOLDS, REFUTED, UNCHECKED, described
from testamur.cli.terminal import Json, note, show_fields, show_json, show_table, track
from testamur.cli.trust import policy_from
from testamur.cli.values import cut, own_address
from testamur.errors import Refuted, Unavailable, detached
from testamur.http.exchange import NoServer
from testamur.pages import learner
from testamur.pages.addresses import Addresses, addresses_of
from testamur.pages.facts import Facts, facts_of
from testamur.pages.folder import SHEET, PagesFolder, Settings, digest_of
from testamur.verification.checks import CheckName
from testamur.verification.evidence import render_evidence
from testamur.verification.finding import Fault
from testamur.verification.report import Answer, Verdict

app = typer.Typer()
_PANEL: Final = "Events"
_COLUMNS: Final = (
    "row", "learner", "name", "credential", "link", "linkedin", "page", "certificate",
    "picture", "pictureSvg", "qr",
)  # fmt: skip
# Without these nobody knows whether the credential is on the log, and in force. Of its
# accreditation less may be known: a provider may have none, and the page says so.
_NEEDED: Final[tuple[CheckName, ...]] = (
    "commitment", "submission", "signature", "inclusion", "checkpoint", "status",
)  # fmt: skip
_LISTED: Final = 50
_REASONS: Final = 3


def _as_number(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,19}", text):
        raise typer.BadParameter(
            f"{cut(text)} is not the number of a page at LinkedIn, such as 1337"
        )
    return text


@app.command(rich_help_panel=_PANEL)
def pages(
    cohort: Annotated[
        list[Path],
        typer.Argument(metavar="COHORT", help="The folder that `prepare` wrote, or holder files."),
    ],
    url: Annotated[
        str,
        typer.Option(
            metavar="URL",
            parser=own_address,
            help="Address of the registry: it is asked for evidence, and links lead there.",
        ),
    ],
    trust: Annotated[
        str,
        typer.Option(
            "--policy",
            "--vkey",
            metavar="FILE|VKEY",
            help="Policy, or the log's verifier key: the file, or the key itself.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="New folder, or the one to go on with. [COHORT-pages]"),
    ] = None,
    anchor: Anchor = None,
    linkedin: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER",
            parser=_as_number,
            help="Number of your page at LinkedIn, so that certifications there show your logo.",
        ),
    ] = None,
    *,
    pdf: Annotated[
        bool, typer.Option("--pdf/--no-pdf", help="Make a certificate in PDF for each.")
    ] = True,
    json: Json = False,
) -> None:
    """Make what each learner of a cohort gets: a page, a picture, a certificate, and a link.

    It comes after `submit`: each credential is verified first, and one that is not valid gets
    nothing. DIR gets a folder for each learner, named by the credential:

    * `page.html`: its facts, and a button to the holder's page of the registry;

    * `badge.png`, `badge.svg`: a picture that carries the badge;

    * `certificate.pdf`: PDF/A-3, to which the credential and its evidence are attached;

    * `qr.png`: a code of the link.

    And `mail-merge.csv`: a row for each, in the order of your spreadsheet, with the link and the
    names of the files. The link carries the credential itself, and works as long as any registry
    serves the page. All of it is personal data: send each row to its learner alone.

    A run that was cut off is taken up by the same command: what is finished is kept. A folder with
    anything else in it is never written into.

    Examples:

    `testamur pages spring --url https://registry.example --vkey log.vkey`

    `testamur pages spring --url https://registry.example --vkey log.vkey --linkedin 1337
    --out spring-pages`
    """
    question = Question(policy_from(trust), anchors_in(anchor or []), None, None)
    path = out or _beside(cohort)
    learner.check_installed(pdf=pdf)
    awards = awards_in(cohort)
    reach(url)
    settings = Settings(
        cohort=digest_of(each.credential for each in awards),
        register=url,
        linkedin=linkedin,
        pdf=pdf,
    )
    folder = PagesFolder(path, settings, learner.file_names(pdf=pdf))
    with (
        from_registry(url, question.anchors, flags=False) as fresh,
        closing(_read_ahead(awards, fresh, folder)) as outcomes,
        track("Making pages") as tracked,
    ):
        run = _Run(folder, settings, question)
        folder.write_sheet(_COLUMNS, run.rows(tracked(outcomes, len(awards))))
    run.show(len(awards), json=json)
    raise typer.Exit(run.exit_code)


def _beside(cohort: Sequence[Path]) -> Path:
    if len(cohort) != 1 or not cohort[0].is_dir():
        raise typer.BadParameter("is missing", param_hint="--out")
    whole = cohort[0].resolve()
    return whole.with_name(f"{whole.name}-pages")


class _Read(NamedTuple):
    """An award with its holder file and evidence, none if its pages are there already."""

    award: Award
    found: tuple[HolderFile, Given | None] | Fault


def _read_ahead(awards: Sequence[Award], fresh: Fresh, folder: PagesFolder) -> Generator[_Read]:
    """Return the awards in order; the registry is asked about the next ones meanwhile."""

    def read(award: Award) -> _Read:
        try:
            holder = award.holder()
            there = folder.has(award.credential)
            return _Read(award, (holder, None if there else fresh(award.credential)))
        except (Refuted, Unavailable) as error:
            return _Read(award, detached(error))

    return ahead(read, awards, at_once=AT_ONCE)


class _Run:
    """What became of a cohort: pages made now or earlier, and why others were not."""

    def __init__(self, folder: PagesFolder, settings: Settings, question: Question) -> None:
        self._folder, self._settings, self._question = folder, settings, question
        self._counts: Counter[str] = Counter()
        self._doubts: Counter[str] = Counter()
        self._failed: list[tuple[Award, Fault]] = []

    def rows(self, read: Iterable[_Read]) -> Iterator[Sequence[str]]:
        """Make the pages, and yield the row of the sheet of each learner who has them."""
        for each in read:
            try:
                if isinstance(each.found, Refuted | Unavailable):
                    raise each.found
                yield self._row(each.award, *each.found)
            except (Refuted, Unavailable) as error:
                self._failed.append((each.award, detached(error)))
                if isinstance(error, NoServer):
                    note("The others wait: run the same command again, and it goes on", "yellow")
                    return

    def _row(self, award: Award, holder: HolderFile, given: Given | None) -> Sequence[str]:
        facts = facts_of(holder)
        addresses = addresses_of(facts, holder, self._settings.register, self._settings.linkedin)
        if given is not None:
            self._make(facts, holder, given, addresses)
        else:
            self._counts["kept"] += 1
        self._counts["nameless"] += facts.learner is None
        cells = (award.row, award.learner, facts.learner or "", holder.id)
        self._counts["apostrophe"] += award.learner.startswith("'")
        names = (learner.PAGE, learner.PDF, learner.PNG, learner.SVG, learner.QR)
        there = learner.file_names(pdf=self._settings.pdf)
        files = (f"{holder.id}/{name}" if name in there else "" for name in names)
        return (*cells, addresses.link, addresses.linkedin, *files)

    def _make(self, facts: Facts, holder: HolderFile, given: Given, addresses: Addresses) -> None:
        report = answer(holder, [given], self._question)
        if report.verdict is Answer.NOT_VALID:
            raise Refuted(report.first_line)
        if any(report.check(name).verdict is not Verdict.HOLDS for name in _NEEDED):
            raise Unavailable(report.first_line)
        if report.verdict is Answer.COULD_NOT_TELL:
            self._doubts[report.why] += 1
        evidence = render_evidence(given.evidence)
        files = learner.files_of(facts, holder, evidence, addresses, pdf=self._settings.pdf)
        self._folder.add(holder.id, files)
        self._counts["made"] += 1

    @property
    def exit_code(self) -> int:
        """1 if a credential is not valid, else 2 if another has no pages, else 0."""
        if any(isinstance(error, Refuted) for _, error in self._failed):
            return REFUTED
        return UNCHECKED if self._failed else HOLDS

    def show(self, total: int, *, json: bool) -> None:
        """Print how many there are, and what is to be done about the others."""
        done = self._counts["made"] + self._counts["kept"]
        counts = {
            "made": self._counts["made"],
            "kept from an earlier run": self._counts["kept"],
            "without pages": total - done,
            "sheet": str(self._folder.path / SHEET),
        }
        if json:
            failed = [
                {"credential": each.credential, "row": each.row, **described(error)}
                for each, error in self._failed
            ]
            show_json({**counts, "failed": failed})
            return
        if self._failed:
            rows: list[list[Any]] = [
                [each.row, each.credential, str(error)] for each, error in self._failed[:_LISTED]
            ]
            show_table(["row", "credential", "why there are no pages"], rows)
            if len(self._failed) > _LISTED:
                note(f"... and {len(self._failed) - _LISTED:,} more; --json lists them all")
        show_fields(counts)
        self._tell()

    def _tell(self) -> None:
        for why, count in self._doubts.most_common(_REASONS):
            note(f"{count:,} were made although it could not be told: {why}", "yellow")
        if self._counts["nameless"]:
            note(
                f"{self._counts['nameless']:,} credentials hold no name, so their certificates "
                "show none: the column `name` of a cohort puts it there"
            )
        if self._counts["apostrophe"]:
            note(
                f"In {self._counts['apostrophe']:,} of the rows an apostrophe stands before the "
                "learner, which a spreadsheet would run as a formula; take it out by hand",
                "yellow",
            )
        note(f"{self._folder.path} is personal data: send each row to its learner alone")
