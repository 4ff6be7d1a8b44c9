"""Evidence that is made to cost its reader: histories as long as a file and a log let them be.

What is shown here was signed by those whom it names, and stands on a log that asked no rule: that
of a hostile operator, with organizations that spend all their keys. Every path is good, so that
every check is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.members import Scope
from testamur.verification.evidence import render_evidence
from testamur.verification.excerpt import MAX_KEPT
from tests.harness.issued_log import IssuedLog, Positions
from tests.harness.story import Party, party, private_key, uuid7

_SUBMISSION: Final = 1_000
"""How many events of one submission a file may show."""
_KEY_EVENTS: Final = 64
"""How many key events a submission may hold."""


@dataclass(frozen=True)
class Shape:
    """What makes the evidence costly, and who said it."""

    name: str
    says: Callable[[IssuedLog], Iterator[tuple[Party, Sequence[e.Event]]]]


def hostile_evidence(issued: IssuedLog, honest: Positions, shape: Shape) -> bytes:
    """Return the evidence of the first holder's credential, and beside it all of a shape.

    `honest` are the positions of what bears on it, found before anything hostile was said.
    """
    holder, positions = issued.holders[0], list(honest)
    for signer, events in shape.says(issued):
        at = issued.says(signer, *events)
        positions.append((at, [at + 1 + number for number in range(len(events))]))
    return render_evidence(issued.evidence(holder, positions=sorted(positions)))


def _cut(events: Sequence[e.Event], size: int) -> Iterator[Sequence[e.Event]]:
    for start in range(0, len(events), size):
        yield events[start : start + size]


# --- Keys ---


def _declarations(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    """Let the founding key restate one declaration; together they keep as much as is read."""
    provider = issued.story.provider
    ranges = MAX_KEPT // (16 * _KEY_EVENTS)
    kept = tuple((at, at) for at in range(10, 10 + 2 * ranges, 2))
    stolen = issued.story.key_compromised(provider, since=10, kept=kept)
    for _ in range(16):
        yield provider.founding, [stolen] * _KEY_EVENTS


def _key_events(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    """Let many organizations say all they may about their keys, each key about those below it."""
    story = issued.story
    for number in range(9):
        robbed = party(f"bench robbed {number}")
        yield story.accreditor, [story.registered(story.accreditor, robbed, "provider")]
        keys = [private_key(f"bench {number} {each}").public for each in range(14)]
        yield robbed.founding, [story.key_listed(key) for key in keys]
        stolen = [story.key_compromised(key, since=0) for key in keys]
        for signer in [robbed.founding, robbed.recovery] * 15:
            yield signer, (stolen * 3)[:32]


def _crowd_of_declarations(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    """Let hundreds of recovery keys declare one key, which goes on to be kept by all of them."""
    story, provider = issued.story, issued.story.provider
    recovery = [provider.with_key(f"bench recovery {number}") for number in range(130)]
    for some in _cut([story.key_listed(each, "recovery") for each in recovery], _KEY_EVENTS):
        yield provider.founding, some
    kept = (*((at, at + 1) for at in range(10, 127, 3)), (130, 10_000_000))
    for each in recovery:
        yield each, [story.key_compromised(provider, since=10, kept=kept)]
    id_ = issued.holders[0].id
    for _ in range(1_900):
        yield provider, [e.CredentialSuspended(credential=id_, reason="administrative")]
        yield provider, [e.CredentialReinstated(credential=id_)]


def _chain_of_declarations(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    """Let eight recovery keys and the founding one declare one another, rank by rank."""
    story, provider = issued.story, issued.story.provider
    recovery = [provider.with_key(f"bench recovery {number}") for number in range(8)]
    yield provider.founding, [story.key_listed(each, "recovery") for each in recovery]
    ranked = [provider.founding, *recovery]
    for _ in range(110):
        for above, below in pairwise(ranked):
            yield above, [story.key_compromised(below, since=0)]


# --- Recognitions ---


def _authorities(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    """Let authorities recognise each other, all under one another, by large scopes."""
    story = issued.story
    crowd = [party(f"bench authority {number}") for number in range(30)]
    ids = tuple(uuid7(1, number) for number in range(300))
    yield (
        story.authority,
        [story.registered(story.authority, each, "authority") for each in crowd],
    )
    for granter in [story.authority, *crowd]:
        yield (
            granter,
            [
                msgspec.structs.replace(
                    story.recognised(story.new_id(), as_="authority", of=each),
                    scope=Scope(achievements=(*ids[:number], *ids[number + 1 :])),
                )
                for number, each in enumerate(crowd)
            ],
        )


def _scopes(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    """Let the authority recognise the accreditor for much that the credential is not about."""
    story = issued.story
    ids = [uuid7(1, number) for number in range(1_001)]
    yield (
        story.authority,
        [
            msgspec.structs.replace(
                story.recognised(story.new_id()),
                scope=Scope(achievements=tuple(ids[:number] + ids[number + 1 :])),
            )
            for number in range(300)
        ],
    )


def _accreditations(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    """Let the accreditor restate one word about the issuer, over and over."""
    story = issued.story
    words = [
        e.AccreditationRestated(
            accreditation=story.accreditation,
            country="NL",
            name="An Organization",
            other_names=tuple(f"{letter}{number}" * 20 for letter in "ABCDEFGH"),
        )
        for number in range(5_500)
    ]
    for some in _cut(words, _SUBMISSION):
        yield story.accreditor, some


# --- What happened to the credential ---


def _statuses(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    """Let the issuer suspend and reinstate the credential without end."""
    id_ = issued.holders[0].id
    pair: list[e.Event] = [
        e.CredentialSuspended(credential=id_, reason="administrative"),
        e.CredentialReinstated(credential=id_),
    ]
    for some in _cut(pair * 4_000, _SUBMISSION):
        yield issued.story.provider, some


def _successions(
    issued: IssuedLog, objections: int, statements: int, acts: int
) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    """Let a successor act that was named many times, by an issuer that objected as often."""
    story, heir = issued.story, party("bench heir")
    named = story.succeeded(of=story.provider, by=heir)
    yield story.accreditor, [story.registered(story.accreditor, heir, "provider")]
    for some in _cut([story.objected()] * objections, _SUBMISSION):
        yield story.provider, some
    for some in _cut([named] * statements, _SUBMISSION):
        yield story.accreditor, some
    yield story.provider, [story.closed()]
    for some in _cut([_act(issued)] * acts, _SUBMISSION):
        yield heir, some


def _act(issued: IssuedLog) -> e.Event:
    return e.CredentialSuspended(credential=issued.holders[0].id, reason="administrative")


def _one_act(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    yield from _successions(issued, 3_500, 3_500, 1)


def _many_acts(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    yield from _successions(issued, 3_500, 3_500, 280)


def _acts_on_the_accreditation(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    """Let a successor of the accreditor suspend the accreditation, named again and again."""
    story, heir = issued.story, party("bench heir")
    named = story.succeeded(of=story.accreditor, by=heir)
    yield story.accreditor, [story.registered(story.accreditor, heir, "accreditor")]
    for some in _cut([named] * 1_000, _SUBMISSION):
        yield story.accreditor, some
    yield story.accreditor, [story.closed()]
    there = e.AccreditationSuspended(accreditation=story.accreditation, reason="voluntary")
    for some in _cut([there] * 1_900, _SUBMISSION):
        yield heir, some


def _acts_under_a_crowd(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    """Let a successor act again and again, whose accreditor leads to no anchor by a long search.

    Every recognition on the way was withdrawn many times by a stranger, who has no say. Between two
    acts an authority recognises somebody, so that there is a search for each.
    """
    story, stranger = issued.story, party("bench stranger")
    crowd = [party(f"bench authority {number}") for number in range(12)]
    ids = [story.new_id() for _ in range(13 * 12)]
    new = iter(ids)
    yield story.authority, [story.registered(story.authority, stranger, "authority")]
    yield (
        story.authority,
        [story.registered(story.authority, each, "authority") for each in crowd],
    )
    for granter in [story.authority, *crowd]:
        yield granter, [story.recognised(next(new), as_="authority", of=each) for each in crowd]
    withdrawn = [e.RecognitionWithdrawn(reason="misconduct", recognition=each) for each in ids]
    for some in _cut(withdrawn * 30, _SUBMISSION):
        yield stranger, some
    yield (
        story.authority,
        [e.RecognitionWithdrawn(reason="voluntary", recognition=story.recognition)],
    )
    yield from _successions(issued, 100, 100, 1)
    for _ in range(60):
        yield crowd[0], [story.recognised(story.new_id(), of=stranger)]
        yield party("bench heir"), [_act(issued)]


def _submissions(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    """Show as many submissions as there is room for, a signature each."""
    for _ in range(5_300):
        yield issued.story.provider, [issued.story.issued()]


def _other_submissions(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    """Show as many, each with a P-256 signature."""
    story, provider = issued.story, issued.story.provider
    other = provider.with_key("bench P-256", "P-256")
    yield provider.founding, [story.key_listed(other)]
    for _ in range(5_300):
        yield other, [story.issued()]


def _registrations(issued: IssuedLog) -> Iterator[tuple[Party, Sequence[e.Event]]]:
    """Show as many registrations as may be, a founding signature each."""
    story = issued.story
    newcomers = [party(f"bench newcomer {number}") for number in range(505)]
    yield (
        story.accreditor,
        [story.registered(story.accreditor, each, "provider") for each in newcomers],
    )


SHAPES: Final = (
    Shape("declarations that keep much", _declarations),
    Shape("key events of many organizations", _key_events),
    Shape("a crowd of declarations", _crowd_of_declarations),
    Shape("a chain of declarations", _chain_of_declarations),
    Shape("authorities that recognise each other", _authorities),
    Shape("large scopes", _scopes),
    Shape("words without end", _accreditations),
    Shape("statuses without end", _statuses),
    Shape("one act of a successor", _one_act),
    Shape("many acts of a successor", _many_acts),
    Shape("acts on the accreditation", _acts_on_the_accreditation),
    Shape("acts under a crowd of authorities", _acts_under_a_crowd),
    Shape("many submissions", _submissions),
    Shape("many submissions by a P-256 key", _other_submissions),
    Shape("many registrations", _registrations),
)
