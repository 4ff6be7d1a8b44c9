"""A folder of pages takes in its own cohort alone, whole learners only, for its owner's eyes."""

from __future__ import annotations

import csv
import stat
from pathlib import Path

import msgspec
import pytest

from testamur.errors import Refusal, Unavailable
from testamur.pages.folder import PERSONAL, SETTINGS, SHEET, PagesFolder, Settings, digest_of

ONE = "019a3b1c-7f00-7abc-8def-0123456789ab"
SETTING = Settings(
    cohort=digest_of([ONE]), register="https://register.example", linkedin=None, pdf=False
)
FILES = {"a": b"1", "b": b"2"}


def folder(path: Path, settings: Settings = SETTING) -> PagesFolder:
    return PagesFolder(path, settings, list(FILES))


def sheet(path: Path) -> list[list[str]]:
    with (path / SHEET).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_its_owner_alone_can_read_it(tmp_path: Path) -> None:
    made = folder(tmp_path / "p")
    made.add(ONE, FILES)
    made.write_sheet(["x"], [["1"]])
    modes = {each: stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "p").rglob("*")}
    modes[tmp_path / "p"] = stat.S_IMODE((tmp_path / "p").stat().st_mode)
    assert {modes[each] for each in modes if each.is_dir()} == {0o700}
    assert {modes[each] for each in modes if each.is_file()} == {0o600}


def test_what_is_finished_is_kept(tmp_path: Path) -> None:
    folder(tmp_path / "p").add(ONE, FILES)
    again = folder(tmp_path / "p")
    assert again.has(ONE)
    assert (tmp_path / "p" / ONE / "a").read_bytes() == b"1"


def test_a_learner_that_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    made = folder(tmp_path / "p")
    half = tmp_path / "p" / f".{ONE}.new"
    half.mkdir()
    (half / "a").write_bytes(b"ha")
    assert not made.has(ONE)
    made.add(ONE, FILES)
    assert made.has(ONE)
    assert not half.exists()


def test_what_stands_in_the_place_of_a_learner_is_not_removed(tmp_path: Path) -> None:
    made = folder(tmp_path / "p")
    other = tmp_path / "p" / ONE
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    assert not made.has(ONE)
    with pytest.raises(Unavailable, match="cannot be written"):
        made.add(ONE, FILES)
    assert (other / "mine.txt").read_text() == "mine"


def test_a_link_in_the_place_of_a_learner_is_nothing_finished(tmp_path: Path) -> None:
    made = folder(tmp_path / "p")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in FILES:
        (elsewhere / name).write_text("x")
    (tmp_path / "p" / ONE).symlink_to(elsewhere)
    assert not made.has(ONE)


@pytest.mark.parametrize(
    "changed",
    [
        {"cohort": digest_of([ONE, ONE])},
        {"register": "https://other.example"},
        {"linkedin": "1337"},
        {"pdf": True},
    ],
)
def test_a_folder_of_another_cohort_is_refused(tmp_path: Path, changed: dict[str, object]) -> None:
    folder(tmp_path / "p")
    before = (tmp_path / "p" / SETTINGS).read_bytes()
    with pytest.raises(Refusal) as caught:
        folder(tmp_path / "p", msgspec.structs.replace(SETTING, **changed))
    assert caught.value.rule == "pages-folder"
    assert (tmp_path / "p" / SETTINGS).read_bytes() == before


@pytest.mark.parametrize("kind", ["file", "folder", "link", "dangling"])
def test_what_is_no_folder_of_pages_is_never_written_into(tmp_path: Path, kind: str) -> None:
    path, own = tmp_path / "p", tmp_path / "own"
    folder(own)
    match kind:
        case "file":
            path.write_text("x")
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(own)
        case _:
            path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(Unavailable, match="nothing is overwritten"):
        folder(path)


@pytest.mark.parametrize("cell", ["=1+1", "+31", "-2", "@SUM(A1)", "\t=x", "\uff1d1", "a;=b"])
def test_no_cell_of_the_sheet_is_a_formula(tmp_path: Path, cell: str) -> None:
    folder(tmp_path / "p").write_sheet(["x"], [[cell]])
    _, row = sheet(tmp_path / "p")
    assert "'" in row[0]
    assert row[0].replace("'", "") == cell


def test_the_sheet_says_that_it_is_personal_data(tmp_path: Path) -> None:
    folder(tmp_path / "p").write_sheet(["x"], [["1"]])
    assert sheet(tmp_path / "p")[0] == ["x", PERSONAL]


def test_a_sheet_that_is_not_finished_leaves_the_earlier_one(tmp_path: Path) -> None:
    made = folder(tmp_path / "p")
    made.write_sheet(["x"], [["1"]])

    def broken() -> list[list[str]]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        made.write_sheet(["x"], (row for rows in [broken] for row in rows()))
    assert sheet(tmp_path / "p")[1] == ["1", ""]
    made.write_sheet(["x"], [["2"]])
    assert sheet(tmp_path / "p")[1] == ["2", ""]
