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
from testamur.rules.register import Achievement, Register, Thing
from testamur.rules.said import Said
from testamur.rules.status import existing, nobody, speakers, status

_Thing = TypeVar("_Thing", bound=Thing)


def check_change(register: Register, kind: Kind, thing: Thing | None, said: Said, id_: str) -> None:
    """Raise `Refusal` unless a status event may happen to the thing named `id_`.

    Rules `unknown-KIND`, `KIND-of-another`, `transition`.
    """
    known = check_known(register, kind, thing, id_)
    acts_for = speakers(register, known, said.signed, said.position)
    if not acts_for or (isinstance(known, Achievement) and known.owner != said.actor):
        raise of_another(kind, known.owner, said.actor, id_)
    # What a successor said bars nobody whom another speaker named.
    heard = nobody if known.owner in acts_for else lambda speaker, _: speaker in acts_for
    before = status(register, kind, known, heard=heard)
    may_follow(before, said.event, id_)


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
        counts = "was ever written" if thing is None else "counts"
        raise Refusal(f"unknown-{kind}", f"no {kind} with this id {counts}", value=id_)
    return thing


def of_another(kind: Kind, owner: str, actor: str, id_: str) -> Refusal:
    """Return the refusal of what only the owner of a thing, or its successor, may say."""
    return Refusal(
        f"{kind}-of-another",
        f"this {kind} is by {owner}, for which {actor} may not say this",
        value=id_,
    )
