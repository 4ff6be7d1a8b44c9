"""Which size did a log have at a time, and does a size end with a whole submission?

Entries that hold a submission's header say when it was recorded, and these times never decrease. So
a time names one size: that after the last submission recorded by then. The log has no index of
times; a binary search over its bundles reads a few dozen of them.

What is found is a guess from unverified files until the tree of that size has been replayed:
`verify_cut` then proves that the next submission was recorded later.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from testamur.catalogue.submission import format_time, parse_submission_entry
from testamur.errors import Refusal, Refuted
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.reader import LogReader
from testamur.tlog.tiles import WIDTH

_HEADER: Final = b'{"recordedAt":'


class _Header(NamedTuple):
    """A submission's header at `position`; its events end before `end`."""

    position: int
    end: int
    recorded_at: int


def size_at(reader: LogReader, checkpoint: Checkpoint, time: int) -> int:
    """Return the size of the log once all that was recorded by `time` (Unix ms) was in it.

    0 if the log was opened later. Raises `Refuted` and `Unavailable` as reading does.
    """
    log = _Headers(reader, checkpoint.size)
    low, high = 0, log.bundles
    if not high or log.first_from(0).recorded_at > time:
        return 0
    # The first header from bundle `low` on is no later than `time`; from `high` on all are.
    while high - low > 1:
        middle = (low + high) // 2
        found = log.first_between(middle, high)
        if found is None or found.recorded_at > time:
            high = middle
        else:
            low = middle
    last = log.first_from(low)
    while last.end < checkpoint.size:
        following = log.at(last.end)
        if following.recorded_at > time:
            break
        last = following
    return last.end


def verify_cut(
    reader: LogReader, checkpoint: Checkpoint, size: int, time: int | None = None
) -> None:
    """Raise unless a submission ends before `size`, and the next is recorded after `time`.

    Raises `Refusal` (`size-cut`) for a size inside a submission, with the sizes around it, and
    `Refuted` for a submission that `size` leaves out although it was recorded by `time`.
    """
    if size >= checkpoint.size:
        return
    entry = reader.entry(size, checkpoint)
    if not entry.startswith(_HEADER):
        around = _Headers(reader, checkpoint.size).around(size)
        raise Refusal(
            "size-cut",
            f"size {size} ends inside a submission; give {around.position} without it or "
            f"{around.end} with all of it",
        )
    recorded_at, _ = parse_submission_entry(entry)
    if time is not None and recorded_at <= time:
        raise Refuted(
            f"the submission at {size} was recorded at {format_time(recorded_at)}, so the log was "
            "larger by then: its times are out of order"
        )


class _Headers:
    """The headers of the submissions in a log of `published` entries, unverified."""

    def __init__(self, reader: LogReader, published: int) -> None:
        def bundle(index: int) -> list[bytes]:
            first = index * WIDTH
            end = min(first + WIDTH, published)
            ((_, entries),) = reader.bundles(first, end, size=published)
            return entries

        self.bundles: Final = -(-published // WIDTH)
        # A walk from one header to the next stays in a bundle for a while.
        self._bundle = lru_cache(maxsize=2)(bundle)

    def first_from(self, index: int) -> _Header:
        """Return the first header from bundle `index` on."""
        found = self.first_between(index, self.bundles)
        if found is None:
            raise Refuted(f"no header of a submission follows entry {index * WIDTH}")
        return found

    def first_between(self, index: int, end: int) -> _Header | None:
        """Return the first header in the bundles from `index` to `end`, None without any."""
        for at in range(index, end):
            for number, entry in enumerate(self._bundle(at)):
                if entry.startswith(_HEADER):
                    return _parsed(at * WIDTH + number, entry)
        return None

    def at(self, position: int) -> _Header:
        """Return the header at a position."""
        return _parsed(position, self._bundle(position // WIDTH)[position % WIDTH])

    def around(self, position: int) -> _Header:
        """Return the header of the submission that holds `position`."""
        for index in range(position // WIDTH, -1, -1):
            first = index * WIDTH
            entries = self._bundle(index)[: position - first + 1]
            for at in range(len(entries) - 1, -1, -1):
                if entries[at].startswith(_HEADER):
                    return _parsed(first + at, entries[at])
        raise Refuted("entry 0 is no header of a submission")


def _parsed(position: int, entry: bytes) -> _Header:
    try:
        recorded_at, header = parse_submission_entry(entry)
    except Refusal as refusal:
        raise Refuted(f"entry {position} is no header of a submission: {refusal}") from None
    return _Header(position, position + 1 + header.payload.events, recorded_at)
