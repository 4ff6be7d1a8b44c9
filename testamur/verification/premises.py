"""Which histories a verdict about a credential rests on, and so which entries evidence shows.

They are the whole histories of the keys of the issuer, of the accreditor and of every authority
of a chain, of the credential, its accreditation, its definition and the recognitions of the
chains. Of the issuer they also tell whether it closed, and who acts for it since; of the others
whether they closed. Where a successor acted, they are also those of the organization that it acted
for and of its own keys. No stranger can lengthen one of them. Folded, they lead to the same verdict
as the whole log (`excerpt.py`).

`bearing.py` finds them in a replay, the read models in tables: both are `Histories`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import AFTER
from testamur.catalogue.table import Kind
from testamur.catalogue.touched import History, Thing, succession
from testamur.rules.chain import Moment
from testamur.rules.register import Credential, Grant, Register
from testamur.rules.said import Said
from testamur.rules.status import closed, existing, speakers
from testamur.verification.chains import Chains
from testamur.verification.histories import Histories, drawn, folded
from testamur.verification.issuance import Issuance, first_counting, issuance_of


def bearing_on(
    histories: Histories, credential: str, anchors: Collection[str] = ()
) -> list[tuple[int, list[int]]]:
    """Return (header position, its event positions), in log order, that bear on a credential.

    `anchors` are the DIDs of the verifier's trust anchors, at most `chains.MAX_CHAINS`; the root
    authorities of the genesis are tried after them. Empty if no such credential was issued.
    """
    case = issuance_in(histories, credential)
    if case is None:
        return []
    shown = {case.position: case.signed.position, 1: 0}
    for thing in things_of(histories, case, anchors):
        shown.update((each.position, each.signed.position) for each in histories.history(thing))
    by_header: dict[int, list[int]] = {}
    for position, header in sorted(shown.items()):
        by_header.setdefault(header, []).append(position)
    return list(by_header.items())


def things_of(
    histories: Histories, issued: Issuance, anchors: Collection[str] = ()
) -> frozenset[Thing]:
    """Return the things whose whole histories the verdict rests on."""
    chains = Chains(histories, issued.register, _targets(histories, anchors))
    found = set(_named(issued))
    granted = issued.accreditation()
    things: list[tuple[Kind, Credential | Grant]] = [(Kind.CREDENTIAL, issued.credential)]
    if granted is not None:
        things.append((Kind.ACCREDITATION, granted))
    for path in _of_accreditation(issued, chains):
        found.update(_along(issued.register, path))
        things += ((Kind.RECOGNITION, issued.register.recognitions[id_]) for id_ in path)
    for _, thing in things:
        found.update(_of_successors(issued.register, thing, chains))
    return frozenset(found)


def issuance_in(histories: Histories, credential: str) -> Issuance | None:
    """Return the issuance that counts, or the first one if none does; None if there is none."""
    issuances = histories.issuances(credential)
    if not issuances:
        return None
    register, owner = drawn(histories), issuances[0].actor
    own = [each for each in issuances if each.actor == owner]
    said = first_counting(register, own) or own[0]
    event = said.event
    named = event.accreditation if isinstance(event, e.CredentialIssued) else None
    stream = tuple(histories.history(Thing(History.CREDENTIAL, credential)))
    known = Credential(named, tuple(each.signed for each in own), stream)
    issued = issuance_of(register, known, said)
    for thing in _definition(issued.event):
        folded(register, histories.history(thing))
    return issued


def _targets(histories: Histories, anchors: Collection[str]) -> tuple[str, ...]:
    """Return the anchors that chains are looked for to: those asked, then the root authorities."""
    opened = histories.genesis().event
    roots = opened.authorities if isinstance(opened, e.LogOpened) else ()
    return tuple(dict.fromkeys((*anchors, *(each.organization for each in roots))))


def _definition(event: e.CredentialIssued) -> tuple[Thing, Thing]:
    return (
        Thing(History.ACHIEVEMENT, f"{event.achievement}/{event.achievement_version}"),
        Thing(History.ACHIEVEMENT, event.achievement),
    )


def _named(issued: Issuance) -> Iterator[Thing]:
    """Yield what the issuance names, and the keys of those who signed that."""
    yield Thing(History.KEYS, issued.issuer)
    yield Thing(History.ORGANIZATION, issued.issuer)  # whether it closed, and who acts for it
    yield Thing(History.CREDENTIAL, issued.event.credential)
    yield from _definition(issued.event)
    named = issued.event.accreditation
    granted = None if named is None else issued.register.accreditations.get(named)
    if named is not None and granted is not None:
        yield Thing(History.ACCREDITATION, named)
        yield Thing(History.KEYS, granted.owner)
        yield Thing(History.ORGANIZATION, granted.owner)  # whether it can still withdraw it
        if closed(issued.register, issued.issuer) and granted.owner != issued.issuer:
            yield succession(issued.issuer, granted.owner)
            yield from _first_accreditation(issued.register, issued.issuer, granted.owner)


def _of_accreditation(issued: Issuance, chains: Chains) -> list[tuple[str, ...]]:
    granted = issued.accredited()
    return [] if granted is None else chains.to(granted.owner, issued.moment())


def _along(register: Register, path: Iterable[str]) -> Iterator[Thing]:
    for id_ in path:
        yield Thing(History.RECOGNITION, id_)
        yield Thing(History.KEYS, register.recognitions[id_].owner)
        yield Thing(History.ORGANIZATION, register.recognitions[id_].owner)


def _of_successors(
    register: Register, thing: Credential | Grant, chains: Chains
) -> Iterator[Thing]:
    """Yield what the acts of others than the owner rest on, where somebody named them for it."""
    for said in thing.stream:
        if said.actor == thing.owner or type(said.event) not in AFTER:
            continue
        for speaker in speakers(register, thing, said.signed, said.position):
            paths = _heard(thing, speaker, said, chains)
            if paths is None:
                continue
            yield Thing(History.ORGANIZATION, thing.owner)
            yield Thing(History.KEYS, said.actor)
            if speaker != thing.owner:
                yield succession(thing.owner, speaker)
                yield from _first_accreditation(register, thing.owner, speaker)
            for path in paths:
                yield from _along(register, path)


def _first_accreditation(register: Register, provider: str, accreditor: str) -> Iterator[Thing]:
    """Yield the accreditation from which on an accreditor may name a successor of a provider."""
    began = {
        id_: first[0]
        for id_ in register.grants_of.get(f"{provider} {accreditor}", ())
        if (first := existing(register, register.accreditations.get(id_))) is not None
    }
    if began:
        yield Thing(History.ACCREDITATION, min(began, key=began.__getitem__))


def _heard(
    thing: Credential | Grant, speaker: str, said: Said, chains: Chains
) -> list[tuple[str, ...]] | None:
    """Return the chains by which a speaker is heard where its successor acts; None if not."""
    if speaker == thing.owner:
        return []
    # Where a successor acts nothing is issued, so no scope is asked.
    return chains.to(speaker, Moment(said.position, said.signed.day)) or None
