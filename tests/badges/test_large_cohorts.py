"""A large cohort costs its file and little more, whatever is in its cells."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from testamur.badges.cohort_csv import Offering, read_cohort
from testamur.badges.prepare import each_award
from testamur.badges.prepared_folder import new_folder
from testamur.badges.spreadsheet import MAX_COLUMNS, MAX_ROWS, UNREAD
from testamur.errors import Refusal
from tests.badges.test_cohort import ETHICS, PROVIDER
from tests.badges.test_prepare import NOW

HEAD = b"learner,awarded\n"


def most_memory(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_award_is_read_when_its_turn_comes() -> None:
    """A hundred thousand awards took more memory than there is for them and their file."""
    places = b"".join(b" https://portfolio.example/%0100d" % place for place in range(9))
    rows = b"".join(b"%d,2026-11-20,%b\n" % (number, places) for number in range(1, 601))
    data = b"learner,awarded,evidence\n" + rows

    def read() -> None:
        awards, refused = read_cohort(data, (ETHICS,))
        assert (len(awards), refused) == (600, [])
        assert sum(len(award.evidence) for award in awards) == 5_400

    assert most_memory(read) < len(data) / 2


@pytest.mark.parametrize("letter", ["a", "é", "中", "😀"])
def test_a_letter_of_many_bytes_does_not_make_a_file_larger(letter: str) -> None:
    """One of them made four bytes of each letter in the file."""
    data = f"learner,awarded,name\n7,2026-11-20,{letter}\n".encode() + b"7" * 60_000 + b",x\n" * 20

    def read() -> None:
        read_cohort(data * 20, (ETHICS,))

    assert most_memory(read) < 40 * len(data)


def test_a_row_of_more_cells_than_there_are_columns_ends_the_reading() -> None:
    wide = b"," * MAX_COLUMNS + b"x\n"
    awards, ((row, refusal),) = read_cohort(HEAD + b"7,2026-11-20\n" + wide * 900, (ETHICS,))
    assert (len(awards), row, refusal.rule) == (1, 3, UNREAD)
    assert "has 65 cells, and 64 are the most" in refusal.detail


def test_rows_of_empty_quotes_have_an_end() -> None:
    """To see that a million of them are empty takes seconds."""
    assert len(read_cohort(HEAD + b'"",""\n' * 100 + b"7,2026-11-20\n", (ETHICS,))[0]) == 1
    with pytest.raises(Refusal, match="delete the empty rows below the list"):
        read_cohort(HEAD + b'"",""\n' * (MAX_ROWS + 1), (ETHICS,))


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_million_empty_rows_are_passed_over_in_one_stride(end: bytes) -> None:
    begun = time.process_time()
    data = HEAD + (b" ,\t" + end) * 1_000_000 + b"7,2026-11-20" + end
    (award,), refused = read_cohort(data, (ETHICS,))
    assert (award.row, refused) == (1_000_002, [])
    assert time.process_time() - begun < 2


def test_a_file_in_utf_16_is_read_up_to_half_the_size() -> None:
    (award,), _ = read_cohort("learner,awarded\n7,2026-11-20\n".encode("utf-16"), (ETHICS,))
    assert award.learner == "7"
    with pytest.raises(Refusal, match="in UTF-16 is at most 33554432 bytes"):
        read_cohort(b"\xff\xfe" + bytes(32 * 1024 * 1024), (ETHICS,))


@pytest.mark.parametrize(
    ("charset", "damage"), [("utf-8", b"\xc3("), ("utf-8", b"\xf0\x9f"), ("utf-16", b"\x00\xd8")]
)
def test_a_letter_that_is_none_is_named_by_its_line_wherever_it_is(
    charset: str, damage: bytes
) -> None:
    for rows in (0, 100_000):
        text = "learner,awarded\n" + "7,2026-11-20\n" * rows
        with pytest.raises(Refusal, match="cohort-encoding") as caught:
            read_cohort(text.encode(charset) + damage, (ETHICS,))
        assert f"line {rows + 2} is not {charset.upper()} text" in caught.value.detail


def long_winded(rows: int) -> tuple[bytes, Offering]:
    """Return a cohort, and an achievement that makes each credential as long as it may be."""
    cells = b"".join(b"%d,2026-11-20\n" % number for number in range(1, rows + 1))
    offering = Offering(
        achievement=ETHICS.achievement,
        criteria="c" * 20_000,
        definition=ETHICS.definition,
        description="d" * 5_000,
    )
    return HEAD + cells, offering


def test_a_holder_file_that_is_written_is_not_kept(tmp_path: Path) -> None:
    data, offering = long_winded(80)

    def prepare() -> None:
        awards, _ = read_cohort(data, (offering,))
        with new_folder(tmp_path / "out") as folder:
            for made in each_award(awards, PROVIDER, now=NOW):
                folder.add(made)
            folder.finish()

    assert most_memory(prepare) < 1_000_000
    written = [file.stat().st_size for file in (tmp_path / "out" / "holders").iterdir()]
    assert len(written) == 80
    assert sum(written) > 2_000_000


def test_a_folder_that_is_not_finished_leaves_nothing_behind(tmp_path: Path) -> None:
    data, offering = long_winded(3)
    awards, _ = read_cohort(data, (offering,))
    with new_folder(tmp_path / "out") as folder:
        for made in each_award(awards, PROVIDER, now=NOW):
            folder.add(made)
    assert list(tmp_path.iterdir()) == []
