"""What a reader who replayed the whole log concludes about one credential, check by check.

A check holds, is refuted, or could not be checked. A check that rests on another one is no
stronger than that one: where its premise does not hold, it could not be checked. What bytes
and signatures decide (inclusion, checkpoint, parsing) is not in the model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tests.trust_model.chain import Moment, chain, in_force, led_to
from tests.trust_model.events import (
    AccreditationGranted,
    Defined,
    Definition,
    Issued,
    Words,
)
from tests.trust_model.settings import Rule
from tests.trust_model.status import status, words_in_force
from tests.trust_model.world import Thing, World

Outcome = Literal["holds", "refuted", "unchecked"]
Check = Literal[
    "commitment",
    "signature",
    "status",
    "facts",
    "accreditation",
    "recognition",
    "issuer",
    "name",
    "proof",
]
CHECKS: Final[tuple[Check, ...]] = (
    "commitment",
    "signature",
    "status",
    "facts",
    "accreditation",
    "recognition",
    "issuer",
    "name",
    "proof",
)
Found: TypeAlias = tuple[Outcome, str]


@dataclass(frozen=True, slots=True)
class Presented:
    """The credential in the reader's hand: what it says, and the commitment it opens."""

    credential: str
    commitment: str
    issuer_id: str
    issuer_name: str
    facts: Definition
    proof_key: str | None = None
    """The key of its own proof; None when it carries none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of every check, with the reason, and the chain that was followed."""

    checks: Mapping[Check, Found]
    path: tuple[str, ...] | None = None

    @property
    def holds(self) -> bool:
        """Return whether every check holds."""
        return all(outcome == "holds" for outcome, _ in self.checks.values())

    @property
    def outcome(self) -> Outcome:
        """Return what the exit code tells: 0 holds, 1 refuted, 2 could not be checked."""
        outcomes = {outcome for outcome, _ in self.checks.values()}
        if "refuted" in outcomes:
            return "refuted"
        return "unchecked" if "unchecked" in outcomes else "holds"

    def __str__(self) -> str:
        """Name the checks that do not hold."""
        bad = (f"{c}: {o} ({why})" for c, (o, why) in self.checks.items() if o != "holds")
        return "; ".join(bad) or "holds"


@dataclass(frozen=True, slots=True)
class _Case:
    """What the premises of the later checks found."""

    world: World
    presented: Presented
    anchors: Collection[str]
    issued: Thing
    event: Issued

    @property
    def position(self) -> int:
        return self.issued.position

    @property
    def day(self) -> int:
        return self.issued.said.submission.day

    def definition(self) -> Definition | None:
        """Return the definition that the issuance names, if it stood before it."""
        thing = self.world.thing("achievement", self.event.achievement, self.event.version)
        if thing is None or thing.owner != self.issued.owner or thing.position >= self.position:
            return None
        return thing.event.definition if isinstance(thing.event, Defined) else None

    def accreditation(self) -> Thing | None:
        """Return the accreditation that the issuance names, if it stood before it."""
        named = self.event.accreditation
        thing = None if named is None else self.world.thing("accreditation", named)
        return thing if thing is not None and thing.position < self.position else None


def verdict(world: World, presented: Presented, anchors: Collection[str]) -> Verdict:
    """Return what a reader with these anchors concludes, as of the size of `world`."""
    issued = world.thing("credential", presented.credential)
    if issued is None or not isinstance(issued.event, Issued):
        written = ("credential", presented.credential) in world.writers
        why = "its key does not count there" if written else "never issued"
        checks: dict[Check, Found] = dict.fromkeys(CHECKS, ("unchecked", "nothing was issued"))
        return Verdict(checks | {"signature": ("refuted", why)})
    case = _Case(world, presented, anchors, issued, issued.event)
    opens = case.event.commitment == presented.commitment
    accredited, path = _accredited(case), None
    recognised: Found = "unchecked", "no accreditation to rest on"
    if accredited[0] == "holds":
        path = _path(case)
        recognised = (
            ("holds", "") if path is not None else ("refuted", "no chain leads to an anchor")
        )
    vouched = _vouched(case) if recognised[0] == "holds" else None
    facts = _facts(case) if opens else ("unchecked", "it opens another commitment")
    found: dict[Check, Found] = {
        "commitment": ("holds", "") if opens else ("refuted", "another commitment is logged"),
        "signature": ("holds", ""),
        "status": _status(case),
        "facts": facts,
        "accreditation": accredited,
        "recognition": recognised,
        "issuer": _issuer(case, vouched),
        "name": _name(case, vouched),
        "proof": _proof(case),
    }
    return Verdict(found, path)


