"""Replaying a log: every tile, every root, every signature, every rule, from entry 0.

A log that `replay` accepts holds only submissions signed by organizations that were in the
register, with keys that were active, about things that could happen, in the order shown by
its checkpoint. The only outside knowledge needed is the log's verifier key: the genesis names
the root authorities. It does not show that other people were given the same log; witnesses
and a comparison of checkpoints do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from testamur.catalogue.events import Event
from testamur.catalogue.lifecycle import CredentialStatus
from testamur.catalogue.lines import decode_events
from testamur.catalogue.submission import (
    MAX_BYTES,
    MAX_HEADER,
    SignedHeader,
    parse_submission_entry,
)
from testamur.catalogue.table import Kind, event_types
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.keys import PublicKey
from testamur.rules import (
    Admitted,
    Credential,
    Credentials,
    Register,
    Signed,
    admit_events,
    admit_genesis,
    admit_header,
)
from testamur.rules.credentials import Found
from testamur.rules.reach import Totals
from testamur.rules.status import status
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.log_keys import LogKey
from testamur.tlog.merkle import HASH_SIZE, leaf_hashes, verify_inclusion
from testamur.tlog.reader import LogReader
from testamur.tlog.source import NotFound, Source
from testamur.tlog.tiles import (
    WIDTH,
    RightEdge,
    TilePath,
    bundle_path,
    full_tiles,
    new_tiles,
    parse_path,
    tile_path,
)
from testamur.verification.clock import check_not_ahead
from testamur.verification.replayed_credentials import (
    EntriesAt,
    ReplayedCredentials,
    no_entries,
)
from testamur.verification.running_totals import RunningTotals

Progress = Callable[[int, int], None]
Vouched = Callable[[int, bytes], bool]
"""Returns whether the signed tree holds this leaf at this position."""

_BUNDLES: Final = 8  # folded at a time
_OF_CREDENTIALS: Final = event_types(Kind.CREDENTIAL)


class BadEntry(Refuted):
    """The log breaks a rule at a position, or a file of it is not what it must be."""

    def __init__(self, where: str, rule: str, detail: str, position: int | None = None) -> None:
        self.where = where
        self.rule = rule
        self.detail = detail
        self.position = position
        super().__init__(where, rule, detail, position)

    def __str__(self) -> str:
        return f"{self.where}: {self.rule}: {self.detail}"


@dataclass(frozen=True, slots=True)
class ReplayedSubmission:
    """One submission on the log. Its header is entry `position`; event i is entry position+1+i.

    `leaves` are the leaf hashes of header and events.
    """

    signed: Signed
    header: SignedHeader
    entry: bytes
    lines: list[bytes]
    leaves: list[bytes]
    events: list[Event]
    admitted: list[Admitted]

    @property
    def position(self) -> int:
        """The position of its header."""
        return self.signed.position

    @property
    def recorded_at(self) -> int:
        """When it was recorded, in Unix milliseconds."""
        return self.signed.recorded_at


class Replayer:
    """Takes entries in order and returns the submissions that keep every rule.

    One of `log_keys` must have signed the genesis, and `origin`, if given, be the name in it.
    `credentials_for` returns the states of the credentials that some events name, in a mapping
    the rules may write to; by default all credentials are kept in memory. `entries_at` reads
    entries once more; it is asked only when something is written again. `totals` are asked how far
    a declaration reaches back; by default they are kept in memory. With `register` the replay goes
    on from a known state, and `totals` must know what is before it; submissions before it are then
    unknown, so that one of them coming again is for the caller to notice.
    """

    def __init__(
        self,
        *log_keys: PublicKey,
        origin: str | None = None,
        register: Register | None = None,
        credentials_for: Callable[[Sequence[Event]], Credentials] | None = None,
        entries_at: EntriesAt = no_entries,
        totals: Totals | None = None,
    ) -> None:
        self.register = register or Register()
        self.credentials = ReplayedCredentials(entries_at)
        self._log_keys = log_keys
        self._origin = origin
        self._running = RunningTotals() if totals is None else None
        self._totals = self._running if totals is None else totals
        self._credentials_for = credentials_for or (lambda _: self.credentials)
        self._entries: list[bytes] = []
        self._leaves: list[bytes] = []
        self._pending_bytes = 0
        self._waiting_for = 1
        self._header: tuple[int, SignedHeader] | None = None
        self._submissions: set[tuple[str, str]] = set()
        # By organization, as long as nothing but credentials is said: they are judged alike then.
        self._found: dict[str, Found] = {}

    @property
    def pending(self) -> int:
        """The number of entries of a submission that is not complete yet."""
        return len(self._entries)

    def feed(self, entries: Sequence[bytes], leaves: Sequence[bytes]) -> list[ReplayedSubmission]:
        """Return the submissions that these entries complete; `leaves` are their leaf hashes.

        Raises `BadEntry` at the first entry that breaks a rule; the replayer must not be used after
        that.
        """
        return list(self.each(entries, leaves))

    def each(
        self, entries: Sequence[bytes], leaves: Sequence[bytes]
    ) -> Iterator[ReplayedSubmission]:
        """Yield what `feed` returns, each while the register is as that submission left it.

        Must be iterated to its end. Raises `BadEntry` as `feed` does.
        """
        self._entries += entries
        self._leaves += leaves
        taken = 0
        while len(self._entries) - taken >= self._waiting_for:
            if self._header is None:
                self._header = self._read_header(self._entries[taken])
                self._waiting_for = 1 + self._header[1].payload.events
                continue
            end = taken + self._waiting_for
            yield self._admit(*self._header, taken, end)
            taken, self._waiting_for, self._header = end, 1, None
        if taken:
            del self._entries[:taken], self._leaves[:taken]
            entries, self._pending_bytes = self._entries, 0
        self._pending_bytes += sum(map(len, entries))
        # A submission is judged when it is whole; one that never can be must not fill memory.
        if self._pending_bytes > MAX_BYTES + MAX_HEADER:
            raise _bad_entry(self.register.size, _too_large())

    def settle(self) -> None:
        """Raise `BadEntry` if the entries fed so far end in the middle of a submission.

        Or before the genesis: an empty tree is no register.
        """
        if self.register.size == 0 and not self._entries:
            raise BadEntry("entry 0", "genesis-missing", "a log begins with its genesis", 0)
        if self._entries:
            raise BadEntry(
                f"entry {self.register.size}",
                "cut-submission",
                f"the log ends {self._waiting_for - len(self._entries)} events before "
                "this submission does",
                self.register.size,
            )

    def _read_header(self, entry: bytes) -> tuple[int, SignedHeader]:
        position = self.register.size
        try:
            recorded_at, header = parse_submission_entry(entry)
        except Refusal as refusal:
            raise _bad_entry(position, refusal) from None
        names = header.payload.iss, header.payload.jti
        if names in self._submissions:
            raise BadEntry(
                f"entry {position}",
                "duplicate-submission",
                f"{names[0]} submitted {names[1]} before",
                position,
            )
        self._submissions.add(names)
        return recorded_at, header

    def _admit(
        self, recorded_at: int, header: SignedHeader, start: int, end: int
    ) -> ReplayedSubmission:
        position = self.register.size
        lines = self._entries[start + 1 : end]
        leaves = self._leaves[start:end]
        try:
            # The file it came in: every line and its LF.
            if sum(map(len, lines), len(header.jws)) + len(lines) + 1 > MAX_BYTES:
                raise _too_large()
            header.verify_root(leaves[1:])
            events = decode_events(lines)
            if position == 0:
                opener = self._opener(header)
                header.verify_signature(opener)
                admitted = admit_genesis(self.register, header, events, recorded_at, opener)
                signed = Signed(header.payload.iss, header.key_id, position, recorded_at)
                self._check_origin()
            else:
                header.verify_signature(header.key())
                signed = admit_header(self.register, header, recorded_at)
                admitted = self._admitted(signed, events)
        except Refusal as refusal:
            raise _bad_entry(position, refusal) from None
        if self._running is not None:
            self._running.add(signed, events)
        return ReplayedSubmission(
            signed, header, self._entries[start], lines, leaves, events, admitted
        )

    def _admitted(self, signed: Signed, events: Sequence[Event]) -> list[Admitted]:
        self.credentials.judging(events, signed.position)
        known, at = self._credentials_for(events), self.credentials.event_at
        found: dict[str, Found] | None = self._found
        if not _OF_CREDENTIALS.issuperset(map(type, events)):
            self._found.clear()
            found = None
        return admit_events(
            self.register, known, signed, events, event_at=at, totals=self._totals, found=found
        )

    def _opener(self, header: SignedHeader) -> PublicKey:
        # A log that changed its key has several; the first one opened it.
        for key in self._log_keys:
            if key.did_key() == header.payload.iss:
                return key
        return self._log_keys[0]

    def _check_origin(self) -> None:
        # One key may be known under two names; a register belongs to one.
        if self._origin is not None and self.register.origin != self._origin:
            raise Refusal(
                "origin", f"this is the log of {self._origin}", line=2, value=self.register.origin
            )


@dataclass(slots=True)
class Statistics:
    """What a replay counted. Times are Unix milliseconds."""

    origin: str = ""
    size: int = 0
    root: bytes = b""
    submissions: int = 0
    events: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    credentials: Counter[str] = field(default_factory=Counter)
    organizations: int = 0
    tiles: int = 0
    first_recorded_at: int = 0
    last_recorded_at: int = 0

    def count(self, submission: ReplayedSubmission) -> None:
        """Add one submission."""
        self.submissions += 1
        self.first_recorded_at = self.first_recorded_at or submission.recorded_at
        self.last_recorded_at = submission.recorded_at
        kinds: Counter[type[Event]] = Counter(map(type, submission.events))
        for kind, count in kinds.items():
            self.events[str(kind.__struct_config__.tag)] += count
        for admitted in submission.admitted:
            if admitted.flags:
                self.flags.update(admitted.flags)


@dataclass(frozen=True, slots=True)
class Replayed:
    """The outcome of a replay that found no damage."""

    checkpoint: Checkpoint
    statistics: Statistics
    register: Register
    credentials: dict[str, Credential]


def replay(
    source: Source,
    key: LogKey,
    *,
    checkpoint: Checkpoint | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
    on_submission: Callable[[ReplayedSubmission], None] | None = None,
) -> Replayed:
    """Replay the whole log and return what it says and how much of it there is.

    Every tile of the tree is fetched and compared with what the entries lead to; the root with
    the checkpoint's (the latest, unless one is given); every submission is checked. `now` is the
    time of this machine (aware): no entry may be recorded later, but for clocks that differ. A
    log could else let the 90 days pass at once in which a theft can be declared. `progress` is
    called with (entries done, entries in all), `on_submission` with each submission.
    Raises `BadEntry` at the first damage, `Refuted` if the checkpoint itself is bad, and
    `Unavailable` when something cannot be fetched, an entry is recorded later than `now`, or only a
    key that is not given signed the checkpoint.
    """
    reader = LogReader(source, key)
    checkpoint = checkpoint or reader.checkpoint()

    def entries_at(start: int, end: int) -> list[bytes]:
        walk = reader.bundles(start, end, size=checkpoint.size)
        return [entry for _, bundle in walk for entry in bundle]

    replayer = Replayer(
        *(PublicKey("Ed25519", each.public) for each in reader.keys.keys),
        origin=reader.keys.name,
        entries_at=entries_at,
    )
    statistics = Statistics(origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root)
    vouched = partial(_in_signed_tree, reader, checkpoint)
    edge = RightEdge.empty()
    for entries in _chunks(reader, checkpoint.size):
        leaves = leaf_hashes(entries)
        edge, tiles = new_tiles(edge, leaves)
        statistics.tiles += _compare_full_tiles(source, tiles, vouched)
        if edge.size == checkpoint.size:
            statistics.tiles += _compare_partial_tiles(source, edge, vouched)
        for submission in replayer.feed(entries, leaves):
            _check_clock(submission, now)
            statistics.count(submission)
            if on_submission is not None:
                on_submission(submission)
        if progress is not None:
            progress(edge.size, checkpoint.size)
    if edge.root() != checkpoint.root:
        raise BadEntry(
            f"checkpoint {checkpoint.size}",
            "root",
            f"the entries lead to root {edge.root().hex()}, the log signed {checkpoint.root.hex()}",
        )
    replayer.settle()
    _finish(statistics, replayer)
    return Replayed(checkpoint, statistics, replayer.register, replayer.credentials)


def _check_clock(submission: ReplayedSubmission, now: datetime | None) -> None:
    if now is not None:
        what = f"the log recorded entry {submission.position}"
        check_not_ahead(what, submission.recorded_at, now)


def _chunks(reader: LogReader, size: int) -> Iterator[list[bytes]]:
    entries: list[bytes] = []
    walk = reader.bundles(0, size)
    expected = 0
    try:
        for index, bundle in walk:
            entries += bundle
            expected = index + 1
            if expected % _BUNDLES == 0:
                yield entries
                entries = []
    except Refuted as error:
        raise BadEntry(f"entry bundle {expected}", "bundle", str(error), expected * WIDTH) from None
    except NotFound as error:
        raise BadEntry(
            f"entry bundle {expected}", "bundle-missing", str(error), expected * WIDTH
        ) from None
    if entries:
        yield entries


def _compare_full_tiles(source: Source, tiles: list[tuple[str, bytes]], vouched: Vouched) -> int:
    full = [(path, data) for path, data in tiles if parse_path(path).width == WIDTH]
    for path, data in full:
        _compare(path, _fetched(source, path), data, vouched)
    return len(full)


def _compare_partial_tiles(source: Source, edge: RightEdge, vouched: Vouched) -> int:
    found = [(level, tile) for level, tile in enumerate(edge.tiles) if tile]
    for level, tile in found:
        index = full_tiles(level, edge.size)
        path, computed = tile_path(level, index, len(tile)), b"".join(tile)
        try:
            published = source.fetch(path)
        except NotFound:
            # A growing log may drop a partial tile once the full one is there (tlog-tiles).
            path = tile_path(level, index)
            published = _fetched(source, path)
            if len(published) == WIDTH * HASH_SIZE:
                published = published[: len(computed)]
        _compare(path, published, computed, vouched)
    return len(found)


def _fetched(source: Source, path: str) -> bytes:
    try:
        return source.fetch(path)
    except NotFound as error:
        raise BadEntry(path, "tile-missing", str(error)) from None


def _compare(path: str, published: bytes, computed: bytes, vouched: Vouched) -> None:
    """Raise `BadEntry` that names the file at fault unless the two are the same."""
    if published == computed:
        return
    if len(published) != len(computed):
        hashes = len(computed) // HASH_SIZE
        detail = f"{len(published)} bytes, not the {len(computed)} of {hashes} hashes"
        raise BadEntry(path, "tile", detail)
    pairs = enumerate(zip(_hashes(published), _hashes(computed), strict=True))
    at, found = next((i, one) for i, (one, other) in pairs if one != other)
    tile = parse_path(path)
    if not isinstance(tile, TilePath) or tile.level != 0:
        raise BadEntry(path, "tile", f"hash {at} is not what the entries lead to")
    position = tile.index * WIDTH + at
    if vouched(position, found):
        raise BadEntry(
            bundle_path(tile.index, tile.width),
            "bundle",
            f"entry {position} is not the one whose hash is in the signed tree",
            position,
        )
    raise BadEntry(path, "tile", f"hash {at} is not that of entry {position}")


def _hashes(tile: bytes) -> list[bytes]:
    return [tile[at : at + HASH_SIZE] for at in range(0, len(tile), HASH_SIZE)]


def _in_signed_tree(reader: LogReader, checkpoint: Checkpoint, position: int, leaf: bytes) -> bool:
    """Return whether the published tiles prove that `leaf` is there, whatever the entry is."""
    try:
        path = reader.inclusion(position, checkpoint.size)
        verify_inclusion(position, checkpoint.size, leaf, path, checkpoint.root)
    except (Refuted, Unavailable):
        return False
    return True


def _too_large() -> Refusal:
    return Refusal("submission-size", f"a submission has at most {MAX_BYTES} bytes")


def _bad_entry(position: int, refusal: Refusal) -> BadEntry:
    # Line 1 of a submission is the header entry, line k the entry k - 1 further on.
    at = position if refusal.line is None else position + refusal.line - 1
    value = "" if refusal.value is None else f" (found {refusal.value})"
    return BadEntry(f"entry {at}", refusal.rule, refusal.detail + value, at)


def _finish(statistics: Statistics, replayer: Replayer) -> None:
    statistics.organizations = len(replayer.register.organizations)
    # A cohort of issuances shares one state, which is folded once.
    sharing = Counter(map(id, replayer.credentials.values()))
    shared = {id(state): state for state in replayer.credentials.values()}
    counted: Counter[str] = Counter()
    for key, state in shared.items():
        found = status(replayer.register, Kind.CREDENTIAL, state)
        if found is not None:
            counted[found.value] += sharing[key]
    statistics.credentials = Counter(
        {each.value: counted[each] for each in CredentialStatus if counted[each]}
    )
