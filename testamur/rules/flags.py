"""The flags: what the rules admit and mark, because an accreditor needs to see it.

A flag follows from what the log held at the event's own position. It is never stored on the log
and never taken back. The rules give no other flags than these; the order here is that of the bits
in the read models' tables (`projections/flags.py`), so a new flag goes to the end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final, Self, TypeAlias

from testamur.catalogue import events as e


class MendedBy(StrEnum):
    """Who can do something about a flag before the events are recorded.

    What its sender can mend stops a submission that asks for that (`?flags=refuse`). What somebody
    else has to mend never does, nor what follows from the event by its nature (nobody).
    """

    SENDER = "sender"
    ACCREDITOR = "accreditor"
    AUTHORITY = "authority"
    NOBODY = "nobody"


class Flag(StrEnum):
    """A flag by its code, with the events that it is given to and what it means there.

    `remedy` says how it is mended by whom it is mended, or whom to write to.
    """

    on: tuple[type[e.Event], ...]
    meaning: str
    mended_by: MendedBy
    remedy: str

    def __new__(
        cls,
        code: str,
        on: tuple[type[e.Event], ...],
        meaning: str,
        mended_by: MendedBy,
        remedy: str,
    ) -> Self:
        """Make the member with this code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.on = on
        member.meaning = meaning
        member.mended_by = mended_by
        member.remedy = remedy
        return member

    NO_ACCREDITATION_CLAIMED = (
        "no-accreditation-claimed",
        (e.CredentialIssued,),
        "the provider names no accreditation",
        MendedBy.SENDER,
        "name the accreditation that covers it, or ask an accreditor for one",
    )
    ACCREDITATION_NOT_IN_FORCE = (
        "accreditation-not-in-force",
        (e.CredentialIssued,),
        "the accreditation is suspended, withdrawn, not begun or over on that day",
        MendedBy.SENDER,
        "name an accreditation that is in force; the accreditor named says what became of this one",
    )
    OUTSIDE_ACCREDITED_SCOPE = (
        "outside-accredited-scope",
        (e.CredentialIssued,),
        (
            "the accreditation does not cover the definition, or the country that its accreditor "
            "states"
        ),
        MendedBy.SENDER,
        "name an accreditation that covers it, or ask the accreditor to widen this one",
    )
    ACCREDITOR_NOT_RECOGNISED = (
        "accreditor-not-recognised",
        (e.AccreditationGranted, e.CredentialIssued),
        (
            "no recognition of the accreditor by a root authority, or by an authority that one of "
            "these recognised, is in force"
        ),
        MendedBy.AUTHORITY,
        "write to the accreditor: an authority has to recognise it",
    )
    AUTHORITY_CLOSED = (
        "authority-closed",
        (e.AccreditationGranted, e.CredentialIssued),
        "every authority whose recognition of the accreditor is in force has closed",
        MendedBy.AUTHORITY,
        "write to the accreditor: an authority that has not closed has to recognise it",
    )
    ACCREDITOR_CLOSED = (
        "accreditor-closed",
        (e.CredentialIssued,),
        "the accreditor has closed, and can withdraw nothing any more",
        MendedBy.ACCREDITOR,
        "write to another accreditor, which can accredit from now on",
    )
    SELF_ACCREDITATION = (
        "self-accreditation",
        (e.AccreditationGranted, e.CredentialIssued),
        "accreditor and provider are one organization",
        MendedBy.SENDER,
        "name an accreditation by another organization",
    )
    OUTSIDE_RECOGNITION = (
        "outside-recognition",
        (e.AccreditationGranted,),
        "the accreditation reaches beyond every recognition in force",
        MendedBy.SENDER,
        "narrow the scope, or ask the authority to widen its recognition",
    )
    ACHIEVEMENT_RETIRED = (
        "achievement-retired",
        (e.CredentialIssued,),
        "the achievement is awarded no more",
        MendedBy.SENDER,
        "award another achievement",
    )
    ACHIEVEMENT_VERSION_OUTDATED = (
        "achievement-version-outdated",
        (e.CredentialIssued,),
        "a later version of the definition was published",
        MendedBy.SENDER,
        "award the latest version of the definition",
    )
    BACKDATED = (
        "backdated",
        (e.CredentialIssued,),
        "valid from more than 30 days before it was recorded",
        MendedBy.SENDER,
        "mend the day of the award if it is wrong",
    )
    POSTDATED = (
        "postdated",
        (e.CredentialIssued,),
        "valid from more than a day after it was recorded",
        MendedBy.SENDER,
        "mend the day of the award if it is wrong, or submit when it has come",
    )
    ELEMENTS_MISSING = (
        "elements-missing",
        (e.AchievementDefined, e.AchievementRevised, e.CredentialIssued),
        "the definition leaves out a mandatory element of 2022/C 243/02",
        MendedBy.SENDER,
        "state them: revise the definition (achievement.revised), and award that version",
    )
    COUNTRY_CHANGED = (
        "country-changed",
        (e.OrganizationUpdated,),
        "the organization states another country than before, in its own word",
        MendedBy.SENDER,
        "state the former country if this one is a mistake",
    )
    SELF_RECOGNITION = (
        "self-recognition",
        (e.RecognitionGranted, e.AccreditationGranted, e.CredentialIssued),
        "nobody but the accreditor itself, being an authority too, recognises it",
        MendedBy.AUTHORITY,
        "write to the accreditor: another authority has to recognise it",
    )
    IDENTIFIER_SHARED = (
        "identifier-shared",
        (e.OrganizationRegistered, e.OrganizationUpdated),
        "another organization stated one of these identifiers first",
        MendedBy.SENDER,
        "leave the identifier out if it is not yours",
    )
    KEY_SHARED = (
        "key-shared",
        (e.OrganizationRegistered, e.KeyListed),
        "another organization listed one of these keys first",
        MendedBy.SENDER,
        "make a key of your own: testamur keygen",
    )
    REACHES_BACK = (
        "reaches-back",
        (e.KeyCompromised,),
        "it brings back what was ended, or voids grants to others",
        MendedBy.NOBODY,
        "nothing is to be mended: that is what a declaration does",
    )
    REVIEW_OVERDUE = (
        "review-overdue",
        (e.CredentialIssued,),
        "the accreditor was to review the accreditation before that day, and states no later one",
        MendedBy.ACCREDITOR,
        "write to the accreditor: it has to review it, and to state the day of the next review",
    )
    DID_OF_ANOTHER = (
        "did-of-another",
        (
            e.RecognitionGranted,
            e.RecognitionRestated,
            e.AccreditationGranted,
            e.AccreditationRestated,
        ),
        "one of `otherIds` is the DID or a key of another organization than the one it is about",
        MendedBy.SENDER,
        "leave that DID out: nobody but the holder of its key can say whose it is",
    )


Flags: TypeAlias = tuple[Flag, ...]
"""Flags in the order of `Flag`, none twice."""


FLAGS: Final[Mapping[str, Flag]] = {flag.value: flag for flag in Flag}
"""The flags by their codes."""


MENDABLE: Final = frozenset(flag for flag in Flag if flag.mended_by is MendedBy.SENDER)
"""The flags that the sender of an event can mend, unless its line is there already (`mending`)."""


def in_order(flags: Collection[Flag]) -> Flags:
    """Return flags in their one order."""
    return tuple(flag for flag in Flag if flag in flags) if len(flags) > 1 else tuple(flags)
