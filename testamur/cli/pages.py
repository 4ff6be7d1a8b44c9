"""From a cohort on the log to what each learner gets: page, picture, certificate, and a sheet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from testamur.cli.anchors import Anchor, anchors_in
from testamur.cli.asking import AT_ONCE, ahead, reach
from testamur.cli.cohorts import awards_in
from testamur.cli.evidence_sources import from_registry
from testamur.cli.files import STDOUT
from testamur.cli.judging import Question
from testamur.cli.making_pages import COLUMNS, Failed, Made, Making
from testamur.cli.outcome import HOLDS, REFUTED, UNCHECKED, described
from testamur.cli.terminal import Json, note, show_fields, show_json, show_table, track
from testamur.cli.trust import policy_from
from testamur.cli.values import cut, own_address
from testamur.errors import Refuted
from testamur.http.exchange import NoServer
from testamur.pages import learner
from testamur.pages.folder import SHEET, PagesFolder, Settings, digest_of
from testamur.pages.makers import how_many, makers

app = typer.Typer()
_PANEL: Final = "Submissions"
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
    if path == STDOUT:
        raise typer.BadParameter("is a folder, not standard output", param_hint="--out")
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
    missing = sum(not folder.has(each.credential) for each in awards)
    with (
        from_registry(url, question.anchors, flags=False) as fresh,
        makers(how_many(missing), pdf=pdf) as make,
        closing(
            ahead(Making(folder, settings, question, fresh, make), awards, at_once=AT_ONCE)
        ) as outcomes,
        track("Making pages") as tracked,
    ):
        run = _Run(folder, len(awards))
        folder.write_sheet(COLUMNS, run.rows(tracked(outcomes, len(awards))))
    run.show(json=json)
    raise typer.Exit(run.exit_code)


def _beside(cohort: Sequence[Path]) -> Path:
    if len(cohort) != 1 or not cohort[0].is_dir():
        raise typer.BadParameter("is missing", param_hint="--out")
    whole = cohort[0].resolve()
    return whole.with_name(f"{whole.name}-pages")


class _Run:
    """What became of a cohort: pages made now or earlier, and why others were not."""

    def __init__(self, folder: PagesFolder, total: int) -> None:
        self._folder, self._total = folder, total
        self._counts: Counter[str] = Counter()
        self._doubts: Counter[str] = Counter()
        self._failed: list[Failed] = []

    def rows(self, outcomes: Iterable[Made | Failed]) -> Iterator[Sequence[str]]:
        """Yield the row of the sheet of each learner who has pages, and count."""
        for each in outcomes:
            if isinstance(each, Failed):
                self._failed.append(each)
                continue
            self._counts["kept" if each.kept else "made"] += 1
            self._counts["nameless"] += each.facts.learner is None
            self._counts["apostrophe"] += each.award.learner.startswith("'")
            if each.doubt:
                self._doubts[each.doubt] += 1
            yield each.row

    @property
    def exit_code(self) -> int:
        """1 if a credential is not valid, else 2 if another has no pages, else 0."""
        if any(isinstance(each.error, Refuted) for each in self._failed):
            return REFUTED
        return UNCHECKED if self._failed else HOLDS

    def show(self, *, json: bool) -> None:
        """Print how many there are, and what is to be done about the others."""
        done = self._counts["made"] + self._counts["kept"]
        counts = {
            "made": self._counts["made"],
            "kept from an earlier run": self._counts["kept"],
            "without pages": self._total - done,
            "sheet": str(self._folder.path / SHEET),
        }
        if json:
            failed = [
                {"credential": award.credential, "row": award.row, **described(error)}
                for award, error in self._failed
            ]
            show_json({**counts, "failed": failed})
            return
        self._list_failed()
        show_fields(counts)
        self._tell()

    def _list_failed(self) -> None:
        """Print who has no pages; those who wait for the registry have one reason, told once."""
        waiting = [each for each in self._failed if isinstance(each.error, NoServer)]
        rows: list[list[Any]] = [
            [award.row, award.credential, str(error)]
            for award, error in self._failed
            if not isinstance(error, NoServer)
        ]
        if rows:
            show_table(["row", "credential", "why there are no pages"], rows[:_LISTED])
        if len(rows) > _LISTED:
            note(f"... and {len(rows) - _LISTED:,} more; --json lists them all")
        if waiting:
            note(
                f"{len(waiting):,} wait for the registry: run the same command again, and it goes "
                f"on. {waiting[0].error}",
                "yellow",
            )

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
        if self._counts["kept"]:
            note("Those kept were not verified anew: what was revoked since is still among them")
        note(f"{self._folder.path} is personal data: send each row to its learner alone")
