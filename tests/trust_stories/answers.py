"""What the tables answer about the log of a story as of a size, compared with the model."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine

from projections.accreditations import GrantAt, accreditation_at, recognition_at
from projections.achievements import achievement_at
from projections.credentials import credential_at
from projections.database import sqlite_engine
from projections.dids import number_of
from projections.evidence import evidence_positions
from projections.follower import Follower
from projections.issuances import issuances
from projections.keys import keys_at, not_counted
from projections.lookups import LookUps
from projections.organizations import organization_at
from projections.register import register_at
from projections.standing import Standing
from projections.submissions import as_of, submissions
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.lines import decode_event
from testamur.catalogue.touched import History
from testamur.catalogue.touched import Thing as Touched
from testamur.rules.register import Credential
from testamur.tlog.reader import LogReader
from testamur.verification.bearing import Bearing
from tests.trust_model import status
from tests.trust_model.cast import ANCHORS
from tests.trust_model.events import Kind
from tests.trust_model.submissions import LOG
from tests.trust_model.world import World
from tests.trust_stories import read_side
from tests.trust_stories.naming import country_of, did_of, id_of, multikey_of
from tests.trust_stories.read_side import Said

_ACTIVE: Final = {"defined": "active"}
MOST: Final = 1000


@contextmanager
def answering(reader: LogReader) -> Iterator[Connection]:
    """Fold the log into tables, and yield a connection to them."""
    engine = _in_memory()
    try:
        follower = Follower(engine, reader)
        follower.catch_up()
        assert follower.failure is None, follower.failure
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()  # the database ends with its connection


@cache
def _in_memory() -> Engine:
    """Return one engine for all stories, which compiles each statement once."""
    return sqlite_engine(Path(":memory:"))


@dataclass(frozen=True, slots=True)
class Tables:
    """What the tables say as of a size of a log with these entries."""

    connection: Connection
    size: int
    entries: Sequence[bytes]

    def positions(self, id_: str, anchors: Collection[str]) -> list[tuple[int, list[int]]]:
        """Return which entries bear on a credential, with chains to the anchors of these DIDs."""
        return evidence_positions(self.connection, id_, self.size, self._issuance, anchors=anchors)

    def _issuance(self, position: int) -> CredentialIssued:
        event = decode_event(self.entries[position])
        assert isinstance(event, CredentialIssued)
        return event


def unlike_evidence(tables: Tables, bearing: Bearing, ids: Collection[str]) -> Iterator[str]:
    """Yield where the tables name other evidence for credentials than a replay of the same log."""
    for anchors in ((), tuple(map(did_of, ANCHORS))):
        for id_ in ids:
            found, replayed = tables.positions(id_, anchors), bearing.positions(id_, anchors)
            if found != replayed:
                yield f"evidence: for {id_} {found} by the tables, {replayed} by a replay"


def differences(connection: Connection, world: World) -> Iterator[str]:
    """Yield what the tables answer otherwise than the model, as of the size of `world`."""
    for each in _as_of(connection, world, world.size):
        yield f"{each} (as of {world.size})"


def _as_of(connection: Connection, world: World, size: int) -> Iterator[str]:
    if as_of(connection, size=size) != size:
        yield f"size: {as_of(connection, size=size)} is answered"
        return
    ids = [id_of(id_) for kind, id_ in world.writers if kind == "credential"]
    credentials = {id_: _credential(connection, id_, size) for id_ in ids}
    said = Said(register_at(connection, size), credentials)
    yield from read_side.differences(world, said, ANCHORS)
    for kind, id_ in world.writers:
        yield from _thing(connection, world, (kind, id_), size)
    for name in world.registrations:
        yield from _organization(connection, world, name, size)


def _credential(connection: Connection, id_: str, size: int) -> Credential:
    written = list(issuances(connection, [id_], size))
    stream = LookUps(connection, size).history(Touched(History.CREDENTIAL, id_))
    signed = tuple(each.signed for each in written)
    return Credential(written[0].accreditation, signed, tuple(stream))


def _thing(
    connection: Connection, world: World, named: tuple[Kind, str], size: int
) -> Iterator[str]:
    kind, id_ = named
    if kind == "credential":
        credential = credential_at(connection, id_of(id_), size)
        found = None if credential is None else credential.standing
    elif kind == "achievement":
        achievement = achievement_at(connection, id_of(id_), size)
        found = None if achievement is None else achievement.standing
    else:
        asked = recognition_at if kind == "recognition" else accreditation_at
        grant = asked(connection, id_of(id_), size)
        found = None if grant is None else grant.standing
        if grant is not None:
            yield from _words(world, named, grant)
    if found is None:
        yield f"answer: {id_} is unknown"
        return
    yield from _standing(world, named, found)


def _standing(world: World, named: tuple[Kind, str], found: Standing) -> Iterator[str]:
    expected = status.status(world, *named)
    here = found.status and _ACTIVE.get(found.status, str(found.status))
    if here != expected:
        yield f"answer: {named[1]} is {here}, {expected} there"
    thing = status.existing(world, *named)
    others = [
        act.position
        for act in status.acts(world, *named)
        if act.acted_for and thing is not None and thing.owner not in act.acted_for
    ]
    if [act.said.position for act in found.others] != others:
        yield f"answer: others did {found.others} to {named[1]}, {others} there"


def _words(world: World, named: tuple[Kind, str], found: GrantAt) -> Iterator[str]:
    thing = status.existing(world, *named)
    expected = None if thing is None else status.words_in_force(world, thing, world.size)
    spoken = found.vouched
    if expected is not None and (spoken.name, spoken.country) != (
        expected.name,
        country_of(expected.country),
    ):
        yield f"answer: {spoken} is vouched for by {named[1]}, {expected} there"


def _organization(connection: Connection, world: World, name: str, size: int) -> Iterator[str]:
    did = did_of(name)
    organization, keys = organization_at(connection, did, size), keys_at(connection, did, size)
    if organization is None or keys is None:
        yield f"answer: {name} is unknown"
        return
    if (organization.closed is not None) != (name in world.closings):
        yield f"answer: {name} closed by {organization.closed}"
    now = world.log[-1].recorded_at
    there = {
        multikey_of(key)
        for key, each in world.keys[name].items()
        if each.counts(world.size, now, world.settings)
    }
    if {key.key for key in keys.items if key.in_force} != there:
        yield f"answer: keys of {name} in force"
    issuer = number_of(connection, did, size)
    page = submissions(connection, size, issuer=issuer, limit=MOST)
    signed = [each.signed for each in page.items]
    fallen = not_counted(connection, signed, size)
    own = {each.position for each in world.log if each.organization == name != LOG}
    if {each.position for each in signed} != own or set(fallen) != own - world.counting:
        yield f"answer: of {name} {sorted(fallen)} do not count, {sorted(own - world.counting)}"
