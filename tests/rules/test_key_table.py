"""What counts: which submissions of an organization stand by what is said about its keys."""

from __future__ import annotations

import tracemalloc

import pytest

from testamur.catalogue.events import KeyEvent
from testamur.rules.key_table import KeySubmission, KeyTable
from tests.harness.key_story import (
    DAY,
    REGISTERED,
    KeyStory,
    declares,
    lists,
    retires,
)


@pytest.fixture
def story() -> KeyStory:
    return KeyStory()


# --- Listed, retired ---


def test_the_keys_of_a_registration_sign_from_its_header_on_and_not_at_it() -> None:
    table = KeyStory().table
    for key in ("f", "r1", "r2", "s1", "s2"):
        assert not table.counts(key, REGISTERED, 0)
        assert table.counts(key, REGISTERED + 1, 0)
    assert not table.counts("s3", REGISTERED + 1, 0)


def test_a_key_signs_after_its_listing_and_not_before(story: KeyStory) -> None:
    listing = story.says("r1", lists("s3"))
    assert not story.table.counts("s3", listing.position, story.now)
    assert story.counts(story.acts("s3"))


def test_what_a_key_signed_before_its_retirement_counts(story: KeyStory) -> None:
    before = story.acts("s1")
    retirement = story.says("r1", retires("s1"))

    assert story.counts(before)
    assert not story.table.counts("s1", retirement.end, story.now)
    assert story.refused("s1") == "key-inactive"


def test_a_submission_counts_whole_also_one_that_retires_its_own_key_first(
    story: KeyStory,
) -> None:
    last = story.says("r1", retires("r1"), declares("r1"), lists("s3"), retires("s1"))

    assert story.counts(last)
    assert story.counts(story.acts("s3"))
    assert story.refused("s1") == "key-inactive"
    assert story.refused("r1", lists("s4")) == "key-inactive"


def test_a_retirement_stated_again_leaves_the_first(story: KeyStory) -> None:
    """The first may be a thief's; the second is there when the first falls."""
    thief = story.says("r1", retires("s1"))
    owner = story.says("f", retires("s1"))
    assert not story.table.counts("s1", owner.position, story.now)
    story.says("f", declares("r1", thief.position))

    assert story.table.counts("s1", owner.position - 1, story.now)
    assert not story.table.counts("s1", owner.end, story.now)


# --- Declared compromised ---


def test_the_theft_of_a_signing_key_costs_what_it_signed_since_and_no_more(
    story: KeyStory,
) -> None:
    before, theft, after = (story.acts("s1") for _ in range(3))
    others = story.acts("s2")
    story.says("r1", declares("s1", theft.position))

    assert [story.counts(each) for each in (before, theft, after, others)] == [1, 0, 0, 1]
    assert story.refused("s1") == "key-inactive"


def test_a_declaration_whose_since_is_its_own_position_costs_only_the_future(
    story: KeyStory,
) -> None:
    before = story.acts("s1")
    declaration = story.says("r1", declares("s1", story.size + 1))

    assert story.counts(before)
    assert not story.table.counts("s1", declaration.end, story.now)


@pytest.mark.parametrize(("at", "counts"), [(-1, 0), (0, 1), (1, 1), (4, 1), (5, 1), (6, 0)])
def test_kept_ranges_hold_both_their_ends(story: KeyStory, at: int, counts: int) -> None:
    since = story.size
    story.size += 100
    ranges = [(since + 10, since + 15), (since + 30, since + 35), (since + 50, since + 50)]
    story.says("r1", declares("s1", since, *ranges))

    assert story.table.counts("s1", since - 1, story.now)
    for first, _ in ranges[:2]:
        assert story.table.counts("s1", first + at, story.now) == counts
    assert [story.table.counts("s1", since + 50 + d, story.now) for d in (-1, 0, 1)] == [0, 1, 0]


def test_what_the_owner_signed_during_the_theft_counts_if_kept(story: KeyStory) -> None:
    theft, own = story.acts("s1"), story.acts("s1")
    more_theft = story.acts("s1")
    story.says("r1", declares("s1", theft.position, own))

    assert [story.counts(each) for each in (theft, own, more_theft)] == [0, 1, 0]