def _status(case: _Case) -> Found:
    heard = led_to(case.world, case.anchors)
    now = status(case.world, "credential", case.issued.id, heard=heard)
    return ("holds", "") if now == "active" else ("refuted", str(now))


def _facts(case: _Case) -> Found:
    definition = case.definition()
    if definition is None:
        return "refuted", "no such definition stood before it"
    if case.world.settings.has(Rule.LOGGED_FACTS) and case.presented.facts != definition:
        return "refuted", "the logged definition says otherwise"
    return "holds", ""


def _accredited(case: _Case) -> Found:
    accreditation, definition = case.accreditation(), case.definition()
    if case.event.accreditation is None:
        return "refuted", "it names none"
    if accreditation is None or not isinstance(accreditation.event, AccreditationGranted):
        return "refuted", "the one it names was not granted before it"
    if accreditation.event.organization != case.issued.owner:
        return "refuted", "the one it names is another's"
    covered = None if definition is None else _covered(case, accreditation, definition)
    if not in_force(case.world, accreditation, Moment(case.position, case.day, covered)):
        return "refuted", "not in force, or outside its scope"
    if definition is None:
        return "unchecked", "no definition to judge the scope by"
    return "holds", ""


def _path(case: _Case) -> tuple[str, ...] | None:
    accreditation, definition = case.accreditation(), case.definition()
    assert accreditation is not None
    assert definition is not None
    moment = Moment(case.position, case.day, _covered(case, accreditation, definition))
    return chain(case.world, accreditation.owner, moment, case.anchors)


def _covered(
    case: _Case, accreditation: Thing, definition: Definition
) -> tuple[str, Definition, str]:
    words = words_in_force(case.world, accreditation, case.position)
    country = words.country if words is not None else ""
    if not case.world.settings.has(Rule.CHAIN_IS_HEARD):
        country = _anybodys(case)[-1].country
    return case.event.achievement, definition, country


def _vouched(case: _Case) -> list[Words]:
    if not case.world.settings.has(Rule.CHAIN_IS_HEARD):
        return _anybodys(case)
    accreditation = case.accreditation()
    assert accreditation is not None
    words = words_in_force(case.world, accreditation, case.position)
    return [] if words is None else [words]


def _anybodys(case: _Case) -> list[Words]:
    """Return what any accreditor says of the issuer, the last word last: the rule taken away."""
    grants = (
        thing
        for thing in case.world.of_kind("accreditation")
        if isinstance(thing.event, AccreditationGranted)
        and thing.event.organization == case.issued.owner
        and thing.position < case.position
    )
    said = (words_in_force(case.world, grant, case.position) for grant in grants)
    return [words for words in said if words is not None]


def _issuer(case: _Case, vouched: list[Words] | None) -> Found:
    if case.presented.issuer_id == case.issued.owner:
        return "holds", ""
    if vouched is None:
        return "unchecked", "no accreditor to hear"
    # Whose a key is, nobody but its holder can say, and did say by signing the issuance.
    of_a_key = not case.presented.issuer_id.startswith(("did:", "http"))
    if of_a_key and case.presented.issuer_id != case.issued.said.submission.key:
        return "unchecked", "the id is a key that did not sign the issuance"
    if any(case.presented.issuer_id in (words.url, *words.other_ids) for words in vouched):
        return "holds", ""
    return "unchecked", "its accreditor does not vouch for that id"


def _name(case: _Case, vouched: list[Words] | None) -> Found:
    if vouched is None:
        return "unchecked", "no accreditor to hear"
    if any(case.presented.issuer_name in (words.name, *words.other_names) for words in vouched):
        return "holds", ""
    return "refuted", "its accreditor vouches for other names"


def _proof(case: _Case) -> Found:
    name = case.presented.proof_key
    if name is None:
        return "holds", "it carries none"
    key = case.world.keys[case.issued.owner].get(name)
    header = case.issued.said.submission
    if (
        key is not None
        and key.kind == "signing"
        and key.counts(header.position, header.recorded_at, case.world.settings)
    ):
        return "holds", ""
    return "refuted", "no signing key of the issuer at the issuance"
