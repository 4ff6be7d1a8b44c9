"""Which key events are admitted: whose they are to sign, and how many."""

from __future__ import annotations

import msgspec
import pytest

from testamur.catalogue.events import KeyCompromised, KeyEvent, KeyListed
from testamur.errors import Refusal
from testamur.rules.key_admission import CAPS, Caps, admit_first_keys, admit_signer
from tests.harness.key_story import KeyStory, declares, lists, retires

KEY = "z6Mk" + "1" * 44


@pytest.fixture
def story() -> KeyStory:
    return KeyStory()


# --- The shapes ---


def test_key_events_name_their_key_and_no_organization() -> None:
    for line in (
        f'{{"as":"recovery","key":"{KEY}","type":"key.listed/1"}}',
        f'{{"key":"{KEY}","type":"key.retired/1"}}',
        f'{{"key":"{KEY}","type":"key.compromised/1"}}',
        f'{{"kept":[[7,7],[9,12]],"key":"{KEY}","since":7,"type":"key.compromised/1"}}',
    ):
        event: KeyEvent = msgspec.json.decode(line, type=KeyEvent)
        assert msgspec.json.encode(event, order="sorted").decode() == line
        with pytest.raises(msgspec.ValidationError, match="unknown field"):
            msgspec.json.decode(line[:-1] + ',"organization":"did:key:z"}', type=KeyEvent)


