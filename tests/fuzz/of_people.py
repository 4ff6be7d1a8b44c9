"""Spreadsheets, and what people type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import typer

from testamur.badges import columns
from testamur.badges.cohort_csv import read_cohort, read_given
from testamur.badges.days import form, read_day
from testamur.badges.identities import check_learner, read_asked
from testamur.badges.spreadsheet import read_table
from testamur.cli import values
from testamur.cli.profile import read_profile
from tests.fuzz import samples
from tests.fuzz.row import DECLARED, Row, as_file, as_line, as_text, texts


def _learner(data: bytes) -> Any:
    return check_learner(samples.log().holder.credential, read_asked(data.decode("utf-8", "replace")))  # noqa: E501 # fmt: skip


def _cohort(data: bytes) -> Any:
    awards, refused = read_cohort(data, samples.offerings())
    return len(list(awards)), refused


def _cell(column: str) -> Callable[[bytes], Any]:
    """Return a reader of a cell, which is never empty and has no spaces around it."""
    return as_line(lambda text: columns.read_cell(column, text.strip() or "x", columns.Reading()))


_DAYS: Final = texts(
    "2026-11-21", "21.11.2026", "21 November 2026", "11/21/2026", "2026-11-21 10:00"
)

ROWS: Final = (
    Row(
        ("testamur.badges.cohort_csv.read_cohort",),
        _cohort,
        lambda: [samples.COHORT, samples.SEMICOLONS, samples.COHORT.decode().encode("utf-16")],
    ),
    Row(
        ("testamur.badges.spreadsheet.read_table",),
        lambda data: list(read_table(data, lambda text: text in ("learner", "awarded")).rows()),
        lambda: [samples.COHORT, samples.SEMICOLONS],
    ),
    Row(
        ("testamur.badges.cohort_csv.read_given",),
        lambda data: read_given(data, samples.given()),
        lambda: [samples.provider()],
    ),
    Row(
        ("testamur.badges.cohort_csv.read_given of an offering",),
        lambda data: read_given(data, type(samples.offerings()[0])),
        lambda: [samples.offering()],
    ),
    Row(("testamur.badges.days.read_day",), as_line(read_day), _DAYS),
    Row(
        ("testamur.badges.days.form",),
        as_line(lambda text: read_day("21.11.2026", form(text))),
        texts("DD.MM.YYYY", "M/D/YYYY"),
        errors=(*DECLARED, ValueError),
    ),
    *(
        Row(
            (
                f"testamur.badges.columns.read_cell of {column}",
                "testamur.badges.learners.read_learner",
            ),
            _cell(column),
            found,
        )
        for column, found in (
            ("learner", texts("ada@example.org", "4711", "ÅDA@EXÄMPLE.org")),
            ("learnerId", texts("did:web:ada.example")),
            ("name", texts("Ada Lovelace", "Nguyễn Thị Minh", "李 小龍")),
            ("evidence", texts("https://a.example/1 https://b.example/2")),
            ("validUntil", _DAYS),
            ("awarded", _DAYS),
        )
    ),
    Row(
        ("testamur.badges.identities.read_asked", "testamur.badges.identities.check_learner"),
        as_text(read_asked),
        texts("ada@example.org", "did:web:ada.example", "4711", "https://orcid.org/0000-0001"),
    ),
    Row(
        ("testamur.badges.identities.check_learner of a credential",),
        _learner,
        texts("learner0@example.org", "did:web:ada.example", "4711", "Ada Lovelace"),
    ),
    Row(
        ("testamur.cli.profile.read_profile",),
        as_file(read_profile, "profile.toml"),
        texts('url = "https://registry.example"\nvkey = "log.vkey"\nkeys = "keys"\n'),
    ),
    *(
        Row(
            (f"testamur.cli.values.{read.__name__}",),
            as_text(read),
            texts(*examples),
            (*DECLARED, typer.BadParameter),
        )
        for read, examples in (
            (values.checked_url, ("https://registry.example", "http://[::1]:8765/log")),
            (values.own_address, ("https://registry.example", "http://127.0.0.1:1")),
            (values.moment, ("2026-11-21", "2026-11-21T10:00:00Z", "2026-11-21T10:00+01:00")),
        )
    ),
)
