"""Ids are UUIDs of version 7 that sort in the order of their making and never repeat."""

from __future__ import annotations

import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.catalogue import ids
from testamur.catalogue.ids import UUID7_PATTERN, Uuid7, all_uuid7, ids_in_no_order, new_id


def milliseconds(text: str) -> int:
    return int(text.replace("-", "")[:12], 16)


def test_an_id_is_a_uuid_of_version_7_made_now() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id()
    parsed = uuid.UUID(made)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert str(parsed) == made
    # Earlier tests of this process may have run the sequence a little ahead of the clock.
    assert before <= milliseconds(made) < before + 10_000
    assert msgspec.convert(made, Uuid7) == made


def test_ids_sort_in_the_order_of_their_making() -> None:
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(set(made))
    assert all(re.fullmatch(UUID7_PATTERN, one) for one in made)


ALPHABET = "0123456789abcdef-7ABCDEFg\n\x00é\N{MATHEMATICAL BOLD DIGIT SEVEN}"


@given(st.data())
def test_ids_are_judged_together_as_the_pattern_judges_each(data: st.DataObject) -> None:
    """However they are altered, lengthened or cut, also so that one makes up for another."""
    texts = [new_id() for _ in range(data.draw(st.integers(0, 4)))]
    for _ in range(data.draw(st.integers(0, 3)) if texts else 0):
        which = data.draw(st.integers(0, len(texts) - 1))
        at = data.draw(st.integers(0, 36))
        cut = data.draw(st.integers(0, 2))
        inserted = data.draw(st.text(ALPHABET, max_size=2))
        texts[which] = texts[which][:at] + inserted + texts[which][at + cut :]
    each = all(re.fullmatch(UUID7_PATTERN, text) for text in texts)
    assert all_uuid7(texts) == each


def test_two_ids_that_lend_each_other_a_character_are_none() -> None:
    whole, other = new_id(), new_id()
    assert all_uuid7([whole, other])
    assert not all_uuid7([whole + other[:1], other[1:]])
    assert not all_uuid7([whole[:8] + whole[9:], other + "-"])


def test_threads_share_one_sequence() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: [new_id() for _ in range(500)], range(8)))
    assert len({one for thread in made for one in thread}) == 4000
    assert all(thread == sorted(thread) for thread in made)


def test_a_clock_set_back_does_not_set_ids_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert first < new_id() < new_id()


def test_the_tail_is_random() -> None:
    tails = [int(new_id()[19:].replace("-", ""), 16) & (2**62 - 1) for _ in range(2_000)]
    assert len(set(tails)) == len(tails)
    ones = sum(tail.bit_count() for tail in tails) / len(tails)
    assert 30 < ones < 32  # of 62 bits


def test_a_counter_that_runs_over_goes_on_into_the_next_millisecond(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    monkeypatch.setattr(ids, "_last", (1_000 << 12) + 0xFFE)
    made = [new_id() for _ in range(3)]
    assert [milliseconds(one) for one in made] == [1_000, 1_001, 1_001]
    assert [one[14:18] for one in made] == ["7fff", "7000", "7001"]


def test_ids_in_no_order_do_not_tell_which_was_made_first() -> None:
    made = list(islice(ids_in_no_order(), 200))
    assert all_uuid7(made)
    assert len(set(made)) == 200
    assert len(set(map(milliseconds, made))) == 1
    later = sum(after > before for before, after in pairwise(made))
    assert 60 < later < 140


@pytest.mark.parametrize(
    "text",
    [
        "",
        "01a200bc-dcd9-7130-9ae4-e4dd4f7d793",
        "01a200bc-dcd9-7130-9ae4-e4dd4f7d7932\n",
        "01A200BC-DCD9-7130-9AE4-E4DD4F7D7932",
        "{01a200bc-dcd9-7130-9ae4-e4dd4f7d7932}",
        "01a200bcdcd971309ae4e4dd4f7d7932",
        "01a200bc-dcd9-4130-9ae4-e4dd4f7d7932",
        "01a200bc-dcd9-7130-cae4-e4dd4f7d7932",
    ],
)
def test_another_spelling_or_version_is_no_id(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Uuid7)
