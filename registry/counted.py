"""What counts of what a group is about? Asked before the write lock.

A key that several others declared compromised takes microseconds for each submission. A
credential may have hundreds, an accreditor too, and an achievement ten thousand versions of which
none but the last counts. The answer holds under the lock as long as the organizations have the same
keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Final, get_args

from registry.checked import Checked
from registry.credential_streams import CredentialStreams
from testamur.catalogue import events as e
from testamur.rules import Register, Signed
from testamur.rules.accreditors import said_of_recognitions
from testamur.rules.credentials import newest_writings
from testamur.rules.key_table import KeyTable
from testamur.rules.register import Achievement, Judged
from testamur.rules.status import existing

_MANY: Final = 16  # versions
_CHANGING: Final = frozenset[type](get_args(e.AchievementEvent))
_achievement: Final = attrgetter("achievement")
_NAMING: Final = _CHANGING | {e.CredentialIssued}


@dataclass(frozen=True, slots=True)
class Counted:
    """What was judged, and the keys that it follows from, by their organizations."""

    judged: Judged
    keys: Mapping[str, KeyTable]

    def of(self, register: Register) -> Judged:
        """Return what still holds as of a register: everything, or nothing."""
        same = all(register.organizations[did].keys is keys for did, keys in self.keys.items())
        return self.judged if same else Judged()


def counted(
    register: Register, credentials: CredentialStreams, group: Sequence[Checked]
) -> Counted:
    """Return what counts of what was said of credentials, of long achievements, and of grants.

    The grants are those that issuances rest on: an accreditation that one names, and the
    recognitions of its accreditor. An organization that the register does not know yet is left out.
    """
    keys: dict[str, KeyTable] = {}
    judged: set[int] = set()
    fallen: set[int] = set()
    named = list(_long(register, group, _NAMING))
    terms = _said_of_terms(register, group)
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
    asked = chain(_long(register, changing, _CHANGING), retired)
    began = {each.definitions[0].position: existing(register, each) for each in asked}
    return Counted(Judged(fallen, {at: one for at, one in began.items() if one}), keys)


def _said_of(credentials: CredentialStreams) -> Iterator[Signed]:
    return (said.signed for each in credentials.values() for said in each.stream)


def _said_of_terms(register: Register, group: Sequence[Checked]) -> Iterator[Signed]:
    """Yield who said something of the accreditations that issuances name, and of what these need.

    An accreditation, and an accreditor, is gone through once.
    """
    named = {
        event.accreditation
        for checked in group
        for event in checked.submission.events
        if type(event) is e.CredentialIssued and event.accreditation is not None
    }
    granted = [each for each in map(register.accreditations.get, named) if each is not None]
    yield from (said.signed for each in granted for said in each.stream)
    for accreditor in {each.owner for each in granted}:
        yield from said_of_recognitions(register, accreditor)


def _writings(achievement: Achievement) -> Iterator[Signed]:
    return (signed for _, signed in newest_writings(achievement))


def _long(
    register: Register, group: Sequence[Checked], naming: frozenset[type]
) -> Iterator[Achievement]:
    """Yield the achievements of many versions that events of these types name, each once."""
    named: set[str] = {
        _achievement(event)
        for checked in group
        for event in checked.submission.events
        if type(event) in naming
    }
    for id_ in named:
        achievement = register.achievements.get(id_)
        if achievement is not None and len(achievement.definitions) > _MANY:
            yield achievement
