"""Who appears in the story, and what they teach. All of them are made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from testamur.catalogue.members import (
    Assessment,
    Definition,
    IscedField,
    Level,
    Outcome,
    Participation,
    Scope,
    Supervision,
    Workload,
)


@dataclass(frozen=True, slots=True)
class Person:
    """An organization of the cast, before it has a key."""

    handle: str
    name: str
    country: str
    url: str


@dataclass(frozen=True, slots=True)
class Course:
    """An achievement, and how many learners earn it in the story."""

    provider: str
    definition: Definition
    description: str
    criteria: str
    learners: int


AUTHORITIES: Final = (
    Person("qualifications", "National Qualifications Authority", "NL", "https://nqa.example"),
    Person("health-council", "Council for Health Professions", "IE", "https://chp.example"),
)
ACCREDITORS: Final = (
    Person("skills-agency", "Skills Quality Agency", "NL", "https://sqa.example"),
    Person("clinical-board", "Clinical Education Board", "IE", "https://ceb.example"),
)
PROVIDERS: Final = (
    Person("harbour", "Harbour Polytechnic", "NL", "https://harbour.example"),
    Person("northwind", "Northwind Academy", "NL", "https://northwind.example"),
    Person("careworks", "CareWorks Institute", "IE", "https://careworks.example"),
)

# ISCED-F 2013: 061 ICT, 091 health, 041 business and administration, 01 education.
ICT: Final = "061"
HEALTH: Final = "091"
BUSINESS: Final = "041"

SCOPES: Final[dict[str, Scope]] = {
    "skills-agency": Scope(fields=("01", "04", "06"), jurisdictions=("IE", "NL")),
    "clinical-board": Scope(fields=("09",), jurisdictions=("IE", "NL")),
    "harbour": Scope(
        fields=(BUSINESS, ICT),
        jurisdictions=("NL",),
        levels=tuple(Level(framework="EQF", value=level) for level in (4, 5, 6, 7)),
    ),
    "northwind": Scope(fields=(BUSINESS, ICT), jurisdictions=("NL",)),
    "careworks": Scope(fields=(HEALTH,), jurisdictions=("IE",)),
}


def _course(
    provider: str,
    name: str,
    field: IscedField,
    level: int,
    hours: int,
    outcomes: tuple[str, ...],
    *,
    learners: int,
    assessment: tuple[Assessment, ...] = ("project",),
    participation: tuple[Participation, ...] = ("online",),
    supervision: Supervision = "supervisedOnline",
) -> Course:
    return Course(
        provider=provider,
        definition=Definition(
            name=name,
            achievement_type="MicroCredential",
            assessment=assessment,
            field=field,
            languages=("en",),
            level=Level(framework="EQF", value=level),
            outcomes=tuple(Outcome(name=outcome) for outcome in outcomes),
            participation=participation,
            quality_assurance=("programme",),
            supervision=supervision,
            workload=Workload(amount=hours, unit="hour"),
        ),
        description=f"{name}: a short course of {hours} hours at EQF level {level}.",
        criteria=f"Pass the assessment ({', '.join(assessment)}) of {name}.",
        learners=learners,
    )


COURSES: Final = (
    _course(
        "harbour",
        "Data Analytics Foundations",
        "0612",
        5,
        75,
        ("clean and join data sets", "choose a fitting chart", "test a hypothesis"),
        learners=420,
    ),
    _course(
        "harbour",
        "Applied Machine Learning",
        "0613",
        6,
        125,
        ("train and validate models", "detect leakage and bias"),
        learners=310,
    ),
    _course(
        "harbour",
        "Cyber Security Essentials",
        "0612",
        5,
        100,
        ("model threats", "harden a network service", "handle an incident"),
        learners=380,
        assessment=("practical", "writtenExamination"),
    ),
    _course(
        "harbour",
        "Secure Software Development",
        "0613",
        6,
        120,
        ("review code for flaws", "design with least privilege"),
        learners=260,
    ),
    _course(
        "harbour",
        "Cloud Operations",
        "0612",
        5,
        90,
        ("automate deployments", "observe a running system"),
        learners=290,
    ),
    _course(
        "harbour",
        "Project Leadership",
        "0413",
        6,
        60,
        ("plan and steer a project", "lead a team through change"),
        learners=240,
        assessment=("portfolio",),
        participation=("blended",),
    ),
    _course(
        "harbour",
        "Digital Accessibility",
        "0613",
        5,
        40,
        ("audit a site against WCAG", "write accessible markup"),
        learners=180,
    ),
    _course(
        "northwind",
        "Leadership for New Managers",
        "0413",
        5,
        50,
        ("give feedback", "delegate", "run a fair hiring round"),
        learners=330,
        assessment=("portfolio",),
    ),
    _course(
        "northwind",
        "Agile Product Ownership",
        "0413",
        5,
        40,
        ("order a backlog by value", "write testable stories"),
        learners=270,
    ),
    _course(
        "northwind",
        "Business Data Literacy",
        "0411",
        4,
        30,
        ("read a dashboard critically", "ask for the right figure"),
        learners=360,
        assessment=("quiz",),
        supervision="none",
    ),
    _course(
        "northwind",
        "Digital Marketing Analytics",
        "0414",
        5,
        45,
        ("measure a campaign", "respect consent"),
        learners=250,
    ),
    _course(
        "northwind",
        "Green Procurement",
        "0416",
        5,
        35,
        ("weigh life-cycle cost", "write green criteria"),
        learners=160,
    ),
    _course(
        "northwind",
        "Negotiation in Practice",
        "0413",
        5,
        30,
        ("prepare alternatives", "trade interests"),
        learners=210,
        participation=("presential",),
        supervision="supervisedOnSiteWithIdentity",
    ),
    _course(
        "northwind",
        "Spreadsheet Modelling",
        "0611",
        4,
        25,
        ("build a model others can check",),
        learners=300,
        assessment=("practical",),
    ),
    _course(
        "careworks",
        "Telehealth Consultation",
        "0914",
        6,
        60,
        ("consult by video", "recognise when to see a patient in person"),
        learners=280,
        assessment=("oralExamination", "practical"),
        supervision="supervisedOnSiteWithIdentity",
    ),
    _course(
        "careworks",
        "Infection Prevention",
        "0913",
        5,
        40,
        ("apply standard precautions", "audit a ward"),
        learners=350,
        assessment=("writtenExamination",),
        participation=("blended",),
    ),
    _course(
        "careworks",
        "Wound Care",
        "0913",
        6,
        55,
        ("assess and dress a wound", "escalate in time"),
        learners=190,
        assessment=("practical",),
        participation=("presential",),
        supervision="supervisedOnSiteWithIdentity",
    ),
    _course(
        "careworks",
        "Dementia Care",
        "0913",
        5,
        45,
        ("adapt communication", "support families"),
        learners=230,
        participation=("blended",),
    ),
    _course(
        "careworks",
        "Clinical Data Protection",
        "0910",
        5,
        20,
        ("share records lawfully",),
        learners=170,
        assessment=("quiz",),
    ),
    _course(
        "careworks",
        "Medication Safety",
        "0916",
        6,
        50,
        ("reconcile medication", "report a near miss"),
        learners=200,
        assessment=("practical", "writtenExamination"),
        supervision="supervisedOnSiteWithIdentity",
    ),
)

OUT_OF_SCOPE: Final = _course(
    "careworks",
    "Leadership on the Ward",
    "0413",
    6,
    40,
    ("lead a shift", "hand over safely"),
    learners=60,
    assessment=("portfolio",),
)
"""CareWorks is accredited for health only, and awards this nevertheless."""