@pytest.mark.parametrize("as_", ["signature", "founding", ""])
def test_a_key_is_listed_as_recovery_or_as_signing_key(as_: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(f'{{"as":"{as_}","key":"{KEY}","type":"key.listed/1"}}', type=KeyListed)


@pytest.mark.parametrize(
    ("since", "kept"),
    [
        (None, "[[7,8]]"),
        (7, "[]"),
        (7, "[[6,8]]"),
        (7, "[[9,8]]"),
        (7, "[[7,9],[9,12]]"),
        (7, "[[9,12],[7,8]]"),
        (7, "[[7,8],[7,8]]"),
        (7, "[[7]]"),
        (7, "[[7,8,9]]"),
        (7, "[7,8]"),
        (7, "[[7,-8]]"),
        (7, f"[[7,{2**53}]]"),
        (0, str([[at, at] for at in range(1001)])),
    ],
)
def test_kept_ranges_have_one_spelling(since: int | None, kept: str) -> None:
    line = f'{{"kept":{kept},"key":"{KEY}","type":"key.compromised/1"}}'
    if since is not None:
        line = line[:-1] + f',"since":{since}}}'
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(line, type=KeyCompromised)


def test_a_thousand_ranges_are_kept_and_may_touch() -> None:
    ranges = [(at, at + 1) for at in range(0, 2000, 2)]
    assert declares(KEY, 0, *ranges).kept == tuple(ranges)


# --- Who signs what ---


def test_only_a_key_of_the_organization_in_force_signs(story: KeyStory) -> None:
    assert story.refused("x") == "unknown-key"
    assert story.refused("x", lists("s3")) == "unknown-key"
    story.says("r1", retires("s1"))
    story.says("r1", declares("s2", story.size))
    for key in ("s1", "s2"):
        assert story.refused(key) == "key-inactive"
        assert story.refused(key, retires(key)) == "key-inactive"


def test_a_recovery_key_signs_key_events_only(story: KeyStory) -> None:
    for key in ("f", "r1", "r2"):
        assert story.refused(key) == "recovery-key"


def test_a_submission_holds_key_events_alone_or_none(story: KeyStory) -> None:
    for key in ("f", "r1", "s1"):
        for events, line in (
            (["another", retires(key)], 2),
            ([retires(key), "another"], 3),
            ([retires(key), declares(key), "another", retires(key)], 4),
        ):
            with pytest.raises(Refusal) as refused:
                admit_signer(story.table, story.signed(key), events)
            assert (refused.value.rule, refused.value.line) == ("key-events-alone", line)


def test_only_the_founding_key_lists_recovery_keys(story: KeyStory) -> None:
    for key in ("r1", "r2", "s1"):
        assert story.refused(key, lists("r3", "recovery")) == "key-rank"
    story.says("f", lists("r3", "recovery"))
    assert story.refused("r3", lists("r4", "recovery")) == "key-rank"


def test_a_signing_key_lists_none_and_speaks_of_itself_alone(story: KeyStory) -> None:
    """So the thief of one signing key retires, adds and accuses nobody."""
    assert story.refused("s1", lists("t")) == "key-rank"
    for other in ("s2", "r1", "r2", "f"):
        assert story.refused("s1", retires(other)) == "key-rank"
        assert story.refused("s1", declares(other, 0)) == "key-rank"
    story.says("s1", retires("s1"), declares("s1"))


def test_a_recovery_key_speaks_of_signing_keys_and_of_lower_ranks(story: KeyStory) -> None:
    for event in (retires("r1"), declares("r1", 0), retires("f"), declares("f", 0)):
        assert story.refused("r2", event) == "key-rank"
    for event in (retires("f"), declares("f", 0)):
        assert story.refused("r1", event) == "key-rank"
    story.says("r1", retires("r2"), declares("r2", 0), retires("s1"), declares("s2", 0))
    story.says("f", retires("r1"), declares("r1", 0))


def test_nothing_is_said_of_a_key_that_was_never_listed(story: KeyStory) -> None:
    for event in (retires("x"), declares("x", 0)):
        assert story.refused("f", event) == "unknown-key"


def test_a_key_is_listed_once_whatever_became_of_it(story: KeyStory) -> None:
    theft = story.says("r1", lists("t"))
    story.says("f", retires("s1"), declares("r1", theft.position), lists("r3", "recovery"))
    for key in ("f", "r1", "r2", "r3", "s1", "s2", "t"):
        for as_ in ("recovery", "signing"):
            assert story.refused("f", lists(key, as_)) == "key-twice"
    assert story.refused("f", lists("s3"), lists("s3", "recovery")) == "key-twice"


def test_a_registration_lists_each_key_once_and_not_too_many() -> None:
    admit_first_keys("f", ["r1"], ["s1"])
    admit_first_keys("f", [f"r{n}" for n in range(8)], [f"s{n}" for n in range(16)])
    for recovery, signing, rule in (
        (["f"], ["s1"], "key-twice"),
        (["r1", "r1"], ["s1"], "key-twice"),
        (["r1"], ["r1"], "key-twice"),
        (["r1"], ["f"], "key-twice"),
        ([f"r{n}" for n in range(9)], ["s1"], "key-count"),
        ([], [f"s{n}" for n in range(17)], "key-count"),
    ):
        with pytest.raises(Refusal) as refused:
            admit_first_keys("f", recovery, signing)
        assert refused.value.rule == rule


# --- What a declaration says ---


def test_of_itself_a_key_says_neither_since_nor_kept(story: KeyStory) -> None:
    signed = story.acts("s1")
    for key in ("s1", "r1", "f"):
        for since in (0, signed.position, story.size, story.size + 1):
            assert story.refused(key, declares(key, since)) == "compromise-position"
        assert story.refused(key, declares(key, 0, signed)) == "compromise-position"
    assert story.counts(signed)


def test_of_another_key_a_declaration_says_since_when_up_to_its_own_position(
    story: KeyStory,
) -> None:
    assert story.refused("r1", declares("s1")) == "compromise-position"
    assert story.refused("r1", declares("s1", story.size + 2)) == "compromise-position"
    second = declares("s2", story.size + 3)
    assert story.refused("r1", declares("s1", 0), second) == "compromise-position"
    story.says("r1", declares("s1", story.size + 1), declares("s2", story.size + 2))


def test_a_declaration_keeps_nothing_that_is_still_to_come(story: KeyStory) -> None:
    """Else a compromised key could sign on, within the range that was kept for it."""
    future = declares("s1", 0, (0, story.size + 2))
    assert story.refused("r1", future) == "kept-ranges"
    story.says("r1", declares("s1", 0, (0, story.size + 1)))
    assert story.refused("s1") == "key-inactive"


def test_what_a_key_said_of_itself_it_says_once(story: KeyStory) -> None:
    """Else the thief of a signing key spends 64 of the organization's key events."""
    for event in (retires("s1"), declares("s1")):
        assert story.refused("s1", event, event) == "key-twice"
    story.says("s1", declares("s1"), retires("s1"))


def test_what_was_said_of_another_key_may_be_said_again(story: KeyStory) -> None:
    """The first may be a thief's word, taken to keep the owner from saying it."""
    for event in (retires("s1"), declares("s1", 0), retires("s1"), declares("s1", 0)):
        story.says("r2", event)
        story.says("r1", event)


# --- A closed organization ---


def test_a_closed_organization_may_still_retire_and_declare(story: KeyStory) -> None:
    story.closes("s1")

    assert story.refused("r1", lists("s3")) == "organization-closed"
    with pytest.raises(Refusal) as refused:
        story.says("f", retires("s2"), lists("r3", "recovery"))
    assert (refused.value.rule, refused.value.line) == ("organization-closed", 3)
    story.says("r1", retires("s2"), declares("r2", 0))
    story.says("f", declares("r1", story.size))


def test_the_owner_of_an_organization_that_a_thief_closed_declares_and_lists_in_one_submission(
    story: KeyStory,
) -> None:
    """In this order: each event is judged by the keys as those before it leave them."""
    theft = story.closes("s1")
    declared = declares("s1", theft.position)
    with pytest.raises(Refusal) as refused:
        story.says("r1", retires("s2"), lists("s3"), declared)
    assert (refused.value.rule, refused.value.line) == ("organization-closed", 3)
    story.says("r1", declared, lists("s3"))

    assert story.counts(story.acts("s3"))


# --- Caps ---


def test_the_caps_are_those_of_the_design() -> None:
    assert Caps(1024, 128, 64, 64, 8, 16, 2048, 1024, 512) == CAPS


def test_a_submission_holds_so_many_key_events() -> None:
    story = KeyStory(Caps(in_submission=3))
    assert story.refused("f", *(lists(f"x{n}") for n in range(4))) == "key-events"
    story.says("f", *(lists(f"x{n}") for n in range(3)))


def test_a_thief_of_a_recovery_key_spends_what_that_key_may_and_no_more() -> None:
    """List and retire for ever: the owner's keys are none the poorer."""
    story = KeyStory(Caps(by_recovery_key=6))
    theft = story.says("r1", lists("t0"), retires("t0"))
    for n in (1, 2):
        story.says("r1", lists(f"t{n}"), retires(f"t{n}"))
    assert story.refused("r1", retires("s1")) == "key-events"
    story.says("r2", *(lists(f"x{n}") for n in range(6)))
    story.says("f", declares("r1", theft.position), *(lists(f"y{n}") for n in range(8)))


def test_a_keys_own_retirement_is_charged_to_no_recovery_key() -> None:
    story = KeyStory(Caps(by_recovery_key=1))
    story.says("r1", lists("s3"))
    story.says("s3", declares("s3"), retires("s3"))
    assert story.refused("r1", lists("s4")) == "key-events"


def test_what_no_longer_counts_stays_spent() -> None:
    story = KeyStory(Caps(by_recovery_key=3))
    theft = story.says("r2", lists("t1"), lists("t2"))
    accusation = story.says("r1", declares("r2", theft.position))
    story.says("f", declares("r1", accusation.position))

    assert story.refused("r2", lists("x1"), lists("x2")) == "key-events"
    story.says("r2", lists("x1"))


def test_the_last_key_events_are_the_founding_keys_alone() -> None:
    story = KeyStory(Caps(key_events=10, founding_only=4))
    story.says("r1", *(lists(f"x{n}") for n in range(5)))
    for key, events in (("r2", [retires("s1"), retires("s2")]), ("s1", [retires("s1")] * 2)):
        assert story.refused(key, *events) == "key-events"
    story.says("r2", retires("s1"))
    for key in ("r1", "r2", "s2"):
        assert story.refused(key, declares(key)) == "key-events"
    story.says("f", *(retires(f"x{n}") for n in range(4)))
    assert story.refused("f", retires("s2")) == "key-events"


def test_the_keys_that_a_thief_listed_spend_two_events_each_and_no_others() -> None:
    story = KeyStory(Caps(by_recovery_key=4))
    story.says("r1", *(lists(f"t{n}") for n in range(4)))
    for n in range(4):
        story.says(f"t{n}", retires(f"t{n}"), declares(f"t{n}"))
        assert story.refused(f"t{n}", retires(f"t{n}")) == "key-inactive"


def test_each_key_that_lists_has_so_many_signing_keys_in_force() -> None:
    story = KeyStory(Caps(signing_keys=3))
    story.says("f", lists("x1"))  # s1 and s2 came with its registration
    assert story.refused("f", lists("x2")) == "key-count"
    story.says("r1", *(lists(f"y{n}") for n in range(3)))
    assert story.refused("r1", lists("y3")) == "key-count"
    story.says("r2", lists("z1"))

    story.says("f", retires("s1"), lists("x2"))
    story.says("r1", declares("y0", 0), lists("y3"))
    story.says("x1", retires("x1"))
    story.says("f", lists("x3"))


def test_a_thief_who_fills_the_keys_in_force_keeps_nobody_else_from_listing() -> None:
    story = KeyStory()
    theft = story.says("r1", *(lists(f"t{n}") for n in range(16)))
    assert story.refused("r1", lists("t16")) == "key-count"
    story.says("r2", lists("s3"))
    story.says("f", declares("r1", theft.position), lists("s4"))


def test_so_many_recovery_keys_are_in_force_besides_the_founding_key(story: KeyStory) -> None:
    story.says("f", *(lists(f"r{n}", "recovery") for n in range(3, 9)))
    assert story.refused("f", lists("r9", "recovery")) == "key-count"
    story.says("f", retires("r4"), lists("r9", "recovery"))


# --- How much declarations keep ---


def keeps(ranges: int) -> KeyCompromised:
    """Return a declaration about `s1` that keeps so many ranges."""
    return declares("s1", 0, *((at, at) for at in range(ranges)))


def test_a_thief_of_a_recovery_key_keeps_what_that_key_may_and_no_more() -> None:
    story = KeyStory(Caps(kept_by_recovery_key=6))
    story.says("r1", keeps(4))
    for events in ([keeps(3)], [keeps(2), keeps(1)]):
        assert story.refused("r1", *events) == "kept-ranges"
    story.says("r1", keeps(2))
    assert story.refused("r1", keeps(1)) == "kept-ranges"
    story.says("r1", declares("s1", 0))
    story.says("r2", keeps(6))
    story.says("f", keeps(9))


def test_the_last_ranges_are_the_founding_keys_alone() -> None:
    story = KeyStory(Caps(kept_ranges=10, kept_by_founding_only=4))
    story.says("r1", keeps(5))
    assert story.refused("r2", keeps(2)) == "kept-ranges"
    story.says("r2", keeps(1))
    for key in ("r1", "r2"):
        assert story.refused(key, keeps(1)) == "kept-ranges"
    story.says("f", keeps(4))
    assert story.refused("f", keeps(1)) == "kept-ranges"
    story.says("f", declares("s1", 0))


def test_ranges_that_no_longer_count_stay_spent() -> None:
    """A restatement replaces the ranges before it, and what a thief said is as if absent."""
    story = KeyStory(Caps(kept_ranges=6, kept_by_founding_only=0))
    theft = story.says("r2", keeps(3))
    story.says("f", declares("r2", theft.position))
    story.says("r1", keeps(2))
    story.says("r1", declares("s1", 0))

    assert story.refused("r1", keeps(2)) == "kept-ranges"
    story.says("r1", keeps(1))


def test_a_refusal_of_ranges_says_how_to_keep_as_much_with_fewer() -> None:
    for key, caps in (
        ("r1", Caps(kept_by_recovery_key=1)),
        ("f", Caps(kept_ranges=1, kept_by_founding_only=0)),
    ):
        story = KeyStory(caps)
        with pytest.raises(Refusal) as refused:
            story.says(key, keeps(2))
        assert (refused.value.rule, refused.value.value) == ("kept-ranges", "2")
        assert "fewer, wider ranges" in refused.value.detail


# --- What a refusal says ---


def test_a_refusal_names_its_line_its_value_and_what_to_do(story: KeyStory) -> None:
    with pytest.raises(Refusal) as refused:
        story.says("r2", lists("s3"), retires("r1"))

    assert (refused.value.rule, refused.value.line, refused.value.value) == ("key-rank", 3, "r1")
    assert "sign with" in refused.value.detail


def test_a_refused_signer_is_told_which_declaration_cut_it_off(story: KeyStory) -> None:
    theft = story.acts("s1")
    declaration = story.says("r1", declares("s1", theft.position))
    with pytest.raises(Refusal) as refused:
        story.acts("s1")

    assert f"declared compromised at {declaration.position + 1} since {theft.position}" in (
        refused.value.detail
    )
