"""What the product's rules say of a register, compared with what the model says of the same log.

Every function returns what differs, in words; nothing is refused here. The register may come from
the gate, a replay or the fold of an excerpt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from testamur.catalogue.table import Kind
from testamur.rules import chain as product_chain
from testamur.rules import status as product
from testamur.rules.heard import everybody, nobody
from testamur.rules.register import Credential, Grant, Register
from testamur.rules.register import Thing as ProductThing
from testamur.rules.said import Signed
from testamur.rules.vouching import words
from tests.trust_model import chain, events, status
from tests.trust_model.submissions import DAY, Submission
from tests.trust_model.world import Thing, World
from tests.trust_stories.naming import (
    country_of,
    day_of,
    did_of,
    id_of,
    milliseconds_of,
    multikey_of,
)

_KINDS: Final[Mapping[events.Kind, Kind]] = {
    "credential": Kind.CREDENTIAL,
    "accreditation": Kind.ACCREDITATION,
    "recognition": Kind.RECOGNITION,
    "achievement": Kind.ACHIEVEMENT,
}
_ACTIVE: Final = {"defined": "active"}
"""What the product calls a status that the model names otherwise."""


@dataclass(frozen=True, slots=True)
class Said:
    """A register of the product, and the credentials that lie beside it."""

    register: Register
    credentials: Mapping[str, Credential]


def differences(world: World, said: Said, anchors: Collection[str]) -> list[str]:
    """Return all that the rules and the model answer differently about one log."""
    return [
        *_counting(world, said.register),
        *_keys(world, said.register),
        *_things(world, said),
        *_chains(world, said.register, anchors),
    ]


def signed_of(submission: Submission) -> Signed:
    """Return a submission of the model as the rules see it."""
    return Signed(
        did_of(submission.organization),
        multikey_of(submission.key),
        submission.position,
        milliseconds_of(submission.recorded_at),
    )


def _counting(world: World, register: Register) -> Iterator[str]:
    for submission in world.log:
        here = register.counts(signed_of(submission))
        if here != (submission.position in world.counting):
            yield f"counting: {submission.position} {'counts' if here else 'does not'} in the rules"


def _keys(world: World, register: Register) -> Iterator[str]:
    """Compare which keys could sign next, and who exists."""
    if {did_of(name) for name in world.registrations} != set(register.organizations):
        yield "organizations: not the same are registered"
        return
    now = world.log[-1].recorded_at
    for name, keys in world.keys.items():
        table = register.organizations[did_of(name)].keys
        there = {k for k, key in keys.items() if key.counts(world.size, now, world.settings)}
        here = {key for key, listed in table.keys.items() if listed.in_force}
        if here != set(map(multikey_of, there)):
            yield f"keys: of {name} {sorted(there)} are in force in the model alone"


def _things(world: World, said: Said) -> Iterator[str]:
    for kind, id_ in world.writers:
        thing = _thing(said, kind, id_)
        there = status.existing(world, kind, id_)
        if thing is None:
            if there is not None:
                yield f"things: {id_} is unknown to the rules"
            continue
        yield from _existence(said.register, thing, there, id_)
        for who, heard, product_heard in (
            ("nobody", status.nobody, nobody),
            ("everybody", status.everybody, everybody),
        ):
            expected = status.status(world, kind, id_, heard=heard)
            found = product.status(said.register, _KINDS[kind], thing, heard=product_heard)
            if (found and _ACTIVE.get(found, str(found))) != expected:
                yield f"status: {id_} is {found} in the rules, {expected} heard by {who}"
        if product.ended_by_owner(said.register, thing) != status.ended_by_owner(world, kind, id_):
            yield f"ended: {id_}"
        yield from _acts(world, said.register, thing, (kind, id_))
        if isinstance(thing, Grant) and there is not None:
            yield from _words(world, said.register, thing, there)


def _thing(said: Said, kind: events.Kind, id_: str) -> ProductThing | None:
    name = id_of(id_)
    if kind == "credential":
        return said.credentials.get(name)
    if kind == "achievement":
        return said.register.achievements.get(name)
    return said.register.grant(_KINDS[kind], name)


def _existence(
    register: Register, thing: ProductThing, there: Thing | None, id_: str
) -> Iterator[str]:
    began = product.existing(register, thing)
    here = None if began is None else began[1].position
    position = None if there is None else there.said.submission.position
    if here != position:
        yield f"existence: {id_} came into being at {here} in the rules, at {position}"


def _acts(
    world: World, register: Register, thing: ProductThing, named: tuple[events.Kind, str]
) -> Iterator[str]:
    here = [
        (act.said.position, act.said.actor, tuple(sorted(act.acted_for)))
        for act in product.acts(register, thing)
    ]
    there = [
        (act.position, did_of(act.actor), tuple(sorted(map(did_of, act.acted_for))))
        for act in status.acts(world, *named)
    ]
    if here != there:
        yield f"acts: on {named[1]}, {here} in the rules, {there}"


def _words(world: World, register: Register, grant: Grant, there: Thing) -> Iterator[str]:
    spoken = words(register, grant, world.size)
    expected = status.words_in_force(world, there, world.size)
    assert expected is not None
    if (spoken.name, spoken.country) != (expected.name, country_of(expected.country)):
        yield f"words: of {there.id}, {spoken} in the rules, {expected}"


def _chains(world: World, register: Register, anchors: Collection[str]) -> Iterator[str]:
    """Compare the chain of every accreditor, now and where each accreditation was granted."""
    dids = [did_of(anchor) for anchor in anchors]
    for moment, accreditors in _moments(world).items():
        recognitions = chain.links(world, moment)
        asked = product_chain.Moment(moment.position, day_of(moment.day))
        for name in accreditors:
            there = chain.shortest(world, name, recognitions, anchors)
            here = product_chain.chain(register, did_of(name), asked, dids)
            expected = None if there is None else tuple(map(id_of, there))
            if here != expected:
                yield f"chain: to {name} at {moment.position}, {here} in the rules, {there}"


def _moments(world: World) -> dict[chain.Moment, list[str]]:
    """Return now, for everybody, and where each accreditor granted its last accreditation."""
    now = chain.Moment(world.size, world.log[-1].recorded_at // DAY)
    last = {
        thing.owner: chain.Moment(thing.position, thing.said.submission.day)
        for thing in world.of_kind("accreditation")
    }
    return {now: list(world.registrations)} | {
        moment: [name] for name, moment in last.items() if name in world.registrations
    }
