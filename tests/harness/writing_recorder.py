"""A recorder that appends what it is given: no recorder of the product does.

The library's own tests begin with it, and it stands for ours beside the library's recorders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eventsourcing.persistence import IntegrityError, StoredEvent

from registry.recorder import SequenceRecorder, stream_bytes
from registry.store import Clash
from testamur.tlog.merkle import leaf_hash


class WritingRecorder(SequenceRecorder):
    """Appends events in the order in which they come."""

    def insert_events(  # type: ignore[override]  # ours never returns
        self, stored_events: Sequence[StoredEvent], **_: Any
    ) -> Sequence[int]:
        """Append the events in one transaction and return their ids."""
        try:
            with self.store.writing() as transaction:
                rows = [
                    (
                        number,
                        stream_bytes(stored.originator_id),
                        stored.originator_version,
                        stored.topic,
                        stored.state,
                        leaf_hash(stored.state),
                    )
                    for number, stored in enumerate(stored_events, transaction.count() + 1)
                ]
                transaction.append(rows, [])
                transaction.commit()
        except Clash as clash:
            raise IntegrityError(str(clash)) from clash
        return [number for number, *_ in rows]
