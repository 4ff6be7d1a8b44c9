"""A list as a registrar has it: with other headings, other dates, mistakes, or none at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.cli.commands import run
from tests.harness.awards import cohort, offering, provider
from tests.harness.story import Story

SETTINGS = ["--achievement", "soils.json", "--provider", "college.json", "--out", "spring"]


@pytest.fixture
def given(at: Path, now: Story) -> Path:
    (at / "soils.json").write_bytes(msgspec.json.encode(offering(now)))
    (at / "college.json").write_bytes(msgspec.json.encode(provider(now)))
    return at


def in_row(*rows: str) -> bytes:
    return "\n".join(("learner;awarded", *rows, "")).encode()


def test_the_template_is_filled_in_and_prepared(given: Path) -> None:
    assert run("prepare", "class.csv", "--template").code == 0
    empty = run("prepare", "class.csv", *SETTINGS, "--json")
    assert (empty.code, empty.json["rule"]) == (1, "cohort-empty")
    with (given / "class.csv").open("ab") as file:
        file.write(b"ada@example.org,,Ada Lovelace,2026-11-20,,,\r\n")
    assert run("prepare", "class.csv", *SETTINGS, "--json").json["prepared"] == 1


@pytest.mark.parametrize("name", ["class.csv", "class.xlsx", "class.json", "class", "-"])
def test_a_template_is_a_new_csv_file(given: Path, name: str) -> None:
    (given / "class.csv").write_bytes(b"my list")
    assert run("prepare", name, "--template").code == 2
    assert (given / "class.csv").read_bytes() == b"my list"
    assert not [path for path in given.iterdir() if path.name in {"class.xlsx", "class", "-"}]


@pytest.mark.parametrize("name", ["class.csv", "class.txt", "class.TSV", "class.tab"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_list_with_headings_and_dates_of_ones_own_is_prepared(
    given: Path, name: str, encoding: str
) -> None:
    text = "E-mail\tDatum\na@b.example\t20.11.2026\n"
    (given / name).write_bytes(text.encode(encoding))
    mapped = ["--map", "learner=E-Mail", "--map", "awarded=Datum"]
    done = run("prepare", name, *SETTINGS, *mapped, "--dates", "DD.MM.YYYY", "--json")
    assert (done.code, done.json["prepared"]) == (0, 1)
    assert '"validFrom":"2026-11-20"' in (given / "spring/events.ndjson").read_text()


def test_dates_that_are_all_in_another_form_are_said_once(given: Path) -> None:
    rows = (f"{number};{number % 28 + 1:02}-10-2026" for number in range(1, 301))
    (given / "class.csv").write_bytes(in_row(*rows))
    done = run("prepare", "class.csv", *SETTINGS)
    assert done.code == 1
    assert "all 300 dates look like DD-MM-YYYY: `--dates DD-MM-YYYY` reads them" in done.err
    assert done.err.count("DD-MM-YYYY") == 2
    assert run("prepare", "class.csv", *SETTINGS, "--dates", "DD-MM-YYYY").code == 0


def test_a_fault_that_all_rows_share_is_shown_once_and_counted(given: Path) -> None:
    (given / "class.csv").write_bytes(in_row(*(f"{n},{n:03};2026-11-20" for n in range(1, 301))))
    done = run("prepare", "class.csv", *SETTINGS)
    assert done.out.count("separators or decimals") == 1
    assert "all 300, class.csv row 2 first" in done.out
    assert "refused              300" in done.out
    assert len(run("prepare", "class.csv", *SETTINGS, "--json").json["refused"]) == 300


def test_faults_that_some_rows_share_are_shown_once_beside_the_others(given: Path) -> None:
    rows = (f"{name};2026-11-20" for name in ("7", "ada", "bob", "#REF!", "eve"))
    (given / "class.csv").write_bytes(in_row(*rows))
    done = run("prepare", "class.csv", *SETTINGS)
    assert "class.csv row 3 and 2 more" in done.out
    assert "#REF!" in done.out


def test_an_award_of_tomorrow_is_refused_unless_it_is_meant(given: Path) -> None:
    now = datetime.now(UTC)
    # The day that begins first, in Kiribati, is no future even if it has not begun here.
    first = (now + timedelta(hours=13, minutes=50)).date()
    (given / "class.csv").write_bytes(in_row(f"7;{first}", f"8;{first + timedelta(days=2)}"))
    done = run("prepare", "class.csv", *SETTINGS, "--json")
    assert (done.code, [each["source"] for each in done.json["refused"]]) == (
        1,
        ["class.csv row 3"],
    )
    assert "--future-dates" in done.json["refused"][0]["detail"]
    assert run("prepare", "class.csv", *SETTINGS, "--future-dates").code == 0


def test_a_learner_that_looks_like_a_mistake_is_taken_as_written(given: Path) -> None:
    (given / "class.csv").write_bytes(in_row("12.345.678-9;2026-11-20"))
    done = run("prepare", "class.csv", *SETTINGS, "--json")
    assert done.code == 1
    assert "--learner-as-written takes it" in done.json["refused"][0]["detail"]
    assert run("prepare", "class.csv", *SETTINGS, "--learner-as-written").code == 0


def test_capitals_before_the_at_sign_are_warned_about_once(given: Path) -> None:
    (given / "class.csv").write_bytes(
        in_row("7;2026-11-20", "Ada@Example.org;2026-11-20", "Bob@example.org;2026-11-20")
    )
    done = run("prepare", "class.csv", *SETTINGS, "--json")
    assert done.code == 0
    (warning,) = done.json["warnings"]
    assert "2 of the addresses have capitals before the @, the first in row 3" in warning
    assert "Ada@example.org" in warning


def test_where_there_are_no_capitals_nothing_is_warned_about(given: Path) -> None:
    (given / "class.csv").write_bytes(cohort(3))
    assert run("prepare", "class.csv", *SETTINGS, "--json").json["warnings"] == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--dates", "TT.MM.JJJJ"], "DD-MM-YYYY, M/D/YYYY"),
        (["--dates", "DD-MM-YY"], "a year has four digits"),
        (["--map", "learner"], "not such as learner=E-mail"),
        (["--map", "lerner=E-mail"], "one of learner, learnerId"),
        (["--map", "learner= "], "not such as learner=E-mail"),
        (["--map", "learner=A", "--map", "learner=B"], "names a column twice"),
    ],
)
def test_an_option_that_says_nothing_is_refused_with_an_example(
    given: Path, options: list[str], says: str
) -> None:
    (given / "class.csv").write_bytes(cohort(3))
    done = run("prepare", "class.csv", *SETTINGS, *options, "--json")
    assert done.code == 2
    assert says in done.json["detail"]


@pytest.mark.parametrize(
    "option",
    [
        ["--dates", "DD-MM-YYYY"],
        ["--map", "learner=A"],
        ["--future-dates"],
        ["--learner-as-written"],
    ],
)
def test_what_is_said_of_a_list_is_not_passed_over_with_badges(
    given: Path, now: Story, option: list[str]
) -> None:
    (given / "badges").mkdir()
    done = run(
        "prepare", "badges", "--achievement", now.achievement, "--out", "o", *option, "--json"
    )
    assert done.code == 2
    assert "go with a cohort" in done.json["detail"]


@pytest.mark.parametrize("missing", ["--achievement", "--out"])
def test_what_is_missing_is_named(given: Path, missing: str) -> None:
    (given / "class.csv").write_bytes(cohort(3))
    at = SETTINGS.index(missing)
    done = run("prepare", "class.csv", *SETTINGS[:at], *SETTINGS[at + 2 :])
    assert done.code == 2
    assert missing in done.err


@pytest.mark.parametrize("name", ["class.ods", "class.numbers", "class.xlsm", "class.csv.gz"])
def test_a_file_of_a_spreadsheet_that_is_no_text_is_refused_with_what_to_do(
    given: Path, name: str
) -> None:
    (given / name).write_bytes(b"\x1f\x8b\x08" if name.endswith("gz") else b"PK\x03\x04")
    done = run("prepare", name, *SETTINGS, "--json")
    assert (done.code, done.json["rule"]) == (1, "cohort-encoding")
    assert "unpack it" in done.json["detail"] or 'save it as "CSV UTF-8"' in done.json["detail"]
