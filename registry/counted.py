"""What counts of what a group is about? Asked before the write lock.

A key that several others declared compromised takes microseconds for each submission. A
credential may have hundreds, an accreditor too, and an achievement ten thousand versions of which
none but the last counts. The answer holds under the lock as long as the organizations have the same
keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Final, get_args

from registry.checked import Checked
from registry.concluded import Terms
from registry.credential_streams import CredentialStreams
from testamur.catalogue import events as e
from testamur.rules import Register, Signed
from testamur.rules.accreditors import said_of_recognitions
from testamur.rules.conclusions import Read
from testamur.rules.credentials import newest_writings
from testamur.rules.key_table import KeyTable
from testamur.rules.pasts import LONG, Past, past_of
from testamur.rules.register import Achievement, Judged
from testamur.rules.status import existing

_MANY: Final = 16  # versions
_CHANGING: Final = frozenset[type](get_args(e.AchievementEvent))
_achievement: Final = attrgetter("achievement")


@dataclass(frozen=True, slots=True)
class Counted:
    """What was judged, and the keys that it follows from, by their organizations."""

    judged: Judged
    keys: Mapping[str, KeyTable]

    def of(self, register: Register, replaced: Iterable[Read]) -> Judged:
        """Return what holds as of a register in which this was replaced since.

        If keys changed, that is only what no key changes. What was judged may rest on the keys of
        thousands of organizations, so only those that were replaced are looked at.
        """
        named = (name for mapping, name in replaced if mapping == "organizations")
        same = all(
            register.organizations[did].keys is self.keys[did] for did in named if did in self.keys
        )
        return self.judged if same else Judged(pasts=self.judged.pasts)


def counted(
    register: Register, credentials: CredentialStreams, group: Sequence[Checked], issued: Terms
) -> Counted:
    """Return what counts of what was said of credentials, of long achievements, and of grants.

    The grants are those that issuances rest on: an accreditation that one of the terms `issued`
    names, and the recognitions of its accreditor. An organization that the register does not know
    yet is left out.
    """
    keys: dict[str, KeyTable] = {}
    judged: set[int] = set()
    fallen: set[int] = set()
    named = list(_long(register, _about_achievements(group) | _achievements(issued)))
    terms = _said_of_terms(register, issued)
    for signed in chain(_said_of(credentials), *map(_writings, named), terms):
        if signed.position in judged:
            continue
        if signed.organization not in keys:
            organization = register.organizations.get(signed.organization)
            if organization is None:
                continue
            keys[signed.organization] = organization.keys
        judged.add(signed.position)
        counts = keys[signed.organization].counts
        if not counts(signed.key, signed.position, signed.recorded_at):
            fallen.add(signed.position)
    # Whether it exists at all is asked of one that changes now, and of one that was retired.
    retired = (each for each in named if each.stream)
    changing = [each for each in group if len(each.credentials) < len(each.submission.events)]
    asked = chain(_long(register, _about_achievements(changing)), retired)
    began = {each.definitions[0].position: existing(register, each) for each in asked}
    judgement = Judged(
        fallen, {at: one for at, one in began.items() if one}, pasts=_pasts(credentials)
    )
    return Counted(judgement, keys)


def _said_of(credentials: CredentialStreams) -> Iterator[Signed]:
    return (said.signed for each in credentials.values() for said in each.stream)


def _pasts(credentials: CredentialStreams) -> dict[int, Past]:
    """Return the long streams, each gone through, by the position of its first entry."""
    long = (each.stream for each in credentials.values() if len(each.stream) >= LONG)
    return {stream[0].position: past_of(stream) for stream in long}


def _said_of_terms(register: Register, issued: Terms) -> Iterator[Signed]:
    """Yield who said something of the accreditations that issuances name, and of what these need.

    An accreditation, and an accreditor, is gone through once.
    """
    named = {each for terms in issued.values() for _, _, each in terms if each is not None}
    granted = [each for each in map(register.accreditations.get, named) if each is not None]
    yield from (said.signed for each in granted for said in each.stream)
    for accreditor in {each.owner for each in granted}:
        yield from said_of_recognitions(register, accreditor)


def _writings(achievement: Achievement) -> Iterator[Signed]:
    return (signed for _, signed in newest_writings(achievement))


def _achievements(issued: Terms) -> set[str]:
    return {achievement for terms in issued.values() for achievement, _, _ in terms}


def _about_achievements(group: Sequence[Checked]) -> set[str]:
    """Return the achievements that events of a group are about."""
    return {
        _achievement(event)
        for checked in group
        if len(checked.credentials) < len(checked.submission.events)
        for event in checked.submission.events
        if type(event) in _CHANGING
    }


def _long(register: Register, named: Iterable[str]) -> Iterator[Achievement]:
    """Yield those of these achievements that have many versions."""
    for id_ in named:
        achievement = register.achievements.get(id_)
        if achievement is not None and len(achievement.definitions) > _MANY:
            yield achievement
