"""Pages of the file that are no longer what SQLite wrote keep the gate shut."""

from __future__ import annotations

import os
from uuid import UUID

import pytest

from registry.gate import StorageDamaged
from tests.harness.gates import Desk
from tests.harness.stores import Kept
from tests.harness.story import Story


def test_an_id_that_the_unique_index_forgot_keeps_the_gate_shut(kept: Kept, story: Story) -> None:
    """It would be given a second time, and signed."""
    with Desk(kept, story) as desk:
        desk.open_log()
        event = story.issued()
        desk.record(story.submission(story.provider, event))
    raw = kept.path.read_bytes()
    key = UUID(event.credential).bytes
    places = [at for at in range(len(raw)) if raw.startswith(key, at)]
    assert len(places) == 2  # the table, and its index
    for at in places:
        for bit in range(8):
            changed = bytearray(raw)
            changed[at + 13] ^= 1 << bit
            kept.path.write_bytes(changed)
            with pytest.raises(StorageDamaged, match="SQLite finds its pages damaged: "):
                Desk(kept, story)
    kept.path.write_bytes(raw)
    Desk(kept, story).close()


def test_damaged_pages_are_named(kept: Kept, story: Story) -> None:
    with Desk(kept, story) as desk:
        desk.open_log()
        for _ in range(3):
            desk.record(story.cohort(500))
    raw = bytearray(kept.path.read_bytes())
    for page in range(20, len(raw) // 4096, 3):
        raw[page * 4096 : page * 4096 + 64] = os.urandom(64)
    kept.path.write_bytes(raw)
    with pytest.raises(StorageDamaged, match="SQLite cannot read the file"):
        Desk(kept, story)


@pytest.mark.slow
def test_a_flipped_bit_in_the_schema_is_named(kept: Kept, story: Story) -> None:
    """SQLite quotes the damage in what it says, and that is no UTF-8 then."""
    with Desk(kept, story) as desk:
        desk.open_log()
    raw = kept.path.read_bytes()
    start = raw.index(b"CREATE TABLE submissions")
    named = []
    for at in range(start, raw.index(b"STRICT", start)):
        kept.path.write_bytes(raw[:at] + bytes([raw[at] ^ 0x80]) + raw[at + 1 :])
        try:
            Desk(kept, story).close()  # as where only the name of a type is another
        except StorageDamaged as damage:
            named.append(str(damage))
    assert len(named) > 100
    assert any("codec" in text for text in named)
