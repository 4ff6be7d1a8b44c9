"""How a check ends badly."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from testamur.canonical import jcs
from testamur.errors import (
    Refusal,
    Refusals,
    Refuted,
    Unavailable,
    first_difference,
    printable,
    shown,
)
from testamur.private_keys import without_private_keys


def test_what_is_false_is_never_caught_as_what_could_not_be_looked_at() -> None:
    assert not issubclass(Refuted, Unavailable)
    assert not issubclass(Unavailable, Refuted)
    # `except ValueError` around a check must not swallow an outage.
    assert not issubclass(Unavailable, ValueError)
    assert not issubclass(Unavailable, OSError)


def test_a_refusal_tells_the_rule_the_line_and_the_value() -> None:
    refusal = Refusal("root", "the lines lead elsewhere", line=1, value="abc")

    assert str(refusal) == "line 1: root: the lines lead elsewhere (found abc)"
    assert isinstance(refusal, Refuted)


def test_a_refusal_without_line_or_value_leaves_them_out() -> None:
    assert str(Refusal("root", "wrong")) == "root: wrong"


def test_placing_a_refusal_changes_nothing_but_the_line() -> None:
    refusal = Refusal("id-form", "no UUID\tat all", value="a\n\\" + "ü" * 300)

    placed = refusal.at(7)

    assert placed.line == 7
    assert refusal.line is None
    assert (placed.rule, placed.detail, placed.value) == (
        refusal.rule,
        refusal.detail,
        refusal.value,
    )


def test_a_refusal_keeps_the_first_line_it_was_placed_on() -> None:
    assert Refusal("root", "wrong", line=1).at(9).line == 1


def test_a_refusal_reaches_another_process_unchanged() -> None:
    refusal = Refusal("key-form", "no key", line=3, value=["x"])

    again = pickle.loads(pickle.dumps(refusal))  # noqa: S301

    assert vars(again) == vars(refusal)
    assert str(again) == str(refusal)


@pytest.mark.parametrize("value", [0, "", [], False])
def test_a_value_that_is_empty_is_still_shown(value: object) -> None:
    assert Refusal("r", "d", value=value).value is not None


@settings(deadline=None)
@given(st.one_of(st.text(), st.binary(), st.lists(st.text())))
def test_what_is_shown_of_a_value_is_printable_and_at_most_120_characters(
    value: object,
) -> None:
    text = shown(value)

    assert len(text) <= 120
    assert text.isprintable()


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())), st.integers(1, 50))
def test_what_is_said_of_foreign_text_is_printable_and_bounded(text: str, most: int) -> None:
    said = printable(text, most)

    assert len(said) <= most
    assert said.isprintable()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Universität", "Universität"),
        ("Ελένη 学校", "Ελένη 学校"),
        ("it's", "it's"),
        ("a\\b", "a\\b"),
        ("a\x1b[31m\nb", "a\\x1b[31m\\nb"),
        ("a\u202eb\u200b", "a\\u202eb\\u200b"),
        ({"name": "Zoë\n"}, '{"name": "Zoë\\n"}'),
        (["\u2066Zoë"], '["\\u2066Zoë"]'),
        (True, "true"),
        (7, "7"),
        (b"\x00", "b'\\x00'"),
    ],
)
def test_a_value_is_shown_once_escaped_and_letters_as_letters(value: object, text: str) -> None:
    refusal = Refusal("r", "d", value=value)

    assert refusal.value == shown(value) == text
    assert shown(text) == text, "nor is it escaped again where it is passed on"


# Some marks, and a few letters and symbols, are nothing at all on a screen.
SEEN = st.characters(
    exclude_categories=("C", "Z", "M"), exclude_characters="\u115f\u1160\u2800\u3164\uffa0"
)


@settings(deadline=None)
@given(st.text(SEEN, max_size=50))
def test_text_that_prints_is_said_as_it_is(text: str) -> None:
    assume(without_private_keys(text) == text)
    assert printable(text, 50) == text


def test_an_attacker_can_neither_fill_a_log_file_nor_write_on_a_terminal() -> None:
    refusal = Refusal("event-schema", "unknown field `\x1b[2J\n" + "q" * 70_000, value="\x1b]0;")

    assert str(refusal).isprintable()
    assert len(str(refusal)) < 1000


def test_of_many_refusals_the_first_are_kept_and_the_others_counted() -> None:
    found = Refusals(Refusal("event-schema", "bad", line=line) for line in range(2, 1_502))

    assert [each.line for each in found] == list(range(2, 1_002))
    assert (found.left_off, found.total) == (500, 1_500)
    assert not Refusals()


def test_a_refusal_that_is_kept_holds_no_frames() -> None:
    with pytest.raises(Refusal) as caught:
        jcs(float("nan"))
    (kept,) = Refusals([caught.value])
    assert kept.__traceback__ is None


@pytest.mark.parametrize(
    ("one", "other", "at"),
    [(b"abc", b"abd", 2), (b"xbc", b"abc", 0), (b"ab", b"abc", 2), (b"abc", b"", 0)],
)
def test_the_first_byte_that_differs_is_named_or_where_the_shorter_text_ends(
    one: bytes, other: bytes, at: int
) -> None:
    assert first_difference(one, other) == first_difference(other, one) == at
