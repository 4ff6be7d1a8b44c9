"""Which organizations a verifier trusts to begin with, and which others lead to them.

An anchor is the DID of an authority or an accreditor, hence its founding key. A verifier who
gives none goes by the root authorities of the log's genesis, and its report names them as such.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import msgspec

from testamur.catalogue.members import Did
from testamur.errors import Refusal, Unavailable
from testamur.rules.chain import Moment, chain
from testamur.rules.register import Register
from testamur.rules.status import Heard
from testamur.verification.excerpt import Excerpt

MAX_HEARD: Final = 64
"""At how many positions it is asked whether the successors of accreditors are heard.

A lawful successor acts on a credential 8 times at most."""


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
        answers: dict[tuple[str, int], bool] = {}

        def leads(speaker: str, position: int) -> bool:
            if (speaker, position) not in answers:
                if len(answers) == MAX_HEARD:
                    raise Unavailable(
                        f"the evidence shows more than {MAX_HEARD} acts of the successors that "
                        "accreditors named; it is too large to be read"
                    )
                moment = Moment(position, excerpt.submission_of(position).day)
                path = self.chain(excerpt.register, speaker, moment)
                answers[speaker, position] = path is not None
            return answers[speaker, position]

        return leads

    def named(self) -> str:
        """Return what an anchor is to the verifier."""
        if self.given:
            return "a trust anchor of yours"
        return "a root authority of the log's genesis (you gave no trust anchor)"


def anchors_of(given: Collection[str], register: Register) -> Anchors:
    """Return the anchors that a verifier gave, or else the root authorities of the genesis."""
    if given:
        return Anchors(frozenset(given), given=True)
    roots = (each.did for each in register.organizations.values() if each.root)
    return Anchors(frozenset(roots), given=False)