@pytest.mark.parametrize(("ms", "cut"), [(-1, True), (0, True), (1, False)])
def test_a_declaration_reaches_90_days_back(story: KeyStory, ms: int, cut: bool) -> None:  # noqa: FBT001
    old = story.acts("s1")
    story.wait(days=90, ms=ms)
    story.says("f", declares("s1", 0))

    assert story.counts(old) is not cut


def test_the_thief_of_the_founding_key_takes_the_future_and_90_days(story: KeyStory) -> None:
    longer_ago = [story.acts("s1"), story.acts("s2")]
    story.wait(days=91)
    lately = [story.acts("s1"), story.acts("s2")]
    story.says("f", *(declares(key, 0) for key in ("r1", "r2", "s1", "s2")))

    assert all(map(story.counts, longer_ago))
    assert not any(map(story.counts, lately))


@pytest.mark.parametrize(("days", "admitted"), [(89, True), (90, True), (91, False)])
def test_a_declaration_is_restated_for_90_days_and_then_final(
    story: KeyStory,
    days: int,
    admitted: bool,  # noqa: FBT001
) -> None:
    honest, theft = story.acts("s1"), story.acts("s1")
    story.says("r1", declares("s1", honest.position))
    assert not story.counts(honest)

    story.wait(days=days)
    mended = declares("s1", theft.position)
    if admitted:
        story.says("r1", mended)
    else:
        assert story.refused("r1", mended) == "compromise-final"
    assert story.counts(honest) is admitted
    assert not story.counts(theft)


def test_the_90_days_run_from_the_first_word_whatever_was_restated_since(story: KeyStory) -> None:
    old = story.acts("s1")
    story.wait(days=1)
    late = story.acts("s1")
    story.wait(days=90)
    story.says("r1", declares("s1", 0))
    for days in (45, 45):
        story.wait(days=days)
        story.says("r1", declares("s1", late.position))
        story.says("r1", declares("s1", 0))

    # 91 days before the first word; a restatement reaches no further, and no less far.
    assert [story.counts(old), story.counts(late)] == [True, False]
    story.wait(ms=1)
    assert story.refused("r1", declares("s1", 0)) == "compromise-final"


def test_the_last_word_holds_also_if_it_gives_up_what_was_kept(story: KeyStory) -> None:
    one, other = story.acts("s1"), story.acts("s1")
    for kept in ([one], [other], [], [one, other]):
        story.says("r1", declares("s1", one.position, *kept))
        assert [each for each in (one, other) if story.counts(each)] == kept


def test_each_key_has_a_word_of_its_own_about_a_third(story: KeyStory) -> None:
    """One cannot take back what another declared, nor can its thief."""
    first, second, third = (story.acts("s1") for _ in range(3))
    story.says("r2", declares("s1", second.position, third))
    story.says("r1", declares("s1", third.position))

    assert [story.counts(each) for each in (first, second, third)] == [1, 0, 0]


def test_a_key_says_nothing_about_its_own_past(story: KeyStory) -> None:
    before = story.acts("s1")
    own = story.says("s1", declares("s1"))

    assert story.counts(before)
    assert story.counts(own)
    assert not story.table.counts("s1", own.end, story.now)


def test_what_a_disgraced_organization_signed_stands_though_every_key_declares_itself(
    story: KeyStory,
) -> None:
    signed = [story.acts(key) for key in ("s1", "s2")]
    declared = [story.says(key, declares(key)) for key in ("s1", "s2", "r2", "r1", "f")]

    assert all(map(story.counts, signed))
    assert all(map(story.counts, declared))
    assert not any(each.in_force for each in story.table.keys.values())


# --- A thief among the recovery keys ---


def test_a_key_that_a_thief_listed_never_signed_once_the_thief_is_declared(
    story: KeyStory,
) -> None:
    theft = story.says("r1", lists("t"))
    forged = story.acts("t")
    assert story.counts(forged)
    story.says("f", declares("r1", theft.position))

    assert not story.counts(forged)
    assert story.refused("t") == "key-inactive"
    assert story.refused("t", retires("t")) == "key-inactive"


