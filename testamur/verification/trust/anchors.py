"""Which organizations a verifier trusts to begin with, and which others lead to them.

An anchor is the DID of an authority or an accreditor, hence its founding key. A verifier who
gives none goes by the root authorities of the log's genesis, and its report names them as such.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

import msgspec

from testamur.catalogue.members import Did
from testamur.errors import Refusal, Unavailable
from testamur.rules.chain import LONGEST, Moment, chain
from testamur.rules.heard import Heard
from testamur.rules.register import Grant, Register
from testamur.rules.status import existing, statuses
from testamur.verification.excerpt import Excerpt

MAX_HEARD: Final = 64
"""How often a chain is looked for to hear the successors of accreditors."""


def parse_anchor(text: str) -> str:
    """Return the DID that an anchor is; raises `Refusal` (rule `anchor`) for anything else."""
    try:
        return msgspec.convert(text, Did)
    except msgspec.ValidationError:
        raise Refusal(
            "anchor",
            "an anchor is the did:key of an authority or accreditor, without a fragment",
            value=text,
        ) from None


@dataclass(frozen=True, slots=True)
class Anchors:
    """The DIDs that chains may begin at; `given` says whether the verifier named them itself."""

    dids: frozenset[str]
    given: bool

    def chain(self, register: Register, accreditor: str, moment: Moment) -> tuple[str, ...] | None:
        """Return one shortest chain from an anchor to an accreditor; None if there is none."""
        return chain(register, accreditor, moment, self.dids)

    def heard(self, excerpt: Excerpt) -> Heard:
        """Return which accreditors' successors are heard: those of one that leads to an anchor.

        It must lead there where the successor acts.
        """
        turns = cache(lambda: _turns(excerpt.register, self.dids))
        answers: dict[tuple[str, int, int, int], bool] = {}

        def leads(speaker: str, position: int) -> bool:
            moment = Moment(position, excerpt.submission_of(position).day)
            asked = speaker, *turns().before(moment)
            if asked not in answers:
                if len(answers) == MAX_HEARD:
                    raise Unavailable(
                        f"the evidence shows more than {MAX_HEARD} times at which it may be judged "
                        "anew whether successors that accreditors named are heard; it is too large "
                        "to be read"
                    )
                answers[asked] = self.chain(excerpt.register, speaker, moment) is not None
            return answers[asked]

        return leads

    def named(self) -> str:
        """Return what an anchor is to the verifier."""
        if self.given:
            return "a trust anchor of yours"
        return "a root authority of the log's genesis (you gave no trust anchor)"


@dataclass(frozen=True, slots=True)
class _Turns:
    """Where, and on which days, it can change who leads to an anchor; all sorted.

    Between two of them one answer serves every act, so that no number of acts by the successors of
    an accreditor that leads nowhere keeps a verifier from an answer.
    """

    positions: tuple[int, ...]
    first_days: tuple[date, ...]
    last_days: tuple[date, ...]

    def before(self, moment: Moment) -> tuple[int, int, int]:
        """Return how many of each a moment has behind it."""
        return (
            bisect_left(self.positions, moment.position),
            bisect_right(self.first_days, moment.day),
            bisect_left(self.last_days, moment.day),
        )


def _turns(register: Register, anchors: Collection[str]) -> _Turns:
    grants = _leading(register, anchors)
    ends = (each.event.valid_until for each in grants)
    return _Turns(
        tuple(sorted(position for each in grants for position in _changes(register, each))),
        tuple(sorted({each.event.valid_from for each in grants})),
        tuple(sorted({end for end in ends if end is not None})),
    )


def _leading(register: Register, anchors: Collection[str]) -> list[Grant]:
    """Return the recognitions that a chain from an anchor may hold, whether they count or not.

    No stranger adds one.
    """
    recognitions, authorities = register.recognitions.values(), set(anchors)
    for _ in range(LONGEST - 1):
        authorities |= {
            each.subject
            for each in recognitions
            if each.owner in authorities and each.makes == "authority"
        }
    return [each for each in recognitions if each.owner in authorities]


def _changes(register: Register, grant: Grant) -> Iterator[int]:
    """Yield the positions at which a recognition came into being and ended."""
    began = existing(register, grant)
    if began is not None:
        yield began[0]
    for said, _ in statuses(register, grant):
        yield said.position


def anchors_of(given: Collection[str], register: Register) -> Anchors:
    """Return the anchors that a verifier gave, or else the root authorities of the genesis."""
    if given:
        return Anchors(frozenset(given), given=True)
    roots = (each.did for each in register.organizations.values() if each.root)
    return Anchors(frozenset(roots), given=False)
