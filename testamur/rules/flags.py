"""The flags: what the rules admit and mark, because an accreditor needs to see it.

A flag follows from what the log held at the event's own position. It is never stored on the log
and never taken back. The rules give no other flags than these; the order here is that of the bits
in the read models' tables (`projections/flags.py`), so a new flag goes to the end.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Self, TypeAlias

from testamur.catalogue import events as e


class Flag(StrEnum):
    """A flag by its code, with the events that it is given to and what it means there."""

    on: tuple[type[e.Event], ...]
    meaning: str

    def __new__(cls, code: str, on: tuple[type[e.Event], ...], meaning: str) -> Self:
        """Make the member with this code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.on = on
        member.meaning = meaning
        return member

    NO_ACCREDITATION_CLAIMED = (
        "no-accreditation-claimed",
        (e.CredentialIssued,),
        "the provider names no accreditation",
    )
    ACCREDITATION_NOT_IN_FORCE = (
        "accreditation-not-in-force",
        (e.CredentialIssued,),
        "the accreditation is suspended, withdrawn, not begun or over on that day",
    )
    OUTSIDE_ACCREDITED_SCOPE = (
        "outside-accredited-scope",
        (e.CredentialIssued,),
        (
            "the accreditation does not cover the definition, or the country that its accreditor "
            "states"
        ),
    )
    ACCREDITOR_NOT_RECOGNISED = (
        "accreditor-not-recognised",
        (e.AccreditationGranted, e.CredentialIssued),
        (
            "no recognition of the accreditor by a root authority, or by an authority that one of "
            "these recognised, is in force"
        ),
    )
    AUTHORITY_CLOSED = (
        "authority-closed",
        (e.AccreditationGranted, e.CredentialIssued),
        "every authority whose recognition of the accreditor is in force has closed",
    )
    ACCREDITOR_CLOSED = (
        "accreditor-closed",
        (e.CredentialIssued,),
        "the accreditor has closed, and can withdraw nothing any more",
    )
    SELF_ACCREDITATION = (
        "self-accreditation",
        (e.AccreditationGranted, e.CredentialIssued),
        "accreditor and provider are one organization",
    )
    OUTSIDE_RECOGNITION = (
        "outside-recognition",
        (e.AccreditationGranted,),
        "the accreditation reaches beyond every recognition in force",
    )
    ACHIEVEMENT_RETIRED = (
        "achievement-retired",
        (e.CredentialIssued,),
        "the achievement is awarded no more",
    )
    ACHIEVEMENT_VERSION_OUTDATED = (
        "achievement-version-outdated",
        (e.CredentialIssued,),
        "a later version of the definition was published",
    )
    BACKDATED = (
        "backdated",
        (e.CredentialIssued,),
        "valid from more than 30 days before it was recorded",
    )
    POSTDATED = (
        "postdated",
        (e.CredentialIssued,),
        "valid from more than a day after it was recorded",
    )
    ELEMENTS_MISSING = (
        "elements-missing",
        (e.AchievementDefined, e.AchievementRevised, e.CredentialIssued),
        "the definition leaves out a mandatory element of 2022/C 243/02",
    )
    COUNTRY_CHANGED = (
        "country-changed",
        (e.OrganizationUpdated,),
        "the organization states another country than before, in its own word",
    )
    SELF_RECOGNITION = (
        "self-recognition",
        (e.RecognitionGranted, e.AccreditationGranted, e.CredentialIssued),
        "nobody but the accreditor itself, being an authority too, recognises it",
    )
    IDENTIFIER_SHARED = (
        "identifier-shared",
        (e.OrganizationRegistered, e.OrganizationUpdated),
        "another organization stated one of these identifiers first",
    )
    KEY_SHARED = (
        "key-shared",
        (e.OrganizationRegistered, e.KeyListed),
        "another organization listed one of these keys first",
    )
    REACHES_BACK = (
        "reaches-back",
        (e.KeyCompromised,),
        "it brings back what was ended, or voids grants to others",
    )
    REVIEW_OVERDUE = (
        "review-overdue",
        (e.CredentialIssued,),
        "the accreditor was to review the accreditation before that day, and states no later one",
    )


Flags: TypeAlias = tuple[Flag, ...]
"""Flags in the order of `Flag`, none twice."""


def in_order(flags: Collection[Flag]) -> Flags:
    """Return flags in their one order."""
    return tuple(flag for flag in Flag if flag in flags) if len(flags) > 1 else tuple(flags)
