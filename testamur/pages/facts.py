"""What a picture, a page and a certificate say of a credential: what it says itself, in words.

Nothing is added, so the words are no more than the issuer's: who stands behind them is told by
verification. A name is shown only if the credential holds it in the clear.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import msgspec

from testamur.badges.blockcerts import read_credential
from testamur.badges.commitment import HolderFile
from testamur.badges.elements import Elements
from testamur.badges.identities import names_in
from testamur.catalogue.members import Level, Workload
from testamur.errors import shows

_LONGEST: Final = 500
_MOST: Final = 40
# Between letters and emoji these two are part of the spelling, although they do not show.
_JOINERS: Final = "\u200c\u200d"
# Those codes whose words are more than the code with spaces in it; the holder's page has the same.
_WORDS: Final = {
    "artefact": "a piece of work",
    "blended": "blended learning",
    "continuous": "continuous assessment",
    "institutional": "accreditation of the institution",
    "peerAssessment": "assessment by peers",
    "presential": "on site",
    "problemBased": "problem-based work",
    "programme": "accreditation of the programme",
    "projectBased": "project-based",
    "research": "research or laboratory",
    "supervisedOnSiteWithIdentity": "supervised on site, identity checked",
    "supervisedOnline": "supervised online, identity checked",
    "workbased": "at a place of work",
}
_UNSUPERVISED: Final = "unsupervised, identity not checked"
_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a credential says, in texts without control characters, each of bounded length.

    `learner` is the name of its learner, None if it is not in the clear. `lines` are the elements
    of Annex I to 2022/C 243/02 that are not members of their own, as term and text.
    """

    credential: str
    title: str
    kind: str
    issuer: str
    issuer_id: str
    awarded: date
    learner: str | None
    valid_until: date | None
    level: str | None
    outcomes: tuple[str, ...]
    lines: tuple[tuple[str, str], ...]


def facts_of(holder: HolderFile) -> Facts:
    """Return what the credential in a holder file says.

    Raises `Refusal` for one that `read_credential` refuses.
    """
    badge = read_credential(holder.credential)
    elements, achievement = badge.elements, badge.achievement
    titles = (each.text for each in (*achievement.names, *badge.names))
    return Facts(
        credential=holder.id,
        title=next(filter(None, map(plain, titles)), "Credential"),
        kind=_kind(achievement.achievement_type),
        issuer=plain(badge.issuer.name or "") or plain(badge.issuer.id),
        issuer_id=plain(badge.issuer.id),
        awarded=elements.issued,
        learner=next(filter(None, map(plain, names_in(holder.credential))), None),
        valid_until=None if badge.valid_until is None else badge.valid_until.date(),
        level=None if elements.level is None else _level(elements.level),
        outcomes=tuple(plain(each.name) for each in elements.outcomes[:_MOST]),
        lines=tuple(_lines(elements)),
    )


def plain(text: str) -> str:
    """Return a text on one line, without what does not show, cut to 500 characters."""
    found = " ".join(text.split())
    found = "".join(char for char in found if shows(char) or char in _JOINERS or char == "\ufe0f")
    return found if len(found) <= _LONGEST else f"{found[: _LONGEST - 1]}…"


def _lines(elements: Elements) -> list[tuple[str, str]]:
    found = [
        ("Workload", _workload(elements.workload)),
        ("Country or region", plain(elements.country or "")),
        ("Assessment", _words(elements.assessment)),
        ("Form of participation", _words(elements.participation)),
        ("Supervision", _supervision(elements.supervision)),
        ("Quality assurance", _words(elements.quality_assurance)),
    ]
    return [(term, text) for term, text in found if text]


def _kind(achievement_type: str | None) -> str:
    if achievement_type == "MicroCredential":
        return "Micro-credential"
    return plain(_spaced((achievement_type or "Credential").removeprefix("ext:"))).capitalize()


def _level(level: Level) -> str:
    return f"{level.framework} {'level' if level.framework == 'EQF' else 'cycle'} {level.value}"


def _workload(workload: Workload | None) -> str:
    if workload is None:
        return ""
    if workload.unit == "hour":
        return f"{workload.amount} hours" if workload.amount > 1 else "1 hour"
    return f"{workload.amount / 10:g} ECTS"


def _words(codes: tuple[str, ...]) -> str:
    return ", ".join(_WORDS.get(code) or _spaced(code).lower() for code in codes)


def _supervision(code: str | None) -> str:
    return _UNSUPERVISED if code == "none" else _words((code,) if code else ())


def _spaced(code: str) -> str:
    return _WORD.sub(" ", code)
