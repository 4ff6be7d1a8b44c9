"""Which `type` the objects of an Open Badge have (Open Badges 3.0 appendix B).

Asked are the objects that the specification defines, where it defines them. An extension may call
its own members what it likes, such as `source` or `result`, and its types are its own.
"""

from __future__ import annotations

from typing import Final

from testamur.badges.nodes import Node

_CREDENTIAL: Final = "AchievementCredential"
_MEMBERS: Final[dict[str, dict[str, str]]] = {
    _CREDENTIAL: {
        "credentialSubject": "AchievementSubject",
        "evidence": "Evidence",
        "issuer": "Profile",
    },
    "AchievementSubject": {
        "achievement": "Achievement",
        "identifier": "IdentityObject",
        "result": "Result",
        "source": "Profile",
    },
    "Achievement": {
        "alignment": "Alignment",
        "creator": "Profile",
        "otherIdentifier": "IdentifierEntry",
        "resultDescription": "ResultDescription",
    },
    "Profile": {
        "address": "Address",
        "otherIdentifier": "IdentifierEntry",
        "parentOrg": "Profile",
    },
    "Result": {"alignment": "Alignment"},
    "ResultDescription": {
        "alignment": "Alignment",
        "rubricCriterionLevel": "RubricCriterionLevel",
    },
    "RubricCriterionLevel": {"alignment": "Alignment"},
}
"""By type, the members that hold objects, and the type of these.

Endorsements are credentials of other issuers, with subjects and rules of their own.
"""


def check_types(credential: Node) -> None:
    """Refuse (`ob-type`) an object of the specification whose `type` is another."""
    waiting = [(credential, _CREDENTIAL)]
    for node, kind in waiting:  # grows as we go
        for name, inner in _MEMBERS.get(kind, {}).items():
            member = node.get(name)
            for item in () if member is None else member.objects():
                found = item.get("type")
                if found is not None and inner not in found.texts():
                    found.refuse(f"must be {inner}", "ob-type")
                waiting.append((item, inner))
