"""Replaying a log that somebody else keeps: every lie is found, and named where it lies."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testamur.catalogue import events as e
from testamur.catalogue.submission import MAX_BYTES, parse, submission_entry
from testamur.errors import Unavailable
from testamur.rules import MAX_AHEAD, Credential, Credentials
from testamur.rules.reach import Reach, Sums
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.log_keys import UnknownLogKey
from testamur.tlog.merkle import leaf_hashes
from testamur.tlog.note import SignerKey
from testamur.verification.replay import BadEntry, ReplayedSubmission, Replayer, replay
from tests.harness.published_log import PublishedLog, opened_log
from tests.harness.story import Story
from tests.harness.tile_resources import tile_resources


def damage(log: PublishedLog) -> BadEntry:
    with pytest.raises(BadEntry) as caught:
        replay(log.source(), log.key)
    return caught.value


def entries_of(*bodies: bytes, at: int | None = None) -> list[bytes]:
    """Return the entries that submissions become."""
    found = []
    for body in bodies:
        submission = parse(body)
        when = Story().milliseconds if at is None else at
        found += [submission_entry(submission.header.jws, when), *submission.lines]
    return found


# --- An honest log ---


@pytest.mark.parametrize("cohorts", [(), (1,), (245,), (246,), (247,), (600, 9), (5000,)])
def test_an_honest_log_is_replayed_whole(tmp_path: Path, cohorts: tuple[int, ...]) -> None:
    log, story = opened_log(tmp_path / "log", *cohorts)
    seen: list[ReplayedSubmission] = []
    told: list[tuple[int, int]] = []

    replayed = replay(
        log.source(),
        log.key,
        progress=lambda done, of: told.append((done, of)),
        on_submission=seen.append,
    )

    assert replayed.checkpoint == log.reader().checkpoint()
    assert replayed.statistics.size == replayed.register.size == len(log.entries)
    assert replayed.statistics.submissions == 4 + len(cohorts)
    assert replayed.statistics.events["credential.issued/1"] == sum(cohorts)
    assert replayed.statistics.flags == {}
    assert replayed.statistics.organizations == 3
    resources = list(tile_resources(log.size))
    assert replayed.statistics.tiles == sum("entries" not in path for path in resources)
    assert replayed.credentials == {
        event.credential: Credential(story.accreditation, (cohort.signed,))
        for cohort in seen
        for event in cohort.events
        if isinstance(event, e.CredentialIssued)
    }
    assert told[-1] == (log.size, log.size)
    shown = [entry for cohort in seen for entry in (cohort.entry, *cohort.lines)]
    assert shown == log.entries
    assert [leaf for cohort in seen for leaf in cohort.leaves] == leaf_hashes(log.entries)
    starts = [cohort.position for cohort in seen]
    assert starts == [0, 2, 5, 8, *(10 + sum(cohorts[:i]) + i for i in range(len(cohorts)))]


def test_a_replay_counts_what_became_of_the_credentials(tmp_path: Path) -> None:
    log, story = opened_log(tmp_path / "log")
    one, two, three, four = (story.issued() for _ in range(4))
    late = story.issued(accredited=False)
    log.append(
        story.submission(story.provider, one, two, three, four, late),
        story.submission(
            story.provider,
            e.CredentialSuspended(credential=one.credential, reason="administrative"),
            e.CredentialRevoked(credential=two.credential, reason="misconduct"),
            e.CredentialSuperseded(credential=three.credential, successor=four.credential),
        ),
    )
    log.publish()

    statistics = replay(log.source(), log.key).statistics

    assert statistics.credentials == {"active": 2, "suspended": 1, "revoked": 1, "superseded": 1}
    assert statistics.flags == {"no-accreditation-claimed": 1}
    assert statistics.first_recorded_at == statistics.last_recorded_at == story.milliseconds


def test_what_a_stolen_key_issued_or_ended_is_counted_by_what_counts(tmp_path: Path) -> None:
    log, story = opened_log(tmp_path / "log")
    owned, stolen = story.issued(), story.issued()
    provider = story.provider
    thefts = log.append(
        story.submission(provider, owned),
        story.submission(
            provider, e.CredentialRevoked(credential=owned.credential, reason="misconduct")
        ),
        story.submission(provider, stolen),
    )
    log.append(story.submission(provider.founding, story.key_compromised(provider, thefts + 2)))
    log.publish()

    read: list[ReplayedSubmission] = []
    statistics = replay(log.source(), log.key, on_submission=read.append).statistics
    assert statistics.credentials == {"active": 1}
    assert statistics.flags == {"reaches-back": 1}
    assert read[-1].admitted[0].reach == Reach(fallen=Sums(issuances=1, endings=1))


def again(story: Story) -> list[bytes]:
    """Return a cohort, the declaration that cuts it off, and the cohort written again."""
    provider, fresh = story.provider, story.provider.with_key("fresh")
    cohort = [story.issued() for _ in range(3)]
    declared = story.key_compromised(provider, 10), story.key_listed(fresh)
    return [
        story.submission(provider, *cohort),
        story.submission(provider.founding, *declared),
        story.submission(fresh, *reversed(cohort)),
    ]


def test_lines_that_are_written_again_are_compared_with_the_first_on_the_log(
    tmp_path: Path,
) -> None:
    log, story = opened_log(tmp_path / "log")
    log.append(*again(story))
    log.publish()

    replayed = replay(log.source(), log.key)

    assert replayed.statistics.credentials == {"active": 3}
    assert {len(each.issuances) for each in replayed.credentials.values()} == {2}


def test_a_replay_that_cannot_look_back_says_so() -> None:
    story = Story()
    entries = entries_of(*story.opening(), *again(story))

    with pytest.raises(Unavailable, match="entry 10 was written again"):
        Replayer(story.log_key.public).feed(entries, leaf_hashes(entries))


def test_an_older_checkpoint_is_replayed_as_well(tmp_path: Path) -> None:
    log, story = opened_log(tmp_path / "log", 3)
    older = log.reader().checkpoint()
    log.append(story.cohort(300))
    log.publish()

    assert replay(log.source(), log.key, checkpoint=older).register.size == older.size


@pytest.mark.slow
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.integers(0, 60), max_size=12))
def test_it_does_not_matter_how_the_entries_are_dealt_out(tmp_path: Path, cuts: list[int]) -> None:
    story = Story()
    entries = entries_of(*story.opening(), *(story.cohort(size) for size in (1, 20, 3, 20)))
    whole = Replayer(story.log_key.public)
    expected = whole.feed(entries, leaf_hashes(entries))
    dealt = Replayer(story.log_key.public)
    found: list[ReplayedSubmission] = []
    bounds = [0, *sorted(cut % (len(entries) + 1) for cut in cuts), len(entries)]

    for start, end in pairwise(bounds):
        part = entries[start:end]
        found += dealt.feed(part, leaf_hashes(part))

    assert found == expected
    assert dealt.pending == 0
    dealt.settle()
    assert dealt.register == whole.register
    assert dealt.credentials == whole.credentials


def test_a_replay_goes_on_from_a_register_that_was_kept() -> None:
    story = Story()
    first = Replayer(story.log_key.public)
    entries = entries_of(*story.opening(), story.cohort(3))
    first.feed(entries, leaf_hashes(entries))
    kept = first.register.copied()
    asked: list[Sequence[e.Event]] = []

    def credentials_for(events: Sequence[e.Event]) -> Credentials:
        asked.append(events)
        return first.credentials

    later = Replayer(story.log_key.public, register=kept, credentials_for=credentials_for)
    name = next(iter(first.credentials))
    more = entries_of(
        story.submission(
            story.provider, e.CredentialRevoked(credential=name, reason="duplicate"), story.issued()
        )
    )
    (cohort,) = later.feed(more, leaf_hashes(more))

    assert cohort.position == 14
    assert asked == [cohort.events]
    (said,) = first.credentials[name].stream
    assert said.event == e.CredentialRevoked(credential=name, reason="duplicate")
    assert later.register.size == 17


# --- Damage to the files ---


@pytest.fixture
def log(tmp_path: Path) -> PublishedLog:
    """A log of 621 entries: every kind of file is there, full and partial."""
    return opened_log(tmp_path / "log", 600, 9)[0]


FILES = list(tile_resources(621))


def test_the_files_are_of_every_kind() -> None:
    assert FILES == [
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/109",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/109",
        "tile/1/000.p/2",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("at", [0, 1, 2, 31, 500, -33, -1])
@pytest.mark.parametrize("bit", [0, 7])
def test_a_flipped_bit_in_any_file_is_damage(
    log: PublishedLog, path: str, at: int, bit: int
) -> None:
    data = bytearray(log.source().fetch(path))
    at = at if -len(data) <= at < len(data) else len(data) // 2
    data[at] ^= 1 << bit
    log.write(path, bytes(data))

    damage(log)


@pytest.mark.parametrize("more", [b"garbage", bytes(31), bytes(32 * 256)])
def test_a_full_tile_in_the_place_of_a_partial_one_is_whole(log: PublishedLog, more: bytes) -> None:
    partial = log.root / "tile/0/002.p/109"
    log.write("tile/0/002", partial.read_bytes() + more)
    partial.unlink()

    assert damage(log).where == "tile/0/002"
    log.write("tile/0/002", (log.root / "tile/0/002").read_bytes()[: 109 * 32] + bytes(147 * 32))
    replay(log.source(), log.key)


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize(
    "change",
    {
        "emptied": lambda _: b"",
        "short of a byte": lambda data: data[:-1],
        "short of a hash": lambda data: data[:-32],
        "cut in half": lambda data: data[: len(data) // 2],
        "with a byte more": lambda data: data + b"\0",
        "with a hash more": lambda data: data + bytes(32),
        "with its first part twice": lambda data: data[:32] + data,
        "of zeros": lambda data: bytes(len(data)),
        "turned round": lambda data: data[::-1],
    }.items(),
    ids=lambda item: item[0],
)
def test_a_file_of_another_length_or_content_is_damage(
    log: PublishedLog, path: str, change: tuple[str, Callable[[bytes], bytes]]
) -> None:
    log.write(path, change[1](log.source().fetch(path)))

    damage(log)


@pytest.mark.parametrize("path", FILES)
def test_a_missing_file_is_damage_and_named(log: PublishedLog, path: str) -> None:
    (log.root / path).unlink()

    found = damage(log)

    assert found.rule == ("bundle-missing" if "entries" in path else "tile-missing")
    assert "entry bundle" in found.where or found.where in (path, path.partition(".p/")[0])


@pytest.mark.parametrize(
    ("one", "other"),
    [("tile/0/000", "tile/0/001"), ("tile/entries/000", "tile/entries/001")],
)
def test_files_in_each_others_place_are_damage(log: PublishedLog, one: str, other: str) -> None:
    first, second = log.source().fetch(one), log.source().fetch(other)
    log.write(one, second)
    log.write(other, first)

    damage(log)


def test_what_cannot_be_fetched_is_not_called_damage(log: PublishedLog) -> None:
    class Flaky:
        at_once = 1

        def fetch(self, path: str) -> bytes:
            if path == "tile/entries/001":
                raise Unavailable("the network is down")
            return log.source().fetch(path)

    with pytest.raises(Unavailable):
        replay(Flaky(), log.key)


def test_the_tile_that_is_wrong_is_named(log: PublishedLog) -> None:
    data = bytearray(log.source().fetch("tile/0/001"))
    data[5 * 32] ^= 1
    log.write("tile/0/001", bytes(data))

    found = damage(log)

    assert (found.where, found.rule) == ("tile/0/001", "tile")
    assert found.detail == "hash 5 is not that of entry 261"


@pytest.mark.parametrize("path", ["tile/entries/001", "tile/entries/002.p/109"])
def test_the_bundle_that_is_wrong_is_named_and_not_the_tile_over_it(
    log: PublishedLog, path: str
) -> None:
    data = bytearray(log.source().fetch(path))
    data[-3] ^= 1  # in the last entry: every length and boundary stays
    log.write(path, bytes(data))

    found = damage(log)

    last = 511 if path.endswith("001") else log.size - 1
    assert (found.where, found.rule, found.position) == (path, "bundle", last)


def test_of_a_tile_cut_short_the_lengths_are_told(log: PublishedLog) -> None:
    log.write("tile/0/001", log.source().fetch("tile/0/001")[:-32])

    assert damage(log).detail == "8160 bytes, not the 8192 of 256 hashes"


# --- Lies in the checkpoint ---


def test_a_root_that_the_entries_do_not_lead_to_is_damage(log: PublishedLog) -> None:
    log.sign(Checkpoint(log.signer.name, log.size, bytes(32)))

    assert damage(log).rule == "root"


def test_a_size_that_the_entries_do_not_reach_is_damage(log: PublishedLog) -> None:
    checkpoint = log.reader().checkpoint()
    log.sign(replace(checkpoint, size=622))

    assert damage(log).rule in {"bundle", "bundle-missing"}


@pytest.mark.parametrize("size", [1, 3, 4, 6, 7, 9, 11, 200, 609])
def test_a_checkpoint_that_cuts_a_submission_is_damage(log: PublishedLog, size: int) -> None:
    entries = log.entries
    cut = PublishedLog(log.root.parent / "cut")
    cut.append_entries(*entries)
    cut.publish(size)

    found = damage(cut)

    starts = [0, 2, 5, 8, 10]
    assert found.rule == "cut-submission"
    assert found.position == max(start for start in starts if start < size)


def test_an_empty_tree_is_no_register(tmp_path: Path) -> None:
    log = PublishedLog(tmp_path / "log")
    log.publish()

    assert damage(log).rule == "genesis-missing"


def test_a_checkpoint_by_a_key_that_is_not_given_is_not_believed(log: PublishedLog) -> None:
    stranger = SignerKey.generate(log.key.name)

    with pytest.raises(UnknownLogKey):
        replay(log.source(), stranger.verifier)


# --- What a replayer keeps ---


def test_a_submission_that_can_never_be_whole_does_not_fill_memory() -> None:
    story = Story()
    replayer = Replayer(story.log_key.public)
    opening = entries_of(*story.opening())
    replayer.feed(opening, leaf_hashes(opening))
    header = entries_of(story.cohort(2000))[0]
    replayer.feed([header], leaf_hashes([header]))
    line = b"x" * 65_535

    def feed_on() -> None:
        for _ in range(1999):
            replayer.feed([line], [bytes(32)])

    with pytest.raises(BadEntry) as caught:
        feed_on()

    assert caught.value.rule == "submission-size"
    assert caught.value.position == len(opening)
    assert replayer.pending * 65_535 < MAX_BYTES + 3 * 65_535


@pytest.mark.parametrize(("more", "rule"), [(0, "root"), (1, "submission-size")])
def test_a_submission_is_as_large_on_the_log_as_the_gate_would_take(more: int, rule: str) -> None:
    """To the byte: header, events and their line feeds make 64 MiB at most."""
    story = Story()
    replayer = Replayer(story.log_key.public)
    opening = entries_of(*story.opening())
    replayer.feed(opening, leaf_hashes(opening))
    body = story.cohort(1024)
    lines = [b"x" * 65_534] * 1024
    room = MAX_BYTES - len(body[: body.index(b"\n") + 1]) - sum(len(line) + 1 for line in lines)
    assert 0 < room < 1024
    lines[: room + more] = [b"x" * 65_535] * (room + more)

    with pytest.raises(BadEntry) as caught:
        replayer.feed([entries_of(body)[0], *lines], [bytes(32)] * 1025)

    assert caught.value.rule == rule


def test_damage_reaches_another_process_unchanged(log: PublishedLog) -> None:
    log.sign(Checkpoint(log.signer.name, log.size, bytes(32)))
    found = damage(log)

    again = pickle.loads(pickle.dumps(found))  # noqa: S301

    assert (str(again), vars(again)) == (str(found), vars(found))


# --- What is written again ---


def test_submissions_whose_ids_are_written_again_are_read_once_in_whatever_order() -> None:
    """However the ids of several alternate in the one that writes them again."""
    story = Story()
    cohorts = [[story.issued() for _ in range(20)] for _ in range(3)]
    fresh = story.provider.with_key("fresh")
    log = entries_of(
        *story.opening(),
        *(story.submission(story.provider, *cohort) for cohort in cohorts),
        story.submission(
            story.provider.recovery,
            story.key_compromised(story.provider, 10),
            story.key_listed(fresh),
        ),
        story.submission(fresh, *(one for alike in zip(*cohorts, strict=True) for one in alike)),
    )
    read: list[tuple[int, int]] = []

    def entries_at(start: int, end: int) -> list[bytes]:
        read.append((start, end))
        return log[start:end]

    replayer = Replayer(story.log_key.public, entries_at=entries_at)
    *_, last = replayer.feed(log, leaf_hashes(log))
    assert {admitted.version for admitted in last.admitted} == {2}
    headers = (10, 31, 52)
    assert read == [stretch for at in headers for stretch in ((at, at + 1), (at + 1, at + 21))]


def test_a_log_that_runs_ahead_of_the_readers_clock_could_not_be_checked(tmp_path: Path) -> None:
    """Else one entry of the operator's could make every theft final at once."""
    log, story = opened_log(tmp_path)
    replay(log.source(), log.key, now=datetime.fromtimestamp(story.now - MAX_AHEAD, UTC))
    with pytest.raises(Unavailable, match=r"entry 0 at .* one of the two is wrong"):
        replay(log.source(), log.key, now=datetime.fromtimestamp(story.now - MAX_AHEAD - 1, UTC))
