"""A story played through all of the product: gate, publication, replay, tables and verifier.

The gate is compared with the model after every group, a stranger's replay and the verdicts of
verifiers with several anchors at the end, the tables there and as of two sizes before, with
verdicts by the evidence that they name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from tests.trust_model.cast import ANCHORS
from tests.trust_model.story import Register
from tests.trust_model.world import World, evaluate
from tests.trust_stories import answers, read_side, verdicts
from tests.trust_stories.answers import Tables
from tests.trust_stories.naming import did_of, id_of
from tests.trust_stories.published import PublishedStory
from tests.trust_stories.read_side import Said

OTHER_ANCHORS: Final = frozenset({"Agency", "Rogue"})
"""An accreditor and an authority that the Ministry has nothing to do with."""


def compare(told: Register, folder: Path) -> list[str]:
    """Play a story that was told on a log in `folder`; return where the product differs."""
    with PublishedStory(folder, told) as published:
        if unlike := published.play():
            return unlike
        return [*_replayed(published), *_tables(published)]


def _replayed(published: PublishedStory) -> Iterator[str]:
    told, replayed = published.told, published.replay()
    said = Said(replayed.register, replayed.credentials)
    yield from read_side.differences(told.world, said, ANCHORS)
    bearing = published.bearing()
    judged = partial(verdicts.differences, published, told.world)
    yield from judged(ANCHORS, find=bearing.positions)
    yield from judged(OTHER_ANCHORS, find=bearing.positions)
    roots = {each.organization for each in told.authorities}
    yield from judged(roots, given=False, find=bearing.positions)
    # Evidence for anybody else's anchors shows more, which must not be heard.
    everybodys = tuple(map(did_of, ANCHORS | OTHER_ANCHORS))
    yield from judged(ANCHORS, find=lambda id_, _: bearing.positions(id_, everybodys))


def _tables(published: PublishedStory) -> Iterator[str]:
    entries = published.stored.desk.entries()
    with answers.answering(published.reader()) as connection:
        for world in _worlds(published.told):
            yield from answers.differences(connection, world)
            # As of the whole log it is the evidence of the replay, which was judged.
            if world.size < len(entries):
                yield from _by_tables(published, world, connection, entries)
        whole = Tables(connection, len(entries), entries)
        ids = list(map(id_of, published.credentials(len(entries))))
        yield from answers.unlike_evidence(whole, published.bearing(), ids)


def _by_tables(
    published: PublishedStory, world: World, connection: Connection, entries: Sequence[bytes]
) -> Iterator[str]:
    """Yield where verdicts by the evidence of the tables, as of a size, differ."""
    find = Tables(connection, world.size, entries).positions
    for each in verdicts.differences(published, world, ANCHORS, find=find):
        yield f"{each} (as of {world.size})"


def _worlds(told: Register) -> list[World]:
    """Return what the model says as of the size of the log, and of two sizes before."""
    log = told.log
    ends = sorted({len(log), 2 * len(log) // 3, 1 + len(log) // 3})
    return [evaluate(log[:end], None, told.settings) for end in ends]
