"""Types of achievement in the spelling of Open Badges 3.0 (`AchievementType`).

Others are the provider's own, and begin with `ext:`.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

_LISTED: Final = """
    Achievement ApprenticeshipCertificate Assessment Assignment AssociateDegree Award BachelorDegree
    Badge Certificate CertificateOfCompletion Certification CoCurricular CommunityService Competency
    Course Degree Diploma DoctoralDegree Fieldwork GeneralEducationDevelopment JourneymanCertificate
    LearningProgram License MasterCertificate MasterDegree Membership MicroCredential
    ProfessionalDoctorate QualityAssuranceCredential ResearchDoctorate SecondarySchoolDiploma
"""
TYPES: Final = frozenset(_LISTED.split())
"""The types that the specification lists."""

_EXTENSION: Final = "ext:"
_FOLDED: Final = {each.casefold(): each for each in TYPES}


def fault(kind: str) -> str | None:
    """Return what is wrong with a type such as Certificate, and what to write; None if nothing."""
    if kind in TYPES:
        return None
    word = kind.removeprefix(_EXTENSION)
    folded = word.casefold()
    if folded in _FOLDED:
        return f"{kind} is written {_FOLDED[folded]} in Open Badges 3.0"
    if word != kind:
        return None
    meant = _nearest(folded)
    if meant:
        nearest = " or ".join(meant)
        return (
            f"{kind} is no achievement type of Open Badges 3.0; write {nearest}, or ext:{kind} for "
            "one of your own"
        )
    listed = ", ".join(sorted(TYPES))
    return f"one of your own begins with ext:, and those of Open Badges 3.0 are {listed}"


def _nearest(folded: str) -> list[str]:
    """Return the types that a word begins, else the one that it is likely meant for."""
    begun = [each for each in _FOLDED if each.startswith(folded)] if len(folded) > 3 else []
    found = begun or get_close_matches(folded, _FOLDED, n=1, cutoff=0.75)
    return sorted(_FOLDED[each] for each in found)