def test_what_a_cut_off_key_declared_no_longer_counts_and_what_it_cut_comes_back(
    story: KeyStory,
) -> None:
    honest = story.acts("s1")
    theft = story.says("r1", declares("s1", 0), retires("s2"))
    assert not story.counts(honest)
    story.says("f", declares("r1", theft.position))

    assert story.counts(honest)
    assert all(story.counts(story.acts(key)) for key in ("s1", "s2"))


def test_the_thief_of_the_first_recovery_key_silences_the_second_until_the_founder_speaks(
    story: KeyStory,
) -> None:
    listing = story.says("r2", lists("s3"))
    honest = story.acts("s3")
    theft = story.says("r1", declares("r2", listing.position))
    assert not story.counts(honest)
    assert story.refused("r2", declares("r1", theft.position)) == "key-inactive"

    story.says("f", declares("r1", theft.position))
    assert story.counts(honest)
    assert story.counts(story.says("r2", lists("s4")))


def test_the_thief_of_the_second_recovery_key_is_answered_by_the_first(story: KeyStory) -> None:
    honest = story.acts("s1")
    theft = story.says("r2", declares("s1", 0), lists("t"))
    assert story.refused("r2", declares("r1", 0)) == "key-rank"
    story.says("r1", declares("r2", theft.position))

    assert story.counts(honest)
    assert story.refused("t") == "key-inactive"


def test_two_recovery_keys_that_accuse_each_other_are_no_circle(story: KeyStory) -> None:
    """The lower one is never heard about the higher, before it is accused or afterwards."""
    for _ in range(3):
        assert story.refused("r2", declares("r1", 0)) == "key-rank"
        story.says("r2", lists(f"x{story.size}"))
    for _ in range(3):
        accusation = story.says("r1", declares("r2", story.size))
        assert story.refused("r2", declares("r1", 0)) == "key-inactive"
        assert story.counts(accusation)


def test_a_chain_of_declarations_is_judged_from_the_founding_key_down(story: KeyStory) -> None:
    """Each declaration turns the one below it, and with it what that cut off."""
    honest = story.acts("s1")
    by_r2 = story.says("r2", declares("s1", honest.position))
    by_r1 = story.says("r1", declares("r2", by_r2.position))
    assert story.counts(honest)
    by_f = story.says("f", declares("r1", by_r1.position))
    assert not story.counts(honest)
    story.says("f", declares("r1", by_f.position))

    assert [story.counts(each) for each in (by_f, by_r1, by_r2, honest)] == [1, 1, 0, 1]


def test_kept_submissions_of_a_recovery_key_keep_what_they_list(story: KeyStory) -> None:
    theft = story.says("r1", lists("t"))
    own = story.says("r1", lists("s3"))
    story.says("f", declares("r1", theft.position, own))

    assert story.counts(story.acts("s3"))
    assert story.refused("t") == "key-inactive"


def test_a_retired_key_signs_again_if_the_key_that_retired_it_is_cut_off(story: KeyStory) -> None:
    """Known and accepted: what it signs meanwhile stops counting if that cut falls in turn."""
    story.says("r2", retires("s2"))
    accusation = story.says("r1", declares("r2", 0))
    meanwhile = story.acts("s2")
    assert story.counts(meanwhile)
    story.says("f", declares("r1", accusation.position))

    assert not story.counts(meanwhile)


def test_ranks_never_move(story: KeyStory) -> None:
    """A key listed after others were retired ranks behind what stood then, and behind these."""
    story.says("r1", lists("s3"))
    story.says("f", lists("r3", "recovery"), retires("r1"))
    story.says("f", lists("r4", "recovery"))

    assert story.refused("r4", retires("r3")) == "key-rank"
    assert story.refused("r3", retires("r2")) == "key-rank"
    assert story.refused("r2", retires("r1")) == "key-rank"
    story.says("r3", retires("r4"))
    story.says("r2", retires("r3"))


# --- As of ---


