// What the codes of the catalogue (testamur/catalogue/members.py) are called. One that is not known here is
// shown as it is written.
import { _, hours, number } from "./words.mjs";

export const assessmentWords = (code) =>
  ({
    artefact: _("a piece of work"),
    attendance: _("attendance"),
    continuous: _("continuous assessment"),
    groupPerformance: _("group performance"),
    markedAssignment: _("marked assignment"),
    none: _("no assessment"),
    oralExamination: _("oral examination"),
    peerAssessment: _("assessment by peers"),
    portfolio: _("portfolio"),
    practical: _("practical assessment"),
    problemBased: _("problem-based work"),
    project: _("project"),
    quiz: _("quiz"),
    writtenExamination: _("written examination"),
  })[code] ?? code;

export const participationWords = (code) =>
  ({
    blended: _("blended learning"),
    online: _("online"),
    presential: _("on site"),
    projectBased: _("project-based"),
    research: _("research or laboratory"),
    workbased: _("at a place of work"),
  })[code] ?? code;

export const supervisionWords = (code) =>
  ({
    none: _("unsupervised, identity not checked"),
    supervised: _("supervised"),
    supervisedOnline: _("supervised online, identity checked"),
    supervisedOnSiteWithIdentity: _("supervised on site, identity checked"),
  })[code] ?? code;

export const accreditationWords = (code) => ({ institutional: _("accreditation of the institution"), programme: _("accreditation of the programme") })[code] ?? code;

export const levelWords = ({ framework, value }) => `${framework} ${value}`;

export const workloadWords = ({ unit, amount }) =>
  unit === "hour" ? hours(amount) : `${number(amount / 10)} ECTS`;

export const reasonWords = (code) =>
  ({
    accreditationWithdrawn: _("the accreditation was withdrawn"),
    administrative: _("administrative"),
    cessationOfOperation: _("the organization ceased to operate"),
    conditionsNotMet: _("conditions were not met"),
    duplicate: _("it was a duplicate"),
    fraudulentIssuance: _("it was issued by fraud"),
    holderRequest: _("the holder asked for it"),
    issuedInError: _("it was issued in error"),
    keyCompromise: _("a key was in other hands"),
    misconduct: _("misconduct"),
    qualityConcern: _("a concern about quality"),
    requirementsNotMet: _("requirements were not met"),
    superseded: _("another one takes its place"),
    unspecified: _("no reason was given"),
    voluntary: _("voluntary"),
  })[code] ?? code;
