"""Who may change a thing that was issued, granted or defined, and on which status that may follow.

Its owner may, and a successor that the owner named; for a credential also a successor that the
accreditor named whose accreditation it names. Only the owner restates a grant and retires an
achievement.
"""

from __future__ import annotations

from typing import TypeVar

from testamur.catalogue.lifecycle import may_follow
from testamur.catalogue.table import Kind
from testamur.errors import Refusal
from testamur.rules.heard import Among, Heard, nobody
from testamur.rules.register import Achievement, Register, Thing
from testamur.rules.said import Said
from testamur.rules.status import existing, speakers, status_since

_Thing = TypeVar("_Thing", bound=Thing)


def check_change(
    register: Register, kind: Kind, thing: _Thing | None, said: Said, id_: str
) -> _Thing:
    """Return the thing named `id_`, to which a status event may happen.

    Raises `Refusal` if it may not (rules `unknown-KIND`, `KIND-of-another`, `transition`).
    """
    began = existing(register, thing)
    if thing is None or began is None:
        raise _unknown(kind, thing, id_)
    heard: Heard = nobody
    if thing.owner != said.actor:
        acts_for = speakers(register, thing, said.signed, said.position)
        if not acts_for or isinstance(thing, Achievement):
            raise of_another(kind, thing.owner, said.actor, id_)
        if thing.owner not in acts_for:
            # What a successor said bars nobody whom another speaker named.
            heard = Among(acts_for)
    before = status_since(register, kind, thing, began[0], heard=heard)
    may_follow(before, said.event, id_)
    return thing


def check_restated(
    register: Register, kind: Kind, thing: _Thing | None, said: Said, id_: str
) -> _Thing:
    """Return a thing that the signer granted.

    Raises `Refusal` for any other (rules `unknown-KIND`, `KIND-of-another`).
    """
    known = check_known(register, kind, thing, id_)
    if known.owner != said.actor:
        raise of_another(kind, known.owner, said.actor, id_)
    return known


def check_known(register: Register, kind: Kind, thing: _Thing | None, id_: str) -> _Thing:
    """Return a thing that exists; raises `Refusal` (rule `unknown-KIND`) for any other."""
    if thing is None or existing(register, thing) is None:
        raise _unknown(kind, thing, id_)
    return thing


def _unknown(kind: Kind, thing: Thing | None, id_: str) -> Refusal:
    counts = "was ever written" if thing is None else "counts"
    return Refusal(f"unknown-{kind}", f"no {kind} with this id {counts}", value=id_)


def of_another(kind: Kind, owner: str, actor: str, id_: str) -> Refusal:
    """Return the refusal of what only the owner of a thing, or its successor, may say."""
    return Refusal(
        f"{kind}-of-another",
        f"this {kind} is by {owner}, for which {actor} may not say this",
        value=id_,
    )