def test_what_follows_a_size_does_not_matter_as_of_it(story: KeyStory) -> None:
    signed = story.acts("s1")
    tables = {story.size: story.table}
    for key, *events in (
        ("r1", declares("s1", signed.position), lists("s3")),
        ("f", lists("r3", "recovery"), declares("r1", signed.position)),
        ("r3", retires("s2")),
        ("f", declares("r1", signed.position, (signed.position, signed.position + 6))),
    ):
        story.says(key, *events)
        tables[story.size] = story.table
        story.size += 2  # somebody else's submission

    counted = []
    for size, table in tables.items():
        assert story.table.as_of(size) == story.table.as_of(size + 1) == table
        counted.append(story.counts(signed, size))
    assert counted == [True, False, True, True, False]


def test_a_submission_of_which_a_size_has_only_a_part_is_not_before_it(story: KeyStory) -> None:
    signed = story.acts("s1")
    declaration = story.says("r1", declares("s1", signed.position), lists("s3"))

    for size in range(declaration.position, declaration.end):
        assert story.counts(signed, size)
    assert not story.counts(signed, declaration.end)


# --- Why not ---


def test_a_report_names_the_key_event_that_a_verdict_rests_on(story: KeyStory) -> None:
    early = story.acts("s2")
    listing = story.says("r1", lists("s3"))
    signed, theft = story.acts("s3"), story.acts("s1")
    retirement = story.says("r2", retires("s2"))
    one = story.says("r1", declares("s1", theft.position))
    other = story.says("f", declares("r1", listing.position, one))

    assert story.why_not(early) is None
    why = story.table.why_not
    assert (unknown := why("x", 99, 0)) is not None
    assert unknown.reason == "x was never listed as a key of the organization"
    assert (late := why("s3", listing.position, 0)) is not None
    assert late.position == listing.position + 1
    assert (retired := why("s2", retirement.end, story.now)) is not None
    assert (retired.reason, retired.position) == (
        f"s2 was retired at {retirement.position + 1}",
        retirement.position + 1,
    )
    assert story.why_not(theft) == (
        f"s1 was declared compromised at {one.position + 1} since {theft.position}",
        one.position + 1,
    )
    reason, position = story.why_not(signed) or ("", None)
    assert reason.startswith(f"s3 was listed at {listing.position + 1}, which does not count: r1 ")
    assert position == other.position + 1


# --- What no gate admits ---


def test_what_a_key_has_no_right_to_say_changes_nothing_though_an_operator_records_it(
    story: KeyStory,
) -> None:
    honest, theft = story.acts("s2"), story.says("r1", lists("t3"))
    story.says("f", declares("r1", theft.position))
    recorded = story.table
    said: list[tuple[str, KeyEvent]] = [
        ("s1", declares("s2", 0)),
        ("s1", lists("t")),
        ("r1", lists("t", "recovery")),
        ("r2", retires("r1")),
        ("r1", declares("f", 0)),
        ("r1", lists("s2", "recovery")),
        ("t", lists("t2")),
        ("s1", retires("unheard of")),
        ("f", lists("t3")),
    ]
    for key, event in said:
        recorded = recorded.plus(KeySubmission.of(story.size, key, story.now, (event,)))
        story.size += 2

    assert recorded.keys == story.table.keys
    for event in (declares("s2", 0), declares("s2", 0, (story.size, story.size + 9))):
        backdated = KeySubmission.of(story.size, "s2", story.now, (event,))
        assert recorded.plus(backdated).counts("s2", honest.position, story.now)
        assert not recorded.plus(backdated).counts("s2", backdated.end, story.now)


def test_a_restatement_that_an_operator_records_too_late_changes_nothing(story: KeyStory) -> None:
    signed = story.acts("s1")
    story.says("r1", declares("s1", signed.position))
    story.wait(days=91)
    late = KeySubmission.of(story.size, "r1", story.now, (declares("s1", story.size),))

    assert not story.table.plus(late).counts("s1", signed.position, signed.recorded_at)


# --- Size ---


def test_a_register_of_many_organizations_has_room_for_their_keys() -> None:
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tables = []
    for at in range(1000, 3000):
        founding, first, *signing = (f"z6Mk{at:022}{key:022}" for key in range(4))
        tables.append(KeyTable.of(f"did:key:{founding}", [first], signing, at * DAY))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (after - before) / len(tables) < 1000
