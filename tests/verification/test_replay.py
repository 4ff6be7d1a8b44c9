"""Replaying a log that somebody else keeps: every lie is found, and named where it lies."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import CredentialStatus
from testamur.catalogue.lines import decode_event, encode_event
from testamur.catalogue.submission import MAX_BYTES, parse, submission_entry
from testamur.errors import Refuted, Unavailable
from testamur.rules import MAX_AHEAD, CredentialState
from testamur.rules.register import dump_register, load_register
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import leaf_hashes
from testamur.tlog.note import SignerKey
from testamur.verification.replay import BadEntry, ReplayedSubmission, Replayer, replay
from tests.harness.published_log import PublishedLog, opened_log
from tests.harness.story import Party, Story, party
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
        event.credential: CredentialState(story.provider.did, CredentialStatus.ACTIVE, 1)
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


def test_an_older_checkpoint_is_replayed_as_well(tmp_path: Path) -> None:
    log, story = opened_log(tmp_path / "log", 3)
    older = log.reader().checkpoint()
    log.append(story.cohort(300))
    log.publish()

    assert replay(log.source(), log.key, checkpoint=older).register.size == older.size


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
    assert dump_register(dealt.register) == dump_register(whole.register)
    assert dealt.credentials == whole.credentials


def test_a_replay_goes_on_from_a_register_that_was_kept() -> None:
    story = Story()
    first = Replayer(story.log_key.public)
    entries = entries_of(*story.opening(), story.cohort(3))
    first.feed(entries, leaf_hashes(entries))
    kept = load_register(dump_register(first.register))
    asked: list[Sequence[e.Event]] = []

    def credentials_for(events: Sequence[e.Event]) -> dict[str, CredentialState]:
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
    assert first.credentials[name].status is CredentialStatus.REVOKED
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


def test_a_checkpoint_by_somebody_else_is_refuted(log: PublishedLog) -> None:
    stranger = SignerKey.generate(log.key.name)

    with pytest.raises(Refuted):
        replay(log.source(), stranger.verifier)


# --- Lies in the content: what an operator could sign ---


@dataclass
class Forgery:
    """A log whose operator lets anything in; `honest` is how much of it keeps the rules."""

    story: Story
    log: PublishedLog

    def says(self, signer: Party, *events: e.Event, **terms: Any) -> None:
        self.log.append(self.story.submission(signer, *events, **terms))

    def found(self) -> BadEntry:
        self.log.publish()
        return damage(self.log)


@pytest.fixture
def forgery(tmp_path: Path) -> Forgery:
    """A log that is honest up to entry 12: its opening and two credentials."""
    log, story = opened_log(tmp_path / "log", 2)
    assert len(log.entries) == 13
    return Forgery(story, log)


def credential_of(forgery: Forgery, number: int = 0) -> str:
    return str(json.loads(forgery.log.entries[11 + number])["credential"])


def revoked(credential: str) -> e.CredentialRevoked:
    return e.CredentialRevoked(credential=credential, reason="misconduct")


def _retire_and_use(forgery: Forgery) -> None:
    story, provider = forgery.story, forgery.story.provider
    forgery.says(
        provider,
        story.key_added(provider, provider.with_key("k2")),
        e.KeyRetired(key=provider.key_id, organization=provider.did),
        story.issued(),
    )
    forgery.says(provider, story.issued())


def _append(forgery: Forgery, body: bytes, *, at: int) -> None:
    forgery.log.append(body, recorded_at=at)


def _opened(story: Story) -> e.Event:
    return decode_event(story.genesis().split(b"\n")[1])


def _jti(forgery: Forgery, position: int) -> str:
    jws = json.loads(forgery.log.entries[position])["submission"].encode()
    return parse(b"\n".join([jws, *forgery.log.entries[11:13]]) + b"\n").header.payload.jti


def _append_changed(forgery: Forgery, number: int, change: Callable[[bytes], bytes]) -> None:
    entries = entries_of(forgery.story.cohort(3))
    entries[number] = change(entries[number])
    forgery.log.append_entries(*entries)


def _append_without(forgery: Forgery, number: int) -> None:
    entries = entries_of(forgery.story.cohort(3), forgery.story.cohort(1))
    del entries[number]
    forgery.log.append_entries(*entries)


Smuggle = Callable[[Forgery], object]
SMUGGLED: dict[str, tuple[str, int, Smuggle]] = {
    # name: (rule, offset of the entry named, what the operator puts on the log)
    "a credential of nobody's": (
        "unknown-organization",
        0,
        lambda f: f.says(party("stranger"), f.story.issued()),
    ),
    "a submission for another log": (
        "audience",
        0,
        lambda f: f.says(f.story.provider, f.story.issued(), aud="other.example"),
    ),
    "a signature from the future": (
        "issued-at",
        0,
        lambda f: f.says(f.story.provider, f.story.issued(), iat=f.story.now + MAX_AHEAD + 1),
    ),
    "a signature from the past": (
        "issued-at",
        0,
        lambda f: f.says(f.story.provider, f.story.issued(), iat=f.story.now - 8 * 24 * 3600),
    ),
    "a time before the last": (
        "time-order",
        0,
        lambda f: _append(f, f.story.cohort(1), at=f.story.milliseconds - 1),
    ),
    "an unlisted key": (
        "unknown-key",
        0,
        lambda f: f.says(f.story.provider.with_key("k9"), f.story.issued()),
    ),
    "a forged signature": (
        "signature",
        0,
        lambda f: f.says(replace(f.story.provider, key=party("x").key), f.story.issued()),
    ),
    "a credential by an accreditor": (
        "role",
        1,
        lambda f: f.says(f.story.accreditor, f.story.issued()),
    ),
    "the same credential again": (
        "already-issued",
        2,
        lambda f: f.says(f.story.provider, f.story.issued(), f.story.issued(credential_of(f))),
    ),
    "a credential called like an achievement": (
        "id-taken",
        2,
        lambda f: f.says(f.story.provider, f.story.issued(), f.story.issued(f.story.achievement)),
    ),
    "an achievement called like a credential": (
        "id-taken",
        1,
        lambda f: f.says(f.story.provider, f.story.defined(credential_of(f))),
    ),
    "a recognition called like an accreditation": (
        "id-taken",
        1,
        lambda f: f.says(f.story.authority, f.story.recognised(f.story.accreditation)),
    ),
    "a reinstatement after revocation": (
        "transition",
        3,
        lambda f: f.says(
            f.story.provider,
            f.story.issued(),
            revoked(credential_of(f)),
            e.CredentialReinstated(credential=credential_of(f)),
        ),
    ),
    "a revocation by another": (
        "credential-of-another",
        1,
        lambda f: f.says(f.story.accreditor, revoked(credential_of(f))),
    ),
    "a revocation of nothing": (
        "unknown-credential",
        1,
        lambda f: f.says(f.story.provider, revoked(f.story.new_id())),
    ),
    "an achievement never defined": (
        "unknown-achievement",
        1,
        lambda f: f.says(f.story.provider, f.story.issued(achievement=f.story.new_id())),
    ),
    "a newcomer brought in by a provider": (
        "sponsor-role",
        1,
        lambda f: f.says(
            f.story.provider, f.story.registered(f.story.provider, party("x"), "provider")
        ),
    ),
    "a newcomer without its consent": (
        "possession",
        1,
        lambda f: f.says(
            f.story.accreditor, f.story.registered(f.story.authority, party("x"), "provider")
        ),
    ),
    "an authority seated later": (
        "genesis-again",
        1,
        lambda f: f.says(f.story.authority, _opened(f.story)),
    ),
    "a second genesis": (
        "unknown-organization",
        0,
        lambda f: f.log.append(f.story.genesis(authorities=[party("x")])),
    ),
    "an accreditation of oneself": (
        "role",
        1,
        lambda f: f.says(f.story.provider, f.story.accredited(f.story.new_id())),
    ),
    "a key retired and used": ("key-inactive", 4, _retire_and_use),
    "the last key retired": (
        "last-key",
        1,
        lambda f: f.says(
            f.story.provider,
            e.KeyRetired(key=f.story.provider.key_id, organization=f.story.provider.did),
        ),
    ),
    "words after closing": (
        "organization-closed",
        2,
        lambda f: f.says(
            f.story.provider,
            e.OrganizationClosed(organization=f.story.provider.did),
            f.story.issued(),
        ),
    ),
    "the same submission again": (
        "duplicate-submission",
        0,
        lambda f: f.log.append_entries(*f.log.entries[10:13]),
    ),
    "the same jti for other events": (
        "duplicate-submission",
        0,
        lambda f: f.says(f.story.provider, f.story.issued(), jti=_jti(f, 10)),
    ),
    "an event alone": (
        "submission-entry",
        0,
        lambda f: f.log.append_entries(f.log.entries[11]),
    ),
    "an empty entry": ("submission-entry", 0, lambda f: f.log.append_entries(b"") and None),
    "a header in another spelling": (
        "canonical-json",
        0,
        lambda f: _append_changed(f, 0, lambda entry: entry.replace(b":", b": ", 1)),
    ),
    "an event in another spelling": (
        "root",
        0,
        lambda f: _append_changed(f, 2, lambda line: line.replace(b":", b": ", 1)),
    ),
    "an event exchanged": (
        "root",
        0,
        lambda f: _append_changed(f, 2, lambda _: encode_event(f.story.issued())),
    ),
    "an event left out": ("root", 0, lambda f: _append_without(f, 2)),
    "an empty event": ("root", 0, lambda f: _append_changed(f, 1, lambda _: b"")),
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_what_no_gate_would_admit_is_found_at_its_position(forgery: Forgery, name: str) -> None:
    """The tree is right and the log signed it; only the rules are broken."""
    rule, offset, smuggle = SMUGGLED[name]
    smuggle(forgery)
    # Honest entries after it do not hide it.
    forgery.log.append(forgery.story.cohort(2))

    found = forgery.found()

    assert (found.rule, found.position) == (rule, 13 + offset)
    assert found.where == f"entry {13 + offset}"


def test_a_header_that_says_too_much_of_itself_waits_for_its_events(forgery: Forgery) -> None:
    """It swallows what follows it, and the root tells."""
    entries = entries_of(forgery.story.cohort(3))
    forgery.log.append_entries(entries[0], *forgery.log.entries[11:13])

    assert forgery.found().rule == "cut-submission"


# --- Lies at the beginning ---


def begun_with(tmp_path: Path, *bodies: bytes, story: Story | None = None) -> BadEntry:
    log = PublishedLog(tmp_path / "log", story)
    log.append(*bodies)
    log.publish()
    return damage(log)


def test_a_log_that_somebody_else_opened_is_damage(tmp_path: Path) -> None:
    other = Story(name="other")

    assert begun_with(tmp_path, *other.opening()).rule == "signature"


def test_a_log_that_opens_under_another_name_is_damage(tmp_path: Path) -> None:
    """One key under two names could put what was signed for one log into the other."""
    other = Story(origin="other.example/log")

    found = begun_with(tmp_path, *other.opening())

    assert (found.rule, found.position) == ("origin", 1)


def test_a_log_that_begins_without_a_genesis_is_damage(tmp_path: Path) -> None:
    story = Story()

    assert begun_with(tmp_path, *story.opening()[1:]).rule == "signature"


def test_a_log_that_begins_in_the_middle_is_damage(tmp_path: Path) -> None:
    log = PublishedLog(tmp_path / "log")
    log.append_entries(*entries_of(*Story().opening())[1:])
    log.publish()

    assert (damage(log).rule, damage(log).position) == ("submission-entry", 0)


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
