"""The sequence as `eventsourcing` reads it: one application recorder over every store.

`notification_id` is position + 1, without holes, and follows the order of commits, so a consumer
that reads by id alone misses nothing. The recorder reads only: entries come from signed
submissions, through the gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NoReturn
from uuid import UUID

from eventsourcing.persistence import (
    ApplicationRecorder,
    ListenNotifySubscription,
    Notification,
    StoredEvent,
)

from registry.store import Entry, Store
from testamur.errors import Refuted

_POLL: Final = 0.1
"""Seconds after which a subscription looks for itself: a store need not tell of the commits of
other processes."""


class SequenceRecorder(ApplicationRecorder):
    """Reads the sequence in `store`. Every method raises what `registry.store` lists."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> NoReturn:
        """Refuse: what the log holds, an organization signed."""
        raise Refuted(f"{len(stored_events)} events without a signature: entries enter by the gate")

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[Notification]:
        """Return events of one stream, each with its place in the sequence."""
        with self.store.reading() as reading:
            entries = reading.stream(stream_bytes(originator_id))
        found = [
            entry
            for entry in entries
            if (gt is None or entry.version > gt) and (lte is None or entry.version <= lte)
        ]
        return _notifications((found[::-1] if desc else found)[:limit])

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return at most `limit` events from `start` to `stop` (ids), of `topics` if any."""
        first = 0 if start is None else start - inclusive_of_start
        with self.store.reading() as reading:
            last = (reading.count() if stop is None else stop) - 1
            return _notifications(reading.entries(first, last, topics=topics, limit=limit))

    def max_notification_id(self) -> int | None:
        """Return how many entries there are, or None when there are none."""
        with self.store.reading() as reading:
            return reading.count() or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> SequenceSubscription:
        """Return an iterator over the events after id `gt`, which then waits for more."""
        return SequenceSubscription(self, gt=gt, topics=topics)


class SequenceSubscription(ListenNotifySubscription[SequenceRecorder]):
    """Yields events as they are committed: by this process at once, by others within 0.1 s."""

    def __init__(
        self, recorder: SequenceRecorder, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder, gt=gt, topics=topics)
        recorder.store.listen(self._has_been_notified)

    def stop(self) -> None:
        """Stop iterating."""
        super().stop()
        self._recorder.store.unlisten(self._has_been_notified)

    def _loop_on_pull(self) -> None:
        try:
            while not self._has_been_stopped:
                self._pull()
                self._has_been_notified.wait(_POLL)
        except BaseException as error:  # noqa: BLE001  # raised again in the consumer's thread
            self._thread_error = error
            self.stop()


def stream_bytes(originator_id: UUID | str) -> bytes:
    """Return the 16 bytes of a stream id; raises `ValueError` for a name that is not a UUID."""
    return originator_id.bytes if isinstance(originator_id, UUID) else UUID(originator_id).bytes


def _notifications(entries: Iterable[Entry]) -> list[Notification]:
    return [
        Notification(
            id=entry.position + 1,
            originator_id=UUID(bytes=entry.stream),
            originator_version=entry.version,
            topic=entry.topic,
            state=entry.entry,
        )
        for entry in entries
    ]
